package db_test

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func TestMigrationsGoDownAndUpAgain(t *testing.T) {
	t.Parallel()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	d := dbtest.New(t)
	before := tables(t, d)
	require.Contains(t, before, "messages")
	require.Contains(t, before, "river_job")
	require.NoError(t, d.MigrateDown(ctx, true, log))
	require.Error(t, d.CheckMigrated(ctx))
	left := tables(t, d)
	require.NotContains(t, left, "messages")
	require.NotContains(t, left, "river_job")
	require.NoError(t, d.MigrateUp(ctx, log))
	require.NoError(t, d.CheckMigrated(ctx))
	require.Equal(t, before, tables(t, d))
	require.NoError(t, d.MigrateUp(ctx, log), "a second time changes nothing")
}

func TestCheckMigratedOnlyReads(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	_, err := d.ExecContext(ctx, "DROP TABLE bun_migrations")
	require.NoError(t, err)
	require.ErrorContains(t, d.CheckMigrated(ctx), "never migrated")
	require.NotContains(t, tables(t, d), "bun_migrations")
}

// TestAMigrationTakesAsLongAsItHasTo gives the pool a limit far below what the
// migration takes, as an index on a large table takes longer than a minute.
func TestAMigrationTakesAsLongAsItHasTo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, err := db.OpenWithLimit(ctx, dbtest.URL(t), 500*time.Millisecond)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	_, err = d.ExecContext(ctx, "SELECT pg_sleep(2)")
	require.ErrorContains(t, err, "statement timeout", "the limit of the pool is not in force, so this test shows nothing")
	require.NoError(t, d.MigrateFiles(ctx, migrationFiles(
		"1_slow.tx.up.sql", "SELECT pg_sleep(2); CREATE TABLE made_slowly ()",
		"2_slow_too.up.sql", "SELECT pg_sleep(2)",
	), slog.New(slog.DiscardHandler)))
	require.Contains(t, tables(t, d), "made_slowly")
}

// TestManyStartWhileAnIndexIsBuilt has one process build an index concurrently
// while others wait for the migration lock. Waiting inside a statement would hold
// a snapshot for which the build waits.
func TestManyStartWhileAnIndexIsBuilt(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	url := dbtest.URL(t)
	watcher := openURL(t, url)
	files := migrationFiles("1_index.up.sql",
		"CREATE INDEX CONCURRENTLY IF NOT EXISTS contacts_new_idx ON contacts (created_at)")
	release := holdSnapshot(t, url) // keeps the first from finishing until the others wait
	errs := make(chan error)
	start := func() {
		d := openURL(t, url)
		go func() { errs <- d.MigrateFiles(ctx, files, slog.New(slog.DiscardHandler)) }()
	}
	const waiters = 3
	start()
	waitFor(t, watcher, "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND "+
		"query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'")
	for range waiters {
		start()
	}
	waitFor(t, watcher, "SELECT count(*) = 4 FROM pg_stat_activity WHERE datname = current_database() AND "+
		"application_name = 'eventstream migrations' AND (query LIKE '%advisory%' OR query LIKE 'CREATE INDEX%')")
	release()
	for range 1 + waiters {
		require.NoError(t, <-errs)
	}
	requireValid(t, watcher, "contacts_new_idx")
	var applied int
	require.NoError(t, watcher.NewRaw("SELECT count(*) FROM bun_migrations WHERE name = '1'").Scan(ctx, &applied))
	require.Equal(t, 1, applied)
}

// TestAMigrationGivesWayToOthers holds a table that a migration wants to alter.
// Queries of others go on meanwhile, and the migration comes through afterwards.
func TestAMigrationGivesWayToOthers(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	url := dbtest.URL(t)
	d := openURL(t, url)
	release := holdSnapshot(t, url)
	attempts := &attemptCounter{Handler: slog.DiscardHandler}
	done := make(chan error, 1)
	go func() {
		done <- d.MigrateFiles(ctx, migrationFiles(
			"1_column.tx.up.sql", "ALTER TABLE contacts ADD COLUMN extra int",
		), slog.New(attempts))
	}()
	other := openURL(t, url)
	for attempts.count() < 5 {
		var n int
		require.NoError(t, other.NewRaw("SELECT count(*) FROM contacts").Scan(ctx, &n),
			"a query queued up behind the migration")
		select {
		case err := <-done:
			require.Fail(t, "the migration ended while the table was held", "%v", err)
		default:
		}
	}
	require.Contains(t, attempts.all(), "holder", "the log names who is in the way")
	release()
	require.NoError(t, <-done)
	_, err := other.ExecContext(ctx, "SELECT extra FROM contacts")
	require.NoError(t, err)
}

func TestAnIndexThatWasInterruptedIsBuiltAgain(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"plain":          "CREATE INDEX CONCURRENTLY IF NOT EXISTS again_idx ON contacts (created_at)",
		"unique":         "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS again_idx ON contacts (id, created_at)",
		"lower case":     "create index concurrently again_idx on contacts (created_at)",
		"over two lines": "-- an index\nCREATE INDEX CONCURRENTLY\n    IF NOT EXISTS again_idx ON contacts (created_at)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := deadline(t)
			url := dbtest.URL(t)
			d := openURL(t, url)
			files := migrationFiles("1_again.up.sql", sql)
			release := holdSnapshot(t, url)
			interrupted, interrupt := context.WithCancel(ctx)
			done := make(chan error, 1)
			go func() { done <- d.MigrateFiles(interrupted, files, slog.New(slog.DiscardHandler)) }()
			waitFor(t, d, "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('again_idx') AND NOT indisvalid)")
			interrupt()
			require.Error(t, <-done)
			waitFor(t, d, "SELECT NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND "+
				"application_name = 'eventstream migrations')")
			release()
			waitFor(t, d, "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('again_idx') AND NOT indisvalid)")
			require.NoError(t, d.MigrateFiles(ctx, files, slog.New(slog.DiscardHandler)))
			requireValid(t, d, "again_idx")
		})
	}
}

