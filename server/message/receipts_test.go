package message_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/price"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"pgregory.net/rapid"
)

// pacing is a code after which the provider gets the message again.
var pacing = message.CodeInfo{
	Code: 63049, Title: "declined for now", Class: message.ClassPermanentMessage, Effect: message.EffectIneligible,
	EffectFor: 24 * time.Hour,
	Redeliver: &message.Redelivery{
		Delays: []time.Duration{time.Hour, 4 * time.Hour}, Within: 72 * time.Hour,
		NotRegion: []string{"US"},
	},
}

var gone = message.CodeInfo{
	Code: 63003, Title: "no WhatsApp", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable,
	EffectFor: 30 * 24 * time.Hour,
}

// bed is a database with one campaign.
type bed struct {
	*db.DB

	ctx      context.Context
	campaign int64
	receipts *message.Receipts
	people   int
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{DB: dbtest.New(t), ctx: actor.With(t.Context(), actor.System)}
	b.receipts = message.NewReceipts(consent.NewService(b.DB, pubsub.New(b.Pool, slog.New(slog.DiscardHandler)),
		keys.Fixed("test"), time.Now), price.NewService(b.DB))
	require.NoError(t, b.NewRaw("INSERT INTO campaigns (name, status) VALUES ('one', 'sending') RETURNING id").Scan(b.ctx, &b.campaign))
	return b
}

// sent makes a message that the provider took as sid, to somebody new.
func (b *bed) sent(t require.TestingT, number, sid string) *message.Message {
	b.people++
	a, err := contact.ParseAddress(fmt.Sprintf("%s%04d", number, b.people), "")
	require.NoError(t, err)
	c := contact.New(a)
	contacttest.Insert(t, b.DB, c)
	m := &message.Message{
		Direction: message.Outbound, Purpose: message.PurposeCampaign, CampaignID: &b.campaign, ContactID: c.ID,
		Status: message.StatusAccepted, SID: &sid, Attempts: 1,
	}
	require.NoError(t, message.Insert(b.ctx, b.DB, m))
	return m
}

func (b *bed) apply(t require.TestingT, batch ...message.Receipt) message.Applied {
	var done message.Applied
	require.NoError(t, b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		done, err = b.receipts.Apply(ctx, tx, batch)
		return err
	}))
	return done
}

func (b *bed) read(t require.TestingT, id int64) *message.Message {
	found, err := message.ByIDs(b.ctx, b.DB, []int64{id})
	require.NoError(t, err)
	return found[0]
}

func (b *bed) number(t require.TestingT, sql string, args ...any) (n int) {
	require.NoError(t, b.NewRaw(sql, args...).Scan(b.ctx, &n))
	return n
}

