package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

const offer = "this is for you."

func killed(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.launch(offer)
	i.spread(pick(3, 24), func() {
		switch dice := rand.IntN(10); {
		case dice < 6:
			i.killWorker()
		case dice < 8:
			i.server.Kill()
			i.startServer()
			i.tally["×servers killed"]++
		default:
			for _, w := range i.workers {
				w.Kill()
			}
			i.server.Kill()
			i.startServer()
			for n := range i.workers {
				i.startWorker(n)
			}
			i.tally["×times all killed"]++
		}
	})
	i.exact(r, name)
}

func (i *install) killWorker() {
	n := rand.IntN(len(i.workers))
	i.workers[n].Kill()
	i.startWorker(n)
	i.tally["×workers killed"]++
}

func crashed(t *testing.T, r *report, name string) {
	pg := ownPostgres(t)
	i := start(t, pg.URL, options{})
	i.launch(offer)
	i.spread(pick(1, 4), func() {
		pg.Crash()
		pg.start(t)
		i.tally["×crashes of Postgres"]++
	})
	i.exact(r, name)
}

// away stops Postgres for a minute, while the campaign runs and webhooks come from
// outside: the spool keeps them.
func away(t *testing.T, r *report, name string) {
	pg := ownPostgres(t)
	i := start(t, pg.URL, options{serverEnv: []string{"WEBHOOK_SPOOL=" + t.TempDir()}})
	i.launch(offer)
	i.at(0.2)
	hooks := i.offer(1000)
	hooks.reach(2000)
	require.NoError(t, pg.Stop())
	pg.Server = nil
	pause(i.ctx, time.Minute)
	pg.start(t)
	hooks.reach(hooks.sent() + 5000)
	i.tally["Postgres stopped for 60 s"] = 1
	i.notes = append(i.notes, hooks.verify())
	i.exact(r, name)
}

func faults() map[string]any {
	return map[string]any{
		"tooManyRate": 0.05, "serverErrorRate": 0.05, "cutRate": 0.05, "emptyRate": 0.05,
		"repeatRate": 0.2, "reorderRate": 0.2,
	}
}

const faultNote = "5 % each of 429, 500 (half of them taken), connections cut after reading, empty 201; 20 % of " +
	"callbacks twice, 20 % out of order"

func faulty(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.sandbox(faults())
	i.notes = append(i.notes, faultNote)
	i.launch(offer)
	i.exact(r, name)
}

// silent: connections are accepted and nothing is answered; afterwards some calls
// still hang.
func silent(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.launch(offer)
	i.at(0.3)
	i.sandbox(map[string]any{"silent": true})
	quiet := time.Duration(pick(5, 60)) * time.Second
	pause(i.ctx, quiet)
	i.sandbox(map[string]any{"silent": false, "hangRate": 0.01})
	i.at(0.9)
	i.notes = append(i.notes, fmt.Sprintf("Twilio answers nothing for %s, then 1 %% of calls hang", quiet))
	i.exact(r, name)
}

// lossy: requests arrive and answers do not, and callbacks and inbound webhooks get
// lost, so that the log is all there is.
func lossy(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.sandbox(map[string]any{"dropAnswerRate": 0.01, "callbackLossRate": 0.2, "inboundLossRate": 0.2})
	i.notes = append(i.notes, "1 % of calls taken without an answer, 20 % of callbacks and 20 % of inbound "+
		"webhooks lost")
	i.launch(offer)
	i.exact(r, name)
}

// textless: as lossy, and the log cannot tell which entry is which. What nobody can
// know is decided by hand.
func textless(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.sandbox(map[string]any{"dropAnswerRate": 0.003, "callbackLossRate": 0.5, "redactBodies": true})
	i.notes = append(i.notes, "0.3 % of calls taken without an answer, half of the callbacks lost, the log without "+
		"texts")
	i.launch(offer)
	i.exact(r, name)
}