// TestAMigrationAndItsNoteCommitTogether looks at which transaction wrote which:
// a process that is killed between two commits would leave a migration that is
// applied a second time, and fails, at every later start.
func TestAMigrationAndItsNoteCommitTogether(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	d := dbtest.New(t)
	require.NoError(t, d.MigrateFiles(ctx, migrationFiles("1_made.tx.up.sql", "CREATE TABLE made ()"),
		slog.New(slog.DiscardHandler)))
	var same bool
	require.NoError(t, d.NewRaw(`SELECT (SELECT xmin::text FROM pg_class WHERE relname = 'made') =
		(SELECT xmin::text FROM bun_migrations WHERE name = '1')`).Scan(ctx, &same))
	require.True(t, same)
}

// TestNothingIsMigratedWithoutTheLock takes the connection away between two
// attempts: with it goes the lock, and another process may be migrating already.
func TestNothingIsMigratedWithoutTheLock(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	url := dbtest.URL(t)
	d := openURL(t, url)
	release := holdSnapshot(t, url)
	done := make(chan error, 1)
	go func() {
		done <- d.MigrateFilesPausing(ctx, migrationFiles(
			"1_first.tx.up.sql", "ALTER TABLE contacts ADD COLUMN first int",
			"2_second.tx.up.sql", "CREATE TABLE second ()",
		), slog.New(slog.DiscardHandler), 3*time.Second) // long enough that database/sql looks whether the connection lives
	}()
	waitFor(t, d, "SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity "+
		"WHERE datname = current_database() AND application_name = 'eventstream migrations' AND state = 'idle' AND query = 'rollback'")
	waitFor(t, d, "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND "+
		"application_name = 'eventstream migrations'")
	release()
	require.ErrorContains(t, <-done, "lock was lost")
	require.NotContains(t, tables(t, d), "second")
}

// TestAnOlderVersionWorksWhileANewerOneHasMigrated is a rolling deploy: the older
// one starts, and reads rows that have columns it does not know.
func TestAnOlderVersionWorksWhileANewerOneHasMigrated(t *testing.T) {
	t.Parallel()
	ctx, log := deadline(t), slog.New(slog.DiscardHandler)
	d := dbtest.New(t)
	_, err := d.ExecContext(ctx, `CREATE TABLE things (id bigint, name text);
		INSERT INTO things VALUES (1, 'one');
		INSERT INTO bun_migrations (name, group_id) VALUES ('29991231000000', 900);
		INSERT INTO river_migration (line, version) VALUES ('main', 900);
		ALTER TABLE things ADD COLUMN newer int NOT NULL DEFAULT 7`)
	require.NoError(t, err)
	require.NoError(t, d.MigrateUp(ctx, log))
	require.NoError(t, d.CheckMigrated(ctx))
	var thing struct {
		ID   int64
		Name string
	}
	require.NoError(t, d.NewRaw("SELECT * FROM things").Scan(ctx, &thing))
	require.Equal(t, "one", thing.Name)
	require.NoError(t, d.NewRaw("UPDATE things SET name = 'two' RETURNING *").Scan(ctx, &thing))
	require.Equal(t, "two", thing.Name)
}

func migrationFiles(pairs ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return files
}

// deadline ends a test that hangs. It is far beyond what a slow machine needs.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func openURL(t *testing.T, url string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), url, 4, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// holdSnapshot reads contacts in a transaction that stays open until it is
// released: ALTER TABLE waits for its lock, and an index built concurrently for
// its snapshot.
func holdSnapshot(t *testing.T, server string) (release func()) {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	q := u.Query()
	q.Set("application_name", "holder")
	u.RawQuery = q.Encode()
	conn, err := pgx.Connect(context.Background(), u.String())
	require.NoError(t, err)
	_, err = conn.Exec(context.Background(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM contacts")
	require.NoError(t, err)
	var once sync.Once
	release = func() { once.Do(func() { _ = conn.Close(context.Background()) }) }
	t.Cleanup(release)
	return release
}

func waitFor(t *testing.T, d *db.DB, query string) {
	t.Helper()
	ctx := deadline(t)
	for {
		var yes bool
		require.NoError(t, d.NewRaw(query).Scan(ctx, &yes), "waiting for: %s", query)
		if yes {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func requireValid(t *testing.T, d *db.DB, index string) {
	t.Helper()
	var valid bool
	require.NoError(t, d.NewRaw("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(?)", index).
		Scan(context.Background(), &valid))
	require.True(t, valid)
}

// attemptCounter counts the attempts that a migration repeated.
type attemptCounter struct {
	slog.Handler
	mu    sync.Mutex
	lines []string
}

func (c *attemptCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c *attemptCounter) Handle(_ context.Context, r slog.Record) error {
	if !strings.Contains(r.Message, "tried again") {
		return nil
	}
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, line)
	return nil
}

func (c *attemptCounter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lines)
}

// all is everything that the attempts said of who was in the way.
func (c *attemptCounter) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "\n")
}

func tables(t *testing.T, d *db.DB) (names []string) {
	t.Helper()
	require.NoError(t, d.NewRaw("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1").Scan(context.Background(), &names))
	return names
}
