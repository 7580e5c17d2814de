package sandbox

import (
	"context"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What opens a link calls itself so: people's phones, and programs that look what is behind it.
var (
	phones = []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
	}
	programs = []string{
		"WhatsApp/2.25.19.80 A", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
	}
)

const (
	previewRate = 0.2 // of what is delivered with a link: a program looks at it
	linkPath    = "/l/"
	phoneWait   = 5 * time.Second
)

// newPhone follows no redirect: where links lead to is not ours to call.
func newPhone() *http.Client {
	return &http.Client{Timeout: phoneWait, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// linksOf are the short links on the buttons of a message.
func (c *Content) linksOf(vars map[string]string) (links []string) {
	if c == nil {
		return nil
	}
	buttons := slices.Clone(c.body.Actions)
	for _, card := range c.body.Cards {
		buttons = append(buttons, card.Actions...)
	}
	for _, b := range buttons {
		if u, err := url.Parse(c.put(b.URL, vars)); err == nil && strings.HasPrefix(u.Path, linkPath) {
			links = append(links, u.EscapedPath())
		}
	}
	return links
}

// open has people open the links of what they read, and programs look at those of what comes; the caller holds the lock.
func (s *Sandbox) open(m *Message, status string, cfg *Settings) {
	if s.opts.OwnURL == "" || status != "delivered" && status != "read" {
		return
	}
	links := s.contents[m.Content].linksOf(m.Variables)
	if len(links) == 0 {
		return
	}
	link := links[mathrand.IntN(len(links))]                          //nolint:gosec // simulated behavior
	wait := time.Duration(200+mathrand.IntN(1500)) * time.Millisecond //nolint:gosec // simulated behavior
	switch {
	case status == "read" && chance(cfg.ClickRate):
		s.after(wait, func() { s.visit(link, phones) })
	case status == "delivered" && cfg.ClickRate > 0 && chance(previewRate):
		s.after(wait, func() { s.visit(link, programs) })
	}
}

// visit opens a link, at our own address alone.
func (s *Sandbox) visit(path string, agents []string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.opts.OwnURL+path, nil)
	if err != nil {
		return
	}
	req.Header.Set("User-Agent", agents[mathrand.IntN(len(agents))]) //nolint:gosec // simulated behavior
	resp, err := s.phone.Do(req)
	if err != nil {
		s.opts.Log.Debug("sandbox: link not opened", "error", err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
