package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestAFileIsSentAsTheClientTakesIt(t *testing.T) {
	t.Parallel()
	spa := NewSPA(fstest.MapFS{
		"index.html":          {Data: []byte("page")},
		"index.html.br":       {Data: []byte("packed page")},
		"assets/main-1.js":    {Data: []byte("script")},
		"assets/main-1.js.br": {Data: []byte("brotli")},
		"assets/main-1.js.gz": {Data: []byte("gzip")},
		"icon.svg":            {Data: []byte("<svg/>")},
	})
	for _, c := range []struct{ path, accept, body, encoding, kind string }{
		{"/assets/main-1.js", "", "script", "", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "gzip, deflate, br, zstd", "brotli", "br", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "gzip, deflate", "gzip", "gzip", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "br;q=0, gzip;q=0.5", "gzip", "gzip", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "BR ; Q=0.1", "brotli", "br", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "*", "brotli", "br", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "*, br;q=0", "gzip", "gzip", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "*;q=0", "script", "", "text/javascript; charset=utf-8"},
		{"/assets/main-1.js", "br;q=much, identity", "script", "", "text/javascript; charset=utf-8"},
		{"/", "br", "packed page", "br", "text/html; charset=utf-8"},
		{"/campaigns/7", "gzip", "page", "", "text/html; charset=utf-8"},
		{"/icon.svg", "br", "<svg/>", "", "image/svg+xml"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Header.Set("Accept-Encoding", c.accept)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		spa.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, "%s %q", c.path, c.accept)
		require.Equal(t, c.body, w.Body.String(), "%s %q", c.path, c.accept)
		require.Equal(t, c.encoding, w.Header().Get("Content-Encoding"), "%s %q", c.path, c.accept)
		require.Equal(t, c.kind, w.Header().Get("Content-Type"), "%s %q", c.path, c.accept)
		if c.path != "/icon.svg" {
			require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"), "%s %q", c.path, c.accept)
		}
	}
	for _, path := range []string{"/assets/main-1.js.br", "/assets/main-2.js", "/graphqlx", "/assets", "/../go.mod"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		w := httptest.NewRecorder()
		spa.ServeHTTP(w, r)
		require.Equal(t, http.StatusNotFound, w.Code, path)
	}
}

func TestLargeAnswersArePacked(t *testing.T) {
	t.Parallel()
	answer := `{"data": "` + strings.Repeat("word ", 1000) + `"}`
	h := compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, map[bool]string{true: answer, false: `{}`}[r.URL.Path == "/large"])
	}))
	ask := func(path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	require.Equal(t, answer, ask("/large", "").Body.String())
	require.Equal(t, `{}`, ask("/small", "gzip").Body.String())
	w := ask("/large", "gzip, br")
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	require.Less(t, w.Body.Len(), len(answer)/10)
	plain, err := gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, err)
	text, err := io.ReadAll(plain)
	require.NoError(t, err)
	require.Equal(t, answer, string(text))
}
