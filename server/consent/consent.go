// Package consent keeps the ledger of who agreed to be written to, with proof,
// and the suppressions that outlive a contact.
package consent

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/keys"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Source is where a consent event came from.
type Source string

// Sources.
const (
	SourceImport   Source = "import"
	SourceOperator Source = "operator"
	SourceAPI      Source = "api"
	SourceKeyword  Source = "keyword"  // the contact wrote STOP, START or the like
	SourceForm     Source = "form"     // a web form of the customer's
	SourceProvider Source = "provider" // a Twilio error says so (21610, 63014)
)

var sourceWords = map[Source]say.Text{
	SourceImport: say.Of("consent source", "import"), SourceOperator: say.Of("consent source", "operator"),
	SourceAPI: say.Of("consent source", "API"), SourceKeyword: say.Of("consent source", "keyword"),
	SourceForm: say.Of("consent source", "form"), SourceProvider: say.Of("consent source", "provider"),
}

// Said is the word for it behind "by".
func (s Source) Said() say.Text {
	if said, known := sourceWords[s]; known {
		return said
	}
	return say.Raw(strings.ReplaceAll(string(s), "_", " "))
}

// SourceOf is the source of what a caller does who names none: an operator, or a
// program with a token.
func SourceOf(ctx context.Context) Source {
	if actor.From(ctx).Kind == actor.KindAPIToken {
		return SourceAPI
	}
	return SourceOperator
}

// Evidence proves an event: GDPR Art. 7(1) asks for who, when, how and what
// text was shown.
type Evidence struct {
	Text       string    `json:"text,omitempty"`       // the words written; of a text that was shown see TextID
	TextID     int64     `json:"textId,omitempty"`     // the version of the text that was shown
	TextSHA256 string    `json:"textSha256,omitempty"` // of that version, so that its text is proved too
	Language   string    `json:"language,omitempty"`   // BCP 47
	File       string    `json:"file,omitempty"`       // imported file
	Row        int64     `json:"row,omitempty"`        // its row
	IP         string    `json:"ip,omitempty"`         // of the form
	MessageSID string    `json:"messageSid,omitempty"` // of the inbound message
	Note       string    `json:"note,omitempty"`       // what an operator wrote down
	Rule       string    `json:"rule,omitempty"`       // by which rule of Vocabulary.Understand an inbound message was read
	Words      string    `json:"words,omitempty"`      // by which words: Intent.Words
	Answer     string    `json:"answer,omitempty"`     // the yes by which they confirmed it: package doubleoptin
	AgreedAt   time.Time `json:"agreedAt,omitzero"`    // when they had agreed at first, where they confirmed it later
}

// Event is one entry of the ledger.
type Event struct {
	bun.BaseModel `bun:"table:consent_events,alias:ce"`

	ID          int64                 `bun:",pk,autoincrement"`
	ContactID   int64                 //
	AddressHash []byte                // keys.Ring.Hash of the match key
	Status      contact.ConsentStatus // opted_in or opted_out
	Purpose     Purpose               //
	Source      Source                //
	Evidence    Evidence              `bun:"type:jsonb"`
	OperatorID  *int64                //
	OccurredAt  time.Time             // when the person decided
	CreatedAt   time.Time             `bun:",nullzero"` // when we learned of it
	Late        bool                  // see Decision.Late
	Provider    provider.Name         `bun:",nullzero"` // under whom it was recorded

	Shown *Text `bun:"-"` // the text that the evidence points to
}

// SuppressionReason says why an address must not be written to.
type SuppressionReason string

// Suppression reasons.
const (
	SuppressedOptedOut  SuppressionReason = "opted_out"
	SuppressedBlocked   SuppressionReason = "blocked"
	SuppressedInvalid   SuppressionReason = "invalid"
	SuppressedComplaint SuppressionReason = "complaint"
	SuppressedErased    SuppressionReason = "erased"
	SuppressedOperator  SuppressionReason = "operator"
)

var suppressionWords = map[SuppressionReason]say.Text{
	SuppressedOptedOut: say.Of("suppression", "Opted out"), SuppressedBlocked: say.Of("suppression", "Blocked"),
	SuppressedInvalid: say.Of("suppression", "Invalid"), SuppressedComplaint: say.Of("suppression", "Complaint"),
	SuppressedErased: say.Of("suppression", "Erased"), SuppressedOperator: say.Of("suppression", "Operator"),
}

