package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/portfolio"
	"eventstream/server/rig"
	"eventstream/server/twilio/sandbox"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
	"golang.org/x/sync/errgroup"
)

const firstCampaign = 1 // its id in a fresh database

// SendOptions size the sending bench.
type SendOptions struct {
	People    int   // recipients of each case
	Processes []int // worker processes of each case
	Growth    []int // audiences of the growth table; empty: none
}

// sendKind is what a campaign has beside a tracked link, which all have.
type sendKind struct{ variants, receipts, limited bool }

func (k sendKind) String() string {
	switch {
	case k.variants:
		return "two variants"
	case k.receipts:
		return "receipts on"
	case k.limited:
		return "within WhatsApp's limit of people"
	}
	return "plain"
}

// compare gives a draft a second wording, so that each recipient draws one of two.
func compare(ctx context.Context, r *rig.Rig, campaign string) error {
	var first struct {
		Node struct{ Template struct{ ID string } }
	}
	if err := r.Call(ctx, `query($id: ID!) { node(id: $id) { ... on Campaign { template { id } } } }`, map[string]any{"id": campaign}, &first); err != nil {
		return err
	}
	second, err := r.ApprovedWith(ctx, benchTemplate("Bench B", "Good day {{name | there}}, there is something for {{attributes.city | your town}}: come by."))
	if err != nil {
		return err
	}
	return r.Call(ctx, `mutation($i: CampaignUpdateInput!) { campaignUpdate(input: $i) { userErrors { message } } }`, map[string]any{"i": map[string]any{
		"id": campaign, "variants": []map[string]any{{"templateId": first.Node.Template.ID}, {"templateId": second}},
	}}, nil)
}

// limit sets WhatsApp's limit of people a day to the highest that there is, so that each recipient takes a place.
func limit(ctx context.Context, r *rig.Rig) error {
	return r.Call(ctx, `mutation($i: SettingsUpdateInput!) { settingsUpdate(input: $i) { userErrors { message } } }`,
		map[string]any{"i": map[string]any{"portfolioLimit": map[string]any{"people": portfolio.MostPeople}}}, nil)
}

// benchTemplate has a link whose taps are counted, as most campaigns have.
func benchTemplate(name, body string) map[string]any {
	return map[string]any{"name": name, "body": body, "content": map[string]any{"buttons": []map[string]any{
		{"type": "URL", "title": "Open the shop", "url": "https://shop.example/today", "track": true},
	}}}
}

// sendCase is what one campaign took.
type sendCase struct {
	times    rig.Times
	bare     float64 // bare calls a second on kept connections, in the same minute against the same sandbox
	stock    float64 // the same with twilio-go's own HTTP client
	memoryMB float64 // the largest worker at its largest
}

func (c sendCase) rate() float64 { return float64(c.times.Accepted) / c.times.Send }

// Send measures messages a second from claim to recorded acceptance, with
// gate, audit, counters and progress on, beside bare twilio-go calls.
func (b *Bench) Send(ctx context.Context, o SendOptions) ([]Table, error) {
	main := Table{
		Title: "Sending",
		Intro: fmt.Sprintf("%d recipients, everything on: gate, rates, audit, counters, live progress. The ceiling is bare twilio-go calls from as many processes "+
			"with the same template to the same sandbox, measured right before and after in the same run; on connections that are kept, and as twilio-go "+
			"comes, which keeps two and opens another for nearly every call. Sandbox, Postgres (fsync on) and all processes share the machine. "+
			"The sandbox answers at once; receipts are held back until the campaign is out, except where they are on: every message brings three. Within WhatsApp's limit of 100,000 people a day each recipient takes a place of it. Each message has a tracked link.", o.People),
		Head: []string{"worker processes", "messages/s", "bare calls/s", "ratio", "as twilio-go comes", "ratio", "prepare, recipients/s", "largest worker, MB"},
	}
	for _, n := range o.Processes {
		c, err := b.sendCase(ctx, o.People, n, sendKind{})
		if err != nil {
			return nil, err
		}
		main.Rows = append(main.Rows, c.row(fmt.Sprint(n)))
	}
	for _, kind := range []sendKind{{variants: true}, {receipts: true}, {limited: true}} {
		people := o.People
		if kind.limited {
			people = min(people, portfolio.MostPeople) // the others would wait for a day
		}
		c, err := b.sendCase(ctx, people, 1, kind)
		if err != nil {
			return nil, err
		}
		main.Rows = append(main.Rows, c.row("1, "+kind.String()))
	}
	tables := []Table{main}
	if len(o.Growth) > 0 {
		growth := Table{
			Title: "Sending, growth",
			Intro: "The same with one worker process and larger audiences.",
			Head:  []string{"recipients", "messages/s", "bare calls/s", "ratio", "as twilio-go comes", "ratio", "prepare, recipients/s", "largest worker, MB"},
		}
		for _, people := range o.Growth {
			c, err := b.sendCase(ctx, people, 1, sendKind{})
			if err != nil {
				return nil, err
			}
			growth.Rows = append(growth.Rows, c.row(fmt.Sprint(people)))
		}
		tables = append(tables, growth)
	}
	return tables, nil
}

