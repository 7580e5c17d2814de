package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/config"
	"eventstream/server/consent"
	"eventstream/server/csvcell"
	"eventstream/server/db"
	"eventstream/server/importer"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/server/topic"
	"eventstream/server/twilio"
	"eventstream/worker"
)

// Importer takes files in from the command line.
type Importer struct{ service *importer.Service }

// NewImporter makes one on an open database. It needs no running engine.
func NewImporter(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) (*Importer, error) {
	addresses, err := addressKeys(ctx, cfg, d)
	if err != nil {
		return nil, err
	}
	owner := processName()
	client, err := worker.NewClient(d, log, nil, owner)
	if err != nil {
		return nil, err
	}
	hub := pubsub.New(d.Pool, log)
	consents := consent.NewService(d, hub, addresses, time.Now)
	return &Importer{importer.NewService(importer.Dependencies{
		DB: d, Hub: hub, Jobs: &jobs.Enqueuer{Client: client}, Consents: consents, Topics: topic.NewService(d, hub),
		Log: log, Now: time.Now, Owner: owner,
		Words: importer.LogWords{Status: twilio.Status, Code: twilio.Code},
	})}, nil
}

const importGlance = 200 * time.Millisecond

// Import works a file and tells how far it is. A worker that runs somewhere may
// take it over; then this only watches.
func (i *Importer) Import(ctx context.Context, req importer.Request, file io.Reader,
	tell func(*importer.Import),
) (*importer.Import, error) {
	ctx = actor.With(ctx, actor.System)
	imp, err := i.service.Start(ctx, req, file)
	if err != nil {
		return nil, err
	}
	worked := make(chan error, 1)
	go func() { worked <- i.service.Run(ctx, imp.ID) }()
	for imp.FinishedAt == nil {
		select {
		case err := <-worked:
			if err != nil {
				return imp, fmt.Errorf("import %d: %w", imp.ID, err)
			}
			worked = nil // done, or a worker has it
		case <-time.After(importGlance):
		}
		if imp, err = i.service.ByID(ctx, imp.ID); err != nil {
			return nil, err
		}
		tell(imp)
	}
	return imp, nil
}

// WriteRejects writes the rejected rows, to be corrected and imported again: as a workbook where the file's name ends
// in .xlsx, else as CSV.
func (i *Importer) WriteRejects(ctx context.Context, id int64, name string, out io.Writer) error {
	format := csvcell.CSV
	if strings.EqualFold(filepath.Ext(name), ".xlsx") {
		format = csvcell.XLSX
	}
	return i.service.WriteRejects(ctx, id, format, out)
}