// Said is the word for it before "since".
func (r SuppressionReason) Said() say.Text {
	if said, known := suppressionWords[r]; known {
		return said
	}
	return say.Raw(strings.ReplaceAll(string(r), "_", " "))
}

// Service writes the ledger.
type Service struct {
	db   *db.DB
	hub  *pubsub.Hub
	keys *keys.Addresses
	now  func() time.Time

	Words *Words
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub, addresses *keys.Addresses, now func() time.Time) *Service {
	return &Service{db: d, hub: hub, keys: addresses, now: now, Words: newWords(d)}
}

// Change is a consent to record.
type Change struct {
	Purpose    Purpose // "": marketing
	Status     contact.ConsentStatus
	Source     Source // of what a caller of the API records: as they say, see sourceFor
	Evidence   Evidence
	OccurredAt time.Time // zero: now
	Late       bool      // it comes from a spool, the provider's log or imported history; see Decision
}

func (ch *Change) purpose() Purpose {
	if ch.Purpose == "" {
		return PurposeMarketing
	}
	return ch.Purpose
}

// Set records what a contact decided, for an operator or API client.
func (s *Service) Set(ctx context.Context, contactID int64, ch Change) (*contact.Contact, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := s.check(ctx, &ch, fields{evidence: "evidence", source: "source"}); err != nil {
		return nil, err
	}
	var c *contact.Contact
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = contact.ByIDForUpdate(ctx, tx, contactID); err != nil {
			return err
		}
		if err := ch.date(ctx, tx); err != nil {
			return err
		}
		return s.Record(ctx, tx, c, ch)
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicContact, c.ID)
	return c, nil
}

// date gives a change its time. One that the caller says is of whatever clock
// they looked at: it is in doubt, and never later than now.
func (ch *Change) date(ctx context.Context, idb bun.IDB) error {
	now, err := db.Now(ctx, idb)
	if err != nil {
		return err
	}
	ch.Late = ch.Late || !ch.OccurredAt.IsZero()
	if ch.OccurredAt.IsZero() || ch.OccurredAt.After(now) {
		ch.OccurredAt = now
	}
	return nil
}

// fields are what the caller's input calls evidence and source.
type fields struct{ evidence, source string }

func (s *Service) check(ctx context.Context, ch *Change, in fields) error {
	var errs apperr.List
	if ch.Status != contact.ConsentOptedIn && ch.Status != contact.ConsentOptedOut {
		_ = errs.Add(apperr.Invalid("status", "%q cannot be set: opted_in or opted_out", ch.Status))
	}
	if ch.OccurredAt.After(s.now().Add(time.Minute)) {
		_ = errs.Add(apperr.Invalid("occurredAt", "%s is in the future", ch.OccurredAt))
	}
	if err := errs.Add(s.checkEvidence(ctx, ch, in.evidence)); err != nil {
		return err
	}
	source, err := sourceFor(ctx, in.source, ch.Source)
	if err := errs.Add(err); err != nil {
		return err
	}
	ch.Source = source
	return errs.Err()
}

// checkEvidence checks what a caller tells of how somebody decided, and puts the text in
// the place of its id.
func (s *Service) checkEvidence(ctx context.Context, ch *Change, field string) error {
	e := &ch.Evidence
	e.Text, e.Note = contact.CleanText(e.Text), contact.CleanText(e.Note)
	e.Language, e.IP = contact.CleanText(e.Language), strings.TrimSpace(e.IP)
	var errs apperr.List
	if e.TextID != 0 && e.Language != "" {
		_ = errs.Add(apperr.Invalid(field+".language", "the text with this id has its own language: leave language out"))
	}
	if err := errs.Add(s.FillText(ctx, field+".textId", e)); err != nil {
		return err
	}
	if ch.Status == contact.ConsentOptedIn && e.Text == "" && e.Note == "" && errs.Err() == nil {
		_ = errs.Add(apperr.Invalid(field, "say how these people agreed: the text they saw, or a note"))
	}
	_ = errs.Add(CheckLength(field+".text", e.Text))
	_ = errs.Add(CheckLength(field+".note", e.Note))
	if len(e.Language) > 35 {
		_ = errs.Add(apperr.Invalid(field+".language", "%q is not a language tag such as de or pt-BR", e.Language))
	}
	if e.IP != "" {
		addr, err := netip.ParseAddr(e.IP)
		if err != nil || addr.Zone() != "" { // a zone may be any text, and means something on one machine only
			_ = errs.Add(apperr.Invalid(field+".ip", "%q is not an IP address", shortened(e.IP)))
		} else {
			e.IP = addr.String()
		}
	}
	return errs.Err()
}

