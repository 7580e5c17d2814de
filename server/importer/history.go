package importer

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// A log of messages is imported as what was: contacts get no consent by it, nothing is
// sent, and no campaign counts it. Frequency caps, windows and segments know it. Who
// wrote STOP stays away; a START of that time brings nobody back.

// Messages is what came in of a log.
type Messages struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	OptOuts  int64 `json:"optOuts"`  // people, as far as they had not opted out before
	Contacts int64 `json:"contacts"` // people who were not known
}

// LogWords are the words of a provider's log.
type LogWords struct {
	Status func(word string) (message.Status, bool)
	Code   func(code int) message.CodeInfo
}

// logColumns are where a log's columns are; -1: it has none.
type logColumns struct{ from, to, body, status, direction, sid, at, code, text int }

func findLogColumns(columns []Column) logColumns {
	find := func(names ...string) int {
		for _, name := range names {
			if i := slices.IndexFunc(columns, func(c Column) bool { return foldHeader(c.Name) == name }); i >= 0 {
				return i
			}
		}
		return -1
	}
	return logColumns{
		from: find("from"), to: find("to"), body: find("body"), status: find("status"), direction: find("direction"),
		sid: find("sid"), at: find("sentdate", "datesent", "senddate", "datecreated", "createddate"), code: find("errorcode"),
		text: find("errormessage"),
	}
}

// logged is a checked row of a log.
type logged struct {
	past     message.Past
	sender   string // ours
	otherWay bool   // an SMS or the like: only an opt-out in it counts
	intent   consent.Intent
	behind   string // what follows a STOP, folded: it may be the keyword of a topic
	topicID  int64  // that topic, whose messages alone they want no more; 0: none
}

const channelPrefix = "whatsapp:"

var messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// checkLogged reads one record of a log, or says why it is no message.
func checkLogged(rec record, opts Options) (*row, *Reject) {
	reject := func(field, value, reason string) (*row, *Reject) {
		return nil, &Reject{
			Row: rec.row, Line: rec.line, Field: field, Value: clip(value, 500), Reason: reason, Record: cellsOf(rec),
		}
	}
	if rec.fault != "" {
		return reject("row", "", rec.fault)
	}
	at := opts.log
	cell := func(i int) string {
		if i < 0 || i >= len(rec.values) {
			return ""
		}
		return contact.CleanText(text(rec.values[i]))
	}
	l := &logged{past: message.Past{
		SID: cell(at.sid), Body: cell(at.body), Direction: message.Outbound, ErrorMessage: clip(cell(at.text), 500),
	}}
	r := &row{rec: rec, consent: contact.ConsentUnknown, logged: l}
	person, ours := cell(at.to), cell(at.from)
	direction := strings.ToLower(cell(at.direction))
	switch {
	case direction == "inbound":
		l.past.Direction = message.Inbound
		person, ours = ours, person
	case !strings.HasPrefix(direction, "outbound"):
		return reject("Direction", direction, "neither inbound nor outbound")
	}
	if !messageSID.MatchString(l.past.SID) {
		return reject("Sid", l.past.SID, "not the SID of a message: SM or MM and 32 hexadecimal digits")
	}
	plain, whatsApp := strings.CutPrefix(person, channelPrefix)
	l.otherWay = !whatsApp
	l.sender = strings.TrimPrefix(ours, channelPrefix)
	var err error
	if r.address, err = contact.DeliveredAddress(plain); err != nil {
		return reject("address", person, "not the address of a person")
	}
	r.addresses = []contact.Address{r.address}
	when, err := parseDate(cell(at.at), opts.Columns[max(at.at, 0)].DateOrder)
	switch {
	case err != nil:
		return reject("SentDate", cell(at.at), err.Error())
	case when.After(time.Now().Add(24 * time.Hour)):
		return reject("SentDate", cell(at.at), "a time that has not come yet")
	}
	l.past.At = when
	word := strings.ToLower(strings.ReplaceAll(cell(at.status), " ", "_"))
	status, known := opts.words.Status(word)
	switch {
	case l.past.Direction == message.Inbound:
		l.past.Status = message.StatusReceived
		l.intent = opts.vocabulary.Understand(consent.Said{Body: l.past.Body})
		if k, rest := opts.vocabulary.Command(l.past.Body); k == consent.KeywordStop {
			l.behind = rest
		}
	case word == "scheduled":
		return reject("Status", word, "it has not been sent yet: schedule it here as a campaign")
	case !known:
		return reject("Status", word, "no status that Twilio has")
	default:
		l.past.Status = status
	}
	if code := strings.TrimSuffix(cell(at.code), ".0"); code != "" && code != "0" && !strings.EqualFold(code, "null") {
		n, err := strconv.Atoi(code)
		if err != nil || n < 0 {
			return reject("ErrorCode", code, "not a number")
		}
		if l.past.ErrorCode = n; l.past.ErrorMessage == "" {
			l.past.ErrorMessage = string(opts.words.Code(n).Title)
		}
	}
	if l.otherWay && l.intent.Keyword != consent.KeywordStop {
		return reject("address", person, "no WhatsApp message: of other channels only opt-outs are taken")
	}
	return r, nil
}

