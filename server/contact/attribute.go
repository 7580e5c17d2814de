package contact

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// AttributeType is what an attribute holds.
type AttributeType string

// Types of attributes.
const (
	AttributeText    AttributeType = "text"
	AttributeNumber  AttributeType = "number"
	AttributeDate    AttributeType = "date"
	AttributeBoolean AttributeType = "boolean"
	AttributeList    AttributeType = "list"
)

// Bounds of what people set, and of how many attributes are kept with a name.
const (
	maxAttributeName        = 60
	maxAttributeDescription = 300
	maxAttributeKeys        = 1000
	maxAttributeDepth       = 4
	listedAttributes        = 200
)

// Attribute is what people call an attribute, and what it holds. What nobody has set is empty.
type Attribute struct {
	bun.BaseModel `bun:"table:attributes,alias:at"`

	ID          int64         `bun:",pk,autoincrement"`
	Key         string        // path below attributes, parts joined by dots
	Name        string        //
	Type        AttributeType //
	Description string        //
	CreatedAt   time.Time     `bun:",nullzero"`
	UpdatedAt   time.Time     `bun:",nullzero"`
}

// AttributeKey is an attribute with what a sample of the contacts tells of it.
type AttributeKey struct {
	Attribute
	Types    []string // string, date, number, boolean, array or null: what it holds, most frequent first
	Coverage float64  // share of contacts that have it, 0 to 1
	Samples  []string // frequent values; of lists, their entries
}

// AttributeInput is what a person sets; nil leaves a field as it is, and an empty one takes back what was set.
type AttributeInput struct {
	Name, Description *string
	Type              *AttributeType
}

// complete fills in what nobody has set: the name from the key, the type from the values.
func (k *AttributeKey) complete() {
	if k.Name == "" {
		k.Name = nameOfKey(k.Key)
	}
	if k.Type == "" {
		k.Type = AttributeText
		if len(k.Types) > 0 {
			k.Type = cmp.Or(held[k.Types[0]], AttributeText)
		}
	}
}

// held are the types by what JSON calls them, and by dates, which are texts there.
var held = map[string]AttributeType{
	"number": AttributeNumber, "boolean": AttributeBoolean, "array": AttributeList, "date": AttributeDate,
}

// nameOfKey makes words of a key: "loyalty_points" is Loyalty points, and "lastOrder.placedAt" Last order placed at.
func nameOfKey(key string) string {
	var words strings.Builder
	var before rune
	for i, r := range key {
		switch {
		case strings.ContainsRune("_-. ", r):
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(before):
			words.WriteByte(' ')
			r = unicode.ToLower(r)
		case i == 0:
			r = unicode.ToUpper(r)
		}
		words.WriteRune(r)
		before = r
	}
	return cmp.Or(strings.Join(strings.Fields(words.String()), " "), key)
}

// AttributeKeys gives the attributes that contacts have, those of most contacts first, with what up to 10,000
// contacts spread over the table tell of them; and behind these the ones that only the registry knows.
func (s *Service) AttributeKeys(ctx context.Context) ([]*AttributeKey, error) {
	sampled, err := sampledAttributes(ctx, s.db)
	if err != nil {
		return nil, err
	}
	known, err := attributes(ctx, s.db)
	if err != nil {
		return nil, err
	}
	keys := make([]*AttributeKey, 0, len(sampled)+len(known))
	for _, k := range sampled {
		if of := known[k.Key]; of != nil {
			k.Attribute = *of
			delete(known, k.Key)
		}
		keys = append(keys, k)
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		keys = append(keys, &AttributeKey{Attribute: *known[key]})
	}
	for _, k := range keys {
		k.complete()
	}
	return keys[:min(len(keys), listedAttributes)], nil
}

// UpdateAttribute sets what people call an attribute and what it holds. Its key never changes: segments, templates
// and imports name it. expected is the revision that the change was made on; nil: whatever it is.
func (s *Service) UpdateAttribute(ctx context.Context, key string, in AttributeInput, expected *int64) (*AttributeKey, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := in.check(key); err != nil {
		return nil, err
	}
	var row *Attribute
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		a, err := attributeForUpdate(ctx, tx, key)
		if err != nil {
			return err
		}
		if expected != nil {
			ctx = audit.Expecting(ctx, audit.Thing{Entity: attributeEntity, ID: a.ID}, *expected)
		}
		was := a.audited()
		in.apply(a)
		if err := saveAttribute(ctx, tx, a); db.IsUnique(err) {
			return apperr.Invalid("name", "another attribute is named %q: choose another name", a.Name)
		} else if err != nil {
			return err
		}
		row = a
		return audit.RecordChange(ctx, tx, audit.AttributeUpdate, attributeEntity, a.ID, was, a.audited())
	})
	if err != nil {
		return nil, err
	}
	all, err := s.AttributeKeys(ctx)
	for _, k := range all {
		if k.Key == key {
			return k, err
		}
	}
	k := &AttributeKey{Attribute: *row} // behind the ones that are listed
	k.complete()
	return k, err
}

// attributeEntity is what the trail calls it.
const attributeEntity = "attribute"

// AttributeThing is the one whose revisions are counted.
func AttributeThing(id int64) audit.Thing { return audit.Thing{Entity: attributeEntity, ID: id} }

// audited is what it is set to, for the trail, with the key in front: the trail knows it by a number alone.
func (a *Attribute) audited() map[string]any {
	return map[string]any{a.Key + ".name": a.Name, a.Key + ".type": a.Type, a.Key + ".description": a.Description}
}

func (in AttributeInput) check(key string) error {
	var errs apperr.List
	parts := strings.Split(key, ".")
	for _, part := range parts {
		if CheckAttributeKey(part) != nil || len(parts) > maxAttributeDepth {
			return apperr.Invalid("key", "%q is not an attribute: the path below attributes, of at most %d parts joined by "+
				"dots, such as city or address.city", key, maxAttributeDepth)
		}
	}
	if in.Name != nil && utf8.RuneCountInString(CleanText(*in.Name)) > maxAttributeName {
		_ = errs.Add(apperr.Invalid("name", "a name has at most %d characters", maxAttributeName))
	}
	if in.Description != nil && utf8.RuneCountInString(CleanText(*in.Description)) > maxAttributeDescription {
		_ = errs.Add(apperr.Invalid("description", "a description has at most %d characters", maxAttributeDescription))
	}
	return errs.Err()
}

func (in AttributeInput) apply(a *Attribute) {
	if in.Name != nil {
		// One line, since it stands in lists and on pills. What the key says anyway is not kept.
		if a.Name = strings.Join(strings.Fields(CleanText(*in.Name)), " "); a.Name == nameOfKey(a.Key) {
			a.Name = ""
		}
	}
	if in.Description != nil {
		a.Description = CleanText(*in.Description)
	}
	if in.Type != nil {
		a.Type = *in.Type
	}
}

// keysOf are the paths of all values that are no objects, as builders name them.
func keysOf(attributes map[string]any) (keys []string) {
	var walk func(path string, v any, depth int)
	walk = func(path string, v any, depth int) {
		object, is := v.(map[string]any)
		switch {
		case is && depth < maxAttributeDepth:
			for key, inner := range object {
				if CheckAttributeKey(key) == nil {
					walk(path+"."+key, inner, depth+1)
				}
			}
		case !is && v != nil:
			keys = append(keys, path)
		}
	}
	for key, v := range attributes {
		walk(key, v, 1)
	}
	return keys
}
