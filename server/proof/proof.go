// Package proof writes down what stands behind one contact or one message: what was
// asked, agreed, sent and why, with the audit trail's entries about it and their
// paths to a signed checkpoint. Whoever has the file and the public key checks it,
// without the database and without anybody else's data.
package proof

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/explain"
	"eventstream/server/message"

	"golang.org/x/mod/sumdb/note"
)

const format = "eventstream-proof/1"

// maxMessages are in the proof of a contact at most, the newest ones.
const maxMessages = 1000

// File is the content of a proof.
type File struct {
	Format   string        `json:"format"`
	MadeAt   time.Time     `json:"madeAt"`
	Subject  subject       `json:"subject"`
	Consents []agreement   `json:"consents"` // oldest first
	Messages []sent        `json:"messages"` // oldest first
	LeftOut  int64         `json:"messagesLeftOut"`
	Trail    audit.Extract `json:"trail"`
}

type subject struct {
	Contact int64  `json:"contact"`
	Address string `json:"address"`
	Message *int64 `json:"message,omitempty"` // the proof is about it alone
}

// agreement is an event of the consent ledger. Statement has all of it, in the words
// that the trail keeps the hash of.
type agreement struct {
	Event     int64            `json:"event"`
	KnownAt   time.Time        `json:"knownAt"`
	Statement string           `json:"statement"`
	Text      *shownText       `json:"text,omitempty"`  // that they were shown; the statement has its hash
	Entry     int64            `json:"entry,omitempty"` // its own entry, which has the statement's hash
	Leaf      *audit.LeafProof `json:"leaf,omitempty"`  // or its path in an entry about many
}

// shownText is a version of a text by which people agreed.
type shownText struct {
	Version   int64     `json:"version"`
	Locale    string    `json:"locale"`
	Content   string    `json:"content"`
	FirstUsed time.Time `json:"firstUsed"`
}

// fits reports whether the text is the one that a statement of the ledger names.
func (t *shownText) fits(statement string) bool {
	var s struct {
		Evidence consent.Evidence `json:"evidence"`
	}
	return json.Unmarshal([]byte(statement), &s) == nil &&
		s.Evidence.TextSHA256 == hex.EncodeToString(consent.TextSHA256(t.Locale, t.Content))
}

type sent struct {
	message.Account
	Why        string    `json:"why"`
	Questions  []asked   `json:"questions"` // of the gate, in its order
	Statements []decided `json:"statements"`
}

type asked struct {
	Question string `json:"question"`
	Passed   *bool  `json:"passed"` // null: not asked
	Detail   string `json:"detail"`
}

// decided is what the trail says became of the message.
type decided struct {
	Statement string           `json:"statement"`
	Leaf      *audit.LeafProof `json:"leaf"`
}

// Service makes proofs.
type Service struct {
	db           *db.DB
	trail        *audit.Trail
	explanations *explain.Service
	now          func() time.Time
}

// NewService makes the service.
func NewService(d *db.DB, trail *audit.Trail, explanations *explain.Service, now func() time.Time) *Service {
	return &Service{db: d, trail: trail, explanations: explanations, now: now}
}

// OfContact writes the proof of a contact, signed. It notes the download in the trail.
func (s *Service) OfContact(ctx context.Context, id int64) (string, error) {
	if err := s.open(ctx, audit.ContactProofDownload, id); err != nil {
		return "", err
	}
	c, err := contact.PersonOf(ctx, s.db, id)
	if err != nil {
		return "", err
	}
	return s.write(ctx, c, nil)
}

// OfMessage writes the proof of a message, signed, with its contact's consents.
func (s *Service) OfMessage(ctx context.Context, id int64) (string, error) {
	if err := s.open(ctx, audit.MessageProofDownload, id); err != nil {
		return "", err
	}
	c, err := contactOfMessage(ctx, s.db, id)
	if err != nil {
		return "", err
	}
	return s.write(ctx, c, &id)
}

