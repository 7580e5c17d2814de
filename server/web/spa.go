package web

import (
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// NewSPA serves the built pages. Hashed assets are kept for ever, pages are
// asked for anew each time, and any path that a browser opens as a page gets
// index.html; an unknown file or API path stays a 404.
func NewSPA(dist fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if name == "playground" {
			name = "playground.html"
		}
		if !isFile(dist, name) || isPacked(name) {
			if name != "" && (!strings.Contains(r.Header.Get("Accept"), "text/html") || path.Ext(name) != "") {
				http.NotFound(w, r)
				return
			}
			name = "index.html"
		}
		if !isFile(dist, name) {
			http.Error(w, "the pages are not built: run make build", http.StatusNotFound)
			return
		}
		if strings.HasPrefix(name, "assets/") {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			w.Header().Set("Cache-Control", "no-cache")
		}
		serveFile(w, r, dist, name)
	})
}

// packed are the encodings that the build writes beside a file, best first.
var packed = []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

func isPacked(name string) bool {
	for _, p := range packed {
		if strings.HasSuffix(name, p.suffix) {
			return true
		}
	}
	return false
}

func isFile(dist fs.FS, name string) bool {
	info, err := fs.Stat(dist, name)
	return err == nil && !info.IsDir()
}

// serveFile sends a file as it is, or as the build packed it when the client
// takes that.
func serveFile(w http.ResponseWriter, r *http.Request, dist fs.FS, name string) {
	variant := name
	for _, p := range packed {
		if !isFile(dist, name+p.suffix) {
			continue
		}
		w.Header().Set("Vary", "Accept-Encoding")
		if variant == name && accepts(r.Header.Values("Accept-Encoding"), p.encoding) {
			variant = name + p.suffix
			w.Header().Set("Content-Encoding", p.encoding)
		}
	}
	// Of the name as it was asked for: a packed file is still a script.
	w.Header().Set("Content-Type", contentType(name))
	http.ServeFileFS(w, r, dist, variant)
}

// contentType does not ask the machine, whose tables differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".ttf":
		return "font/ttf"
	}
	return "application/octet-stream"
}

// accepts reports whether a client takes an encoding (RFC 9110, 12.5.3): named
// with a quality above 0, or by * when it is not named.
func accepts(header []string, encoding string) bool {
	everything := false
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		name, parameters, _ := strings.Cut(part, ";")
		quality := 1.0
		for parameter := range strings.SplitSeq(parameters, ";") {
			if key, value, ok := strings.Cut(parameter, "="); ok && strings.EqualFold(strings.TrimSpace(key), "q") {
				q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
				if err != nil {
					q = 0
				}
				quality = q
			}
		}
		switch name = strings.TrimSpace(name); {
		case strings.EqualFold(name, encoding):
			return quality > 0
		case name == "*":
			everything = quality > 0
		}
	}
	return everything
}
