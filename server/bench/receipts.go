package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"eventstream/server/db"
	"eventstream/server/pause"
	"eventstream/server/rig"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"
)

const (
	receiptConns   = 1024 // enough that one that waits keeps nobody back
	receiptSeconds = 8
	receiptsMost   = 24_000 // callbacks of the case at most
	clockTick      = 100    // of /proc, a second
)

// Receipts measures signed status callbacks that the webhook takes and applies:
// as many as it can, and at fixed rates, which come whether or not the last was
// answered. The ceiling stores each in a transaction of its own behind the same
// check of the signature and applies nothing.
func (b *Bench) Receipts(ctx context.Context, offered []int) (Table, error) {
	t := Table{
		Title: "Receipts",
		Intro: "Signed status callbacks, three for each message, over HTTP from outside on 1,024 kept connections to one server process; stored (fsync on), answered, and applied to messages, " +
			"counters and history. The simple way stores each in a transaction of its own behind the same check and applies nothing, in the same run. " +
			"CPU is per receipt, with the applying.",
		Head: []string{"", "taken/s", "applied/s", "p50, ms", "p99, ms", "slowest, ms", "CPU of the server, µs", "CPU of Postgres, µs"},
	}
	r, release, err := b.fresh(ctx)
	if err != nil {
		return t, err
	}
	defer release()
	server, err := r.Start(ctx, "serve")
	if err != nil {
		return t, err
	}
	defer server.Stop()
	total := receiptsMost
	for _, rate := range offered {
		total += rate * receiptSeconds
	}
	if err := seedReceipts(ctx, r.DB, (total+2)/3); err != nil {
		return t, err
	}
	token, err := r.SandboxToken()
	if err != nil {
		return t, err
	}
	simple, stop, err := b.simpleWay(ctx, r, token)
	if err != nil {
		return t, err
	}
	before, err := b.receiptCase(ctx, r, nil, simple, callbacks("SM5a", token, simple, 0, receiptsMost/3), 0, false)
	if err != nil {
		return t, err
	}
	most, err := b.receiptCase(ctx, r, server, r.URL, callbacks("SM7e", token, r.URL, 0, receiptsMost), 0, true)
	if err != nil {
		return t, err
	}
	after, err := b.receiptCase(ctx, r, nil, simple, callbacks("SM5b", token, simple, 0, receiptsMost/3), 0, false)
	stop()
	if err != nil {
		return t, err
	}
	base := (before.taken + after.taken) / 2
	t.Rows = append(t.Rows, before.row("the simple way, at most, before"), after.row("the simple way, at most, after"),
		most.row(fmt.Sprintf("the engine, at most (%.1f×, applied %.1f×)", most.taken/base, most.applied/base)))
	first := receiptsMost
	for _, rate := range offered {
		calls := callbacks("SM7e", token, r.URL, first, rate*receiptSeconds)
		c, err := b.receiptCase(ctx, r, server, r.URL, calls, rate, true)
		if err != nil {
			return t, err
		}
		first += rate * receiptSeconds
		t.Rows = append(t.Rows, c.row(fmt.Sprintf("%d a second offered", rate)))
	}
	for _, row := range t.Rows {
		b.log("receipts: %v", row)
	}
	return t, nil
}

// receiptRun is what one case measured.
type receiptRun struct {
	taken, applied   float64 // a second
	waits            []time.Duration
	server, postgres float64 // µs of CPU per receipt
}

func (c receiptRun) row(name string) []string {
	applied, server, postgres := "–", "–", "–"
	if c.applied > 0 {
		applied = fmt.Sprintf("%.0f", c.applied)
	}
	if c.server > 0 {
		server = fmt.Sprintf("%.0f", c.server)
	}
	if c.postgres > 0 {
		postgres = fmt.Sprintf("%.0f", c.postgres)
	}
	return []string{name, fmt.Sprintf("%.0f", c.taken), applied, ms(median(c.waits)), ms(slowestHundredth(c.waits)), ms(slices.Max(c.waits)), server, postgres}
}

// callback is a whole request, made and signed before the clock starts.
type callback []byte

// callbacks are n requests from number first on, signed with token: the messages'
// sent, then delivered, then read. Their SIDs begin with prefix, of four digits.
func callbacks(prefix, token, base string, first, n int) []callback {
	out := make([]callback, n)
	u, _ := url.Parse(base)
	for i := range n {
		at := first + i
		message, word := at/3, []string{"sent", "delivered", "read"}[at%3]
		sid := fmt.Sprintf("%s%030d", prefix, message)
		params := url.Values{
			"ChannelPrefix": {"whatsapp"}, "ApiVersion": {"2010-04-01"}, "MessageStatus": {word}, "SmsSid": {sid}, "SmsStatus": {word},
			"ChannelInstallSid": {"XE" + sandbox.AccountSID[2:]}, "To": {fmt.Sprintf("whatsapp:+49151%08d", message)},
			"From": {"whatsapp:" + sandbox.PhoneNumber}, "MessageSid": {sid}, "AccountSid": {sandbox.AccountSID},
			"ChannelToAddress": {"+4915112XXXX"}, "StructuredMessage": {"true"},
		}
		path := fmt.Sprintf("/webhooks/twilio/status?m=%d", message+1)
		body := params.Encode()
		out[i] = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: TwilioProxy/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"+
			"X-Twilio-Signature: %s\r\nI-Twilio-Idempotency-Token: %s%d\r\nContent-Length: %d\r\n\r\n%s",
			path, u.Host, twilio.Sign(token, base+path, params), sid, at, len(body), body)
	}
	return out
}

