package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"eventstream/server/golive"

	"github.com/twilio/twilio-go/client"
	messaging "github.com/twilio/twilio-go/rest/messaging/v2"
)

// Senders of one page, and pages that are read at most: an account has 50 by exception.
const (
	senderPage  = 100
	senderPages = 10
)

// nextToken names the next page of a list; "": there is none.
func nextToken(address *string) string {
	next, err := url.Parse(told(address))
	if err != nil {
		return ""
	}
	return next.Query().Get("PageToken")
}

func (c *Client) senders(ctx context.Context) *messaging.ApiService {
	handler, _ := c.call(ctx)
	return messaging.NewApiService(handler)
}

// ChannelSenders implements golive.Senders.
func (c *Client) ChannelSenders(ctx context.Context) (all []golive.ChannelSender, err error) {
	token := ""
	for range senderPages {
		params := &messaging.ListChannelsSenderParams{}
		params.SetChannel("whatsapp").SetPageSize(senderPage)
		page, err := c.senders(ctx).PageChannelsSender(params, token, "")
		if err != nil {
			return nil, contentError("read the senders", err)
		}
		for i := range page.Senders {
			all = append(all, channelSender(&page.Senders[i]))
		}
		if token = nextToken(page.Meta.NextPageUrl); token == "" {
			break
		}
	}
	return all, nil
}

// ChannelSender implements golive.Senders.
func (c *Client) ChannelSender(ctx context.Context, sid string) (*golive.ChannelSender, error) {
	if !senderSID(sid) {
		return nil, nil //nolint:nilnil // there is none
	}
	got, err := c.senders(ctx).FetchChannelsSender(sid)
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok && rest.Status == http.StatusNotFound {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, contentError("read the sender", err)
	}
	s := channelSender(got)
	return &s, nil
}

// senderSID reports whether it is the SID of a sender, and no path.
func senderSID(s string) bool {
	return len(s) == 34 && strings.HasPrefix(s, "XE") && strings.Trim(s[2:], "0123456789abcdefABCDEF") == ""
}

// SetWebhook implements golive.Senders.
func (c *Client) SetWebhook(ctx context.Context, sid string, w golive.Webhook) (*golive.ChannelSender, error) {
	// twilio-go leaves out what is empty, which then stays as it is; null takes it away.
	body, err := json.Marshal(map[string]any{"webhook": map[string]any{
		"callback_url": orNull(w.CallbackURL), "callback_method": orNull(w.CallbackMethod),
		"fallback_url": orNull(w.FallbackURL), "fallback_method": orNull(w.FallbackMethod),
		"status_callback_url": orNull(w.StatusCallbackURL), "status_callback_method": orNull(w.StatusCallbackMethod),
	}})
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	handler, _ := c.call(ctx)
	resp, err := handler.Post("https://messaging.twilio.com/v2/Channels/Senders/"+sid, nil,
		map[string]any{"Content-Type": "application/json"}, "", body...)
	if err != nil {
		return nil, contentError("set the webhook of the sender", err)
	}
	defer func() { _ = resp.Body.Close() }()
	got := &messaging.MessagingV2ChannelsSenderResponse{}
	if err := json.NewDecoder(resp.Body).Decode(got); err != nil {
		return nil, fmt.Errorf("set the webhook of the sender: %w", err)
	}
	s := channelSender(got)
	return &s, nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func channelSender(s *messaging.MessagingV2ChannelsSenderResponse) golive.ChannelSender {
	out := golive.ChannelSender{
		SID: told(s.Sid), Address: strings.TrimPrefix(told(s.SenderId), channelPrefix), Status: told(s.Status),
		Name: told(s.FriendlyName),
	}
	if s.Profile != nil && told(s.Profile.Name) != "" {
		out.Name = told(s.Profile.Name)
	}
	if p := s.Properties; p != nil {
		out.Quality, out.Limit = told(p.QualityRating), told(p.MessagingLimit)
	}
	if s.OfflineReasons != nil {
		for _, r := range *s.OfflineReasons {
			out.OfflineReasons = append(out.OfflineReasons, strings.TrimSpace(told(r.Code)+" "+told(r.Message)))
		}
	}
	if w := s.Webhook; w != nil {
		out.Webhook = golive.Webhook{
			CallbackURL: told(w.CallbackUrl), CallbackMethod: told(w.CallbackMethod), FallbackURL: told(w.FallbackUrl),
			FallbackMethod: told(w.FallbackMethod), StatusCallbackURL: told(w.StatusCallbackUrl),
			StatusCallbackMethod: told(w.StatusCallbackMethod),
		}
	}
	return out
}

func told(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
