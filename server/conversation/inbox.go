package conversation

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/media"
	"eventstream/server/message"
	"eventstream/server/say"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Statuses of a conversation. A closed one opens by itself when they write.
const (
	StatusOpen   = "open"
	StatusClosed = "closed"
)

// Filter narrows the inbox.
type Filter struct {
	Status     string  // "": any
	Snoozed    *bool   // nil: whether or not
	Unread     bool    // only those with something unread
	AssigneeID *int64  // 0: nobody's
	Labels     []int64 // those that have all of them
	Search     string  // part of the contact's name, or a number in any spelling
}

// Reply is what an operator answers: free text inside the session window, or
// an approved template.
type Reply struct {
	ConversationID int64
	Body           string // with a file its caption; may be empty then
	MediaID        *int64 // a file: of the library, or taken in for replies
	TemplateID     *int64
}

// maxCaption is how many characters WhatsApp takes with a file; see Twilio's whatsapp/guidance-whatsapp-media-messages.
const maxCaption = 1024

// check tells what is wrong with it, as far as it can be seen without Postgres.
func (r *Reply) check() error {
	r.Body = strings.TrimSpace(r.Body)
	n := utf8.RuneCountInString(r.Body)
	switch {
	case r.TemplateID != nil && r.Body != "":
		return apperr.Invalid("templateId", "give a text or a template, not both")
	case r.TemplateID != nil && r.MediaID != nil:
		return apperr.Invalid("mediaId", "give a file or a template, not both")
	case r.MediaID != nil && n > maxCaption:
		return apperr.Invalid("body", "with a file a text has at most %d characters, this one has %d", maxCaption, n)
	case r.TemplateID == nil && r.MediaID == nil && (n < 1 || n > gate.MaxText):
		return apperr.Invalid("body", "a reply has 1 to %d characters, this one has %d", gate.MaxText, n)
	}
	return nil
}

// attach puts a file into a reply.
func attach(ctx context.Context, tx bun.Tx, m *message.Message, mediaID int64) error {
	f, err := media.ForReply(ctx, tx, mediaID)
	if err != nil {
		return apperr.Lacking("mediaId", err)
	}
	if f.Kind == template.MediaDocument && m.Body != "" {
		return apperr.Invalid("body", "WhatsApp shows no text with a document: send it as a message of its own")
	}
	m.Media = []string{f.Path()}
	m.Content = &message.Content{
		Kind: message.ContentKind(f.Kind), Files: []message.File{{Type: f.ContentType, Name: f.Name}},
	}
	return nil
}

// List gives a page, the one with the newest message first.
func (s *Service) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Conversation], error) {
	if err := actor.Require(ctx, actor.RoleViewer); err != nil {
		return db.Slice[*Conversation]{}, err
	}
	return list(ctx, s.db, f, p)
}

// CountedUnread is how far conversations with something unread are counted: one more means "more".
const CountedUnread = 1000

// CountUnread tells how many conversations have something unread, at most one more than CountedUnread.
func (s *Service) CountUnread(ctx context.Context) (int, error) {
	if err := actor.Require(ctx, actor.RoleViewer); err != nil {
		return 0, err
	}
	return countUnread(ctx, s.db, CountedUnread+1)
}

// OpenFor gives the conversation with a contact, and makes it where there is none. It is on no
// list before something was written.
func (s *Service) OpenFor(ctx context.Context, contactID int64) (*Conversation, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	who, err := contact.PersonOf(ctx, s.db, contactID)
	if err != nil {
		return nil, err
	}
	var c *Conversation
	return c, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := contact.ByIDForUpdate(ctx, tx, who.ID)
		if err != nil {
			return err
		}
		if locked.ErasedAt != nil {
			return apperr.Conflict("this contact was erased")
		}
		id, err := openFor(ctx, tx, locked.ID)
		if err != nil {
			return err
		}
		c, err = byID(ctx, tx, id)
		return err
	})
}

// Count tells how many f matches.
func (s *Service) Count(ctx context.Context, f Filter) (int64, error) { return count(ctx, s.db, f) }

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Conversation, error) {
	return byID(ctx, s.db, id)
}

func byID(ctx context.Context, idb bun.IDB, id int64) (*Conversation, error) {
	rows, err := byIDs(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, apperr.NotFound("conversation %v does not exist", id)
	}
	return rows[0], nil
}

// ByIDs finds several.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Conversation, error) {
	return byIDs(ctx, s.db, ids)
}

// CursorOf is a conversation's place in the inbox.
func CursorOf(c *Conversation) string {
	if c.LastMessageAt == nil {
		return db.Cursor("-infinity", c.ID)
	}
	return db.Cursor(c.LastMessageAt.UTC().Format(time.RFC3339Nano), c.ID)
}