// again claims a waiting retry and has the provider take it as sid.
func (b *bed) again(t require.TestingT, id int64, sid string) {
	res, err := b.NewRaw("UPDATE messages SET status = 'accepted', sid = ?, attempts = attempts + 1, fence = fence + 1 WHERE id = ? AND status = 'pending'", sid, id).Exec(b.ctx)
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

var noon = time.Now().Add(-time.Hour).UTC().Truncate(time.Second)

func told(sid string, s message.Status, second int) message.Receipt {
	r := message.Receipt{Event: message.Event{SID: sid, Status: s, At: noon.Add(time.Duration(second) * time.Second)}}
	return r
}

func failed(sid string, s message.Status, second int, info message.CodeInfo) message.Receipt {
	r := told(sid, s, second)
	r.Event.ErrorCode, r.Event.ErrorText, r.Info = info.Code, string(info.Title), info
	return r
}

func TestAnAcceptedMessageThatPacingHeldBackIsSentAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	m := b.sent(t, "+491511234", "SM1")
	b.apply(t, told("SM1", message.StatusSent, 1), failed("SM1", message.StatusUndelivered, 2, pacing))
	waits := b.read(t, m.ID)
	require.Equal(t, message.StatusPending, waits.Status)
	require.Nil(t, waits.SID)
	require.Nil(t, waits.EndedAt)
	require.Equal(t, "redeliver", waits.NotBeforeReason)
	require.InDelta(t, 3600, time.Until(waits.NotBefore).Seconds(), 400, "an hour and a tenth to both sides")
	require.Equal(t, 63049, waits.ErrorCode, "why the last attempt failed stays visible")
	require.Equal(t, 1, b.number(t,
		"SELECT count(*) FROM message_attempts WHERE sid = 'SM1' AND message_id = ? AND status = 'undelivered' AND error_code = 63049", m.ID))
	require.Equal(t, 1, b.number(t, "SELECT count(*) FROM contacts WHERE marketing_eligible"),
		"another attempt is planned")

	b.again(t, m.ID, "SM2")
	b.apply(t, failed("SM2", message.StatusUndelivered, 3, pacing))
	b.again(t, m.ID, "SM3")
	require.Equal(t, 2, b.number(t, "SELECT redeliveries FROM messages WHERE id = ?", m.ID))
	b.apply(t, failed("SM3", message.StatusUndelivered, 4, pacing))
	end := b.read(t, m.ID)
	require.Equal(t, message.StatusUndelivered, end.Status, "no more attempts than the table says")
	require.Equal(t, "SM3", *end.SID)
	require.Equal(t, 1, b.number(t,
		"SELECT count(*) FROM contacts WHERE NOT marketing_eligible AND ineligible_reason <> '' AND ineligible_until BETWEEN now() + interval '23 hours' AND now() + interval '25 hours'"))
	require.Zero(t, b.number(t, differing))
}

func TestWhatIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{
		"the campaign was canceled":      "UPDATE campaigns SET status = 'canceled' WHERE id = (SELECT campaign_id FROM messages WHERE id = ?)",
		"the campaign failed":            "UPDATE campaigns SET status = 'failed' WHERE id = (SELECT campaign_id FROM messages WHERE id = ?)",
		"the campaign ends before":       "UPDATE campaigns SET ends_at = now() + interval '10 minutes' WHERE id = (SELECT campaign_id FROM messages WHERE id = ?)",
		"a number of the region US":      "UPDATE contacts SET region = 'US' WHERE id = (SELECT contact_id FROM messages WHERE id = ?)",
		"accepted three days ago":        "UPDATE messages SET accepted_at = now() - interval '71 hours 30 minutes' WHERE id = ?",
		"a reply":                        "UPDATE messages SET purpose = 'reply' WHERE id = ?",
		"all attempts were used already": "UPDATE messages SET redeliveries = 2 WHERE id = ?",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			m := b.sent(t, "+491511234", "SM1")
			_, err := b.NewRaw(prepare, m.ID).Exec(b.ctx)
			require.NoError(t, err)
			b.apply(t, failed("SM1", message.StatusFailed, 2, pacing))
			require.Equal(t, message.StatusFailed, b.read(t, m.ID).Status)
			require.Zero(t, b.number(t, "SELECT count(*) FROM message_attempts"))
			require.Equal(t, 1, b.number(t, "SELECT count(*) FROM contacts WHERE NOT marketing_eligible"))
		})
	}
	t.Run("a Canadian number is not of the region US", func(t *testing.T) {
		t.Parallel()
		b := newBed(t)
		m := b.sent(t, "+1416555", "SM1")
		b.apply(t, failed("SM1", message.StatusFailed, 2, pacing))
		require.Equal(t, message.StatusPending, b.read(t, m.ID).Status)
	})
}

