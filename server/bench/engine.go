package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"eventstream/server/pause"
	"eventstream/server/rig"
)

// Engine measures the engine itself: it and bare twilio-go calls beside a peer
// that costs next to nothing, and what each process spends on a message.
func (b *Bench) Engine(ctx context.Context, people int) ([]Table, error) {
	sink, err := startSink()
	if err != nil {
		return nil, err
	}
	defer sink.stop()
	c, err := b.engineCase(ctx, people, sink)
	if err != nil {
		return nil, err
	}
	bare := bareRun{
		perSecond: (c.before.perSecond + c.after.perSecond) / 2, micros: (c.before.micros + c.after.micros) / 2,
		sinkMicros: (c.before.sinkMicros + c.after.sinkMicros) / 2,
	}
	rate := float64(people) / c.seconds
	stock := (c.stockBefore.perSecond + c.stockAfter.perSecond) / 2
	b.log("engine: %d recipients: %.0f/s, bare %.0f and %.0f/s, ratio %.2f, as twilio-go comes %.0f/s, ratio %.2f, %.0f MB; µs of CPU per message: worker %.1f (bare %.1f), Postgres %.1f, "+
		"sink %.1f (bare %.1f), server %.1f; WAL %.0f bytes", people, rate, c.before.perSecond, c.after.perSecond, rate/bare.perSecond, stock, rate/stock, c.memoryMB,
		c.worker, bare.micros, c.postgres, c.sink, bare.sinkMicros, c.server, c.wal)
	number := func(x float64) string { return fmt.Sprintf("%.0f", x) }
	rates := Table{
		Title: "Sending, the engine itself",
		Intro: fmt.Sprintf("%d recipients beside the cheapest peer there can be, a process of its own that reads each request and answers a canned 201, "+
			"so that what is left is the engine: a row for each message, the gate, rates, audit, counters and live progress, with fsync on, one worker process. "+
			"The ceiling is one process of bare twilio-go calls with the same parameters to the same peer, right before and after in the same run: on connections "+
			"that are kept, as the engine's are, and as twilio-go comes, which keeps two and opens another for nearly every call.", people),
		Head: []string{"", "messages/s", "the engine beside it", "worker, MB", "WAL per message, bytes"},
		Rows: [][]string{
			{
				"bare twilio-go on kept connections, before and after", number(c.before.perSecond) + ", " + number(c.after.perSecond),
				fmt.Sprintf("%.2f", rate/bare.perSecond), "", "",
			},
			{
				"bare twilio-go as it comes, before and after", number(c.stockBefore.perSecond) + ", " + number(c.stockAfter.perSecond),
				fmt.Sprintf("%.2f", rate/stock), "", "",
			},
			{"the engine", number(rate), "", number(c.memoryMB), number(c.wal)},
		},
	}
	split := Table{
		Title: "Where a message's time goes",
		Intro: "CPU of the same run, user and system, from the end of preparing to the last acceptance, by process; Postgres is all its processes together. " +
			"Twilio-go and HTTP is what a bare call cost its process; the engine's own part is the rest of the worker: claiming, the gate, and writing results. " +
			"Cores are those in use at the rate above; what is missing to the machine's was idle, or somebody else's. " +
			fmt.Sprintf("Where all cores are busy, the ratio above is a bare call's CPU over all of a message's, here %.2f: the faster calls become, the smaller it is. "+
				"For 0.80 all that the engine and Postgres do for a message would have to take %.0f µs.",
				(bare.sinkMicros+bare.micros)/(c.sink+c.worker+c.postgres+c.server), (bare.sinkMicros+bare.micros)/4),
		Head: []string{"", "µs per message", "cores", "bare call, µs"},
	}
	add := func(name string, micros float64, bare string) {
		split.Rows = append(split.Rows, []string{name, fmt.Sprintf("%.1f", micros), fmt.Sprintf("%.2f", micros*rate/1e6), bare})
	}
	add("the peer", c.sink, fmt.Sprintf("%.1f", bare.sinkMicros))
	add("worker: twilio-go and HTTP", min(bare.micros, c.worker), fmt.Sprintf("%.1f", bare.micros))
	add("worker: the engine's own", max(c.worker-bare.micros, 0), "")
	add("Postgres", c.postgres, "")
	add("server", c.server, "")
	add("together", c.sink+c.worker+c.postgres+c.server, fmt.Sprintf("%.1f", bare.sinkMicros+bare.micros))
	return []Table{rates, split}, nil
}

// engineRun is what one campaign took beside the sink.
type engineRun struct {
	before, after                  bareRun // on kept connections
	stockBefore, stockAfter        bareRun // as twilio-go comes
	seconds                        float64 // from the first claim to the last acceptance
	memoryMB                       float64
	worker, postgres, sink, server float64 // µs of CPU per message
	wal                            float64 // bytes per message
}

