package erasure_test

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/erasure"
	"eventstream/server/message"
	periods "eventstream/server/provider"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// provider answers as it is told, and notes whom it was asked for.
type provider struct {
	mu     sync.Mutex
	asked  []string
	answer func(sid string) (message.Redaction, error)
}

func (p *provider) Redact(_ context.Context, sid string) (message.Redaction, error) {
	p.mu.Lock()
	p.asked = append(p.asked, sid)
	p.mu.Unlock()
	return p.answer(sid)
}

func done(string) (message.Redaction, error) {
	return message.Redaction{Outcome: message.RedactionDone}, nil
}

func (e *env) redactor(account string, p *provider) *erasure.Redactor {
	e.Helper()
	require.NoError(e, e.d.Tx(e.Context(), func(ctx context.Context, tx bun.Tx) error {
		return periods.Begin(ctx, tx, periods.Of(account != "ACsandbox"), account)
	}))
	return erasure.NewRedactor(erasure.RedactorOptions{
		DB: e.d, Provider: p, Account: account,
		Held: func(ctx context.Context) (bool, error) { return isHeld(ctx, e.d) },
	})
}

func isHeld(ctx context.Context, d *db.DB) (held bool, err error) {
	err = d.NewRaw("SELECT EXISTS (SELECT 1 FROM sending_hold)").Scan(ctx, &held)
	return held, err
}

// all runs until nothing is due.
func (e *env) all(r *erasure.Redactor) {
	e.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = r.Run(e.Context(), erasure.RedactBatch)
		require.NoError(e, err)
	}
}

func (e *env) counted(outcome string) int {
	e.Helper()
	n := e.count("SELECT coalesce(sum(n), 0) FROM redaction_counts WHERE action_id = 7 AND outcome = ?", outcome)
	require.Equal(e, e.count("SELECT count(*) FROM redactions WHERE outcome = ?", outcome), n, "counters equal a recount")
	return n
}

// result is what the audit trail says last.
func (e *env) result() (changes struct {
	Done, Gone int
	Refused    map[string]int
},
) {
	e.Helper()
	var raw string
	require.NoError(e, e.d.NewRaw(`SELECT changes::text FROM audit_entries WHERE action = 'contact.redact' ORDER BY id DESC LIMIT 1`).
		Scan(e.Context(), &raw))
	require.NoError(e, json.Unmarshal([]byte(raw), &changes))
	return changes
}

// Every message that the provider has is asked for once, under every SID that it had; what
// comes later is asked for when it comes; the result is in the trail.
func TestEveryMessageIsRedactedAtTheProvider(t *testing.T) {
	t.Parallel()
	e := start(t)
	p := &provider{answer: done}
	r := e.redactor("AC1", p)
	e.person(1, 10)
	e.person(2, 1)
	e.exec("INSERT INTO message_attempts (sid, message_id, attempt, status) SELECT 'SMbefore', min(id), 1, 'failed' FROM messages WHERE contact_id = 1 AND status = 'sent'")
	e.erase(1)
	require.Zero(t, e.counted("waiting"), "the erasure waits for nobody")
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	require.Equal(t, 31, e.counted("waiting"), "sent, delivered, failed, and an attempt before")
	e.all(r)
	require.Equal(t, 31, e.counted("done"))
	require.Zero(t, e.counted("waiting"))
	require.Equal(t, 31, e.result().Done)
	require.Len(t, p.asked, 31)
	require.NotContains(t, p.asked, "SM2sent1")

	// A call that was under way gets its SID after the erasure; looking again asks for
	// nothing twice.
	e.exec("UPDATE messages SET status = 'sent', sid = 'SMlate', accepted_at = now(), lease_until = NULL WHERE id = (SELECT min(id) FROM messages WHERE contact_id = 1 AND status = 'submitting')")
	e.exec("UPDATE erasures SET next_look = now()")
	_, err := e.s.ClearDue(t.Context(), 10)
	require.NoError(t, err)
	e.all(r)
	require.Len(t, p.asked, 32)
	require.Equal(t, 32, e.result().Done)
	slices.Sort(p.asked)
	require.Len(t, slices.Compact(p.asked), 32)

	// When nothing can come any more, the list is empty and the numbers stay.
	e.exec("UPDATE erasures SET watch_until = now() - interval '1 second', next_look = now()")
	_, err = e.s.ClearDue(t.Context(), 10)
	require.NoError(t, err)
	e.all(r)
	require.Zero(t, e.count("SELECT count(*) FROM redactions"))
	require.Equal(t, 32, e.count("SELECT n FROM redaction_counts WHERE outcome = 'done'"))
}

