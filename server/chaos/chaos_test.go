// Package chaos breaks the engine while it sends, and counts afterwards: each
// recipient got exactly one message at the sandbox, and sandbox, messages and
// counters tell the same. `make test` runs the short form, `make chaos` the
// whole one, which also writes docs/chaos.md.
package chaos

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/db/embedded"
	"eventstream/server/rig"

	"github.com/stretchr/testify/require"
)

// size of the suite.
var (
	full   = os.Getenv("CHAOS") == "full"
	people = pick(1_500, 20_000)
	rate   = pick(600, 1_500)
)

func pick(short, whole int) int {
	if full {
		return whole
	}
	return short
}

var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "eventstream-chaos-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "server")
	out, err := exec.Command("go", "build", "-o", binary, "eventstream/server").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return binary, err
})

// report collects a row for each scenario.
type report struct {
	mu   sync.Mutex
	rows []string
}

const reportHead = `# Chaos

Written by ` + "`make chaos`" + `. Each row is one campaign that was disturbed while it was sent by a server and two workers, each a process of its own,
over the sandbox, which keeps its own log. Afterwards: **log** is what the sandbox accepted, **accepted** and **delivered** are the messages table, **counters** the
kept numbers; **twice** and **missing** count recipients. The audit chain was verified and all counters recounted each time.

| scenario | done to it | recipients | log | accepted | counters | delivered | twice | missing | seconds |
|---|---|---|---|---|---|---|---|---|---|
`

func (r *report) add(row string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, row)
}

// install is one installation under test.
type install struct {
	*rig.Rig

	t       *testing.T
	ctx     context.Context
	server  *rig.Process
	workers []*rig.Process
	env     [][]string // of each worker
	tally   map[string]int
	began   time.Time
}

func start(t *testing.T, url string, env ...[]string) *install {
	t.Helper()
	binary, err := buildOnce()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	r, err := rig.New(ctx, rig.Options{Binary: binary, DatabaseURL: url, DataDir: t.TempDir(), Env: []string{"LOG_LEVEL=" + logLevel()}})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	if len(env) == 0 {
		env = [][]string{nil, nil}
	}
	i := &install{Rig: r, t: t, ctx: ctx, env: env, workers: make([]*rig.Process, len(env)), tally: map[string]int{}, began: time.Now()}
	i.startServer()
	for n := range env {
		i.startWorker(n)
	}
	t.Cleanup(func() {
		for _, w := range i.workers {
			w.Kill()
		}
		i.server.Kill()
	})
	require.NoError(t, r.Seed(ctx, 0, people))
	i.sandbox(map[string]any{"deliveryMs": 200, "latencyMs": 10, "approvalMs": 10, "replyRate": 0, "undeliveredRate": 0, "readRate": 0})
	return i
}

// logLevel: what chaos makes the engine say is of no interest, unless one looks for something.
func logLevel() string {
	if l := os.Getenv("CHAOS_LOG"); l != "" {
		return l
	}
	return "none"
}

func (i *install) startServer() {
	i.t.Helper()
	p, err := i.Start(i.ctx, "serve")
	require.NoError(i.t, err)
	i.server = p
}

func (i *install) startWorker(n int) {
	i.t.Helper()
	p, err := i.Start(i.ctx, "work", i.env[n]...)
	require.NoError(i.t, err)
	i.workers[n] = p
}

func (i *install) sandbox(settings map[string]any) {
	i.t.Helper()
	require.NoError(i.t, i.Sandbox(i.ctx, settings))
}

// launch starts the one campaign of the scenario.
func (i *install) launch() {
	i.t.Helper()
	template, err := i.Approved(i.ctx, "Chaos", "Hello {{name | you}}, this is for you.")
	require.NoError(i.t, err)
	id, err := i.Campaign(i.ctx, map[string]any{
		"name": "Chaos", "templateId": template, "query": map[string]any{"all": []any{}}, "rateLimitPerSecond": rate, "errorThreshold": nil,
	})
	require.NoError(i.t, err)
	require.NoError(i.t, i.Launch(i.ctx, id))
}

func (i *install) count(sql string, args ...any) int {
	n, err := i.Number(i.ctx, sql, args...)
	if err != nil {
		return -1 // Postgres may be down just now
	}
	return int(n)
}

