package twilio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"eventstream/server/apperr"
)

// A file of a message that came in is fetched with our credentials: people see it
// through us, and no browser ever holds what signs in at Twilio.
const (
	mediaTimeout   = 30 * time.Second
	mostMediaBytes = 100 << 20 // what WhatsApp takes as a document at most
	mediaFetches   = 16        // at once, for everybody
	mediaRedirects = 5
)

var mediaPath = regexp.MustCompile(`^/2010-04-01/Accounts/([A-Za-z0-9]+)/Messages/[A-Za-z0-9]+/Media/[A-Za-z0-9]+$`)

// File is what a message brought along.
type File struct {
	Body        io.ReadCloser
	ContentType string
	Size        int64 // -1: not told
}

// IsMedia tells whether an address is that of a file at Twilio.
func IsMedia(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host == "api.twilio.com" && u.User == nil && mediaPath.MatchString(u.Path)
}

// Media opens a file of an inbound message. Only Twilio's own addresses of this account
// are fetched, whatever a webhook said.
func (c *Client) Media(ctx context.Context, address string) (*File, error) {
	if !IsMedia(address) {
		return nil, apperr.New(apperr.CodeNotFound, "this is no file at Twilio")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if mediaPath.FindStringSubmatch(u.Path)[1] != c.opts.AccountSID {
		return nil, apperr.New(apperr.CodeNotFound, "this file is kept by another Twilio account")
	}
	u.RawQuery, u.Fragment = "", ""
	if c.baseURL != nil {
		u.Scheme, u.Host = c.baseURL.Scheme, c.baseURL.Host
	}
	select {
	case c.fetches <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, stop := context.WithTimeout(ctx, mediaTimeout)
	done := func() { stop(); <-c.fetches }
	file, err := c.fetch(ctx, u.String())
	if err != nil {
		done()
		return nil, err
	}
	file.Body = &fetched{Reader: io.LimitReader(file.Body, mostMediaBytes), body: file.Body, done: done}
	return file, nil
}

func (c *Client) fetch(ctx context.Context, address string) (*File, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(c.user, c.secret)
	// Twilio sends on to where files lie; Go leaves our credentials behind for another host.
	follow := http.Client{Transport: c.transport, CheckRedirect: func(next *http.Request, before []*http.Request) error {
		if len(before) > mediaRedirects {
			return errors.New("too many redirects")
		}
		if next.URL.Scheme != "https" && c.baseURL == nil {
			return fmt.Errorf("a redirect to %s", next.URL.Scheme)
		}
		return nil
	}}
	resp, err := follow.Do(req)
	if err != nil {
		return nil, apperr.New(apperr.CodeUnavailable, "Twilio did not answer: try again")
	}
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		err = apperr.New(apperr.CodeNotFound, "Twilio keeps this file no more")
	case resp.StatusCode != http.StatusOK:
		err = apperr.New(apperr.CodeUnavailable, "Twilio did not give the file (status %d)", resp.StatusCode)
	case resp.ContentLength > mostMediaBytes:
		err = apperr.New(apperr.CodeUnavailable, "this file is larger than WhatsApp takes")
	}
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return &File{Body: resp.Body, ContentType: resp.Header.Get("Content-Type"), Size: resp.ContentLength}, nil
}

// fetched is a body that gives its place back when it is closed.
type fetched struct {
	io.Reader
	body io.Closer
	done func()
}

func (f *fetched) Close() error {
	defer f.done()
	return f.body.Close()
}
