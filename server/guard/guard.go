// Package guard is the one place for what protects the HTTP front against the outside: which proxies are believed and
// from which address a request comes, for which hosts this server answers, how much of a body is read before it is
// known who sends it, how long a body may take, how many sockets stand open, and what a request may cost. Nothing here
// knows what a request means: the transports mount these guards in front of what they serve, so that each rule is
// written once and no route can be without it by oversight.
package guard

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the reverse proxies whose word about a request's origin counts (TRUSTED_PROXIES). The zero value
// believes nobody.
type Proxies []netip.Prefix

// UnmarshalText reads a list, separated by commas, of prefixes (10.0.0.0/8) and single addresses (10.1.2.3, ::1).
func (p *Proxies) UnmarshalText(text []byte) error {
	var list Proxies
	for entry := range strings.SplitSeq(string(text), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			addr, addrErr := netip.ParseAddr(entry)
			if addrErr != nil {
				return fmt.Errorf("TRUSTED_PROXIES: %q is neither an address nor a prefix such as 10.0.0.0/8", entry)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
		}
		list = append(list, prefix.Masked())
	}
	*p = list
	return nil
}

func (p Proxies) trust(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// Client gives the address that a request comes from: the peer's, or, where the peer is a trusted proxy, the first
// address from the right in X-Forwarded-For or Forwarded that is none of theirs. What stands further left came from
// the client and may be invented. A proxy usually writes one of the two headers and passes the other on as the client
// sent it; so if they tell different clients, neither is believed and the proxy's own address counts, as it does when
// a hop is no address. The result is invalid only where the peer has no address, as with a Unix socket.
func (p Proxies) Client(r *http.Request) netip.Addr {
	peer := parseHop(r.RemoteAddr)
	if !p.trust(peer) {
		return peer
	}
	xff, forwarded := r.Header.Values("X-Forwarded-For"), r.Header.Values("Forwarded")
	if len(xff) == 0 && len(forwarded) == 0 {
		return peer
	}
	byXFF := p.walk(peer, strings.Split(strings.Join(xff, ","), ","))
	byForwarded := p.walk(peer, forwardedFor(strings.Join(forwarded, ",")))
	switch {
	case len(forwarded) == 0:
		return byXFF
	case len(xff) == 0, byXFF == byForwarded:
		return byForwarded
	}
	return peer
}

// walk goes through hops from the right, as long as they are trusted.
func (p Proxies) walk(peer netip.Addr, hops []string) netip.Addr {
	at := peer
	for _, hop := range slices.Backward(hops) {
		if strings.TrimSpace(hop) == "" {
			continue
		}
		addr := parseHop(hop)
		if !addr.IsValid() {
			return at
		}
		if at = addr; !p.trust(at) {
			return at
		}
	}
	return at
}

// parseHop reads an address with or without a port and brackets; zones mean nothing to anybody else.
func parseHop(s string) netip.Addr {
	s = strings.TrimSpace(s)
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		both, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}
		}
		addr = both.Addr()
	}
	return addr.Unmap().WithZone("")
}

// forwardedFor gives the nodes of a Forwarded header (RFC 7239) in order; "" is not among them, an element without
// for= is "unknown".
func forwardedFor(header string) []string {
	var hops []string
	for _, element := range splitUnquoted(header, ',') {
		if strings.TrimSpace(element) == "" {
			continue
		}
		node := "unknown"
		for _, pair := range splitUnquoted(element, ';') {
			if name, value, ok := strings.Cut(pair, "="); ok && strings.EqualFold(strings.TrimSpace(name), "for") {
				node = strings.Trim(strings.TrimSpace(value), `"`)
			}
		}
		hops = append(hops, node)
	}
	return hops
}

// splitUnquoted splits at a separator that stands outside a quoted string. A quote that never ends takes the rest.
func splitUnquoted(s string, sep rune) []string {
	var parts []string
	start, quoted, escaped := 0, false, false
	for i, c := range s {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// Key is what attempts and sockets of one client are counted under: the address, of IPv6 the /64 that one customer
// usually has to himself.
func Key(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return "unknown"
	case addr.Is4():
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // 64 bits are within any IPv6 address
	return prefix.String()
}

type clientKey struct{}

// Identify notes each request's client in its context, for ClientOf.
func (p Proxies) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, p.Client(r))))
	})
}

// ClientOf gives the address of the client whose request ctx belongs to; it is invalid outside of requests.
func ClientOf(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(clientKey{}).(netip.Addr)
	return addr
}
