package campaign

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/experiment"
	"eventstream/server/message"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Holdout is the part of all contacts who get no marketing campaign, so that what campaigns do together can be told. Who belongs to it
// follows from its key and the contact's id, and stays: a larger part has everybody who was in the smaller one.
type Holdout struct {
	Percent float64 `json:"percent"`
	Draw    []byte  `json:"draw"`
}

// holds reports whether a contact belongs to it.
func (h *Holdout) holds(contactID int64) bool {
	return experiment.Draw(h.Draw, contactID).HeldOut(h.Percent)
}

const holdoutSetting = "standing_holdout"

// newHoldout has the key of was, where there is one.
func newHoldout(was *Holdout, percent float64) *Holdout {
	if was != nil {
		return &Holdout{percent, was.Draw}
	}
	draw := make([]byte, 32)
	_, _ = rand.Read(draw) // it never fails
	return &Holdout{percent, draw}
}

// draws says who of an audience is held out, who waits for the winner of a test, and which variant everybody else gets. It follows from
// a contact's id, so that anybody can work it out again, and another try gives the same.
type draws struct {
	key      []byte
	holdout  float64  // percent
	standing *Holdout // of marketing campaigns; nil: there is none
	test     float64  // percent
	weights  []int    // of the variants; nil: there is one wording
}

// drawsOf are those of a campaign whose template is of a category. The standing holdout is that of its launch, or of now before it.
func drawsOf(ctx context.Context, idb bun.IDB, c *Campaign, category template.Category, variants Variants) (draws, error) {
	d := draws{key: c.Draw, holdout: c.HoldoutPercent, test: 100}
	if len(variants) > 0 {
		d.weights = variants.weights()
		d.test = c.VariantTest.Percent
	}
	if c.StartedAt != nil {
		d.standing = c.StandingHoldout
		return d, nil
	}
	var err error
	d.standing, err = standingHoldout(ctx, idb, category)
	return d, err
}

// standingHoldout is the setting, as far as it concerns campaigns of a category; nil: nobody is held out by it.
func standingHoldout(ctx context.Context, idb bun.IDB, category template.Category) (*Holdout, error) {
	if category != template.CategoryMarketing {
		return nil, nil //nolint:nilnil // nobody is held out
	}
	h, err := db.Setting[Holdout](ctx, idb, holdoutSetting)
	if h != nil && h.Percent == 0 {
		h = nil
	}
	return h, err
}

// of tells what a contact draws.
func (d draws) of(contactID int64) (held message.SkipReason, variant int, waits bool) {
	own := experiment.Draw(d.key, contactID)
	switch {
	case d.standing != nil && d.standing.holds(contactID):
		held = message.SkipStandingHoldout
	case own.HeldOut(d.holdout):
		held = message.SkipHoldout
	}
	return held, own.Variant(d.weights), !own.InTest(d.test)
}

// sql is of over contacts c: a query of one row, held, variant and waits.
func (d draws) sql() contact.Predicate {
	held, variant, waits := "''", "0::smallint", "false"
	var args []any
	if d.standing != nil {
		sql, more := experiment.HeldOutSQL("c.id", d.standing.Draw, d.standing.Percent)
		held, args = fmt.Sprintf("CASE WHEN %s THEN '%s' ELSE '' END", sql, message.SkipStandingHoldout), append(args, more...)
	}
	if d.holdout > 0 {
		sql, more := experiment.HeldOutSQL("c.id", d.key, d.holdout)
		mine := fmt.Sprintf("CASE WHEN %s THEN '%s' ELSE '' END", sql, message.SkipHoldout)
		if held != "''" {
			mine = fmt.Sprintf("coalesce(nullif(%s, ''), %s)", held, mine)
		}
		held, args = mine, append(args, more...)
	}
	if len(d.weights) > 0 {
		sql, more := experiment.VariantSQL("c.id", d.key, d.weights)
		variant, args = sql+"::smallint", append(args, more...)
	}
	if d.test < 100 {
		sql, more := experiment.InTestSQL("c.id", d.key, d.test)
		waits, args = "NOT "+sql, append(args, more...)
	}
	// OFFSET keeps Postgres from working the numbers out again wherever they are used.
	return contact.Predicate{SQL: "SELECT " + held + " AS held, " + variant + " AS variant, " + waits + " AS waits OFFSET 0", Args: args}
}

// choose gives the version that somebody gets, over contacts c and what they drew, d.
func choose(all []wordings) contact.Predicate {
	if len(all) == 1 {
		return all[0].version()
	}
	var sql strings.Builder
	var args []any
	sql.WriteString("CASE d.variant")
	for i, w := range all {
		version := w.version()
		fmt.Fprintf(&sql, " WHEN %d THEN %s", i, version.SQL)
		args = append(args, version.Args...)
	}
	sql.WriteString(" END")
	return contact.Predicate{SQL: sql.String(), Args: args}
}

// Assignment is what a contact draws in a campaign.
type Assignment struct {
	Key     []byte // of the campaign
	Held    message.SkipReason
	Waits   bool
	Variant string // A to E; "": the campaign compares nothing
}

// AssignmentOf works out what a contact draws in a campaign, whether or not they are in its audience. Whom the standing holdout holds out is
// as it is now.
func AssignmentOf(ctx context.Context, idb bun.IDB, campaignID, contactID int64) (*Assignment, error) {
	found, err := byIDs(ctx, idb, []int64{campaignID})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("campaign %v does not exist", campaignID)
	}
	c := found[0]
	variants, err := variantsOf(ctx, idb, campaignID)
	if err != nil {
		return nil, err
	}
	category := template.CategoryMarketing
	if c.TemplateID != nil {
		if category, err = template.CategoryOf(ctx, idb, *c.TemplateID); err != nil {
			return nil, err
		}
	}
	drawn, err := drawsOf(ctx, idb, c, category, variants)
	if err != nil {
		return nil, err
	}
	a := &Assignment{Key: c.Draw}
	var variant int
	if a.Held, variant, a.Waits = drawn.of(contactID); len(variants) > 0 {
		a.Variant = Label(variant)
	}
	return a, nil
}
