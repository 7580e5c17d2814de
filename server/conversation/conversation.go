// Package conversation takes in what contacts write: it opens the session
// window, keeps the thread, obeys keywords and confirms them once.
package conversation

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/jobs"
	"eventstream/server/merge"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/pubsub"
	"eventstream/server/sender"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// Window is how long after a contact's last message free text may go to them:
// WhatsApp's customer service window.
const Window = 24 * time.Hour

// windowMargin keeps us from sending into a window that closes meanwhile.
const windowMargin = 5 * time.Minute

// Conversation is all messages with one contact.
type Conversation struct {
	bun.BaseModel `bun:"table:conversations,alias:co"`

	ID               int64      `bun:",pk,autoincrement"`
	ContactID        int64      // unique
	SessionExpiresAt *time.Time // nil: they never wrote
	Unread           int        //
	Status           string     // open or closed
	AssigneeID       *int64     // the operator who takes care of it
	SnoozedUntil     *time.Time // when a closed one opens by itself
	LastMessageAt    *time.Time //
	CreatedAt        time.Time  `bun:",nullzero"`
}

// Open reports whether free text may go now.
func (c *Conversation) Open(now time.Time) bool {
	return c.SessionExpiresAt != nil && now.Before(c.SessionExpiresAt.Add(-windowMargin))
}

// InboundMessage is what a contact wrote, as the webhook brought it.
type InboundMessage struct {
	SID           string
	From, To      string   // addresses, with or without the channel's prefix
	UserIDs       []string // the ids under which WhatsApp knows the writer, beside From
	Body          string
	Media         []string
	Content       *message.Content // what it holds beside text and media
	ProfileName   string
	QuotedSID     string // the message they replied to
	ButtonText    string
	ButtonPayload string
	OptOut        consent.Keyword // what Advanced Opt-Out understood, and has answered already
	ReceivedAt    time.Time
	Past          bool // it came from another provider than the one in use: only an opt-out in it counts
	Late          bool // it was kept in a spool, or found in the provider's log: see consent.Decision
}

// Said is all of it that may ask for something.
func (in InboundMessage) Said() consent.Said {
	return consent.Said{Body: in.Body, ButtonText: in.ButtonText, ButtonPayload: in.ButtonPayload, Provider: in.OptOut}
}

// reply is it as the answer to a question of ours. keyword is what it asks for of everything.
func (in InboundMessage) reply(keyword consent.Keyword, from []string) doubleoptin.Reply {
	return doubleoptin.Reply{
		Keyword: keyword, Text: cmp.Or(in.ButtonText, in.Body), SID: in.SID, QuotedSID: in.QuotedSID, ReceivedAt: in.ReceivedAt, Late: in.Late,
		From: from,
	}
}

// named is who wrote, by all addresses that the webhook names.
func (in InboundMessage) named() (merge.Named, error) {
	from, err := contact.DeliveredAddress(in.From)
	if err != nil {
		return merge.Named{}, err
	}
	return merge.Named{
		Addresses: append([]contact.Address{from}, contact.ReadIDs(in.UserIDs)...), Name: in.ProfileName, At: in.ReceivedAt,
		Source: contact.SourceMessage,
	}, nil
}

// Service takes in inbound messages and sends single ones.
type Service struct {
	db       *db.DB
	hub      *pubsub.Hub
	jobs     *jobs.Enqueuer
	consents *consent.Service
	topics   *topic.Service
	merges   *merge.Service
	now      func() time.Time
}

// Dependencies are the parts of a Service.
type Dependencies struct {
	DB       *db.DB
	Hub      *pubsub.Hub
	Jobs     *jobs.Enqueuer
	Consents *consent.Service
	Topics   *topic.Service
	Now      func() time.Time
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, hub: d.Hub, jobs: d.Jobs, consents: d.Consents, topics: d.Topics, now: d.Now,
		merges: merge.NewService(d.DB, d.Hub, d.Consents, d.Topics),
	}
}

// News is what an inbound message changed, to be published after the commit.
type News struct {
	MessageID, ContactID, CampaignID, ConversationID int64

	StrangeNumber bool // it was written to a number that is none of the senders
}

// Publish tells the subscriptions.
func (n News) Publish(hub *pubsub.Hub) {
	if n.MessageID == 0 {
		return
	}
	hub.Publish(pubsub.TopicInbound, n.MessageID)
	hub.Publish(pubsub.TopicContact, n.ContactID)
	hub.Publish(pubsub.TopicConversation, n.ConversationID)
	if n.CampaignID != 0 {
		hub.Publish(pubsub.TopicCampaign, n.CampaignID)
	}
}

