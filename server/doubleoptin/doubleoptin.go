// Package doubleoptin has people confirm on WhatsApp that they agreed to messages.
// Whoever fills in a form may type another one's number, and a list may be wrong: with
// double opt-in the consent that somebody recorded is kept as a request, the person is
// asked once, and only their yes to that question makes consent of it.
//
// A request is asked at the pace of its sender, in hours in which the person may be
// written to, through the one gate of the engine. It ends by their answer, after a time,
// or when they decide in another way. Of who did not say yes, what was recorded is
// deleted: there is no reason to keep it.
package doubleoptin

import (
	"context"
	"log/slog"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/hours"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Status of a request.
type Status = consent.RequestStatus

// Statuses.
const (
	StatusWaiting   Status = "waiting" // the question is not sent yet
	StatusAsked     Status = "asked"
	StatusConfirmed        = consent.RequestConfirmed
	StatusDeclined         = consent.RequestDeclined
	StatusExpired   Status = "expired"
	StatusCanceled         = consent.RequestCanceled // they decided in another way, were suppressed, or the question did not reach them
)

// WaitsAtMost is how long a request waits for its question: for its turn, for hours in
// which it may go, for an approval.
const WaitsAtMost = 30 * 24 * time.Hour

// AskAgainAfter is how long nobody is asked again who did not say yes. A request is made
// by whoever fills in a form: without it anybody could have us write to a number again
// and again.
const AskAgainAfter = 30 * 24 * time.Hour

// Request is a consent that the person has to confirm.
type Request struct {
	bun.BaseModel `bun:"table:opt_in_requests,alias:oir"`

	ID         int64            `bun:",pk,autoincrement"`
	ContactID  int64            //
	Status     Status           //
	Source     consent.Source   // of the consent that was recorded
	Evidence   consent.Evidence `bun:"type:jsonb"` // of it; empty once it ended without a yes
	OperatorID *int64           // who recorded it
	CreatedAt  time.Time        `bun:",nullzero"`
	NotBefore  time.Time        `bun:",nullzero"` // when it may be asked, or is looked at again
	AskedAt    *time.Time       //
	AskedKey   string           // the match key of the address that was asked
	Language   string           // of the question
	MessageID  *int64           // the question
	ExpiresAt  time.Time        // until when a yes counts, or the question waits to be sent
	EndedAt    *time.Time       //
}

// Service keeps requests and asks.
type Service struct {
	db         *db.DB
	hub        *pubsub.Hub
	jobs       *jobs.Enqueuer
	consents   *consent.Service
	quietHours func(context.Context) (*hours.QuietHours, error)
	windows    func(ctx context.Context, idb bun.IDB, contacts []int64, at time.Time) (map[int64]bool, error)
	held       func(context.Context) (bool, error)
	log        *slog.Logger
}

// Dependencies are the parts of a Service.
type Dependencies struct {
	DB       *db.DB
	Hub      *pubsub.Hub
	Jobs     *jobs.Enqueuer
	Consents *consent.Service
	// QuietHours are those that campaigns get by default; nil: none.
	QuietHours func(context.Context) (*hours.QuietHours, error)
	// Windows tells to whom free text may go at a moment: conversation.OpenWindows.
	Windows func(ctx context.Context, idb bun.IDB, contacts []int64, at time.Time) (map[int64]bool, error)
	// Held reports whether sending is held, as in a restored copy: package hold.
	Held func(context.Context) (bool, error)
	Log  *slog.Logger
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, hub: d.Hub, jobs: d.Jobs, consents: d.Consents, quietHours: d.QuietHours, windows: d.Windows,
		held: d.Held, log: d.Log,
	}
}

// Request keeps a consent that counts once the person has confirmed it.
func (s *Service) Request(ctx context.Context, contactID int64, ch consent.Change) (*contact.Contact, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if ch.Status != contact.ConsentOptedIn || ch.Purpose == consent.PurposeUtility {
		return nil, apperr.Invalid("doubleOptIn", "only an opt-in to marketing is confirmed by double opt-in: leave it out, or set false")
	}
	if err := s.consents.Check(ctx, &ch); err != nil {
		return nil, err
	}
	var c *contact.Contact
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = contact.ByIDForUpdate(ctx, tx, contactID); err != nil {
			return err
		}
		return s.Take(ctx, tx, c, ch)
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, c.ID)
	return c, nil
}

// Take is Request in the caller's transaction, which holds the contact's lock, of a
// change that was checked.
func (s *Service) Take(ctx context.Context, tx bun.Tx, c *contact.Contact, ch consent.Change) error {
	if err := ready(ctx, tx); err != nil {
		return err
	}
	now, err := db.Now(ctx, tx)
	if err != nil {
		return err
	}
	why, err := s.refusals(ctx, tx, []*contact.Contact{c}, now)
	if err != nil {
		return err
	}
	if !why[c.ID].Empty() {
		return apperr.Saying(apperr.CodeConflict, why[c.ID])
	}
	if c.OptInRequestAt != nil {
		return nil // they are asked once
	}
	r := request(ctx, c, ch, now)
	if err := insert(ctx, tx, []*Request{r}); err != nil {
		return err
	}
	c.OptInRequestAt = &now
	return audit.Record(ctx, tx, audit.OptInRequest, "contact", c.ID, map[string]any{"source": ch.Source})
}

// Item is one of many.
type Item struct {
	Contact *contact.Contact
	Change  consent.Change
}

