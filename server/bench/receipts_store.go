package bench

import (
	"context"
	"encoding/json"
	"net/url"

	"eventstream/server/db"
)

// seedReceipts makes so many messages of one campaign that the provider took,
// with the ids that the callbacks bring back.
func seedReceipts(ctx context.Context, d *db.DB, n int) error {
	for _, sql := range []string{
		"INSERT INTO campaigns (name, status) SELECT 'receipts', 'completed' WHERE ?::int > 0",
		"INSERT INTO templates (name, language, category) SELECT 'receipts', 'en', 'marketing' WHERE ?::int > 0",
		`INSERT INTO template_versions (template_id, version, kind, body, variables, approval_status)
		SELECT max(id), 1, 'text', 'Hello, this is for you.', '[]', 'approved' FROM templates WHERE ?::int > 0`,
		`INSERT INTO contacts (address, match_key, kind, region, consent_status, consent_at)
		SELECT a, a, 'phone', 'DE', 'opted_in', now()
		FROM (SELECT '+49151' || lpad(i::text, 8, '0') AS a FROM generate_series(0, ?::int - 1) i) x`,
		`INSERT INTO messages (id, direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status, sid, attempts, body,
			submitted_at, accepted_at)
		OVERRIDING SYSTEM VALUE
		SELECT p.n, 'outbound', 'campaign', (SELECT max(id) FROM campaigns), p.id, (SELECT min(id) FROM senders),
			(SELECT max(id) FROM template_versions), 'accepted',
			'SM7e' || lpad((p.n - 1)::text, 30, '0'), 1, 'Hello, this is for you.', now(), now()
		FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM contacts) p WHERE p.n <= ?::int ORDER BY p.n`,
		"SELECT setval('messages_id_seq', ?::int + 1)",
	} {
		if _, err := d.NewRaw(sql, n).Exec(ctx); err != nil {
			return err
		}
	}
	_, err := d.NewRaw("VACUUM ANALYZE messages, contacts").Exec(ctx)
	return err
}

// waitingReceipts counts what was taken and is not applied.
func waitingReceipts(ctx context.Context, d *db.DB) (n int, err error) {
	err = d.NewRaw("SELECT count(*) FROM webhook_events WHERE kind = 'status' AND applied_at IS NULL").Scan(ctx, &n)
	return n, err
}

// wrongReceipts counts what had no effect.
func wrongReceipts(ctx context.Context, d *db.DB) (n int, err error) {
	err = d.NewRaw("SELECT count(*) FROM webhook_events WHERE error <> '' AND sid LIKE 'SM7e%'").Scan(ctx, &n)
	return n, err
}

// insertSimply stores one callback in a transaction of its own, in a table like
// the engine's.
func insertSimply(ctx context.Context, d *db.DB, form url.Values) error {
	params := make(map[string]string, len(form))
	for name := range form {
		params[name] = form.Get(name)
	}
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	_, err = d.NewRaw(`INSERT INTO webhook_events (kind, sid, dedupe_key, message_id, params, signature_valid, applied_at)
		VALUES ('status', ?, ?, 0, ?::jsonb, true, now()) ON CONFLICT (dedupe_key) DO NOTHING`,
		params["MessageSid"], params["MessageSid"]+":"+params["MessageStatus"], string(raw)).Exec(ctx)
	return err
}

func backendPID(ctx context.Context, d *db.DB) (pid int, err error) {
	err = d.NewRaw("SELECT pg_backend_pid()").Scan(ctx, &pid)
	return pid, err
}