// mapLog takes a log's columns as they are.
func mapLog(opts *Options, t table) {
	opts.Messages = true
	for i, name := range t.names {
		c := Column{Name: name, Samples: samplesOf(t, i)}
		c.DateOrder, _ = orderOf(t.column(i))
		if c.DateOrder == DateOrderOpen {
			c.DateOrder = opts.DateOrder
		}
		opts.Columns = append(opts.Columns, c)
	}
	if at := findLogColumns(opts.Columns).at; at >= 0 {
		opts.askDates(at, t.column(at))
	}
}

// remember writes a batch of a log.
func (s *Service) remember(ctx context.Context, tx bun.Tx, imp *Import, good []*row, t *Import) ([]*Reject, error) {
	people, rejects, err := s.people(ctx, tx, imp, good)
	if err != nil {
		return nil, err
	}
	if err := contact.AddAddresses(ctx, tx, people.news, contact.SourceImport, nil); err != nil {
		return nil, err
	}
	senders, err := conversation.SendersByAddress(ctx, tx)
	if err != nil {
		return nil, err
	}
	wrote := map[int64]time.Time{}
	for _, r := range people.rows {
		l := r.logged
		c := people.of[r.address.MatchKey]
		l.past.ContactID, l.past.SenderID = c.ID, senders[l.sender]
		if l.past.Direction == message.Inbound && !l.otherWay && l.past.At.After(wrote[c.ID]) {
			wrote[c.ID] = l.past.At
		}
	}
	threads, err := conversation.Remember(ctx, tx, wrote)
	if err != nil {
		return nil, err
	}
	if err := contact.TouchInboundThen(ctx, tx, wrote); err != nil {
		return nil, err
	}
	known, err := people.known(ctx, tx)
	if err != nil {
		return nil, err
	}
	came := Messages{Contacts: int64(len(people.news))}
	var past []*message.Past
	for _, r := range people.rows {
		l := r.logged
		if known[l.past.SID] {
			continue
		}
		if !l.otherWay {
			l.past.ConversationID = threads[l.past.ContactID]
			past = append(past, &l.past)
		}
		// Before the messages: whoever writes those holds counters that all others wait for.
		out, err := s.heedThen(ctx, tx, people.of[r.address.MatchKey], imp, r)
		if err != nil {
			return nil, err
		}
		if out {
			came.OptOuts++
		}
	}
	if err := message.InsertHistory(ctx, tx, past); err != nil {
		return nil, err
	}
	var members []*contact.Contact
	for _, r := range people.rows {
		l, c := r.logged, people.of[r.address.MatchKey]
		r.tellLogged(t, &came, l.past.ID != 0)
		if l.past.ID == 0 {
			continue
		}
		members = append(members, c)
		if l.intent.Review && l.topicID == 0 {
			if err := optout.Note(ctx, tx, c, l.past.ID, l.intent.Language); err != nil {
				return nil, err
			}
		}
	}
	t.Messages = &came
	return rejects, insertMembers(ctx, tx, imp.ID, members)
}

// tellLogged counts what became of a message.
func (r *row) tellLogged(t *Import, came *Messages, news bool) {
	switch {
	case r.logged.otherWay:
		t.Updated++ // its opt-out
	case !news:
		t.Unchanged++
	default:
		t.Created++
		if r.logged.past.Direction == message.Inbound {
			came.Received++
		} else {
			came.Sent++
		}
	}
}

// persons are those of a batch.
type persons struct {
	rows []*row
	of   map[string]*contact.Contact // by match key
	news []contact.NewAddress        // of those who were not known
}

// known tells which of the messages are here already.
func (p persons) known(ctx context.Context, tx bun.Tx) (map[string]bool, error) {
	sids := make([]string, len(p.rows))
	for i, r := range p.rows {
		sids[i] = r.logged.past.SID
	}
	return message.KnownSIDs(ctx, tx, sids)
}

