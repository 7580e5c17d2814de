package web

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// NewSPA serves the built pages. Hashed assets are kept for ever, pages are
// asked for anew each time, and any path that a browser opens as a page gets
// index.html; an unknown file or API path stays a 404.
func NewSPA(dist fs.FS) http.Handler {
	files := http.FileServerFS(dist)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "playground" {
			name = "playground.html"
		}
		if info, err := fs.Stat(dist, name); err == nil && !info.IsDir() && name != "index.html" {
			if strings.HasPrefix(name, "assets/") {
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			} else {
				w.Header().Set("Cache-Control", "no-cache")
			}
			if strings.HasSuffix(name, ".html") {
				http.ServeFileFS(w, r, dist, name)
				return
			}
			files.ServeHTTP(w, r)
			return
		}
		root := name == "" || name == "index.html"
		if !root && (!strings.Contains(r.Header.Get("Accept"), "text/html") || path.Ext(name) != "") {
			http.NotFound(w, r)
			return
		}
		index, err := fs.ReadFile(dist, "index.html")
		if err != nil {
			http.Error(w, "the pages are not built: run make build", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(index)
	})
}
