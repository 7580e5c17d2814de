package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"eventstream/server/pause"
	"eventstream/server/rig"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"
)

const (
	webhookRate    = 200 // inbound messages a second, from outside
	webhookSeconds = 10
)

// Webhooks measures how long an inbound message waits for its answer, from
// outside over HTTP: while nothing else happens, and while a campaign sends at
// full speed and three receipts come for each of its messages. The ceiling is
// /healthz, which does nothing, asked at the same times.
func (b *Bench) Webhooks(ctx context.Context, people int) (Table, error) {
	t := Table{
		Title: "Webhooks",
		Intro: fmt.Sprintf("%d inbound messages a second for %d seconds, signed and stored before the answer (fsync on), beside as many requests that do nothing. "+
			"Full speed: a campaign to %d people with every receipt on, one worker process, all on this machine.", webhookRate, webhookSeconds, people),
		Head: []string{"", "answered", "average, ms", "p50", "p99", "slowest", "doing nothing, average", "p99", "receipts/s meanwhile"},
	}
	r, release, err := b.fresh(ctx)
	if err != nil {
		return t, err
	}
	defer release()
	id, stop, err := b.ready(ctx, r, people, 1, nil)
	defer stop()
	if err != nil {
		return t, err
	}
	if err := r.Sandbox(ctx, map[string]any{"deliveryMs": 1000}); err != nil {
		return t, err
	}
	if err := r.Unbridle(ctx); err != nil {
		return t, err
	}
	for _, busy := range []bool{false, true} {
		name := "quiet"
		if busy {
			name = "campaign at full speed"
			if err := r.Launch(ctx, id); err != nil {
				return t, err
			}
			if err := pause.For(ctx, 2*time.Second); err != nil {
				return t, err
			}
		}
		row, err := b.webhookCase(ctx, r, busy)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, append([]string{name}, row...))
		b.log("webhooks: %s: %v", name, row)
	}
	return t, nil
}

func (b *Bench) webhookCase(ctx context.Context, r *rig.Rig, busy bool) ([]string, error) {
	const received = "SELECT count(*) FROM webhook_events WHERE kind = 'status'"
	before, err := r.Number(ctx, received)
	if err != nil {
		return nil, err
	}
	token, err := r.SandboxToken()
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: webhookRate}}
	began := time.Now()
	asked, err := beside(ctx, client, r.URL, webhookRate, webhookSeconds, func(i int) error {
		return inbound(ctx, client, token, r.URL, i, busy)
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	after, err := r.Number(ctx, received)
	if err != nil {
		return nil, err
	}
	return append(asked, fmt.Sprintf("%.0f", float64(after-before)/took)), nil
}

// beside calls so many times a second, and as often asks for what does nothing. It gives the columns from how many were
// answered to the slowest hundredth of those that did nothing.
func beside(ctx context.Context, client *http.Client, base string, rate, seconds int, call func(i int) error) ([]string, error) {
	var mu sync.Mutex
	var answers, nothing []time.Duration
	var failed error
	note := func(into *[]time.Duration, began time.Time, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed = err
			return
		}
		*into = append(*into, time.Since(began))
	}
	var calls sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range rate * seconds {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		calls.Go(func() {
			at := time.Now()
			note(&answers, at, call(i))
		})
		calls.Go(func() {
			at := time.Now()
			note(&nothing, at, get(ctx, client, base+"/healthz"))
		})
	}
	calls.Wait()
	if failed != nil {
		return nil, failed
	}
	return []string{
		fmt.Sprint(len(answers)), ms(average(answers)), ms(median(answers)), ms(slowestHundredth(answers)), ms(slices.Max(answers)),
		ms(average(nothing)), ms(slowestHundredth(nothing)),
	}, nil
}

// inbound is a message from somebody who is in no campaign.
func inbound(ctx context.Context, client *http.Client, token, base string, i int, busy bool) error {
	params := url.Values{
		"MessageSid": {fmt.Sprintf("SM%031d%d", i, map[bool]int{true: 1}[busy])}, "From": {fmt.Sprintf("whatsapp:+4917%09d", 100_000_000+i)}, "To": {"whatsapp:" + sandbox.PhoneNumber},
		"Body": {"Is the shop open on Sunday?"}, "ProfileName": {"Ada"}, "AccountSid": {sandbox.AccountSID}, "NumMedia": {"0"},
	}
	target := base + "/webhooks/twilio/inbound"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(params.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", twilio.Sign(token, target, params))
	return answered(client, req)
}

func get(ctx context.Context, client *http.Client, target string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	return answered(client, req)
}

func answered(client *http.Client, req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s answered %s", req.URL.Path, resp.Status)
	}
	return nil
}

func average(of []time.Duration) time.Duration {
	var sum time.Duration
	for _, d := range of {
		sum += d
	}
	return sum / time.Duration(max(len(of), 1))
}

// slowestHundredth is the 99th percentile.
func slowestHundredth(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)*99/100, len(sorted)-1)]
}