// Receive takes in one message in the caller's transaction: contact found or
// created, message kept, window opened, keyword obeyed. The same SID again is
// nothing.
func (s *Service) Receive(ctx context.Context, tx bun.Tx, in InboundMessage) (News, error) {
	named, err := in.named()
	if err != nil {
		return News{}, err
	}
	seen, err := message.KnownSIDs(ctx, tx, []string{in.SID})
	if err != nil || seen[in.SID] {
		return News{}, err
	}
	if in.Past {
		return News{}, s.heedOptOut(ctx, tx, named, in)
	}
	c, err := s.merges.Identify(ctx, tx, named)
	if err != nil {
		return News{}, err
	}
	ctx = actor.With(ctx, actor.Contact(c.ID))
	if err := contact.TouchInbound(ctx, tx, c.ID, contact.Keys(named.Addresses), in.ReceivedAt); err != nil {
		return News{}, err
	}
	thread, waiting, err := touch(ctx, tx, c.ID, in.ReceivedAt)
	if err != nil {
		return News{}, err
	}
	snd, known, err := findSender(ctx, tx, in.To)
	if err != nil {
		return News{}, err
	}
	words, err := s.consents.Words.In(ctx, tx)
	if err != nil {
		return News{}, err
	}
	said := in.Said()
	said.Locale = c.Locale
	intent := words.Understand(said)
	answer, keyword, asked, err := s.obeyAny(ctx, tx, c, words, intent, in)
	if err != nil {
		return News{}, err
	}
	language, confirmed, err := doubleoptin.Hear(ctx, tx, s.consents, c, in.reply(keyword, contact.Keys(named.Addresses)))
	if err != nil {
		return News{}, err
	}
	if confirmed {
		answer = words.AnswersFor(language, c.Locale).Start
	}
	// Nobody has to read an opt-out that was obeyed, unless something else waits for somebody.
	review := intent.Review || c.OptOutReviewAt != nil && keyword != consent.KeywordStop
	if asked == consent.KeywordStop && !review && !waiting {
		if err := putAway(ctx, tx, thread); err != nil {
			return News{}, err
		}
	}
	// Messages come last: they move counters that all contacts share, and whoever
	// holds those keeps all others waiting until the commit.
	m := &message.Message{
		Direction: message.Inbound, Purpose: message.PurposeInbound, ContactID: c.ID, ConversationID: &thread.ID,
		SenderID: snd,
		Body:     contact.CleanText(in.Body), Media: in.Media, Content: in.Content, Status: message.StatusReceived, SID: &in.SID,
	}
	if m.Content != nil && m.Content.Quoted != nil {
		if err := message.Quote(ctx, tx, c.ID, m.Content.Quoted); err != nil {
			return News{}, err
		}
	}
	if err := message.Insert(ctx, tx, m); err != nil {
		return News{}, err
	}
	switch {
	case intent.Review:
		err = optout.Note(ctx, tx, c, m.ID, intent.Language)
	case keyword == consent.KeywordStop:
		err = optout.Close(ctx, tx, c.ID)
	}
	if err != nil {
		return News{}, err
	}
	campaignID, err := message.MarkReplied(ctx, tx, c.ID, in.QuotedSID, keyword == consent.KeywordStop, m.Content.Tapped(), in.ReceivedAt)
	if err != nil {
		return News{}, err
	}
	news := News{
		MessageID: m.ID, ContactID: c.ID, CampaignID: campaignID, ConversationID: thread.ID, StrangeNumber: !known,
	}
	if answer == "" {
		return news, nil
	}
	return news, s.confirm(ctx, tx, c, thread, snd, answer, in)
}

// heedOptOut takes of a message to another provider than the one in use only what keeps
// somebody from being written to, and answers nothing.
func (s *Service) heedOptOut(ctx context.Context, tx bun.Tx, named merge.Named, in InboundMessage) error {
	words, err := s.consents.Words.In(ctx, tx)
	if err != nil {
		return err
	}
	found, err := contact.ByMatchKeys(ctx, tx, contact.Keys(named.Addresses), true)
	if err != nil {
		return err
	}
	heeded := map[int64]bool{}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		c := found[key]
		said := in.Said()
		said.Locale = c.Locale
		intent := words.Understand(said)
		command, _ := words.Command(in.Body)
		if heeded[c.ID] || intent.Keyword != consent.KeywordStop && command != consent.KeywordStop {
			continue
		}
		heeded[c.ID] = true
		if _, _, _, err := s.obeyAny(actor.With(ctx, actor.Contact(c.ID)), tx, c, words, intent, in); err != nil {
			return err
		}
	}
	return nil
}

