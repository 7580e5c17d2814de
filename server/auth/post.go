package auth

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

const postTime = 30 * time.Second // for one email, with what is looked up for it

// Mails reports whether emails can be sent; else admins hand links over.
func (s *Service) Mails() bool { return s.mail != nil }

// inBackground lets go of the request: how long something takes then tells
// nobody whether there is an account. Run waits for it.
func (s *Service) inBackground(ctx context.Context, what string, do func(context.Context) error) {
	s.background.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postTime)
		defer cancel()
		if err := do(ctx); err != nil {
			s.log.WarnContext(ctx, what+" was not sent", "error", err)
		}
	})
}

// postLink emails a link, if emails can be sent.
func (s *Service) postLink(ctx context.Context, to *Operator, purpose Purpose, link string) {
	if s.mail == nil {
		return
	}
	reader := say.From(ctx) // whoever asked for it, themselves or the admin who invites them
	if to.Language != "" {
		reader = readerOf(to)
	} else if reader.Language == "" {
		reader.Language = "en"
	}
	subject, before, after := say.New("Choose a new password"),
		say.New("a new password was asked for. Choose it here; the link works once, for one day:"),
		say.New("If it was not you, ignore this: your password stays as it is.")
	if purpose == PurposeInvitation {
		subject, after = say.New("You are invited to %s", issuer), say.Text{}
		before = say.New("you are invited. Choose a password here; the link works once, for seven days:")
	}
	text := reader.Say(say.New("Hello %s,", to.Name)) + "\n\n" + reader.Say(before) + "\n\n" + link + "\n"
	if !after.Empty() {
		text += "\n" + reader.Say(after) + "\n"
	}
	address := to.Email
	s.inBackground(ctx, "a link", func(ctx context.Context) error { return s.mail(ctx, address, reader.Say(subject), text) })
}

// RequestReset emails a link for a new password to the operator with this
// address. It answers alike whether there is one, and is limited as signing in
// is.
func (s *Service) RequestReset(ctx context.Context, email string, from Client) error {
	if s.only {
		return errPasswordsOff
	}
	if s.mail == nil {
		return apperr.Conflict("this server sends no emails: ask an admin for a link")
	}
	email, valid := cleanEmail(email)
	try := &attempt{from: from, keys: []counted{
		{"reset " + accountKey(email), accountLimit}, {"reset " + addressKey(from.Address), addressLimit},
	}}
	if err := s.begin(ctx, try); err != nil || !valid {
		return err
	}
	s.inBackground(ctx, "a link", func(ctx context.Context) error {
		o, err := operatorByEmail(ctx, s.db, email)
		if apperr.Is(err, apperr.CodeNotFound) || err == nil && (!o.Active || o.Kind != KindPerson) {
			return nil
		}
		if err != nil {
			return err
		}
		purpose, length := PurposeReset, ResetLength
		if o.Invited() {
			purpose, length = PurposeInvitation, LinkLength
		}
		link := ""
		err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			if link, err = s.newLink(ctx, tx, o.ID, purpose, length); err != nil {
				return err
			}
			ctx = actor.With(ctx, actor.System) // nobody has shown who they are
			return audit.Record(ctx, tx, audit.OperatorPasswordLink, "operator", o.ID,
				s.place(from, map[string]any{"purpose": purpose, "by": "email"}))
		})
		if err == nil {
			s.postLink(ctx, o, purpose, link)
		}
		return err
	})
	return nil
}
