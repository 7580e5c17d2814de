package doubleoptin

import (
	"context"
	"math"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/hours"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

const (
	// Period is how often requests are looked at.
	Period = time.Second
	// share of the sender's pace that questions take: campaigns and replies go on beside
	// a list of many.
	share      = 0.5
	mostAtOnce = 500
	lookAgain  = 5 * time.Minute // at what waits for an approval or for its sender
)

// Run asks who is to be asked now, as many as the sender's pace allows for a period, and
// ends what has expired.
func (s *Service) Run(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	set, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	limit := mostAtOnce
	a := &asking{Service: s, settings: set}
	if set != nil {
		if err := a.prepare(ctx); err != nil {
			return err
		}
		limit = int(min(math.Max(1, a.sender.RatePerSecond*share*Period.Seconds()), mostAtOnce))
	}
	waiting, expired, err := due(ctx, s.db, limit)
	if err != nil {
		return err
	}
	for _, id := range expired {
		if err := s.one(ctx, id, a.expire); err != nil {
			return err
		}
	}
	if set == nil { // they wait for the settings, or expire
		return nil
	}
	for _, id := range waiting {
		if err := s.one(ctx, id, a.ask); err != nil {
			return err
		}
	}
	return nil
}

// one does something about the open request of a contact.
func (s *Service) one(ctx context.Context, contactID int64,
	do func(context.Context, bun.Tx, *contact.Contact, *Request, time.Time) error,
) error {
	var c *contact.Contact
	err := contact.Patiently(ctx, tries, func() error {
		return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			if c, err = contactLocked(ctx, tx, contactID); err != nil {
				return err
			}
			r, err := openOf(ctx, tx, c.ID)
			if err != nil || r == nil {
				return err
			}
			now, err := db.Now(ctx, tx)
			if err != nil {
				return err
			}
			return do(ctx, tx, c, r, now)
		})
	})
	if err == nil && c != nil {
		s.hub.Publish(pubsub.TopicContact, c.ID)
	}
	return err
}

const tries = 10

// asking is what all questions of a run have in common.
type asking struct {
	*Service

	settings   *Settings
	sender     *sender.Sender
	questions  map[int64]template.Text
	quietHours *hours.QuietHours
}

func (a *asking) prepare(ctx context.Context) (err error) {
	if a.sender, err = sender.Find(ctx, a.db, a.settings.Sender); err != nil {
		return err
	}
	if a.questions, err = template.Newest(ctx, a.db, a.settings.Templates); err != nil {
		return err
	}
	a.quietHours, err = a.Service.quietHours(ctx)
	return err
}

func (a *asking) expire(ctx context.Context, tx bun.Tx, c *contact.Contact, r *Request, now time.Time) error {
	if now.Before(r.ExpiresAt) {
		return nil
	}
	return Settle(ctx, tx, c, StatusExpired)
}

// ask sends the question, or has the request wait for what it lacks.
func (a *asking) ask(ctx context.Context, tx bun.Tx, c *contact.Contact, r *Request, now time.Time) error {
	if r.Status != StatusWaiting || now.Before(r.NotBefore) || !now.Before(r.ExpiresAt) {
		return nil
	}
	c.OptInRequestAt = nil // its own request is no reason against it
	why, err := a.refusals(ctx, tx, []*contact.Contact{c}, now)
	if err != nil {
		return err
	}
	c.OptInRequestAt = &r.CreatedAt
	if why[c.ID] != "" {
		return Settle(ctx, tx, c, StatusCanceled)
	}
	if r.Source != consent.SourceForm { // whoever filled in a form is there, and waits for it
		at, _, ok := hours.NextAllowed(hours.RulesFor(a.quietHours, c), now)
		if !ok {
			return Settle(ctx, tx, c, StatusCanceled)
		}
		if at.After(now) {
			return wait(ctx, tx, r, at)
		}
	}
	m, err := a.question(ctx, tx, c, now)
	if err != nil {
		return err
	}
	if m == nil {
		return wait(ctx, tx, r, now.Add(lookAgain))
	}
	if err := message.Insert(ctx, tx, m); err != nil {
		return err
	}
	r.Status, r.AskedAt, r.MessageID, r.ExpiresAt = StatusAsked, &now, &m.ID, now.Add(a.settings.expiry())
	if err := saveAsked(ctx, tx, r); err != nil {
		return err
	}
	return a.jobs.Insert(ctx, tx, message.SendArgs{MessageID: m.ID})
}

// question is the message that asks; nil: it cannot go at the moment.
func (a *asking) question(ctx context.Context, tx bun.Tx, c *contact.Contact, now time.Time) (*message.Message, error) {
	q, ok := a.settings.choose(a.questions, c.Locale)
	if !ok {
		return nil, nil //nolint:nilnil // its template is gone
	}
	conversation, theirs, err := theirConversation(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	open, err := a.windows(ctx, tx, []int64{c.ID}, now)
	if err != nil {
		return nil, err
	}
	m := &message.Message{
		Direction: message.Outbound, Purpose: message.PurposeOptInQuestion, ContactID: c.ID, ConversationID: conversation,
		SenderID: &a.sender.ID, Status: message.StatusPending,
	}
	from := a.sender
	if open[c.ID] {
		if m.Body, err = textFor(q, c); err != nil {
			return nil, err
		}
		if theirs != nil && *theirs != from.ID {
			if from, err = sender.Find(ctx, tx, *theirs); err != nil {
				return nil, err
			}
			m.SenderID = theirs
		}
	} else if q.Approved != nil {
		m.TemplateVersionID = &q.Approved.ID
	}
	if m.Body == "" && m.TemplateVersionID == nil || from.Status != sender.StatusActive {
		return nil, nil //nolint:nilnil // it waits for an approval, or for its sender
	}
	return m, nil
}

// textFor fills the question in for somebody; "": a value is missing.
func textFor(q template.Text, c *contact.Contact) (string, error) {
	body, err := template.Parse(q.Newest.Body)
	if err != nil {
		if apperr.Is(err, apperr.CodeInvalid) {
			return "", nil
		}
		return "", err
	}
	text := body.Render(c)
	if len(text.Missing) > 0 {
		return "", nil
	}
	return text.Text, nil
}
