package backup_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eventstream/server/audit"
	"eventstream/server/backup"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/pubsub"
	"eventstream/server/secret"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

const first, second, third = "first-first-first-first-first-first", "second-second-second-second-second",
	"third-third-third-third-third-third"

const ada = "+4915112340001"

var quiet = slog.New(slog.DiscardHandler)

type env struct {
	*testing.T
	*db.DB
}

func at(t *testing.T, url string) env {
	t.Helper()
	d, err := db.Open(t.Context(), url, 5, quiet)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return env{t, d}
}

func (e env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.NewRaw(sql, args...).Exec(e.Context())
	require.NoError(e, err)
}

func (e env) text(sql string, args ...any) (s string) {
	e.Helper()
	require.NoError(e, e.NewRaw(sql, args...).Scan(e.Context(), &s))
	return s
}

func (e env) consents(k *secret.Keys) *consent.Service {
	return consent.NewService(e.DB, pubsub.New(e.Pool, quiet), keys.NewAddresses(k), time.Now)
}

func (e env) trail(k *secret.Keys) *audit.Trail {
	return audit.NewTrail(audit.Options{DB: e.DB, Secret: k, Now: time.Now, Log: quiet})
}

// original is an installation with a bit of everything, and somebody who was erased.
func original(t *testing.T, k *secret.Keys) env {
	t.Helper()
	e := at(t, dbtest.URL(t))
	require.NoError(t, keys.Ensure(t.Context(), e.DB, k))
	e.exec(`INSERT INTO operators (email, name, role, password_hash) VALUES ('a@b.example', E'A\tB\\n\n"ü"', 'admin', 'x')`)
	sealed, err := k.Seal(secret.TOTPSeed.Purpose(1), []byte("the seed"))
	require.NoError(t, err)
	e.exec("UPDATE operators SET totp_seed = ?", sealed)
	e.exec("INSERT INTO sessions (token_hash, operator_id, expires_at) VALUES ('x', 1, now() + interval '1 day')")
	e.exec(`INSERT INTO contacts (address, match_key, kind, attributes) SELECT '+4915' || i, '+4915' || i, 'phone', jsonb_build_object('n', i)
		FROM generate_series(1, 3000) i`)
	e.exec(`INSERT INTO messages (direction, purpose, contact_id, status, body) SELECT 'outbound', 'reply', id, 'delivered', 'hello ' || id FROM contacts`)
	require.NoError(t, e.Tx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		if _, err := e.consents(k).Suppress(ctx, tx, []string{ada}, consent.SuppressedErased, nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ConversationNote, "test", 1, map[string]any{"a": "b"})
	}))
	_, err = e.trail(k).Seal(t.Context())
	require.NoError(t, err)
	return e
}

func (e env) backup(k *secret.Keys) *backup.Made {
	e.Helper()
	made, err := backup.Write(e.Context(), e.DB, backup.Options{Path: e.TempDir(), Secret: k, Engine: "test", Now: time.Now})
	require.NoError(e, err)
	return made
}

func (e env) restore(path, keyFile string, k *secret.Keys) error {
	_, err := backup.Restore(e.Context(), e.DB, backup.RestoreOptions{Path: path, Keys: keyFile, Secret: k, Log: quiet})
	return err
}

// content is every row of every table, but what a restore changes on purpose.
func (e env) content() map[string]string {
	e.Helper()
	var tables []string
	require.NoError(e, e.NewRaw(`SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
		AND relname NOT IN ('bun_migrations', 'bun_migration_locks', 'river_migration', 'sessions', 'sending_hold', 'backups', 'audit_entries', 'operators', 'address_keys', 'audit_keys')`).
		Scan(e.Context(), &tables))
	all := map[string]string{}
	for _, t := range tables {
		all[t] = e.text("SELECT count(*) || ' ' || coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') FROM ? x", bun.Ident(t))
	}
	return all
}

