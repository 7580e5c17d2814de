package guard_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"eventstream/server/guard"

	"github.com/stretchr/testify/require"
)

func TestOnlyItsOwnHostsAreAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		publicURL, listen, allowed string
		port                       int
		yes, no                    []string
	}{
		"loopback": {
			listen: "127.0.0.1", port: 8080,
			yes: []string{"localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:8080"},
			no: []string{
				"", "localhost", "127.0.0.1", "localhost:8081", "evil.example", "evil.example:8080", "127.0.0.1.evil.example:8080",
				"localhost.evil.example:8080", "localhost:8080@evil.example", "127.0.0.2:8080", "192.0.2.1:8080", "localhost:", ":8080",
				"localhost:8080:8080", "[::1", "localhost:http", "localhost.:8080",
			},
		},
		"loopback, port 80": {listen: "127.0.0.1", port: 80, yes: []string{"localhost", "127.0.0.1:80", "[::1]", "::1"}},
		"IPv6 loopback":     {listen: "::1", port: 8080, yes: []string{"[::1]:8080", "localhost:8080"}, no: []string{"[::2]:8080"}},
		"tunnel": {
			publicURL: "https://Shop.example", listen: "127.0.0.1", port: 8080,
			yes: []string{"shop.example", "shop.example:443", "localhost:8080"},
			no:  []string{"shop.example:8080", "shop.example:80", "evil.example", "sub.shop.example", "shop.example.evil.example"},
		},
		"public URL with a port": {
			publicURL: "https://shop.example:8443/base", listen: "127.0.0.1", port: 8080,
			yes: []string{"shop.example:8443"}, no: []string{"shop.example"},
		},
		"every interface": {
			listen: "0.0.0.0", port: 8080,
			yes: []string{"localhost:9090", "192.0.2.1:8080", "192.0.2.1", "[2001:db8::1]:8080"},
			no:  []string{"evil.example", "evil.example:8080", "0x7f.1", "2130706433", "192.0.2.1.evil.example"},
		},
		"one interface": {
			listen: "192.0.2.1", port: 8080, yes: []string{"192.0.2.1:8080"}, no: []string{"192.0.2.2:8080", "localhost:8080", "evil.example"},
		},
		"further hosts": {
			listen: "127.0.0.1", port: 8080, allowed: "Shop.example, [2001:db8::1], other.example:8443",
			yes: []string{"shop.example", "shop.example:1234", "[2001:db8::1]:77", "other.example:8443"},
			no:  []string{"other.example", "x.shop.example"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var allowed guard.AllowedHosts
			require.NoError(t, allowed.UnmarshalText([]byte(c.allowed)))
			addr := &net.TCPAddr{IP: net.ParseIP(c.listen), Port: c.port}
			h := guard.NewHosts(c.publicURL, addr.String(), addr, allowed)
			for _, host := range c.yes {
				require.True(t, h.Allow(host), host)
			}
			for _, host := range c.no {
				require.False(t, h.Allow(host), host)
			}
		})
	}
}

func TestTheNameThatIsListenedOnIsAllowed(t *testing.T) {
	t.Parallel()
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711}
	h := guard.NewHosts("", "engage.internal:0", addr, nil)
	require.True(t, h.Allow("engage.internal:4711"))
	require.False(t, h.Allow("engage.internal:4712"))
}

func TestNoHostIsAllowedByDefault(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	guard.Hosts{}.Handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://evil.example/", nil))
	require.Equal(t, http.StatusMisdirectedRequest, w.Code)
	require.Contains(t, w.Body.String(), "ALLOWED_HOSTS")
}

func TestAllowedHostsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"*", "*.example", "https://shop.example", "shop.example:x", "a b", "shop.example/", ":80"} {
		var a guard.AllowedHosts
		require.ErrorContains(t, a.UnmarshalText([]byte(bad)), "ALLOWED_HOSTS", bad)
	}
}

func TestLoopbackNames(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost:1": true, "127.0.0.1:1": true, "[::1]:1": true, "localhost": true, "shop.example": false, "192.0.2.1:1": false, "": false,
	} {
		require.Equal(t, want, guard.Loopback(host), host)
	}
}