// people finds the contacts of a batch, locked, and the topics that their messages name;
// who is not known is made, to be written. Who was erased is not brought back.
func (s *Service) people(ctx context.Context, tx bun.Tx, imp *Import, good []*row) (persons, []*Reject, error) {
	keys := addressKeys(good)
	existing, err := contact.ByMatchKeys(ctx, tx, keys, !imp.Options.DryRun)
	if err != nil {
		return persons{}, nil, err
	}
	suppressed, err := s.consents.Suppressed(ctx, tx, keys)
	if err != nil {
		return persons{}, nil, err
	}
	if existing == nil {
		existing = map[string]*contact.Contact{}
	}
	p := persons{of: existing}
	topics := map[string]*topic.Topic{} // by what follows a STOP
	var rejects []*Reject
	for _, r := range good {
		c := existing[r.address.MatchKey]
		if c == nil && suppressed[r.address.MatchKey].Has(consent.SuppressedErased) {
			rejects = append(rejects, r.reject(imp, "the contact with this number was erased, and stays so"))
			continue
		}
		if c == nil {
			c = contact.New(r.address)
			existing[r.address.MatchKey] = c
			p.news = append(p.news, contact.NewAddress{Contact: c, Address: r.address, Preferred: true})
		}
		if err := s.findTopic(ctx, tx, r.logged, topics); err != nil {
			return persons{}, nil, err
		}
		p.rows = append(p.rows, r)
	}
	return p, rejects, nil
}

// findTopic finds the topic that a message is about. known are those that were looked for.
func (s *Service) findTopic(ctx context.Context, tx bun.Tx, l *logged, known map[string]*topic.Topic) (err error) {
	if l.behind == "" {
		return nil
	}
	t, asked := known[l.behind]
	if !asked {
		if t, err = s.topics.ByKeyword(ctx, tx, l.behind); err != nil {
			return err
		}
		known[l.behind] = t
	}
	if l.topicID = 0; t != nil {
		l.topicID = t.ID
	}
	return nil
}

// heedThen does what somebody asked for at that time: to leave, all or a topic. out is
// true where they had not opted out before.
func (s *Service) heedThen(ctx context.Context, tx bun.Tx, c *contact.Contact, imp *Import, r *row) (out bool, err error) {
	l := r.logged
	if l.topicID != 0 {
		_, err = s.topics.Record(ctx, tx, c.ID, l.topicID, topic.StatusLeft, consent.SourceImport, l.past.At)
		return false, err
	}
	if l.intent.Keyword != consent.KeywordStop || c.ConsentStatus == contact.ConsentOptedOut {
		return false, nil
	}
	err = s.consents.Record(ctx, tx, c, consent.Change{
		Status: contact.ConsentOptedOut, Source: consent.SourceImport, OccurredAt: l.past.At, Late: true,
		Evidence: consent.Evidence{
			Text: l.past.Body, File: imp.FileName, Row: r.rec.row, MessageSID: l.past.SID, Rule: l.intent.Rule,
			Words: l.intent.Words, Language: l.intent.Language,
		},
	})
	if err != nil || c.ConsentStatus != contact.ConsentOptedOut {
		return false, err
	}
	return true, optout.Close(ctx, tx, c.ID)
}

// rehearseLog counts what remember would do and writes nothing.
func (s *Service) rehearseLog(seen *sights) func(ctx context.Context, tx bun.Tx, imp *Import, good []*row,
	t *Import) ([]*Reject, error) {
	return func(ctx context.Context, tx bun.Tx, imp *Import, good []*row, t *Import) ([]*Reject, error) {
		people, rejects, err := s.people(ctx, tx, imp, good)
		if err != nil {
			return nil, err
		}
		known, err := people.known(ctx, tx)
		if err != nil {
			return nil, err
		}
		came := Messages{}
		for _, r := range people.rows {
			l, c := r.logged, people.of[r.address.MatchKey]
			fresh := seen.first(l.past.SID) && !known[l.past.SID]
			r.tellLogged(t, &came, fresh)
			if c.ID == 0 && seen.first("contact "+c.MatchKey) {
				came.Contacts++
			}
			if fresh && l.intent.Keyword == consent.KeywordStop && l.topicID == 0 && c.ConsentStatus != contact.ConsentOptedOut &&
				seen.first("out "+c.MatchKey) {
				came.OptOuts++
			}
		}
		t.Messages = &came
		return rejects, nil
	}
}

const settlePage = 1000

// settle keeps what the errors in a log still say of its people, once all of it is known.
func (s *Service) settle(ctx context.Context, imp *Import) error {
	for after := int64(0); ; {
		var ids []int64
		err := contact.Patiently(ctx, tries, func() error {
			return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
				if ids, err = membersAfter(ctx, tx, imp.ID, after, settlePage); err != nil || len(ids) == 0 {
					return err
				}
				return message.SettleHistory(ctx, tx, s.consents, ids, s.words.Code, s.now())
			})
		})
		if err != nil || len(ids) == 0 {
			return db.Err(err)
		}
		after = ids[len(ids)-1]
	}
}

// add adds what a batch brought.
func (m *Messages) add(more *Messages) *Messages {
	if m == nil {
		return more
	}
	if more == nil {
		return m
	}
	return &Messages{
		Sent: m.Sent + more.Sent, Received: m.Received + more.Received, OptOuts: m.OptOuts + more.OptOuts,
		Contacts: m.Contacts + more.Contacts,
	}
}
