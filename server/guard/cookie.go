package guard

import (
	"net/http"
	"time"
)

// SessionCookie keeps a session's token in the browser.
type SessionCookie struct {
	Name string
	// HTTPS: people reach this server by https, as PUBLIC_URL says. What a request claims about its scheme counts for
	// nothing.
	HTTPS bool
}

// hostOnly is the prefix under which browsers take a cookie only by https, for this host alone and every path, so that
// no neighbour on the same domain can set it.
const hostOnly = "__Host-"

// Set gives the browser a token; an empty one takes it back.
func (c SessionCookie) Set(w http.ResponseWriter, r *http.Request, token string, length time.Duration) {
	cookie := http.Cookie{ //nolint:gosec // without https the browser would drop what is Secure
		Name: c.Name, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(length.Seconds()),
	}
	strict := cookie //nolint:gosec // it is made Secure in the next line
	strict.Name, strict.Secure = hostOnly+c.Name, true
	switch {
	case token == "":
		cookie.MaxAge, strict.MaxAge = -1, -1
		http.SetCookie(w, &cookie)
		if c.HTTPS {
			http.SetCookie(w, &strict)
		}
	case c.secure(r):
		http.SetCookie(w, &strict)
	default:
		http.SetCookie(w, &cookie)
	}
}

// secure is true where people come by https. The exception is a page of this machine's own, opened as
// http://localhost: the browser itself says so in Origin.
func (c SessionCookie) secure(r *http.Request) bool {
	return c.HTTPS && (!Loopback(r.Host) || r.Header.Get("Origin") != "http://"+r.Host)
}

// Read gives the token that the browser sent, or "". By https only the cookie counts that nobody else can have set; on
// localhost either.
func (c SessionCookie) Read(r *http.Request) string {
	if c.HTTPS {
		if cookie, err := r.Cookie(hostOnly + c.Name); err == nil {
			return cookie.Value
		}
		if !Loopback(r.Host) {
			return ""
		}
	}
	if cookie, err := r.Cookie(c.Name); err == nil {
		return cookie.Value
	}
	return ""
}