func TestWhatTheProviderRefusesAndWhatWaits(t *testing.T) {
	t.Parallel()
	e := start(t)
	p := &provider{answer: func(sid string) (message.Redaction, error) {
		switch sid {
		case "SM1sent1":
			return message.Redaction{Outcome: message.RedactionBusy}, nil
		case "SM1delivered1":
			return message.Redaction{Outcome: message.RedactionRefused, Reason: "Twilio refused: error 30400"}, nil
		}
		return message.Redaction{Outcome: message.RedactionGone}, nil
	}}
	r := e.redactor("AC1", p)
	e.person(1, 1)
	e.erase(1)
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	e.all(r)
	require.Equal(t, []int{1, 1, 1}, []int{e.counted("waiting"), e.counted("refused"), e.counted("gone")})
	require.Zero(t, e.count("SELECT count(*) FROM audit_entries WHERE action = 'contact.redact'"), "it is not over")
	wait := func() int {
		return e.count("SELECT extract(epoch FROM next_try - now())::int FROM redactions WHERE outcome = 'waiting'")
	}
	require.InDelta(t, 60, wait(), 5)
	e.exec("UPDATE redactions SET next_try = now()")
	e.all(r)
	require.InDelta(t, 120, wait(), 5, "longer each time")
	e.exec("UPDATE redactions SET next_try = now(), tries = 1000")
	e.all(r)
	require.InDelta(t, 6*3600, wait(), 5, "and no longer than some hours")

	// What is not final after two weeks is given up, with the reason for which it waited.
	e.exec("UPDATE redactions SET next_try = now(), created_at = now() - interval '16 days'")
	e.all(r)
	require.Zero(t, e.counted("waiting"))
	require.Equal(t, map[string]int{"its delivery is not over": 1, "Twilio refused: error 30400": 1}, e.result().Refused)
	require.Equal(t, 1, e.result().Gone)
}

// A provider that does not answer is left alone for a while, and nobody is lost.
func TestAProviderThatDoesNotAnswerIsLeftAlone(t *testing.T) {
	t.Parallel()
	e := start(t)
	p := &provider{answer: func(string) (message.Redaction, error) {
		return message.Redaction{}, message.NewSendError(message.CodeInfo{Class: message.ClassRetry}, 429, "slow down", 0, nil)
	}}
	r := e.redactor("AC1", p)
	e.person(1, 10)
	e.erase(1)
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	_, err := r.Run(t.Context(), erasure.RedactBatch)
	require.NoError(t, err)
	require.Less(t, len(p.asked), 10, "a few calls were under way, the rest of the batch was kept back")
	n, err := r.Run(t.Context(), erasure.RedactBatch)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, 30, e.counted("waiting"))
	p.answer = done
	e.exec("UPDATE redactions SET next_try = now()")
	e.all(e.redactor("AC1", p))
	require.Equal(t, 30, e.counted("done"))
}

// The task runs every second: what waits for another account, or is young, costs it nothing.
func TestWhatWaitsForAnotherAccountIsNotLookedAt(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec(`INSERT INTO redactions (sid, contact_id, action_id, account, next_try)
		SELECT 'SMother' || g, 1, 7, 'ACother', now() - interval '1 day' FROM generate_series(1, 20000) g`)
	e.exec(`INSERT INTO redactions (sid, contact_id, action_id, account) SELECT 'SM' || g, 1, 7, 'AC1' FROM generate_series(1, 10) g`)
	e.exec("INSERT INTO redaction_counts (action_id, outcome, reason, n) VALUES (7, 'waiting', '', 20010)")
	e.exec("ANALYZE redactions")
	asked := &dbtest.Queries{}
	hooked := *e.d
	hooked.DB = e.d.WithQueryHook(asked)
	r := (&env{t, &hooked, e.s}).redactor("AC1", &provider{answer: done})
	_, err := r.Run(t.Context(), erasure.RedactBatch)
	require.NoError(t, err)
	require.Equal(t, 10, e.counted("done"))
	looked := 0
	for _, q := range asked.Texts {
		if !strings.Contains(q, "outcome = 'waiting'") || !strings.Contains(q, "SKIP LOCKED") {
			continue
		}
		looked++
		plan := dbtest.Explain(t, e.d, "EXPLAIN ANALYZE", q)
		for _, m := range removed.FindAllStringSubmatch(plan, -1) {
			n, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			require.Less(t, n, 1000, plan)
		}
	}
	require.Equal(t, 2, looked, "what is given up, and what is claimed")
}

var removed = regexp.MustCompile(`Rows Removed by Filter: (\d+)`)

// Each message is asked for under the account that it was made with, and none of a copy
// of an installation that still works.
func TestOnlyTheAccountThatMadeItIsAsked(t *testing.T) {
	t.Parallel()
	e := start(t)
	old, next := &provider{answer: done}, &provider{answer: done}
	first := e.redactor("ACsandbox", old)
	e.person(1, 1)
	second := e.redactor("AClive", next)
	e.exec(`INSERT INTO messages (direction, purpose, contact_id, status, body, sid, created_at)
		VALUES ('inbound', 'inbound', 1, 'received', 'x', 'SMnew', clock_timestamp())`)
	e.redactor("AClive", next) // another process, later
	require.Equal(t, 2, e.count("SELECT count(*) FROM provider_periods"))
	e.exec("INSERT INTO sending_hold (held_at, backup_at) VALUES (now(), now())")
	e.erase(1)
	require.NoError(t, e.s.Clear(t.Context(), []int64{1}))
	e.all(second)
	require.Empty(t, next.asked, "it may be a copy")
	e.exec("DELETE FROM sending_hold")
	e.all(second)
	require.Equal(t, []string{"SMnew"}, next.asked)
	require.Equal(t, 3, e.counted("waiting"), "they wait for their account")
	e.exec("UPDATE redactions SET created_at = now() - interval '16 days' WHERE sid = 'SM1failed1'")
	e.all(second)
	e.all(first)
	require.ElementsMatch(t, []string{"SM1sent1", "SM1delivered1"}, old.asked)
	require.Equal(t, map[string]int{"it was made with another account, ACsandbox": 1}, e.result().Refused)
	require.Equal(t, 3, e.result().Done)
}
