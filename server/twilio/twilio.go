// Package twilio speaks with Twilio: it sends, reads Twilio's log and errors, and
// checks its signatures. Requests and answers have the types of twilio-go, whose
// HTTP client is replaced by one that keeps the caller's context and says whether
// a request may have been processed: on that rests whether a message may be sent
// again. Nothing outside this package knows Twilio's words.
package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"eventstream/server/message"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
	contentapi "github.com/twilio/twilio-go/rest/content/v1"
)

// Options say which account sends, and where.
type Options struct {
	AccountSID string
	AuthToken  string // also signs the webhooks
	APIKey     string // if set, used instead of the token for calls
	APISecret  string
	BaseURL    string // "": Twilio's own hosts
	PublicURL  string // where Twilio calls us
}

// Client sends, reads the log, and keeps content templates.
type Client struct {
	opts         Options
	user, secret string
	baseURL      *url.URL // nil: Twilio's own hosts
	handler      client.RequestHandler
	transport    http.RoundTripper
	fetches      chan struct{} // files that are being fetched
}

// New makes a client.
func New(opts Options) (*Client, error) {
	c := &Client{
		opts: opts, user: opts.AccountSID, secret: opts.AuthToken, transport: newTransport(),
		fetches: make(chan struct{}, mediaFetches),
		handler: *client.NewRequestHandler(nil), // with TWILIO_EDGE and TWILIO_REGION of the environment
	}
	if opts.APIKey != "" {
		c.user, c.secret = opts.APIKey, opts.APISecret
	}
	if opts.BaseURL != "" {
		u, err := url.Parse(strings.TrimRight(opts.BaseURL, "/"))
		if err != nil {
			return nil, fmt.Errorf("TWILIO_API_BASE_URL: %w", err)
		}
		c.baseURL = u
	}
	return c, nil
}

// messages makes one call of Twilio's messages.
func (c *Client) messages(ctx context.Context) (*api.ApiService, *call) {
	handler, one := c.call(ctx)
	return api.NewApiService(handler), one
}

// contents makes one call of Twilio's content templates.
func (c *Client) contents(ctx context.Context) *contentapi.ApiService {
	handler, _ := c.call(ctx)
	return contentapi.NewApiService(handler)
}

func (c *Client) call(ctx context.Context) (*client.RequestHandler, *call) {
	one := &call{ctx: ctx, client: c}
	handler := c.handler
	handler.Client = one
	return &handler, one
}

// callbackRetries asks Twilio to repeat a callback that we could not take:
// by default it repeats only after a failure to connect. Twilio's connection
// overrides stand in the URL's fragment, which is not signed.
const callbackRetries = "#rc=5&rp=5xx,ct,rt"

const channelPrefix = "whatsapp:"

// Send implements message.Provider.
func (c *Client) Send(ctx context.Context, out message.Outgoing) (message.Accepted, error) {
	params := &api.CreateMessageParams{}
	params.SetTo(channelPrefix + out.To)
	if isService(out.From) {
		params.SetMessagingServiceSid(out.From)
	} else {
		params.SetFrom(channelPrefix + out.From)
	}
	if out.ContentSID != "" {
		params.SetContentSid(out.ContentSID)
		if len(out.ContentVariables) > 0 {
			raw, err := json.Marshal(out.ContentVariables)
			if err != nil {
				return message.Accepted{}, fmt.Errorf("content variables: %w", err)
			}
			params.SetContentVariables(string(raw))
		}
	} else {
		if out.Media != "" {
			params.SetMediaUrl([]string{c.opts.PublicURL + out.Media})
		}
		if out.Body != "" {
			params.SetBody(out.Body)
		}
	}
	// Our own id comes back with every callback, so that a status finds its
	// message even when the answer to this call was lost.
	params.SetStatusCallback(
		c.opts.PublicURL + "/webhooks/twilio/status?m=" + strconv.FormatInt(out.MessageID, 10) + callbackRetries)
	if out.Validity > 0 {
		params.SetValidityPeriod(validityPeriod(out.Validity))
	}
	rest, one := c.messages(ctx)
	one.begin = out.Begin
	resp, err := rest.CreateMessage(params)
	if one.progress.Load() == withheld {
		return message.Accepted{}, message.ErrNotBegun
	}
	if err != nil {
		return message.Accepted{}, one.sendError(err)
	}
	if resp.Sid == nil || *resp.Sid == "" {
		return message.Accepted{}, one.sendError(errors.New("an answer without a SID"))
	}
	status := message.StatusAccepted
	if resp.Status != nil {
		if s, ok := Status(*resp.Status); ok {
			status = s
		}
	}
	return message.Accepted{SID: *resp.Sid, Status: status}, nil
}

// validityPeriod is how long Twilio may queue a message, in whole seconds: it
// takes 1 to 36,000 (messaging/api/message-resource, ValidityPeriod).
func validityPeriod(d time.Duration) int {
	return int(min(max(d.Truncate(time.Second), time.Second), longestQueued) / time.Second)
}

// sendError classifies a failed create. What matters most is whether the
// message may have been accepted: then it must not be sent again blindly.
func (c *call) sendError(err error) *message.SendError {
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok {
		info := Code(rest.Code)
		switch {
		case rest.Status >= 500 || rest.Status == http.StatusRequestTimeout:
			// Twilio names no 5xx that surely took nothing (errors/20500).
			info = Code(20500)
		case rest.Status == http.StatusTooManyRequests && info.Class != message.ClassRetry:
			info = Code(20429)
		case rest.Status == http.StatusUnauthorized || rest.Status == http.StatusForbidden:
			info.Class, info.Scope = message.ClassFixFirst, message.ScopeAccount
		}
		return message.NewSendError(info, rest.Status, rest.Message, c.delay(), err)
	}
	switch {
	case c.status == http.StatusTooManyRequests:
		return message.NewSendError(Code(20429), c.status, "Twilio asked us to slow down", c.delay(), err)
	case c.status == http.StatusUnauthorized || c.status == http.StatusForbidden:
		return message.NewSendError(Code(20003), c.status, "Twilio refused the credentials", 0, err)
	case c.status == 0 && c.progress.Load() != wrote:
		info := message.CodeInfo{
			Title: "Twilio not reached", Advice: "Check the network; the engine tries again.",
			Class: message.ClassRetry, Scope: message.ScopeAccount, Delay: time.Second,
		}
		return message.NewSendError(info, 0, "Twilio could not be reached", 0, err)
	case c.status >= 400 && c.status < 500 && c.status != http.StatusRequestTimeout:
		return message.NewSendError(Code(0), c.status, fmt.Sprintf("Twilio answered %d", c.status), 0, err)
	}
	return message.NewSendError(Code(20500), c.status, "no readable answer from Twilio", c.delay(), err)
}

// delay reads Retry-After, which counts seconds or names a moment.
func (c *call) delay() time.Duration {
	const longest = time.Hour
	d := time.Duration(0)
	if seconds, err := strconv.Atoi(c.retryAfter); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(c.retryAfter); err == nil {
		d = time.Until(at)
	}
	if d < 0 || d > longest {
		return 0
	}
	return d
}
