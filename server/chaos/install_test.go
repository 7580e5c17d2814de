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
	"sync"
	"testing"
	"time"

	"eventstream/server/db/embedded"
	"eventstream/server/rig"

	"github.com/stretchr/testify/require"
)

// Bounds end what hangs, and nothing else.
const (
	scenarioBound = 20 * time.Minute
	healBound     = 8 * time.Minute
)

var buildOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "eventstream-chaos-")
	if err != nil {
		return "", err
	}
	return build(filepath.Join(dir, "server"), ".")
})

func build(binary, dir string) (string, error) {
	cmd := exec.Command("go", "build", "-o", binary, "eventstream/server")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return binary, err
}

// install is one installation under test.
type install struct {
	*rig.Rig

	t         *testing.T
	ctx       context.Context
	server    *rig.Process
	serverEnv []string
	workers   []*rig.Process
	env       [][]string     // of each worker
	people    int            // contacts
	texts     []string       // of each campaign
	tally     map[string]int // what was done to it; × before what is shown with its number also when that is 1
	notes     []string
	talk      *talk
	began     time.Time
}

// options say how an installation differs from the usual one.
type options struct {
	people    int
	binary    string
	env       []string   // of all processes
	serverEnv []string   // of the server
	workerEnv [][]string // of each worker; nil: two as usual
}

func start(t *testing.T, url string, o options) *install {
	t.Helper()
	if o.binary == "" {
		binary, err := buildOnce()
		require.NoError(t, err)
		o.binary = binary
	}
	if o.people == 0 {
		o.people = people
	}
	if o.workerEnv == nil {
		o.workerEnv = [][]string{nil, nil}
	}
	ctx, cancel := context.WithTimeout(context.Background(), scenarioBound)
	t.Cleanup(cancel)
	r, err := rig.New(ctx, rig.Options{
		Binary: o.binary, DatabaseURL: url, DataDir: t.TempDir(),
		Env: append([]string{"LOG_LEVEL=" + logLevel()}, o.env...),
	})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	i := &install{
		Rig: r, t: t, ctx: ctx, serverEnv: o.serverEnv, env: o.workerEnv, workers: make([]*rig.Process,
			len(o.workerEnv)), people: o.people,
		tally: map[string]int{}, began: time.Now(),
	}
	t.Cleanup(func() {
		if i.talk != nil {
			i.talk.stop()
		}
		for _, p := range append(i.workers, i.server) {
			if p != nil {
				p.Kill()
			}
		}
	})
	i.startServer()
	for n := range i.workers {
		i.startWorker(n)
	}
	require.NoError(t, r.Seed(ctx, 0, i.people))
	i.sandbox(map[string]any{
		"deliveryMs": 200, "latencyMs": 10, "approvalMs": 10, "replyRate": 0,
		"undeliveredRate": 0, "readRate": 0,
	})
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
	p, err := i.Start(i.ctx, "serve", i.serverEnv...)
	require.NoError(i.t, err)
	i.server = p
}

func (i *install) startWorker(n int) {
	i.t.Helper()
	p, err := i.Start(i.ctx, "work", i.env[n]...)
	require.NoError(i.t, err)
	i.workers[n] = p
}

// sandbox changes its settings; the server that takes them may be busy or away.
func (i *install) sandbox(settings map[string]any) {
	i.t.Helper()
	var err error
	require.Eventually(i.t, func() bool {
		err = i.Sandbox(i.ctx, settings)
		return err == nil
	}, healBound, 100*time.Millisecond, "the sandbox takes its settings: %v", &err)
}

// launch starts a campaign to all contacts with this text.
func (i *install) launch(text string) {
	i.t.Helper()
	i.launchAll(text)
}

// launchAll starts one campaign for each text, together.
func (i *install) launchAll(texts ...string) {
	i.t.Helper()
	ids := make([]string, len(texts))
	for n, text := range texts {
		template, err := i.Approved(i.ctx, fmt.Sprintf("Chaos %d", len(i.texts)), "Hello {{name | you}}, "+text)
		require.NoError(i.t, err)
		ids[n], err = i.Campaign(i.ctx, map[string]any{
			"name": fmt.Sprintf("Chaos %d", len(i.texts)), "templateId": template,
			"query":              map[string]any{"all": []any{}},
			"rateLimitPerSecond": rate, "errorThreshold": nil,
		})
		require.NoError(i.t, err)
		i.texts = append(i.texts, text)
	}
	for _, id := range ids {
		require.NoError(i.t, i.Launch(i.ctx, id))
	}
	if i.talk == nil {
		i.talk = i.converse()
	}
}

func (i *install) count(sql string, args ...any) int {
	n, err := i.Number(i.ctx, sql, args...)
	if err != nil {
		return -1 // Postgres may be down just now
	}
	return int(n)
}

// eventually waits for what must come, however slow the machine is.
func (i *install) eventually(what string, ok func() bool) {
	i.t.Helper()
	require.Eventually(i.t, ok, healBound, 100*time.Millisecond, what)
}

const settledCount = `SELECT coalesce(sum(n), 0) FROM message_counts WHERE campaign_id > 0 AND measure IN ('at:accepted', 'skipped')`

// at waits until so much of the campaigns was accepted, or never will be.
func (i *install) at(share float64) {
	i.t.Helper()
	want := int(share * float64(i.people*len(i.texts)))
	require.Eventually(i.t, func() bool { return i.count(settledCount) >= want }, healBound, 5*time.Millisecond,
		"the campaigns go on")
}

// spread calls fn so many times, at random moments all over the campaigns.
func (i *install) spread(times int, fn func()) {
	i.t.Helper()
	for n := range times {
		i.at((float64(n) + rand.Float64()*0.9) / float64(times+1))
		fn()
	}
}

// postgres is one of the test's own, on a port that it keeps.
type postgres struct {
	*embedded.Server

	opts embedded.Options
}

func ownPostgres(t *testing.T) *postgres {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	dir, err := os.MkdirTemp("", "eventstream-chaos-pg-") // not t.TempDir: Postgres runs as somebody else
	require.NoError(t, err)
	p := &postgres{opts: embedded.Options{DataDir: dir, Port: port, MaxConns: 200, Log: slog.New(slog.DiscardHandler)}}
	t.Cleanup(func() {
		if p.Server != nil {
			_ = p.Stop()
		}
		_ = os.RemoveAll(dir)
	})
	p.start(t)
	return p
}

func (p *postgres) start(t *testing.T) {
	t.Helper()
	s, err := embedded.Start(context.Background(), p.opts)
	require.NoError(t, err)
	p.Server = s
}
