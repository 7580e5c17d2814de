package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"eventstream/server/csvcell"
	"eventstream/server/db"
	"eventstream/server/disclosure"
	"eventstream/server/export"
	"eventstream/server/globalid"
	"eventstream/server/web"
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

// downloadSuppressions gives out the list of who must not be written to.
func (a *App) downloadSuppressions(ctx context.Context, _, format string, w http.ResponseWriter) error {
	ctx = db.WithPool(ctx, db.PoolDownloads)
	if err := a.Services.Suppressions.Open(ctx); err != nil {
		return err
	}
	table := csvcell.Format(format)
	begin(w, "suppressions."+format, table.ContentType())
	return a.Services.Suppressions.Export(ctx, table, w)
}

// downloadProof answers with the signed proof that write makes.
func (a *App) downloadProof(kind string, write func(ctx context.Context, id int64) (string, error)) web.Download {
	return func(ctx context.Context, id, _ string, w http.ResponseWriter) error {
		n, err := globalid.Decode("id", kind, id)
		if err != nil {
			return err
		}
		text, err := write(db.WithPool(ctx, db.PoolDownloads), n)
		if err != nil {
			return err
		}
		begin(w, fmt.Sprintf("proof-%s-%d.txt", strings.ToLower(kind), n), "text/plain; charset=utf-8")
		_, err = io.WriteString(w, text)
		return err
	}
}

// downloadData answers with all about a contact: a file for programs, or a page to read
// and print, which may load and run nothing.
func (a *App) downloadData(data *disclosure.Service) web.Download {
	return func(ctx context.Context, id, format string, w http.ResponseWriter) error {
		ctx = db.WithPool(ctx, db.PoolDownloads)
		n, err := globalid.Decode("id", "Contact", id)
		if err != nil {
			return err
		}
		who, err := data.Open(ctx, n)
		if err != nil {
			return err
		}
		if disclosure.Format(format) == disclosure.HTML {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "+
				"base-uri 'none'; form-action 'none'; sandbox")
		} else {
			begin(w, fmt.Sprintf("contact-%d.json", who.Contact.ID), "application/json")
		}
		out := bufio.NewWriterSize(w, 64<<10)
		if err := data.Write(ctx, who, disclosure.Format(format), out); err != nil {
			return err
		}
		return out.Flush()
	}
}
