package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"eventstream/server/actor"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/importer"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/segment"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// text is a demo template. Most have a button that tracks clicks.
type text struct {
	name, body string
	button     string  // "" = none
	leads      string  // where it leads to
	opened     float64 // the share of readers who open it
}

var texts = []text{
	{
		"Welcome to the club", `Hi {{name | there}}, welcome to our club! You have {{attributes.points | number}} points waiting for you.`,
		"", "", 0,
	},
	{
		"Autumn collection", `Hi {{name | there}}, our autumn collection is here. Come and see it in {{attributes.city}}, or online.`,
		"See the collection", "https://shop.example/collections/autumn", 0.17,
	},
	{
		"Weekend offer", `Hello {{name | there}}, this weekend everything is 15 % off. Reply STOP and you hear no more of us.`,
		"Shop the offers", "https://shop.example/offers?plan={{attributes.plan | free}}", 0.23,
	},
	{
		"Your points", `Hello {{name | there}}: {{attributes.points | number}} points are yours. Spend them until the end of the month.`,
		"Spend my points", "https://shop.example/points", 0.28,
	},
}

// parts are those of a text beside its body.
func (t text) parts() *template.Parts {
	if t.button == "" {
		return nil
	}
	return &template.Parts{Buttons: []template.Button{{Type: template.ButtonURL, Title: t.button, URL: t.leads, Track: true}}}
}

var groups = []struct{ name, description, query string }{
	{
		"Everybody who agreed", "Opted in and reachable",
		`{"all":[{"field":"consent_status","op":"eq","value":"opted_in"},{"field":"reachable","op":"eq","value":true}]}`,
	},
	{
		"Paying customers", "Plan pro or enterprise",
		`{"all":[{"field":"attributes.plan","op":"in","value":["pro","enterprise"]}]}`,
	},
	{
		"German cities", "Berlin, Hamburg, München, Köln",
		`{"all":[{"field":"attributes.city","op":"in","value":["Berlin","Hamburg","München","Köln"]}]}`,
	},
	{"Many points", "1,000 points and more", `{"all":[{"field":"attributes.points","op":"gte","value":1000}]}`},
	{"Newsletter readers", "Tagged newsletter", `{"all":[{"field":"attributes.tags","op":"has","value":"newsletter"}]}`},
	{"VIP", "Tagged vip", `{"all":[{"field":"attributes.tags","op":"has","value":"vip"}]}`},
}

// themes are the demo topics, with the share of the people who take them.
var themes = []struct {
	name, description, keyword string
	percent                    int
}{
	{"Offers", "What is cheaper this week", "OFFERS", 60},
	{"New collections", "When something new comes in", "NEWS", 45},
	{"Club points", "What the points are good for, and when they end", "POINTS", 35},
}

// plan is a campaign of the past.
type plan struct {
	name, text, group string
	ago               time.Duration // before now
	rate              float64       // messages a second
	topic             string        // "" = none
}

const day = 24 * time.Hour

var plans = []plan{
	{"Club launch", "Welcome to the club", "Everybody who agreed", 40 * day, 40, ""},
	{"Autumn collection: paying customers", "Autumn collection", "Paying customers", 33 * day, 25, ""},
	{"Points before they expire", "Your points", "Many points", 27 * day, 20, "Club points"},
	{"Weekend offer Germany", "Weekend offer", "German cities", 19 * day, 20, "Offers"},
	{"VIP preview", "Autumn collection", "VIP", 13 * day, 5, ""},
	{"Autumn collection: newsletter", "Autumn collection", "Newsletter readers", 8 * day, 30, "New collections"},
	{"Points, second reminder", "Your points", "Many points", 3 * day, 20, "Club points"},
	{"Weekend offer for customers", "Weekend offer", "Paying customers", 7 * time.Hour, 15, "Offers"},
}

var (
	answers = []string{
		"Thanks!", "Great, see you on Saturday", "Which size is left?", "Love it 😍",
		"How much is shipping?", "Danke!", "👍", "Is the shop open on Sunday?", "Obrigado!", "Can I pay with points?",
	}
	farewell = "You have been unsubscribed and will get no more messages from us. Reply START to come back."
)

// madeUp marks entries of the consent ledger, which stay when demo data is removed.
const madeUp = "Demo data: made up"