// TestAnyAttemptMayDeliver: receipts of an attempt that was given up.
func TestAnyAttemptMayDeliver(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	t.Run("while the retry waits", func(t *testing.T) {
		m := b.sent(t, "+491511234", "SMa")
		b.apply(t, failed("SMa", message.StatusUndelivered, 2, pacing))
		b.apply(t, told("SMa", message.StatusRead, 3))
		end := b.read(t, m.ID)
		require.Equal(t, message.StatusRead, end.Status)
		require.Equal(t, "SMa", *end.SID)
		require.NotNil(t, end.DeliveredAt)
		require.Zero(t, end.ErrorCode)
		require.Zero(t, b.number(t, "SELECT count(*) FROM messages WHERE id = ? AND work IS NOT NULL", m.ID),
			"nobody sends it again")
	})
	t.Run("while the retry is being sent", func(t *testing.T) {
		m := b.sent(t, "+491511234", "SMb")
		b.apply(t, failed("SMb", message.StatusUndelivered, 2, pacing))
		_, err := b.NewRaw("UPDATE messages SET status = 'submitting', lease_until = now() + interval '20 s', attempts = 2 WHERE id = ?", m.ID).Exec(b.ctx)
		require.NoError(t, err)
		b.apply(t, told("SMb", message.StatusDelivered, 3))
		end := b.read(t, m.ID)
		require.Equal(t, message.StatusDelivered, end.Status)
		require.Nil(t, end.SID, "the call brings its own")
		second := told("SMb2", message.StatusSent, 4)
		second.MessageID = m.ID
		b.apply(t, second)
		end = b.read(t, m.ID)
		require.Equal(t, message.StatusDelivered, end.Status)
		require.Equal(t, "SMb2", *end.SID)
	})
	t.Run("a late failure of an old attempt is history", func(t *testing.T) {
		m := b.sent(t, "+491511234", "SMc")
		b.apply(t, failed("SMc", message.StatusUndelivered, 2, pacing))
		b.again(t, m.ID, "SMc2")
		before := b.read(t, m.ID)
		done := b.apply(t, failed("SMc", message.StatusFailed, 9, gone))
		require.Len(t, done.Deliveries, 1)
		require.Equal(t, before, b.read(t, m.ID))
		require.Zero(t, b.number(t, "SELECT count(*) FROM contacts c JOIN messages m ON m.contact_id = c.id WHERE m.id = ? AND NOT c.reachable", m.ID))
	})
}

// TestAnyOrderOfTheEventsOfTwoAttemptsEndsTheSame: the second attempt exists once
// the first has failed; everything else comes in any order, and repeatedly.
func TestAnyOrderOfTheEventsOfTwoAttemptsEndsTheSame(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		first, late := rapid.Bool().Draw(t, "first was sent"), rapid.SampledFrom([]message.Status{
			"",
			message.StatusDelivered, message.StatusRead, message.StatusUndelivered,
		}).Draw(t, "late")
		end := rapid.SampledFrom([]message.Status{
			message.StatusSent, message.StatusDelivered, message.StatusRead,
			message.StatusFailed,
		}).Draw(t, "second")
		var outcomes []message.Message
		for round := range 3 {
			n++
			one, two := fmt.Sprintf("SM%d-1", n), fmt.Sprintf("SM%d-2", n)
			m := b.sent(t, "+491511234", one)
			var rest []message.Receipt
			if first {
				rest = append(rest, told(one, message.StatusSent, 1))
			}
			if late == message.StatusUndelivered {
				rest = append(rest, failed(one, late, 2, pacing))
			} else if late != "" {
				rest = append(rest, told(one, late, 8))
			}
			rest = append(rest, told(two, message.StatusSent, 5))
			if end == message.StatusFailed {
				rest = append(rest, failed(two, end, 6, gone))
			} else {
				rest = append(rest, told(two, end, 6))
			}
			b.apply(t, failed(one, message.StatusUndelivered, 2, pacing))
			b.again(t, m.ID, two)
			if round > 0 {
				rest = append(rest, rapid.SliceOfN(rapid.SampledFrom(rest), 0, 3).Draw(t, "repeats")...)
				rest = rapid.Permutation(rest).Draw(t, "order")
			}
			if round > 1 { // one by one instead of together
				for _, r := range rest {
					b.apply(t, r)
				}
			} else {
				b.apply(t, rest...)
			}
			got := *b.read(t, m.ID)
			require.Equal(t, two, *got.SID)
			got.ID, got.ContactID, got.SID, got.CreatedAt, got.NotBefore = 0, 0, nil, time.Time{}, time.Time{}
			outcomes = append(outcomes, got)
		}
		require.Equal(t, outcomes[0], outcomes[1])
		require.Equal(t, outcomes[0], outcomes[2])
	})
	require.Zero(t, b.number(t, differing))
}

