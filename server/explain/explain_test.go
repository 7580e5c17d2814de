package explain

import (
	"testing"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/say"

	"github.com/stretchr/testify/require"
)

var codes = map[int]message.CodeInfo{
	63049: {
		Title: "Declined for now", Advice: "Nothing to do.",
		Redeliver: &message.Redelivery{Delays: make([]time.Duration, 3)},
	},
	63003: {Title: "No WhatsApp", Advice: "They are tried again later."},
}

func at(minute int) *time.Time {
	t := time.Date(2026, 11, 25, 10, minute, 0, 0, time.UTC)
	return &t
}

func sid(s string) *string { return &s }

// What became of each attempt, and what comes next, is told in whole sentences.
func TestAttemptsAreTold(t *testing.T) {
	t.Parallel()
	s := NewService(nil, func(code int) message.CodeInfo { return codes[code] })
	failed := &message.Attempt{
		SID: "SM1", Status: message.StatusUndelivered, ErrorCode: 63049, SubmittedAt: at(0),
		AcceptedAt: at(1), EndedAt: at(2),
	}
	second := &message.Attempt{
		SID: "SM2", Status: message.StatusUndelivered, ErrorCode: 63049, SubmittedAt: at(30),
		AcceptedAt: at(1), EndedAt: at(31),
	}
	late := &message.Attempt{
		SID: "SM1", Status: message.StatusDelivered, ErrorCode: 63049, SubmittedAt: at(0),
		AcceptedAt: at(1), EndedAt: at(2),
	}
	for _, c := range []struct {
		name    string
		d       decided
		earlier []*message.Attempt
		verdict string
		steps   map[string]string // by check; "" is: not there
	}{
		{
			"the next attempt waits",
			decided{
				Status: "pending", NotBeforeReason: "redeliver", NotBefore: *at(40), Redeliveries: 1, Attempts: 1,
				SubmittedAt: at(0), AcceptedAt: at(1),
			},
			[]*message.Attempt{failed},
			"Attempt 1 failed with error 63049 (Declined for now). The next one goes 2026-11-25 10:40:00 UTC, if all checks still pass, " +
				"unless an earlier one still arrives. There are at most 4.",
			map[string]string{
				"Attempt 1": "Handed to Twilio 2026-11-25 10:00:00 UTC, accepted 2026-11-25 10:01:00 UTC; " +
					"failed 2026-11-25 10:02:00 UTC with error 63049 (Declined for now).",
				"Call": "", "Attempt 2": "",
			},
		},
		{
			"their best hour is waited for",
			decided{
				Status: "pending", Purpose: "campaign", NotBeforeReason: "best_hour", DeferredReason: "best_hour", NotBefore: *at(40), SubmittedAt: at(0),
				habit: &campaign.Habit{Own: []hours.Usual{{Hour: 23, Reads: 7, Of: 12}}, Allowed: new(23)},
			},
			nil,
			"Waits until 2026-11-25 10:40:00 UTC, because of when they usually read (7 of their 12 reads in 180 days); everything is checked again then.",
			map[string]string{
				"Best hour": "By their clock they usually read from 23:00 to 0:00: 7 of 12 reads in the 180 days before the campaign started.",
				"Consent":   "Not asked.",
			},
		},
		{
			"their best hour is not allowed, another of theirs is",
			decided{
				Status: "pending", Purpose: "campaign", NotBeforeReason: "best_hour", DeferredReason: "best_hour", NotBefore: *at(40), SubmittedAt: at(0),
				habit: &campaign.Habit{Own: []hours.Usual{{Hour: 23, Reads: 7, Of: 12}, {Hour: 18, Reads: 5, Of: 12}}, Workspace: []int{9}, Allowed: new(18)},
			},
			nil,
			"Waits until 2026-11-25 10:40:00 UTC, because of when they usually read (5 of their 12 reads in 180 days); everything is checked again then.",
			map[string]string{
				"Best hour": "By their clock they usually read from 23:00 to 0:00: 7 of 12 reads in the 180 days before the campaign started. " +
					"Quiet hours or law forbid that hour, so that the best one that they allow counts, from 18:00 to 19:00: 5 of these reads.",
			},
		},
		{
			"only an hour of the workspace is allowed",
			decided{
				Status: "pending", Purpose: "campaign", NotBeforeReason: "best_hour", DeferredReason: "best_hour", NotBefore: *at(40), SubmittedAt: at(0),
				habit: &campaign.Habit{Own: []hours.Usual{{Hour: 23, Reads: 12, Of: 12}}, Workspace: []int{9}, Allowed: new(9)},
			},
			nil,
			"Waits until 2026-11-25 10:40:00 UTC, because of when most contacts read; everything is checked again then.",
			map[string]string{
				"Best hour": "By their clock they usually read from 23:00 to 0:00: 12 of 12 reads in the 180 days before the campaign started. " +
					"Quiet hours or law forbid that hour, so that the best one that they allow counts, by the reads of all contacts from 9:00 to 10:00.",
			},
		},
		{
			"no hour is allowed",
			decided{
				Status: "delivered", Purpose: "campaign", SID: sid("SM1"), Attempts: 1, SubmittedAt: at(0), AcceptedAt: at(1),
				habit: &campaign.Habit{Own: []hours.Usual{{Hour: 23, Reads: 12, Of: 12}}},
			},
			nil,
			"Sent: all checks passed.",
			map[string]string{
				"Best hour": "By their clock they usually read from 23:00 to 0:00: 12 of 12 reads in the 180 days before the campaign started. " +
					"Quiet hours or law forbid that hour and every other in which something is read, so that it did not wait.",
			},
		},
		{
			"their best hour was too late",
			decided{
				Status: "delivered", Purpose: "campaign", SID: sid("SM1"), Attempts: 1, SubmittedAt: at(0), AcceptedAt: at(1),
				habit: &campaign.Habit{Workspace: []int{9}, Allowed: new(9), TooLate: true},
			},
			nil,
			"Sent: all checks passed.",
			map[string]string{
				"Best hour": "They had read fewer than 3 messages in the 180 days before the campaign started, so that the hour counts in which most " +
					"contacts read, by their clock from 9:00 to 10:00. That would have been too late for the campaign's end, so that it did not wait.",
				"Consent": "Nothing was recorded that forbids it.",
			},
		},
		{
			"a message waits for its campaign's hour",
			decided{Status: "pending", Purpose: "campaign", NotBeforeReason: "local_time", NotBefore: *at(40), SubmittedAt: at(0)},
			nil,
			"Waits until 2026-11-25 10:40:00 UTC (their local time); everything is checked again then.",
			map[string]string{"Local time": "It is not yet the campaign's hour where they are.", "Consent": "Not asked."},
		},
		{
			"the second arrived",
			decided{Status: "delivered", SID: sid("SM2"), Redeliveries: 1, Attempts: 2, SubmittedAt: at(30), AcceptedAt: at(1)},
			[]*message.Attempt{failed},
			"Sent again, attempt 2: the one before failed with error 63049 (Declined for now).",
			map[string]string{"Attempt 2": "Handed to Twilio 2026-11-25 10:30:00 UTC, call 2; accepted.", "Call": ""},
		},
		{
			"the first arrived after all",
			decided{Status: "delivered", SID: sid("SM1"), Redeliveries: 1, Attempts: 1, SubmittedAt: at(0), AcceptedAt: at(1)},
			[]*message.Attempt{late},
			"Sent: attempt 1 had failed with error 63049 (Declined for now), and arrived after all.",
			nil,
		},
		{
			"when a later attempt was accepted is not known",
			decided{
				Status: "pending", NotBeforeReason: "redeliver", NotBefore: *at(50), Redeliveries: 2, Attempts: 2,
				SubmittedAt: at(30), AcceptedAt: at(1),
			},
			[]*message.Attempt{failed, second},
			"Attempt 2 failed with error 63049 (Declined for now). The next one goes 2026-11-25 10:50:00 UTC, if all checks still pass, " +
				"unless an earlier one still arrives. There are at most 4.",
			map[string]string{"Attempt 2": "Handed to Twilio 2026-11-25 10:30:00 UTC; failed 2026-11-25 10:31:00 UTC with error 63049 (Declined for now)."},
		},
		{
			"all attempts failed",
			decided{
				Status: "undelivered", SID: sid("SM3"), ErrorCode: 63049, Redeliveries: 2, Attempts: 3,
				SubmittedAt: at(50), AcceptedAt: at(1),
			},
			[]*message.Attempt{failed, second},
			"It did not reach them in 3 attempts, the last of which failed with error 63049 (Declined for now). It is not sent again.",
			map[string]string{"Attempt 3": "Handed to Twilio 2026-11-25 10:50:00 UTC, call 3; accepted."},
		},
		{
			"a person decides",
			decided{Status: "unknown", DecisionSince: at(20), Attempts: 1, SubmittedAt: at(0)},
			nil,
			"The call was made and no answer came, and neither receipts nor Twilio's log settle what became of it. " +
				"A person has to decide, since 2026-11-25 10:20:00 UTC.",
			map[string]string{"Call": "Handed to Twilio 2026-11-25 10:00:00 UTC, call 1; no answer came."},
		},
		{
			"the engine still looks",
			decided{Status: "unknown", Attempts: 1, SubmittedAt: at(0)},
			nil,
			"The call was made and no answer came; receipts and Twilio's log are asked what became of it.",
			nil,
		},
		{
			"Twilio has it: nobody is asked",
			decided{Status: "unknown", SID: sid("SM1"), DecisionSince: at(20), Attempts: 1, SubmittedAt: at(0)},
			nil,
			"The call was made and no answer came; receipts and Twilio's log are asked what became of it.",
			nil,
		},
		{
			"given up by hand",
			decided{
				Status: "failed", ErrorMessage: "No answer from Twilio; given up by an operator", Attempts: 1,
				SubmittedAt: at(0),
			},
			nil,
			"It did not reach them: No answer from Twilio; given up by an operator.",
			map[string]string{"Call": "Handed to Twilio 2026-11-25 10:00:00 UTC, call 1; not accepted."},
		},
		{
			"a code that is not sent again",
			decided{
				Status: "undelivered", SID: sid("SM1"), ErrorCode: 63003, Attempts: 1, SubmittedAt: at(0),
				AcceptedAt: at(1),
			},
			nil,
			"It did not reach them: No WhatsApp. They are tried again later.",
			map[string]string{"Call": "Handed to Twilio 2026-11-25 10:00:00 UTC, call 1; accepted 2026-11-25 10:01:00 UTC."},
		},
	} {
		c.d.Purpose = "test"
		got := s.explain(&c.d, c.earlier)
		require.Equal(t, c.verdict, got.Verdict.String(), c.name)
		details := map[string]string{}
		for _, step := range got.Steps {
			require.NotContains(t, details, step.Check.String(), "%s: each question once", c.name)
			details[step.Check.String()] = step.Detail.String()
		}
		for check, detail := range c.steps {
			require.Equal(t, detail, details[check], "%s: %s", c.name, check)
		}
	}
}

