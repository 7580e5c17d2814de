package consent

import (
	"time"

	"eventstream/server/contact"
)

// Purpose is what a person agrees to, or does not.
type Purpose string

// Purposes.
const (
	PurposeMarketing Purpose = "marketing" // campaigns, and whatever else the engine sends on its own account
	PurposeUtility   Purpose = "utility"   // what concerns an order, an account or an appointment of theirs
)

// Purposes are all of them, in the order in which they are shown.
var Purposes = []Purpose{PurposeMarketing, PurposeUtility}

// State is where a person stands with one purpose.
type State struct {
	Purpose Purpose
	Status  contact.ConsentStatus
	Since   *time.Time // when they decided so; nil: nothing is known
	Seq     int64      // the entry of the ledger that decides; 0: none
}

// Reduce gives where a person stands with each purpose, by the entries of their
// ledger. It is pure, and their order does not matter.
//
// An opt-out of marketing is STOP: it ends utility messages too, for as long as it
// stands, unless the person agreed to those later. Whoever opts in to marketing gets
// back what they had agreed to of utility messages, and nothing more: the one consent
// does not imply the other.
func Reduce(ledger []Decision) []State {
	own := map[Purpose][]Decision{}
	for _, d := range ledger {
		own[d.Purpose] = append(own[d.Purpose], d)
	}
	if stop, ok := Standing(own[PurposeMarketing]); ok && stop.Status == contact.ConsentOptedOut {
		own[PurposeUtility] = append(own[PurposeUtility], stop)
	}
	out := make([]State, len(Purposes))
	for i, p := range Purposes {
		out[i] = State{Purpose: p, Status: contact.ConsentUnknown}
		if d, ok := Standing(own[p]); ok {
			out[i].Status, out[i].Since, out[i].Seq = d.Status, &d.At, d.Seq
		}
	}
	return out
}
