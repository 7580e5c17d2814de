package guard_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"eventstream/server/guard"

	"github.com/stretchr/testify/require"
)

func proxies(t *testing.T, list string) guard.Proxies {
	t.Helper()
	var p guard.Proxies
	require.NoError(t, p.UnmarshalText([]byte(list)))
	return p
}

func TestTheClientsAddressComesFromTrustedHopsOnly(t *testing.T) {
	t.Parallel()
	trusted := proxies(t, "10.0.0.0/8, 192.0.2.7, fd00::/8,::1")
	for name, c := range map[string]struct {
		peer           string
		xff, forwarded []string
		want           string
	}{
		"nobody between":                {peer: "203.0.113.5:4711", want: "203.0.113.5"},
		"a stranger lies":               {peer: "203.0.113.5:4711", xff: []string{"1.1.1.1"}, want: "203.0.113.5"},
		"a stranger lies in both":       {peer: "203.0.113.5:1", xff: []string{"1.1.1.1"}, forwarded: []string{"for=1.1.1.1"}, want: "203.0.113.5"},
		"a proxy that says nothing":     {peer: "10.1.1.1:1", want: "10.1.1.1"},
		"one proxy":                     {peer: "10.1.1.1:1", xff: []string{"203.0.113.5"}, want: "203.0.113.5"},
		"the client invented hops":      {peer: "10.1.1.1:1", xff: []string{"1.1.1.1, 10.9.9.9,203.0.113.5"}, want: "203.0.113.5"},
		"two proxies, two header lines": {peer: "10.1.1.1:1", xff: []string{"1.1.1.1, 203.0.113.5", "192.0.2.7"}, want: "203.0.113.5"},
		"the next one is not trusted":   {peer: "10.1.1.1:1", xff: []string{"203.0.113.5, 192.0.2.8"}, want: "192.0.2.8"},
		"trusted all the way":           {peer: "10.1.1.1:1", xff: []string{"10.2.2.2, 10.3.3.3"}, want: "10.2.2.2"},
		"a hop that is no address":      {peer: "10.1.1.1:1", xff: []string{"1.1.1.1, unknown"}, want: "10.1.1.1"},
		"empty hops":                    {peer: "10.1.1.1:1", xff: []string{"203.0.113.5,, "}, want: "203.0.113.5"},
		"a hop with a port":             {peer: "10.1.1.1:1", xff: []string{"203.0.113.5:55"}, want: "203.0.113.5"},
		"IPv6 with a port":              {peer: "[fd00::1]:9", xff: []string{"[2001:db8::5]:55"}, want: "2001:db8::5"},
		"IPv6 without":                  {peer: "[::1]:9", xff: []string{"2001:db8::5"}, want: "2001:db8::5"},
		"IPv4 in IPv6":                  {peer: "[::ffff:10.1.1.1]:9", xff: []string{"::ffff:203.0.113.5"}, want: "203.0.113.5"},
		"a zone":                        {peer: "[fe80::1%eth0]:9", want: "fe80::1"},
		"Forwarded":                     {peer: "10.1.1.1:1", forwarded: []string{`for=203.0.113.5;proto=https`}, want: "203.0.113.5"},
		"Forwarded, IPv6 and case":      {peer: "10.1.1.1:1", forwarded: []string{`proto=http;For="[2001:db8::5]:4711";by=_x`}, want: "2001:db8::5"},
		"Forwarded, invented hops":      {peer: "10.1.1.1:1", forwarded: []string{`for=1.1.1.1`, `for="_x, for=10.0.0.1", for=203.0.113.5, for=10.2.2.2`}, want: "203.0.113.5"},
		"Forwarded hides":               {peer: "10.1.1.1:1", forwarded: []string{`for=1.1.1.1, for=_hidden`}, want: "10.1.1.1"},
		"Forwarded without for":         {peer: "10.1.1.1:1", forwarded: []string{`for=1.1.1.1, proto=http`}, want: "10.1.1.1"},
		"a quote that never ends":       {peer: "10.1.1.1:1", forwarded: []string{`for="1.1.1.1, for=2.2.2.2`}, want: "10.1.1.1"},
		"both agree":                    {peer: "10.1.1.1:1", xff: []string{"203.0.113.5"}, forwarded: []string{"for=203.0.113.5"}, want: "203.0.113.5"},
		"one of both is the client's":   {peer: "10.1.1.1:1", xff: []string{"203.0.113.5"}, forwarded: []string{"for=1.1.1.1"}, want: "10.1.1.1"},
		"a Unix socket":                 {peer: "@", xff: []string{"203.0.113.5"}, want: "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"], r.Header["Forwarded"] = c.xff, c.forwarded
			require.Equal(t, c.want, trusted.Client(r).String())
		})
	}
}

func TestNobodyIsTrustedUnlessNamed(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("X-Forwarded-For", "203.0.113.5")
	require.Equal(t, "127.0.0.1", guard.Proxies(nil).Client(r).String())
}

func TestProxiesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"proxy.internal", "10.0.0.0/33", "10.0.0.0/8 10.1.0.0/16", "*"} {
		var p guard.Proxies
		require.Error(t, p.UnmarshalText([]byte(bad)), bad)
	}
	require.Empty(t, proxies(t, ""))
	require.Equal(t, guard.Proxies{netip.MustParsePrefix("10.0.0.0/8")}, proxies(t, "10.9.9.9/8"))
	require.Equal(t, guard.Proxies{netip.MustParsePrefix("10.0.0.0/8")}, proxies(t, "::ffff:10.0.0.0/104"))
}

func TestKeysOfClients(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"203.0.113.5": "203.0.113.5", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::1": "2001:db8:1:2::/64",
	} {
		require.Equal(t, want, guard.Key(netip.MustParseAddr(addr)))
	}
	require.Equal(t, "unknown", guard.Key(netip.Addr{}))
}

func FuzzClient(f *testing.F) {
	f.Add("203.0.113.5, 10.0.0.1", `for="[2001:db8::1]:1";proto=http, for=_x`)
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["X-Forwarded-For"], r.Header["Forwarded"] = []string{xff}, []string{forwarded}
		r.RemoteAddr = "203.0.113.5:1"
		if got := proxies(t, "10.0.0.0/8").Client(r).String(); got != "203.0.113.5" {
			t.Fatalf("an untrusted peer became %s", got)
		}
		r.RemoteAddr = "10.0.0.1:1"
		if !proxies(t, "10.0.0.0/8").Client(r).IsValid() {
			t.Fatal("no address")
		}
	})
}