const maxEvidence = 4000

// CheckLength refuses a text of evidence that is too long.
func CheckLength(field, text string) error {
	if n := utf8.RuneCountInString(text); n > maxEvidence {
		return apperr.Invalid(field, "at most 4,000 characters are allowed, not %d", n)
	}
	return nil
}

// Check checks a change for many before anything of it is written, and gives it
// its time.
func (s *Service) Check(ctx context.Context, ch *Change) error {
	if ch == nil {
		return apperr.Invalid("status", "say what they decided: opted_in or opted_out")
	}
	if err := s.check(ctx, ch, fields{evidence: "evidence", source: "source"}); err != nil {
		return err
	}
	return ch.date(ctx, s.db)
}

// Recorder writes a change of somebody's consent in the caller's transaction: Record, or
// one that has them confirm it first.
type Recorder func(ctx context.Context, tx bun.Tx, c *contact.Contact, ch Change) error

// CreateContact adds a contact and, with evidence, has their opt-in recorded in the
// same transaction. source is what the caller says of where it came from.
func (s *Service) CreateContact(ctx context.Context, contacts *contact.Service, address, region string,
	in contact.Input, evidence *Evidence, source Source, record Recorder,
) (*contact.Contact, error) {
	if evidence == nil && source != "" {
		return nil, apperr.Invalid("consentSource", "there is no consent whose source this could be: leave it out, or give consent")
	}
	ch := Change{Status: contact.ConsentOptedIn, Source: source}
	if evidence != nil {
		ch.Evidence = *evidence
		if err := s.check(ctx, &ch, fields{evidence: "consent", source: "consentSource"}); err != nil {
			return nil, err
		}
	}
	return contacts.Create(ctx, address, region, in, func(ctx context.Context, tx bun.Tx, c *contact.Contact) error {
		if evidence == nil {
			return nil
		}
		return record(ctx, tx, c, ch)
	})
}

// Record appends to the ledger in the caller's transaction, which holds the
// contact's lock, and keeps the contact and its suppression in step. An event
// that another one supersedes is kept but changes nothing; then c stays as it is.
func (s *Service) Record(ctx context.Context, tx bun.Tx, c *contact.Contact, ch Change) error {
	if ch.OccurredAt.IsZero() {
		if err := ch.date(ctx, tx); err != nil {
			return err
		}
	}
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return err
	}
	e := s.event(ctx, ring, c.ID, c.MatchKey, ch)
	if err := keepTexts(ctx, tx, []*Event{e}); err != nil {
		return err
	}
	if err := insertEvents(ctx, tx, []*Event{e}); err != nil {
		return err
	}
	if e.Purpose == PurposeUtility {
		if err := recordUtility(ctx, tx, c); err != nil {
			return err
		}
		return recordOne(ctx, tx, e)
	}
	at, counts, err := s.counts(ctx, tx, c, e)
	if err != nil {
		return err
	}
	if counts {
		if err := contact.SetConsent(ctx, tx, c.ID, ch.Status, at); err != nil {
			return err
		}
		c.ConsentStatus, c.ConsentAt = ch.Status, &at
		if c.OptInRequestAt != nil {
			c.OptInRequestAt = nil
			if err := EndRequests(ctx, tx, []int64{c.ID}, e.answers()); err != nil {
				return err
			}
		}
		if err := s.follow(ctx, tx, ring, e, c.MatchKey); err != nil {
			return err
		}
	}
	return recordOne(ctx, tx, e)
}

// answers is what an event makes of a question that is open.
func (e *Event) answers() RequestStatus {
	switch {
	case e.Status == contact.ConsentOptedOut:
		return RequestDeclined
	case e.Source == SourceKeyword:
		return RequestConfirmed
	}
	return RequestCanceled // it was recorded in another way
}

