package auth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/uptrace/bun"
)

// Passkey is a key of an operator's device, which signs in without a password.
type Passkey struct {
	ID         int64
	OperatorID int64
	Name       string
	Credential webauthn.Credential
	CreatedAt  time.Time
	LastUsedAt *time.Time
}

// maxPasskeys is how many an operator has at most.
const maxPasskeys = 20

// keyOwner is an operator as the library sees one.
type keyOwner struct {
	*Operator
	handle []byte
	keys   []*Passkey
}

func (k *keyOwner) WebAuthnID() []byte          { return k.handle }
func (k *keyOwner) WebAuthnName() string        { return k.Email }
func (k *keyOwner) WebAuthnDisplayName() string { return k.Name }

func (k *keyOwner) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(k.keys))
	for i, key := range k.keys {
		out[i] = key.Credential
	}
	return out
}

// relyingParty is this installation as browsers see it.
func (s *Service) relyingParty() (*webauthn.WebAuthn, error) {
	u, err := url.Parse(s.publicURL())
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: u.Hostname(), RPDisplayName: issuer, RPOrigins: []string{u.Scheme + "://" + u.Host},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return party, nil
}

// Passkeys lists one's own, newest first.
func (s *Service) Passkeys(ctx context.Context) ([]*Passkey, error) {
	a, err := self(ctx)
	if err != nil {
		return nil, err
	}
	return passkeysOf(ctx, s.db, a.ID)
}

type passkeyStep struct {
	Operator int64
	Session  webauthn.SessionData
}

// BeginPasskey gives what the browser needs to make a passkey, and the step that
// goes along with its answer.
func (s *Service) BeginPasskey(ctx context.Context) (options json.RawMessage, next string, err error) {
	a, err := s.selfRecently(ctx)
	if err != nil {
		return nil, "", err
	}
	owner, err := s.keyOwner(ctx, a.ID)
	if err != nil {
		return nil, "", err
	}
	if len(owner.keys) >= maxPasskeys {
		return nil, "", apperr.Conflict("you have %d passkeys: delete one first", len(owner.keys))
	}
	party, err := s.relyingParty()
	if err != nil {
		return nil, "", err
	}
	creation, session, err := party.BeginRegistration(owner,
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		}),
		webauthn.WithExclusions(webauthn.Credentials(owner.WebAuthnCredentials()).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("passkeys: %w", err)
	}
	if options, err = json.Marshal(creation.Response); err != nil {
		return nil, "", fmt.Errorf("passkeys: %w", err)
	}
	next, err = s.newStep("passkey", passkeyStep{Operator: a.ID, Session: *session})
	return options, next, err
}