func (s *Service) open(ctx context.Context, what audit.Action, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	if err := actor.RequireScope(ctx, actor.ScopeContactsExport); err != nil {
		return err
	}
	return audit.Download(ctx, s.db, what, id)
}

func (s *Service) write(ctx context.Context, c *contact.Contact, only *int64) (string, error) {
	f := &File{
		Format: format, MadeAt: s.now().UTC().Truncate(time.Second), Consents: []agreement{}, Messages: []sent{},
		Subject: subject{Contact: c.ID, Address: c.Address, Message: only},
	}
	if err := s.trail.SealAll(ctx); err != nil {
		return "", err
	}
	family, err := contact.FamilyOf(ctx, s.db, c.ID)
	if err != nil {
		return "", err
	}
	events, err := ledger(ctx, s.db, family)
	if err != nil {
		return "", err
	}
	rows, total, err := message.Accounts(ctx, s.db, family, only, maxMessages)
	if err != nil {
		return "", err
	}
	f.LeftOut = total - int64(len(rows))
	var messages, campaigns, eventIDs []int64
	for _, m := range rows {
		campaign := int64(0)
		if m.Campaign != nil {
			campaign = *m.Campaign
		}
		messages, campaigns = append(messages, m.ID), append(campaigns, campaign)
	}
	for _, e := range events {
		eventIDs = append(eventIDs, e.ID)
	}
	about := family
	if only != nil {
		about = nil // of the contact only its consents
	}
	entries, err := s.trail.About(ctx, about, messages, campaigns, eventIDs)
	if err != nil {
		return "", err
	}
	if only != nil {
		own, err := s.trail.About(ctx, family, nil, nil, nil)
		if err != nil {
			return "", err
		}
		for _, e := range own {
			if e.Action == audit.ConsentSet.String() || e.Action == audit.OptOutReviewDecide.String() {
				entries = append(entries, e)
			}
		}
	}
	used := map[int64]*audit.Entry{}
	for _, e := range entries {
		if e.Leaves == nil {
			used[*e.Seq] = e // about them alone
		}
	}
	for _, e := range events {
		a, entry, err := agreed(e, entries)
		if err != nil {
			return "", err
		}
		if entry != nil {
			used[*entry.Seq] = entry
		}
		f.Consents = append(f.Consents, a)
	}
	for _, m := range rows {
		one, proving, err := s.sent(ctx, m, entries)
		if err != nil {
			return "", err
		}
		for _, e := range proving {
			used[*e.Seq] = e
		}
		f.Messages = append(f.Messages, one)
	}
	var list []*audit.Entry
	for _, e := range entries {
		if used[*e.Seq] == e {
			list = append(list, e)
		}
	}
	x, err := s.trail.Extract(ctx, list)
	if err != nil {
		return "", err
	}
	f.Trail = *x
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return "", fmt.Errorf("proof: %w", err)
	}
	return s.trail.SignDocument(ctx, string(raw))
}

// agreed finds the entry that proves an event of the ledger.
func agreed(e *consent.Event, entries []*audit.Entry) (agreement, *audit.Entry, error) {
	a := agreement{Event: e.ID, KnownAt: e.CreatedAt.UTC(), Statement: e.Statement()}
	if t := e.Shown; t != nil {
		a.Text = &shownText{Version: t.ID, Locale: t.Locale, Content: t.Content, FirstUsed: t.CreatedAt.UTC()}
	}
	for _, entry := range entries {
		switch entry.Entity {
		case "contact":
			if digestIn(string(entry.Changes)) == e.Digest() {
				a.Entry = *entry.Seq
				return a, entry, nil
			}
		case "consent_events":
			_, leaf, err := entry.ProveLeaf(a.Statement)
			if err != nil || leaf != nil {
				a.Leaf = leaf
				return a, entry, err
			}
		}
	}
	return a, nil, nil
}

