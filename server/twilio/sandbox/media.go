package sandbox

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
)

// What WhatsApp takes (whatsapp/guidance-whatsapp-media-messages): 16 MB in all, 5 MB of an image.
const (
	maxMedia   = 16 << 20
	maxImage   = 5 << 20
	mediaLimit = 10 * time.Second
	mediaFresh = 10 * time.Second // how long a file that was fetched need not be fetched again
)

// fetched remembers files for a while.
type fetched struct {
	mu    sync.Mutex
	files map[string]fetchedFile
}

type fetchedFile struct {
	at   time.Time
	code int
}

// contentFault is the error that a template's files bring about in a message: Twilio fetches them for each.
func (s *Sandbox) contentFault(ctx context.Context, c *Content, vars map[string]string) int {
	for _, address := range c.files() {
		if code := s.fetchFile(ctx, c.put(address, vars)); code != 0 {
			return code
		}
	}
	return 0
}

// sampleFault says why WhatsApp's reviewers cannot see a template's files (errors 63043 to 63047), "" when they can.
func (s *Sandbox) sampleFault(ctx context.Context, c *Content) string {
	for _, address := range c.files() {
		switch s.fetchFile(ctx, c.put(address, nil)) {
		case 0:
		case 63034:
			return "INVALID_FORMAT: the sample of the header is too large"
		case 12300:
			return "INVALID_FORMAT: the Content-Type of the sample is not supported (63047)"
		default:
			return "INVALID_FORMAT: the sample of the header could not be downloaded (63044)"
		}
	}
	return ""
}

// files are the addresses of a template's media, with their variables.
func (c *Content) files() (all []string) {
	all, _ = c.body.media() // it was read before
	for i := range c.body.Cards {
		more, _ := c.body.Cards[i].media()
		all = append(all, more...)
	}
	return all
}

// fetchFile gets a file as Twilio would and gives the error that it brings about. Only the product's own addresses are
// fetched: a sandbox on this machine must not be led to others on its network. What lies elsewhere is taken for good.
func (s *Sandbox) fetchFile(ctx context.Context, address string) int {
	s.mu.Lock()
	own, err := url.Parse(s.opts.InboundURL)
	s.mu.Unlock()
	u, badAddress := url.Parse(address)
	if err != nil || badAddress != nil || u.Host != own.Host {
		return 0
	}
	s.fetched.mu.Lock()
	known, ok := s.fetched.files[address]
	s.fetched.mu.Unlock()
	if ok && time.Since(known.at) < mediaFresh {
		return known.code
	}
	code := s.download(ctx, address)
	s.fetched.mu.Lock()
	defer s.fetched.mu.Unlock()
	if len(s.fetched.files) > 1000 {
		clear(s.fetched.files)
	}
	s.fetched.files[address] = fetchedFile{time.Now(), code}
	return code
}

func (s *Sandbox) download(ctx context.Context, address string) int {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mediaLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 63019
	}
	req.Header.Set("User-Agent", "TwilioProxy/1.1")
	resp, err := s.hooks.Do(req)
	if err != nil {
		return 63019
	}
	defer func() { _ = resp.Body.Close() }()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxMedia+1))
	kind := resp.Header.Get("Content-Type")
	expected := mime.TypeByExtension(path.Ext(resp.Request.URL.Path))
	switch {
	case err != nil || resp.StatusCode != http.StatusOK || n == 0:
		return 63019
	case n > maxMedia || n > maxImage && strings.HasPrefix(kind, "image/"):
		return 63034
	case expected != "" && !strings.HasPrefix(kind, strings.Split(expected, ";")[0]):
		return 12300
	}
	return 0
}
