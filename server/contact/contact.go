// Package contact knows the people we may write to.
package contact

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"
)

// ConsentStatus is where a contact stands; the consent ledger decides it.
type ConsentStatus string

// Consent statuses.
const (
	ConsentUnknown  ConsentStatus = "unknown"   // nobody asked yet: gets nothing
	ConsentOptedIn  ConsentStatus = "opted_in"  //
	ConsentOptedOut ConsentStatus = "opted_out" //
)

// ZoneSource says how the time zone is known.
type ZoneSource string

// Zone sources.
const (
	ZoneDeclared ZoneSource = "declared" // somebody said so
	ZoneNumber   ZoneSource = "number"   // the number stands for one zone
	ZoneUnknown  ZoneSource = "unknown"  //
)

// Contact is a person. Address, MatchKey, Kind and Region are those of the
// address that is written to; see Known for all of them.
type Contact struct {
	bun.BaseModel `bun:"table:contacts,alias:c"`

	ID                int64          `bun:",pk,autoincrement"`
	Address           string         // see Address.Wire
	MatchKey          string         // see Address.MatchKey
	Kind              Kind           //
	Region            string         // ISO 3166-1 alpha-2
	TimeZone          string         // IANA; "" = unknown
	TimeZoneSource    ZoneSource     //
	Name              string         //
	Locale            string         // BCP 47
	Attributes        map[string]any `bun:"type:jsonb"`
	ConsentStatus     ConsentStatus  //
	ConsentAt         *time.Time     //
	UtilityStatus     ConsentStatus  `bun:",nullzero,default:'unknown'"` // as recorded of utility messages alone; STOP is not in it
	Reachable         bool           // false once Twilio said that the address has no WhatsApp
	UnreachableReason string         //
	UnreachableUntil  *time.Time     // when that mark ends
	MarketingEligible bool           // false once WhatsApp declined marketing to it
	IneligibleReason  string         //
	IneligibleUntil   *time.Time     // when that mark ends
	LastInboundAt     *time.Time     //
	OptOutReviewAt    *time.Time     // since when a person has to decide whether a message asked for an opt-out
	OptInRequestAt    *time.Time     // since when a consent of theirs waits for their confirmation: package doubleoptin
	ErasedAt          *time.Time     // also of one that was merged
	MergedInto        *int64         // who they are now; the row keeps their number
	CreatedAt         time.Time      `bun:",nullzero"`
	UpdatedAt         time.Time      `bun:",nullzero"`
}

const (
	maxName       = 200
	maxAttributes = 16 << 10 // bytes of JSON
)

// Input is what a person can set. nil leaves a field as it is.
type Input struct {
	Name       *string
	Locale     *string
	TimeZone   *string        // IANA name; "" takes it back to the number's
	Attributes map[string]any // merged into the present ones; a nil value removes the key
}

// apply checks in and writes it to c.
func (in Input) apply(c *Contact) error {
	var errs apperr.List
	if in.Name != nil {
		if c.Name = CleanText(*in.Name); utf8.RuneCountInString(c.Name) > maxName {
			_ = errs.Add(apperr.Invalid("name", "a name has at most %d characters", maxName))
		}
	}
	if in.Locale != nil {
		if c.Locale = CleanText(*in.Locale); len(c.Locale) > 35 {
			_ = errs.Add(apperr.Invalid("locale", "%q is not a language tag such as de or pt-BR", *in.Locale))
		}
	}
	if in.TimeZone != nil {
		_ = errs.Add(c.setZone(strings.TrimSpace(*in.TimeZone)))
	}
	if c.Attributes == nil {
		c.Attributes = map[string]any{}
	}
	for key, value := range in.Attributes {
		if err := CheckAttributeKey(key); err != nil {
			_ = errs.Add(err)
			continue
		}
		if value == nil {
			delete(c.Attributes, key)
		} else {
			c.Attributes[key] = value
		}
	}
	if c.TooLarge() {
		_ = errs.Add(apperr.Invalid("attributes", "all attributes together take at most %d bytes of JSON", maxAttributes))
	}
	return errs.Err()
}

// Tags are the entries of the attribute of that name; a text there is a list
// with commas, as files write it.
func (c *Contact) Tags() (tags []string) {
	switch v := c.Attributes["tags"].(type) {
	case string:
		for _, t := range strings.Split(v, ",") {
			if t = strings.TrimSpace(t); t != "" {
				tags = append(tags, t)
			}
		}
	case []any:
		for _, e := range v {
			if t, ok := e.(string); ok && t != "" {
				tags = append(tags, t)
			}
		}
	}
	return tags
}

