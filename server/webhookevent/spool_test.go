package webhookevent

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/spool"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func openSpool(t *testing.T, dir string, limit int64) *Spool {
	t.Helper()
	s, err := OpenSpool(dir, limit, quiet)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// read gives the events of a segment.
func read(seg *spool.Segment) (events []*Event, damaged bool, err error) {
	records, damaged, err := seg.Read()
	events, lacking := decode(records)
	return events, damaged || lacking, err
}

// drained reads and removes all that a spool may read.
func drained(t *testing.T, s *Spool) (sids []string, damaged bool) {
	t.Helper()
	s.Seal()
	for seg := s.Next(); seg != nil; seg = s.Next() {
		events, bad, err := read(seg)
		require.NoError(t, err)
		damaged = damaged || bad
		for _, e := range events {
			require.Equal(t, SourceSpool, e.Source)
			sids = append(sids, e.SID)
		}
		s.Done(seg)
	}
	return sids, damaged
}

func TestASpoolKeepsEverythingOfAnEvent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, dir, spool.Limit)
	at, when := time.Now().UTC().Truncate(time.Microsecond), time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	e := says("SM1", person(1), "STOP \u2028 \U0001F44D \"quoted\"")
	e.ArrivedAt, e.HappenedAt, e.MessageID, e.Headers = &at, &when, 7, map[string]string{"User-Agent": "TwilioProxy/1.1"}
	require.NoError(t, s.Append([]*Event{e}))
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	file, err := entries[0].Info()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm(), "numbers and texts of people are for the owner alone")
	bytes, oldest := s.State()
	require.Equal(t, file.Size(), bytes)
	require.WithinDuration(t, time.Now(), oldest, time.Minute)
	s.Seal()
	events, damaged, err := read(s.Next())
	require.NoError(t, err)
	require.False(t, damaged)
	want := *e
	want.Source = SourceSpool
	require.Equal(t, []*Event{&want}, events)
	require.True(t, events[0].Urgent)
}

// TestTornAndDamagedRecords cuts a segment anywhere, as a power cut does, and
// turns single bits.
func TestTornAndDamagedRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openSpool(t, dir, spool.Limit)
	require.NoError(t, s.Append([]*Event{status("SM1", "sent"), status("SM2", "sent"), status("SM3", "sent")}))
	s.Seal()
	seg := s.Next()
	whole, err := os.ReadFile(seg.Path())
	require.NoError(t, err)
	third := len(whole) / 3
	for cut := range len(whole) {
		require.NoError(t, os.WriteFile(seg.Path(), whole[:cut], 0o600))
		events, damaged, err := read(seg)
		require.NoError(t, err)
		require.Len(t, events, cut/third, "cut at %d", cut)
		require.False(t, damaged, "a torn end is no damage")
	}
	for at := 4; at < 2*third; at += 11 {
		if at%third < 4 {
			continue // the length itself: what follows cannot be told from a torn end
		}
		bad := append([]byte{}, whole...)
		bad[at] ^= 0x10
		require.NoError(t, os.WriteFile(seg.Path(), bad, 0o600))
		events, damaged, err := read(seg)
		require.NoError(t, err)
		require.True(t, damaged, "at %d", at)
		require.Len(t, events, at/third, "what stands before it is good")
	}
}

func TestAFullSpoolRefuses(t *testing.T) {
	t.Parallel()
	s := openSpool(t, t.TempDir(), 2000)
	var err error
	n := 0
	for ; err == nil; n++ {
		require.Less(t, n, 100)
		err = s.Append([]*Event{status(fmt.Sprintf("SM%d", n), "sent")})
	}
	require.ErrorIs(t, err, spool.ErrFull)
	sids, _ := drained(t, s)
	require.Len(t, sids, n-1)
	require.NoError(t, s.Append([]*Event{status("SMx", "sent")}), "there is room again")
}

