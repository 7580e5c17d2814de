package template

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Found is a content template that the account has at Twilio, whoever made it.
type Found struct {
	SID, Name, Language string
	Type                string // in Twilio's words, the one that would be sent; of several the richest
	Body                string // with the placeholders that it has at Twilio: {{1}}…
	Parts               Parts  // likewise
	Variables           []FoundVariable
	Category            Category // "": not submitted
	Approval            Approval // draft: not submitted
	Reason              string
	CreatedAt           *time.Time

	// Problem says why it cannot be sent from here; empty: it can.
	Problem say.Text
	// TemplateID is the template here that it was brought in as; 0: none.
	TemplateID int64
}

// FoundVariable is a placeholder of a content template.
type FoundVariable struct {
	Key    string // 1, 2…, or a name
	Sample string
}

// placeholder is one as Twilio writes it.
var placeholder = regexp.MustCompile(`\{\{\s*([A-Za-z0-9_]{1,16})\s*\}\}`)

// Placeholders are the names of the placeholders in a text, each once.
func Placeholders(text string) (keys []string) {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(keys, m[1]) {
			keys = append(keys, m[1])
		}
	}
	return keys
}

// KeptAs is the expression that stands for a placeholder which nobody filled: an attribute
// of its name, which no contact has by chance. Whoever lacks it gets nothing.
func KeptAs(key string) string { return "attributes.variable_" + strings.ToLower(key) }

// ImportInput says how a content template is to be brought in.
type ImportInput struct {
	ContentSID string
	Name       string            // "": the one that it has at Twilio
	Category   *Category         // of one that was not submitted; nil: marketing
	Variables  map[string]string // expression by placeholder; one that is absent stays, see KeptAs
}

// contentSID is how Twilio names a content template.
var contentSID = regexp.MustCompile(`^HX[0-9a-fA-F]{32}$`)

// ImportableQuery says which content templates of the account are asked for.
type ImportableQuery struct {
	Search string // by name, language and words; "": all
	First  int    // how many
	After  string // the SID of the last one that was seen; "": from the newest on
}

// Importables are content templates of the account.
type Importables struct {
	List   []Found
	More   bool // there are more after these
	Unread bool // the account has more than were looked at
}

// contents are all that were read of an account.
type contents struct {
	list []Found
	more bool
}

// trustContents is how long a list of them counts: it takes many questions to Twilio.
const trustContents = 3 * time.Second

// Importable gives a page of the content templates of the account, and tells which are here
// already.
func (s *Service) Importable(ctx context.Context, q ImportableQuery) (*Importables, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if q.First < 1 || q.First > db.MaxPage {
		return nil, apperr.Invalid("first", "%d is out of range: 1 to %d", q.First, db.MaxPage)
	}
	all, err := s.contents.Get(ctx, "", func(ctx context.Context) (c contents, err error) {
		c.list, c.more, err = s.library.Contents(ctx)
		return c, err
	})
	if err != nil {
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "Twilio does not tell its templates: try again")
	}
	out := &Importables{Unread: all.more}
	rest := all.list
	if q.After != "" {
		at := slices.IndexFunc(rest, func(f Found) bool { return f.SID == q.After })
		if at < 0 {
			return nil, apperr.Invalid("after", "%q is no content template of the account any more: begin anew", clip(q.After))
		}
		rest = rest[at+1:]
	}
	var sids []string
	for _, f := range rest {
		if !f.matches(q.Search) {
			continue
		}
		if out.More = len(out.List) == q.First; out.More {
			break
		}
		out.List, sids = append(out.List, f), append(sids, f.SID)
	}
	here, err := templatesOfContents(ctx, s.db, sids)
	if err != nil {
		return nil, err
	}
	for i := range out.List {
		f := &out.List[i]
		f.TemplateID = here[f.SID]
		if f.Problem.Empty() {
			if _, _, err := f.read(ImportInput{}); err != nil {
				f.Problem = apperr.Text(err)
			}
		}
	}
	return out, nil
}