// history plays six weeks: the engine's own gate decides who got what.
type history struct {
	s    *Service
	now  time.Time
	dice *rand.Rand

	sender    int64
	templates map[string]*template.Template
	versions  map[string]*template.Version
	segments  map[string]*segment.Segment
	topics    map[string]*topic.Topic

	people      map[int64]*contact.Contact
	changed     map[int64]bool
	decisions   []consent.Bulk // in the order in which they were made
	suppressed  map[int64]consent.Reasons
	subscribed  map[topic.Pair]bool
	talks       map[int64]*conversation.Conversation
	opened      []opening // of the campaign that is being played
	nextMessage uint64

	came, coming int           // contacts
	tell         func(float64) // how far it is
}

func (h *history) write(ctx context.Context) error {
	h.templates, h.versions, h.segments = map[string]*template.Template{}, map[string]*template.Version{},
		map[string]*segment.Segment{}
	for _, t := range texts {
		tmpl, v, err := h.s.template(ctx, t)
		if err != nil {
			return err
		}
		h.templates[t.name], h.versions[t.name] = tmpl, v
	}
	for _, g := range groups {
		seg, err := h.s.segment(ctx, g.name, g.description, json.RawMessage(g.query))
		if err != nil {
			return err
		}
		h.segments[g.name] = seg
	}
	h.topics = map[string]*topic.Topic{}
	for _, t := range themes {
		found, err := h.s.theme(ctx, t.name, t.description, t.keyword)
		if err != nil {
			return err
		}
		h.topics[t.name] = found
	}
	return nil
}

// template makes one, or finds it when an earlier try broke off.
func (s *Service) template(ctx context.Context, of text) (*template.Template, *template.Version, error) {
	found, err := s.templates.List(ctx, template.Filter{Search: of.name}, db.Page{First: new(100)})
	if err != nil {
		return nil, nil, err
	}
	for _, t := range found.Items {
		if t.Name == of.name {
			versions, err := s.templates.NewestVersions(ctx, []int64{t.ID})
			return t, versions[t.ID], err
		}
	}
	return s.templates.Create(ctx, template.Input{Name: &of.name, Body: &of.body, Parts: of.parts()}, true)
}

func (s *Service) segment(ctx context.Context, name, description string,
	query json.RawMessage,
) (*segment.Segment, error) {
	found, err := s.segments.List(ctx, name, db.Page{First: new(100)})
	if err != nil {
		return nil, err
	}
	for _, seg := range found.Items {
		if seg.Name == name {
			return seg, nil
		}
	}
	return s.segments.Create(ctx, segment.Input{Name: &name, Description: &description, Query: query})
}

func (s *Service) theme(ctx context.Context, name, description, keyword string) (*topic.Topic, error) {
	all, err := s.topics.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.Name == name {
			return t, nil
		}
	}
	return s.topics.Create(ctx, topic.Input{Name: &name, Description: &description, Keyword: &keyword})
}

// subscribe draws who takes which topic; a few leave one again.
func (h *history) subscribe(ctx context.Context, tx bun.Tx, rows []*contact.Contact, source consent.Source) error {
	d := dice(uint64(rows[0].ID) + 1000)
	for _, t := range themes {
		var joined, left []topic.Pair
		for _, c := range rows {
			if d.IntN(100) >= t.percent {
				continue
			}
			p := topic.Pair{ContactID: c.ID, TopicID: h.topics[t.name].ID}
			if joined = append(joined, p); d.IntN(100) < 4 {
				left = append(left, p)
				continue
			}
			h.subscribed[p] = true
		}
		if _, err := h.s.topics.RecordBulk(ctx, tx, joined, topic.StatusSubscribed, source); err != nil {
			return err
		}
		if _, err := h.s.topics.RecordBulk(ctx, tx, left, topic.StatusLeft, consent.SourceOperator); err != nil {
			return err
		}
	}
	return subscribedSince(ctx, tx, rows)
}

