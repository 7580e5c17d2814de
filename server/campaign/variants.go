package campaign

import (
	"context"
	"slices"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/price"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Variant is one of the wordings that a campaign compares.
type Variant struct {
	TemplateID        int64
	SenderID          *int64 // one of the campaign's; nil: all of them, by weight
	Weight            int    // 1 to 100, against the other variants'
	TemplateVersionID *int64 // what goes out; set at launch
}

// same reports whether nothing tells two variants apart.
func (v Variant) same(other Variant) bool {
	return v.TemplateID == other.TemplateID && (v.SenderID == other.SenderID || v.SenderID != nil && other.SenderID != nil && *v.SenderID == *other.SenderID)
}

// Variants are those of a campaign, the first is shown as A: none, or 2 to 5.
type Variants []Variant

const (
	minVariants = 2
	maxVariants = 5
)

// Label is how a variant is shown: A to E.
func Label(position int) string { return string(rune('A' + position)) }

// Position is where the variant with a label stands, A to E in any case.
func (v Variants) Position(label string) (int, error) {
	for i := range v {
		if strings.EqualFold(label, Label(i)) {
			return i, nil
		}
	}
	if len(v) == 0 {
		return 0, apperr.Invalid("variant", "the campaign has no variant %q: it has one wording", label)
	}
	return 0, apperr.Invalid("variant", "the campaign has no variant %q: %s to %s are compared", label, Label(0), Label(len(v)-1))
}

func (v Variants) weights() []int {
	weights := make([]int, len(v))
	for i, x := range v {
		weights[i] = x.Weight
	}
	return weights
}

// senders are those of the variants, by position; 0: the campaign's.
func (v Variants) senders() []int64 {
	ids := make([]int64, len(v))
	for i, x := range v {
		if x.SenderID != nil {
			ids[i] = *x.SenderID
		}
	}
	return ids
}

// among are the variants with the senders that there still are; those that nothing tells apart any more are left out, and one alone is none.
func (v Variants) among(senders []int64) (kept Variants) {
	for _, x := range v {
		x.TemplateVersionID = nil
		if x.SenderID != nil && !slices.Contains(senders, *x.SenderID) {
			x.SenderID = nil
		}
		if !slices.ContainsFunc(kept, x.same) {
			kept = append(kept, x)
		}
	}
	if len(kept) < minVariants {
		return nil
	}
	return kept
}

// bySender reports whether variants differ in who sends them, so that they do not go out mixed.
func (v Variants) bySender() bool {
	return slices.ContainsFunc(v, func(x Variant) bool { return x.SenderID != nil })
}

// checkSenders reports a variant whose sender is not one of the campaign's.
func (v Variants) checkSenders(shares Shares) error {
	var errs apperr.List
	for i, id := range v.senders() {
		if id != 0 && !slices.Contains(shares.senders(), id) {
			_ = errs.Add(apperr.Invalid("variants", "the sender of variant %s is not one of the campaign's senders: add it to them, or choose another", Label(i)))
		}
	}
	return errs.Err()
}

func (v Variants) validate() error {
	if len(v) < minVariants || len(v) > maxVariants {
		return apperr.Invalid("variants", "%d variants cannot be compared: give %d to %d, or none", len(v), minVariants, maxVariants)
	}
	for i, x := range v {
		if x.Weight < 1 || x.Weight > 100 {
			return apperr.Invalid("variants", "the weight %d of variant %s is out of range: 1 to 100", x.Weight, Label(i))
		}
		if slices.ContainsFunc(v[:i], x.same) {
			return apperr.Invalid("variants", "variant %s has the template and the sender of another: choose another template or sender", Label(i))
		}
	}
	return nil
}

// Metric is by what variants are compared.
type Metric string

// Metrics, each a share of the recipients to whom sending was tried.
const (
	MetricDelivered Metric = "delivered"
	MetricRead      Metric = "read"
	MetricClicked   Metric = "clicked"
	MetricReplied   Metric = "replied"
	MetricGoal      Metric = "goal"
)

// Test says how the variants of a campaign are compared, and when the better one goes to the rest.
type Test struct {
	Percent float64 `json:"percent"` // of the audience that takes part; the rest waits for the winner
	Metric  Metric  `json:"metric"`
	// AfterMinutes after the last message of the test was handed over, the best variant wins, sure or not; nil: never by time.
	AfterMinutes *int `json:"afterMinutes,omitempty"`
	WhenSure     bool `json:"whenSure"` // as soon as one is shown to be better than all others
}

// defaultTest compares all that are sent, by who reads.
var defaultTest = Test{Percent: 100, Metric: MetricRead}

const (
	minAfter = 10
	maxAfter = 7 * 24 * 60
)

func (t Test) validate() error {
	var errs apperr.List
	if !(t.Percent >= 1 && t.Percent <= 100) {
		_ = errs.Add(apperr.Invalid("variantTest.percent", "%g is out of range: 1 to 100 percent of the audience", t.Percent))
	}
	if t.AfterMinutes != nil && (*t.AfterMinutes < minAfter || *t.AfterMinutes > maxAfter) {
		_ = errs.Add(apperr.Invalid("variantTest.afterMinutes", "%d is out of range: %d to %d minutes, which are seven days",
			*t.AfterMinutes, minAfter, maxAfter))
	}
	return errs.Err()
}

// GoalEvent is what a recipient does to reach a campaign's goal.
type GoalEvent string

// Events that goals ask for.
const (
	GoalClick GoalEvent = "click" // opened a tracked link, or tapped a button that answers
	GoalReply GoalEvent = "reply" // answered
)

// Goal is what should happen after a message. It is reached by a recipient who does it within some hours after the message was delivered
// or, as long as no receipt told that, after Twilio accepted it; each recipient counts once, for the message that the event belongs to.
type Goal struct {
	Event    GoalEvent    `json:"event"`
	Hours    int          `json:"hours"`
	Value    price.Micros `json:"value,omitempty"` // of each time that it is reached; 0: none is told
	Currency string       `json:"currency,omitempty"`
}

// Goals are a campaign's: none, or one of each event. Variants are compared by the first.
type Goals []Goal

// maxGoalHours is how long after a message replies are told to be answers to it.
const maxGoalHours = 7 * 24

func (g Goals) validate() error {
	var errs apperr.List
	for i, x := range g {
		if x.Hours < 1 || x.Hours > maxGoalHours {
			_ = errs.Add(apperr.Invalid("goals.withinHours", "%d is out of range: 1 to %d hours", x.Hours, maxGoalHours))
		}
		if slices.ContainsFunc(g[:i], func(other Goal) bool { return other.Event == x.Event }) {
			_ = errs.Add(apperr.Invalid("goals", "two goals ask for the same event: one of each is allowed"))
		}
		if x.Value > 0 && slices.ContainsFunc(g[:i], func(other Goal) bool { return other.Value > 0 && other.Currency != x.Currency }) {
			_ = errs.Add(apperr.Invalid("goals.currency", "the values of all goals must be in one currency"))
		}
	}
	return errs.Err()
}

// maxHoldout is the largest part of an audience that a campaign may hold out, in percent.
const maxHoldout = 50

func checkHoldout(field string, percent float64) error {
	if !(percent >= 0 && percent <= maxHoldout) {
		return apperr.Invalid(field, "%g is out of range: 0 to %d percent", percent, maxHoldout)
	}
	return nil
}

// lift is how long after the audience was taken what people do counts for the comparison with those held out: the time of its first goal, or a week.
func (c *Campaign) lift() time.Duration {
	if len(c.Goals) > 0 {
		return time.Duration(c.Goals[0].Hours) * time.Hour
	}
	return maxGoalHours * time.Hour
}

// WinnerBy tells who chose a winner.
type WinnerBy string

// Who chose.
const (
	WinnerByNobody   WinnerBy = ""
	WinnerByOperator WinnerBy = "operator"
	WinnerByEngine   WinnerBy = "engine" // by the campaign's test
)

// applyExperiment sets what in says of variants, holdout and goal; has are the variants that there are.
func (in Input) applyExperiment(c *Campaign, has Variants) error {
	var errs apperr.List
	variants := in.variants(has)
	if len(in.Variants) > 0 && in.TemplateID != nil {
		_ = errs.Add(apperr.Invalid("templateId", "give a template or variants, not both"))
	}
	if len(in.Variants) > 0 {
		_ = errs.Add(in.Variants.validate())
		c.TemplateID = &in.Variants[0].TemplateID
	}
	if in.HoldoutPercent != nil {
		_ = errs.Add(checkHoldout("holdoutPercent", *in.HoldoutPercent))
		c.HoldoutPercent = *in.HoldoutPercent
	}
	if in.Goals != nil {
		_ = errs.Add(in.Goals.validate())
		c.Goals = in.Goals
	}
	switch {
	case in.Test != nil && len(variants) == 0:
		_ = errs.Add(apperr.Invalid("variantTest", "there are no variants to compare: give variants too"))
	case in.Test != nil:
		_ = errs.Add(in.Test.validate())
		c.VariantTest = in.Test
	case len(variants) == 0:
		c.VariantTest = nil
	case c.VariantTest == nil:
		c.VariantTest = new(defaultTest)
	}
	if c.VariantTest != nil && c.VariantTest.WhenSure && variants.bySender() {
		_ = errs.Add(apperr.Invalid("variantTest.whenSure", "variants of several senders go out at the paces of their senders: choose the winner after a time, or by hand"))
	}
	if c.VariantTest != nil && c.VariantTest.Metric == MetricGoal && len(c.Goals) == 0 {
		_ = errs.Add(apperr.Invalid("variantTest.metric", "the campaign has no goal by which its variants could be compared: set one, or choose another metric"))
	}
	return errs.Err()
}

// variants are those that the campaign has after in, of those that it has now. A template of its own takes them away.
func (in Input) variants(has Variants) Variants {
	switch {
	case in.Variants != nil:
		return in.Variants
	case in.TemplateID != nil:
		return nil
	default:
		return has
	}
}

// findTemplate finds a template that was not deleted.
func findTemplate(ctx context.Context, idb bun.IDB, id int64) (*template.Template, error) {
	t, err := template.Find(ctx, idb, id)
	if err == nil && t.DeletedAt != nil {
		err = apperr.NotFound("template %v does not exist", id)
	}
	return t, err
}

// checkVariants looks up the templates of variants. They are of one category, by which consent and price go.
func checkVariants(ctx context.Context, idb bun.IDB, variants Variants) error {
	var errs apperr.List
	var first template.Category
	byName := map[string]int64{}
	for i, v := range variants {
		t, err := findTemplate(ctx, idb, v.TemplateID)
		if err != nil {
			if err := errs.Add(apperr.Lacking("variants", err)); err != nil {
				return err
			}
			continue
		}
		if other, ok := byName[t.Name]; ok && other != t.ID {
			_ = errs.Add(apperr.Invalid("variants", "variant %s is a translation of another, “%s”: each goes in the languages of its translations anyway", Label(i), t.Name))
		}
		byName[t.Name] = t.ID
		if i == 0 {
			first = t.Category
		} else if first != "" && t.Category != first {
			_ = errs.Add(errCategories(i, t.Category, first))
		}
	}
	return errs.Err()
}

func errCategories(position int, its, first template.Category) error {
	return apperr.Invalid("variants", "variant %s is a %s template and variant A a %s one: variants are of one category", Label(position), its, first)
}

// audited are variants for the trail; nil: there are none.
func (v Variants) audited() any {
	if len(v) == 0 {
		return nil
	}
	all := make([]map[string]any, len(v))
	for i, x := range v {
		all[i] = map[string]any{"template": x.TemplateID, "sender": x.SenderID, "weight": x.Weight}
	}
	return all
}

// VariantsOf gives the variants of campaigns.
func (s *Service) VariantsOf(ctx context.Context, ids []int64) (map[int64]Variants, error) {
	return variantsOfAll(ctx, s.db, ids)
}

// sendersOfVariants reports a variant of a campaign whose sender is not one of the campaign's.
func sendersOfVariants(ctx context.Context, tx bun.Tx, id int64) error {
	variants, err := variantsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	shares, err := sharesOf(ctx, tx, []int64{id})
	if err != nil {
		return err
	}
	return variants.checkSenders(shares[id])
}
