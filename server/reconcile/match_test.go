package reconcile

import (
	"testing"
	"time"

	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

var called = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// unknown is a message of contact 1 whose call began so long after called, and
// whose age is an hour and more.
func unknown(id int64, after time.Duration, body string) message.Unknown {
	return message.Unknown{
		Claim: message.Claim{ID: id, Fence: 1}, ContactID: 1, Body: body,
		SubmittedAt: called.Add(after), Age: 3700,
	}
}

func entry(sid string, after time.Duration, body string) message.Logged {
	return message.Logged{
		SID: sid, Body: body, Created: called.Add(after).Truncate(time.Second),
		Status: message.StatusSent,
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const horizon = time.Hour
	complete := func(entries ...message.Logged) message.LogAnswer {
		return message.LogAnswer{Entries: entries, Complete: true}
	}
	young := unknown(1, 0, "Hello Ann")
	young.Age = 3500
	for _, c := range []struct {
		name     string
		unknown  []message.Unknown
		answer   message.LogAnswer
		inFlight bool
		want     map[int64]string // SID when found; "absent"; "" undetermined
	}{
		{
			"the text agrees",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			complete(entry("SM1", time.Second, "Hello Ann")),
			false,
			map[int64]string{1: "SM1"},
		},
		{
			"also in an answer that was cut",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			message.LogAnswer{Entries: []message.Logged{entry("SM1", 0, "Hello Ann")}},
			false,
			map[int64]string{1: "SM1"},
		},
		{
			"Twilio trims and writes other line ends",
			[]message.Unknown{unknown(1, 0, "Hello\r\nAnn ")},
			complete(entry("SM1", 0, "Hello\nAnn")), false,
			map[int64]string{1: "SM1"},
		},
		{
			"nothing is there, the answer is complete, and nothing can be queued",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			complete(), false,
			map[int64]string{1: "absent"},
		},
		{
			"nothing is there, but the answer was cut",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			message.LogAnswer{},
			false,
			map[int64]string{1: ""},
		},
		{
			"nothing is there, but it may still be queued",
			[]message.Unknown{young},
			complete(), false,
			map[int64]string{1: ""},
		},
		{
			"two campaigns, one call taken: only its own text confirms",
			[]message.Unknown{unknown(1, 0, "Offer A"), unknown(2, time.Second, "Offer B")},
			complete(entry("SM2", time.Second, "Offer B")), false,
			map[int64]string{1: "absent", 2: "SM2"},
		},
		{
			"another text at that time is no proof of absence",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			complete(entry("SM9", time.Second, "A card")), false,
			map[int64]string{1: ""},
		},
		{
			"an empty text is no proof either",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			complete(entry("SM9", 0, "")),
			false,
			map[int64]string{1: ""},
		},
		{
			"two empty texts do not agree",
			[]message.Unknown{unknown(1, 0, "")},
			complete(entry("SM9", 0, "")), false,
			map[int64]string{1: ""},
		},
		{
			"an entry of another hour is not this call's",
			[]message.Unknown{unknown(1, 0, "Hello Ann")},
			complete(entry("SM9", -time.Hour, "Hello Ann"), entry("SM8", 2*time.Hour, "Hello Ann")), false,
			map[int64]string{1: "absent"},
		},
		{
			"alike messages are interchangeable: as many as there are",
			[]message.Unknown{unknown(1, 0, "Hi"), unknown(2, time.Second, "Hi"), unknown(3, 2*time.Second, "Hi")},
			complete(entry("SMa", 0, "Hi"), entry("SMb", time.Second, "Hi")), false,
			map[int64]string{1: "SMa", 2: "SMb", 3: "absent"},
		},
		{
			"one text, one entry more than messages: found, and the rest is somebody else's",
			[]message.Unknown{unknown(1, 0, "Hi")},
			complete(entry("SMa", 0, "Hi"), entry("SMb", 0, "Hi")), false,
			map[int64]string{1: "SMa"},
		},
		{
			"while a call to them is under way nothing is confirmed",
			[]message.Unknown{unknown(1, 0, "Hi")},
			complete(entry("SMa", 0, "Hi")), true,
			map[int64]string{1: ""},
		},
		{"nor taken for absent", []message.Unknown{unknown(1, 0, "Hi")}, complete(), true, map[int64]string{1: ""}},
		{
			"Twilio's clock is half a minute behind",
			[]message.Unknown{unknown(1, 0, "Hi")},
			complete(entry("SMa", -30*time.Second, "Hi")), false,
			map[int64]string{1: "SMa"},
		},
		{
			"an ambiguous entry keeps each that it may be",
			[]message.Unknown{unknown(1, 0, "A"), unknown(2, 0, "B")},
			complete(entry("SMx", 0, "")), false,
			map[int64]string{1: "", 2: ""},
		},
	} {
		got := map[int64]string{}
		for _, d := range Match(c.unknown, c.answer, map[int64]bool{1: c.inFlight}, horizon) {
			switch d.Outcome {
			case Found:
				got[d.Unknown.ID] = d.Entry.SID
			case Absent:
				got[d.Unknown.ID] = "absent"
			case Undetermined:
				got[d.Unknown.ID] = ""
			}
		}
		require.Equal(t, c.want, got, c.name)
	}
}
