package webhookevent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/merge"
	"eventstream/server/message"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// reader knows Twilio's words as far as these tests use them.
type reader struct{}

func (reader) Status(p map[string]string) (message.Event, message.CodeInfo, bool) {
	if p["MessageStatus"] == "explodes" {
		panic("a word that nobody thought of")
	}
	return message.Event{Status: message.Status(p["MessageStatus"])}, message.CodeInfo{}, p["MessageStatus"] != "teleported"
}

func (reader) Inbound(p map[string]string) conversation.InboundMessage {
	return conversation.InboundMessage{From: p["From"], To: p["To"], Body: p["Body"], UserIDs: ids(p)}
}

func (reader) From(p map[string]string) (string, []string) { return p["From"], ids(p) }

func (reader) To(p map[string]string) (string, []string) { return p["To"], ids(p) }

func ids(p map[string]string) (ids []string) {
	for _, name := range []string{"ExternalUserId", "ParentExternalUserId"} {
		if p[name] != "" {
			ids = append(ids, p[name])
		}
	}
	return ids
}

type breaker struct{}

func (breaker) Trip(context.Context, message.Fault) error { return nil }

// engine is the webhooks' part of one.
type engine struct {
	*Applier

	t    *testing.T
	ctx  context.Context
	mu   sync.Mutex
	fail func(conversation.InboundMessage) error // before a message is received
}

func newEngine(t *testing.T, d *db.DB) *engine {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	hub := pubsub.New(d.Pool, log)
	consents := consent.NewService(d, hub, keys.Fixed("test"), time.Now)
	conversations := conversation.NewService(conversation.Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{}, Consents: consents, Topics: topic.NewService(d, hub), Now: time.Now,
	})
	e := &engine{t: t, ctx: actor.With(t.Context(), actor.System)}
	e.Applier = NewApplier(Options{
		DB: d, Hub: hub, Merges: merge.NewService(d, hub, consents, topic.NewService(d, hub)), Reader: reader{}, Receipts: message.NewReceipts(consents, price.NewService(d)), Breaker: breaker{}, Log: log,
		Receive: func(ctx context.Context, tx bun.Tx, in conversation.InboundMessage) (conversation.News, error) {
			e.mu.Lock()
			fail := e.fail
			e.mu.Unlock()
			if fail != nil {
				if err := fail(in); err != nil {
					return conversation.News{}, err
				}
			}
			return conversations.Receive(ctx, tx, in)
		},
	})
	return e
}

func (e *engine) failing(fail func(conversation.InboundMessage) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = fail
}

var errBroken = errors.New("a fault that is not the text's")

// brokenFor fails for messages with this text.
func brokenFor(text string) func(conversation.InboundMessage) error {
	return func(in conversation.InboundMessage) error {
		if strings.Contains(in.Body, text) {
			return errBroken
		}
		return nil
	}
}

func says(sid, from, body string) *Event {
	e := &Event{
		Kind: KindInbound, SID: sid, DedupeKey: InboundKey(sid), SignatureValid: true, Source: SourceLive,
		Params: map[string]string{"MessageSid": sid, "From": "whatsapp:" + from, "To": "whatsapp:+15005550006", "Body": body},
	}
	e.classify(context.Background(), e.Provider, reader{}, nil)
	return e
}

func status(sid, word string) *Event {
	return &Event{
		Kind: KindStatus, SID: sid, DedupeKey: StatusKey(sid, word, "", ""), SignatureValid: true, Source: SourceLive,
		Params: map[string]string{"MessageSid": sid, "MessageStatus": word},
	}
}

// store keeps events as they arrive, one after another.
func (e *engine) store(events ...*Event) {
	e.t.Helper()
	for _, ev := range events {
		_, err := insert(e.ctx, e.DB, []*Event{ev})
		require.NoError(e.t, err)
	}
}

func (e *engine) number(sql string, args ...any) (n int) {
	e.t.Helper()
	require.NoError(e.t, e.DB.NewRaw(sql, args...).Scan(e.ctx, &n))
	return n
}

// texts are what a contact wrote, in the order of their messages.
func (e *engine) texts(from string) (bodies []string) {
	e.t.Helper()
	require.NoError(e.t, e.DB.NewRaw("SELECT m.body FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE c.match_key = ? ORDER BY m.id", from).Scan(e.ctx, &bodies))
	return bodies
}

func (e *engine) consent(from string) contact.ConsentStatus {
	e.t.Helper()
	c, err := contact.ByMatchKey(e.ctx, e.DB, from)
	require.NoError(e.t, err)
	return c.ConsentStatus
}

// due lets every parked event be tried again at once.
func (e *engine) due() {
	e.t.Helper()
	_, err := e.DB.NewRaw("UPDATE webhook_events SET next_attempt_at = now() - interval '1 second' WHERE next_attempt_at IS NOT NULL").Exec(e.ctx)
	require.NoError(e.t, err)
}

// outbound makes messages that the provider took, SM0 and so on.
func (e *engine) outbound(n int) {
	e.t.Helper()
	_, err := e.DB.NewRaw(`
		WITH c AS (INSERT INTO contacts (address, match_key, kind) VALUES ('+4915100000000', '+4915100000000', 'phone') RETURNING id)
		INSERT INTO messages (direction, purpose, contact_id, status, sid, attempts)
		SELECT 'outbound', 'reply', c.id, 'accepted', 'SM' || g, 1 FROM c, generate_series(0, ?::int - 1) g`, n).Exec(e.ctx)
	require.NoError(e.t, err)
}

func person(n int) string { return fmt.Sprintf("+49151%08d", 20_000_000+n) }
