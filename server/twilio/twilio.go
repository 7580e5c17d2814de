// Package twilio speaks with Twilio: it sends through twilio-go, reads its
// errors, and checks its signatures. Nothing outside knows Twilio's words.
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

	"eventstream/server/apperr"
	"eventstream/server/message"
	"eventstream/server/template"

	twiliogo "github.com/twilio/twilio-go"
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

// Client sends and keeps content templates.
type Client struct {
	opts      Options
	baseURL   *url.URL
	transport http.RoundTripper
}

// New makes a client.
func New(opts Options) (*Client, error) {
	c := &Client{opts: opts, transport: newTransport()}
	if opts.BaseURL != "" {
		u, err := url.Parse(strings.TrimRight(opts.BaseURL, "/"))
		if err != nil {
			return nil, fmt.Errorf("TWILIO_API_BASE_URL: %w", err)
		}
		c.baseURL = u
	}
	return c, nil
}

// rest makes a client for one call: twilio-go knows no contexts, so each call
// brings its own over the shared transport (2.4 µs).
func (c *Client) rest(ctx context.Context) (*twiliogo.RestClient, *call) {
	one := &call{ctx: ctx, base: c.transport, baseURL: c.baseURL}
	user, secret := c.opts.AccountSID, c.opts.AuthToken
	if c.opts.APIKey != "" {
		user, secret = c.opts.APIKey, c.opts.APISecret
	}
	base := &client.Client{
		Credentials: client.NewCredentials(user, secret),
		HTTPClient: &http.Client{
			Transport: one, Timeout: callTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	base.SetAccountSid(c.opts.AccountSID)
	return twiliogo.NewRestClientWithParams(twiliogo.ClientParams{Client: base}), one
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
	if strings.HasPrefix(out.From, "MG") {
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
		params.SetBody(out.Body)
	}
	// Our own id comes back with every callback, so that a status finds its
	// message even when the answer to this call was lost.
	params.SetStatusCallback(c.opts.PublicURL + "/webhooks/twilio/status?m=" + strconv.FormatInt(out.MessageID, 10) + callbackRetries)
	rest, one := c.rest(ctx)
	resp, err := rest.Api.CreateMessage(params)
	if err != nil {
		return message.Accepted{}, one.sendError(err)
	}
	if resp.Sid == nil || *resp.Sid == "" {
		return message.Accepted{}, one.sendError(errors.New("an answer without a SID"))
	}
	status := message.StatusAccepted
	if resp.Status != nil {
		if s, ok := statusOf(*resp.Status); ok {
			status = s
		}
	}
	return message.Accepted{SID: *resp.Sid, Status: status}, nil
}

// sendError classifies a failed create. What matters most is whether the
// message may have been accepted: then it must not be sent again blindly.
func (c *call) sendError(err error) *message.SendError {
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok {
		info := Code(rest.Code)
		switch {
		case rest.Status >= 500 && info.Class != message.ClassRetry:
			info.Class = message.ClassAmbiguous
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
	case c.status == 0 && !c.wrote:
		info := message.CodeInfo{Title: "Twilio not reached", Advice: "Check the network; the engine tries again.", Class: message.ClassRetry, Scope: message.ScopeAccount, Delay: time.Second}
		return message.NewSendError(info, 0, "Twilio could not be reached", 0, err)
	case c.status >= 400 && c.status < 500:
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

// Log implements message.Provider. twilio-go mangles BSUIDs in query filters,
// so for those only the sender and the day are asked, and we filter ourselves.
func (c *Client) Log(ctx context.Context, q message.LogQuery) (message.LogAnswer, error) {
	params := &api.ListMessageParams{}
	if q.From != "" && !strings.HasPrefix(q.From, "MG") {
		params.SetFrom(channelPrefix + q.From)
	}
	if strings.HasPrefix(q.To, "+") {
		params.SetTo(channelPrefix + q.To)
	}
	params.SetDateSentAfter(q.Since.UTC().Truncate(24 * time.Hour))
	params.SetPageSize(1000)
	params.SetLimit(5000)
	rest, _ := c.rest(ctx)
	rows, err := rest.Api.ListMessage(params)
	if err != nil {
		return message.LogAnswer{}, fmt.Errorf("list Twilio's log: %w", err)
	}
	var found message.LogAnswer
	for _, r := range rows {
		if l, ok := logged(r); ok && (q.To == "" || l.To == q.To) {
			found.Entries = append(found.Entries, l)
		}
	}
	return found, nil
}

// Fetch implements message.Provider.
func (c *Client) Fetch(ctx context.Context, sid string) (*message.Logged, error) {
	rest, _ := c.rest(ctx)
	r, err := rest.Api.FetchMessage(sid, nil)
	if err != nil {
		return nil, fmt.Errorf("read Twilio's log: %w", err)
	}
	l, ok := logged(*r)
	if !ok {
		return nil, nil //nolint:nilnil // nothing that we understand
	}
	return &l, nil
}

func logged(r api.ApiV2010Message) (message.Logged, bool) {
	if r.Sid == nil || r.To == nil || r.Status == nil {
		return message.Logged{}, false
	}
	status, ok := statusOf(*r.Status)
	if !ok {
		return message.Logged{}, false
	}
	l := message.Logged{SID: *r.Sid, Direction: message.Outbound, To: strings.TrimPrefix(*r.To, channelPrefix), Status: status}
	if r.From != nil {
		l.From = strings.TrimPrefix(*r.From, channelPrefix)
	}
	if r.Body != nil {
		l.Body = *r.Body
	}
	if r.ErrorCode != nil {
		l.Code = *r.ErrorCode
	}
	if r.DateCreated != nil {
		l.Created, _ = time.Parse(time.RFC1123Z, *r.DateCreated)
	}
	return l, true
}

// Create implements template.Content.
func (c *Client) Create(ctx context.Context, spec template.ContentSpec) (string, error) {
	rest, _ := c.rest(ctx)
	params := &contentapi.CreateContentParams{}
	params.SetContentCreateRequest(contentapi.ContentCreateRequest{
		FriendlyName: spec.Name, Language: spec.Language, Variables: spec.Variables,
		Types: contentapi.Types{TwilioText: &contentapi.TwilioText{Body: spec.Body}},
	})
	made, err := rest.ContentV1.CreateContent(params)
	if err != nil {
		return "", contentError("make the content template", err)
	}
	if made.Sid == nil {
		return "", errors.New("make the content template: an answer without a SID")
	}
	return *made.Sid, nil
}

// Submit implements template.Content.
func (c *Client) Submit(ctx context.Context, sid, name string, category template.Category) error {
	rest, _ := c.rest(ctx)
	params := &contentapi.CreateApprovalCreateParams{}
	params.SetContentApprovalRequest(contentapi.ContentApprovalRequest{Name: name, Category: strings.ToUpper(string(category))})
	if _, err := rest.ContentV1.CreateApprovalCreate(sid, params); err != nil {
		return contentError("ask for approval", err)
	}
	return nil
}

// Decision implements template.Content.
func (c *Client) Decision(ctx context.Context, sid string) (template.Approval, string, error) {
	rest, _ := c.rest(ctx)
	got, err := rest.ContentV1.FetchApprovalFetch(sid)
	if err != nil {
		return "", "", contentError("read the approval", err)
	}
	word, reason := "", ""
	if got.Whatsapp != nil {
		word, _ = (*got.Whatsapp)["status"].(string)
		reason, _ = (*got.Whatsapp)["rejection_reason"].(string)
	}
	switch word {
	case "approved":
		return template.ApprovalApproved, "", nil
	case "rejected":
		return template.ApprovalRejected, reason, nil
	case "paused":
		return template.ApprovalPaused, reason, nil
	case "disabled":
		return template.ApprovalDisabled, reason, nil
	}
	return template.ApprovalSubmitted, "", nil
}

// contentError tells what Twilio found wrong with the template from failures
// that may pass.
func contentError(doing string, err error) error {
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok && rest.Status >= 400 && rest.Status < 500 && rest.Status != 401 && rest.Status != 403 && rest.Status != 429 {
		return apperr.Wrap(err, apperr.CodeInvalid, "Twilio: %s", rest.Message)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
