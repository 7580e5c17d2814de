// Package hours knows in which hours a person may be written to: the quiet hours
// that a campaign asks for, and the hours of law, which bind every campaign. It is
// pure: it reads no clock and no database, so that every rule can be tried at any
// moment of any zone, changes of the clock included. The laws are data
// (hours.json), each with its source and the month in which it was last checked,
// because legislatures change them more often than we change code.
package hours

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/localtime"
	"eventstream/server/say"
)

// QuietHours are the hours in which nothing is sent.
type QuietHours struct {
	Start string   `json:"start"`          // "21:00", local time
	End   string   `json:"end"`            // "08:00"; before Start: over midnight
	Zone  string   `json:"zone,omitempty"` // "": each recipient's own zone; else one IANA zone for all
	Days  []string `json:"days,omitempty"` // days on which sending is allowed ("mon"…); empty: all
}

var (
	// ClockTime matches a time of day such as 09:00.
	ClockTime = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)$`)
	// Days are the names of the days, Sunday first.
	Days = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// Validate checks every part.
func (q *QuietHours) Validate() error {
	var errs apperr.List
	for field, v := range map[string]string{"quietHours.start": q.Start, "quietHours.end": q.End} {
		if !ClockTime.MatchString(v) {
			_ = errs.Add(apperr.Invalid(field, "%q is not a time of day such as 21:00", v))
		}
	}
	if q.Zone != "" {
		if _, err := contact.Zone(q.Zone); err != nil {
			_ = errs.Add(apperr.Invalid("quietHours.zone",
				"%q is not an IANA time zone such as Europe/Berlin; leave it out for each recipient's own", q.Zone))
		}
	}
	for _, d := range q.Days {
		if DayIndex(d) < 0 {
			_ = errs.Add(apperr.Invalid("quietHours.days", "%q is not a day: %s", d, strings.Join(Days, ", ")))
		}
	}
	return errs.Err()
}

// String writes the hours for people.
func (q *QuietHours) String() string {
	zone := "each recipient's time"
	if q.Zone != "" {
		zone = q.Zone
	}
	return fmt.Sprintf("%s–%s, %s", q.Start, q.End, zone)
}

// DayIndex is the place of a day in Days; -1 when the name is none of them.
func DayIndex(name string) int { return slices.Index(Days, name) }

const wholeDay = 24 * 60

// window is a part of a day in which sending is allowed, in minutes of the day.
type window struct{ from, to int }

// week holds the windows of each day, Sunday first.
type week [7][]window

func (q *QuietHours) week() week {
	var w week
	start, end := Minutes(q.Start), Minutes(q.End)
	open := []window{{end, start}}
	switch {
	case start == end:
		open = []window{{0, wholeDay}}
	case start < end:
		open = []window{{0, start}, {end, wholeDay}}
	}
	for d := range w {
		if len(q.Days) == 0 || slices.Contains(q.Days, Days[d]) {
			w[d] = open
		}
	}
	return w
}

// LegalHours are the hours that a law or a custom allows. hours.json
// holds them, with their source and the date on which they were looked at.
type LegalHours struct {
	ID      string     `json:"id"` // why a message waits
	Country string     `json:"country"`
	State   string     `json:"state"` // of the US; "": the whole country
	Name    say.Format `json:"name"`
	Basis   string     `json:"basis"` // law: binds; custom: preflight warns
	Source  say.Format `json:"source"`
	Checked string     `json:"checked"` // year and month
	Note    say.Format `json:"note"`
	Allowed []struct {
		Days []string `json:"days"`
		From string   `json:"from"`
		To   string   `json:"to"`
	} `json:"allowed"`
	week week
}

//go:embed hours.json
var hoursData []byte

type lawBook struct {
	Version string        `json:"version"`
	About   say.Format    `json:"about"`
	Rules   []*LegalHours `json:"rules"`

	USAreaCodes map[string][]string      `json:"usAreaCodes"`
	byPlace     map[string][]*LegalHours // laws by country, or country-state
	customs     map[string]*LegalHours   // by country
	stateOf     map[string]string        // area code → state
}

var book = sync.OnceValue(func() *lawBook {
	b := &lawBook{byPlace: map[string][]*LegalHours{}, customs: map[string]*LegalHours{}, stateOf: map[string]string{}}
	if err := json.Unmarshal(hoursData, b); err != nil {
		panic(fmt.Sprintf("hours.json: %v", err)) // our own file, and a test reads it
	}
	for _, r := range b.Rules {
		for _, a := range r.Allowed {
			for _, d := range a.Days {
				r.week[DayIndex(d)] = append(r.week[DayIndex(d)], window{Minutes(a.From), Minutes(a.To)})
			}
		}
		if r.Basis == "custom" {
			b.customs[r.Country] = r
			continue
		}
		place := r.Country
		if r.State != "" {
			place += "-" + r.State
		}
		b.byPlace[place] = append(b.byPlace[place], r)
	}
	for state, codes := range b.USAreaCodes {
		for _, c := range codes {
			b.stateOf[c] = state
		}
	}
	return b
})

// Book gives all legal hours and the version of the data.
func Book() (version string, about say.Format, rules []*LegalHours) {
	b := book()
	return b.Version, b.About, b.Rules
}

// lawsFor gives the legal hours of a contact's country, and of their US state:
// that of the number's area code, by which some states presume residence, and
// the one that their attribute "state" names.
func lawsFor(c *contact.Contact) []*LegalHours {
	b := book()
	laws := b.byPlace[c.Region]
	if c.Region != "US" {
		return laws
	}
	var states []string
	if digits, ok := strings.CutPrefix(c.MatchKey, "+1"); ok && len(digits) == 10 {
		if s := b.stateOf[digits[:3]]; s != "" {
			states = append(states, s)
		}
	}
	if s, ok := c.Attributes["state"].(string); ok {
		if s = strings.ToUpper(strings.TrimSpace(s)); !slices.Contains(states, s) {
			states = append(states, s)
		}
	}
	for _, s := range states {
		laws = append(slices.Clip(laws), b.byPlace["US-"+s]...)
	}
	return laws
}

// Against is the custom that sending to the contact at t would break; nil: none.
func Against(c *contact.Contact, t time.Time) *LegalHours {
	custom := book().customs[c.Region]
	if custom == nil {
		return nil
	}
	for _, z := range c.CandidateZones() {
		if !(Rule{zone: location(z), week: custom.week}).allows(t.In(location(z))) {
			return custom
		}
	}
	return nil
}

// Rule is a week's windows in one zone.
type Rule struct {
	zone *time.Location
	week week
	why  string
}

// RulesFor gives every rule that binds a message to this contact: the
// campaign's, and the law where the contact is, in each zone that the contact
// may be in: declared first, else the number's, else all that it may stand for.
func RulesFor(q *QuietHours, c *contact.Contact) []Rule {
	var rules []Rule
	zones := c.CandidateZones()
	add := func(w week, zones []string, why string) {
		for _, z := range zones {
			rules = append(rules, Rule{zone: location(z), week: w, why: why})
		}
	}
	if q != nil {
		switch {
		case q.Zone != "":
			add(q.week(), []string{q.Zone}, QuietTime)
		case len(zones) == 0: // no zone is known at all: UTC is the least wrong
			add(q.week(), []string{"UTC"}, QuietTime)
		default:
			add(q.week(), zones, QuietTime)
		}
	}
	for _, law := range lawsFor(c) {
		add(law.week, zones, law.ID)
	}
	return rules
}

// location is a zone that was checked where it came in.
func location(name string) *time.Location {
	zone, err := contact.Zone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Minutes is the minute of the day that a time such as 09:00 names; 24:00 is the
// end of the day.
func Minutes(clock string) int {
	if clock == "24:00" {
		return wholeDay
	}
	m := ClockTime.FindStringSubmatch(clock)
	if m == nil {
		return 0
	}
	h, _ := strconv.Atoi(m[1])
	min, _ := strconv.Atoi(m[2])
	return h*60 + min
}

// minuteOf is the minute of the day that the clocks show at t.
func minuteOf(t time.Time) int { return t.Hour()*60 + t.Minute() }

func (r Rule) allows(local time.Time) bool {
	now := minuteOf(local)
	for _, w := range r.week[local.Weekday()] {
		if now >= w.from && now < w.to {
			return true
		}
	}
	return false
}

// next is the first allowed moment at or after t; zero when there is none
// within nine days.
func (r Rule) next(t time.Time) time.Time {
	local := t.In(r.zone)
	if r.allows(local) {
		return t
	}
	// Windows open when the clocks show their start, or when the clocks are
	// moved into them.
	if _, change := local.ZoneBounds(); !change.IsZero() && change.Sub(t) < 24*time.Hour && r.allows(change.In(r.zone)) {
		if first := r.opens(local); !first.IsZero() && first.Before(change) {
			return first
		}
		return change.In(r.zone)
	}
	return r.opens(local)
}

func (r Rule) opens(local time.Time) time.Time {
	y, m, d := local.Date()
	for ahead := range 9 {
		day := time.Date(y, m, d+ahead, 12, 0, 0, 0, time.UTC)
		for _, w := range r.week[day.Weekday()] {
			for _, at := range localtime.All(day.Year(), day.Month(), day.Day(), w.from, r.zone) {
				if at.After(local) && r.allows(at) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// NameOf says for people why a message waits, of a reason that NextAllowed gives.
func NameOf(reason string) say.Text {
	switch reason {
	case QuietTime:
		return say.New("quiet hours")
	case LocalTime:
		return say.New("their local time")
	case BestHour:
		return say.New("the hour in which they usually read")
	}
	for _, r := range book().Rules {
		if r.ID == reason {
			return say.New("hours by law, %s", r.Name)
		}
	}
	return say.Raw(strings.ReplaceAll(reason, "_", " "))
}

// NextAllowed is the first moment at or after t that every rule allows, and
// which rule made it wait. ok is false when there is none within a fortnight.
func NextAllowed(rules []Rule, t time.Time) (at time.Time, why string, ok bool) {
	limit := t.AddDate(0, 0, 14)
	at = t
	for moved := true; moved; {
		moved = false
		for _, r := range rules {
			next := r.next(at)
			if next.IsZero() || next.After(limit) {
				return time.Time{}, r.why, false
			}
			if next.After(at) {
				at, why, moved = next, r.why, true
			}
		}
	}
	return at, why, true
}