// at waits until so much of the campaign was accepted.
func (i *install) at(share float64) {
	i.t.Helper()
	want := int(share * float64(people))
	require.Eventually(i.t, func() bool {
		return i.count("SELECT coalesce(sum(n), 0) FROM message_counts WHERE measure = 'at:accepted'") >= want
	}, 3*time.Minute, 5*time.Millisecond, "the campaign goes on")
}

// spread calls fn so many times, at random moments all over the campaign.
func (i *install) spread(times int, fn func()) {
	i.t.Helper()
	for n := range times {
		i.at((float64(n) + rand.Float64()*0.9) / float64(times+1))
		fn()
	}
}

// exact waits for the end and holds the sandbox's log against what we think.
func (i *install) exact(r *report, scenario string) {
	i.t.Helper()
	require.Eventually(i.t, func() bool { return i.count("SELECT count(*) FROM campaigns WHERE status = 'completed'") == 1 }, 4*time.Minute, 100*time.Millisecond, "the campaign completes")
	require.Eventually(i.t, func() bool { return i.count("SELECT count(*) FROM messages WHERE delivered_at IS NOT NULL") == people }, 2*time.Minute, 100*time.Millisecond, "every receipt arrives")
	log, err := i.SandboxLog()
	require.NoError(i.t, err)
	var rows []struct{ Sid, Address string }
	require.NoError(i.t, i.Rows(i.ctx, &rows, "SELECT coalesce(m.sid, '') AS sid, 'whatsapp:' || c.address AS address FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.direction = 'outbound'"))
	ours := make(map[string]string, len(rows))
	for _, row := range rows {
		ours[row.Sid] = row.Address
	}
	perPerson, strangers := map[string]int{}, 0
	for _, m := range log {
		perPerson[m.To]++
		if ours[m.SID] != m.To {
			strangers++
		}
	}
	twice := 0
	for _, n := range perPerson {
		if n > 1 {
			twice++
		}
	}
	missing := people - len(perPerson)
	accepted := i.count("SELECT count(*) FROM messages WHERE accepted_at IS NOT NULL AND sid IS NOT NULL")
	counters := i.count("SELECT sum(n) FROM message_counts WHERE measure = 'at:accepted'")
	delivered := i.count("SELECT sum(n) FROM message_counts WHERE measure = 'at:delivered'")
	var done []string
	for _, what := range []string{"workers killed", "servers killed", "all killed", "Postgres crashed", "workers stopped", "faults", "clocks"} {
		switch n := i.tally[what]; {
		case n > 0 && (what == "faults" || what == "clocks"):
			done = append(done, map[string]string{"faults": "5 % each of 429, 500 (half of them taken), connections cut after reading, empty 201; 20 % of callbacks twice, 20 % out of order", "clocks": "one worker 2:30 min ahead, one 2:30 min behind"}[what])
		case n > 0:
			done = append(done, fmt.Sprintf("%d %s", n, what))
		}
	}
	r.add(fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %.0f |", scenario, strings.Join(done, ", "), people, len(log), accepted, counters, delivered, twice, missing, time.Since(i.began).Seconds()))
	require.Zero(i.t, twice, "nobody got two")
	require.Zero(i.t, missing, "nobody is missing")
	require.Zero(i.t, strangers, "every message in the sandbox's log is one of ours, to the same person")
	require.Equal(i.t, []int{people, people, people, people}, []int{len(log), accepted, counters, delivered})
	require.Zero(i.t, i.count(`SELECT count(*) FROM (
		SELECT campaign_id, measure, reason FROM (
			SELECT campaign_id, measure, reason, n AS kept, 0 AS counted FROM message_counts
			UNION ALL SELECT campaign_id, (x).measure, (x).reason, 0, 1 FROM (SELECT coalesce(m.campaign_id, 0) AS campaign_id, message_measures(m) AS x FROM messages m) s) b
		GROUP BY 1, 2, 3 HAVING sum(kept) <> sum(counted)) off`), "counters equal a recount")
	var audit struct {
		AuditVerification struct{ Valid bool }
	}
	require.NoError(i.t, i.Call(i.ctx, `{ auditVerification { valid } }`, nil, &audit))
	require.True(i.t, audit.AuditVerification.Valid)
}

func TestChaos(t *testing.T) {
	t.Parallel()
	r := &report{}
	t.Cleanup(func() {
		text := reportHead + strings.Join(r.rows, "\n") + "\n"
		t.Log("\n" + text)
		if path := os.Getenv("CHAOS_WRITE"); path != "" && !t.Failed() {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
	})
	for name, scenario := range map[string]func(*testing.T, *report, string){
		"kill -9":          killed,
		"Postgres crashes": crashed,
		"Twilio's faults":  faulty,
		"clocks apart":     skewed,
		"rolling deploy":   rolled,
	} {
		t.Run(name, func(t *testing.T) {
			if !full {
				t.Parallel() // each alone when it is to be measured
			}
			scenario(t, r, name)
		})
	}
}

func killed(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t))
	i.launch()
	i.spread(pick(4, 24), func() {
		switch dice := rand.IntN(10); {
		case dice < 6:
			n := rand.IntN(len(i.workers))
			i.workers[n].Kill()
			i.startWorker(n)
			i.tally["workers killed"]++
		case dice < 8:
			i.server.Kill()
			i.startServer()
			i.tally["servers killed"]++
		default:
			for _, w := range i.workers {
				w.Kill()
			}
			i.server.Kill()
			i.startServer()
			for n := range i.workers {
				i.startWorker(n)
			}
			i.tally["all killed"]++
		}
	})
	i.exact(r, name)
}

