package app

import (
	"context"
	"net/http"

	"eventstream/server/csvcell"
	"eventstream/server/db"
	"eventstream/server/export"
	"eventstream/server/globalid"
)

// begin names the file that an answer is.
func begin(w http.ResponseWriter, name, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

func (a *App) downloadRejects(ctx context.Context, id, format string, w http.ResponseWriter) error {
	ctx = db.WithPool(ctx, db.PoolDownloads)
	n, err := globalid.Decode("id", "Import", id)
	if err != nil {
		return err
	}
	if err := a.Services.Imports.OpenRejects(ctx, n); err != nil {
		return err
	}
	table := csvcell.Format(format)
	begin(w, "rejects."+format, table.ContentType())
	return a.Services.Imports.WriteRejects(ctx, n, table, w)
}

func (a *App) downloadContacts(ctx context.Context, id, _ string, w http.ResponseWriter) error {
	ctx = db.WithPool(ctx, db.PoolDownloads)
	n, err := globalid.Decode("id", "BulkAction", id)
	if err != nil {
		return err
	}
	action, err := a.Services.Bulk.OpenExport(ctx, n)
	if err != nil {
		return err
	}
	contentType := "application/x-ndjson"
	if format := action.Options.Format; format != export.FormatNDJSON {
		contentType = csvcell.Format(format).ContentType()
	}
	begin(w, "contacts."+string(action.Options.Format), contentType)
	return a.Services.Bulk.WriteExport(ctx, action, w)
}

func (a *App) downloadMessages(ctx context.Context, id, format string, w http.ResponseWriter) error {
	ctx = db.WithPool(ctx, db.PoolDownloads)
	n, err := globalid.Decode("id", "Campaign", id)
	if err != nil {
		return err
	}
	if _, err := a.Services.Campaigns.ByID(ctx, n); err != nil {
		return err
	}
	if err := a.Services.Exports.OpenMessages(ctx, n); err != nil {
		return err
	}
	table := csvcell.Format(format)
	begin(w, "messages."+format, table.ContentType())
	return a.Services.Exports.WriteMessages(ctx, n, table, w)
}
