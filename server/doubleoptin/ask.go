package doubleoptin

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"eventstream/server/actor"
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
	share       = 0.5
	mostAtOnce  = 500
	endedAtOnce = 1000
	lookAgain   = time.Minute      // at what waits for an approval or for its sender, or failed
	firstLook   = time.Minute      // after a question: whether it went
	laterLooks  = time.Hour        // the same
	expectedFor = 10 * time.Minute // how long after a form its question is expected at any hour
	tries       = 10
)

// Run ends what has expired or did not reach anybody, and asks who is to be asked now, as
// many as the sender's pace allows for a period. While sending is held it does nothing:
// the original of a restored copy may be asking the same people.
func (s *Service) Run(ctx context.Context) error {
	held, err := s.held(ctx)
	if err != nil || held {
		return err
	}
	ctx = actor.With(ctx, actor.System)
	return errors.Join(s.end(ctx), s.ask(ctx))
}

func (s *Service) end(ctx context.Context) error {
	over, err := expired(ctx, s.db, endedAtOnce)
	if err != nil {
		return err
	}
	if len(over) > 0 {
		err := contact.Patiently(ctx, tries, func() error {
			return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
				people, err := contact.LockPeople(ctx, tx, over)
				if err != nil {
					return err
				}
				return expire(ctx, tx, slices.Sorted(maps.Values(people)))
			})
		})
		if err != nil {
			return err
		}
		s.hub.Publish(pubsub.TopicContact, over...)
	}
	lost, err := unreached(ctx, s.db, endedAtOnce, laterLooks)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range lost {
		errs = append(errs, s.one(ctx, id, func(ctx context.Context, tx bun.Tx, c *contact.Contact, r *Request, _ time.Time) error {
			if r.Status != StatusAsked {
				return nil
			}
			if err := notAsked(ctx, tx, r); err != nil {
				return err
			}
			return Settle(ctx, tx, c, StatusCanceled)
		}))
	}
	return errors.Join(errs...)
}

func (s *Service) ask(ctx context.Context) error {
	set, err := s.Settings(ctx)
	if err != nil || set == nil { // they wait for the settings
		return err
	}
	ids, err := due(ctx, s.db, mostAtOnce)
	if err != nil || len(ids) == 0 {
		return err
	}
	a := &asking{Service: s, settings: set}
	if err := a.prepare(ctx); err != nil {
		return err
	}
	most := max(1, int(a.sender.RatePerSecond*share*Period.Seconds()))
	var errs []error
	for _, id := range ids[:min(most, len(ids))] {
		if err := s.one(ctx, id, a.ask); err != nil {
			// It lets the others by.
			s.log.WarnContext(ctx, "a contact is not asked to confirm their consent", "contact", id, "error", err)
			later := func(ctx context.Context, tx bun.Tx, _ *contact.Contact, r *Request, now time.Time) error {
				return wait(ctx, tx, r, now.Add(lookAgain))
			}
			errs = append(errs, err, s.one(ctx, id, later))
		}
	}
	return errors.Join(errs...)
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

// ask sends the question, or has the request wait for what it lacks.
func (a *asking) ask(ctx context.Context, tx bun.Tx, c *contact.Contact, r *Request, now time.Time) error {
	if r.Status != StatusWaiting || now.Before(r.NotBefore) || !now.Before(r.ExpiresAt) {
		return nil
	}
	why, err := a.refusals(ctx, tx, []*contact.Contact{c}, now)
	if err != nil {
		return err
	}
	if !why[c.ID].Empty() {
		return Settle(ctx, tx, c, StatusCanceled)
	}
	if r.Source != consent.SourceForm || now.Sub(r.CreatedAt) > expectedFor { // whoever fills in a form is there, and waits for it
		at, _, ok := hours.NextAllowed(hours.RulesFor(a.quietHours, c), now)
		if !ok {
			return Settle(ctx, tx, c, StatusCanceled)
		}
		if at.After(now) {
			return wait(ctx, tx, r, at)
		}
	}
	q, known := a.settings.choose(a.questions, c.Locale)
	var m *message.Message
	if known {
		if m, err = a.question(ctx, tx, c, q, now); err != nil {
			return err
		}
	}
	if m == nil {
		return wait(ctx, tx, r, now.Add(lookAgain))
	}
	if err := message.Insert(ctx, tx, m); err != nil {
		return err
	}
	r.Status, r.AskedAt, r.AskedKey, r.Language = StatusAsked, &now, c.MatchKey, q.Template.Language
	r.MessageID, r.ExpiresAt, r.NotBefore = &m.ID, now.Add(a.settings.expiry()), now.Add(firstLook)
	if err := saveAsked(ctx, tx, r); err != nil {
		return err
	}
	return a.jobs.Insert(ctx, tx, message.SendArgs{MessageID: m.ID})
}

// question is the message that asks; nil: it cannot go at the moment.
func (a *asking) question(ctx context.Context, tx bun.Tx, c *contact.Contact, q template.Text, now time.Time) (*message.Message,
	error,
) {
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
	if open[c.ID] && q.Newest.Kind == template.KindText {
		if m.Body, err = textFor(q, c); err != nil {
			return nil, err
		}
		if theirs != nil && *theirs != from.ID {
			if from, err = sender.Find(ctx, tx, *theirs); err != nil {
				return nil, err
			}
			m.SenderID = theirs
		}
	} else if q.Approved != nil { // also within the window, where it has buttons or a picture
		m.TemplateVersionID = &q.Approved.ID
	}
	if m.Body == "" && m.TemplateVersionID == nil || from.Status != sender.StatusActive {
		return nil, nil //nolint:nilnil // it waits for an approval, or for its sender
	}
	return m, nil
}

// textFor fills the question in for somebody; "": a value is missing.
func textFor(q template.Text, c *contact.Contact) (string, error) {
	text, err := render(q, c)
	if err != nil || len(text.Missing) > 0 {
		return "", err
	}
	return text.Text, nil
}

func render(q template.Text, c *contact.Contact) (text template.Rendered, err error) {
	compiled, err := q.Newest.Compile()
	if err != nil {
		return text, err
	}
	return compiled.Render(c), nil
}
