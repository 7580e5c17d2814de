// Package sender knows the WhatsApp numbers and messaging services that send.
package sender

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/provider"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Status is whether a sender sends.
type Status string

// Statuses.
const (
	StatusActive Status = "active"
	StatusPaused Status = "paused" // by an operator
	StatusFailed Status = "failed" // by the engine: Twilio refuses it
)

// statusWords are the words for it within sentences.
var statusWords = map[Status]say.Text{
	StatusActive: say.Of("sender", "active"),
	StatusPaused: say.Of("sender", "paused"),
	StatusFailed: say.Of("sender", "failed"),
}

// Said is the word for it within a sentence.
func (s Status) Said() say.Text { return say.Word(statusWords, s) }

// DefaultRate is Twilio's default throughput of a WhatsApp sender, messages a
// second. MaxRate is the most an account may send (error 63017).
const (
	DefaultRate = 80.0
	MaxRate     = 2000.0
)

// Sender is a WhatsApp number or a Messaging Service.
type Sender struct {
	bun.BaseModel `bun:"table:senders,alias:s"`

	ID            int64         `bun:",pk,autoincrement"`
	Address       string        // E.164, or MG… for a Messaging Service
	DisplayName   string        //
	RatePerSecond float64       // messages a second
	Status        Status        //
	PausedReason  string        //
	ResumedAt     *time.Time    // it last went on after a pause, by Postgres' clock
	Provider      provider.Name `bun:",nullzero"` // to whom it belongs; it stays so
	CreatedAt     time.Time     `bun:",nullzero"`
	UpdatedAt     time.Time     `bun:",nullzero"`
}

// RateKey names the sender's row in rate_limits.
func (s *Sender) RateKey() string { return RateKey(s.ID) }

// Service keeps senders.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Input is what a person sets; nil leaves a field as it is.
type Input struct {
	Address, DisplayName *string
	RatePerSecond        *float64
}

var serviceSID = regexp.MustCompile(`^MG[0-9a-f]{32}$`)

func (in Input) apply(s *Sender) error {
	var errs apperr.List
	if in.Address != nil {
		if s.Address = *in.Address; !serviceSID.MatchString(s.Address) {
			a, err := contact.ParseAddress(s.Address, "")
			_ = errs.Add(err)
			s.Address = a.Wire
		}
	}
	if in.DisplayName != nil {
		s.DisplayName = contact.CleanText(*in.DisplayName)
	}
	if s.DisplayName == "" || utf8.RuneCountInString(s.DisplayName) > 100 {
		_ = errs.Add(apperr.Invalid("displayName", "give a name of 1 to 100 characters"))
	}
	if in.RatePerSecond != nil {
		s.RatePerSecond = *in.RatePerSecond
	}
	if !(s.RatePerSecond >= 0.01 && s.RatePerSecond <= MaxRate) {
		_ = errs.Add(apperr.Invalid("ratePerSecond", "%g is out of range: 0.01 to %g messages a second", s.RatePerSecond,
			MaxRate))
	}
	return errs.Err()
}

// Create adds a sender. Admins only.
func (s *Service) Create(ctx context.Context, in Input) (*Sender, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	snd := &Sender{RatePerSecond: DefaultRate, Status: StatusActive}
	if in.Address == nil {
		return nil, apperr.Invalid("address", "give a WhatsApp number or the SID of a Messaging Service")
	}
	if err := in.apply(snd); err != nil {
		return nil, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, snd); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.SenderCreate, "sender", snd.ID, nil, snd.audited())
	})
	if db.IsUnique(err) {
		return nil, apperr.Invalid("address", "there is a sender %s already", snd.Address)
	}
	return snd, err
}

// Ensure adds the first sender at start, when the address is not known yet.
func (s *Service) Ensure(ctx context.Context, address, name string, rate float64) error {
	snd := &Sender{Status: StatusActive}
	if err := (Input{Address: &address, DisplayName: &name, RatePerSecond: &rate}).apply(snd); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return insertUnknown(ctx, tx, snd)
	})
}

// Update changes what in names; the address stays. Admins only.
func (s *Service) Update(ctx context.Context, id int64, in Input) (*Sender, error) {
	in.Address = nil
	return s.change(ctx, id, audit.SenderUpdate, actor.RoleAdmin, in.apply)
}