// 63049 marks nobody for ever, and its explanation does not say so.
func TestIneligibleIsForAWhile(t *testing.T) {
	t.Parallel()
	s := NewService(nil, func(code int) message.CodeInfo { return codes[code] })
	d := decided{Status: "skipped", SkipReason: string(message.SkipIneligible), Purpose: "test", EndedAt: at(0)}
	for _, step := range s.explain(&d, nil).Steps {
		if step.Check.String() == "Eligible" {
			require.False(t, *step.Passed)
			require.Contains(t, step.Detail.String(), "for a while")
			return
		}
	}
	t.Fatal("the question is missing")
}

// Whoever reads German or Spanish is told in it, with the times as they write them.
func TestTheExplanationIsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s := NewService(nil, func(code int) message.CodeInfo { return codes[code] })
	d := decided{
		Status: "pending", Purpose: "campaign", Campaign: "Herbst", Segment: "VIP", PreparedAt: at(0), NotBeforeReason: "quiet_hours",
		NotBefore: *at(30),
	}
	got := s.explain(&d, nil)
	german, mexican := say.Reader{Language: "de", Region: "DE"}, say.Reader{Language: "es", Region: "MX"}
	require.Equal(t, "Wartet bis 25.11.2026, 10:30:00 UTC (Ruhezeiten); dann wird noch einmal geprüft.", german.Say(got.Verdict))
	require.Equal(t, "Durch das Segment „VIP“ in der Zielgruppe von „Herbst“, aufgenommen am 25.11.2026, 10:00:00 UTC.",
		german.Say(got.Steps[0].Detail))
	require.Equal(t, "Nicht abgemeldet", german.Say(got.Steps[2].Check))
	mexican.Zone = time.UTC
	require.Equal(t, "En la audiencia de «Herbst» por el segmento «VIP», tomada el 25 nov 2026, 10:00:00\u00a0a.\u00a0m.",
		mexican.Say(got.Steps[0].Detail), "one stop ends the abbreviation and the sentence")
}

// Whoever asks why somebody got nothing is told the reason at once, not that there was one.
func TestWhyNothingWasSent(t *testing.T) {
	t.Parallel()
	said := map[string]message.SkipReason{}
	for _, reason := range []message.SkipReason{
		message.SkipHoldout, message.SkipStandingHoldout, message.SkipNotSubscribed, message.SkipNoConsent, message.SkipOptedOut,
		message.SkipSuppressed, message.SkipErased, message.SkipOptOutReview, message.SkipUnreachable, message.SkipIneligible,
		message.SkipNoNumber, message.SkipFrequencyCap, message.SkipMissingVariable, message.SkipTooLong,
		message.SkipNoAllowedHours, message.SkipWindowClosed,
	} {
		text := skipped(reason, message.PurposeCampaign).String()
		require.NotEqual(t, skipped("another", message.PurposeCampaign).String(), text, reason)
		require.Empty(t, said[text], reason)
		said[text] = reason
	}
	question := skipped(message.SkipNoConsent, message.PurposeOptInQuestion).String()
	require.Equal(t, "Not sent: the question that it asks was no longer open.", question)
}
