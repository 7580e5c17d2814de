package hours

import (
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/localtime"
)

// LocalMoment is a date and a time of day by the clocks of whoever it concerns: for each
// recipient another instant.
type LocalMoment struct {
	Date string `json:"date"` // "2026-12-01"
	Time string `json:"time"` // "10:00"
}

// Why a message waits that no law holds back: for its recipient's clock alone, or for the end of the campaign's quiet hours.
const (
	LocalTime = "local_time"
	QuietTime = "quiet_hours"
)

// Where a day comes first and where it comes last on earth: Kiribati is 14 hours ahead of UTC, and ships
// and two islands without people are 12 behind it (IANA Pacific/Kiritimati, Etc/GMT+12).
var (
	Easternmost = time.FixedZone("UTC+14", 14*60*60)
	westernmost = time.FixedZone("UTC-12", -12*60*60)
)

// Validate checks both parts, as those of the field local.
func (l LocalMoment) Validate() error {
	var errs apperr.List
	if _, err := time.Parse(time.DateOnly, l.Date); err != nil {
		_ = errs.Add(apperr.Invalid("local.date", "%q is not a date such as 2026-12-01", l.Date))
	}
	if !ClockTime.MatchString(l.Time) {
		_ = errs.Add(apperr.Invalid("local.time", "%q is not a time of day such as 09:00", l.Time))
	}
	return errs.Err()
}

// In is the first instant at which the clocks of a place show it, or the first one after the
// gap where they leave it out.
func (l LocalMoment) In(place *time.Location) time.Time {
	day, err := time.Parse(time.DateOnly, l.Date)
	if err != nil {
		return time.Time{} // it was checked where it came in
	}
	return localtime.Of(day.Year(), day.Month(), day.Day(), Minutes(l.Time), place)
}

// First is when it comes first on earth.
func (l LocalMoment) First() time.Time { return l.In(Easternmost) }

// Last is when it has come everywhere.
func (l LocalMoment) Last() time.Time { return l.In(westernmost) }

// For is when it has come in each zone that a contact may be in; where nothing says which
// that may be, by UTC.
func (l LocalMoment) For(c *contact.Contact) (at time.Time) {
	zones := c.CandidateZones()
	if len(zones) == 0 {
		zones = []string{"UTC"}
	}
	for _, z := range zones {
		if t := l.In(location(z)); t.After(at) {
			at = t
		}
	}
	return at
}

// On is a time of day on the day that it is at t where days begin first.
func On(t time.Time, clock string) LocalMoment {
	return LocalMoment{Date: t.In(Easternmost).Format(time.DateOnly), Time: clock}
}
