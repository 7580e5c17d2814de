package web

import (
	"net/http"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/link"

	"github.com/go-chi/chi/v5"
)

// follow leads whoever opens a short link to its address. Nothing is kept of the answer, so that each opening is seen, and the
// address gets no referrer: the token is the contact's alone.
func follow(links *link.Redirects) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		address, err := links.Follow(db.WithPool(r.Context(), db.PoolEdge), chi.URLParam(r, "token"), person(r))
		switch {
		case err == nil:
			// Not http.Redirect, which writes a page and changes relative addresses: these are whole.
			h.Set("Location", address)
			w.WriteHeader(http.StatusFound)
		case apperr.Is(err, apperr.CodeNotFound):
			http.Error(w, "There is no such link.", http.StatusNotFound)
		default:
			h.Set("Retry-After", "5")
			http.Error(w, "The link cannot be opened now. Please try again in a moment.", http.StatusServiceUnavailable)
		}
	}
}
