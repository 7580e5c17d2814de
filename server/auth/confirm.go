package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/uptrace/bun"
)

// Confirmation is how somebody can prove once more who they are.
type Confirmation struct {
	Password       bool
	PasskeyOptions json.RawMessage // for the browser; nil: there are no passkeys
	PasskeyStep    string          // goes along with the browser's answer
	Provider       bool            // signing in at the provider anew will do
}

// confirmStep belongs to one session: another browser of the same operator cannot
// use it.
type confirmStep struct {
	Session int64
	Passkey webauthn.SessionData
}

const passkeyConfirm = "passkey confirm" // the purpose of the step

// BeginConfirm gives the ways there are.
func (s *Service) BeginConfirm(ctx context.Context) (*Confirmation, error) {
	a, err := self(ctx)
	if err != nil {
		return nil, err
	}
	owner, err := s.keyOwner(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	ways := &Confirmation{Password: owner.PasswordHash != "", Provider: owner.OIDCSubject != ""}
	if len(owner.keys) == 0 {
		return ways, nil
	}
	party, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	assertion, session, err := party.BeginLogin(owner, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	if ways.PasskeyOptions, err = json.Marshal(assertion.Response); err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	ways.PasskeyStep, err = s.newStep(passkeyConfirm, confirmStep{Session: a.Session, Passkey: *session})
	return ways, err
}

// Confirm proves by password who one is once more, so that acts that cannot be
// undone are allowed for RecentFor.
func (s *Service) Confirm(ctx context.Context, password string) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	if err := s.prove(ctx, a, "password", password); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error { return confirmed(ctx, tx, a, "password") })
}

// ConfirmByPasskey is Confirm by the answer of one of one's own passkeys.
func (s *Service) ConfirmByPasskey(ctx context.Context, token string, response []byte) error {
	a, err := self(ctx)
	if err != nil {
		return err
	}
	var begun confirmStep
	if err := s.openStep(passkeyConfirm, token, &begun); err != nil || begun.Session != a.Session {
		return errStepOver
	}
	owner, err := s.keyOwner(ctx, a.ID)
	if err != nil {
		return err
	}
	var key *Passkey
	err = s.proveBy(ctx, owner.Operator, "passkey", func(context.Context) (err error) {
		key, err = s.ownPasskey(owner, begun.Passkey, response)
		return err
	})
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.spend(ctx, tx, token); err != nil {
			return err
		}
		if err := usePasskey(ctx, tx, key); err != nil {
			return err
		}
		return confirmed(ctx, tx, a, "passkey")
	})
}

// ownPasskey gives the owner's key that answered; everything else is invalid.
func (s *Service) ownPasskey(owner *keyOwner, begun webauthn.SessionData, response []byte) (*Passkey, error) {
	refused := func(err error) error {
		return apperr.Wrap(err, apperr.CodeInvalid, "this passkey was not accepted: use one of your own, or your password")
	}
	party, err := s.relyingParty()
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, refused(err)
	}
	credential, err := party.ValidateLogin(owner, begun, parsed)
	if err != nil {
		return nil, refused(err)
	}
	return owner.used(credential)
}

func confirmed(ctx context.Context, tx bun.Tx, a actor.Actor, by string) error {
	if err := confirmSession(ctx, tx, a.Session); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.OperatorConfirm, "operator", a.ID,
		map[string]any{"by": by, "address": addressText(actor.Address(ctx))})
}
