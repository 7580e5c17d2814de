package embedded_test

import (
	"context"
	"log/slog"
	"net/url"
	"testing"

	"eventstream/server/db/embedded"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// Whoever else is on the machine can reach the port.
func TestThePrivatePostgresAsksForItsPassword(t *testing.T) {
	for name, unsafe := range map[string]bool{"of an installation": false, "of tests": true} {
		t.Run(name, func(t *testing.T) {
			pg, err := embedded.Start(t.Context(), embedded.Options{DataDir: t.TempDir(), Unsafe: unsafe, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, pg.Stop()) })
			c, err := pgx.Connect(t.Context(), pg.URL)
			require.NoError(t, err)
			defer func() { _ = c.Close(context.Background()) }()
			var rounds string     // of the stored password
			var configurable bool // since Postgres 16
			require.NoError(t, c.QueryRow(t.Context(), `SELECT substring(rolpassword FROM '^SCRAM-SHA-256\$(\d+)'),
				current_setting('server_version_num')::int >= 160000 FROM pg_authid WHERE rolname = current_user`).Scan(&rounds, &configurable))
			want := "4096"
			if unsafe && configurable {
				want = "1"
			}
			require.Equal(t, want, rounds)

			guess, err := url.Parse(pg.URL)
			require.NoError(t, err)
			guess.User = url.UserPassword(guess.User.Username(), "a guess")
			_, err = pgx.Connect(t.Context(), guess.String())
			var refused *pgconn.PgError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "28P01", refused.Code) // invalid_password
		})
	}
}
