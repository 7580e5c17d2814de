package provider_test

import (
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"eventstream/migrations"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/provider"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

const (
	sandboxAccount = "AC5a4db0f5a4db0f5a4db0f5a4db0f5a4d"
	twilioAccount  = "AC00000000000000000000000000000001"
)

// older is a database as a version left it that knew no providers, with a sender, a campaign, a version of a
// template and a consent of each of two days.
func older(t *testing.T, periods string) *db.DB {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	d, err := db.Open(context.Background(), dbtest.EmptyURL(t), 4, log)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	files, err := fs.ReadDir(migrations.FS, ".")
	require.NoError(t, err)
	s := db.Schema{River: 6}
	for _, f := range files {
		if name, _, _ := strings.Cut(f.Name(), "_"); strings.HasSuffix(f.Name(), ".up.sql") && name < "20261205000000" {
			s.Migrations = append(s.Migrations, name)
		}
	}
	require.NoError(t, d.MigrateTo(ctx, log, s))
	_, err = d.ExecContext(ctx, periods+`;
		INSERT INTO senders (address, display_name, rate_per_second, created_at)
			VALUES ('+14155238886', 'first', 1, '2026-01-01'), ('+4930100', 'kept', 1, '2026-01-01'), ('+4930200', 'second', 1, '2026-03-01');
		INSERT INTO contacts (address, match_key, kind) VALUES ('+4915100000001', '+4915100000001', 'phone');
		INSERT INTO messages (direction, purpose, contact_id, sender_id, body, status, accepted_at)
			SELECT 'outbound', 'reply', c.id, s.id, 'x', 'delivered', CASE s.display_name WHEN 'first' THEN '2026-01-02'::timestamptz ELSE '2026-03-02' END
			FROM contacts c, senders s;
		INSERT INTO templates (name, language, category) VALUES ('t', 'en', 'marketing');
		INSERT INTO template_versions (template_id, version, kind, body, variables, created_at, submitted_at)
			SELECT id, v.n, 'text', 'x', '[]', v.at, v.submitted FROM templates, (VALUES (1, '2026-01-01'::timestamptz, '2026-01-01'::timestamptz),
				(2, '2026-01-01', '2026-03-01'), (3, '2026-03-01', NULL)) v (n, at, submitted);
		INSERT INTO campaigns (name, status, rate_limit_per_second, created_at, started_at) VALUES
			('first', 'completed', 1, '2026-01-01', '2026-01-01'), ('kept', 'completed', 1, '2026-01-01', '2026-03-01'), ('second', 'draft', 1, '2026-03-01', NULL);
		INSERT INTO consent_events (contact_id, address_hash, status, source, evidence, occurred_at, created_at)
			SELECT id, 'x', 'opted_in', 'keyword', '{"messageSid": "SM1"}', at, at FROM contacts, (VALUES ('2026-01-01'::timestamptz), ('2026-03-01')) v (at)`)
	require.NoError(t, err)
	require.NoError(t, d.MigrateUp(ctx, log))
	return d
}

func begin(t *testing.T, d *db.DB, n provider.Name, account string) {
	t.Helper()
	require.NoError(t, d.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return provider.Begin(ctx, tx, n, account) }))
}

// marks are what is marked with which provider.
func marks(t *testing.T, d *db.DB) (all []string) {
	t.Helper()
	require.NoError(t, d.NewRaw(`
		SELECT 'sender ' || display_name || ' ' || address || ' ' || provider || ' ' || status FROM senders
		UNION ALL SELECT 'campaign ' || name || ' ' || provider FROM campaigns
		UNION ALL SELECT 'version ' || version || ' ' || provider FROM template_versions
		UNION ALL SELECT 'consent ' || extract(month FROM occurred_at) || ' ' || coalesce(provider, provider_at(created_at)) FROM consent_events
		ORDER BY 1`).Scan(t.Context(), &all))
	return all
}

// TestWhatAnOlderVersionMadeIsMarked: with the provider under which it was made, and with the only one where nobody had
// noted who was in use.
func TestWhatAnOlderVersionMadeIsMarked(t *testing.T) {
	t.Parallel()
	all := func(n string) []string {
		return []string{
			"campaign first " + n, "campaign kept " + n, "campaign second " + n, "consent 1 " + n, "consent 3 " + n,
			"sender first +14155238886 " + n + " active", "sender kept +4930100 " + n + " active",
			"sender second +4930200 " + n + " active", "version 1 " + n, "version 2 " + n, "version 3 " + n,
		}
	}
	t.Run("live, never noted", func(t *testing.T) {
		t.Parallel()
		d := older(t, "")
		begin(t, d, provider.Twilio, twilioAccount)
		require.Equal(t, all("twilio"), marks(t, d))
		begin(t, d, provider.Twilio, "AC00000000000000000000000000000002")
		require.Equal(t, all("twilio"), marks(t, d))
	})
	t.Run("trying out, never noted", func(t *testing.T) {
		t.Parallel()
		d := older(t, "")
		begin(t, d, provider.Sandbox, sandboxAccount)
		begin(t, d, provider.Twilio, twilioAccount)
		require.Equal(t, all("sandbox"), marks(t, d), "a second period takes nothing over")
	})
	t.Run("live, noted", func(t *testing.T) {
		t.Parallel()
		d := older(t, "INSERT INTO provider_periods (began_at, account) VALUES ('-infinity', '"+twilioAccount+"')")
		require.Equal(t, all("twilio"), marks(t, d))
	})
	mixed := func(first string) []string {
		return []string{
			"campaign first sandbox", "campaign kept twilio", "campaign second twilio", "consent 1 sandbox", "consent 3 twilio",
			"sender first " + first, "sender kept +4930100 twilio active", "sender second +4930200 twilio active",
			"version 1 sandbox", "version 2 twilio", "version 3 twilio",
		}
	}
	both := "INSERT INTO provider_periods (began_at, account) VALUES ('-infinity', '" + sandboxAccount + "'), ('2026-02-01', '" + twilioAccount + "')"
	t.Run("trying out, then live", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, mixed("sandbox:+14155238886 sandbox paused"), marks(t, older(t, both)))
	})
	t.Run("trying out, live, and trying out again", func(t *testing.T) {
		t.Parallel()
		d := older(t, both+", ('2026-04-01', '"+sandboxAccount+"')")
		require.Equal(t, mixed("+14155238886 sandbox active"), marks(t, d))
	})
}
