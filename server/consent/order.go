package consent

import (
	"time"

	"eventstream/server/contact"
)

// ClockError is how far the clocks of two machines may be apart, and how much
// later than its cause something may be noted: within it nobody can say which
// of two decisions came first.
const ClockError = 2*time.Minute + 30*time.Second

// Decision is an entry of the ledger, as far as its order matters.
type Decision struct {
	Purpose Purpose               //
	Status  contact.ConsentStatus // opted_in or opted_out
	At      time.Time             // a live one: when it arrived, by Postgres' clock
	Late    bool                  // it came from a spool, the provider's log or imported history: At is another clock's
	Seq     int64                 // its place in the ledger, which orders live decisions of one moment; 0: none
}

// Supersedes reports whether newer, which was just learned of, takes the place
// of current. Live decisions go by arrival. One that came late can always add an
// opt-out, unless the opt-in that stands happened after it without doubt; it
// lifts an opt-out only if it happened after that without doubt. In doubt the
// opt-out wins.
func Supersedes(newer, current Decision) bool {
	switch {
	case current.Status != contact.ConsentOptedIn && current.Status != contact.ConsentOptedOut:
		return true
	case newer.Status == current.Status:
		return !newer.At.Before(current.At)
	case newer.Status == contact.ConsentOptedIn:
		return newer.lifts(current)
	}
	return !current.lifts(newer)
}

// lifts reports whether an opt-in came after an opt-out.
func (d Decision) lifts(optOut Decision) bool {
	if d.Late || optOut.Late {
		return d.At.After(optOut.At.Add(ClockError))
	}
	if d.At.Equal(optOut.At) {
		return d.Seq == 0 || d.Seq > optOut.Seq
	}
	return d.At.After(optOut.At)
}

// Standing is the decision that counts among all that are known of one purpose, in whatever
// order they were learned of: the latest opt-in that lifts every opt-out, else
// the latest opt-out. ok is false when there is none.
func Standing(all []Decision) (standing Decision, ok bool) {
	for _, status := range []contact.ConsentStatus{contact.ConsentOptedOut, contact.ConsentOptedIn} {
		for _, d := range all {
			if d.Status != status || status == contact.ConsentOptedIn && !liftsAll(d, all) {
				continue
			}
			if !ok || standing.Status != status || d.At.After(standing.At) || d.At.Equal(standing.At) && d.Seq > standing.Seq {
				standing, ok = d, true
			}
		}
	}
	return standing, ok
}

func liftsAll(d Decision, all []Decision) bool {
	for _, other := range all {
		if other.Status == contact.ConsentOptedOut && !d.lifts(other) {
			return false
		}
	}
	return true
}
