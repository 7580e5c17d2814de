// Package suppression takes lists of addresses that must not be written to in, and gives
// the list out: what other systems know of opt-outs and complaints has to hold here from
// the first message on. What a suppression is, package consent knows.
package suppression

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/csvcell"
	"eventstream/server/db"
	"eventstream/server/importer"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Limits of one list.
const (
	MaxRows    = 100_000
	MaxFile    = 16 << 20 // bytes
	maxRejects = 200      // that are told
	batch      = 2_000    // rows of one transaction
	tries      = 10       // of a batch that lost to another transaction
)

// Request is a list to take in.
type Request struct {
	FileName string
	Region   string                    // where national numbers are read
	Reason   consent.SuppressionReason // of rows without one; "": operator
	Until    *time.Time                // of rows without one; nil: for ever
}

// Result is what became of a list.
type Result struct {
	Rows, Added, Unchanged, Duplicates, Rejected int64
	Rejects                                      []Reject // the first ones
}

// Reject is a row that was left out.
type Reject struct {
	Line         int64
	Field, Value string
	Reason       say.Text
}

func (r *Result) reject(no Reject) {
	if r.Rejected++; len(r.Rejects) < maxRejects {
		r.Rejects = append(r.Rejects, no)
	}
}

// Service takes lists in and gives them out.
type Service struct {
	db       *db.DB
	hub      *pubsub.Hub
	consents *consent.Service
	now      func() time.Time
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub, consents *consent.Service, now func() time.Time) *Service {
	return &Service{db: d, hub: hub, consents: consents, now: now}
}

// Import takes a list in. It is read as a whole first; then its rows are written in
// batches, each with its entry in the audit trail. A list that is imported again
// changes nothing, so that one that was broken off is simply imported again.
func (s *Service) Import(ctx context.Context, r Request, file io.Reader) (*Result, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := s.check(&r); err != nil {
		return nil, err
	}
	out := new(Result)
	entries, err := r.read(file, s.now(), out)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(entries, batch) {
		var added int64
		var touched []int64
		err := contact.Patiently(ctx, tries, func() (err error) {
			added, touched, err = s.write(ctx, r, part)
			return err
		})
		if err != nil {
			return nil, err
		}
		out.Added += added
		out.Unchanged += int64(len(part)) - added
		s.hub.Publish(pubsub.TopicContact, touched...)
	}
	return out, nil
}

func (s *Service) check(r *Request) error {
	if r.Reason == "" {
		r.Reason = consent.SuppressedOperator
	}
	var errs apperr.List
	r.FileName, r.Region = importer.FileName(r.FileName), strings.TrimSpace(r.Region)
	_ = errs.Add(importer.CheckRegion("region", r.Region))
	if r.Reason == consent.SuppressedErased {
		_ = errs.Add(apperr.Invalid("reason", "erasing is done on the contact, not by a list: %s", reasonsTaken))
	}
	if r.Reason == consent.SuppressedOptedOut && r.Until != nil {
		_ = errs.Add(apperr.Invalid("until", "an opt-out does not end by itself: leave until out"))
	}
	if r.Until != nil && !r.Until.After(s.now()) {
		_ = errs.Add(apperr.Invalid("until", "%s is not in the future", r.Until))
	}
	return errs.Err()
}

// write writes one batch. Opt-outs of contacts go to the ledger too.
func (s *Service) write(ctx context.Context, r Request, part []entry) (added int64, touched []int64, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		keys := make([]string, len(part))
		list := make([]consent.Because, len(part))
		counts := map[consent.SuppressionReason]int{}
		for i, e := range part {
			keys[i] = e.key
			list[i] = consent.Because{MatchKey: e.key, Reason: e.reason, Until: e.until}
			counts[e.reason]++
		}
		people, err := contact.ByMatchKeys(ctx, tx, keys, true)
		if err != nil {
			return err
		}
		changed, err := s.consents.SuppressAll(ctx, tx, list)
		if err != nil {
			return err
		}
		news := make(map[int]bool, len(part))
		for _, i := range changed {
			news[i] = true
		}
		if touched, err = s.leave(ctx, tx, r, part, people, news); err != nil {
			return err
		}
		added = int64(len(news))
		return audit.Record(ctx, tx, audit.SuppressionImport, "suppression", 0, map[string]any{
			"file": r.FileName, "from_line": part[0].line, "to_line": part[len(part)-1].line, "rows": counts, "added": added,
		})
	})
	return added, touched, err
}

// leave records the opt-outs of those who are contacts and have not opted out: news.
// When they said so is not known; that it stands on a list is known as of now.
func (s *Service) leave(ctx context.Context, tx bun.Tx, r Request, part []entry, people map[string]*contact.Contact,
	news map[int]bool,
) (left []int64, err error) {
	now, err := db.Now(ctx, tx)
	if err != nil {
		return nil, err
	}
	ch := consent.Change{Status: contact.ConsentOptedOut, Source: consent.SourceImport, OccurredAt: now}
	var bulk []consent.Bulk
	for i, e := range part {
		c := people[e.key]
		if e.reason != consent.SuppressedOptedOut || c == nil || c.ConsentStatus == contact.ConsentOptedOut {
			continue
		}
		c.ConsentStatus = contact.ConsentOptedOut // the list may name another address of theirs
		theirs := ch
		theirs.Evidence = consent.Evidence{File: r.FileName, Row: e.line, Note: "on a list of suppressed addresses"}
		bulk = append(bulk, consent.Bulk{ContactID: c.ID, MatchKey: c.MatchKey, Change: theirs})
		left = append(left, c.ID)
		news[i] = true
	}
	if len(left) == 0 {
		return nil, nil
	}
	if err := s.consents.RecordBulk(ctx, tx, bulk); err != nil {
		return nil, err
	}
	return left, contact.SetConsents(ctx, tx, left, ch.Status, ch.OccurredAt)
}

// Open checks that the list may be given out, and records that it is: numbers leave the
// engine with it.
func (s *Service) Open(ctx context.Context) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	if err := actor.RequireScope(ctx, actor.ScopeContactsExport); err != nil {
		return err
	}
	return audit.Download(ctx, s.db, audit.SuppressionsDownload, 0)
}

// Export writes the list as a table: what is in force, first with the address where a contact
// has it, then the others, whose address nobody can tell from their hash. Import reads
// it back.
func (s *Service) Export(ctx context.Context, format csvcell.Format, out io.Writer) error {
	table, err := csvcell.NewTable(format, out)
	if err != nil {
		return err
	}
	if err := table.Write([]string{"address", "reason", "until", "since", "address_hash"}); err != nil {
		return err
	}
	if err := s.consents.EachSuppression(ctx, func(told []consent.Told) error {
		for _, t := range told {
			until := ""
			if t.Until != nil {
				until = t.Until.UTC().Format(time.RFC3339)
			}
			if err := table.Write([]string{
				t.Address, string(t.Reason), until, t.CreatedAt.UTC().Format(time.RFC3339), t.Hash(),
			}); err != nil {
				return err
			}
		}
		return table.Flush()
	}); err != nil {
		return err
	}
	return table.Close()
}
