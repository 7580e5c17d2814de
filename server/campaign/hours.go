package campaign

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
)

// QuietHours are the hours in which nothing is sent.
type QuietHours struct {
	Start string   `json:"start"`          // "21:00", local time
	End   string   `json:"end"`            // "08:00"; before Start: over midnight
	Zone  string   `json:"zone,omitempty"` // "": each recipient's own zone; else one IANA zone for all
	Days  []string `json:"days,omitempty"` // days on which sending is allowed ("mon"…); empty: all
}

var (
	clockTime = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)$`)
	dayNames  = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// Validate checks every part.
func (q *QuietHours) Validate() error {
	var errs apperr.List
	for field, v := range map[string]string{"quietHours.start": q.Start, "quietHours.end": q.End} {
		if !clockTime.MatchString(v) {
			_ = errs.Add(apperr.Invalid(field, "%q is not a time of day such as 21:00", v))
		}
	}
	if q.Zone != "" {
		if _, err := time.LoadLocation(q.Zone); err != nil || q.Zone == "Local" {
			_ = errs.Add(apperr.Invalid("quietHours.zone", "%q is not an IANA time zone such as Europe/Berlin; leave it out for each recipient's own", q.Zone))
		}
	}
	for _, d := range q.Days {
		if dayIndex(d) < 0 {
			_ = errs.Add(apperr.Invalid("quietHours.days", "%q is not a day: %s", d, strings.Join(dayNames, ", ")))
		}
	}
	return errs.Err()
}

func dayIndex(name string) int {
	for i, d := range dayNames {
		if d == name {
			return i
		}
	}
	return -1
}

// rule is quiet hours in one zone.
type rule struct {
	zone       *time.Location
	start, end int // minutes of the day; equal: no quiet hours
	days       [7]bool
	why        string
}

// usFederal: no solicitation before 8:00 or after 21:00 the recipient's local
// time, 47 CFR 64.1200(c)(1), read 2026-04. It binds whatever the campaign says.
var usFederal = QuietHours{Start: "21:00", End: "08:00"}

// rulesFor gives every rule that binds a message to this contact: the
// campaign's, and the law of the contact's country, in each zone that the
// contact may be in.
func rulesFor(q *QuietHours, c *contact.Contact) []rule {
	var rules []rule
	zones := c.CandidateZones()
	add := func(q *QuietHours, zones []string, why string) {
		for _, z := range zones {
			rules = append(rules, newRule(q, z, why))
		}
	}
	if q != nil {
		switch {
		case q.Zone != "":
			add(q, []string{q.Zone}, "quiet_hours")
		case len(zones) == 0: // no zone is known at all: UTC is the least wrong
			add(q, []string{"UTC"}, "quiet_hours")
		default:
			add(q, zones, "quiet_hours")
		}
	}
	if c.Region == "US" {
		add(&usFederal, zones, "us_federal_hours")
	}
	return rules
}

func newRule(q *QuietHours, zone, why string) rule {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC // both callers checked the name
	}
	r := rule{zone: loc, start: minutes(q.Start), end: minutes(q.End), why: why}
	for i := range r.days {
		r.days[i] = len(q.Days) == 0
	}
	for _, d := range q.Days {
		r.days[dayIndex(d)] = true
	}
	return r
}

func minutes(clock string) int {
	m := clockTime.FindStringSubmatch(clock)
	if m == nil {
		return 0
	}
	h, _ := strconv.Atoi(m[1])
	min, _ := strconv.Atoi(m[2])
	return h*60 + min
}

// next is the first allowed moment at or after t.
func (r rule) next(t time.Time) time.Time {
	for range 10 { // a week of days, and the edges of daylight saving
		local := t.In(r.zone)
		y, m, d := local.Date()
		now := local.Hour()*60 + local.Minute()
		switch {
		case !r.days[local.Weekday()]:
			t = time.Date(y, m, d+1, 0, 0, 0, 0, r.zone)
		case r.quiet(now) && r.end > now:
			t = time.Date(y, m, d, 0, r.end, 0, 0, r.zone)
		case r.quiet(now):
			t = time.Date(y, m, d+1, 0, r.end, 0, 0, r.zone)
		default:
			return t
		}
	}
	return time.Time{}
}

func (r rule) quiet(minute int) bool {
	if r.start <= r.end {
		return minute >= r.start && minute < r.end
	}
	return minute >= r.start || minute < r.end
}

// nextAllowed is the first moment at or after t that every rule allows, and
// which rule made it wait. ok is false when there is none within a fortnight.
func nextAllowed(rules []rule, t time.Time) (at time.Time, why string, ok bool) {
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

// String writes the hours for people.
func (q *QuietHours) String() string {
	zone := "each recipient's time"
	if q.Zone != "" {
		zone = q.Zone
	}
	return fmt.Sprintf("%s–%s, %s", q.Start, q.End, zone)
}
