package bench

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/dashboard"
	"eventstream/server/db"
	"eventstream/server/demo"
	"eventstream/server/dispatch"
	"eventstream/server/doubleoptin"
	"eventstream/server/erasure"
	"eventstream/server/golive"
	"eventstream/server/health"
	"eventstream/server/hold"
	"eventstream/server/hours"
	"eventstream/server/importer"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/media"
	"eventstream/server/message"
	"eventstream/server/portfolio"
	"eventstream/server/pubsub"
	"eventstream/server/reconcile"
	"eventstream/server/retention"
	"eventstream/server/say"
	"eventstream/server/secret"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"
	"eventstream/server/twilio"
	"eventstream/server/webhookevent"
	"eventstream/worker"
)

// periodic is a query that runs every second or so for as long as the engine
// runs, whether there is anything to do or not.
type periodic struct {
	name string
	run  func(ctx context.Context) error
}

// periodics are the engine's: each maintenance task, and what pages and metrics
// read again and again.
func periodics(d *db.DB) []periodic {
	log, now := slog.New(slog.DiscardHandler), time.Now
	hub, enqueuer := pubsub.New(d.Pool, log), &jobs.Enqueuer{}
	consents := consent.NewService(d, hub, keys.Fixed("bench"), now)
	topics := topic.NewService(d, hub)
	segments, senders, templates := segment.NewService(d), sender.NewService(d), template.NewService(template.Dependencies{DB: d, Jobs: enqueuer, Content: approved{}, Log: log})
	campaigns := campaign.NewService(campaign.Dependencies{
		DB: d, Hub: hub, Jobs: enqueuer, Segments: segments, Templates: templates, Senders: senders, Topics: topics, Now: now,
	})
	h := health.NewService(d)
	var all []periodic
	for _, task := range worker.Tasks(&worker.Services{
		ClearSandbox: func(ctx context.Context, n int) (int, error) { return golive.Clear(ctx, d, n) },
		Campaigns:    campaigns,
		Preparer:     campaign.NewPreparer(campaign.PreparerOptions{DB: d, Hub: hub, Jobs: enqueuer}),
		Dispatcher: dispatch.New(dispatch.Options{
			DB: d, Hub: hub, Jobs: enqueuer, Campaigns: campaigns, Senders: senders, Portfolio: portfolio.NewService(d), Log: log,
			Breaker: dispatch.NewBreaker(d, campaigns, senders, log),
		}),
		Reconciler: reconcile.New(reconcile.Options{DB: d, Hub: hub, Log: log, Owner: "bench"}),
		CatchUp: reconcile.NewCatchUp(reconcile.CatchUpOptions{
			DB: d, Log: log, Provider: empty{}, Ages: []time.Duration{time.Minute, time.Hour}, InboundEvery: time.Hour,
		}),
		Hold:     hold.New(hold.Options{DB: d, Keys: keys.Fixed("bench"), Campaigns: campaigns, Log: log}),
		Contacts: contact.NewService(d, hub),
		Imports: importer.NewService(importer.Dependencies{
			DB: d, Hub: hub, Jobs: enqueuer, Consents: consents, Topics: topics, Log: log, Now: now, Owner: "bench",
			Words: importer.LogWords{Status: twilio.Status, Code: twilio.Code},
		}),
		Bulk: bulk.NewService(bulk.Dependencies{DB: d, Jobs: enqueuer, Now: now}),
		Conversations: conversation.NewService(conversation.Dependencies{
			DB: d, Hub: hub, Jobs: enqueuer, Consents: consents, Topics: topics, Now: now,
		}),
		Demo:     demo.NewService(demo.Dependencies{DB: d, Hub: hub, Jobs: enqueuer, Now: now, Owner: "bench"}),
		Erasures: erasure.NewService(d, consents, topics),
		Redactor: &erasure.Redactor{RedactorOptions: erasure.RedactorOptions{
			DB: d, Held: func(context.Context) (bool, error) { return false, nil },
		}},
		Retention:     retention.NewService(d),
		Portfolio:     portfolio.NewService(d),
		Media:         media.NewService(media.Options{DB: d, Log: log}),
		ReadPortfolio: func(context.Context) error { return nil }, // it is a question to Twilio
		DoubleOptIns: doubleoptin.NewService(doubleoptin.Dependencies{
			DB: d, Hub: hub, Jobs: enqueuer, Consents: consents, Windows: conversation.OpenWindows, Log: log,
			Held:       func(context.Context) (bool, error) { return false, nil },
			QuietHours: func(context.Context) (*hours.QuietHours, error) { return nil, nil }, //nolint:nilnil // there are none
		}),
		Templates: templates,
		Webhooks:  webhookevent.NewApplier(webhookevent.Options{DB: d, Hub: hub, Jobs: enqueuer, Log: log}),
		Trail:     audit.NewTrail(audit.Options{DB: d, Secret: secret.New("bench"), Now: now, Log: log}),
	}) {
		all = append(all, periodic{task.Name, func(ctx context.Context) error {
			_, err := task.Run(ctx, task.Batch)
			return err
		}})
	}
	return append(all,
		periodic{"dashboard, last 24 hours", func(ctx context.Context) error {
			_, err := dashboard.NewService(d, func(int) message.CodeInfo { return message.CodeInfo{} }).Latest(ctx, now())
			return err
		}},
		periodic{"health", func(ctx context.Context) error {
			_, err := h.Look(ctx, say.Text{})
			return err
		}},
		periodic{"metrics", func(ctx context.Context) error {
			_, err := h.Totals(ctx)
			return err
		}})
}

