package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

// SignedIn is what a sign-in gives: a session, or that it goes on.
type SignedIn struct {
	Second *Second // what is still needed; all else is empty then

	Operator *Operator
	Session  string // the cookie's value
	Device   string // for a cookie that makes the device known for DeviceLength
}

// errOnly answers alike for a wrong password and for one that does not count.
var errOnly = apperr.New(apperr.CodeUnauthenticated,
	"passwords and passkeys are off here: sign in with the button for your organisation")

// outside reports whether the operator has to sign in at the provider.
func (s *Service) outside(o *Operator) bool {
	return s.only && (o.PasswordUntil == nil || o.PasswordUntil.Before(s.now()))
}

var errWrong = apperr.New(apperr.CodeUnauthenticated, "email address or password is wrong")

// SignIn checks the password and opens a session. It answers alike for an
// unknown address and a wrong password. Each attempt is counted before anything
// is checked, so that many at once are no more than the limit: five in a row
// for an account, twenty for a network address, then waits that double. A device
// on which the operator signed in before is counted by itself, so that nobody
// can lock them out of it.
func (s *Service) SignIn(ctx context.Context, email, password string, from Client) (*SignedIn, error) {
	email, valid := cleanEmail(email)
	try := s.newAttempt(email, from)
	if err := s.begin(ctx, try); err != nil {
		return nil, err
	}
	var o *Operator
	if valid {
		found, err := operatorByEmail(ctx, s.db, email)
		if err != nil && !apperr.Is(err, apperr.CodeNotFound) {
			return nil, err
		}
		o = found
	}
	hash, wrong := "", errWrong
	if s.only {
		wrong = errOnly
	}
	if o != nil && o.Kind == KindPerson && !s.outside(o) {
		hash = o.PasswordHash
	}
	right, err := s.passwords.check(ctx, hash, password, try.known)
	if err != nil {
		s.takeBack(ctx, try)
		return nil, err
	}
	if !right || !o.Active {
		reason := "password"
		switch {
		case o == nil:
			reason = "unknown"
		case right:
			reason = "inactive"
		}
		if err := s.noteFailure(ctx, try, o, reason); err != nil {
			return nil, err
		}
		return nil, wrong
	}
	return s.passwordWasRight(ctx, o, try, from)
}

// passwordWasRight opens the session, or begins the second step of who has one.
func (s *Service) passwordWasRight(ctx context.Context, o *Operator, try *attempt,
	from Client,
) (in *SignedIn, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		has, err := factorsOf(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		if !has.Any() {
			in, err = s.admit(ctx, tx, o, try, from, "password")
			return err
		}
		if err := succeeded(ctx, tx, try); err != nil {
			return err
		}
		next, err := s.newStep("sign in", secondStep{Operator: o.ID, Known: s.knownDevice(o.Email, from.Device)})
		in = &SignedIn{Second: &Second{Step: next, TOTP: has.TOTP, Passkey: has.Passkeys > 0}}
		return err
	})
	if err != nil {
		return nil, err
	}
	return in, nil
}

// admit opens the session; by is what the operator has shown.
func (s *Service) admit(ctx context.Context, tx bun.Tx, o *Operator, try *attempt, from Client,
	by string,
) (*SignedIn, error) {
	in := &SignedIn{Operator: o, Session: randomToken(""), Device: s.newDevice(o.Email)}
	if err := succeeded(ctx, tx, try); err != nil {
		return nil, err
	}
	row := &Session{
		OperatorID: o.ID, UserAgent: clip(from.UserAgent, 200), Address: addressText(from.Address),
		Provider: by == byProvider,
	}
	if err := insertSession(ctx, tx, hashToken(in.Session), row); err != nil {
		return nil, err
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.KindOperator, ID: o.ID, Role: o.Role})
	if err := s.tellSignIn(ctx, tx, o, from, by); err != nil {
		return nil, err
	}
	return in, audit.Record(ctx, tx, audit.OperatorSignIn, "operator", o.ID, s.place(from, map[string]any{
		"session": row.ID, "known_device": try.known, "by": by,
	}))
}

// SignOut ends the session; an unknown one is no error.
func (s *Service) SignOut(ctx context.Context, token string, from Client) error {
	var owner int64
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		row, err := deleteSession(ctx, tx, hashToken(token))
		if err != nil || row == nil {
			return err
		}
		owner = row.OperatorID
		return audit.Record(ctx, tx, audit.OperatorSignOut, "operator", owner, s.place(from, map[string]any{
			"session": row.ID,
		}))
	})
	if err == nil && owner != 0 {
		s.changed(owner)
	}
	return err
}

