package app

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/globalid"
	"eventstream/server/message"
	"eventstream/server/twilio"
	"eventstream/server/web"
)

// shownTypes are of files that a page shows; a browser saves all others, because what
// people send may be a page with scripts.
var shownTypes = []string{
	"image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/3gpp", "audio/ogg", "audio/mpeg", "audio/mp4", "audio/amr", "audio/aac",
}

// downloadMessageFile answers with a file that a contact sent, fetched from Twilio with our
// credentials.
func (a *App) downloadMessageFile(open func(context.Context, string) (*twilio.File, error)) web.Download {
	return func(ctx context.Context, id, place string, w http.ResponseWriter) error {
		n, err := globalid.Decode("id", "Message", id)
		if err != nil {
			return err
		}
		at, err := strconv.Atoi(place)
		if err != nil {
			return err
		}
		rows, err := message.ByIDs(db.WithPool(ctx, db.PoolDownloads), a.db, []int64{n})
		if err != nil {
			return err
		}
		if len(rows) == 0 || at >= len(rows[0].Media) {
			return apperr.New(apperr.CodeNotFound, "this message has no such file")
		}
		file, err := open(ctx, rows[0].Media[at])
		if err != nil {
			return err
		}
		defer func() { _ = file.Body.Close() }()
		name := fmt.Sprintf("file-%d-%d", n, at+1)
		if c := rows[0].Content; c != nil && at < len(c.Files) && c.Files[at].Name != "" {
			name = c.Files[at].Name
		}
		kind, _, _ := mime.ParseMediaType(file.ContentType)
		how := "inline"
		if !slices.Contains(shownTypes, kind) {
			how, kind = "attachment", "application/octet-stream"
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": name}))
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cache-Control", "private, max-age=3600") // scrolling back and forth fetches nothing again
		if file.Size >= 0 {
			h.Set("Content-Length", strconv.FormatInt(file.Size, 10))
		}
		_, err = io.Copy(w, file.Body)
		return err
	}
}