// empty is a provider whose log has nothing.
type empty struct{ message.Provider }

func (empty) Log(context.Context, message.LogQuery) (message.LogAnswer, error) {
	return message.LogAnswer{Complete: true}, nil
}

// costs fills a database and tells what each periodic query takes there, the
// cheapest of several runs.
func costs(ctx context.Context, d *db.DB, size int) (names []string, byName map[string]cost, err error) {
	if err := fill(ctx, d, size); err != nil {
		return nil, nil, err
	}
	rec := &recorder{statements: map[string][]string{}}
	watched := &db.DB{DB: d.WithQueryHook(rec), Pool: d.Pool}
	byName = map[string]cost{}
	for _, p := range periodics(watched) {
		named := context.WithValue(actor.With(ctx, actor.System), recordedAs{}, p.name)
		if err := p.run(named); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		names = append(names, p.name)
		for range rounds {
			c, err := explain(ctx, d, rec.statements[p.name])
			if err != nil {
				return nil, nil, err
			}
			if best, ok := byName[p.name]; !ok || c.Milliseconds < best.Milliseconds {
				byName[p.name] = c
			}
		}
	}
	return names, byName, nil
}

// Upkeep measures each periodic query at every size.
func (b *Bench) Upkeep(ctx context.Context, sizes []int) (Table, error) {
	sizes = slices.Sorted(slices.Values(sizes))
	t := Table{
		Title: "Periodic queries",
		Intro: "What runs every second or so although nothing waits, on that many contacts, messages, receipts and audit entries: " +
			"milliseconds in Postgres, and 8-KiB blocks looked at. Growth is the last size's blocks over the first's.",
		Head: []string{"query"},
	}
	var names []string
	var all []map[string]cost
	for _, size := range sizes {
		t.Head = append(t.Head, strconv.Itoa(size)+", ms", "blocks")
		r, release, err := b.fresh(ctx)
		if err != nil {
			return t, err
		}
		if err = r.DB.MigrateUp(ctx, slog.New(slog.DiscardHandler)); err == nil {
			var found map[string]cost
			names, found, err = costs(ctx, r.DB, size)
			all = append(all, found)
		}
		release()
		if err != nil {
			return t, err
		}
		b.log("periodic queries: %d measured", size)
	}
	t.Head = append(t.Head, "growth")
	for _, name := range names {
		row := []string{name}
		for _, at := range all {
			row = append(row, fmt.Sprintf("%.2f", at[name].Milliseconds), strconv.FormatInt(at[name].Blocks, 10))
		}
		growth := float64(all[len(all)-1][name].Blocks) / float64(max(all[0][name].Blocks, 1))
		t.Rows = append(t.Rows, append(row, fmt.Sprintf("%.2f", growth)))
	}
	return t, nil
}

// approved answers for WhatsApp: nothing of Twilio is measured here.
type approved struct{ template.Content }

func (approved) Decision(context.Context, string) (template.Decision, error) {
	return template.Decision{Approval: template.ApprovalApproved}, nil
}
