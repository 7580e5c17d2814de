package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/archive"
	"eventstream/server/audit"
	"eventstream/server/bucket"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/secret"
)

// NewTrail makes the audit trail of a database, with the places that its
// checkpoints go to. For the engine and the command line.
func NewTrail(cfg config.Config, d *db.DB, keys *secret.Keys, now func() time.Time, log *slog.Logger) (*audit.Trail, error) {
	var sinks []audit.Sink
	if dir := cfg.CheckpointDir(); dir != "" {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("AUDIT_CHECKPOINT_DIR=%s: %w", dir, err)
		}
		sinks = append(sinks, archive.Directory{Path: absolute})
	}
	places, err := cfg.Checkpoints.Places()
	if err != nil {
		return nil, err
	}
	endpoint, err := cfg.Checkpoints.Endpoint()
	if err != nil {
		return nil, err
	}
	client := archive.Client()
	for _, u := range places {
		if u.Scheme != "s3" {
			sinks = append(sinks, archive.Remote{URL: u, Client: client})
			continue
		}
		prefix := strings.Trim(u.Path, "/")
		if prefix != "" {
			prefix += "/"
		}
		sinks = append(sinks, archive.Bucket{Bucket: bucket.Bucket{
			Endpoint: endpoint, Region: cfg.Checkpoints.S3Region, Bucket: u.Host, Prefix: prefix,
			AccessKey: cfg.Checkpoints.S3AccessKey, SecretKey: string(cfg.Checkpoints.S3SecretKey), Client: client,
		}})
	}
	return audit.NewTrail(audit.Options{DB: d, Secret: keys, Now: now, Log: log, Sinks: sinks}), nil
}

// CommandTrail is the trail for the command line: the system asks, and what was
// written is sealed.
func CommandTrail(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) (context.Context, *audit.Trail, error) {
	ctx = actor.With(ctx, actor.System)
	if err := d.CheckMigrated(ctx); err != nil {
		return ctx, nil, err
	}
	keys, err := cfg.Keys()
	if err != nil {
		return ctx, nil, err
	}
	trail, err := NewTrail(cfg, d, keys, time.Now, log)
	if err != nil {
		return ctx, nil, err
	}
	return ctx, trail, trail.SealAll(ctx)
}

// ReadCheckpoints reads files, and all checkpoints in directories.
func ReadCheckpoints(paths []string) (notes []audit.Source, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		files := []string{path}
		if info.IsDir() {
			if files, err = filepath.Glob(filepath.Join(path, "checkpoint-*.txt")); err != nil {
				return nil, err
			}
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			notes = append(notes, audit.Source{Name: "in " + f, Note: string(raw)})
		}
	}
	return notes, nil
}
