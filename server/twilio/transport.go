package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
)

const (
	callTimeout   = 10 * time.Second // of one request, its answer's body included
	maxErrorBody  = 64 << 10
	maxAnswerBody = 32 << 20 // a page of 1,000 entries of the log has some 2 MB
)

// newTransport keeps as many idle connections as we send at once: twilio-go's
// default keeps two and opens a new one for most calls.
func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:        512,
		MaxIdleConnsPerHost: 256,
		MaxConnsPerHost:     256,
		IdleConnTimeout:     50 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
		Proxy:               http.ProxyFromEnvironment,
	}
}

var userAgent = fmt.Sprintf("twilio-go/%s (%s %s) go/%s", client.LibraryVersion, runtime.GOOS, runtime.GOARCH,
	runtime.Version())

// call is one request. It takes the place of twilio-go's own client.Client,
// which knows no context, deletes every ".digits" from the queries that it sends
// (whatsapp:BR.1000 becomes whatsapp:BR), leaves the bodies of errors open, and
// drops the headers and the status of an answer that it cannot read.
type call struct {
	ctx    context.Context
	client *Client
	query  string      // instead of the query that twilio-go wants; "": that one
	begin  func() bool // asked before the first byte leaves; nil: yes

	progress   atomic.Int32
	status     int
	retryAfter string
}

// How far a request came. Who asks for it may give up (its time is over, or the
// process was stopped for minutes) while the transport's own goroutine is about to
// write it: whichever of the two is first decides.
const (
	waiting   int32 = iota
	wrote           // it left us, or is about to: it may have been processed
	withheld        // begin said no: nothing left us
	abandoned       // nobody waits for it any more: nothing left us, and nothing will
)

// leaves is asked by the transport before the first byte. ctx is the request's.
func (c *call) leaves(ctx context.Context) bool {
	if c.progress.Load() == abandoned || c.begin != nil && !c.begin() || ctx.Err() != nil {
		if !c.progress.CompareAndSwap(waiting, withheld) {
			c.progress.CompareAndSwap(wrote, withheld) // an earlier try, of which nothing was written
		}
		return false
	}
	return c.progress.CompareAndSwap(waiting, wrote) || c.progress.Load() == wrote
}

// AccountSid implements client.BaseClient.
func (c *call) AccountSid() string { return c.client.opts.AccountSID }

// SetTimeout implements client.BaseClient: the context and callTimeout decide.
func (*call) SetTimeout(time.Duration) {}

// SetOauth implements client.BaseClient: we sign in with token or API key.
func (*call) SetOauth(client.OAuth) {}

// OAuth implements client.BaseClient.
func (*call) OAuth() client.OAuth { return nil }

// SendRequest implements client.BaseClient. The answer that it gives is whole:
// its body was read and its connection is free again.
func (c *call) SendRequest(
	method, rawURL string, data url.Values, headers map[string]any, body ...byte,
) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
	defer cancel()
	isForm := (method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch) &&
		headers["Content-Type"] != "application/json"
	payload := string(body)
	if isForm {
		payload = data.Encode()
	}
	sent := strings.NewReader(payload)
	// The transport has a connection now, and the headers in its buffer; nothing is on
	// the network before the body is in it too. A body that is shorter than promised
	// ends the request and the connection there.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() {
		if !c.leaves(ctx) {
			_, _ = sent.Seek(0, io.SeekEnd) // never fails
			cancel()                        // else it would try once more on another connection
		}
	}})
	req, err := http.NewRequestWithContext(ctx, method, rawURL, sent)
	if err != nil {
		return nil, err
	}
	req.GetBody = func() (io.ReadCloser, error) {
		sent = strings.NewReader(payload)
		return io.NopCloser(sent), nil
	}
	switch {
	case c.query != "":
		req.URL.RawQuery = c.query
	case !isForm:
		req.URL.RawQuery = data.Encode()
	}
	if base := c.client.baseURL; base != nil {
		req.URL.Scheme, req.URL.Host, req.Host = base.Scheme, base.Host, base.Host
		req.URL.Path = base.Path + req.URL.Path
	}
	for name, value := range headers {
		req.Header.Set(name, fmt.Sprint(value))
	}
	req.Header.Set("User-Agent", userAgent)
	req.SetBasicAuth(c.client.user, c.client.secret)

	resp, err := c.client.transport.RoundTrip(req)
	if err != nil {
		c.progress.CompareAndSwap(waiting, abandoned)
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	c.status, c.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	if resp.StatusCode >= 400 {
		return nil, readError(resp)
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return nil, fmt.Errorf("answer %d from Twilio", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBody))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}

// readError reads an error's body. The HTTP status is what was answered,
// whatever the body says: a proxy's JSON has no status at all.
func readError(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return err
	}
	refused := &client.TwilioRestError{}
	if err := json.Unmarshal(raw, refused); err != nil {
		return fmt.Errorf("answer %d from Twilio is not readable: %w", resp.StatusCode, err)
	}
	if refused.Code == 0 && refused.Message == "" {
		return errors.New("an error from Twilio without code and text")
	}
	refused.Status = resp.StatusCode
	return refused
}
