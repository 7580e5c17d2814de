package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/portfolio"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/stretchr/testify/require"
)

// env is the engine's sending half on a database of its own: one campaign to some
// people, from one sender.
type env struct {
	t        *testing.T
	ctx      context.Context
	db       *db.DB
	provider *carrier
	opts     Options
	consents *consent.Service
}

// carrier plays Twilio inside the test: the test decides what a call meets.
type carrier struct {
	mu    sync.Mutex
	sent  []message.Outgoing
	calls atomic.Int64
	meet  func(message.Outgoing) (message.Accepted, error) // nil: accepted
}

func (p *carrier) Send(_ context.Context, out message.Outgoing) (message.Accepted, error) {
	if out.Begin != nil && !out.Begin() {
		return message.Accepted{}, message.ErrNotBegun
	}
	n := p.calls.Add(1)
	p.mu.Lock()
	p.sent = append(p.sent, out)
	meet := p.meet
	p.mu.Unlock()
	if meet != nil {
		return meet(out)
	}
	return message.Accepted{SID: fmt.Sprintf("SM%032d", n), Status: message.StatusAccepted}, nil
}

func (*carrier) Log(context.Context, message.LogQuery) (message.LogAnswer, error) {
	return message.LogAnswer{}, nil
}

func (*carrier) Fetch(context.Context, string) (*message.Logged, error) {
	return nil, nil //nolint:nilnil // it has no log
}

func (p *carrier) to() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := map[string]int{}
	for _, out := range p.sent {
		n[out.To]++
	}
	return n
}

func setUp(t *testing.T, people int) *env {
	t.Helper()
	d := dbtest.New(t)
	log := slog.New(slog.DiscardHandler)
	hub := pubsub.New(d.Pool, log)
	client, err := river.NewClient(riverdatabasesql.New(d.DB.DB), &river.Config{})
	require.NoError(t, err)
	enqueuer := &jobs.Enqueuer{Client: client}
	consents := consent.NewService(d, hub, keys.Fixed("a secret of the test"), time.Now)
	segments, topics, senders := segment.NewService(d), topic.NewService(d, hub), sender.NewService(d)
	templates := template.NewService(template.Dependencies{DB: d, Jobs: enqueuer, Log: log})
	campaigns := campaign.NewService(campaign.Dependencies{
		DB: d, Hub: hub, Jobs: enqueuer, Segments: segments, Templates: templates, Senders: senders, Topics: topics, Now: time.Now,
	})
	e := &env{t: t, ctx: actor.With(t.Context(), actor.System), db: d, provider: &carrier{}, consents: consents}
	e.opts = Options{
		DB: d, Hub: hub, Jobs: enqueuer, Campaigns: campaigns, Consents: consents, Templates: templates, Senders: senders, Topics: topics, Prices: price.NewService(d),
		Portfolio: portfolio.NewService(d),
		Breaker:   NewBreaker(d, campaigns, senders, log), Provider: e.provider, Log: log, Validity: time.Hour,
	}
	require.NoError(t, senders.Ensure(e.ctx, "+14155238886", "Shop", 1000))
	e.exec(`INSERT INTO templates (name, language, category) VALUES ('Hello', 'en', 'utility')`)
	e.exec(`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
		VALUES (1, 1, 'text', 'Hello {{name | you}}, this is for you.', '[]', 'HX00000000000000000000000000000000', 'approved')`)
	e.exec(`INSERT INTO contacts (address, match_key, kind, region, time_zone, time_zone_source, name, consent_status, consent_at)
		SELECT a, a, 'phone', 'DE', 'Europe/Berlin', 'number', 'Person ' || i, 'opted_in', now()
		FROM (SELECT i, '+49151' || lpad(i::text, 8, '0') AS a FROM generate_series(1, ?::int) i) x`, people)
	e.campaign()
	return e
}

// campaign adds one that sends to everybody, with the next id.
func (e *env) campaign() (id int64) {
	e.t.Helper()
	require.NoError(e.t, e.db.NewRaw(`INSERT INTO campaigns (name, template_id, template_version_id, sender_id, status, started_at, error_threshold)
		VALUES ('Test', 1, 1, 1, 'sending', now(), NULL) RETURNING id`).Scan(e.ctx, &id))
	e.exec("INSERT INTO campaign_senders (campaign_id, sender_id) VALUES (?, 1)", id)
	e.exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status)
		SELECT 'outbound', 'campaign', ?, id, 1, 1, 'pending' FROM contacts ORDER BY id`, id)
	return id
}

func (e *env) exec(query string, args ...any) {
	e.t.Helper()
	_, err := e.db.NewRaw(query, args...).Exec(e.ctx)
	require.NoError(e.t, err)
}

func (e *env) count(query string, args ...any) (n int) {
	e.t.Helper()
	require.NoError(e.t, e.db.NewRaw(query, args...).Scan(e.ctx, &n))
	return n
}

// dispatcher is one more worker process, with these hooks.
func (e *env) dispatcher(h Hooks) *Dispatcher {
	o := e.opts
	o.Hooks = h
	return New(o)
}

// statuses are how many messages stand where.
func (e *env) statuses() map[message.Status]int {
	e.t.Helper()
	var rows []struct {
		Status message.Status
		N      int
	}
	require.NoError(e.t, e.db.NewRaw("SELECT status, count(*) AS n FROM messages GROUP BY 1").Scan(e.ctx, &rows))
	found := map[message.Status]int{}
	for _, r := range rows {
		found[r.Status] = r.N
	}
	return found
}

type ctxt = context.Context

// batch makes one of claimed rows, as an outbox would.
func (e *env) batch(d *Dispatcher, rows []message.Claimed) *batch {
	e.t.Helper()
	snd, err := d.Senders.ByID(e.ctx, 1)
	require.NoError(e.t, err)
	c, err := d.Campaigns.ByID(e.ctx, 1)
	require.NoError(e.t, err)
	b := &batch{campaign: c, sender: snd, brake: &brake{}, rows: rows, began: time.Now(), slot: time.Now()}
	require.NoError(e.t, b.read(e.ctx, d))
	return b
}

// reply enqueues an answer to a contact whose window is open.
func (e *env) reply(contactID int64, text string) (id int64) {
	e.t.Helper()
	e.exec("INSERT INTO conversations (contact_id, session_expires_at) VALUES (?, now() + interval '20 hours')", contactID)
	require.NoError(e.t, e.db.NewRaw(`INSERT INTO messages (direction, purpose, contact_id, sender_id, body, status)
		VALUES ('outbound', 'reply', ?, 1, ?, 'pending') RETURNING id`, contactID, text).Scan(e.ctx, &id))
	return id
}

// deliver sends what waits: the campaign, or the one single message.
func (e *env) deliver(single bool, id int64) {
	e.t.Helper()
	d := e.dispatcher(Hooks{})
	if single {
		_, err := d.SendSingle(e.ctx, id)
		require.NoError(e.t, err)
		return
	}
	require.NoError(e.t, d.Dispatch(e.ctx, 1))
}

func (e *env) markLost() {
	e.t.Helper()
	_, err := e.dispatcher(Hooks{}).MarkLost(e.ctx, LostBatch)
	require.NoError(e.t, err)
}