// obeyAny does what a message asks for, of everything or of one topic. It gives the
// answer that confirms it, "" for none, what was asked for of everything, and what was
// asked for of whatever it was.
func (s *Service) obeyAny(ctx context.Context, tx bun.Tx, c *contact.Contact, words *consent.Vocabulary,
	intent consent.Intent, in InboundMessage,
) (answer string, everything, asked consent.Keyword, err error) {
	// A button's and the provider's STOP are about everything, whatever the body names.
	k, rest := words.Command(in.Body)
	if k != consent.KeywordNone && intent.Rule != consent.RuleButton && intent.Rule != consent.RuleProvider {
		t, err := s.topics.ByKeyword(ctx, tx, rest)
		if err != nil {
			return "", consent.KeywordNone, consent.KeywordNone, err
		}
		if t != nil {
			answer, err = s.obeyTopic(ctx, tx, c, words, k, t, in)
			return answer, consent.KeywordNone, k, err
		}
	}
	answer, err = s.obey(ctx, tx, c, words, intent, in)
	return answer, intent.Keyword, intent.Keyword, err
}

// obey records what a keyword decides and answers what it changed. The ledger
// takes every one, also where nothing changes: what becomes known late is held
// against the newest of them.
func (s *Service) obey(ctx context.Context, tx bun.Tx, c *contact.Contact, words *consent.Vocabulary,
	intent consent.Intent, in InboundMessage,
) (answer string, err error) {
	before := c.ConsentStatus
	answer = words.AnswersFor(intent.Language, c.Locale).To(intent.Keyword)
	if intent.Keyword == consent.KeywordNone || intent.Keyword == consent.KeywordHelp {
		return answer, nil
	}
	if err := s.consents.Record(ctx, tx, c, decided(intent, in)); err != nil || c.ConsentStatus == before {
		return "", err // a repeat was confirmed once already
	}
	return answer, nil
}

// decided is what a STOP or START says.
func decided(intent consent.Intent, in InboundMessage) consent.Change {
	status := contact.ConsentOptedOut
	if intent.Keyword == consent.KeywordStart {
		status = contact.ConsentOptedIn
	}
	return consent.Change{
		Status: status, Source: consent.SourceKeyword, OccurredAt: in.ReceivedAt, Late: in.Late,
		Evidence: consent.Evidence{
			Text: contact.CleanText(in.Body), MessageSID: in.SID, Rule: intent.Rule, Words: intent.Words,
			Language: intent.Language,
		},
	}
}

// obeyTopic has a contact leave one topic, or subscribes them to it. Their START
// asks for these messages, so it also brings back whom STOP had sent away,
// unless that STOP is the newer one, or may be where this came late.
func (s *Service) obeyTopic(ctx context.Context, tx bun.Tx, c *contact.Contact, words *consent.Vocabulary,
	k consent.Keyword, t *topic.Topic, in InboundMessage,
) (string, error) {
	before := c.ConsentStatus
	intent := topicIntent(words, k, in.Body, c.Locale)
	status := topic.StatusLeft
	if k == consent.KeywordStart {
		status = topic.StatusSubscribed
		doubt := time.Duration(0)
		if in.Late {
			doubt = consent.ClockError
		}
		left, err := s.topics.LeftAt(ctx, tx, c.ID, t.ID)
		if err != nil || left != nil && !in.ReceivedAt.After(left.Add(doubt)) {
			return "", err
		}
		if err := s.consents.Record(ctx, tx, c, decided(intent, in)); err != nil || c.ConsentStatus != contact.ConsentOptedIn {
			return "", err
		}
	}
	changed, err := s.topics.Record(ctx, tx, c.ID, t.ID, status, consent.SourceKeyword, in.ReceivedAt)
	if err != nil {
		return "", err
	}
	if !changed && c.ConsentStatus == before || k == consent.KeywordStop && c.ConsentStatus == contact.ConsentOptedOut {
		return "", nil // confirmed once already
	}
	return topicAnswer(words, intent, t, c.Locale), nil
}

