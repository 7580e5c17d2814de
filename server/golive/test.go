package golive

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
)

const testText = "This message shows that you can be reached. Please answer it with any word, so that we see that answers arrive too."

// TestSend writes to one's own number, which has just written to a sender: so nothing need
// be approved, and the way in is tried at the same time. Admins only.
func (s *Service) TestSend(ctx context.Context, address string) (*Test, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if !s.Live {
		return nil, apperr.Conflict("go live first: the sandbox reaches no phone")
	}
	a, err := contact.ParseAddress(address, "")
	if err != nil {
		return nil, apperr.Wrap(err, apperr.CodeInvalid, "give your number with its country, such as +4930123456")
	}
	c, err := contact.ByMatchKey(ctx, s.DB, a.MatchKey)
	var threads []*conversation.Conversation
	if err == nil {
		threads, err = s.Conversations.ByContacts(ctx, []int64{c.ID})
	}
	if err != nil && !apperr.Is(err, apperr.CodeNotFound) {
		return nil, err
	}
	if len(threads) == 0 {
		return nil, apperr.Invalid("address", "%s has not written yet: send a WhatsApp message from it to one of the senders first", a.Wire)
	}
	m, err := s.Conversations.Answer(ctx, conversation.Reply{ConversationID: threads[0].ID, Body: testText})
	if err != nil {
		return nil, err
	}
	t := &Test{ContactID: m.ContactID, MessageID: m.ID}
	return t, db.SaveSetting(ctx, s.DB, testSetting, t)
}

// LastTest gives the newest test; nil: there was none.
func (s *Service) LastTest(ctx context.Context) (*Test, error) {
	t, err := db.Setting[Test](ctx, s.DB, testSetting)
	if err != nil || t == nil {
		return nil, err
	}
	t.AnsweredAt, err = answerAfter(ctx, s.DB, t.ContactID, t.MessageID)
	return t, err
}