// keyOwner reads an operator with their keys, and gives a handle who has none.
func (s *Service) keyOwner(ctx context.Context, id int64) (*keyOwner, error) {
	o, err := operatorByID(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails, see crypto/rand
	handle, err := passkeyHandle(ctx, s.db, id, fresh)
	if err != nil {
		return nil, err
	}
	keys, err := passkeysOf(ctx, s.db, id)
	return &keyOwner{Operator: o, handle: handle, keys: keys}, err
}

// AddPasskey keeps the passkey that the browser made; name is for its owner.
func (s *Service) AddPasskey(ctx context.Context, token, name string, response []byte) (*Passkey, []string, error) {
	a, err := s.selfRecently(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := cleanName(&name); err != nil {
		return nil, nil, err
	}
	var begun passkeyStep
	if err := s.openStep("passkey", token, &begun); err != nil || begun.Operator != a.ID {
		return nil, nil, errStepOver
	}
	owner, err := s.keyOwner(ctx, a.ID)
	if err != nil {
		return nil, nil, err
	}
	party, err := s.relyingParty()
	if err != nil {
		return nil, nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, nil, notAPasskey(err)
	}
	credential, err := party.CreateCredential(owner, begun.Session, parsed)
	if err != nil {
		return nil, nil, notAPasskey(err)
	}
	key := &Passkey{OperatorID: a.ID, Name: name, Credential: *credential}
	codes, err := s.addFactor(ctx, a, token, "passkey", func(ctx context.Context, tx bun.Tx) error {
		return insertPasskey(ctx, tx, key)
	})
	if err != nil {
		return nil, nil, err
	}
	return key, codes, nil
}

func notAPasskey(err error) error {
	return apperr.Wrap(err, apperr.CodeInvalid, "the passkey was not accepted: try again")
}

// DeletePasskey takes one of one's own out of use.
func (s *Service) DeletePasskey(ctx context.Context, id int64) error {
	return s.removeFactor(ctx, "passkey", func(ctx context.Context, tx bun.Tx, a actor.Actor) error {
		return deletePasskey(ctx, tx, a.ID, id)
	})
}

// BeginPasskeySignIn gives what the browser needs to sign in with a passkey, and
// the step that goes along with its answer. Nobody needs to say who they are.
func (s *Service) BeginPasskeySignIn() (options json.RawMessage, next string, err error) {
	party, err := s.relyingParty()
	if err != nil {
		return nil, "", err
	}
	assertion, session, err := party.BeginDiscoverableLogin(
		webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fmt.Errorf("passkeys: %w", err)
	}
	if options, err = json.Marshal(assertion.Response); err != nil {
		return nil, "", fmt.Errorf("passkeys: %w", err)
	}
	next, err = s.newStep("passkey sign in", passkeyStep{Session: *session})
	return options, next, err
}

// SignInPasskey signs in whoever's passkey answered. The device has verified its
// user, so that this is two factors in one.
func (s *Service) SignInPasskey(ctx context.Context, token string, response []byte, from Client) (*SignedIn, error) {
	var begun passkeyStep
	if err := s.openStep("passkey sign in", token, &begun); err != nil {
		return nil, err
	}
	try := &attempt{keys: []counted{{"passkey " + addressKey(from.Address), addressLimit}}, from: from}
	if err := s.begin(ctx, try); err != nil {
		return nil, err
	}
	owner, key, err := s.verifyPasskey(ctx, begun, response)
	if err != nil {
		var o *Operator
		if owner != nil {
			o = owner.Operator
		}
		if noted := s.noteFailure(ctx, try, o, "passkey"); noted != nil {
			return nil, noted
		}
		return nil, err
	}
	return s.admitBy(ctx, owner.Operator, try, from, token, func(ctx context.Context, tx bun.Tx) (string, error) {
		return "passkey", usePasskey(ctx, tx, key)
	})
}

var errNoPasskey = apperr.New(apperr.CodeUnauthenticated, "this passkey is not known here: sign in with your password")

func (s *Service) verifyPasskey(ctx context.Context, begun passkeyStep, response []byte) (*keyOwner, *Passkey, error) {
	party, err := s.relyingParty()
	if err != nil {
		return nil, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, nil, errNoPasskey
	}
	var owner *keyOwner
	find := func(_, handle []byte) (webauthn.User, error) {
		id, err := operatorByHandle(ctx, s.db, handle)
		if err != nil {
			return nil, err
		}
		owner, err = s.keyOwner(ctx, id)
		return owner, err
	}
	_, credential, err := party.ValidatePasskeyLogin(find, begun.Session, parsed)
	if err != nil || owner == nil || !owner.Active || owner.Kind != KindPerson || s.outside(owner.Operator) {
		return owner, nil, errNoPasskey
	}
	key, err := owner.used(credential)
	if err != nil {
		return owner, nil, apperr.Wrap(err, apperr.CodeUnauthenticated, "%s", err)
	}
	return owner, key, nil
}

// used gives the owner's key with this credential, as it is after its use.
func (k *keyOwner) used(credential *webauthn.Credential) (*Passkey, error) {
	if credential.Authenticator.CloneWarning {
		return nil, apperr.Wrap(errors.New("the counter went back"), apperr.CodeInvalid,
			"this passkey may have been copied: use your password and replace it")
	}
	for _, key := range k.keys {
		if string(key.Credential.ID) == string(credential.ID) {
			key.Credential = *credential
			return key, nil
		}
	}
	return nil, apperr.New(apperr.CodeInvalid, "this passkey is not known here: use your password")
}