// matches reports whether each word of a search is in what a content template is.
func (f *Found) matches(search string) bool {
	text := strings.ToLower(f.Name + "\n" + f.Language + "\n" + f.Body)
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Import makes a template of a content template of the account, with the approval that it
// has. What it says stays at Twilio as it is; here it is said which value each of its
// placeholders gets.
func (s *Service) Import(ctx context.Context, in ImportInput) (*Template, *Version, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, nil, err
	}
	if !contentSID.MatchString(in.ContentSID) {
		return nil, nil, apperr.Invalid("contentSid", "%q is no content SID: HX and 32 hexadecimal digits", clip(in.ContentSID))
	}
	f, err := s.library.Found(ctx, in.ContentSID)
	if err != nil {
		return nil, nil, apperr.Wrap(err, apperr.CodeUnavailable, "Twilio does not tell about this template: try again")
	}
	if f == nil {
		return nil, nil, apperr.Invalid("contentSid", "the account has no content template %s", in.ContentSID)
	}
	if !f.Problem.Empty() {
		return nil, nil, apperr.Invalid("contentSid", "%s cannot be brought in: %s", f.Name, f.Problem)
	}
	t, v, err := f.read(in)
	if err != nil {
		return nil, nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		here, err := templatesOfContents(ctx, tx, []string{f.SID})
		if err != nil {
			return err
		}
		if here[f.SID] != 0 {
			return apperr.Conflict("this content template was brought in already")
		}
		if err := insertTemplate(ctx, tx, t); err != nil {
			return err
		}
		v.TemplateID = t.ID
		if err := insertVersion(ctx, tx, v); err != nil {
			return err
		}
		if v.ApprovalStatus != ApprovalDraft {
			if err := markImported(ctx, tx, v); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.TemplateImport, "template", t.ID,
			map[string]any{"name": t.Name, "version": v.ID, "content": f.SID})
	})
	if db.IsUnique(err) {
		return nil, nil, apperr.Invalid("name", "there is a template named %q in %s already: give this one another name", t.Name, t.Language)
	}
	return t, v, err
}

// read makes a template and its version of what was found.
func (f *Found) read(in ImportInput) (*Template, *Version, error) {
	var errs apperr.List
	for key := range in.Variables {
		if !slices.ContainsFunc(f.Variables, func(v FoundVariable) bool { return v.Key == key }) {
			_ = errs.Add(apperr.Invalid("variables", "{{%s}} is no placeholder of this template", clip(key)))
		}
	}
	expressions := map[string]string{}
	for _, v := range f.Variables {
		e := strings.TrimSpace(in.Variables[v.Key])
		e = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(e, "{{"), "}}"))
		if e == "" {
			e = KeptAs(v.Key)
		} else if b, err := Parse("{{" + e + "}}"); err != nil || len(b.Exprs) != 1 || len(b.Parts) != 1 {
			_ = errs.Add(apperr.Invalid("variables", "{{%s}} is to be filled by %q, which is no placeholder: such as name, or attributes.city | there",
				v.Key, clip(e)))
			continue
		}
		expressions[v.Key] = e
	}
	if err := errs.Err(); err != nil {
		return nil, nil, err
	}
	put := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(ref string) string {
			if e, ok := expressions[placeholder.FindStringSubmatch(ref)[1]]; ok {
				return "{{" + e + "}}"
			}
			return ref
		})
	}
	body, parts := put(f.Body), f.Parts.clone()
	for _, slot := range parts.slots() {
		*slot.text = put(*slot.text)
	}
	name, language, category := in.Name, f.Language, f.Category
	if strings.TrimSpace(name) == "" {
		name = f.Name
	}
	if category == "" {
		category = CategoryMarketing
		switch {
		case parts.Authentication != nil:
			category = CategoryAuthentication
		case in.Category != nil:
			category = *in.Category
		}
	}
	t, v := &Template{}, &Version{Version: 1, ContentSID: f.SID, ApprovalStatus: f.Approval, RejectionReason: f.Reason}
	if err := (Input{Name: &name, Language: &language, Body: &body, Category: &category, Parts: &parts}).apply(t, v, ""); err != nil {
		return nil, nil, err
	}
	if !v.Kind.NeedsApproval() {
		v.ApprovalStatus = ApprovalWindowOnly
	}
	return t, v, f.name(v)
}

// name gives the variables of a version the names that they have at Twilio. Text by text, its
// placeholders there and here stand in the same order.
func (f *Found) name(v *Version) error {
	c, err := Compile(v.Body, v.Parts)
	if err != nil {
		return err
	}
	there := f.Parts.clone()
	there.clean()
	body := f.Body
	if a := there.Authentication; a != nil {
		body = a.Code + authenticationText
	}
	of := map[string]*Expression{}
	pair := func(text string, b *Body) error {
		if b == nil {
			return nil
		}
		var here []*Expression
		for _, part := range b.Parts {
			if part.Expr != nil {
				here = append(here, part.Expr)
			}
		}
		for i, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if i >= len(here) {
				break
			}
			if was := of[m[1]]; was != nil && was != here[i] {
				return apperr.Invalid("contentSid", "its placeholder {{%s}} stands both in a text and in an address, where values are written in another way", m[1])
			}
			of[m[1]] = here[i]
		}
		return nil
	}
	if err := pair(body, c.Body); err != nil {
		return err
	}
	for i, slot := range there.slots() {
		if err := pair(*slot.text, c.bodies[i]); err != nil {
			return err
		}
	}
	for _, found := range f.Variables {
		e := of[found.Key]
		if e == nil {
			return apperr.Invalid("contentSid", "its placeholder {{%s}} stands where nothing can be filled in from here", found.Key)
		}
		at := &v.Variables[slices.Index(c.Exprs, e)]
		at.Keys = append(at.Keys, found.Key)
		if found.Sample != "" {
			at.Sample = found.Sample
		}
	}
	return nil
}
