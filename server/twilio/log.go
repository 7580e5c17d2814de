package twilio

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"eventstream/server/contact"
	"eventstream/server/message"
	"eventstream/server/price"

	api "github.com/twilio/twilio-go/rest/api/v2010"
)

// What a query of the log reads at most: 50,000 entries. Twilio gives at most
// 1,000 a page (messaging/api/message-resource).
const (
	logPageSize = 1000
	maxLogPages = 50
)

// Twilio keeps a message queued for at most ValidityPeriod's longest.
const longestQueued = 36_000 * time.Second

// Log implements message.Provider. It never leaves anything out unsaid:
//
// The only filter by time that Twilio has is DateSent, which an entry lacks
// while it is queued, and for good when it failed before it was sent. So a query
// that names the contact asks without it: that list is short, and whole. One
// that names no contact must filter by time; what it tells about messages that
// we sent is then never complete. Inbound messages were sent when they came.
//
// An answer that has more than 50,000 entries is cut there and is incomplete. An
// error on any page is an error of the whole.
func (c *Client) Log(ctx context.Context, q message.LogQuery) (message.LogAnswer, error) {
	params, byTime := filters(q)
	answer := message.LogAnswer{Complete: !byTime || q.Direction == message.Inbound}
	whole, err := c.pages(ctx, params, maxLogPages, func(r api.ApiV2010Message) {
		l, whole := logged(r)
		answer.Complete = answer.Complete && whole
		if l.SID != "" && matches(q, l, serviceOf(r)) {
			answer.Entries = append(answer.Entries, l)
		}
	}, nil)
	if err != nil {
		return message.LogAnswer{}, err
	}
	answer.Complete = answer.Complete && whole
	return answer, nil
}

// Sent reads the whole log of what was sent since a moment, in whichever direction,
// page by page and the newest first. What was never sent is not in it.
func (c *Client) Sent(ctx context.Context, since time.Time, take func([]message.Logged) error) error {
	params := &api.ListMessageParams{}
	params.SetPageSize(logPageSize)
	params.SetDateSentAfter(since.UTC().Truncate(time.Second))
	var page []message.Logged
	_, err := c.pages(ctx, params, math.MaxInt, func(r api.ApiV2010Message) {
		if l, _ := logged(r); l.SID != "" {
			page = append(page, l)
		}
	}, func() error {
		err := take(page)
		page = page[:0]
		return err
	})
	return err
}

// pages lists up to so many pages of the log, and calls each for every entry and, if
// it is not nil, after for every page. whole says that there were no more.
func (c *Client) pages(ctx context.Context, params *api.ListMessageParams, most int, each func(api.ApiV2010Message),
	after func() error,
) (whole bool, err error) {
	var next string
	for range most {
		rest, one := c.messages(ctx)
		one.query = next
		page, err := rest.PageMessage(params, "", "")
		if err != nil {
			return false, fmt.Errorf("list Twilio's log: %w", err)
		}
		for _, r := range page.Messages {
			each(r)
		}
		if after != nil {
			if err := after(); err != nil {
				return false, err
			}
		}
		if page.NextPageUri == nil || *page.NextPageUri == "" {
			return true, nil
		}
		u, err := url.Parse(*page.NextPageUri)
		if err != nil || u.RawQuery == "" || u.RawQuery == next {
			return false, fmt.Errorf("list Twilio's log: no next page at %q", *page.NextPageUri)
		}
		next = u.RawQuery
	}
	return false, nil
}

// filters are what Twilio can filter by. byTime says that entries without
// date_sent are left out.
func filters(q message.LogQuery) (params *api.ListMessageParams, byTime bool) {
	params = &api.ListMessageParams{}
	if q.From != "" && !isService(q.From) {
		params.SetFrom(channelPrefix + q.From)
	}
	if q.To != "" && !isService(q.To) {
		params.SetTo(channelPrefix + q.To)
	}
	params.SetPageSize(logPageSize)
	named := q.To
	if q.Direction == message.Inbound {
		named = q.From
	}
	if named != "" {
		return params, false
	}
	if !q.Since.IsZero() {
		params.SetDateSentAfter(q.Since.UTC().Truncate(time.Second))
		byTime = true
	}
	if !q.Until.IsZero() {
		// The filter is documented for whole days in GMT; a day more is right
		// whether the day that is named counts or not.
		until := q.Until.Add(24 * time.Hour)
		if q.Direction == message.Outbound {
			until = until.Add(longestQueued)
		}
		if until.Before(time.Now()) {
			params.SetDateSentBefore(until.UTC())
			byTime = true
		}
	}
	return params, byTime
}

