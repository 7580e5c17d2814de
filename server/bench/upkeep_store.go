package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// fill makes an installation with that many contacts, messages, receipts and
// entries of the audit trail, in which nothing waits: what maintenance looks
// through each second for nothing.
func fill(ctx context.Context, d *db.DB, size int) error {
	for _, sql := range []string{
		"ALTER TABLE contacts DISABLE TRIGGER USER", "ALTER TABLE messages DISABLE TRIGGER USER", "ALTER TABLE audit_entries DISABLE TRIGGER USER",
		`INSERT INTO contacts (address, match_key, kind, consent_status, reachable, erased_at)
			SELECT 'a' || g, 'a' || g, 'phone', (ARRAY['unknown', 'opted_in', 'opted_out'])[g % 3 + 1], g % 10 > 0,
				CASE WHEN g % 5 = 0 THEN now() - interval '2 days' END FROM generate_series(1, ?) g`,
		`INSERT INTO contact_counts (consent_status, reachable, n)
			SELECT consent_status, reachable, count(*) FROM contacts WHERE erased_at IS NULL GROUP BY 1, 2`,
		`INSERT INTO campaigns (name, status, finished_at) SELECT 'c' || g, 'completed', now() FROM generate_series(1, ?0::int / 1000 + 1) g`,
		`INSERT INTO messages (direction, purpose, campaign_id, contact_id, status, sid, accepted_at, delivered_at, attempts)
			SELECT 'outbound', 'campaign', g % (?0::int / 1000 + 1) + 1, g, 'delivered', 'SM' || g, now() - interval '3 days', now(), 1
			FROM generate_series(1, ?0) g`,
		"INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80)",
		// A paused campaign whose messages wait, and long ago a reply for every tenth contact.
		"INSERT INTO campaigns (name, status, sender_id) VALUES ('paused', 'paused', 1)",
		"INSERT INTO campaign_senders (campaign_id, sender_id) SELECT max(id), 1 FROM campaigns",
		`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, status)
			SELECT 'outbound', 'campaign', (SELECT max(id) FROM campaigns), g, 1, 'pending' FROM generate_series(1, ?) g`,
		`INSERT INTO messages (direction, purpose, contact_id, sender_id, status, sid, accepted_at, created_at)
			SELECT 'outbound', 'reply', g, 1, 'sent', 'SMr' || g, now() - interval '9 days', now() - interval '9 days' FROM generate_series(1, ?0::int / 10) g`,
		"INSERT INTO receipt_checks (campaign_id, pass_began, last_pass, base, next_at) SELECT 0, now(), now() - interval '1 minute', max(id), now() FROM messages",
		"INSERT INTO message_counts (campaign_id, measure, n) SELECT coalesce(campaign_id, 0), status, count(*) FROM messages GROUP BY 1, 2",
		`INSERT INTO message_series (campaign_id, bucket, measure, n)
			SELECT 1, date_bin('10 seconds', now() - make_interval(secs => g * 60), 'epoch'), m, 5
			FROM generate_series(1, 1440) g, unnest(ARRAY['at:accepted', 'at:delivered', 'at:read']) m`,
		`INSERT INTO message_series (campaign_id, bucket, measure, n)
			SELECT 2, date_bin('10 seconds', now() - interval '10 days' - make_interval(secs => g * 10), 'epoch'), 'at:accepted', 5
			FROM generate_series(1, greatest(?0::int, 50000)) g`,
		`INSERT INTO webhook_events (kind, sid, dedupe_key, params, signature_valid, received_at, applied_at)
			SELECT 'status', 'SM' || g, 'k' || g, '{}', true, now() - interval '1 day', now() - interval '1 day' FROM generate_series(1, ?) g`,
		`INSERT INTO audit_entries (actor_kind, action, entity, entity_id, seq, hash)
			SELECT 'system', 'x', 'contact', g, g, 'h' FROM generate_series(1, ?) g`,
		"INSERT INTO audit_keys (id, public_key, sealed) VALUES (1, 'k', 'v1.00000000.x')",
		`INSERT INTO audit_checkpoints (size, note, key_id, created_at)
			SELECT g, 'n', k.id, now() FROM audit_keys k, generate_series(1, 10000) g`,
		`INSERT INTO audit_deliveries (checkpoint_id, destination, delivered_at)
			SELECT id, 'd', now() FROM audit_checkpoints`,
		`INSERT INTO imports (file_name, options, status, finished_at)
			SELECT 'f', '{}', 'completed', now() - interval '9 days' FROM generate_series(1, ?0::int / 10) g`,
		`INSERT INTO bulk_actions (kind, selection, options, status, newest, total)
			SELECT CASE WHEN g % 2 = 0 THEN 'export' ELSE 'tag' END, '{}', '{}', CASE WHEN g % 2 = 0 THEN 'pending' ELSE 'completed' END, 0, 0
			FROM generate_series(1, ?0::int / 10) g`,
		"INSERT INTO templates (name, language, category) VALUES ('t', 'en', 'marketing')",
		`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status, submitted_at, check_at)
			SELECT 1, g, 'text', 'x', '[]', 'HX' || g, CASE WHEN g <= 100 THEN 'submitted' ELSE 'approved' END, now(),
				CASE WHEN g <= 100 THEN now() + interval '1 hour' ELSE now() END FROM generate_series(1, ?0::int / 10 + 100) g`,
		`INSERT INTO erasures (contact_id, erased_at, watch_until, next_look, cleared)
			SELECT id, erased_at, erased_at + interval '7 days', now() + interval '1 hour', true FROM contacts WHERE erased_at IS NOT NULL`,
		`INSERT INTO river_job (args, kind, max_attempts, queue, state, finalized_at)
			SELECT '{}', 'message_send', 8, 'replies', 'completed', now() FROM generate_series(1, ?0::int / 10) g`,
		"ALTER TABLE contacts ENABLE TRIGGER USER", "ALTER TABLE messages ENABLE TRIGGER USER", "ALTER TABLE audit_entries ENABLE TRIGGER USER",
	} {
		err := d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewRaw("SET LOCAL statement_timeout = 0").Exec(ctx); err != nil { // a million contacts take minutes
				return err
			}
			_, err := tx.NewRaw(sql, size).Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	_, err := d.NewRaw("VACUUM ANALYZE").Exec(ctx)
	return err
}

// recorder keeps the statements that run under a name.
type recorder struct {
	mu         sync.Mutex
	statements map[string][]string
}

type recordedAs struct{}

func (r *recorder) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *recorder) AfterQuery(ctx context.Context, e *bun.QueryEvent) {
	name, _ := ctx.Value(recordedAs{}).(string)
	words := strings.Fields(e.Query)
	if len(words) == 0 {
		return
	}
	switch strings.ToUpper(words[0]) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		r.mu.Lock()
		defer r.mu.Unlock()
		r.statements[name] = append(r.statements[name], e.Query)
	}
}

// cost is what statements take: blocks of tables and indexes they looked at,
// which is the same on every machine, and time.
type cost struct {
	Blocks       int64
	Milliseconds float64
}

// explain runs statements and takes their changes back.
func explain(ctx context.Context, d *db.DB, statements []string) (total cost, err error) {
	for _, sql := range statements {
		tx, err := d.BeginTx(ctx, nil)
		if err != nil {
			return total, err
		}
		var raw string
		err = tx.NewRaw("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ?", bun.Safe(sql)).Scan(ctx, &raw)
		_ = tx.Rollback()
		if err != nil {
			return total, fmt.Errorf("%.60s: %w", sql, err)
		}
		var plans []struct {
			Plan struct {
				Hit  int64 `json:"Shared Hit Blocks"`
				Read int64 `json:"Shared Read Blocks"`
			}
			Execution float64 `json:"Execution Time"`
		}
		if err := json.Unmarshal([]byte(raw), &plans); err != nil || len(plans) != 1 {
			return total, fmt.Errorf("plan of %.60s: %w", sql, err)
		}
		total.Blocks += plans[0].Plan.Hit + plans[0].Plan.Read
		total.Milliseconds += plans[0].Execution
	}
	return total, nil
}
