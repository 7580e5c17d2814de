package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/cespare/xxhash/v2"
	"github.com/uptrace/bun"
)

const (
	batchRows = 2000
	maxStarts = 2  // of work that ends with its process, at the same row
	tries     = 10 // at what loses to another transaction
)

// Run works an import from where it stands. Each batch and its progress are
// one transaction, so that a crash loses or repeats no row.
func (s *Service) Run(ctx context.Context, id int64) error {
	_, err := db.WithLease(ctx, s.db, leaseName(id), s.owner, importLease, func(ctx context.Context) error {
		return s.run(ctx, id)
	})
	return err
}

func (s *Service) run(ctx context.Context, id int64) error {
	imp, err := s.begin(ctx, id)
	if err != nil || imp == nil {
		return err
	}
	ctx = actor.With(ctx, actor.Starter(imp.OperatorID, imp.APITokenID, actor.RoleMarketer))
	if imp.Starts > maxStarts {
		return s.end(ctx, imp, StatusFailed, fmt.Sprintf("the process that worked it ended %d times behind row %d: "+
			"look at the rows that follow, and at the memory of the machine", maxStarts, imp.RowsDone))
	}
	err = s.work(ctx, imp)
	if back := cameBack(context.WithoutCancel(ctx), s.db, imp.ID); back != nil {
		s.log.WarnContext(ctx, "an import's end of work is not noted", "import", imp.ID, "error", back)
	}
	if apperr.Is(err, apperr.CodeInvalid) {
		err = s.end(ctx, imp, StatusFailed, apperr.Text(err).String())
	}
	return err
}

func (s *Service) begin(ctx context.Context, id int64) (imp *Import, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if imp, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		if imp.Status != StatusPending && imp.Status != StatusRunning {
			imp = nil
			return nil
		}
		// What a dry run had seen died with its worker; another version counts rows differently.
		if imp.RowsDone > 0 && (imp.Options.DryRun || imp.Options.Reader != readerVersion) {
			imp.Options.Reader = readerVersion
			if err := startOver(ctx, tx, imp); err != nil {
				return err
			}
		}
		if imp.StartsRow != imp.RowsDone {
			imp.Starts, imp.StartsRow = 0, imp.RowsDone
		}
		imp.Starts++
		if imp.StartedAt == nil {
			now := s.now()
			imp.StartedAt = &now
		}
		imp.Status = StatusRunning
		if !imp.Options.DryRun {
			if err := contact.NoteAttributes(ctx, tx, imp.Options.attributes()); err != nil {
				return err
			}
		}
		return setStatus(ctx, tx, imp)
	})
	return imp, err
}

// attributes are the keys of those into which columns are read.
func (o *Options) attributes() (keys []string) {
	for _, c := range o.Columns {
		if key, is := strings.CutPrefix(string(c.Field), "attributes."); is {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *Service) work(ctx context.Context, imp *Import) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	book, err := s.topics.Book(ctx)
	if err != nil {
		return err
	}
	imp.Options.book, imp.Options.words = book, s.words
	if imp.Options.Messages {
		if imp.Options.vocabulary, err = s.consents.Words.Now(ctx); err != nil {
			return err
		}
	}
	imp.Options.prepare()
	batches := make(chan *batch, 2) // the next one is read and checked while this one is written
	go s.read(ctx, imp, batches)
	seen := &sights{kept: map[uint64]struct{}{}}
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		if len(b.records) > 0 {
			going := false
			err := contact.Patiently(ctx, tries, func() (err error) {
				going, err = s.apply(ctx, imp, b, seen)
				return err
			})
			if err != nil || !going {
				return err
			}
			s.hub.Publish(pubsub.TopicImport, imp.ID)
		}
		if b.last {
			if imp.Options.Messages && !imp.Options.DryRun {
				if err := s.settle(ctx, imp); err != nil {
					return err
				}
			}
			return s.end(ctx, imp, StatusCompleted, "")
		}
	}
	return ctx.Err()
}

// batch is some rows of the file, read and checked.
type batch struct {
	records   []record
	rows      []*row    // by record; nil where it was rejected
	rejects   []*Reject // by record; nil where it is good
	bytesDone int64
	last      bool
	err       error
}

