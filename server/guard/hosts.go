package guard

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// AllowedHosts are further names under which the server may be called (ALLOWED_HOSTS): a name alone counts with any
// port, one with a port only with that one.
type AllowedHosts []string

// UnmarshalText reads a list that is separated by commas.
func (a *AllowedHosts) UnmarshalText(text []byte) error {
	var list AllowedHosts
	for entry := range strings.SplitSeq(string(text), ",") {
		if entry = strings.ToLower(strings.TrimSpace(entry)); entry == "" {
			continue
		}
		name, _, ok := splitHost(entry)
		if !ok || strings.ContainsAny(name, "/*?#@% ") {
			return fmt.Errorf("ALLOWED_HOSTS: %q is not a host name with or without a port, such as shop.example:8443", entry)
		}
		list = append(list, entry)
	}
	*a = list
	return nil
}

// Hosts decides by a request's Host header whether the request was meant for this server. A page on another name that
// is made to resolve to this machine (DNS rebinding) shares its origin with that name, so that the browser lets it read
// every answer: only the server can tell by the name. The zero value refuses every name.
type Hosts struct {
	names    map[string]bool // name:port, or a name alone for any port
	anywhere bool            // the listener is on every interface
}

// NewHosts allows the host of publicURL, the listener's and those of allowed. A listener on a loopback address is
// localhost, 127.0.0.1 and [::1] with its port; one on every interface is localhost and any address, since an address
// cannot be rebound and nobody knows all that lead here.
func NewHosts(publicURL, listenAddr string, listener net.Addr, allowed AllowedHosts) Hosts {
	h := Hosts{names: map[string]bool{}}
	for _, host := range allowed {
		h.names[canonical(host)] = true
	}
	if u, err := url.Parse(publicURL); err == nil && u.Host != "" {
		h.add(u.Hostname(), portOf(u), portOf(u) == map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	tcp, ok := listener.(*net.TCPAddr)
	if !ok {
		return h
	}
	port := strconv.Itoa(tcp.Port)
	h.anywhere = tcp.IP.IsUnspecified()
	name, _, _ := net.SplitHostPort(listenAddr)
	for _, own := range []string{name, tcp.IP.String()} {
		if ip, err := netip.ParseAddr(own); own != "" && (err != nil || !ip.IsUnspecified()) {
			h.add(own, port, port == "80")
		}
	}
	if tcp.IP.IsLoopback() {
		for _, own := range []string{"localhost", "127.0.0.1", "::1"} {
			h.add(own, port, port == "80")
		}
	}
	return h
}

func portOf(u *url.URL) string {
	if u.Port() != "" {
		return u.Port()
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

func (h Hosts) add(name, port string, bare bool) {
	name = strings.ToLower(name)
	h.names[net.JoinHostPort(name, port)] = true
	if bare { // browsers leave out the scheme's own port
		h.names[net.JoinHostPort(name, "")] = true
	}
}

// canonical spells a host of ALLOWED_HOSTS as names has it.
func canonical(host string) string {
	name, port, _ := splitHost(strings.ToLower(host))
	if port == "" {
		return name
	}
	return net.JoinHostPort(name, port)
}

// splitHost takes the brackets and the port off; ok is false for what is no host.
func splitHost(host string) (name, port string, ok bool) {
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")); err == nil {
		return addr.String(), "", true
	}
	if !strings.Contains(host, ":") {
		return host, "", host != ""
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil || name == "" {
		return "", "", false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", false
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.String()
	}
	return name, port, true
}

// Allow reports whether a request with this Host header is meant for this server.
func (h Hosts) Allow(host string) bool {
	name, port, ok := splitHost(strings.ToLower(host))
	if !ok {
		return false
	}
	if h.names[name] || h.names[net.JoinHostPort(name, port)] {
		return true
	}
	if !h.anywhere {
		return false
	}
	_, err := netip.ParseAddr(name)
	return err == nil || name == "localhost"
}

// Loopback reports whether host names this machine itself, whatever the port.
func Loopback(host string) bool {
	name, _, ok := splitHost(strings.ToLower(host))
	addr, err := netip.ParseAddr(name)
	return ok && (name == "localhost" || (err == nil && addr.IsLoopback()))
}

// Handler refuses requests for other hosts before anything else looks at them.
func (h Hosts) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Allow(r.Host) {
			text := fmt.Sprintf("this server does not answer for the host %q: name it in PUBLIC_URL or ALLOWED_HOSTS", r.Host)
			http.Error(w, text, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