func (s *Service) place(from Client, changes map[string]any) map[string]any {
	changes["address"] = addressText(from.Address)
	return changes
}

func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// limit is how many attempts a key has, and how long it waits after them: base,
// and twice as long each time, up to longest. An hour of quiet begins anew.
type limit struct {
	free          int
	base, longest time.Duration
}

var (
	accountLimit = limit{free: 5, base: 30 * time.Second, longest: 15 * time.Minute}
	addressLimit = limit{free: 20, base: 30 * time.Second, longest: 15 * time.Minute} // offices share one
)

// counted is a key that an attempt counts for.
type counted struct {
	key string
	limit
}

// attempt is one try to sign in, or to prove who one is in another way.
type attempt struct {
	keys  []counted
	known bool   // the device is
	from  Client //
	locks bool   // it was the last free one of a key
}

// newAttempt counts for the account and the network address; on a known device
// for that device alone, which strangers cannot reach.
func (s *Service) newAttempt(email string, from Client) *attempt {
	if nonce := s.knownDevice(email, from.Device); nonce != "" {
		return &attempt{keys: []counted{{"device:" + nonce, accountLimit}}, known: true, from: from}
	}
	return &attempt{from: from, keys: []counted{
		{accountKey(email), accountLimit}, {addressKey(from.Address), addressLimit},
	}}
}

// accountKey does not keep what people typed, and has one length.
func accountKey(email string) string { return "account:" + digest(email) }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// addressKey counts an IPv6 network as one: whoever has one address of a /64 has
// all of it.
func addressKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return "address:" + p.String()
		}
	}
	return "address:" + a.String()
}

// begin counts the attempt, or refuses it.
func (s *Service) begin(ctx context.Context, try *attempt) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		for _, k := range try.keys { // the account before the address, always: nobody waits in a circle
			n, wait, err := takeAttempt(ctx, tx, k.key, k.limit)
			if err != nil {
				return err
			}
			if wait > 0 {
				return apperr.New(apperr.CodeRateLimited, "too many failed attempts: try again in %s",
					max(wait.Round(time.Second), time.Second))
			}
			try.locks = try.locks || n >= k.free
		}
		return nil
	})
}

// takeBack is for attempts that were never decided.
func (s *Service) takeBack(ctx context.Context, try *attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, k := range try.keys {
		_ = giveBack(ctx, s.db, k.key, k.free) // it stays counted then, which harms little
	}
}

// succeeded forgets what was counted for the account or device; other accounts
// behind the same address go on being counted.
func succeeded(ctx context.Context, tx bun.Tx, try *attempt) error {
	if err := forgetAttempts(ctx, tx, try.keys[0].key); err != nil {
		return err
	}
	for _, k := range try.keys[1:] {
		if err := giveBack(ctx, tx, k.key, k.free); err != nil {
			return err
		}
	}
	return nil
}

// noteFailure writes an attempt that failed into the trail, and that the account
// or address has to wait from now on.
func (s *Service) noteFailure(ctx context.Context, try *attempt, o *Operator, reason string) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		id := int64(0)
		if o != nil {
			id = o.ID
		}
		changes := s.place(try.from, map[string]any{"reason": reason, "known_device": try.known})
		if err := audit.Record(ctx, tx, audit.OperatorSignInFailed, "operator", id, changes); err != nil || !try.locks {
			return err
		}
		if o != nil && o.Kind == KindPerson && o.Active {
			if err := s.tell(ctx, tx, o.ID, EventLockout, "", try.from); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.OperatorLockout, "operator", id, s.place(try.from, map[string]any{}))
	})
}

// A known device has shown the right password before. What it keeps is signed
// and holds for one account.
func (s *Service) newDevice(email string) string {
	nonce := rand.Text()
	return nonce + ":" + s.keys.Sign("device", nonce+" "+email)
}

// knownDevice gives the device's own part, or "".
func (s *Service) knownDevice(email, device string) string {
	nonce, signature, ok := strings.Cut(device, ":")
	if !ok || len(nonce) > 64 || !s.keys.Signed("device", nonce+" "+email, signature) {
		return ""
	}
	return nonce
}