// read reads and checks the file from where the import stands.
func (s *Service) read(ctx context.Context, imp *Import, batches chan<- *batch) {
	defer close(batches)
	hand := func(b *batch) bool {
		select {
		case batches <- b:
			return b.err == nil && !b.last
		case <-ctx.Done():
			return false
		}
	}
	source := &chunkReader{ctx: ctx, db: s.db, importID: imp.ID}
	src, err := open(source, imp.Options)
	for range imp.RowsDone { // already taken before a crash
		if err != nil {
			break
		}
		if _, err = src.next(); err != nil {
			err = fmt.Errorf("find the place again: %w", err)
		}
	}
	if err != nil {
		hand(&batch{err: err})
		return
	}
	for {
		b := &batch{}
		b.records, b.last, b.err = readBatch(src)
		b.check(imp)
		b.bytesDone = source.read
		if !hand(b) {
			return
		}
	}
}

func readBatch(src rows) (records []record, last bool, err error) {
	for len(records) < batchRows {
		rec, err := src.next()
		if errors.Is(err, io.EOF) {
			return records, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		records = append(records, rec)
	}
	return records, false, nil
}

// check checks the rows on all cores: reading a number by its country's plan
// costs more than all else that is done with it here.
func (b *batch) check(imp *Import) {
	b.rows, b.rejects = make([]*row, len(b.records)), make([]*Reject, len(b.records))
	cores := runtime.GOMAXPROCS(0)
	share := (len(b.records) + cores - 1) / cores
	var all sync.WaitGroup
	for from := 0; from < len(b.records); from += share {
		all.Go(func() {
			for i := from; i < min(from+share, len(b.records)); i++ {
				read := check
				if imp.Options.Messages {
					read = checkLogged
				}
				if b.rows[i], b.rejects[i] = read(b.records[i], imp.Options); b.rejects[i] != nil {
					b.rejects[i].ImportID = imp.ID
				}
			}
		})
	}
	all.Wait()
}

// trails are how the audit trail names an import's end.
var trails = map[Status]audit.Action{StatusCompleted: audit.ImportCompleted, StatusFailed: audit.ImportFailed}

func (s *Service) end(ctx context.Context, imp *Import, status Status, failure string) error {
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		fresh, err := forUpdate(ctx, tx, imp.ID)
		if err != nil || fresh.Status != StatusRunning {
			return err
		}
		now := s.now()
		fresh.Status, fresh.Failure, fresh.FinishedAt = status, failure, &now
		if status == StatusCompleted {
			fresh.RowsTotal, fresh.BytesDone = &fresh.RowsDone, fresh.SizeBytes
		}
		if err := setStatus(ctx, tx, fresh); err != nil {
			return err
		}
		if !fresh.Options.DryRun { // it may be confirmed
			if err := dropChunks(ctx, tx, imp.ID); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, trails[status], "import", imp.ID, map[string]any{
			"rows": fresh.RowsDone, "created": fresh.Created, "updated": fresh.Updated, "unchanged": fresh.Unchanged,
			"duplicates": fresh.Duplicates, "rejected": fresh.Rejected, "opt_in_requests": fresh.OptInRequests,
		})
	})
	s.hub.Publish(pubsub.TopicImport, imp.ID)
	return err
}

// row is a checked row of the file.
type row struct {
	rec       record
	address   contact.Address   // the one that is written to
	addresses []contact.Address // all that the row names, that one included
	name      *string
	locale    *string
	zone      *string
	attrs     map[string]any
	consent   contact.ConsentStatus
	consentAt *time.Time
	optOut    string // the column and value that say so
	topics    []int64
	logged    *logged // of a log of messages
}

// sights are what a dry run has come upon, to tell what is repeated. Those of a batch
// are kept once it is taken: until then it may be begun anew.
type sights struct{ kept, batch map[uint64]struct{} }

// first reports whether this is new, and notes it.
func (s *sights) first(key string) bool {
	hash := xxhash.Sum64String(key)
	_, before := s.kept[hash]
	_, now := s.batch[hash]
	s.batch[hash] = struct{}{}
	return !before && !now
}

