package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/auth"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/worker"
)

// ResetOperator makes the operator with this address an active admin again and
// gives a one-time link for a new password, on a database that is opened already.
// Servers that run hear of it.
func ResetOperator(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger, email string) (string, error) {
	k, err := cfg.Keys()
	if err != nil {
		return "", err
	}
	post, err := postOf(cfg)
	if err != nil {
		return "", err
	}
	client, err := worker.NewClient(d, log, nil, "")
	if err != nil {
		return "", err
	}
	hub := pubsub.New(d.Pool, log)
	service := auth.New(auth.Options{
		DB: d, Hub: hub, Keys: k, Now: time.Now,
		PublicURL: func() string { return config.PagesURL(cfg.BaseURL()) }, Mail: post, Jobs: &jobs.Enqueuer{Client: client}, Log: log,
	})
	link, err := service.Reset(ctx, email)
	if apperr.Is(err, apperr.CodeNotFound) {
		return "", fmt.Errorf("there is no operator with the address %q", email)
	}
	if err != nil {
		return "", err
	}
	if err := hub.Flush(ctx); err != nil {
		return "", errors.Join(errors.New("done, but servers that run may take 20 seconds to notice"), err)
	}
	return link, nil
}