// arrive brings the people: two files, then a few a day through the web form.
func (h *history) arrive(ctx context.Context, tx bun.Tx, n int) error {
	h.people, h.changed = make(map[int64]*contact.Contact, n), map[int64]bool{}
	h.subscribed = map[topic.Pair]bool{}
	h.suppressed, h.talks = map[int64]consent.Reasons{}, map[int64]*conversation.Conversation{}
	var err error
	if h.sender, err = firstSender(ctx, tx); err != nil {
		return err
	}
	h.coming = n
	begin := h.now.Add(-weeks * 7 * day)
	draw := &people{dice: dice(1), seen: make(map[string]bool, n)}
	files := []struct {
		name  string
		share int // percent of n
		at    time.Time
	}{{"customers.csv", 60, begin}, {"newsletter.xlsx", 24, begin.Add(9 * day)}}
	done := 0
	for _, f := range files {
		rows := n * f.share / 100
		var arrived []*contact.Contact
		for row := range rows {
			c := draw.next(f.at.Add(time.Duration(row) * time.Millisecond))
			h.decide(c, consent.SourceImport, consent.Evidence{
				File: f.name, Row: int64(row + 1),
				Text: "I want offers by WhatsApp", Language: "en", Note: madeUp,
			}, 80, 15, 5)
			arrived = append(arrived, c)
		}
		if err := h.insert(ctx, tx, arrived); err != nil {
			return err
		}
		if err := h.subscribe(ctx, tx, arrived, consent.SourceImport); err != nil {
			return err
		}
		if err := insertImport(ctx, tx, importRow(f.name, f.at, rows), arrived); err != nil {
			return err
		}
		done += rows
	}
	var rest []*contact.Contact
	span := h.now.Sub(begin) - time.Hour
	for i := range n - done {
		at := begin.Add(span / time.Duration(n-done) * time.Duration(i))
		c := draw.next(at)
		h.decide(c, consent.SourceForm, consent.Evidence{
			Text: "Yes, send me offers by WhatsApp", Language: c.Locale,
			IP: fmt.Sprintf("203.0.113.%d", h.dice.IntN(256)), Note: madeUp,
		}, 96, 4, 0)
		rest = append(rest, c)
	}
	if err := h.insert(ctx, tx, rest); err != nil || len(rest) == 0 {
		return err
	}
	return h.subscribe(ctx, tx, rest, consent.SourceForm)
}

func importRow(file string, at time.Time, rows int) *importer.Import {
	n, end := int64(rows), at.Add(time.Duration(rows)*time.Millisecond)
	return &importer.Import{
		FileName: file, SizeBytes: n * 96, BytesDone: n * 96, Status: importer.StatusCompleted, RowsTotal: &n, RowsDone: n,
		Created: n,
		Options: importer.Options{
			Format: importer.FormatCSV, Encoding: "UTF-8", Separator: ",",
			Columns: []importer.Column{}, Mode: importer.ModeUpsert,
		},
		CreatedAt: at, StartedAt: &at, FinishedAt: &end,
	}
}

// decide draws a first consent with these chances, in percent.
func (h *history) decide(c *contact.Contact, source consent.Source, e consent.Evidence, in, none, out int) {
	status := []contact.ConsentStatus{
		contact.ConsentOptedIn, contact.ConsentUnknown,
		contact.ConsentOptedOut,
	}[weighted(h.dice, in, none, out)]
	c.ConsentStatus = status
	if status != contact.ConsentUnknown {
		at := c.CreatedAt
		c.ConsentAt = &at
		h.decisions = append(h.decisions, consent.Bulk{
			MatchKey: c.MatchKey,
			Change:   consent.Change{Status: status, Source: source, Evidence: e, OccurredAt: at},
		})
	}
}

func (h *history) insert(ctx context.Context, tx bun.Tx, rows []*contact.Contact) error {
	for part := range slices.Chunk(rows, 1000) {
		if err := insertContacts(ctx, tx, part); err != nil {
			return err
		}
		h.came += len(part)
		h.tell(arrived * float64(h.came) / float64(h.coming))
	}
	ids := make(map[string]int64, len(rows))
	for _, c := range rows {
		h.people[c.ID], ids[c.MatchKey] = c, c.ID
		if c.ConsentStatus == contact.ConsentOptedOut {
			h.suppressed[c.ID] = consent.Reasons{consent.SuppressedOptedOut}
		}
	}
	for i := range h.decisions {
		if d := &h.decisions[i]; d.ContactID == 0 {
			d.ContactID = ids[d.MatchKey]
		}
	}
	return nil
}

