package template_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/template"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// content answers for the SIDs it knows; it hangs for one and fails for others.
type content struct {
	template.Content
	hangs string

	mu    sync.Mutex
	known map[string]template.Approval
	asked []string
}

func (c *content) Decision(ctx context.Context, sid string) (template.Decision, error) {
	c.mu.Lock()
	c.asked = append(c.asked, sid)
	c.mu.Unlock()
	if sid == c.hangs {
		<-ctx.Done()
		return template.Decision{}, ctx.Err()
	}
	if a, ok := c.known[sid]; ok {
		return template.Decision{Approval: a}, nil
	}
	return template.Decision{}, apperr.New(apperr.CodeUnavailable, "no answer")
}

func submitted(t *testing.T, d *db.DB, n int) {
	t.Helper()
	exec(t, d, "INSERT INTO templates (name, language, category) VALUES ('t', 'en', 'marketing')")
	exec(t, d, `INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status, submitted_at, check_at)
		SELECT 1, g, 'text', 'x', '[]', 'HX' || g, 'submitted', now() - interval '1 hour', now() - make_interval(secs => g) FROM generate_series(1, ?) g`, n)
}

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	_, err := d.NewRaw(sql, args...).Exec(t.Context())
	require.NoError(t, err)
}

func number(t *testing.T, d *db.DB, sql string, args ...any) (n float64) {
	t.Helper()
	require.NoError(t, d.NewRaw("SELECT ("+sql+")::float8", args...).Scan(t.Context(), &n))
	return n
}

// However many wait, a run asks about a batch of them, those first that are due
// longest.
func TestDecisionsAreAskedForInBatchesOldestFirst(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	submitted(t, d, 30)
	c := &content{known: map[string]template.Approval{}}
	for i := range 31 {
		c.known[fmt.Sprint("HX", i)] = template.ApprovalApproved
	}
	s := template.NewService(template.Dependencies{DB: d, Content: c, Log: slog.New(slog.DiscardHandler)})
	n, err := s.PollDecisions(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, 10, n)
	require.Equal(t, []string{"HX30", "HX29", "HX28", "HX27", "HX26", "HX25", "HX24", "HX23", "HX22", "HX21"}, c.asked)
	require.EqualValues(t, 10, number(t, d,
		"SELECT count(*) FROM template_versions WHERE approval_status = 'approved' AND version > 20"))
}

// One that gets no answer waits longer each time, and holds no other up.
func TestADecisionThatFailsWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	submitted(t, d, 2)
	c := &content{hangs: "HX2", known: map[string]template.Approval{"HX1": template.ApprovalRejected}}
	s := template.NewService(template.Dependencies{DB: d, Content: c, Log: slog.New(slog.DiscardHandler)})
	n, err := s.PollDecisions(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, 2, n, "the one that hangs came first, and the other had its turn")
	require.EqualValues(t, 1, number(t, d,
		"SELECT count(*) FROM template_versions WHERE approval_status = 'rejected' AND version = 1"))
	c.hangs = ""
	wait := func() float64 {
		return number(t, d, "SELECT extract(epoch FROM check_at - now())::float8 FROM template_versions WHERE version = 2")
	}
	last := wait()
	require.Positive(t, last)
	for range 12 {
		n, err := s.PollDecisions(t.Context(), 10)
		require.NoError(t, err)
		require.Zero(t, n, "it is not due")
		exec(t, d, "UPDATE template_versions SET check_at = now() WHERE version = 2")
		n, err = s.PollDecisions(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Greater(t, wait(), min(last*1.5, 1700))
		last = wait()
	}
	require.InDelta(t, 1800, last, 60, "half an hour at most")
	c.known["HX2"] = template.ApprovalApproved
	exec(t, d, "UPDATE template_versions SET check_at = now() WHERE version = 2")
	_, err = s.PollDecisions(t.Context(), 10)
	require.NoError(t, err)
	require.EqualValues(t, 1, number(t, d,
		"SELECT count(*) FROM template_versions WHERE approval_status = 'approved' AND check_failures = 0"))
}

// A run that is canceled in the middle of a question does not blame the version.
func TestACanceledRunPostponesNobody(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	submitted(t, d, 2)
	c := &content{hangs: "HX2"}
	s := template.NewService(template.Dependencies{DB: d, Content: c, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for asked := false; !asked; {
			c.mu.Lock()
			asked = len(c.asked) > 0
			c.mu.Unlock()
		}
		cancel()
	}()
	_, err := s.PollDecisions(ctx, 10)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, number(t, d, "SELECT sum(check_failures) FROM template_versions"))
}

// slowContent answers when it is let.
type slowContent struct {
	template.Content
	asked, answer chan struct{}
}

func (c *slowContent) Decision(context.Context, string) (template.Decision, error) {
	close(c.asked)
	<-c.answer
	return template.Decision{Approval: template.ApprovalSubmitted}, nil
}

// An answer that comes after the answer to a later question is dropped.
func TestAnOlderAnswerDoesNotOverwriteANewerOne(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	submitted(t, d, 1)
	slow := &slowContent{asked: make(chan struct{}), answer: make(chan struct{})}
	log := slog.New(slog.DiscardHandler)
	done := make(chan error)
	go func() {
		_, err := template.NewService(template.Dependencies{DB: d, Content: slow, Log: log}).PollDecisions(context.Background(), 1)
		done <- err
	}()
	<-slow.asked
	quick := &content{known: map[string]template.Approval{"HX1": template.ApprovalApproved}}
	_, err := template.NewService(template.Dependencies{DB: d, Content: quick, Log: log}).PollDecisions(t.Context(), 1)
	require.NoError(t, err)
	close(slow.answer)
	require.NoError(t, <-done)
	require.EqualValues(t, 1, number(t, d, "SELECT count(*) FROM template_versions WHERE approval_status = 'approved'"))
}

// A version with which a campaign sends is looked at every 20 seconds: WhatsApp may withdraw it at any time.
func TestWhatSendsIsLookedAtOften(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	submitted(t, d, 1)
	c := &content{known: map[string]template.Approval{"HX1": template.ApprovalApproved}}
	var held []string
	s := template.NewService(template.Dependencies{
		DB: d, Content: c, Log: slog.New(slog.DiscardHandler),
		Hold: func(_ context.Context, _ bun.Tx, _ int64, reason string) (func(), error) {
			held = append(held, reason)
			return func() {}, nil
		},
	})
	poll := func() int {
		t.Helper()
		n, err := s.PollDecisions(t.Context(), 10)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, poll())
	exec(t, d, "UPDATE template_versions SET checked_at = now() - interval '21 seconds'")
	require.Zero(t, poll(), "nothing sends with it, and an hour is not over")
	exec(t, d, "INSERT INTO campaigns (name, status, template_version_id) SELECT 'c', 'sending', id FROM template_versions")
	require.Equal(t, 1, poll())
	require.Zero(t, poll(), "it was looked at just now")
	require.Empty(t, held)
	c.known["HX1"] = template.ApprovalPaused
	exec(t, d, "UPDATE template_versions SET checked_at = now() - interval '21 seconds'")
	require.Equal(t, 1, poll())
	require.Len(t, held, 1)
	require.Contains(t, held[0], "WhatsApp has paused the template “t”. People blocked or reported it too often.")
	exec(t, d, "UPDATE template_versions SET check_at = now()")
	require.Equal(t, 1, poll(), "it may come back")
	require.Len(t, held, 1, "what is withdrawn already is not withdrawn again")
}