// matches holds an entry against what was asked: Twilio cannot filter by
// direction, messaging service or time of creation.
func matches(q message.LogQuery, l message.Logged, service string) bool {
	from, to := service, ""
	inbound := q.Direction == message.Inbound
	if inbound {
		from, to = "", service
	}
	return (l.Direction == message.Inbound) == inbound && sameAddress(q.From, l.From, from) &&
		sameAddress(q.To, l.To, to) &&
		(l.Created.IsZero() || !l.Created.Before(q.Since.Truncate(time.Second)) &&
			(q.Until.IsZero() || l.Created.Before(q.Until)))
}

// sameAddress compares what was asked for with an entry's address. Twilio may
// write a number in another of its forms (Brazil's and Mexico's have two).
func sameAddress(asked, got, service string) bool {
	if asked == "" || asked == got {
		return true
	}
	if isService(asked) {
		return asked == service || (service == "" && got == "")
	}
	a, err := contact.ParseAddress(asked, "")
	if err != nil {
		return false
	}
	b, err := contact.ParseAddress(got, "")
	return err == nil && a.MatchKey == b.MatchKey
}

func isService(address string) bool {
	return strings.HasPrefix(address, "MG") && !strings.Contains(address, ".")
}

// Fetch implements message.Provider.
func (c *Client) Fetch(ctx context.Context, sid string) (*message.Logged, error) {
	rest, one := c.messages(ctx)
	r, err := rest.FetchMessage(url.PathEscape(sid), nil)
	if err != nil {
		if one.status == http.StatusNotFound {
			return nil, nil //nolint:nilnil // there is none
		}
		return nil, fmt.Errorf("read Twilio's log: %w", err)
	}
	l, _ := logged(*r)
	if l.SID == "" {
		return nil, errors.New("read Twilio's log: an entry without a SID")
	}
	if r.NumMedia != nil && *r.NumMedia != "0" && *r.NumMedia != "" {
		if l.Media, err = c.media(ctx, sid); err != nil {
			return nil, err
		}
	}
	return &l, nil
}

// media lists the addresses of a message's media; there are at most ten.
func (c *Client) media(ctx context.Context, sid string) ([]string, error) {
	rest, one := c.messages(ctx)
	page, err := rest.PageMedia(url.PathEscape(sid), nil, "", "")
	if err != nil {
		if one.status == http.StatusNotFound {
			return nil, nil // deleted since
		}
		return nil, fmt.Errorf("read Twilio's list of media: %w", err)
	}
	var out []string
	for _, m := range page.MediaList {
		if m.Uri != nil {
			out = append(out, "https://api.twilio.com"+strings.TrimSuffix(*m.Uri, ".json"))
		}
	}
	return out, nil
}

// logged reads an entry. whole is false where something is missing that one
// would recognise it by: it may then match a query or not.
func logged(r api.ApiV2010Message) (l message.Logged, whole bool) {
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	var known bool
	l.SID, l.Body = text(r.Sid), text(r.Body)
	l.From, l.To = strings.TrimPrefix(text(r.From), channelPrefix), strings.TrimPrefix(text(r.To), channelPrefix)
	l.Direction = message.Outbound
	if text(r.Direction) == "inbound" {
		l.Direction = message.Inbound
	}
	if l.Status, known = Status(text(r.Status)); !known {
		// What has a SID was accepted at least, whatever new word stands there.
		l.Status = message.StatusAccepted
		if l.Direction == message.Inbound {
			l.Status = message.StatusReceived
		}
	}
	if r.ErrorCode != nil {
		l.Code = *r.ErrorCode
	}
	l.Created, _ = readTime(text(r.DateCreated))
	if sent, ok := readTime(text(r.DateSent)); ok {
		l.Sent = &sent
	}
	// What is charged stands there with a minus (messaging/api/message-resource).
	if amount, err := price.ParseRate(strings.TrimPrefix(text(r.Price), "-")); err == nil {
		l.Price, l.PriceCurrency = &amount, strings.ToUpper(text(r.PriceUnit))
	}
	return l, l.SID != "" && l.To != "" && !l.Created.IsZero()
}

func serviceOf(r api.ApiV2010Message) string {
	if r.MessagingServiceSid == nil {
		return ""
	}
	return *r.MessagingServiceSid
}

// readTime reads Twilio's dates: RFC 2822 in this API, ISO 8601 in newer ones.
func readTime(text string) (time.Time, bool) {
	for _, layout := range []string{
		time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 -0700", time.RFC1123, "Mon, 2 Jan 2006 15:04:05 MST",
		"2 Jan 2006 15:04:05 -0700", time.RFC3339Nano,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