func TestEffectsOnContactsEnd(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	m := b.sent(t, "+491511234", "SM1")
	b.apply(t, failed("SM1", message.StatusFailed, 2, gone))
	until := func() (days int) {
		return b.number(t, "SELECT round(extract(epoch FROM unreachable_until - now()) / 86400)::int FROM contacts WHERE NOT reachable AND unreachable_reason = 'no WhatsApp' AND id = ?", m.ContactID)
	}
	require.Equal(t, 30, until())
	shorter := gone
	shorter.EffectFor = 24 * time.Hour
	require.NoError(t, b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
		return message.ApplyEffects(ctx, tx, nil, map[int64]message.CodeInfo{m.ContactID: shorter}, noon)
	}))
	require.Equal(t, 30, until(), "a mark that lasts longer stays")
	require.NoError(t, b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
		return contact.TouchInbound(ctx, tx,
			m.ContactID, nil, time.Now())
	}))
	require.Equal(t, 1, b.number(t,
		"SELECT count(*) FROM contacts WHERE reachable AND unreachable_until IS NULL AND unreachable_reason = ''"))
}

func TestReceiptsOfUnknownMessages(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	m := b.sent(t, "+491511234", "SM1")
	second := told("SM2", message.StatusSent, 1) // a second call to Twilio, which was taken too
	second.MessageID = m.ID
	elsewhere := told("SM3", message.StatusSent, 1)
	elsewhere.MessageID = 999_999
	done := b.apply(t, told("SM1", message.StatusSent, 1), second, elsewhere, told("SM4", message.StatusSent, 1))
	require.Equal(t, map[int]string{
		1: "the message with our id has another SID", 2: "no message of ours has this SID",
		3: "no message of ours has this SID",
	}, done.Problems)
	require.Len(t, done.Deliveries, 1)
	require.Equal(t, []int64{b.campaign}, done.Campaigns)
}