// TestProcessesShareADirectory: nobody reads what a living process still
// writes, and what a dead one left is read exactly once.
func TestProcessesShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := openSpool(t, dir, spool.Limit)
	require.NoError(t, one.Append([]*Event{status("SM1", "sent"), status("SM2", "sent")}))
	two, three := openSpool(t, dir, spool.Limit), openSpool(t, dir, spool.Limit)
	require.True(t, two.Empty())
	bytes, oldest := two.State()
	require.Positive(t, bytes, "the limit is the directory's")
	require.True(t, oldest.IsZero())
	one.Close() // its locks go, as when it is killed
	var taken sync.WaitGroup
	for _, s := range []*Spool{two, three} {
		taken.Go(func() { _ = s.Adopt() })
	}
	taken.Wait()
	a, _ := drained(t, two)
	b, _ := drained(t, three)
	require.ElementsMatch(t, []string{"SM1", "SM2"}, append(a, b...))
	require.NoError(t, two.Adopt())
	require.True(t, two.Empty())
}

// TestAKilledProcess is this test's own second process: it appends until it is
// killed, and says what it may count on.
func TestAKilledProcess(t *testing.T) {
	if dir := os.Getenv("SPOOL_TO_KILL"); dir != "" {
		s, err := OpenSpool(dir, spool.Limit, quiet)
		if err != nil {
			os.Exit(3)
		}
		for n := 0; ; n++ {
			if err := s.Append([]*Event{status(fmt.Sprintf("SM%d", n), "sent")}); err != nil {
				os.Exit(4)
			}
			fmt.Printf("SM%d\n", n)
		}
	}
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestAKilledProcess$")
	cmd.Env = append(os.Environ(), "SPOOL_TO_KILL="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var promised []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if promised = append(promised, lines.Text()); len(promised) == 25 {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait()
	s := openSpool(t, dir, spool.Limit)
	sids, damaged := drained(t, s)
	require.False(t, damaged)
	require.GreaterOrEqual(t, len(sids), len(promised))
	require.Equal(t, promised, sids[:len(promised)], "what was promised is there, in order")
}

// proxy stands between the engine and Postgres and can fall silent.
type proxy struct {
	target string
	addr   string
	mu     sync.Mutex
	silent bool
	conns  []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{target: target, addr: l.Addr().String()}
	t.Cleanup(func() {
		_ = l.Close()
		p.hang(false)
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *proxy) serve(conn net.Conn) {
	p.mu.Lock()
	p.conns = append(p.conns, conn)
	silent := p.silent
	p.mu.Unlock()
	if silent {
		return // it was accepted, and nobody answers
	}
	there, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = conn.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, there)
	p.mu.Unlock()
	go p.copy(there, conn)
	p.copy(conn, there)
	_ = conn.Close()
	_ = there.Close()
}

func (p *proxy) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		silent := p.silent
		p.mu.Unlock()
		if silent {
			continue // swallowed
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hang makes everybody wait, or ends that; then all connections are cut.
func (p *proxy) hang(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = on
	if !on {
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.conns = nil
	}
}

// through opens the database of this URL over a proxy.
func through(t *testing.T, databaseURL string) (*db.DB, *proxy) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	p := newProxy(t, u.Host)
	u.Host = p.addr
	d, err := db.Open(t.Context(), u.String(), 10, quiet)
	require.NoError(t, err)
	return d, p
}

// TestWebhooksOutliveASilentPostgres: it accepts connections and answers nothing.
func TestWebhooksOutliveASilentPostgres(t *testing.T) {
	t.Parallel()
	direct := dbtest.URL(t)
	d, p := through(t, direct)
	t.Cleanup(func() {
		p.hang(false)
		d.Close()
	})
	e := newEngine(t, d)
	ctx, stop := context.WithCancel(e.ctx)
	w := NewWriter(WriterOptions{DB: d, Applier: e.Applier, Reader: reader{}, Spool: openSpool(t, t.TempDir(), spool.Limit), Log: quiet, Now: time.Now})
	registry := prometheus.NewRegistry()
	w.Register(registry)
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	running.Go(func() { e.Run(ctx) })
	defer running.Wait()
	defer stop()
	require.NoError(t, w.Write(ctx, says("SM1", person(1), "one")))
	p.hang(true)
	began := time.Now()
	require.NoError(t, w.Write(ctx, says("SM2", person(1), "two")))
	t.Logf("the first answer after Postgres fell silent took %s", time.Since(began))
	for n := range 20 {
		require.NoError(t, w.Write(ctx, says(fmt.Sprintf("SM3-%d", n), person(1), fmt.Sprintf("three %d", n))))
	}
	require.True(t, w.away.Load())
	require.Positive(t, gauge(t, registry, "webhook_spool_bytes"))
	require.Positive(t, gauge(t, registry, "webhook_spool_oldest_seconds"))
	p.hang(false)
	require.NoError(t, w.Write(ctx, says("SM4", person(1), "STOP")))
	require.Eventually(t, func() bool { return !w.away.Load() }, time.Minute, 5*time.Millisecond, "it goes back by itself")
	require.NoError(t, w.Write(ctx, says("SM5", person(1), "five")))
	require.Eventually(t, func() bool {
		return e.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL") == 0 && len(e.texts(person(1))) == 24
	}, time.Minute, 10*time.Millisecond)
	want := []string{"one", "two"}
	for n := range 20 {
		want = append(want, fmt.Sprintf("three %d", n))
	}
	require.Equal(t, append(want, "STOP", "five"), e.texts(person(1)))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
	require.Zero(t, gauge(t, registry, "webhook_spool_bytes"))
	require.Positive(t, e.number("SELECT count(*) FROM webhook_events WHERE source = 'spool' AND arrived_at < received_at"))
}

func gauge(t *testing.T, from *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := from.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// TestWhatAProcessLeftComesFirst: a restart stores the old events before new ones.
func TestWhatAProcessLeftComesFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, err := OpenSpool(dir, spool.Limit, quiet)
	require.NoError(t, err)
	at := time.Now().Add(-time.Minute)
	kept := says("SM1", person(1), "START")
	kept.ArrivedAt = &at
	require.NoError(t, before.Append([]*Event{kept}))
	before.Close()
	e := newEngine(t, dbtest.New(t))
	ctx, stop := context.WithCancel(e.ctx)
	w := NewWriter(WriterOptions{DB: e.DB, Reader: reader{}, Spool: openSpool(t, dir, spool.Limit), Log: quiet, Now: time.Now})
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	defer running.Wait()
	defer stop()
	require.NoError(t, w.Write(ctx, says("SM2", person(1), "STOP")))
	require.Eventually(t, func() bool { return e.number("SELECT count(*) FROM webhook_events") == 2 }, time.Minute, 5*time.Millisecond)
	require.NoError(t, e.Apply(e.ctx))
	require.Equal(t, []string{"START", "STOP"}, e.texts(person(1)))
	require.Equal(t, contact.ConsentOptedOut, e.consent(person(1)))
}

// TestAnEventThatPostgresCannotHoldTakesNobodyWithIt, live and out of the spool.
func TestAnEventThatPostgresCannotHoldTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	bad := func(sid string) *Event {
		ev := status(sid, "sent")
		ev.Params["Body"] = "a\x00b"
		return ev
	}
	w := NewWriter(WriterOptions{DB: e.DB, Reader: reader{}, Spool: openSpool(t, t.TempDir(), spool.Limit), Log: quiet, Now: time.Now})
	errs := w.write(e.ctx, []*Event{status("SM1", "sent"), bad("SM2"), status("SM3", "sent"), status("SM4", "sent"), status("SM5", "sent")}, func() {})
	for i, err := range errs {
		require.Equal(t, i == 1, err != nil, "event %d: %v", i, err)
	}
	require.False(t, w.away.Load(), "Postgres is not away")
	require.Equal(t, 4, e.number("SELECT count(*) FROM webhook_events"))
	require.NoError(t, w.Spool.Append([]*Event{status("SM6", "sent"), bad("SM7"), status("SM8", "sent")}))
	w.Spool.Seal()
	require.NoError(t, w.drain(e.ctx))
	require.Equal(t, 6, e.number("SELECT count(*) FROM webhook_events"))
	require.True(t, w.Spool.Empty())
	kept, err := filepath.Glob(filepath.Join(w.Spool.Dir(), "*"+spool.DamagedSuffix))
	require.NoError(t, err)
	require.Len(t, kept, 1, "it is kept for a person to look at")
}

// TestWithoutASpoolTheAnswerIsNo, so that Twilio tries again.
func TestWithoutASpoolTheAnswerIsNo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	w := NewWriter(WriterOptions{DB: d, Reader: reader{}, Log: quiet, Now: time.Now})
	d.Close()
	for _, err := range w.write(t.Context(), []*Event{status("SM1", "sent")}, func() {}) {
		require.Error(t, err)
	}
}

// TestASegmentThatCannotBeFinishedStopsNobody: those behind it are stored.
func TestASegmentThatCannotBeFinishedStopsNobody(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	for name, breakIt := range map[string]func(t *testing.T, seg *spool.Segment){
		"gone": func(t *testing.T, seg *spool.Segment) { require.NoError(t, os.Remove(seg.Path())) },
		"unreadable": func(t *testing.T, seg *spool.Segment) {
			require.NoError(t, os.Remove(seg.Path()))
			require.NoError(t, os.Mkdir(seg.Path(), 0o700)) // reading it fails, whoever asks
		},
		"damaged": func(t *testing.T, seg *spool.Segment) {
			raw, err := os.ReadFile(seg.Path())
			require.NoError(t, err)
			raw[8] ^= 0x10
			require.NoError(t, os.WriteFile(seg.Path(), raw, 0o600))
		},
	} {
		w := NewWriter(WriterOptions{DB: e.DB, Reader: reader{}, Spool: openSpool(t, t.TempDir(), spool.Limit), Log: quiet, Now: time.Now})
		w.Spool.Link = func(_, _ string) error { return syscall.EPERM } // as where a file system has no links
		require.NoError(t, w.Spool.Append([]*Event{status("SM-a-"+name, "sent"), status("SM-b-"+name, "sent")}))
		w.Spool.Seal()
		breakIt(t, w.Spool.Next())
		require.NoError(t, w.Spool.Append([]*Event{status("SM-c-"+name, "sent")}))
		w.Spool.Seal()
		var err error
		for range spool.ReadTries {
			err = w.drain(e.ctx)
		}
		require.NoError(t, err, name)
		require.True(t, w.Spool.Empty(), name)
		require.Equal(t, 1, e.number("SELECT count(*) FROM webhook_events WHERE sid = ?", "SM-c-"+name), name)
		kept, err := filepath.Glob(filepath.Join(w.Spool.Dir(), "*"+spool.DamagedSuffix))
		require.NoError(t, err)
		require.Equal(t, name != "gone", len(kept) == 1, "%s: what is there is kept", name)
	}
}

// TestARecordThatCouldNotBeReadIsRefused, and takes nobody with it.
func TestARecordThatCouldNotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	w := NewWriter(WriterOptions{Reader: reader{}, Spool: openSpool(t, t.TempDir(), spool.Limit), Log: quiet, Now: time.Now})
	w.away.Store(true)
	large := says("SM2", person(1), strings.Repeat("x", spool.MaxRecord))
	errs := w.write(t.Context(), []*Event{status("SM1", "sent"), large, status("SM3", "sent")}, func() {})
	require.NoError(t, errs[0])
	require.True(t, apperr.Is(errs[1], apperr.CodeInvalid), "%v", errs[1])
	require.NoError(t, errs[2])
	require.Error(t, w.Spool.Append([]*Event{large}))
	sids, damaged := drained(t, w.Spool)
	require.Equal(t, []string{"SM1", "SM3"}, sids)
	require.False(t, damaged)
	err := w.Write(t.Context(), status(strings.Repeat("S", maxSID+1), "sent"))
	require.True(t, apperr.Is(err, apperr.CodeInvalid), "%v", err)
}