// stops has many contacts write STOP whose message a worker has claimed just then,
// while the sandbox is so slow that claimed messages wait for their call. At first a call
// takes longer than any machine needs to apply a STOP; once a STOP has come in time, calls
// get faster.
func stops(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.sandbox(map[string]any{"latencyMs": 4000})
	i.launch(offer)
	ctx, cancel := context.WithCancel(i.ctx)
	defer cancel()
	var (
		callers sync.WaitGroup
		mu      sync.Mutex
		wrote   []string // addresses of those who wrote STOP while their message was claimed
	)
	for range 8 {
		callers.Go(func() {
			for ctx.Err() == nil {
				var rows []struct{ Address string }
				// Of those that were claimed, the ones whose call is farthest away.
				err := i.Rows(ctx, &rows, `SELECT address FROM (
					SELECT c.address FROM messages m JOIN contacts c ON c.id = m.contact_id
					WHERE m.work = 'watch' AND m.status = 'submitting' AND m.campaign_id IS NOT NULL
					ORDER BY m.id DESC LIMIT 40) late ORDER BY random() LIMIT 1`)
				if err == nil && len(rows) > 0 && i.stops(i.talk, rows[0].Address) {
					mu.Lock()
					wrote = append(wrote, rows[0].Address)
					mu.Unlock()
				}
				pause(ctx, 20*time.Millisecond)
			}
		})
	}
	i.eventually("a STOP that was written while the message was claimed keeps it from being sent", func() bool {
		mu.Lock()
		addresses := "{" + strings.Join(wrote, ",") + "}"
		mu.Unlock()
		return i.count(`SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id
			WHERE m.status = 'skipped' AND m.campaign_id IS NOT NULL AND c.address = ANY (?::text[])`, addresses) > 0
	})
	i.sandbox(map[string]any{"latencyMs": 400})
	i.at(0.97)
	cancel()
	callers.Wait()
	i.tally["contacts write STOP while their message is claimed, and calls take 4 s, then 400 ms"] = 1
	i.exact(r, name)
}

// stalled stops workers where they are, until others have taken over everything that
// they had, and lets them go on.
func stalled(t *testing.T, r *report, name string) {
	waves := pick(1, 5)
	i := start(t, dbtest.URL(t), options{people: people / waves})
	var longest time.Duration
	for n := range waves {
		i.launch(fmt.Sprintf("this is offer %d.", n))
		i.at((float64(n) + 0.1 + 0.5*rand.Float64()) / float64(n+1))
		w := i.workers[n%len(i.workers)]
		w.Pause()
		began := time.Now()
		var held []struct {
			ID    int64
			Fence int
		}
		require.NoError(t, i.Rows(i.ctx, &held, "SELECT id, fence FROM messages WHERE status = 'submitting'"))
		ids, fences := make([]string, len(held)), make([]string, len(held))
		for k, h := range held {
			ids[k], fences[k] = fmt.Sprint(h.ID), fmt.Sprint(h.Fence)
		}
		i.eventually("others take over", func() bool {
			return i.count(`SELECT count(*) FROM messages m JOIN unnest(?::bigint[], ?::int[]) u (id, fence) ON m.id = u.id AND m.fence = u.fence
				WHERE m.status IN ('submitting', 'unknown')`, "{"+strings.Join(ids, ",")+"}", "{"+strings.Join(fences, ",")+"}") == 0 &&
				i.count("SELECT count(*) FROM messages WHERE status = 'submitting' AND lease_until < "+
					"now()") == 0 && time.Since(began) > 40*time.Second
		})
		longest = max(longest, time.Since(began))
		w.Resume()
		i.tally["×workers stopped (SIGSTOP) beyond lease and reconciliation, then continued"]++
		i.eventually("the campaign completes", func() bool {
			return i.count("SELECT count(*) FROM campaigns WHERE status = 'completed'") == n+1
		})
	}
	i.notes = append(i.notes, fmt.Sprintf("at most %.0f s", longest.Seconds()))
	i.exact(r, name)
	late := i.count("SELECT count(*) FROM audit_entries WHERE action = 'message.stale_accept'")
	require.Zero(t, late, "no message was accepted under an old claim")
}

func together(t *testing.T, r *report, name string, texts ...string) {
	i := start(t, dbtest.URL(t), options{people: people / len(texts)})
	set := faults()
	set["tooManyRate"] = 0.01
	if full { // what is lost is asked for after a minute, or after five
		set["callbackLossRate"] = 0.05
	}
	i.sandbox(set)
	i.launchAll(texts...)
	different := map[string]bool{}
	for _, text := range texts {
		different[text] = true
	}
	of := "one text"
	if len(different) > 1 {
		of = fmt.Sprintf("%d texts", len(different))
	}
	i.notes = append(i.notes, fmt.Sprintf("%d campaigns at once with %s; 5 %% each of 500 (half of them taken), "+
		"connections cut after reading, empty 201 and callbacks lost", len(texts), of))
	i.spread(pick(1, 6), i.killWorker)
	i.exact(r, name)
}

func two(t *testing.T, r *report, name string) {
	together(t, r, name, "this is offer A.", "this is offer B.")
}

func alike(t *testing.T, r *report, name string) {
	together(t, r, name, "this is offer A.", "this is offer A.")
}

func five(t *testing.T, r *report, name string) {
	together(t, r, name, "this is offer A.", "this is offer B.", "this is offer A.", "this is offer C.",
		"this is offer D.")
}

func skewed(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{workerEnv: [][]string{{"CLOCK_OFFSET=150s"}, {"CLOCK_OFFSET=-150s"}}})
	i.sandbox(faults())
	i.notes = append(i.notes, "one worker 2:30 min ahead, one 2:30 min behind", faultNote)
	i.launch(offer)
	i.spread(pick(1, 6), i.killWorker)
	i.exact(r, name)
}

