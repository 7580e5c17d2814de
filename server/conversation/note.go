package conversation

import (
	"context"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

const maxNote = 4000 // characters

// Note is what a colleague shall know of a conversation. It is no message and is
// never sent; once written it stays, until an erasure empties it.
type Note struct {
	bun.BaseModel `bun:"table:conversation_notes,alias:cn"`

	ID             int64     `bun:",pk,autoincrement"`
	ConversationID int64     //
	OperatorID     *int64    // who wrote it; nil: a program
	Body           string    // empty once the contact was erased
	CreatedAt      time.Time `bun:",nullzero"`
}

// AddNote writes a note.
func (s *Service) AddNote(ctx context.Context, id int64, body string) (*Note, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	n := &Note{ConversationID: id, OperatorID: actor.OperatorID(ctx), Body: contact.CleanText(body)}
	if length := utf8.RuneCountInString(n.Body); length < 1 || length > maxNote {
		return nil, apperr.Invalid("body", "a note has 1 to %d characters, this one has %d", maxNote, length)
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := notErased(ctx, tx, id); err != nil {
			return err
		}
		if err := insertNote(ctx, tx, n); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ConversationNote, "conversation", id, map[string]any{"note": n.ID})
	})
	if err != nil {
		return nil, err
	}
	s.tell(id)
	return n, nil
}

// notErased refuses to keep something about nobody. It locks the contact, so that an
// erasure comes before, or finds what is kept.
func notErased(ctx context.Context, tx bun.Tx, id int64) error {
	seen, err := byID(ctx, tx, id)
	if err != nil {
		return err
	}
	c, err := contact.ByIDForUpdate(ctx, tx, seen.ContactID)
	if err != nil {
		return err
	}
	if c.ErasedAt != nil {
		return apperr.Conflict("this contact was erased")
	}
	return nil
}

// NotesOf gives the same page of each conversation's notes, the newest first.
func (s *Service) NotesOf(ctx context.Context, p db.Page, ids []int64) (map[int64]db.Slice[*Note], error) {
	return notesOf(ctx, s.db, p, ids)
}

// NoteCursor is a note's place among those of its conversation.
func NoteCursor(n *Note) string { return db.Cursor("", n.ID) }