// apply takes a batch in one transaction and reports whether to go on.
func (s *Service) apply(ctx context.Context, imp *Import, b *batch, seen *sights) (going bool, err error) {
	var good []*row
	var rejects []*Reject
	place := map[string]int{}
	tally := Import{RowsDone: int64(len(b.records)), BytesDone: b.bytesDone}
	for i, r := range b.rows {
		if b.rejects[i] != nil {
			rejects = append(rejects, b.rejects[i])
			continue
		}
		if r.logged != nil { // a person may have written many
			if _, repeated := place[r.logged.past.SID]; repeated {
				tally.Duplicates++
				continue
			}
			place[r.logged.past.SID] = len(good)
			good = append(good, r)
			continue
		}
		at, clash := r.place(place, len(good))
		switch {
		case clash:
			rejects = append(rejects, r.reject(imp, severalContacts))
			continue
		case at < len(good): // the last row wins
			tally.Duplicates++
			r.inherit(good[at])
			good[at] = r
		default:
			good = append(good, r)
		}
		for _, a := range r.addresses {
			place[a.MatchKey] = at
		}
	}
	seen.batch = map[uint64]struct{}{}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		fresh, err := forUpdate(ctx, tx, imp.ID)
		if err != nil || fresh.Status != StatusRunning || fresh.RowsDone != b.records[0].row-1 {
			return err // canceled meanwhile, or another worker took over after our lease
		}
		// What a crash loses is read again: the place in the file is in the same transaction.
		// The end of the import waits for the disk, and so for all of it.
		if err := db.CommitLater(ctx, tx); err != nil {
			return err
		}
		t := tally
		write := s.upsert
		switch o := imp.Options; {
		case o.Messages && o.DryRun:
			write = s.rehearseLog(seen)
		case o.Messages:
			write = s.remember
		case o.DryRun:
			write = s.rehearse(seen)
		}
		more, err := write(ctx, tx, imp, good, &t)
		if err != nil {
			return err
		}
		rejects := append(rejects[:len(rejects):len(rejects)], more...)
		t.Rejected = int64(len(rejects))
		if err := insertRejects(ctx, tx, rejects); err != nil {
			return err
		}
		going = true
		t.Messages = fresh.Messages.add(t.Messages)
		return addProgress(ctx, tx, imp.ID, t)
	})
	if err == nil {
		maps.Copy(seen.kept, seen.batch)
	}
	return going, err
}

// check reads one record as a contact, or says why it is none.
func check(rec record, opts Options) (*row, *Reject) {
	reject := func(field, value, reason string) (*row, *Reject) {
		return nil, &Reject{
			Row: rec.row, Line: rec.line, Field: field, Value: clip(value, 500), Reason: reason,
			Record: cellsOf(rec),
		}
	}
	if rec.fault != "" {
		return reject("row", "", rec.fault)
	}
	r := &row{rec: rec, attrs: map[string]any{}, consent: contact.ConsentUnknown}
	region, country := opts.DefaultRegion, ""
	var first, last string
	var ids []contact.Address
	optOut := ""
	for i, c := range opts.Columns {
		if i >= len(rec.values) || rec.values[i] == nil {
			continue
		}
		value := contact.CleanText(text(rec.values[i]))
		switch c.Field {
		case FieldIgnore:
		case FieldAddress: // see pick
		case FieldBSUID:
			between := func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }
			for _, word := range strings.FieldsFunc(cellList(rec.values[i], value), between) {
				found := contact.ReadIDs([]string{word})
				if len(found) == 0 {
					return reject(c.Name, value, fmt.Sprintf("%q is not an id of WhatsApp's such as DE.1000000000000001", clip(word, 60)))
				}
				ids = append(ids, found...)
			}
		case FieldRegion:
			if country = value; value != "" {
				region = countryOf(value)
			}
		case FieldName:
			if value != "" {
				r.name = &value
			}
		case FieldFirstName, FieldLastName:
			if value != "" {
				r.attrs[string(c.Field)] = value
			}
			if c.Field == FieldFirstName {
				first = value
			} else {
				last = value
			}
		case FieldLocale:
			if value != "" {
				r.locale = &value
			}
		case FieldTimeZone:
			if _, err := contact.Zone(value); err == nil {
				r.zone = &value
			}
		case FieldConsent:
			status, ok := consentWord(value)
			if !ok {
				return reject(c.Name, value, "neither yes, no nor a consent status")
			}
			switch {
			case status == contact.ConsentOptedOut: // kept, whatever is said of consent
				optOut = clip(c.Name+": "+value, 200)
			case !opts.ConsentOpen:
				r.consent = status
			}
		case FieldOptOut:
			if optsOut(opts.headers[i], value, c.WordsOnly) {
				optOut = clip(c.Name+": "+value, 200)
			}
		case FieldTopics:
			named, unknown := opts.book.Read(cellList(rec.values[i], value))
			if unknown != "" {
				return reject(c.Name, value, fmt.Sprintf("there is no topic %q: add it under Topics, or map the column to an "+
					"attribute", clip(unknown, 60)))
			}
			r.topics = append(r.topics, named...)
		case FieldConsentAt:
			if value != "" && !isNoDate(value) {
				at, err := parseDate(value, c.DateOrder)
				if err != nil {
					return reject(c.Name, value, err.Error())
				}
				r.consentAt = &at
			}
		default:
			if value != "" {
				r.attrs[strings.TrimPrefix(string(c.Field), "attributes.")] = attribute(rec.values[i], value, c)
			}
		}
	}
	if whole := strings.TrimSpace(first + " " + last); r.name == nil && whole != "" {
		r.name = &whole
	}
	for key, v := range rec.extra {
		if v != nil && contact.CheckAttributeKey(key) == nil {
			r.attrs[key] = v
		}
	}
	r.topics = append(r.topics, opts.TopicIDs...)
	var value string
	var err error
	if r.address, r.addresses, value, err = pick(rec, opts, region, country != "", ids); err != nil {
		reason := err.Error()
		if e, ok := errors.AsType[*apperr.Error](err); ok {
			reason = e.Message.String()
		}
		if country != "" && region == "" {
			reason = fmt.Sprintf("%q is no country that is known, and %s", clip(country, 60), reason)
		}
		return reject("address", value, reason)
	}
	if r.name != nil && len([]rune(*r.name)) > 200 {
		return reject("name", *r.name, "a name has at most 200 characters")
	}
	if raw, _ := json.Marshal(r.attrs); len(raw) > 16<<10 {
		return reject("attributes", "", "all attributes together take more than 16,384 bytes")
	}
	switch {
	case optOut != "":
		r.consent, r.optOut = contact.ConsentOptedOut, optOut
	case opts.IgnoreConsents:
		r.consent = contact.ConsentUnknown
	case opts.ConsentForAll && r.consent != contact.ConsentOptedOut:
		r.consent = contact.ConsentOptedIn
	}
	return r, nil
}