// wrongServers: the server's clock is five minutes ahead, then five minutes behind.
func wrongServers(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{serverEnv: []string{"CLOCK_OFFSET=5m"}})
	i.sandbox(faults())
	i.notes = append(i.notes, "the server 5 min ahead, then one 5 min behind", faultNote)
	i.launch(offer)
	i.at(0.5)
	i.server.Stop()
	i.serverEnv = []string{"CLOCK_OFFSET=-5m"}
	i.startServer()
	i.exact(r, name)
}

// restarted stops the workers one by one and starts them again, as a deployment of
// the same version does: a clean stop leaves nothing to clear up.
func restarted(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), options{})
	i.launch(offer)
	turn := 0
	i.spread(pick(2, 10), func() {
		n := turn % len(i.workers)
		turn++
		i.workers[n].Stop()
		i.startWorker(n)
		i.tally["×workers stopped and started"]++
	})
	i.exact(r, name)
	require.Zero(t, i.count("SELECT count(*) FROM audit_entries WHERE action = 'message.reconcile'"),
		"no call was left without its answer")
}

// deployed replaces the previous version while it sends: the last commit before the newest
// migration.
func deployed(t *testing.T, r *report, name string) {
	old, commit := previous(t)
	if old == "" {
		r.add(name, fmt.Sprintf("| %s | not run: this clone has no history |%s", name, strings.Repeat(" |", 12)))
		t.Skip("this clone has no history")
	}
	binary, err := buildOnce()
	require.NoError(t, err)
	pg := ownPostgres(t)
	i := start(t, pg.URL, options{binary: old})
	rest := i.workers
	i.launch(offer)
	i.at(0.2)
	i.Use(binary)
	i.workers = append(i.workers, nil)
	i.env = append(i.env, nil)
	i.startWorker(2) // it migrates, while the old ones go on
	i.at(0.45)
	rest[0].Stop()
	i.startWorker(0)
	i.at(0.55)
	i.server.Stop()
	i.startServer()
	i.at(0.7)
	rest[1].Stop()
	i.startWorker(1)
	i.notes = append(i.notes, "server and two workers of "+commit+"; a new worker, which migrates; then one old "+
		"worker after the other, and the server, replaced")
	i.exact(r, name)
}

// previous builds the version before the newest migration.
func previous(t *testing.T) (binary, commit string) {
	t.Helper()
	git := func(args ...string) string {
		out, err := exec.Command("git", args...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	root := git("rev-parse", "--show-toplevel")
	if root == "" {
		return "", ""
	}
	files := strings.Fields(git("-C", root, "ls-files", "migrations/*.up.sql")) // in the order of their names
	if len(files) == 0 {
		return "", ""
	}
	added := strings.Fields(git("-C", root, "log", "--diff-filter=A", "--format=%H", "--", files[len(files)-1]))
	if len(added) == 0 {
		return "", ""
	}
	parent := git("-C", root, "rev-parse", "--verify", "--quiet", added[len(added)-1]+"^")
	if parent == "" {
		return "", ""
	}
	tree := filepath.Join(t.TempDir(), "previous")
	out, err := exec.Command("git", "-C", root, "worktree", "add", "--detach", tree, parent).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() { _ = exec.Command("git", "-C", root, "worktree", "remove", "--force", tree).Run() })
	binary, err = build(filepath.Join(t.TempDir(), "previous-server"), tree)
	require.NoError(t, err)
	return binary, parent[:9]
}

// TestAKilledImportGoesOnWhereItWas kills everything in the middle of a file.
func TestAKilledImportGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	const rows = 6000
	i := start(t, dbtest.URL(t), options{})
	var file strings.Builder
	file.WriteString("phone,name,opt-in\n")
	for n := range rows {
		_, _ = fmt.Fprintf(&file, "+4917%09d,Person %d,yes\n", 600000000+n, n)
	}
	require.NoError(t, i.Upload(i.ctx, "people.csv", strings.NewReader(file.String())))
	for range 2 {
		before := i.count("SELECT rows_done FROM imports")
		require.Eventually(t, func() bool {
			return i.count("SELECT rows_done FROM imports") >= min(before+1000,
				rows)
		}, healBound, time.Millisecond)
		for n, w := range i.workers {
			w.Kill()
			i.startWorker(n)
		}
	}
	i.eventually("the import completes", func() bool {
		return i.count("SELECT count(*) FROM imports WHERE status = 'completed' AND created = ? AND rows_done = ?",
			rows, rows) == 1
	})
	require.Equal(t, i.people+rows, i.count("SELECT count(*) FROM contacts"))
	require.Equal(t, i.people+rows, i.count("SELECT count(*) FROM consent_events"), "no consent was recorded twice")
}