// counts reports whether an event that was just written to the ledger decides,
// and since when what it decides holds. Where anything came late, the whole
// ledger is asked, so that the order in which things become known does not
// matter.
func (s *Service) counts(ctx context.Context, tx bun.Tx, c *contact.Contact, e *Event) (time.Time, bool, error) {
	if c.ConsentAt == nil {
		return e.OccurredAt, true, nil
	}
	current := Decision{Status: c.ConsentStatus, At: *c.ConsentAt}
	ledgers, err := decisions(ctx, tx, c.ID)
	if err != nil {
		return time.Time{}, false, err
	}
	known := ledgers[c.ID]
	late, explained := false, false
	for _, d := range known {
		late = late || d.Late
		explained = explained || d.Seq != e.ID && d.Status == current.Status && !d.At.Before(current.At)
	}
	if !late {
		return e.OccurredAt, Supersedes(Decision{Status: e.Status, At: e.OccurredAt}, current), nil
	}
	if !explained && current.Status != contact.ConsentUnknown {
		known = append(known, current)
	}
	// An opt-out that leaves the opt-in in doubt counts, though an earlier one,
	// which that opt-in had lifted, may be the later of the two.
	standing, ok := Standing(known)
	return standing.At, ok && standing.Status == e.Status && (standing.Seq == e.ID || current.Status != e.Status), nil
}

// follow makes the suppression agree with the consent. That of one address holds for
// the person, so that one is written, and those of all are lifted.
func (s *Service) follow(ctx context.Context, tx bun.Tx, ring *keys.Ring, e *Event, matchKey string) error {
	if e.Status == contact.ConsentOptedOut {
		return optOut(ctx, tx, []spelled{{e.AddressHash, ring.All(matchKey)}})
	}
	all, err := hashesOf(ctx, tx, ring, []int64{e.ContactID})
	if err != nil {
		return err
	}
	all = append(all, ring.All(matchKey)...)
	if e.Source == SourceKeyword { // their own word, also after an erasure
		return deleteSuppressions(ctx, tx, all, SuppressedOptedOut, SuppressedErased)
	}
	return deleteSuppressions(ctx, tx, all, SuppressedOptedOut)
}

// Bulk is one event of many, for contacts that the caller has locked and whose
// consent columns it writes itself (the importer).
type Bulk struct {
	ContactID int64
	MatchKey  string
	Change    Change
	// Keys are those of all addresses of a contact that was written in this transaction, of
	// which nothing else is known; empty: it was there before.
	Keys []string
}

// event is the ledger's entry of a change.
func (s *Service) event(ctx context.Context, ring *keys.Ring, contactID int64, matchKey string, ch Change) *Event {
	return &Event{
		ContactID: contactID, AddressHash: ring.Hash(matchKey), Status: ch.Status, Purpose: ch.purpose(), Source: ch.Source,
		Evidence: ch.Evidence, OperatorID: actor.OperatorID(ctx), OccurredAt: ch.OccurredAt, Late: ch.Late,
	}
}

// RecordBulk appends many events about marketing at once.
func (s *Service) RecordBulk(ctx context.Context, tx bun.Tx, bulk []Bulk) error {
	if len(bulk) == 0 {
		return nil
	}
	ring, err := s.keys.Ring(ctx, tx)
	if err != nil {
		return err
	}
	events := make([]*Event, len(bulk))
	var in [][]byte
	var out []spelled
	var agreed []int64
	ended := map[RequestStatus][]int64{}
	for i, b := range bulk {
		events[i] = s.event(ctx, ring, b.ContactID, b.MatchKey, b.Change)
		if len(b.Keys) == 0 {
			ended[events[i].answers()] = append(ended[events[i].answers()], b.ContactID)
		}
		all := ring.All(b.MatchKey)
		switch {
		case b.Change.Status == contact.ConsentOptedOut:
			out = append(out, spelled{events[i].AddressHash, all})
		case len(b.Keys) > 0:
			for _, key := range b.Keys {
				in = append(in, ring.All(key)...)
			}
		default:
			in, agreed = append(in, all...), append(agreed, b.ContactID)
		}
	}
	if err := keepTexts(ctx, tx, events); err != nil {
		return err
	}
	if err := insertMany(ctx, tx, events); err != nil {
		return err
	}
	if err := recordMany(ctx, tx, events); err != nil {
		return err
	}
	for _, as := range slices.Sorted(maps.Keys(ended)) {
		if err := EndRequests(ctx, tx, ended[as], as); err != nil {
			return err
		}
	}
	others, err := hashesOf(ctx, tx, ring, agreed)
	if err != nil {
		return err
	}
	// Lifted first: of somebody who is in both, the opt-out holds.
	if err := deleteSuppressions(ctx, tx, append(in, others...), SuppressedOptedOut); err != nil {
		return err
	}
	return optOut(ctx, tx, out)
}