// receiptCase sends callbacks over kept connections: rate a second, or 0 for as
// fast as they are answered.
func (b *Bench) receiptCase(ctx context.Context, r *rig.Rig, server *rig.Process, base string, all []callback, rate int, applies bool) (c receiptRun, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return c, err
	}
	c.waits = make([]time.Duration, len(all))
	serverBefore, postgresBefore := 0.0, postgresCPU(ctx, r.DB)
	if server != nil {
		serverBefore = processCPU(server.Pid())
	}
	var next atomic.Int64
	errs := make(chan error, receiptConns)
	began := time.Now()
	var callers sync.WaitGroup
	for range receiptConns {
		callers.Go(func() {
			if err := call(ctx, u.Host, all, &next, rate, began, c.waits); err != nil {
				errs <- err
			}
		})
	}
	callers.Wait()
	c.taken = float64(len(all)) / time.Since(began).Seconds()
	select {
	case err := <-errs:
		return c, err
	default:
	}
	if applies {
		for {
			left, err := waitingReceipts(ctx, r.DB)
			if err != nil {
				return c, err
			}
			if left == 0 {
				break
			}
			if err := pause.For(ctx, 20*time.Millisecond); err != nil {
				return c, err
			}
		}
		c.applied = float64(len(all)) / time.Since(began).Seconds()
		if wrong, err := wrongReceipts(ctx, r.DB); err != nil || wrong > 0 {
			return c, errors.Join(err, fmt.Errorf("%d receipts had no effect", wrong))
		}
	}
	if server != nil {
		c.server = (processCPU(server.Pid()) - serverBefore) * 1e6 / float64(len(all))
	}
	c.postgres = (postgresCPU(ctx, r.DB) - postgresBefore) * 1e6 / float64(len(all))
	return c, nil
}

// call sends what comes next, again and again, over one connection.
func call(ctx context.Context, host string, all []callback, next *atomic.Int64, rate int, began time.Time, waits []time.Duration) error {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 4<<10)
	for ctx.Err() == nil {
		i := int(next.Add(1)) - 1
		if i >= len(all) {
			return nil
		}
		at := time.Now()
		if rate > 0 { // a wait counts from when it should have been sent
			due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(due))
			at = due
		}
		if _, err := conn.Write(all[i]); err != nil {
			return err
		}
		if err := noContent(in); err != nil {
			return err
		}
		waits[i] = time.Since(at)
	}
	return ctx.Err()
}

// noContent reads an answer without a body.
func noContent(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(line, []byte(" 204 ")) {
		return fmt.Errorf("a callback was answered %q", line)
	}
	for len(bytes.TrimSpace(line)) > 0 {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// simpleWay is a server that does without everything: check the signature,
// insert, commit, answer.
func (b *Bench) simpleWay(ctx context.Context, r *rig.Rig, token string) (base string, stop func(), err error) {
	d, err := db.Open(ctx, r.DatabaseURL(), 40, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	base = "http://" + l.Addr().String()
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		signature := req.Header.Get("X-Twilio-Signature")
		if err := req.ParseForm(); err != nil ||
			!twilio.ValidSignature([]string{token}, base+req.URL.RequestURI(), req.PostForm, signature) {
			http.Error(w, "wrong signature", http.StatusForbidden)
			return
		}
		if err := insertSimply(req.Context(), d, req.PostForm); err != nil {
			http.Error(w, "not stored", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = server.Serve(l) }()
	return base, func() {
		_ = server.Close()
		d.Close()
	}, nil
}

// processCPU is what a process has used, in seconds; 0 where that is not known.
func processCPU(pid int) float64 {
	_, used, _ := stat(pid)
	return used
}

// stat reads the parent and the seconds of CPU of a process, and those of its
// children that have ended.
func stat(pid int) (parent int, own, children float64) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, 0, 0
	}
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, 0, 0
	}
	number := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n
	}
	return int(number(1)), (number(11) + number(12)) / clockTick, (number(13) + number(14)) / clockTick
}

// postgresCPU is what Postgres has used, all its processes together.
func postgresCPU(ctx context.Context, d *db.DB) (seconds float64) {
	backend, err := backendPID(ctx, d)
	if err != nil {
		return 0
	}
	postmaster, _, _ := stat(backend)
	if postmaster == 0 {
		return 0
	}
	_, own, ended := stat(postmaster)
	seconds = own + ended
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if parent, used, _ := stat(pid); parent == postmaster {
				seconds += used
			}
		}
	}
	return seconds
}
