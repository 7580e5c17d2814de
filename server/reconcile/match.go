package reconcile

import (
	"cmp"
	"slices"
	"time"

	"eventstream/server/message"
)

// Outcome is what was found out about an unknown message.
type Outcome string

// Outcomes.
const (
	Found        Outcome = "found"        // Twilio has it: its SID is adopted
	Absent       Outcome = "absent"       // Twilio never took it: it is sent again
	Undetermined Outcome = "undetermined" // neither is proven yet
)

// Decision is the outcome for one message.
type Decision struct {
	Unknown message.Unknown
	Outcome Outcome
	Entry   *message.Logged // when found
}

// Match holds unknown messages of one sender to one address against the entries of
// Twilio's log that belong to no message of ours. It is pure.
//
// An entry confirms a message when its text agrees and it was created while the
// call was made. Messages that are truly alike are interchangeable, so as many of
// them are found as there are such entries. An entry at that time with another
// text, or with none, may still be the message (cards, redacted texts, a template
// that was filled in differently): it never confirms, and it keeps the message from
// being taken for absent. While another call to the same contact is under way, an
// entry may be that call's, and nothing is confirmed.
func Match(unknown []message.Unknown, answer message.LogAnswer, inFlight map[int64]bool,
	horizon time.Duration,
) []Decision {
	rows := slices.Clone(unknown)
	slices.SortFunc(rows, func(a, b message.Unknown) int {
		return cmp.Or(a.SubmittedAt.Compare(b.SubmittedAt), cmp.Compare(a.ID, b.ID))
	})
	entries := slices.Clone(answer.Entries)
	slices.SortStableFunc(entries, func(a, b message.Logged) int { return a.Created.Compare(b.Created) })
	used := make([]bool, len(entries))
	decisions := make([]Decision, len(rows))
	for i, u := range rows {
		decisions[i] = Decision{Unknown: u, Outcome: Undetermined}
		if inFlight[u.ContactID] || normal(u.Body) == "" {
			continue
		}
		for k := range entries {
			if !used[k] && during(u, entries[k]) && normal(entries[k].Body) == normal(u.Body) {
				used[k] = true
				decisions[i].Outcome, decisions[i].Entry = Found, &entries[k]
				break
			}
		}
	}
	for i, u := range rows {
		if decisions[i].Outcome == Found || inFlight[u.ContactID] || !answer.Complete {
			continue
		}
		possible := slices.ContainsFunc(indexes(entries), func(k int) bool { return !used[k] && during(u, entries[k]) })
		if !possible && time.Duration(u.Age*float64(time.Second)) > horizon {
			decisions[i].Outcome = Absent
		}
	}
	return decisions
}

func indexes(entries []message.Logged) []int {
	all := make([]int, len(entries))
	for i := range all {
		all[i] = i
	}
	return all
}

// during reports whether Twilio may have created the entry for the message's call.
// Twilio tells whole seconds, and its clock is not ours.
func during(u message.Unknown, e message.Logged) bool {
	return !e.Created.Before(u.SubmittedAt.Add(-clockSkew).Truncate(time.Second)) &&
		!e.Created.After(u.SubmittedAt.Add(callLength+clockSkew))
}