func (c sendCase) row(name string) []string {
	return []string{
		name, fmt.Sprintf("%.0f", c.rate()), fmt.Sprintf("%.0f", c.bare), fmt.Sprintf("%.2f", c.rate()/c.bare),
		fmt.Sprintf("%.0f", c.stock), fmt.Sprintf("%.2f", c.rate()/c.stock),
		fmt.Sprintf("%.0f", float64(c.times.Audience)/c.times.Prepare), fmt.Sprintf("%.0f", c.memoryMB),
	}
}

func (b *Bench) sendCase(ctx context.Context, people, processes int, kind sendKind) (c sendCase, err error) {
	r, release, err := b.fresh(ctx)
	if err != nil {
		return c, err
	}
	defer release()
	id, stop, err := b.ready(ctx, r, people, processes, nil)
	defer stop()
	if err != nil {
		return c, err
	}
	if kind.variants {
		if err := compare(ctx, r, id); err != nil {
			return c, err
		}
	}
	if kind.receipts {
		if err := r.Sandbox(ctx, map[string]any{"deliveryMs": 1000}); err != nil {
			return c, err
		}
	}
	if kind.limited {
		if err := limit(ctx, r); err != nil {
			return c, err
		}
	}
	before, stockBefore, err := b.bare(ctx, r, processes, kind.receipts)
	if err != nil {
		return c, err
	}
	if err := r.Unbridle(ctx); err != nil {
		return c, err
	}
	if err := r.Launch(ctx, id); err != nil {
		return c, err
	}
	if err := finished(ctx, r, people, func() {
		for _, w := range r.Workers {
			c.memoryMB = max(c.memoryMB, w.MemoryMB())
		}
	}); err != nil {
		return c, err
	}
	if c.times, err = r.TimesOf(ctx, firstCampaign); err != nil {
		return c, err
	}
	after, stockAfter, err := b.bare(ctx, r, processes, kind.receipts)
	if err != nil {
		return c, err
	}
	c.bare, c.stock = (before+after)/2, (stockBefore+stockAfter)/2
	b.log("send: %d recipients, %d processes, %v: %.0f/s, bare %.0f and %.0f/s, ratio %.2f; as twilio-go comes %.0f and %.0f/s, ratio %.2f; prepare %.0f/s, %.0f MB", people, processes, kind, c.rate(), before, after, c.rate()/c.bare, stockBefore, stockAfter, c.rate()/c.stock, float64(c.times.Audience)/c.times.Prepare, c.memoryMB)
	return c, nil
}

const (
	bareSeconds = 3
	bareCallers = 64
)

// bare calls the sandbox as fast as twilio-go can, from so many processes: on kept connections, then as it comes.
func (b *Bench) bare(ctx context.Context, r *rig.Rig, processes int, receipts bool) (kept, stock float64, err error) {
	job := BareJob{Callers: bareCallers / processes, Seconds: bareSeconds}
	if job.Sandbox, err = r.SandboxURL(); err != nil {
		return 0, 0, err
	}
	if job.Token, err = r.SandboxToken(); err != nil {
		return 0, 0, err
	}
	if job.ContentSID, err = r.ContentSID(ctx); err != nil {
		return 0, 0, err
	}
	if receipts {
		job.Callback = r.URL + "/healthz?bare"
	}
	if kept, err = job.fromEach(ctx, processes); err != nil {
		return 0, 0, err
	}
	job.Stock = true
	stock, err = job.fromEach(ctx, processes)
	return kept, stock, err
}