// Answer sends a reply. The gate looks again when it goes; what it would refuse
// now is refused at once, with the reason.
func (s *Service) Answer(ctx context.Context, r Reply) (*message.Message, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	m := &message.Message{
		Direction: message.Outbound, Purpose: message.PurposeReply, Body: r.Body,
		Status: message.StatusPending, OperatorID: actor.OperatorID(ctx),
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		seen, err := byID(ctx, tx, r.ConversationID)
		if err != nil {
			return err
		}
		c, err := contact.ByIDForUpdate(ctx, tx, seen.ContactID) // in the order in which Receive locks
		if err != nil {
			return err
		}
		thread, err := byIDForUpdate(ctx, tx, r.ConversationID)
		if err != nil {
			return err
		}
		var version *template.Version
		if r.TemplateID != nil {
			if version, err = template.ReplyVersion(ctx, tx, *r.TemplateID); err != nil {
				return err
			}
			if version == nil {
				return apperr.Invalid("templateId", "WhatsApp has not approved this template: choose another")
			}
			m.TemplateVersionID = &version.ID
		}
		if r.MediaID != nil {
			if err := attach(ctx, tx, m, *r.MediaID); err != nil {
				return err
			}
		}
		if err := s.mayAnswer(ctx, tx, c, thread, r.Body, version); err != nil {
			return err
		}
		if m.SenderID, err = replySender(ctx, tx, thread.ID); err != nil {
			return err
		}
		if m.SenderID == nil {
			return apperr.Conflict("there is no sender: add one under Settings")
		}
		m.ContactID, m.ConversationID = c.ID, &thread.ID
		if err := enqueue(ctx, tx, s.jobs, m); err != nil {
			return err
		}
		if r.MediaID != nil {
			if err := media.Shown(ctx, tx, *r.MediaID, m.ID); err != nil {
				return err
			}
		}
		if err := answered(ctx, tx, thread.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ConversationReply, "conversation", thread.ID, map[string]any{"message": m.ID})
	})
	if err != nil {
		return nil, err
	}
	s.tell(r.ConversationID)
	return m, nil
}

// refusals are the gate's reasons against a reply, in words for the operator.
var refusals = map[message.SkipReason]say.Format{
	message.SkipErased:          "this contact was erased",
	message.SkipOptedOut:        "this contact has opted out: nothing may be sent until they write START",
	message.SkipSuppressed:      "this number is suppressed: nothing may be sent to it",
	message.SkipNoConsent:       "this contact has not opted in: a template needs their consent",
	message.SkipNoNumber:        "only an id is known of this contact, and WhatsApp delivers authentication templates to numbers alone",
	message.SkipMissingVariable: "the template needs a value that this contact does not have",
	message.SkipWindowClosed:    "the 24-hour window is closed: only an approved template may go until they write again",
	message.SkipTooLong:         "filled in, the text is longer than WhatsApp takes",
}

// mayAnswer asks the gate that the reply will pass when it goes.
func (s *Service) mayAnswer(ctx context.Context, tx bun.Tx, c *contact.Contact, thread *Conversation, text string,
	version *template.Version,
) error {
	suppressed, err := s.consents.SuppressedContacts(ctx, tx, []int64{c.ID})
	if err != nil {
		return err
	}
	candidate := gate.Candidate{
		Purpose: message.PurposeReply, Contact: c, Suppressed: suppressed[c.ID], Text: text,
		WindowOpen: thread.Open(s.now()),
	}
	if version != nil {
		if candidate.Template, err = version.Compile(); err != nil {
			return err
		}
		if candidate.Category, err = template.CategoryOf(ctx, tx, version.TemplateID); err != nil {
			return err
		}
	}
	v := gate.Decide(candidate, s.now())
	if v.Status == message.StatusSubmitting {
		return nil
	}
	if text := refusals[v.Skip]; text != "" {
		return apperr.Conflict(text)
	}
	return apperr.Conflict("it may not go: %s", strings.ReplaceAll(string(v.Skip), "_", " "))
}

// MarkRead clears the unread count.
func (s *Service) MarkRead(ctx context.Context, id int64) (*Conversation, error) {
	return s.change(ctx, id, audit.Action{}, func(c *Conversation) { c.Unread = 0 })
}

// Close puts a conversation away; reopen takes it back.
func (s *Service) Close(ctx context.Context, id int64, reopen bool) (*Conversation, error) {
	if reopen {
		return s.change(ctx, id, audit.ConversationReopen, func(c *Conversation) { c.Status, c.SnoozedUntil = StatusOpen, nil })
	}
	return s.change(ctx, id, audit.ConversationClose, func(c *Conversation) { c.Status, c.Unread, c.SnoozedUntil = StatusClosed, 0, nil })
}

// Assign gives a conversation to an active operator; nil takes it from them.
func (s *Service) Assign(ctx context.Context, id int64, operator *int64) (*Conversation, error) {
	if operator != nil {
		active, err := activeOperator(ctx, s.db, *operator)
		if err != nil {
			return nil, err
		}
		if !active {
			return nil, apperr.Invalid("assigneeId", "there is no such active operator")
		}
	}
	return s.change(ctx, id, audit.ConversationAssign, func(c *Conversation) { c.AssigneeID = operator })
}

// change writes what fn changes; no action is not worth an audit entry.
func (s *Service) change(ctx context.Context, id int64, action audit.Action,
	fn func(*Conversation),
) (c *Conversation, err error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if c, err = byIDForUpdate(ctx, tx, id); err != nil {
			return err
		}
		fn(c)
		if err := save(ctx, tx, c); err != nil || action == (audit.Action{}) {
			return err
		}
		changes := map[string]any{"status": c.Status, "assignee": c.AssigneeID}
		if c.SnoozedUntil != nil {
			changes["snoozed_until"] = c.SnoozedUntil
		}
		return audit.Record(ctx, tx, action, "conversation", id, changes)
	})
	if err != nil {
		return nil, err
	}
	s.tell(id)
	return c, nil
}