// Suppressed tells which of these match keys must not be written to, and why.
func (s *Service) Suppressed(ctx context.Context, idb bun.IDB, matchKeys []string) (map[string]Reasons, error) {
	rows, err := s.suppressionsBy(ctx, idb, matchKeys)
	found := make(map[string]Reasons, len(rows))
	for key, theirs := range rows {
		found[key] = reasonsOf(theirs)
	}
	return found, err
}

// EventFilter narrows the ledger.
type EventFilter struct {
	ContactID *int64 // also what was decided as a contact merged into this one
	Purpose   *Purpose
	Status    *contact.ConsentStatus
	Source    *Source
}

// Events gives a page of the ledger, newest first.
func (s *Service) Events(ctx context.Context, f EventFilter, p db.Page) (db.Slice[*Event], error) {
	page, err := events(ctx, s.db, f, p)
	if err != nil {
		return page, err
	}
	return page, WithTexts(ctx, s.db, page.Items)
}

// EventsOfContacts gives the same page of each contact's ledger, newest first.
func (s *Service) EventsOfContacts(ctx context.Context, p db.Page, ids []int64) (map[int64]db.Slice[*Event], error) {
	pages, err := eventsOfContacts(ctx, s.db, p, ids)
	if err != nil {
		return nil, err
	}
	var all []*Event
	for _, page := range pages {
		all = append(all, page.Items...)
	}
	return pages, WithTexts(ctx, s.db, all)
}

// ParseStatusWord reads an import's consent column. ok is false for words that
// say neither; a plain "no" in an opt-in column means that nobody agreed, which
// is no opt-out.
func ParseStatusWord(word string) (status contact.ConsentStatus, ok bool) {
	word = strings.ToLower(strings.Trim(word, " \t."))
	status, ok = statusWords[statusSpaces.Replace(word)]
	if !ok {
		status, ok = statusWords[word]
	}
	return status, ok
}

var statusSpaces = strings.NewReplacer("_", " ", "-", " ")

var statusWords = func() map[string]contact.ConsentStatus {
	words := map[string]contact.ConsentStatus{}
	for status, list := range map[contact.ConsentStatus]string{
		contact.ConsentOptedIn: "yes,y,true,t,1,1.0,x,✓,✔,✔️,☑,✅,on,opted in,opt in,optin,optedin,subscribed,subscribe,granted,given,agreed," +
			"agree,accepted,accept,consented,confirmed,ja,wahr,oui,vrai,si,sí,verdadero,sim,verdadeiro,vero,tak,да,evet,doğru,ya,是,نعم,हाँ",
		contact.ConsentOptedOut: "opted out,opt out,optout,optedout,unsubscribed,unsubscribe,stop,revoked,withdrawn,blocklisted,blocklist," +
			"blacklisted,blacklist,blocked,removed,abgemeldet,désabonné,desuscrito,complained,spam complaint,suppressed",
		contact.ConsentUnknown: ",-,–,no,n,false,f,0,0.0,off,✗,✘,❌,☐,unknown,none,null,n/a,na,#n/a,nein,falsch,non,faux,não,nao,falso,nie,нет," +
			"hayır,yanlış,tidak,否,لا,नहीं,pending,never subscribed,not subscribed,non subscribed,nonsubscribed,enabled,unconfirmed," +
			"declined,refused,denied,rejected,not given,not granted,cleaned,bounced,inactive",
	} {
		for _, word := range strings.Split(list, ",") {
			words[word] = status
		}
	}
	return words
}()