// fromEach has each of so many processes do the job at once, and adds up their calls a second.
func (j BareJob) fromEach(ctx context.Context, processes int) (perSecond float64, err error) {
	rates := make([]float64, processes)
	var callers errgroup.Group
	for i := range processes {
		job := j
		job.Prefix = i
		callers.Go(func() error {
			run, err := job.start(ctx)
			rates[i] = run.perSecond
			return err
		})
	}
	if err := callers.Wait(); err != nil {
		return 0, err
	}
	for _, rate := range rates {
		perSecond += rate
	}
	return perSecond, nil
}

// BareJob is what one process of bare calls does.
type BareJob struct {
	Sandbox, ContentSID, Callback string
	Token                         string // of the sandbox; the sink takes any
	Callers, Seconds, Prefix      int
	Stock                         bool // with the HTTP client that twilio-go comes with
}

// bareRun is what one process of bare calls did.
type bareRun struct {
	calls, perSecond float64
	micros           float64 // of CPU per call, user and system
	sinkMicros       float64 // what the peer spent on it, where that was measured
}

// start makes a process for the job and waits for it.
func (j BareJob) start(ctx context.Context) (run bareRun, err error) {
	self, err := os.Executable()
	if err != nil {
		return run, err
	}
	raw, err := json.Marshal(j)
	if err != nil {
		return run, err
	}
	cmd := exec.CommandContext(ctx, self, "bench", "bare", string(raw)) //nolint:gosec // ourselves
	out, err := cmd.Output()
	if err != nil {
		return run, fmt.Errorf("bare calls: %w", err)
	}
	if _, err := fmt.Sscan(string(out), &run.calls, &run.perSecond); err != nil {
		return run, fmt.Errorf("bare calls: %w", err)
	}
	run.micros = float64((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Microseconds()) / run.calls
	return run, nil
}

// Run makes the calls, and gives how many were taken, and how many a second.
func (j BareJob) Run(ctx context.Context) (calls, perSecond float64, err error) {
	u, err := url.Parse(j.Sandbox)
	if err != nil {
		return 0, 0, err
	}
	transport := http.DefaultTransport // which twilio-go uses, too
	if !j.Stock {
		transport = &http.Transport{MaxIdleConnsPerHost: j.Callers}
	}
	base := &client.Client{
		Credentials: client.NewCredentials(sandbox.AccountSID, j.Token),
		HTTPClient:  &http.Client{Timeout: 10 * time.Second, Transport: &toSandbox{u.Host, transport}},
	}
	base.SetAccountSid(sandbox.AccountSID)
	rest := api.NewApiServiceWithClient(base)
	var made, failed atomic.Int64
	started := time.Now()
	end := started.Add(time.Duration(j.Seconds) * time.Second)
	var callers sync.WaitGroup
	for caller := range j.Callers {
		callers.Go(func() {
			for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
				params := &api.CreateMessageParams{}
				params.SetTo(fmt.Sprintf("whatsapp:+4915%d%03d%04d", 20+j.Prefix, caller, i%10_000))
				params.SetFrom("whatsapp:" + sandbox.PhoneNumber)
				params.SetContentSid(j.ContentSID)
				vars, _ := json.Marshal(map[string]string{"1": fmt.Sprintf("Person %d", i), "2": "Berlin"})
				params.SetContentVariables(string(vars))
				if j.Callback != "" {
					params.SetStatusCallback(j.Callback)
				}
				if _, err := rest.CreateMessage(params); err != nil {
					failed.Add(1)
					continue
				}
				made.Add(1)
			}
		})
	}
	callers.Wait()
	if failed.Load() > made.Load()/1000 {
		return 0, 0, errors.New("too many bare calls failed for a ceiling")
	}
	return float64(made.Load()), float64(made.Load()) / time.Since(started).Seconds(), nil
}

// toSandbox sends twilio-go's requests, which know only Twilio's hosts, to it.
type toSandbox struct {
	host string
	base http.RoundTripper
}

func (t *toSandbox) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Host = "http", t.host, ""
	return t.base.RoundTrip(out)
}

// Report writes the tables as one document.
func Report(tables []Table) string {
	var out strings.Builder
	out.WriteString("# Benchmarks\n\nWritten by `make bench`. Ratios are to a ceiling measured in the same run; absolute figures are this machine's.\n\n" + Machine() + "\n")
	for _, t := range tables {
		out.WriteString("\n" + t.Markdown())
	}
	return out.String()
}