func text(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

// cellList is a list of JSON's as a cell of text.
func cellList(v any, clean string) string {
	items, ok := v.([]any)
	if !ok {
		return clean
	}
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = contact.CleanText(text(item))
	}
	return strings.Join(words, ",")
}

// attribute keeps JSON's own types and reads a text as its column's.
func attribute(v any, clean string, c Column) any {
	if _, isText := v.(string); isText {
		return typed(clean, c)
	}
	return v
}

// upsert writes the batch's contacts, their consent, and which of them the
// import touched.
func (s *Service) upsert(ctx context.Context, tx bun.Tx, imp *Import, good []*row, t *Import) ([]*Reject, error) {
	keys := addressKeys(good)
	existing, err := contact.ByMatchKeys(ctx, tx, keys, true)
	if err != nil {
		return nil, err
	}
	touched, err := touchedBefore(ctx, tx, imp.ID, existing)
	if err != nil {
		return nil, err
	}
	suppressed, err := s.consents.Suppressed(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	standing, err := s.standing(ctx, tx, good, existing)
	if err != nil {
		return nil, err
	}
	var creates, updates []*contact.Contact
	var consents []pendingConsent
	var asks []doubleoptin.Item
	var rejects []*Reject
	var members []*contact.Contact
	var joins []joining
	// More than one row may name a known contact, each by another address.
	again, queued := map[int64]bool{}, map[int64]bool{}
	for _, r := range good {
		c, clash := r.known(existing)
		if clash {
			rejects = append(rejects, r.reject(imp, severalContacts))
			continue
		}
		known := c != nil
		if no := r.refuse(c, imp); no != nil {
			rejects = append(rejects, no)
			continue
		}
		if !known {
			c = contact.New(r.address)
			creates = append(creates, c)
		}
		members = append(members, c)
		changed, ch := r.merge(c, known, imp, s.now(), r.suppressed(suppressed))
		switch {
		case ch == nil:
		case imp.Options.asks(ch):
			asks = append(asks, doubleoptin.Item{Contact: c, Change: *ch})
		default:
			p := pendingConsent{contact: c, change: *ch}
			if !known {
				p.keys = contact.Keys(r.addresses)
			}
			consents = append(consents, p)
		}
		if topics := r.joins(c, known, imp, standing); len(topics) > 0 {
			joins = append(joins, joining{c, topics})
			changed = changed || known
		}
		t.tell(known, touched[c.ID] || again[c.ID], changed)
		if known && changed && !queued[c.ID] {
			updates = append(updates, c)
			queued[c.ID] = true
		}
		again[c.ID] = known
	}
	news := newAddresses(good, existing, creates, imp.Options.Mode)
	if err := contact.AddAddresses(ctx, tx, news, contact.SourceImport, nil); err != nil {
		return nil, err
	}
	if err := contact.Update(ctx, tx, updates); err != nil {
		return nil, err
	}
	bulk := make([]consent.Bulk, len(consents))
	for i, p := range consents {
		bulk[i] = consent.Bulk{
			ContactID: p.contact.ID, MatchKey: p.contact.MatchKey, Change: p.change, Keys: p.keys,
		}
	}
	if err := s.consents.RecordBulk(ctx, tx, bulk); err != nil {
		return nil, err
	}
	if t.OptInRequests, err = s.doubleOptIns.TakeMany(ctx, tx, asks); err != nil {
		return nil, err
	}
	if err := s.subscribe(ctx, tx, joins); err != nil {
		return nil, err
	}
	return rejects, insertMembers(ctx, tx, imp.ID, members)
}

// rehearse counts what upsert would do and writes nothing. seen holds the
// contacts of earlier batches.
func (s *Service) rehearse(seen *sights) func(ctx context.Context, tx bun.Tx, imp *Import, good []*row,
	t *Import) ([]*Reject, error) {
	return func(ctx context.Context, tx bun.Tx, imp *Import, good []*row, t *Import) ([]*Reject, error) {
		keys := addressKeys(good)
		existing, err := contact.ByMatchKeys(ctx, tx, keys, false)
		if err != nil {
			return nil, err
		}
		suppressed, err := s.consents.Suppressed(ctx, tx, keys)
		if err != nil {
			return nil, err
		}
		standing, err := s.standing(ctx, tx, good, existing)
		if err != nil {
			return nil, err
		}
		var rejects []*Reject
		var asks []*contact.Contact
		for _, r := range good {
			c, clash := r.known(existing)
			if clash {
				rejects = append(rejects, r.reject(imp, severalContacts))
				continue
			}
			known := c != nil
			if no := r.refuse(c, imp); no != nil {
				rejects = append(rejects, no)
				continue
			}
			if !known {
				c = contact.New(r.address)
			}
			changed, ch := r.merge(c, known, imp, s.now(), r.suppressed(suppressed))
			changed = changed || len(r.joins(c, known, imp, standing)) > 0
			repeated := !seen.first(c.MatchKey)
			t.tell(known || repeated, repeated, changed)
			if ch != nil && imp.Options.asks(ch) && !repeated {
				asks = append(asks, c)
			}
		}
		t.OptInRequests, err = s.doubleOptIns.CountAskable(ctx, tx, asks)
		return rejects, err
	}
}

// tell counts what became of a row.
func (i *Import) tell(known, repeated, changed bool) {
	switch {
	case !known:
		i.Created++
	case repeated:
		i.Duplicates++
	case changed:
		i.Updated++
	default:
		i.Unchanged++
	}
}

// refuse rejects a row for what is known about its number; c is nil when that is
// nothing.
func (r *row) refuse(c *contact.Contact, imp *Import) *Reject {
	if c == nil && imp.Options.Mode == ModeUpdateOnly {
		return r.reject(imp, "no contact has this number, and only known ones are updated")
	}
	return nil
}

func (r *row) reject(imp *Import, reason string) *Reject {
	return &Reject{
		ImportID: imp.ID, Row: r.rec.row, Line: r.rec.line, Field: "address", Value: r.address.Wire,
		Record: cellsOf(r.rec), Reason: reason,
	}
}

// asks reports whether a person has to confirm a change before it counts.
func (o *Options) asks(ch *consent.Change) bool {
	return o.DoubleOptIn && ch.Status == contact.ConsentOptedIn
}

// merge writes the row to the contact as the import's mode allows, and gives
// the change of consent that goes with it.
func (r *row) merge(c *contact.Contact, known bool, imp *Import, now time.Time,
	suppressed bool,
) (changed bool, change *consent.Change) {
	if known && imp.Options.Mode == ModeCreateOnly {
		return false, nil
	}
	changed = r.fill(c)
	if ch, ok := r.consentChange(c, imp, now, suppressed && !known); ok {
		if imp.Options.asks(&ch) { // they are asked first
			return changed, &ch
		}
		c.ConsentStatus, c.ConsentAt = ch.Status, &ch.OccurredAt
		return true, &ch
	}
	return changed, nil
}

// joining is a contact who becomes a subscriber of topics.
type joining struct {
	contact *contact.Contact
	topics  []int64
}

// standing reads where the known contacts of a batch stand with topics, if any
// row names some.
func (s *Service) standing(ctx context.Context, tx bun.Tx, good []*row,
	existing map[string]*contact.Contact,
) (map[int64]map[int64]*topic.Subscription, error) {
	var known []int64
	for _, r := range good {
		if c, _ := r.known(existing); c != nil && len(r.topics) > 0 {
			known = append(known, c.ID)
		}
	}
	if len(known) == 0 {
		return nil, nil //nolint:nilnil // nobody stands anywhere
	}
	return s.topics.Of(ctx, tx, known)
}

// joins are the topics that the row subscribes its contact to. A file brings
// back nobody who left.
func (r *row) joins(c *contact.Contact, known bool, imp *Import,
	standing map[int64]map[int64]*topic.Subscription,
) (topics []int64) {
	if known && imp.Options.Mode == ModeCreateOnly {
		return nil
	}
	for _, id := range r.topics {
		if standing[c.ID][id] == nil && !slices.Contains(topics, id) {
			topics = append(topics, id)
		}
	}
	return topics
}

func (s *Service) subscribe(ctx context.Context, tx bun.Tx, joins []joining) error {
	var pairs []topic.Pair
	for _, j := range joins {
		for _, id := range j.topics {
			pairs = append(pairs, topic.Pair{ContactID: j.contact.ID, TopicID: id})
		}
	}
	_, err := s.topics.RecordBulk(ctx, tx, pairs, topic.StatusSubscribed, consent.SourceImport)
	return err
}

type pendingConsent struct {
	contact *contact.Contact
	change  consent.Change
	keys    []string // of one that is new
}

func cellsOf(rec record) []string {
	cells := make([]string, len(rec.values))
	for i, v := range rec.values {
		cells[i] = text(v)
	}
	return cells
}

// fill writes the row's values to the contact; empty cells clear nothing.
func (r *row) fill(c *contact.Contact) (changed bool) {
	set := func(into, value *string) {
		if value != nil && *into != *value {
			*into, changed = *value, true
		}
	}
	set(&c.Name, r.name)
	set(&c.Locale, r.locale)
	if r.zone != nil && (c.TimeZone != *r.zone || c.TimeZoneSource != contact.ZoneDeclared) {
		c.TimeZone, c.TimeZoneSource, changed = *r.zone, contact.ZoneDeclared, true
	}
	for key, v := range r.attrs {
		if !reflect.DeepEqual(c.Attributes[key], v) {
			c.Attributes[key], changed = v, true
		}
	}
	return changed
}

// consentChange decides what the row's consent means for the contact. An
// opted-out contact comes back only by newer proof, and an address that was
// suppressed before it was forgotten does not come back at all.
func (r *row) consentChange(c *contact.Contact, imp *Import, now time.Time, suppressed bool) (consent.Change, bool) {
	at := now
	if r.consentAt != nil && r.consentAt.Before(now) {
		at = *r.consentAt
	}
	ch := consent.Change{
		Status: r.consent, Source: consent.SourceImport, OccurredAt: at,
		Evidence: consent.Evidence{File: imp.FileName, Row: r.rec.row, Text: imp.Options.ConsentText, Language: imp.Options.ConsentLocale},
		Late:     r.consentAt != nil,
	}
	if r.optOut != "" {
		ch.Evidence.Text, ch.Evidence.Language = r.optOut, ""
	}
	newer, current := consent.Decision{Status: ch.Status, At: at, Late: true}, consent.Decision{Status: c.ConsentStatus}
	if c.ConsentAt != nil {
		current.At = *c.ConsentAt
	}
	switch r.consent {
	case contact.ConsentOptedIn:
		switch c.ConsentStatus {
		case contact.ConsentUnknown:
			return ch, !suppressed
		case contact.ConsentOptedOut:
			return ch, r.consentAt != nil && c.ConsentAt != nil && consent.Supersedes(newer, current)
		}
	case contact.ConsentOptedOut:
		return ch, c.ConsentStatus != contact.ConsentOptedOut && (c.ConsentAt == nil || r.consentAt == nil ||
			consent.Supersedes(newer, current))
	}
	return ch, false
}