func crashed(t *testing.T, r *report, name string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	dir, err := os.MkdirTemp("", "eventstream-chaos-pg-") // not t.TempDir: Postgres runs as somebody else
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	opts := embedded.Options{DataDir: dir, Port: port, Log: slog.New(slog.DiscardHandler)}
	pg, err := embedded.Start(context.Background(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = pg.Stop() })
	i := start(t, pg.URL)
	i.launch()
	i.spread(pick(1, 4), func() {
		pg.Crash()
		pg, err = embedded.Start(i.ctx, opts)
		require.NoError(t, err)
		i.tally["Postgres crashed"]++
	})
	i.exact(r, name)
}

func faults() map[string]any {
	return map[string]any{"tooManyRate": 0.05, "serverErrorRate": 0.05, "cutRate": 0.05, "emptyRate": 0.05, "repeatRate": 0.2, "reorderRate": 0.2}
}

func faulty(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t))
	i.sandbox(faults())
	i.tally["faults"] = 1
	i.launch()
	i.exact(r, name)
}

func skewed(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t), []string{"CLOCK_OFFSET=150s"}, []string{"CLOCK_OFFSET=-150s"})
	i.sandbox(faults())
	i.tally["clocks"], i.tally["faults"] = 1, 1
	i.launch()
	i.spread(pick(1, 6), func() {
		n := rand.IntN(len(i.workers))
		i.workers[n].Kill()
		i.startWorker(n)
		i.tally["workers killed"]++
	})
	i.exact(r, name)
}

// rolled restarts the workers one by one, as a deployment does: a clean stop
// leaves nothing to clear up.
func rolled(t *testing.T, r *report, name string) {
	i := start(t, dbtest.URL(t))
	i.launch()
	turn := 0
	i.spread(pick(2, 10), func() {
		n := turn % len(i.workers)
		turn++
		i.workers[n].Stop()
		i.startWorker(n)
		i.tally["workers stopped"]++
	})
	i.exact(r, name)
	require.Zero(t, i.count("SELECT count(*) FROM audit_entries WHERE action = 'message.reconcile'"), "no call was left without its answer")
}

// TestAKilledImportGoesOnWhereItWas kills everything in the middle of a file.
func TestAKilledImportGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	const rows = 6000
	i := start(t, dbtest.URL(t))
	var file strings.Builder
	file.WriteString("phone,name,opt-in\n")
	for n := range rows {
		_, _ = fmt.Fprintf(&file, "+4917%09d,Person %d,yes\n", 600000000+n, n)
	}
	require.NoError(t, i.Upload(i.ctx, "people.csv", strings.NewReader(file.String())))
	for range 2 {
		before := i.count("SELECT rows_done FROM imports")
		require.Eventually(t, func() bool { return i.count("SELECT rows_done FROM imports") >= min(before+1000, rows) }, time.Minute, time.Millisecond)
		for n, w := range i.workers {
			w.Kill()
			i.startWorker(n)
		}
	}
	require.Eventually(t, func() bool {
		return i.count("SELECT count(*) FROM imports WHERE status = 'completed' AND created = ? AND rows_done = ?", rows, rows) == 1
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, people+rows, i.count("SELECT count(*) FROM contacts"))
	require.Equal(t, people+rows, i.count("SELECT count(*) FROM consent_events"), "no consent was recorded twice")
}