func TestWhatWasBackedUpIsRestored(t *testing.T) {
	t.Parallel()
	before, after := secret.New(first), secret.New(second)
	src := original(t, before)
	made := src.backup(before)
	for _, path := range []string{made.Path, made.Keys} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm())
	}
	raw, err := os.ReadFile(made.Path)
	require.NoError(t, err)
	require.NotContains(t, string(raw), first)
	last, err := backup.Last(t.Context(), src.DB)
	require.NoError(t, err)
	require.Equal(t, made.Bytes, *last.Bytes)
	require.WithinDuration(t, time.Now(), last.TakenAt, time.Minute)

	dst := at(t, dbtest.EmptyURL(t))
	require.NoError(t, dst.restore(made.Path, "", after))
	require.Equal(t, src.content(), dst.content())
	require.Equal(t, src.text("SELECT name FROM operators"), dst.text("SELECT name FROM operators"))
	require.Equal(t, "0", dst.text("SELECT count(*)::text FROM sessions"), "what was signed out since stays out")
	require.Equal(t, "1", dst.text("SELECT count(*)::text FROM sending_hold"))
	v, err := dst.trail(after).Verify(t.Context(), audit.Against{})
	require.NoError(t, err)
	require.Nil(t, v.Break)
	require.EqualValues(t, 1, v.Entries)
	plain, err := after.Open(secret.TOTPSeed.Purpose(1), dst.text("SELECT totp_seed FROM operators"))
	require.NoError(t, err, "secrets lie under the new installation's own key")
	require.Equal(t, "the seed", string(plain))
	found, err := dst.consents(after).Suppressed(t.Context(), dst.DB, []string{ada})
	require.NoError(t, err)
	require.Equal(t, consent.Reasons{consent.SuppressedErased}, found[ada], "who was erased stays so")

	// Triggers, references and sequences are as they were.
	for _, sql := range []string{
		"SELECT string_agg(conname || pg_get_constraintdef(oid), '|' ORDER BY conname, conrelid::regclass::text) FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
		"SELECT string_agg(tgname || tgenabled::text, '|' ORDER BY tgname, tgrelid::regclass::text) FROM pg_trigger WHERE NOT tgisinternal",
		"SELECT string_agg(indexdef, '|' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'",
	} {
		require.Equal(t, src.text(sql), dst.text(sql))
	}
	dst.exec("INSERT INTO contacts (address, match_key, kind) VALUES ('+1', '+1', 'phone')")
	require.Equal(t, "3001", dst.text("SELECT max(id)::text FROM contacts"))
	dst.exec("INSERT INTO messages (direction, purpose, contact_id, status) VALUES ('outbound', 'reply', 1, 'delivered')")
	require.Equal(t, "1003001", dst.text("SELECT max(id)::text FROM messages"), "the original may have used the ids between")
	require.Equal(t, "3001", dst.text("SELECT n::text FROM message_counts WHERE campaign_id = 0 AND measure = 'delivered'"), "counters go on")

	require.ErrorContains(t, dst.restore(made.Path, "", after), "not empty")
}

// Without the keys by which addresses are hashed nothing begins.
func TestARestoreAsksForTheAddressKeys(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	src := original(t, k)
	made := src.backup(k)
	dst := at(t, dbtest.EmptyURL(t))
	err := dst.restore(made.Path, backup.NoKeys, secret.New(second))
	require.ErrorContains(t, err, secret.ID(first))
	require.Equal(t, "0", dst.text("SELECT count(*)::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"), "nothing was begun")
	require.ErrorContains(t, dst.restore(made.Path, made.Path, secret.New(second)), "read the keys")
	// A key of the name alone is not enough.
	fake := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(fake, []byte("SECRET_KEY="+third+"\n"), 0o600))
	require.ErrorContains(t, dst.restore(made.Path, fake, secret.New(second)), secret.ID(first))

	require.NoError(t, dst.restore(made.Path, backup.NoKeys, secret.New(second, first)))
	require.NoError(t, keys.Ensure(t.Context(), dst.DB, secret.New(second)))
	require.Error(t, keys.Ensure(t.Context(), dst.DB, secret.New(third)), "nor does an engine start without them")
}

// rewritten is the archive with one of its parts changed.
func rewritten(t *testing.T, path, part string, change func([]byte) []byte) string {
	t.Helper()
	r, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer func() { _ = r.Close() }()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		in, err := f.Open()
		require.NoError(t, err)
		raw, err := io.ReadAll(in)
		require.NoError(t, err)
		if f.Name == part {
			raw = change(raw)
		}
		if raw == nil {
			continue
		}
		dst, err := w.Create(f.Name)
		require.NoError(t, err)
		_, err = dst.Write(raw)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	changed := filepath.Join(t.TempDir(), "changed.backup")
	require.NoError(t, os.WriteFile(changed, out.Bytes(), 0o600))
	return changed
}