// Ready refuses while nobody can be asked.
func (s *Service) Ready(ctx context.Context) error {
	return ready(ctx, s.db)
}

// CountAskable tells how many of these contacts may be asked: a list asks nobody who has
// opted in or out, is suppressed, was asked within AskAgainAfter, or is being asked. Those
// without an id are not written yet.
func (s *Service) CountAskable(ctx context.Context, tx bun.Tx, people []*contact.Contact) (n int64, err error) {
	if len(people) == 0 {
		return 0, nil
	}
	now, err := db.Now(ctx, tx)
	if err != nil {
		return 0, err
	}
	may, err := s.askable(ctx, tx, people, now)
	for _, c := range people {
		if c.ID == 0 || may[c.ID] {
			n++
		}
	}
	return n, err
}

func (s *Service) askable(ctx context.Context, tx bun.Tx, people []*contact.Contact, now time.Time) (map[int64]bool, error) {
	why, err := s.refusals(ctx, tx, people, now)
	may := make(map[int64]bool, len(people))
	for _, c := range people {
		may[c.ID] = why[c.ID].Empty() && c.OptInRequestAt == nil
	}
	return may, err
}

// TakeMany keeps the consents of a list, of those who may be asked. The caller holds the
// contacts' locks. It tells how many it kept.
func (s *Service) TakeMany(ctx context.Context, tx bun.Tx, items []Item) (int64, error) {
	if len(items) == 0 {
		return 0, nil
	}
	if err := ready(ctx, tx); err != nil {
		return 0, err
	}
	people := make([]*contact.Contact, len(items))
	for i, it := range items {
		people[i] = it.Contact
	}
	now, err := db.Now(ctx, tx)
	if err != nil {
		return 0, err
	}
	may, err := s.askable(ctx, tx, people, now)
	if err != nil {
		return 0, err
	}
	var rows []*Request
	var asked []int64
	for _, it := range items {
		if c := it.Contact; may[c.ID] {
			may[c.ID] = false // a list may name them again
			rows, asked = append(rows, request(ctx, c, it.Change, now)), append(asked, c.ID)
		}
	}
	if err := insert(ctx, tx, rows); err != nil {
		return 0, err
	}
	return int64(len(rows)), audit.RecordEach(ctx, tx, audit.OptInRequest, "contact", asked)
}

func request(ctx context.Context, c *contact.Contact, ch consent.Change, now time.Time) *Request {
	r := &Request{
		ContactID: c.ID, Status: StatusWaiting, Source: ch.Source, Evidence: ch.Evidence, OperatorID: actor.OperatorID(ctx),
		CreatedAt: now, NotBefore: now, ExpiresAt: now.Add(WaitsAtMost),
	}
	if r.Evidence.AgreedAt = ch.OccurredAt; r.Evidence.AgreedAt.IsZero() {
		r.Evidence.AgreedAt = now
	}
	return r
}

// refusals tell why contacts may not be asked, a request of theirs that is open apart.
func (s *Service) refusals(ctx context.Context, tx bun.Tx, people []*contact.Contact, now time.Time) (map[int64]say.Text, error) {
	ids := contact.IDs(people)
	suppressed, err := s.consents.SuppressedContacts(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	last, err := lastAsked(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	why := make(map[int64]say.Text, len(people))
	for _, c := range people {
		again := last[c.ID].Add(AskAgainAfter)
		switch {
		case c.ErasedAt != nil:
			why[c.ID] = say.New("this contact was erased")
		case c.ConsentStatus == contact.ConsentOptedIn:
			why[c.ID] = say.New("they have opted in already: there is nothing to confirm")
		case c.ConsentStatus == contact.ConsentOptedOut:
			why[c.ID] = say.New("they have opted out, and nobody who has is asked: their own START brings them back")
		case len(suppressed[c.ID]) > 0:
			why[c.ID] = say.New("they are on the suppression list, and nothing is sent to whoever is on it")
		case now.Before(again):
			why[c.ID] = say.New("they were asked on %s and did not say yes: they may be asked again from %s", say.Day(last[c.ID].UTC()),
				say.Day(again.UTC()))
		}
	}
	return why, nil
}

// OfContacts gives the newest request of each contact.
func (s *Service) OfContacts(ctx context.Context, ids []int64) (map[int64]*Request, error) {
	return ofContacts(ctx, s.db, ids)
}

// List gives a page of requests, newest first; status "": all.
func (s *Service) List(ctx context.Context, status Status, p db.Page) (db.Slice[*Request], error) {
	return list(ctx, s.db, status, p)
}

// Count tells how many there are; status "": all.
func (s *Service) Count(ctx context.Context, status Status) (int64, error) {
	return count(ctx, s.db, status)
}

// Carry takes the requests of a contact along that is merged into another. An open one
// goes on where the two are one WhatsApp account and nothing is known of the other: a yes
// is given for a number. The caller has locked both.
func Carry(ctx context.Context, tx bun.Tx, kept *contact.Contact, gone int64, sameAccount bool) error {
	goesOn := sameAccount && kept.ConsentStatus == contact.ConsentUnknown && kept.OptInRequestAt == nil
	if !goesOn {
		if err := consent.EndRequests(ctx, tx, []int64{gone}, StatusCanceled); err != nil {
			return err
		}
	}
	return carry(ctx, tx, kept.ID, gone)
}

// Forget deletes what is kept of contacts who are erased. The caller has locked them.
func Forget(ctx context.Context, tx bun.Tx, ids []int64) error { return forget(ctx, tx, ids) }