// run plays one campaign as the engine would have.
func (h *history) run(ctx context.Context, tx bun.Tx, p *plan) (n int, err error) {
	start, seg, version := h.now.Add(-p.ago), h.segments[p.group], h.versions[p.text]
	if p.ago >= 2*day {
		start = start.Truncate(day).Add(10 * time.Hour)
	}
	frozen, err := h.s.segments.Freeze(ctx, tx, seg.Query)
	if err != nil {
		return 0, err
	}
	where, err := h.s.segments.Compile(ctx, tx, frozen)
	if err != nil {
		return 0, err
	}
	compiled, err := version.Compile()
	if err != nil {
		return 0, err
	}
	if err := h.flush(ctx, tx); err != nil { // the query sees what happened before
		return 0, err
	}
	ids, err := audienceAt(ctx, tx, where, start)
	if err != nil {
		return 0, err
	}
	threshold := 0.2
	ca := &campaign.Campaign{
		Name: p.name, TemplateID: &h.templates[p.text].ID, TemplateVersionID: &version.ID, SegmentID: &seg.ID,
		AudienceQuery: frozen, SenderID: &h.sender,
		Status: campaign.StatusCompleted, RateLimitPerSecond: &p.rate, ErrorThreshold: &threshold, StartedAt: &start,
		PreparedAt: &start, FinishedAt: &start,
		CreatedAt: start.Add(-2 * time.Hour), UpdatedAt: start, TrackLinks: true,
	}
	if p.topic != "" {
		ca.TopicID = &h.topics[p.topic].ID
	}
	if err := insertCampaign(ctx, tx, ca, h.sender); err != nil {
		return 0, err
	}
	links, err := h.s.links.Freeze(ctx, tx, ca.ID, version.ID, compiled, ca.Parameters())
	if err != nil {
		return 0, err
	}
	wording := texts[slices.IndexFunc(texts, func(t text) bool { return t.name == p.text })]
	var rows []*message.Message
	sent, end := 0, start
	for _, id := range ids {
		c := h.people[id]
		at := start.Add(time.Duration(float64(sent) / p.rate * float64(time.Second)))
		m := &message.Message{
			Direction: message.Outbound, Purpose: message.PurposeCampaign, CampaignID: &ca.ID, ContactID: id,
			SenderID: &h.sender, TemplateVersionID: &version.ID,
			Media: []string{}, NotBefore: time.Unix(0, 0).UTC(), CreatedAt: start,
		}
		rows = append(rows, m)
		candidate := gate.Candidate{
			Purpose: message.PurposeCampaign, Contact: c, Suppressed: h.suppressed[id],
			Category: template.CategoryMarketing, Template: compiled,
		}
		candidate.OffTopic = ca.TopicID != nil && !h.subscribed[topic.Pair{ContactID: id, TopicID: *ca.TopicID}]
		v := gate.Decide(candidate, at)
		if v.Status == message.StatusPending { // deferred by law: it went in the morning
			at, m.NotBefore, m.DeferredReason = v.NotBefore, v.NotBefore, v.Reason
			v = gate.Decide(candidate, at)
		}
		if v.Status != message.StatusSubmitting || at.After(h.now.Add(-2*time.Hour)) {
			if v.Status == message.StatusSubmitting {
				v.Status = message.StatusExpired // its morning is still to come
			}
			m.Status, m.SkipReason, m.EndedAt = v.Status, v.Skip, &at
			continue
		}
		sent++
		m.Body = v.Rendered.Text
		last, more := h.deliver(m, c, at)
		rows = append(rows, more...)
		for _, l := range links {
			h.open(m, l, wording.opened)
		}
		if last.After(end) {
			end = last
		}
	}
	slices.SortStableFunc(rows, func(a, b *message.Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	if err := h.store(ctx, tx, rows); err != nil {
		return 0, err
	}
	if err := h.count(ctx, tx); err != nil {
		return 0, err
	}
	return len(rows), finishCampaign(ctx, tx, ca.ID, end)
}

// deliver plays what became of a message that went out, and what the contact
// said to it.
func (h *history) deliver(m *message.Message, c *contact.Contact,
	at time.Time,
) (end time.Time, more []*message.Message) {
	d := h.dice
	m.Attempts, m.SID = 1, h.sid("SM")
	m.SubmittedAt, m.AcceptedAt = after(at, 0), after(at, 0.08+d.Float64()*0.2)
	m.SentAt = after(*m.AcceptedAt, 0.5+d.ExpFloat64())
	if d.Float64() < 0.021 {
		code := []int{63024, 63003, 63049, 63032}[weighted(d, 35, 25, 25, 15)]
		m.Status, m.ErrorCode, m.EndedAt = message.StatusUndelivered, code, after(*m.SentAt, 1+d.ExpFloat64()*3)
		switch code {
		case 63024, 63003:
			c.Reachable, c.UnreachableReason = false, fmt.Sprintf("Twilio error %d", code)
		case 63049:
			c.MarketingEligible = false
		}
		h.changed[c.ID] = true
		return *m.EndedAt, nil
	}
	m.Status, m.DeliveredAt = message.StatusDelivered, after(*m.SentAt, 0.6+d.ExpFloat64()*4)
	if d.Float64() > 0.64 {
		return *m.DeliveredAt, nil
	}
	read := after(*m.DeliveredAt, 20+d.ExpFloat64()*2400)
	limit := h.now.Add(-lately)
	if read.After(limit) {
		return *m.DeliveredAt, nil
	}
	m.Status, m.ReadAt = message.StatusRead, read
	said := after(*read, 15+d.ExpFloat64()*300)
	if said.After(limit) || d.Float64() > 0.034 {
		return *read, nil
	}
	stop := d.Float64() < 0.16
	in := h.inbound(c, oneOf(d, answers), *said)
	more = append(more, in)
	m.RepliedAt = said
	if stop {
		in.Body, m.OptedOutAt = oneOf(d, []string{"STOP", "Stop", "stop please", "STOPP", "PARAR"}), said
		more = append(more, h.optOut(c, in, *said))
	}
	return *read, more
}

// lately is how long before now nothing more happens.
const lately = 10 * time.Minute

func after(t time.Time, seconds float64) *time.Time {
	u := t.Add(time.Duration(seconds * float64(time.Second))).Truncate(time.Millisecond)
	return &u
}

// opening is one time that somebody opened the link of a message, which has no id yet.
type opening struct {
	of   *message.Message
	link int64
	at   time.Time
}

// open draws whether and when somebody opened a link: most within minutes after they read the message, some of them again
// later. Of those who let nobody see that they read it, few. Whoever wants no more messages does not.
func (h *history) open(m *message.Message, l *link.Link, share float64) {
	d := h.dice
	seen := m.ReadAt
	if seen == nil {
		seen, share = m.DeliveredAt, share/8
	}
	if seen == nil || m.OptedOutAt != nil || d.Float64() > share {
		return
	}
	for at := after(*seen, 4+d.ExpFloat64()*90); at.Before(h.now.Add(-lately)); at = after(*at, 300+d.ExpFloat64()*20_000) {
		if m.ClickedAt == nil || at.Before(*m.ClickedAt) {
			m.ClickedAt = at
		}
		h.opened = append(h.opened, opening{m, l.ID, *at})
		if d.Float64() > 0.22 {
			return
		}
	}
}

// count stores who opened links of the campaign's messages.
func (h *history) count(ctx context.Context, tx bun.Tx) error {
	clicks := make([]link.Click, len(h.opened))
	for i, o := range h.opened {
		clicks[i] = link.NewClick(o.link, o.of.ID, o.at)
	}
	h.opened = nil
	for part := range slices.Chunk(clicks, 2000) {
		if err := h.s.links.Record(ctx, tx, part); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) inbound(c *contact.Contact, text string, at time.Time) *message.Message {
	c.LastInboundAt, h.changed[c.ID] = &at, true
	talk := h.talks[c.ID]
	if talk == nil {
		talk = &conversation.Conversation{ContactID: c.ID, Status: conversation.StatusOpen, CreatedAt: at}
		h.talks[c.ID] = talk
	}
	until := at.Add(24 * time.Hour)
	talk.SessionExpiresAt, talk.LastMessageAt, talk.Status = &until, &at, conversation.StatusOpen
	if h.now.Sub(at) < 2*day {
		talk.Unread++
	}
	return &message.Message{
		Direction: message.Inbound, Purpose: message.PurposeInbound, ContactID: c.ID, SenderID: &h.sender, Body: text,
		Media:  []string{},
		Status: message.StatusReceived, SID: h.sid("SM"), NotBefore: time.Unix(0, 0).UTC(), CreatedAt: at,
	}
}

// optOut records it, and gives the confirmation that followed.
func (h *history) optOut(c *contact.Contact, in *message.Message, at time.Time) *message.Message {
	c.ConsentStatus, c.ConsentAt = contact.ConsentOptedOut, &at
	h.talks[c.ID].Status, h.talks[c.ID].Unread = conversation.StatusClosed, 0 // as the engine does
	h.suppressed[c.ID] = consent.Reasons{consent.SuppressedOptedOut}
	h.decisions = append(h.decisions, consent.Bulk{
		ContactID: c.ID, MatchKey: c.MatchKey,
		Change: consent.Change{
			Status: contact.ConsentOptedOut, Source: consent.SourceKeyword,
			Evidence: consent.Evidence{Text: in.Body, MessageSID: *in.SID, Note: madeUp}, OccurredAt: at,
		},
	})
	m := &message.Message{
		Direction: message.Outbound, Purpose: message.PurposeConfirmation, ContactID: c.ID, SenderID: &h.sender,
		Body: farewell, Media: []string{},
		Status: message.StatusDelivered, SID: h.sid("SM"), Attempts: 1, NotBefore: time.Unix(0, 0).UTC(),
		CreatedAt: *after(at, 0.05),
	}
	m.SubmittedAt = after(at, 0.1)
	m.AcceptedAt = after(*m.SubmittedAt, 0.12)
	m.SentAt = after(*m.AcceptedAt, 0.7)
	m.DeliveredAt = after(*m.SentAt, 1.1)
	return m
}

func (h *history) sid(prefix string) *string {
	h.nextMessage++
	s := fmt.Sprintf("%s%016x%016x", prefix, h.nextMessage, h.dice.Uint64())
	return &s
}

// store writes messages with their conversations and delivery events.
func (h *history) store(ctx context.Context, tx bun.Tx, rows []*message.Message) error {
	var fresh []*conversation.Conversation
	for _, m := range rows {
		if talk := h.talks[m.ContactID]; talk != nil && talk.ID == 0 && m.Direction == message.Inbound &&
			!slices.Contains(fresh, talk) {
			fresh = append(fresh, talk)
		}
	}
	if err := insertConversations(ctx, tx, fresh); err != nil {
		return err
	}
	for _, m := range rows {
		if talk := h.talks[m.ContactID]; talk != nil && m.Purpose != message.PurposeCampaign {
			m.ConversationID = &talk.ID
		}
	}
	for part := range slices.Chunk(rows, 2000) {
		if err := h.s.receipts.InsertPast(ctx, tx, part); err != nil {
			return err
		}
		if err := insertDeliveries(ctx, tx, part); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what changed in contacts, and the decisions so far.
func (h *history) flush(ctx context.Context, tx bun.Tx) error {
	ids := make([]int64, 0, len(h.changed))
	for id := range h.changed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	rows := make([]*contact.Contact, len(ids))
	for i, id := range ids {
		rows[i] = h.people[id]
	}
	h.changed = map[int64]bool{}
	for part := range slices.Chunk(rows, 2000) {
		if err := saveContacts(ctx, tx, part); err != nil {
			return err
		}
	}
	slices.SortStableFunc(h.decisions, func(a,
		b consent.Bulk,
	) int {
		return a.Change.OccurredAt.Compare(b.Change.OccurredAt)
	})
	// What a contact wrote is their own doing, and comes after what they were imported with.
	var wrote, others []consent.Bulk
	for _, d := range h.decisions {
		if d.Change.Source == consent.SourceKeyword {
			wrote = append(wrote, d)
		} else {
			others = append(others, d)
		}
	}
	h.decisions = nil
	for part := range slices.Chunk(others, 5000) {
		if err := h.s.consents.RecordBulk(ctx, tx, part); err != nil {
			return err
		}
	}
	for _, d := range wrote {
		by := actor.With(ctx, actor.Actor{Kind: actor.KindContact, ID: d.ContactID})
		if err := h.s.consents.RecordBulk(by, tx, []consent.Bulk{d}); err != nil {
			return err
		}
	}
	return nil
}

// settle writes the rest, and moves counters in time to where they belong.
func (h *history) settle(ctx context.Context, tx bun.Tx) error {
	if err := h.flush(ctx, tx); err != nil {
		return err
	}
	talks := make([]*conversation.Conversation, 0, len(h.talks))
	for _, t := range h.talks {
		talks = append(talks, t)
	}
	slices.SortFunc(talks, func(a, b *conversation.Conversation) int { return int(a.ID - b.ID) })
	if err := saveConversations(ctx, tx, talks); err != nil {
		return err
	}
	if err := rebuildSeries(ctx, tx); err != nil {
		return err
	}
	return mark(ctx, tx)
}