// used is what processes have spent so far.
type used struct {
	worker, postgres, sink, server float64 // seconds
	wal                            int64
}

func (b *Bench) engineCase(ctx context.Context, people int, sink *sinkProcess) (c engineRun, err error) {
	r, release, err := b.fresh(ctx, append(sink.env(), "PUBLIC_URL=http://127.0.0.1:9")...) // the sink calls nobody
	if err != nil {
		return c, err
	}
	defer release()
	id, stop, err := b.readyAt(ctx, r, people, 1, nil, func() error { return nil })
	defer stop()
	if err != nil {
		return c, err
	}
	job := BareJob{
		Sandbox: sink.url, Token: SinkAuthToken, Callers: bareCallers, Seconds: bareSeconds,
		Callback: "http://127.0.0.1:9/webhooks/twilio/status?m=1#rc=5&rp=5xx,ct,rt",
	}
	if job.ContentSID, err = r.ContentSID(ctx); err != nil {
		return c, err
	}
	if c.before, c.stockBefore, err = bareBeside(ctx, job, sink); err != nil {
		return c, err
	}
	if err := r.Unbridle(ctx); err != nil {
		return c, err
	}
	worker := r.Workers[0]
	look := func() (u used, err error) {
		u = used{worker: processCPU(worker.Pid()), postgres: postgresCPU(ctx, r.DB), sink: processCPU(sink.pid()), server: processCPU(r.Server.Pid())}
		u.wal, err = r.Number(ctx, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
		return u, err
	}
	if err := r.Launch(ctx, id); err != nil {
		return c, err
	}
	if err := prepared(ctx, r); err != nil {
		return c, err
	}
	began, err := look()
	if err != nil {
		return c, err
	}
	if err := finished(ctx, r, people, func() { c.memoryMB = max(c.memoryMB, worker.MemoryMB()) }); err != nil {
		return c, err
	}
	ended, err := look()
	if err != nil {
		return c, err
	}
	times, err := r.TimesOf(ctx, firstCampaign)
	if err != nil {
		return c, err
	}
	c.seconds = times.Send
	micros := func(seconds float64) float64 { return 1e6 * seconds / float64(people) }
	c.worker, c.postgres = micros(ended.worker-began.worker), micros(ended.postgres-began.postgres)
	c.sink, c.server = micros(ended.sink-began.sink), micros(ended.server-began.server)
	c.wal = float64(ended.wal-began.wal) / float64(people)
	c.after, c.stockAfter, err = bareBeside(ctx, job, sink)
	return c, err
}

// bareBeside does the job on kept connections, where it also measures what the sink spends on a call, and as twilio-go
// comes.
func bareBeside(ctx context.Context, job BareJob, sink *sinkProcess) (kept, stock bareRun, err error) {
	before := processCPU(sink.pid())
	if kept, err = job.start(ctx); err != nil {
		return kept, stock, err
	}
	kept.sinkMicros = 1e6 * (processCPU(sink.pid()) - before) / kept.calls
	job.Stock = true
	stock, err = job.start(ctx)
	return kept, stock, err
}

// prepared waits until the campaign's messages are written: sending begins then.
func prepared(ctx context.Context, r *rig.Rig) error {
	for {
		done, err := r.Number(ctx, "SELECT count(*) FROM campaigns WHERE id = ? AND prepared_at IS NOT NULL", firstCampaign)
		if err != nil || done > 0 {
			return err
		}
		if err := pause.For(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// sinkProcess is a sink in a process of its own, so that what it spends is not
// taken for somebody else's.
type sinkProcess struct {
	cmd *exec.Cmd
	in  io.Closer
	url string
}

func startSink() (*sinkProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &sinkProcess{cmd: exec.Command(self, "bench", "sink")} //nolint:gosec // ourselves
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sink: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.stop()
		return nil, errors.New("the sink did not start")
	}
	s.url = strings.TrimSpace(line)
	return s, nil
}

func (s *sinkProcess) pid() int { return s.cmd.Process.Pid }

func (s *sinkProcess) env() []string { return sinkEnv(s.url) }

// stop ends the process: it lives for as long as its standard input is open, and
// so never longer than the bench.
func (s *sinkProcess) stop() {
	_ = s.in.Close()
	_ = s.cmd.Wait()
}

// ServeSink runs a sink until in ends. It says on out where the sink is.
func ServeSink(in io.Reader, out io.Writer) error {
	sink, err := NewSink()
	if err != nil {
		return err
	}
	defer sink.Close()
	if _, err := fmt.Fprintln(out, sink.URL()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
