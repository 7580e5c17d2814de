package bench

import (
	"context"
	"fmt"
	"math"
	"sort"
	"time"

	"eventstream/server/pause"
	"eventstream/server/rig"
)

const (
	paceSeconds   = 60
	paceProcesses = 3
	batchSeconds  = 0.1 // what a sender's batch takes at once, as in server/dispatch
)

// Pace measures how exactly several worker processes together keep a rate, by
// the sandbox's own log.
func (b *Bench) Pace(ctx context.Context, rates []int) (Table, error) {
	t := Table{
		Title: "Pace",
		Intro: fmt.Sprintf("%d worker processes, one campaign with a rate of its own, %d seconds as the sandbox saw them. The largest burst is by how many messages any window of any "+
			"length held more than the rate allows; a batch is what may go in %g s.", paceProcesses, paceSeconds, batchSeconds),
		Head: []string{"set, messages/s", "measured", "off by", "largest burst, messages", "one batch, messages"},
	}
	for _, rate := range rates {
		measured, burst, err := b.pace(ctx, rate)
		if err != nil {
			return t, err
		}
		off := 100 * math.Abs(measured-float64(rate)) / float64(rate)
		b.log("pace: %d/s set, %.2f/s measured, %.2f %% off, burst %.1f", rate, measured, off, burst)
		t.Rows = append(t.Rows, []string{fmt.Sprint(rate), fmt.Sprintf("%.2f", measured), fmt.Sprintf("%.2f %%", off), fmt.Sprintf("%.1f", burst), fmt.Sprintf("%.0f", max(float64(rate)*batchSeconds, 1))})
	}
	return t, nil
}

func (b *Bench) pace(ctx context.Context, rate int) (measured, burst float64, err error) {
	r, release, err := b.fresh(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer release()
	people := rate * (paceSeconds + 4)
	id, stop, err := b.ready(ctx, r, people, paceProcesses, map[string]any{"rateLimitPerSecond": rate})
	defer stop()
	if err != nil {
		return 0, 0, err
	}
	if err := r.Launch(ctx, id); err != nil {
		return 0, 0, err
	}
	if err := finished(ctx, r, people, func() {}); err != nil {
		return 0, 0, err
	}
	log, err := r.SandboxLog()
	if err != nil {
		return 0, 0, err
	}
	at := make([]float64, len(log))
	for i, m := range log {
		at[i] = m.Created.Sub(log[0].Created).Seconds()
	}
	sort.Float64s(at)
	// From the second second on: by then all processes are at it.
	from := sort.SearchFloat64s(at, 2)
	to := sort.SearchFloat64s(at, 2+paceSeconds)
	// The largest j-i+1 - rate*(at[j]-at[i]) over all i ≤ j, in one pass.
	low := math.Inf(1)
	for i, t := range at {
		low = min(low, float64(i)-float64(rate)*t)
		burst = max(burst, float64(i)-float64(rate)*t-low+1)
	}
	return float64(to-from) / paceSeconds, burst, nil
}

// ready starts an installation with people, workers, an approved template and a
// draft to everybody. stop ends its processes, also after an error.
func (b *Bench) ready(ctx context.Context, r *rig.Rig, people, processes int, input map[string]any) (campaign string, stop func(), err error) {
	return b.readyAt(ctx, r, people, processes, input, func() error {
		return r.Sandbox(ctx, map[string]any{
			"latencyMs": 0, "approvalMs": 0, "deliveryMs": 86_400_000, "replyRate": 0, "undeliveredRate": 0, "readRate": 1,
		})
	})
}

// readyAt is ready with another peer than the sandbox, or other settings of it.
func (b *Bench) readyAt(
	ctx context.Context, r *rig.Rig, people, processes int, input map[string]any, setPeer func() error,
) (campaign string, stop func(), err error) {
	var running []*rig.Process
	stop = func() {
		for i := len(running) - 1; i >= 0; i-- {
			running[i].Stop()
		}
	}
	server, err := r.Start(ctx, "serve")
	if err != nil {
		return "", stop, err
	}
	running = append(running, server)
	r.Server = server
	if err := r.Seed(ctx, 0, people); err != nil {
		return "", stop, err
	}
	if err := setPeer(); err != nil {
		return "", stop, err
	}
	for range processes {
		w, err := r.Start(ctx, "work")
		if err != nil {
			return "", stop, err
		}
		running = append(running, w)
		r.Workers = append(r.Workers, w)
	}
	template, err := r.ApprovedWith(ctx, benchTemplate("Bench", "Hello {{name | there}}, today we have something for {{attributes.city | your town}}: come by."))
	if err != nil {
		return "", stop, err
	}
	all := map[string]any{"name": "Bench", "templateId": template, "query": map[string]any{"all": []any{}}}
	for k, v := range input {
		all[k] = v
	}
	campaign, err = r.Campaign(ctx, all)
	return campaign, stop, err
}

// finished waits until everybody's message was accepted, and looks around now
// and then.
func finished(ctx context.Context, r *rig.Rig, people int, look func()) error {
	for accepted := int64(0); accepted < int64(people); look() {
		if err := pause.For(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		var err error
		if accepted, err = r.Number(ctx, "SELECT coalesce(sum(n), 0) FROM message_counts WHERE campaign_id = ? AND measure = 'at:accepted'", firstCampaign); err != nil {
			return err
		}
	}
	return nil
}