// topicIntent is what "STOP NEWS" asks for: its first word says it, and in which language.
func topicIntent(words *consent.Vocabulary, k consent.Keyword, body, locale string) consent.Intent {
	first := firstWord(body)
	return consent.Intent{
		Keyword: k, Rule: consent.RuleWord, Language: words.Understand(consent.Said{Body: first, Locale: locale}).Language,
		Words: words.Edition(), Matched: []string{first},
	}
}

// topicAnswer confirms that somebody left a topic, or subscribed to it.
func topicAnswer(words *consent.Vocabulary, intent consent.Intent, t *topic.Topic, locale string) string {
	answers := words.AnswersFor(intent.Language, locale)
	text := answers.Left
	if intent.Keyword == consent.KeywordStart {
		text = answers.Joined
	}
	return consent.About(text, t.Name, t.Keyword)
}

// firstWord is the STOP of "STOP NEWS".
func firstWord(body string) string {
	if words := strings.Fields(body); len(words) > 0 {
		return words[0]
	}
	return ""
}

// confirm answers a keyword, unless Twilio has done so.
func (s *Service) confirm(ctx context.Context, tx bun.Tx, c *contact.Contact, thread *Conversation, snd *int64,
	answer string, in InboundMessage,
) error {
	if in.OptOut != consent.KeywordNone || snd == nil {
		return nil
	}
	return enqueue(ctx, tx, s.jobs, &message.Message{
		Direction: message.Outbound, Purpose: message.PurposeConfirmation, ContactID: c.ID, ConversationID: &thread.ID,
		SenderID: snd, Body: answer, Status: message.StatusPending,
	})
}

func enqueue(ctx context.Context, tx bun.Tx, j *jobs.Enqueuer, m *message.Message) error {
	if err := message.Insert(ctx, tx, m); err != nil {
		return err
	}
	return j.Insert(ctx, tx, message.SendArgs{MessageID: m.ID})
}

// Test is a message by which an operator looks at a template on a phone.
type Test struct {
	ContactID, SenderID, VersionID int64
	CampaignID                     int64 // as whose start it is sent; 0: somebody asked for it
}

// TestSend sends a template's text to one contact who consented, for an
// operator to look at on a phone.
func (s *Service) TestSend(ctx context.Context, contactID, senderID, versionID int64) (m *message.Message, err error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	return m, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := contact.ByIDForUpdate(ctx, tx, contactID)
		if err != nil {
			return err
		}
		if c.ConsentStatus != contact.ConsentOptedIn {
			return apperr.Conflict("this contact has not opted in: record their consent first")
		}
		if ours, err := sender.InUse(ctx, tx, senderID); err != nil {
			return err
		} else if len(ours) == 0 {
			return apperr.Invalid("senderId", "this sender belongs to the sandbox, and Twilio is live: choose another")
		}
		m, err = SendTest(ctx, tx, s.jobs, Test{ContactID: contactID, SenderID: senderID, VersionID: versionID})
		return err
	})
}

// SendTest writes a test message, which is sent once tx is through. The gate asks for consent then.
func SendTest(ctx context.Context, tx bun.Tx, j *jobs.Enqueuer, t Test) (*message.Message, error) {
	m := &message.Message{
		Direction: message.Outbound, Purpose: message.PurposeTest, ContactID: t.ContactID, SenderID: &t.SenderID,
		OperatorID:        actor.OperatorID(ctx),
		TemplateVersionID: &t.VersionID, Status: message.StatusPending,
	}
	if err := enqueue(ctx, tx, j, m); err != nil {
		return nil, err
	}
	about := map[string]any{"contact": t.ContactID}
	if t.CampaignID != 0 {
		about["campaign"] = t.CampaignID
	}
	return m, audit.Record(ctx, tx, audit.MessageTestSend, "message", m.ID, about)
}

// tell wakes whoever looks at a conversation.
func (s *Service) tell(id int64) { s.hub.Publish(pubsub.TopicConversation, id) }

// ByContacts finds the conversations of contacts.
func (s *Service) ByContacts(ctx context.Context, contactIDs []int64) ([]*Conversation, error) {
	return byContacts(ctx, s.db, contactIDs)
}

// ReplySender is the sender from which a reply goes now; nil: there is none.
func (s *Service) ReplySender(ctx context.Context, id int64) (*int64, error) {
	return replySender(ctx, s.db, id)
}
