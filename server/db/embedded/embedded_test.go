package embedded_test

import (
	"log/slog"
	"net/url"
	"testing"

	"eventstream/server/db/embedded"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// Whoever else is on the machine can reach the port: only that of tests is open.
func TestThePrivatePostgresAsksForItsPassword(t *testing.T) {
	for name, unsafe := range map[string]bool{"of an installation": false, "of tests": true} {
		t.Run(name, func(t *testing.T) {
			pg, err := embedded.Start(t.Context(), embedded.Options{DataDir: t.TempDir(), Unsafe: unsafe, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, pg.Stop()) })
			c, err := pgx.Connect(t.Context(), pg.URL)
			require.NoError(t, err)
			require.NoError(t, c.Close(t.Context()))

			guess, err := url.Parse(pg.URL)
			require.NoError(t, err)
			guess.User = url.UserPassword(guess.User.Username(), "a guess")
			c, err = pgx.Connect(t.Context(), guess.String())
			if unsafe {
				require.NoError(t, err)
				require.NoError(t, c.Close(t.Context()))
				return
			}
			var refused *pgconn.PgError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "28P01", refused.Code) // invalid_password
		})
	}
}
