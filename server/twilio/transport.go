package twilio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

const (
	callTimeout  = 10 * time.Second
	maxErrorBody = 64 << 10
)

// newTransport keeps as many idle connections as we send at once: twilio-go's
// default keeps two and opens a new one for most calls.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   256,
		MaxConnsPerHost:       256,
		IdleConnTimeout:       50 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: callTimeout,
		Proxy:                 http.ProxyFromEnvironment,
	}
}

// call is one request of twilio-go's. It closes the gaps of that library: the
// caller's context, another base URL, error bodies that are never closed, and
// what the answer's headers said.
type call struct {
	ctx     context.Context
	base    http.RoundTripper
	baseURL *url.URL // nil: Twilio's own hosts

	wrote      bool // the request left us: it may have been processed
	status     int
	retryAfter string
}

// RoundTrip implements http.RoundTripper.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteHeaders: func() { c.wrote = true }}
	out := req.Clone(httptrace.WithClientTrace(c.ctx, trace))
	if c.baseURL != nil {
		out.URL.Scheme, out.URL.Host = c.baseURL.Scheme, c.baseURL.Host
		out.URL.Path = c.baseURL.Path + out.URL.Path
		out.Host = ""
	}
	resp, err := c.base.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	c.status, c.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("redirect %d from Twilio", resp.StatusCode)
	}
	if resp.StatusCode >= 400 {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	return resp, nil
}
