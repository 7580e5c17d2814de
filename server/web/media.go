package web

import (
	"net/http"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/media"
	"eventstream/server/say"

	"github.com/go-chi/chi/v5"
)

// serveMedia gives a file of the library out to whoever knows its address: WhatsApp, and the pages of this product.
func serveMedia(files *media.Service) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, data, err := files.Open(db.WithPool(r.Context(), db.PoolDownloads), chi.URLParam(r, "token"))
		if err != nil {
			status := http.StatusServiceUnavailable // WhatsApp tries again
			if apperr.Is(err, apperr.CodeNotFound) {
				status = http.StatusNotFound
			}
			http.Error(w, say.From(r.Context()).Say(apperr.Text(err)), status)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.ContentType)
		h.Set("Content-Disposition", `inline; filename="`+f.FileName()+`"`)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("ETag", `"`+f.Token+`"`)
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		http.ServeContent(w, r, "", f.CreatedAt, data)
	}
}