// Pause stops all sending from it; what is pending waits.
func (s *Service) Pause(ctx context.Context, id int64, reason string) (*Sender, error) {
	return s.change(ctx, id, audit.SenderPause, actor.RoleMarketer, func(snd *Sender) error {
		if snd.Status != StatusActive {
			return apperr.Conflict("the sender is %s already", snd.Status)
		}
		snd.Status, snd.PausedReason = StatusPaused, contact.CleanText(reason)
		return nil
	})
}

// Fail is the engine's own pause: Twilio refuses the sender, which a call met that began
// then; nil: nobody knows when. Somebody who has resumed the sender since has corrected it:
// a call that ends late does not take that back.
func (s *Service) Fail(ctx context.Context, id int64, reason string, began *time.Time) error {
	_, err := s.change(actor.With(ctx, actor.System), id, audit.SenderFail, actor.RoleAdmin, func(snd *Sender) error {
		if began != nil && snd.ResumedAt != nil && snd.ResumedAt.After(*began) {
			return errResumedSince
		}
		snd.Status, snd.PausedReason = StatusFailed, reason
		return nil
	})
	if errors.Is(err, errResumedSince) {
		return nil
	}
	return err
}

// errResumedSince leaves a sender as it is.
var errResumedSince = errors.New("the sender was resumed after that call began")

// Resume lets it send again.
func (s *Service) Resume(ctx context.Context, id int64) (*Sender, error) {
	now, err := db.Now(ctx, s.db)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, id, audit.SenderResume, actor.RoleMarketer, func(snd *Sender) error {
		if snd.Status == StatusActive {
			return apperr.Conflict("the sender is active already")
		}
		if snd.Retired() {
			return apperr.Conflict("the sender belongs to the sandbox, and Twilio is live")
		}
		snd.Status, snd.PausedReason, snd.ResumedAt = StatusActive, "", &now
		return nil
	})
}

// audited is what a sender is set to, for the trail.
func (s *Sender) audited() map[string]any {
	return map[string]any{"name": s.DisplayName, "rate": s.RatePerSecond, "status": s.Status, "reason": s.PausedReason}
}

func (s *Service) change(ctx context.Context, id int64, action audit.Action, role actor.Role,
	fn func(*Sender) error,
) (*Sender, error) {
	if err := actor.Require(ctx, role); err != nil {
		return nil, err
	}
	var snd *Sender
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if snd, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		was := snd.audited()
		if err := fn(snd); err != nil {
			return err
		}
		if err := save(ctx, tx, snd); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, action, "sender", id, was, snd.audited())
	})
	return snd, err
}

// AccountRate is how many messages a second the account sends at most, over all senders.
func (s *Service) AccountRate(ctx context.Context) (float64, error) {
	return rateOf(ctx, s.db, accountKey)
}

// SetAccountRate changes it, also while sending. Admins only.
func (s *Service) SetAccountRate(ctx context.Context, perSecond float64) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if !(perSecond >= 0.01 && perSecond <= MaxRate) {
		return apperr.Invalid("accountRatePerSecond", "%g is out of range: 0.01 to %g messages a second", perSecond, MaxRate)
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		was, err := rateForUpdate(ctx, tx, accountKey)
		if err != nil {
			return err
		}
		if err := SetRate(ctx, tx, accountKey, perSecond); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.SettingsUpdate, "settings", 1,
			map[string]any{"account_rate": was}, map[string]any{"account_rate": perSecond})
	})
}

// retiredPrefix stands before the address of a sender of the sandbox once Twilio is live:
// there its number may be somebody else's, or one of ours.
const retiredPrefix = "sandbox:"

// Retired reports whether it belongs to the sandbox, while Twilio is live.
func (s *Sender) Retired() bool { return strings.HasPrefix(s.Address, retiredPrefix) }

// RetireSandbox ends the senders of the sandbox, before Twilio goes live, and tells how
// many there were.
func RetireSandbox(ctx context.Context, tx bun.Tx) (int64, error) { return retire(ctx, tx) }

// List gives the senders of the provider in use.
func (s *Service) List(ctx context.Context) ([]*Sender, error) { return list(ctx, s.db) }

// ByIDs finds many; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Sender, error) {
	return byIDs(ctx, s.db, ids)
}

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Sender, error) { return Find(ctx, s.db, id) }

// FindAll finds many in the caller's transaction; unknown ids are left out.
func FindAll(ctx context.Context, idb bun.IDB, ids []int64) ([]*Sender, error) {
	return byIDs(ctx, idb, ids)
}

// Find finds one in the caller's transaction.
func Find(ctx context.Context, idb bun.IDB, id int64) (*Sender, error) {
	found, err := byIDs(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("sender %v does not exist", id)
	}
	return found[0], nil
}