func TestWhatIsNoWholeBackupIsRefused(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	src := original(t, k)
	made := src.backup(k)
	raw, err := os.ReadFile(made.Path)
	require.NoError(t, err)
	dst := at(t, dbtest.EmptyURL(t))
	cut := filepath.Join(t.TempDir(), "cut")
	for _, n := range []int{0, 1, len(raw) / 2, len(raw) - 1} {
		require.NoError(t, os.WriteFile(cut, raw[:n], 0o600))
		require.ErrorContains(t, dst.restore(cut, backup.NoKeys, k), "no whole backup")
	}
	manifest := func(change func(m map[string]any)) string {
		return rewritten(t, made.Path, "manifest.json", func(raw []byte) []byte {
			var m map[string]any
			require.NoError(t, json.Unmarshal(raw, &m))
			change(m)
			raw, err := json.Marshal(m)
			require.NoError(t, err)
			return raw
		})
	}
	for want, path := range map[string]string{
		"not the one that was signed":   manifest(func(m map[string]any) { m["takenAt"] = "2030-01-01T00:00:00Z" }),
		"format":                        manifest(func(m map[string]any) { m["format"] = 2 }),
		"manifest":                      rewritten(t, made.Path, "manifest.json", func([]byte) []byte { return nil }),
		"changed since":                 rewritten(t, made.Path, "tables/contacts.copy", func(b []byte) []byte { return bytes.Replace(b, []byte(`"n": 17}`), []byte(`"n": 18}`), 1) }),
		"2999 rows":                     rewritten(t, made.Path, "tables/messages.copy", func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] }),
		"the part suppressed_addresses": rewritten(t, made.Path, "tables/suppressed_addresses.copy", func([]byte) []byte { return nil }),
	} {
		require.ErrorContains(t, dst.restore(path, backup.NoKeys, k), want)
		if want != "2999 rows" { // whose bytes tell as well
			_, err := backup.Check(path, backup.NoKeys, k)
			require.ErrorContains(t, err, want)
		}
	}
	m, err := backup.Check(made.Path, "", secret.New(second))
	require.NoError(t, err)
	require.Greater(t, m.Rows(), int64(6000))
	require.NoError(t, dst.restore(made.Path, backup.NoKeys, k), "what was refused left nothing behind")
}

func TestABackupOfANewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	src := original(t, k)
	src.exec("INSERT INTO bun_migrations (name, group_id) VALUES ('29990101000000', 99)")
	made := src.backup(k)
	dst := at(t, dbtest.EmptyURL(t))
	require.ErrorContains(t, dst.restore(made.Path, "", k), "29990101000000")
}

// A backup that fails, or is broken off, leaves nothing that looks like one.
func TestABrokenBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	src := original(t, k)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := backup.Write(ctx, src.DB, backup.Options{
		Path: dir, Secret: k, Now: time.Now, During: func(table string) {
			if table == "messages" {
				cancel()
			}
		},
	})
	require.ErrorIs(t, err, context.Canceled)
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, files)
	last, err := backup.Last(t.Context(), src.DB)
	require.NoError(t, err)
	require.Nil(t, last)

	path := filepath.Join(dir, "mine")
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	_, err = backup.Write(t.Context(), src.DB, backup.Options{Path: path, Secret: k, Now: time.Now})
	require.ErrorContains(t, err, "overwrites nothing")
}

// All tables are of one moment, whatever is written meanwhile.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	src := original(t, k)
	n := 0
	made, err := backup.Write(t.Context(), src.DB, backup.Options{
		Path: t.TempDir(), Secret: k, Now: time.Now, During: func(string) {
			n++
			src.exec("INSERT INTO contacts (address, match_key, kind) VALUES (?0, ?0, 'phone')", fmt.Sprintf("+49300%d", n))
			src.exec("INSERT INTO messages (direction, purpose, contact_id, status) SELECT 'outbound', 'reply', max(id), 'delivered' FROM contacts")
		},
	})
	require.NoError(t, err)
	require.Greater(t, n, 30, "it was written to while each table was copied")
	dst := at(t, dbtest.EmptyURL(t))
	require.NoError(t, dst.restore(made.Path, "", k))
	require.Equal(t, "3000 3000", dst.text("SELECT (SELECT count(*) FROM contacts) || ' ' || (SELECT count(*) FROM messages)"))
	require.False(t, strings.Contains(dst.text("SELECT string_agg(address, ' ') FROM contacts"), "+49300"))
	dst.exec("INSERT INTO contacts (address, match_key, kind) VALUES ('+1', '+1', 'phone')")
}
