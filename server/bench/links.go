package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"eventstream/server/pause"
	"eventstream/server/rig"
)

const (
	linkRate    = 200 // links opened a second, from outside
	linkSeconds = 10
	linkToken   = "3" // the variable of the bench's template that holds it
	phone       = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"
)

// Links measures how long whoever opens a short link waits to be led on, from outside over HTTP: while a campaign sends at full
// speed and every receipt comes, and while nothing else happens. The ceiling is /healthz, as with webhooks.
func (b *Bench) Links(ctx context.Context, people int) (Table, error) {
	t := Table{
		Title: "Links",
		Intro: fmt.Sprintf("%d short links opened a second for %d seconds, each click counted, beside as many requests that do nothing. Full speed: "+
			"a campaign to %d people with every receipt on, one worker process, all on this machine.", linkRate, linkSeconds, people),
		Head: []string{"", "opened", "average, ms", "p50", "p99", "slowest", "doing nothing, average", "p99", "clicks counted"},
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
	if err := r.Sandbox(ctx, map[string]any{"deliveryMs": 1000, "clickRate": 0}); err != nil {
		return t, err
	}
	if err := r.Unbridle(ctx); err != nil {
		return t, err
	}
	if err := r.Launch(ctx, id); err != nil {
		return t, err
	}
	tokens, err := tokensOf(ctx, r)
	if err != nil {
		return t, err
	}
	for _, name := range []string{"campaign at full speed", "quiet"} {
		if name == "quiet" {
			if err := finished(ctx, r, people, func() {}); err != nil {
				return t, err
			}
			if err := pause.For(ctx, 10*time.Second); err != nil { // the last receipts
				return t, err
			}
		}
		row, err := b.linkCase(ctx, r, tokens)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, append([]string{name}, row...))
		b.log("links: %s: %v", name, row)
	}
	return t, nil
}

// tokensOf waits until some messages have arrived at the peer, and gives their links.
func tokensOf(ctx context.Context, r *rig.Rig) (tokens []string, err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if err := pause.For(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
		sent, err := r.SandboxLog()
		if err != nil {
			return nil, err
		}
		if len(sent) < linkRate*linkSeconds {
			continue
		}
		for _, m := range sent {
			if token := m.Variables[linkToken]; token != "" {
				tokens = append(tokens, token)
			}
		}
		return tokens, nil
	}
	return nil, errors.New("no messages with links were sent")
}

func (b *Bench) linkCase(ctx context.Context, r *rig.Rig, tokens []string) ([]string, error) {
	const counted = "SELECT count(*) FROM clicks"
	before, err := r.Number(ctx, counted)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: linkRate},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	asked, err := beside(ctx, client, r.URL, linkRate, linkSeconds, func(i int) error {
		return open(ctx, client, r.URL+"/l/"+tokens[i%len(tokens)])
	})
	if err != nil {
		return nil, err
	}
	after := before
	for end := time.Now().Add(30 * time.Second); after < before+linkRate*linkSeconds && time.Now().Before(end); {
		if err := pause.For(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
		if after, err = r.Number(ctx, counted); err != nil {
			return nil, err
		}
	}
	return append(asked, fmt.Sprint(after-before)), nil
}

// open follows a link as a phone does, and goes no further.
func open(ctx context.Context, client *http.Client, target string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", phone)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		return fmt.Errorf("the link answered %s", resp.Status)
	}
	return nil
}
