package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/config"
	"eventstream/server/db/dbtest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// deadlocks counts those that Postgres ended in a database. A session reports
// what it met when it ends at the latest, so all but the asking one are ended.
func deadlocks(t *testing.T, url string) (n int) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	var before []int32
	require.NoError(t, conn.QueryRow(ctx, `SELECT coalesce(array_agg(pid), '{}') FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&before))
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", before)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		var left int
		require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)",
			before).Scan(&left))
		return left == 0
	}, patience, 10*time.Millisecond)
	require.NoError(t, conn.QueryRow(ctx,
		"SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&n))
	return n
}

// explaining has Postgres log both sides of each deadlock in a database, whose values are made up.
func explaining(t *testing.T, url string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	for _, setting := range []string{
		"log_min_messages = 'error'", "log_error_verbosity = 'default'", "log_min_error_statement = 'error'",
	} {
		_, err = conn.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{conn.Config().Database}.Sanitize()+" SET "+setting)
		require.NoError(t, err)
	}
}

// explanations are what Postgres logged of deadlocks, where the private Postgres of the tests wrote it.
func explanations(t *testing.T, url string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	var log string
	if err := conn.QueryRow(ctx,
		"SELECT pg_read_file(current_setting('data_directory') || '/../postgres.log')").Scan(&log); err != nil {
		return "the log of this Postgres cannot be read: " + err.Error()
	}
	// An entry begins with a date; its other lines are indented, or are a statement's.
	var found []string
	for entry := range strings.SplitSeq(log, "deadlock detected") {
		found = append(found, entry[:min(len(entry), 4000)])
	}
	return strings.Join(found[1:], "\n---\n")
}

// The next test can fail: a deadlock made on purpose is counted.
func TestADeadlockIsCounted(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	explaining(t, url)
	require.Zero(t, deadlocks(t, url))
	ctx := context.Background()
	both := make([]pgx.Tx, 2)
	for i := range both {
		conn, err := pgx.Connect(ctx, url)
		require.NoError(t, err)
		both[i], err = conn.Begin(ctx)
		require.NoError(t, err)
		_, err = both[i].Exec(ctx, "SELECT pg_advisory_xact_lock($1)", i)
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for i, tx := range both {
		wg.Go(func() {
			_, _ = tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", 1-i)
			_ = tx.Rollback(ctx)
		})
	}
	wg.Wait()
	require.Equal(t, 1, deadlocks(t, url))
	require.Regexp(t, "(?s)Process [0-9]+ waits for .*SELECT pg_advisory_xact_lock", explanations(t, url))
}

// Everything that writes to contacts, conversations, messages and counters runs
// at once over the same few contacts: each keeps the order of server/db/order.go,
// so that Postgres never has to end one for another.
func TestWritersNeverDeadlock(t *testing.T) {
	t.Parallel()
	e := startWith(t, func(cfg *config.Config) { explaining(t, string(cfg.DatabaseURL)) })
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("DEADLOCK_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("DEADLOCK_SEED=%d repeats these dice", seed)
	const people = 24
	e.small(people)
	number := func(i int) string { return fmt.Sprintf("+4915%09d", 100000000+i) }
	ids := make([]string, people)
	for i := range ids {
		ids[i] = e.idOf(number(i))
	}
	first, second := e.newSender("+4930901820", 1000), e.newSender("+4930901821", 1000)
	shares := []any{map[string]any{"senderId": first}, map[string]any{"senderId": second}}
	seg := e.must("segmentCreate", "segment", map[string]any{"name": "Everybody", "query": map[string]any{"all": []any{}}})
	tpl := e.approved("Hello {{name | you}}, all at once.")

	faults := e.Sandbox.Settings()
	faults.DeliveryMS, faults.ReplyRate, faults.UndeliveredRate, faults.ReadRate = 10, 0.2, 0.5, 0.8
	faults.CutRate, faults.ServerErrorRate, faults.RepeatRate, faults.ReorderRate = 0.05, 0.05, 0.3, 0.2
	require.NoError(t, e.Sandbox.SetSettings(faults))

	// What each does may be refused (a contact is erased by then, a campaign has
	// ended): it counts that it was tried.
	// A machine that is too slow for all of it refuses some for now.
	quietly := func(name, answer string, input map[string]any) {
		_, _ = e.raw(fmt.Sprintf("mutation($i: %sInput!) { %s(input: $i) { %s } }", strings.ToUpper(name[:1])+name[1:], name, answer),
			map[string]any{"i": input})
	}
	writes := func(from string, id any, body string) {
		quietly("sandboxInboundSend", "sid", map[string]any{"from": from, "userId": id, "body": body})
	}
	var mu sync.Mutex
	var campaigns []string
	some := func(dice *rand.Rand, n int) []any {
		chosen := make([]any, n)
		for i := range chosen {
			chosen[i] = ids[dice.IntN(people)]
		}
		return chosen
	}
	writers := map[string]struct {
		times int
		do    func(dice *rand.Rand, i int)
	}{
		"inbound": {80, func(dice *rand.Rand, _ int) {
			writes(number(dice.IntN(people)), nil, []string{"STOP", "START", "hello", "thanks"}[dice.IntN(4)])
		}},
		"people with ids": {60, func(dice *rand.Rand, _ int) {
			id := fmt.Sprintf("DE.%d", dice.IntN(people))
			if dice.IntN(3) == 0 {
				writes(id, nil, "hello")
				return
			}
			writes(number(dice.IntN(people)), id, "hello")
		}},
		"receipts with other effects": {20, func(_ *rand.Rand, i int) {
			faults.UndeliveredCode = []int{63024, 63014, 63049, 30003, 21610}[i%5]
			require.NoError(t, e.Sandbox.SetSettings(faults))
			time.Sleep(20 * time.Millisecond) // paces the dice; nothing hangs on it
		}},
		"campaigns": {8, func(_ *rand.Rand, i int) {
			id, problems := e.mutate("campaignCreate", "campaign", map[string]any{
				"name": fmt.Sprint("at once ", i), "segmentId": seg, "templateId": tpl, "rateLimitPerSecond": 400,
				"senders": shares,
			})
			if problems != "" {
				return
			}
			quietly("campaignLaunch", "userErrors { message }", map[string]any{"id": id})
			mu.Lock()
			campaigns = append(campaigns, id)
			mu.Unlock()
		}},
		"moves": {40, func(dice *rand.Rand, i int) {
			mu.Lock()
			var id string
			if len(campaigns) > 0 {
				id = campaigns[dice.IntN(len(campaigns))]
			}
			mu.Unlock()
			if id != "" {
				action := []string{"campaignPause", "campaignResume", "campaignResume"}[i%3]
				if i%10 == 9 {
					action = "campaignCancel"
				}
				quietly(action, "userErrors { message }", map[string]any{"id": id})
			}
			time.Sleep(10 * time.Millisecond) // paces the dice; nothing hangs on it
		}},
		"senders that stop and go on": {20, func(_ *rand.Rand, i int) { // their messages go to the other one
			quietly([]string{"senderPause", "senderResume"}[i%2], "userErrors { message }", map[string]any{"id": second})
			time.Sleep(20 * time.Millisecond) // paces the dice; nothing hangs on it
		}},
		"decisions": {30, func(dice *rand.Rand, i int) {
			e.exec(`UPDATE messages SET decision_since = now() WHERE id IN (
				SELECT id FROM messages WHERE status = 'unknown' ORDER BY id LIMIT 5 FOR UPDATE SKIP LOCKED)`)
			mu.Lock()
			var id string
			if len(campaigns) > 0 {
				id = campaigns[dice.IntN(len(campaigns))]
			}
			mu.Unlock()
			if id != "" {
				_, _ = e.raw(`mutation($i: MessageResolveInput!) { messageResolve(input: $i) { resolved } }`,
					map[string]any{"i": map[string]any{"campaignId": id, "resolution": []string{"SEND_AGAIN", "GIVE_UP"}[i%2]}})
			}
			time.Sleep(10 * time.Millisecond) // paces the dice; nothing hangs on it
		}},
		"bulk consent": {25, func(dice *rand.Rand, i int) {
			quietly("contactConsentRecord", "userErrors { message }", map[string]any{
				"contacts": everybody(), "status": []string{
					"OPTED_OUT",
					"OPTED_IN",
				}[i%2], "evidence": map[string]any{"note": "fair"},
			})
		}},
		"bulk tags": {25, func(dice *rand.Rand, i int) {
			quietly("contactTag", "userErrors { message }", map[string]any{
				"contacts": map[string]any{"ids": some(dice, 20)},
				"add":      []any{fmt.Sprint("t", i)},
			})
		}},
		"erasures": {12, func(dice *rand.Rand, _ int) {
			quietly("contactErase", "userErrors { message }", map[string]any{"contacts": map[string]any{"ids": some(dice, 2)}, "expected": 2})
		}},
		"merges": {20, func(dice *rand.Rand, _ int) {
			pair := some(dice, 2)
			quietly("contactMerge", "userErrors { message }", map[string]any{"id": pair[0], "mergeId": pair[1]})
		}},
		"consents by hand": {60, func(dice *rand.Rand, i int) {
			quietly("contactConsentSet", "userErrors { message }", map[string]any{
				"id": ids[dice.IntN(people)], "status": []string{
					"OPTED_IN",
					"OPTED_OUT",
				}[i%2], "evidence": map[string]any{"note": "by phone"},
			})
		}},
		"imports": {6, func(_ *rand.Rand, i int) {
			file := "phone,name,opt-in\n"
			for p := range people {
				file += fmt.Sprintf("%s,Person %d-%d,yes\n", number((p*7+i)%people), p, i)
			}
			_, _ = e.upload("again.csv", []byte(file), "")
		}},
	}
	var wg sync.WaitGroup
	for name, w := range writers {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(seed, uint64(len(name))))
			for i := range w.times {
				w.do(dice, i)
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool { // the work that was begun is through
		return e.query("SELECT count(*) FROM bulk_actions WHERE status IN ('pending', 'running')") == 0 &&
			e.query("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL") == 0 &&
			e.query("SELECT count(*) FROM imports WHERE status IN ('pending', 'running')") == 0
	}, patience, 100*time.Millisecond)
	require.Positive(t, e.query("SELECT count(*) FROM messages WHERE accepted_at IS NOT NULL"))
	require.Positive(t, e.query("SELECT count(*) FROM contacts WHERE erased_at IS NOT NULL"))
	if n := deadlocks(t, e.databaseURL()); n > 0 {
		require.Failf(t, "writers waited for each other", "%d times: %s", n, explanations(t, e.databaseURL()))
	}
}

func (e *env) databaseURL() string { return string(e.cfg.DatabaseURL) }
