package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"eventstream/server/guard"

	"github.com/stretchr/testify/require"
)

func TestCookiesFollowThePublicURL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		https        bool
		host, origin string
		forwarded    string
		want         string // name of the cookie
	}{
		"https":                       {https: true, host: "shop.example", origin: "https://shop.example", want: "__Host-s"},
		"https, and the proxy lies":   {https: true, host: "shop.example", origin: "http://shop.example", forwarded: "http", want: "__Host-s"},
		"https, the proxy renames us": {https: true, host: "127.0.0.1:8080", origin: "https://shop.example", want: "__Host-s"},
		"https, a program":            {https: true, host: "localhost:8080", want: "__Host-s"},
		"https, but opened at home":   {https: true, host: "localhost:8080", origin: "http://localhost:8080", want: "s"},
		"http":                        {host: "shop.example", origin: "http://shop.example", want: "s"},
		"http, and somebody lies":     {host: "shop.example", origin: "https://shop.example", forwarded: "https", want: "s"},
		"localhost":                   {host: "localhost:8080", origin: "http://localhost:8080", want: "s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
			r.Host = c.host
			r.Header.Set("Origin", c.origin)
			r.Header.Set("X-Forwarded-Proto", c.forwarded)
			w := httptest.NewRecorder()
			s := guard.SessionCookie{Name: "s", HTTPS: c.https}
			s.Set(w, r, "token", time.Hour)
			cookies := w.Result().Cookies()
			require.Len(t, cookies, 1)
			got := cookies[0]
			require.Equal(t, c.want, got.Name)
			require.Equal(t, c.want != "s", got.Secure)
			require.True(t, got.HttpOnly)
			require.Equal(t, http.SameSiteLaxMode, got.SameSite)
			require.Equal(t, "/", got.Path)
			require.Empty(t, got.Domain)
			require.Equal(t, 3600, got.MaxAge)

			r.AddCookie(got)
			require.Equal(t, "token", s.Read(r))
			w = httptest.NewRecorder()
			s.Set(w, r, "", time.Hour)
			gone := map[string]bool{}
			for _, cookie := range w.Result().Cookies() {
				require.Negative(t, cookie.MaxAge)
				gone[cookie.Name] = true
			}
			require.True(t, gone[c.want])
		})
	}
}

// TestANeighboursCookieIsNotRead: a page on another host of the same domain may set any name but those with the prefix.
func TestANeighboursCookieIsNotRead(t *testing.T) {
	t.Parallel()
	s := guard.SessionCookie{Name: "s", HTTPS: true}
	r := httptest.NewRequest(http.MethodPost, "https://shop.example/graphql", nil)
	r.AddCookie(&http.Cookie{Name: "s", Value: "somebody else's"})
	require.Empty(t, s.Read(r))
	r.AddCookie(&http.Cookie{Name: "__Host-s", Value: "mine"})
	require.Equal(t, "mine", s.Read(r))
}
