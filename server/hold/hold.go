// Package hold keeps a restored installation from sending. The original from which
// the backup came may have gone on: it may be sending still, and what it sent since
// is not in the backup. So nothing leaves this database at first: no campaign, reply,
// confirmation or test. Webhooks are taken, and everything else goes on.
//
// A person says since when the original is stopped. The hold ends when the provider
// cannot have anything of it in its queue any more and its log confirms that. The
// log also tells what the original sent since the backup; it is kept as hashes, and
// a message that is still to be sent here is held against it: if the same text went
// to the same person, it takes that entry's SID instead of being sent again.
package hold

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/campaign"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

const (
	lookEvery = 10 * time.Minute // at the log, while the hold lasts
	tryAfter  = 30 * time.Second // at a log that could not be read
	keepFor   = 30 * 24 * time.Hour
	batchSize = 1000
	margin    = time.Minute // between Postgres' clock, at the backup, and the provider's
)

// Hold is why nothing is sent.
type Hold struct {
	HeldAt      time.Time
	BackupAt    time.Time  // what the original sent since is not in this database
	StoppedAt   *time.Time // the original sends no more since then, as somebody said; nil: nobody did
	ConfirmedAt *time.Time // when that was
	CheckedAt   *time.Time
	Notice      string    // why the hold goes on; "" when there is nothing to say
	Now         time.Time // Postgres' clock

	EndsAt *time.Time `bun:"-"` // the earliest moment; nil until somebody said so
}

// Log reads the provider's log of what was sent since a moment, page by page.
type Log interface {
	Sent(ctx context.Context, since time.Time, take func([]message.Logged) error) error
}

// Options are the parts of a Service.
type Options struct {
	DB        *db.DB
	Keys      *keys.Addresses
	Campaigns *campaign.Service
	Provider  Log
	Log       *slog.Logger

	// Validity is how long the provider may keep a message queued, and LogLag how much
	// later its log may show it.
	Validity, LogLag time.Duration
	// Skew is by how much the provider's clock may differ from who says when the
	// original was stopped.
	Skew time.Duration
}

// Service holds and releases.
type Service struct{ Options }

// New makes the service.
func New(o Options) *Service { return &Service{o} }

// Current gives the hold; nil when messages are sent.
func (s *Service) Current(ctx context.Context) (*Hold, error) {
	h, err := current(ctx, s.DB)
	if err == nil && h != nil && h.StoppedAt != nil {
		ends := h.StoppedAt.Add(s.Validity + s.LogLag)
		h.EndsAt = &ends
	}
	return h, err
}

// Held tells, for the engine's own work, whether this may be a copy of an installation
// that still sends.
func (s *Service) Held(ctx context.Context) (bool, error) {
	h, err := current(ctx, s.DB)
	return h != nil, err
}

// Release notes since when the original is stopped, now if stoppedAt is nil. The hold
// then ends by itself.
func (s *Service) Release(ctx context.Context, stoppedAt *time.Time) (*Hold, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	err := s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		h, err := lock(ctx, tx)
		switch {
		case err != nil:
			return err
		case h == nil:
			return apperr.Conflict("nothing is held: messages are sent")
		case stoppedAt == nil:
			stoppedAt = &h.Now
		case stoppedAt.After(h.Now):
			return apperr.Invalid("originalStoppedAt", "%s is in the future", stoppedAt)
		case stoppedAt.Before(h.BackupAt):
			return apperr.Invalid("originalStoppedAt", "%s is before the backup was taken, at %s, which the original made",
				stoppedAt, h.BackupAt)
		}
		if err := confirm(ctx, tx, *stoppedAt); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SendingConfirm, "sending", 0,
			map[string]any{"original_stopped_at": stoppedAt.UTC().Format(time.RFC3339)})
	})
	if err != nil {
		return nil, err
	}
	return s.Current(ctx)
}

// ReleaseNow ends the hold whatever the log says, from the command line: what the
// original sent may be sent again.
func (s *Service) ReleaseNow(ctx context.Context) error {
	return s.DB.Tx(actor.With(ctx, actor.System), func(ctx context.Context, tx bun.Tx) error {
		h, err := lock(ctx, tx)
		if err != nil {
			return err
		}
		if h == nil {
			return apperr.Conflict("nothing is held: messages are sent")
		}
		if err := remove(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SendingRelease, "sending", 0, map[string]any{"without_log": true})
	})
}

