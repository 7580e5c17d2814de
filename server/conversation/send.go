package conversation

import (
	"context"
	"errors"
	"time"

	"eventstream/server/contact"
	"eventstream/server/message"
	"eventstream/server/sender"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

const (
	singleLease    = 30 * time.Second
	singleAttempts = 5
)

// Send sends one pending message now: a confirmation or reply inside the
// session window, or a test of a template. It never sends one twice: the claim
// is durable before the call, and what has no answer is left to reconciliation.
// A positive wait asks for another try after it.
func (s *Service) Send(ctx context.Context, id int64) (wait time.Duration, err error) {
	var m *message.Message
	var out message.Outgoing
	var skip message.SkipReason
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if m, err = claimSingle(ctx, tx, id, singleLease); err != nil || m == nil {
			return err
		}
		if out, skip, err = s.outgoing(ctx, tx, m); err != nil {
			return err
		}
		if skip != "" {
			return finishSingle(ctx, tx, m, message.StatusSkipped, "", skip, 0, "")
		}
		return nil
	})
	if err != nil || m == nil || skip != "" {
		return 0, err
	}
	// It does not wait for a slot: bulk makes room for it.
	if err := sender.Spend(ctx, s.db, *m.SenderID); err != nil {
		s.log.WarnContext(ctx, "a reply was sent beside the pace", "sender", *m.SenderID, "error", err)
	}
	// From here on the message may be out: the context's end must not lose the answer.
	ctx = context.WithoutCancel(ctx)
	m.Body = out.Body
	ok, err := s.provider.Send(ctx, out)
	if err == nil {
		return 0, finishSingle(ctx, s.db, m, message.StatusAccepted, ok.SID, "", 0, "")
	}
	failure, known := errors.AsType[*message.SendError](err)
	switch {
	case !known || failure.Info.Class == message.ClassAmbiguous:
		return 0, finishSingle(ctx, s.db, m, message.StatusUnknown, "", "", 0, err.Error())
	// What holds back the account or the sender is not this message's fault.
	case failure.Info.Class == message.ClassRetry && (m.Attempts < singleAttempts || failure.Info.Scope != ""):
		wait = max(failure.Info.Delay, failure.RetryAfter, time.Second) * time.Duration(min(m.Attempts, singleAttempts))
		return wait, finishSingle(ctx, s.db, m, message.StatusPending, "", "", failure.Info.Code, failure.Text)
	}
	return 0, finishSingle(ctx, s.db, m, message.StatusFailed, "", "", failure.Info.Code, failure.Text)
}

// outgoing is the gate for single messages: free text only inside the window,
// and to someone who opted out nothing but the one confirmation.
func (s *Service) outgoing(ctx context.Context, tx bun.Tx, m *message.Message) (message.Outgoing, message.SkipReason, error) {
	found, err := contact.ByIDs(ctx, tx, []int64{m.ContactID})
	if err != nil {
		return message.Outgoing{}, "", err
	}
	c := found[0]
	snd, err := s.senders.ByID(ctx, *m.SenderID)
	if err != nil {
		return message.Outgoing{}, "", err
	}
	out := message.Outgoing{MessageID: m.ID, From: snd.Address, To: c.Address, Body: m.Body}
	suppressed, err := s.consents.Suppressed(ctx, tx, []string{c.MatchKey})
	if err != nil {
		return out, "", err
	}
	confirming := m.Purpose == message.PurposeConfirmation
	switch {
	case c.ErasedAt != nil:
		return out, message.SkipErased, nil
	case c.ConsentStatus == contact.ConsentOptedOut && !confirming:
		return out, message.SkipOptedOut, nil
	case suppressed[c.MatchKey] != "" && !confirming:
		return out, message.SkipSuppressed, nil
	case snd.Status != sender.StatusActive:
		return out, message.SkipReason("sender_" + string(snd.Status)), nil
	}
	if m.TemplateVersionID != nil {
		return s.fromTemplate(ctx, tx, m, c, out)
	}
	threads, err := byContacts(ctx, tx, []int64{c.ID})
	if err != nil {
		return out, "", err
	}
	if len(threads) == 0 || !threads[0].Open(s.now()) {
		return out, "window_closed", nil
	}
	return out, "", nil
}

func (s *Service) fromTemplate(ctx context.Context, tx bun.Tx, m *message.Message, c *contact.Contact, out message.Outgoing) (message.Outgoing, message.SkipReason, error) {
	v, err := template.VersionByID(ctx, tx, *m.TemplateVersionID)
	if err != nil {
		return out, "", err
	}
	if c.ConsentStatus != contact.ConsentOptedIn {
		return out, message.SkipNoConsent, nil
	}
	body, err := template.Parse(v.Body)
	if err != nil {
		return out, "", err
	}
	r := body.Render(c)
	if len(r.Missing) > 0 {
		return out, message.SkipMissingVariable, nil
	}
	out.Body, out.ContentSID, out.ContentVariables = r.Text, v.ContentSID, r.Variables
	return out, "", nil
}