func digestIn(changes string) string {
	var c struct {
		SHA256 string `json:"sha256"`
	}
	_ = json.Unmarshal([]byte(changes), &c)
	return c.SHA256
}

// sent explains a message and finds what the trail says of it: one statement for each
// try that is known.
func (s *Service) sent(ctx context.Context, m *message.Account, entries []*audit.Entry) (sent, []*audit.Entry, error) {
	out := sent{Account: *m, Questions: []asked{}, Statements: []decided{}}
	why, err := s.explanations.Decide(ctx, m.ID)
	if err != nil {
		return out, nil, err
	}
	out.Why = why.Verdict.String()
	for _, step := range why.Steps {
		out.Questions = append(out.Questions, asked{step.Check.String(), step.Passed, step.Detail.String()})
	}
	var proving []*audit.Entry
	for _, e := range entries {
		if e.Leaves == nil || e.Entity == "consent_events" {
			continue
		}
		statement, leaf, err := e.ProveLeaf(m.Statements()...)
		if err != nil {
			return out, nil, err
		}
		if leaf != nil {
			out.Statements = append(out.Statements, decided{statement, leaf})
			proving = append(proving, e)
		}
	}
	return out, proving, nil
}

// Report says what a checked proof proves.
type Report struct {
	File       *File
	Checkpoint *audit.Checkpoint
	Proven     int // consents and statements about messages that entries prove
	Told       int // consents and messages that are told under the signature alone
}

// Check verifies a proof with the public keys alone: its signature over every byte, its
// checkpoint, every entry, and every statement.
func Check(raw string, keys []note.Verifier) (*Report, error) {
	document, signature, err := audit.SplitDocument(raw)
	if err != nil {
		return nil, err
	}
	f := new(File)
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(f); err != nil {
		return nil, fmt.Errorf("it is no proof: %w", err)
	}
	if f.Format != format {
		return nil, apperr.Invalid("format", "%q is not known here: want %s", f.Format, format)
	}
	keys = f.Trail.Follow(keys)
	if err := audit.CheckDocument(document, signature, keys); err != nil {
		return nil, fmt.Errorf("the proof does not count: %w", err)
	}
	r := &Report{File: f}
	if r.Checkpoint, err = f.Trail.Check(keys, false); err != nil {
		return nil, err
	}
	entries := map[int64]audit.ExtractEntry{}
	for _, e := range f.Trail.Entries {
		entries[e.Seq] = e
	}
	leaf := func(statement string, p *audit.LeafProof) error {
		e, ok := entries[p.Entry]
		if !ok {
			return fmt.Errorf("entry %d is missing", p.Entry)
		}
		if err := p.Check(statement, e.Changes); err != nil {
			return fmt.Errorf("entry %d: %w", p.Entry, err)
		}
		r.Proven++
		return nil
	}
	for _, a := range f.Consents {
		if a.Text != nil && !a.Text.fits(a.Statement) {
			return nil, fmt.Errorf("the text of the consent event %d is not the one that was agreed to", a.Event)
		}
		switch {
		case a.Leaf != nil:
			if err := leaf(a.Statement, a.Leaf); err != nil {
				return nil, err
			}
		case a.Entry != 0:
			sum := sha256.Sum256([]byte(a.Statement))
			if e, ok := entries[a.Entry]; !ok || digestIn(e.Changes) != hex.EncodeToString(sum[:]) {
				return nil, fmt.Errorf("the consent event %d is not the one of entry %d", a.Event, a.Entry)
			}
			r.Proven++
		default:
			r.Told++
		}
	}
	for _, m := range f.Messages {
		if len(m.Statements) == 0 {
			r.Told++
		}
		for _, d := range m.Statements {
			if d.Leaf == nil {
				return nil, errors.New("a statement about a message has no path")
			}
			if err := leaf(d.Statement, d.Leaf); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}