// Run is the maintenance task: it looks whether the hold may end, and ends it.
func (s *Service) Run(ctx context.Context) error {
	ctx = actor.With(ctx, actor.System)
	h, err := s.Current(ctx)
	if err != nil {
		return err
	}
	if h == nil {
		return forget(ctx, s.DB, keepFor)
	}
	if h.StoppedAt == nil || h.Now.Before(h.StoppedAt.Add(s.LogLag)) {
		return nil
	}
	over := !h.Now.Before(*h.EndsAt)
	if h.rests(over) {
		return nil
	}
	since := *h.StoppedAt
	if over {
		waits, err := inboundWaits(ctx, s.DB, *h.ConfirmedAt)
		if err != nil {
			return err
		}
		if waits {
			if err := readInbound(ctx, s.DB, *h.ConfirmedAt); err != nil {
				return err
			}
			return note(ctx, s.DB, inboundUnread)
		}
		since = h.BackupAt.Add(-margin)
	}
	last, err := s.read(ctx, since, over)
	if err != nil {
		return errors.Join(err, checked(ctx, s.DB, logUnread))
	}
	if last != nil && last.Created.After(h.StoppedAt.Add(s.Skew)) {
		return s.doubt(ctx, last)
	}
	if !over {
		return checked(ctx, s.DB, say.Text{})
	}
	return s.end(ctx, *h.StoppedAt)
}

// Why the hold goes on.
var (
	logUnread     = say.New("Twilio's log cannot be read, which tells what the original sent. It is tried again.")
	inboundUnread = say.New("Messages that people sent meanwhile, a STOP perhaps, are still being read from Twilio's log.")
)

// rests reports whether it is too early for another look at the log, which is long.
// The last look, when the hold is over, waits for none before it but one that failed.
func (h *Hold) rests(over bool) bool {
	if h.CheckedAt == nil {
		return false
	}
	since := h.Now.Sub(*h.CheckedAt)
	if h.Notice == logUnread.String() {
		return since < tryAfter
	}
	return !over && since < lookEvery
}

// read reads what was sent since a moment, keeps it if it is to be kept, and gives the
// latest that one of our senders sent.
func (s *Service) read(ctx context.Context, since time.Time, keep bool) (last *message.Logged, err error) {
	ours, err := senders(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	ring, err := s.Keys.Ring(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	err = s.Provider.Sent(ctx, since, func(entries []message.Logged) error {
		var rows []sent
		for _, e := range entries {
			if e.Direction != message.Outbound || !ours[e.From] && e.From != "" {
				continue
			}
			if last == nil || e.Created.After(last.Created) {
				last = &e
			}
			rows = append(rows, sent{e.SID, ring.Hash(what(e.To, e.Body)), e.Created})
		}
		if !keep {
			return nil
		}
		for len(rows) > 0 {
			n := min(len(rows), batchSize)
			if err := insertSent(ctx, s.DB, rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
		}
		return nil
	})
	return last, err
}

// what names a text to an address, however either is written.
func what(address, text string) string {
	if a, err := contact.ParseAddress(address, ""); err == nil {
		address = a.MatchKey
	}
	return "sent " + address + " " + strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

func (s *Service) doubt(ctx context.Context, e *message.Logged) error {
	s.Log.WarnContext(ctx, "sending stays held: the original sends", "sid", e.SID, "at", e.Created)
	return s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		notice := say.New("Twilio's log has a message of %s (%s), after the original was said to be stopped. Stop it, and say so again.",
			say.Second(e.Created), e.SID)
		if err := withdraw(ctx, tx, notice); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SendingDoubt, "sending", 0, map[string]any{"sid": e.SID})
	})
}

func (s *Service) end(ctx context.Context, stoppedAt time.Time) error {
	err := s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.Campaigns.SkipRuns(ctx, tx, stoppedAt); err != nil {
			return err
		}
		if err := remove(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SendingRelease, "sending", 0, map[string]any{})
	})
	if err == nil {
		s.Log.InfoContext(ctx, "sending is released")
	}
	return err
}

// Sent gives the SID under which the original sent this message already; "" when it
// did not. Those in taken belong to others.
func (s *Service) Sent(ctx context.Context, messageID int64, address, text string, taken []string) (string, error) {
	ring, err := s.Keys.Ring(ctx, s.DB)
	if err != nil {
		return "", err
	}
	// The log does not tell every text.
	return sentElsewhere(ctx, s.DB, messageID, ring.All(what(address, text)), ring.All(what(address, "")), taken)
}
