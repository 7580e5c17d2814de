package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"eventstream/server/message"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// Redact implements message.Redactor: it empties the text of a message and deletes its
// media. The record itself stays, with the addresses, until Twilio deletes it; it is
// what the account is billed by. A message whose delivery is not over is refused with
// 20009, in rare cases for up to 14 days (errors/20009).
func (c *Client) Redact(ctx context.Context, sid string) (message.Redaction, error) {
	rest, one := c.messages(ctx)
	empty := &api.UpdateMessageParams{}
	empty.SetBody("")
	changed, err := rest.UpdateMessage(url.PathEscape(sid), empty)
	if err != nil {
		return one.redaction(err)
	}
	if changed.NumMedia == nil || *changed.NumMedia == "0" || *changed.NumMedia == "" {
		return message.Redaction{Outcome: message.RedactionDone}, nil
	}
	rest, one = c.messages(ctx)
	page, err := rest.PageMedia(url.PathEscape(sid), nil, "", "") // ten at most
	if err != nil {
		return one.redaction(err)
	}
	for _, m := range page.MediaList {
		if m.Sid == nil {
			continue
		}
		rest, one = c.messages(ctx)
		if err := rest.DeleteMedia(url.PathEscape(sid), url.PathEscape(*m.Sid), nil); err != nil && one.status != http.StatusNotFound {
			return one.redaction(err)
		}
	}
	return message.Redaction{Outcome: message.RedactionDone}, nil
}

// redaction tells what a failed call means: refusals of this message are outcomes, all
// else is an error after which it is tried again.
func (c *call) redaction(err error) (message.Redaction, error) {
	rest, _ := errors.AsType[*client.TwilioRestError](err)
	switch {
	case rest != nil && rest.Code == 20009 || c.status == http.StatusConflict:
		return message.Redaction{Outcome: message.RedactionBusy}, nil
	case c.status == http.StatusNotFound || c.status == http.StatusGone:
		return message.Redaction{Outcome: message.RedactionGone}, nil
	case rest != nil && c.status >= 400 && c.status < 500 && c.status != http.StatusUnauthorized &&
		c.status != http.StatusForbidden && c.status != http.StatusRequestTimeout && c.status != http.StatusTooManyRequests:
		return message.Redaction{Outcome: message.RedactionRefused, Reason: fmt.Sprintf("Twilio refused: error %d", rest.Code)}, nil
	}
	return message.Redaction{}, c.sendError(err)
}
