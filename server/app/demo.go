package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"eventstream/server/actor"
	"eventstream/server/config"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/demo"
	"eventstream/server/jobs"
	"eventstream/server/link"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"
	"eventstream/server/twilio/sandbox"
	"eventstream/worker"

	"github.com/uptrace/bun"
)

// SeedDemo writes demo data into an open database. It needs no running engine;
// the first that runs brings the templates to the sandbox.
func SeedDemo(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger, contacts int) (demo.Result, error) {
	if cfg.Twilio.Live() {
		return demo.Result{}, errors.New("demo data is for the sandbox alone: take Twilio's credentials out of the environment")
	}
	addresses, err := addressKeys(ctx, cfg, d)
	if err != nil {
		return demo.Result{}, err
	}
	client, err := worker.NewClient(d, log, nil, processName())
	if err != nil {
		return demo.Result{}, err
	}
	ctx = actor.With(ctx, actor.System)
	// The sandbox is in use from here on: credentials that come later wait for an admin's word.
	if err := d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Begin changes the provider: for that a shared lock, which OnlySandbox takes, is too little.
		if err := provider.Lock(ctx, tx); err != nil {
			return err
		}
		if err := demo.OnlySandbox(ctx, tx); err != nil {
			return err
		}
		return provider.Begin(ctx, tx, provider.Sandbox, sandbox.AccountSID)
	}); err != nil {
		return demo.Result{}, err
	}
	if err := sender.NewService(d).Ensure(ctx, sandbox.PhoneNumber, "WhatsApp "+contact.Spaced(sandbox.PhoneNumber),
		sandboxRate); err != nil {
		return demo.Result{}, err
	}
	hub := pubsub.New(d.Pool, log)
	consents := consent.NewService(d, hub, addresses, time.Now)
	templates := template.NewService(template.Dependencies{ // only enqueues
		DB: d, Jobs: &jobs.Enqueuer{Client: client}, LinkURL: cfg.LinkURL(cfg.BaseURL()), Log: log,
	})
	return demo.NewService(demo.Dependencies{
		DB: d, Hub: hub, Consents: consents, Segments: segment.NewService(d), Topics: topic.NewService(d, hub),
		Templates: templates, Links: link.NewService(d, nil), Now: time.Now, // nothing is sent: no link needs a token
	}).Seed(ctx, contacts)
}

// recall tells the sandbox who wrote in the demo's last day, so that they can be
// answered.
func (a *App) recall(ctx context.Context) error {
	is, err := demo.Present(ctx, a.db)
	if err != nil || !is {
		return err
	}
	return demo.LastDay(ctx, a.db, a.Sandbox.Recall)
}

// noStrangers refuses to send for real to made-up numbers.
func (a *App) noStrangers(ctx context.Context) error {
	if !a.cfg.Twilio.Live() {
		return nil
	}
	is, err := demo.Present(ctx, a.db)
	if err == nil && is {
		err = demo.ErrLive
	}
	return err
}