// TooLarge reports whether the attributes outgrow what a contact may hold.
func (c *Contact) TooLarge() bool {
	raw, err := json.Marshal(c.Attributes)
	return err != nil || len(raw) > maxAttributes
}

// Absorb fills c's gaps with what other knows.
func (c *Contact) Absorb(other *Contact) {
	fill := func(into *string, value string) {
		if *into == "" {
			*into = value
		}
	}
	fill(&c.Name, other.Name)
	fill(&c.Locale, other.Locale)
	if c.TimeZoneSource != ZoneDeclared && other.TimeZoneSource == ZoneDeclared {
		c.TimeZone, c.TimeZoneSource = other.TimeZone, ZoneDeclared
	}
	if c.Attributes == nil {
		c.Attributes = map[string]any{}
	}
	for key, v := range other.Attributes {
		if _, has := c.Attributes[key]; has {
			continue
		}
		if c.Attributes[key] = v; c.TooLarge() {
			delete(c.Attributes, key)
		}
	}
	if other.CreatedAt.Before(c.CreatedAt) {
		c.CreatedAt = other.CreatedAt
	}
	if other.LastInboundAt != nil && (c.LastInboundAt == nil || other.LastInboundAt.After(*c.LastInboundAt)) {
		c.LastInboundAt = other.LastInboundAt
	}
	if other.OptOutReviewAt != nil && (c.OptOutReviewAt == nil || other.OptOutReviewAt.Before(*c.OptOutReviewAt)) {
		c.OptOutReviewAt = other.OptOutReviewAt
	}
}

func (c *Contact) setZone(zone string) error {
	if zone == "" {
		c.TimeZone, c.TimeZoneSource = "", ZoneUnknown
		if a, err := ParseAddress(c.Address, ""); err == nil && a.TimeZone != "" {
			c.TimeZone, c.TimeZoneSource = a.TimeZone, ZoneNumber
		}
		return nil
	}
	if _, err := Zone(zone); err != nil {
		return apperr.Invalid("timeZone", "%q is not an IANA time zone such as Europe/Berlin", zone)
	}
	c.TimeZone, c.TimeZoneSource = zone, ZoneDeclared
	return nil
}

// CheckAttributeKey refuses keys that no query could name.
func CheckAttributeKey(key string) error {
	if key == "" || utf8.RuneCountInString(key) > 64 || strings.ContainsAny(key, ".{}|\"\x00") {
		return apperr.Invalid("attributes", "%q is not an attribute key: 1 to 64 characters without . { } | or quotes", key)
	}
	return nil
}

// CleanText trims, drops NUL, which Postgres cannot keep, and composes letters and
// their accents (Unicode NFC), so that equal words are equal bytes.
func CleanText(s string) string {
	return strings.TrimSpace(norm.NFC.String(db.Storable(s)))
}

// New makes a contact for a checked address.
func New(a Address) *Contact {
	c := &Contact{
		Address: a.Wire, MatchKey: a.MatchKey, Kind: a.Kind.ofContact(), Region: a.Region, TimeZone: a.TimeZone,
		TimeZoneSource: ZoneUnknown,
		Attributes:     map[string]any{}, ConsentStatus: ConsentUnknown, UtilityStatus: ConsentUnknown, Reachable: true, MarketingEligible: true,
	}
	if a.TimeZone != "" {
		c.TimeZoneSource = ZoneNumber
	}
	return c
}

// Filter narrows a list of contacts. It is kept as JSON in saved views and bulk
// actions.
type Filter struct {
	ConsentStatus *ConsentStatus  `json:"consentStatus,omitempty"`
	Reachable     *bool           `json:"reachable,omitempty"`
	Region        string          `json:"region,omitempty"`
	Search        string          `json:"search,omitempty"` // part of the name or of an attribute, or a number in any spelling
	Query         json.RawMessage `json:"query,omitempty"`  // in the segment language
	IDs           []int64         `json:"ids,omitempty"`    // these alone

	// Where is Query compiled; segment.Service.Narrow fills it.
	Where *Predicate `json:"-"`
}

// Empty reports whether f narrows nothing.
func (f Filter) Empty() bool {
	return f.ConsentStatus == nil && f.Reachable == nil && f.Region == "" && strings.TrimSpace(f.Search) == "" &&
		len(f.Query) == 0 && len(f.IDs) == 0
}

// Predicate is SQL over contacts under the alias c, with bun's placeholders.
// Nothing that a person typed is in SQL; it is all in Args.
type Predicate struct {
	SQL  string
	Args []any
}

// Order is how a list is sorted.
type Order string

// Orders.
const (
	OrderNewest   Order = "newest"
	OrderOldest   Order = "oldest"
	OrderName     Order = "name"
	OrderNameDesc Order = "name_desc"
)