// TestReceiptsLockContactsFirst runs batches against writers that lock the
// contact and then its message, as an inbound message and an erasure do.
func TestReceiptsLockContactsFirst(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	const people, rounds = 20, 40
	var ids, contacts []int64
	for i := range people {
		m := b.sent(t, "+491511234", fmt.Sprintf("SM%d", i))
		ids, contacts = append(ids, m.ID), append(contacts, m.ContactID)
	}
	before := b.number(t, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
	done := make(chan error, 3)
	go func() {
		for i := range rounds * 4 {
			err := b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
				if _, err := contact.ByIDForUpdate(ctx, tx, contacts[i%people]); err != nil {
					return err
				}
				_, err := message.Lock(ctx, tx, ids[i%people:i%people+1], nil)
				return err
			})
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 2 {
		go func() {
			for r := range rounds {
				var batch []message.Receipt
				for i := range people { // in another order each time
					k := (i*7 + r*3) % people
					batch = append(batch, failed(fmt.Sprintf("SM%d", k), message.StatusUndelivered, 1, gone),
						told(fmt.Sprintf("SM%d", k), message.StatusDelivered, r))
				}
				err := b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
					_, err := b.receipts.Apply(ctx, tx, batch)
					return err
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 3 {
		require.NoError(t, <-done)
	}
	require.Equal(t, before, b.number(t, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
}

// The receipts of an attempt may be faster than the answer to its call. What they
// archived must not come back as accepted: the next attempt would wait for a
// receipt that has been and gone, and be counted twice.
func TestReceiptsThatAreFasterThanTheAnswerOfAnAttemptThatIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]message.Status{
		"the next attempt waits":    "",
		"it is delivered after all": message.StatusDelivered,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			m := b.sent(t, "+491511234", "SM1")
			_, err := b.NewRaw(`UPDATE messages SET status = 'submitting', sid = NULL, accepted_at = NULL, fence = 1, submitted_at = now(),
				lease_until = now() + interval '1 minute' WHERE id = ?`, m.ID).Exec(b.ctx)
			require.NoError(t, err)
			byID := func(r message.Receipt) message.Receipt {
				r.MessageID = m.ID
				return r
			}
			b.apply(t, byID(told("SM1", message.StatusSent, 1)), byID(failed("SM1", message.StatusUndelivered, 2, pacing)))
			waits := b.read(t, m.ID)
			require.Equal(t, message.StatusPending, waits.Status)
			require.NoError(t, b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
				stale, err := message.Finish(ctx, tx, []message.Result{{
					Claim: message.Claim{ID: m.ID, Fence: 1}, Status: message.StatusAccepted, SID: "SM1", Body: "Hello",
				}})
				require.Empty(t, stale, "nothing went out twice")
				return err
			}))
			after := b.read(t, m.ID)
			require.Equal(t, message.StatusPending, after.Status)
			require.Nil(t, after.SID)
			require.Equal(t, waits.NotBefore, after.NotBefore)
			require.Equal(t, 1, after.Redeliveries)
			require.Equal(t, "Hello", after.Body, "what was sent is kept")
			if late != "" {
				b.apply(t, told("SM1", late, 3))
				require.Equal(t, late, b.read(t, m.ID).Status)
			}
			b.apply(t, failed("SM1", message.StatusUndelivered, 2, pacing)) // found in the log once more
			require.Equal(t, 1, b.read(t, m.ID).Redeliveries)
			require.Zero(t, b.number(t, differing))
		})
	}
	// Another SID under an old claim is a second call, and never passes unseen.
	b := newBed(t)
	m := b.sent(t, "+491511234", "SM1")
	b.apply(t, failed("SM1", message.StatusUndelivered, 2, pacing))
	require.NoError(t, b.Tx(b.ctx, func(ctx context.Context, tx bun.Tx) error {
		stale, err := message.Finish(ctx, tx, []message.Result{{
			Claim:  message.Claim{ID: m.ID},
			Status: message.StatusAccepted, SID: "SM9",
		}})
		require.Len(t, stale, 1)
		return err
	}))
}

// Within one batch a message's receipts may come in any order: news about its way
// there takes nothing back of how it failed.
func TestAFailureKeepsItsEffectInWhateverOrderABatchTellsIt(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	m := b.sent(t, "+491511234", "SM1")
	b.apply(t, failed("SM1", message.StatusUndelivered, 2, pacing), told("SM1", message.StatusSent, 1))
	require.Equal(t, message.StatusPending, b.read(t, m.ID).Status, "it is sent again")
	b.again(t, m.ID, "SM2")
	// What becomes known about the attempt before takes nothing back either.
	b.apply(t, failed("SM2", message.StatusUndelivered, 5, pacing), told("SM1", message.StatusSent, 0))
	require.Equal(t, message.StatusPending, b.read(t, m.ID).Status)
	require.Equal(t, 2, b.read(t, m.ID).Redeliveries)

	other := b.sent(t, "+491511235", "SM7")
	b.apply(t, failed("SM7", message.StatusUndelivered, 2, gone), told("SM7", message.StatusSent, 1))
	require.Equal(t, message.StatusUndelivered, b.read(t, other.ID).Status)
	require.Equal(t, 1, b.number(t, "SELECT count(*) FROM contacts WHERE id = ? AND NOT reachable", other.ContactID))

	// A delivery does: the failure was not the end.
	arrived := b.sent(t, "+491511236", "SM8")
	b.apply(t, failed("SM8", message.StatusUndelivered, 2, gone), told("SM8", message.StatusDelivered, 3))
	require.Equal(t, message.StatusDelivered, b.read(t, arrived.ID).Status)
	require.Zero(t, b.number(t, "SELECT count(*) FROM contacts WHERE id = ? AND NOT reachable", arrived.ContactID))
	require.Zero(t, b.number(t, differing))
}
