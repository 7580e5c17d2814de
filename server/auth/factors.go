package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"image/png"
	"strings"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/say"
	"eventstream/server/secret"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"github.com/uptrace/bun"
)

const (
	recoveryCodes = 10
	totpPeriod    = 30 // seconds
	issuer        = "Event Stream Engine"
)

// Factors are what an operator has beside the password.
type Factors struct {
	TOTP          bool
	Passkeys      int
	RecoveryCodes int // that have not been used
}

// Any reports whether a password is not enough.
func (f Factors) Any() bool { return f.TOTP || f.Passkeys > 0 }

// Factors gives one's own.
func (s *Service) Factors(ctx context.Context) (Factors, error) {
	a, err := self(ctx)
	if err != nil {
		return Factors{}, err
	}
	return factorsOf(ctx, s.db, a.ID)
}

// TOTPSetup is what it takes to add the account to an app for codes.
type TOTPSetup struct {
	Secret string // for typing it in
	URI    string // otpauth://…
	QRCode string // the same as a picture, as data: URL
	Step   string // goes along with the first code
}

// BeginTOTP makes a seed. Nothing changes before EnableTOTP.
func (s *Service) BeginTOTP(ctx context.Context) (*TOTPSetup, error) {
	a, err := self(ctx)
	if err != nil {
		return nil, err
	}
	o, err := operatorByID(ctx, s.db, a.ID)
	if err != nil {
		return nil, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: o.Email, Period: totpPeriod})
	if err != nil {
		return nil, fmt.Errorf("make a seed: %w", err)
	}
	picture, err := key.Image(220, 220)
	if err != nil {
		return nil, fmt.Errorf("draw the QR code: %w", err)
	}
	var raw bytes.Buffer
	if err := png.Encode(&raw, picture); err != nil {
		return nil, fmt.Errorf("draw the QR code: %w", err)
	}
	next, err := s.newStep("totp", totpStep{Operator: a.ID, Seed: key.Secret()})
	if err != nil {
		return nil, err
	}
	return &TOTPSetup{
		Secret: key.Secret(), URI: key.URL(), Step: next,
		QRCode: "data:image/png;base64," + base64.StdEncoding.EncodeToString(raw.Bytes()),
	}, nil
}

type totpStep struct {
	Operator int64
	Seed     string
}

// EnableTOTP takes the seed of BeginTOTP into use, proven by a first code, and
// gives recovery codes where there are none yet.
func (s *Service) EnableTOTP(ctx context.Context, token, code string) ([]string, error) {
	a, err := s.selfRecently(ctx)
	if err != nil {
		return nil, err
	}
	var begun totpStep
	if err := s.openStep("totp", token, &begun); err != nil || begun.Operator != a.ID {
		return nil, errStepOver
	}
	at := s.matchingStep(begun.Seed, code)
	if at == 0 {
		return nil, apperr.Invalid("code", "this is not the code that the app shows now")
	}
	sealed, err := s.keys.Seal(secret.TOTPSeed.Purpose(a.ID), []byte(begun.Seed))
	if err != nil {
		return nil, err
	}
	return s.addFactor(ctx, a, token, "totp", func(ctx context.Context, tx bun.Tx) error {
		return setTOTP(ctx, tx, a.ID, sealed, at)
	})
}

// addFactor is one factor more: the trail tells, and who has no recovery codes
// gets some.
func (s *Service) addFactor(ctx context.Context, a actor.Actor, token, kind string,
	add func(context.Context, bun.Tx) error,
) (codes []string, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.spend(ctx, tx, token); err != nil {
			return err
		}
		if err := add(ctx, tx); err != nil {
			return err
		}
		has, err := factorsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if has.RecoveryCodes == 0 {
			if codes, err = newRecoveryCodes(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		if err := s.tellSelf(ctx, tx, a.ID, EventFactorAdded, factorNames[kind].String()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.OperatorFactorAdd, "operator", a.ID,
			map[string]any{"factor": kind, "address": addressText(actor.Address(ctx))})
	})
	if err != nil {
		return nil, err
	}
	s.changed(a.ID)
	return codes, nil
}

// factorNames are the factors in the words of emails.
var factorNames = map[string]say.Text{"totp": say.New("codes of an app"), "passkey": say.New("a passkey")}

// removeFactor is one factor less; with the last one the recovery codes go too.
func (s *Service) removeFactor(ctx context.Context, kind string,
	remove func(context.Context, bun.Tx, actor.Actor) error,
) error {
	a, err := s.selfRecently(ctx)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := remove(ctx, tx, a); err != nil {
			return err
		}
		has, err := factorsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if !has.Any() {
			if err := deleteRecoveryCodes(ctx, tx, a.ID); err != nil {
				return err
			}
		}
		if err := s.tellSelf(ctx, tx, a.ID, EventFactorRemoved, factorNames[kind].String()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.OperatorFactorRemove, "operator", a.ID,
			map[string]any{"factor": kind, "address": addressText(actor.Address(ctx))})
	})
	if err == nil {
		s.changed(a.ID)
	}
	return err
}

func (s *Service) selfRecently(ctx context.Context) (actor.Actor, error) {
	a, err := self(ctx)
	if err == nil {
		err = actor.RequireRecent(ctx)
	}
	return a, err
}

// DisableTOTP takes the codes of the app out of use.
func (s *Service) DisableTOTP(ctx context.Context) error {
	return s.removeFactor(ctx, "totp", func(ctx context.Context, tx bun.Tx, a actor.Actor) error {
		return setTOTP(ctx, tx, a.ID, "", 0)
	})
}

// RenewRecoveryCodes makes new ones; those before no longer work.
func (s *Service) RenewRecoveryCodes(ctx context.Context) (codes []string, err error) {
	a, err := s.selfRecently(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		has, err := factorsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if !has.Any() {
			return apperr.Conflict("recovery codes replace a second factor, and you have none")
		}
		if codes, err = newRecoveryCodes(ctx, tx, a.ID); err != nil {
			return err
		}
		if err := s.tellSelf(ctx, tx, a.ID, EventRecoveryNew, ""); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.OperatorRecoveryCodes, "operator", a.ID, nil)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// ResetFactors takes away all of an operator's second factors, who has lost them,
// and ends their sessions. Admins only; not one's own.
func (s *Service) ResetFactors(ctx context.Context, id int64) (*Operator, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, err
	}
	if isSelf(ctx, id) {
		return nil, apperr.Conflict("change your own under Account")
	}
	return s.change(ctx, id, audit.OperatorFactorsReset, nil, func(ctx context.Context, tx bun.Tx, o *Operator) error {
		if err := dropFactors(ctx, tx, id); err != nil {
			return err
		}
		if err := s.tellSelf(ctx, tx, id, EventFactorsReset, ""); err != nil {
			return err
		}
		return endSessions(ctx, tx, id, 0)
	})
}

func dropFactors(ctx context.Context, tx bun.Tx, operator int64) error {
	if err := setTOTP(ctx, tx, operator, "", 0); err != nil {
		return err
	}
	if err := deletePasskeys(ctx, tx, operator); err != nil {
		return err
	}
	return deleteRecoveryCodes(ctx, tx, operator)
}

// newRecoveryCodes makes a set, which replaces the one before: 80 bits each.
func newRecoveryCodes(ctx context.Context, tx bun.Tx, operator int64) ([]string, error) {
	if err := deleteRecoveryCodes(ctx, tx, operator); err != nil {
		return nil, err
	}
	codes, hashes := make([]string, recoveryCodes), make([][]byte, recoveryCodes)
	for i := range codes {
		raw := strings.ToLower(rand.Text()[:16])
		codes[i], hashes[i] = raw[:4]+"-"+raw[4:8]+"-"+raw[8:12]+"-"+raw[12:], hashToken(raw)
	}
	return codes, insertRecoveryCodes(ctx, tx, operator, hashes)
}

// matchingStep gives the period whose code this is, 0 for none: the present one
// or one beside it, because clocks differ.
func (s *Service) matchingStep(seed, code string) int64 {
	now := s.now().Unix() / totpPeriod
	for _, at := range []int64{now, now - 1, now + 1} {
		right, err := hotp.ValidateCustom(plainCode(code), uint64(at), seed, hotp.ValidateOpts{
			Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err == nil && right {
			return at
		}
	}
	return 0
}

// plainCode takes out what people put between the characters of a code.
func plainCode(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(clip(code, 64)))
}

// Second is a sign-in whose password was right, and that goes on with a code.
type Second struct {
	Step    string // goes along with the code
	TOTP    bool   // a code of the app will do
	Passkey bool   // so will a passkey, which needs no step: see BeginPasskeySignIn
}

type secondStep struct {
	Operator int64
	Known    string // the device's own part, if it is known
}

// SignInCode goes on with a sign-in by a code of the app or a recovery code.
// Wrong ones are counted as wrong passwords are.
func (s *Service) SignInCode(ctx context.Context, token, code string, from Client) (*SignedIn, error) {
	var begun secondStep
	if err := s.openStep("sign in", token, &begun); err != nil {
		return nil, err
	}
	o, err := operatorByID(ctx, s.db, begun.Operator)
	if err != nil {
		return nil, err
	}
	try := &attempt{
		keys:  []counted{{"code:" + digest(o.Email+" "+begun.Known), accountLimit}},
		known: begun.Known != "", from: from,
	}
	if err := s.begin(ctx, try); err != nil {
		return nil, err
	}
	return s.admitBy(ctx, o, try, from, token, func(ctx context.Context, tx bun.Tx) (string, error) {
		return s.useCode(ctx, tx, o, code, from)
	})
}

// admitBy opens a session if prove names what was proven; it spends the step.
func (s *Service) admitBy(ctx context.Context, o *Operator, try *attempt, from Client, token string,
	prove func(context.Context, bun.Tx) (string, error),
) (*SignedIn, error) {
	var in *SignedIn
	by := ""
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if by, err = prove(ctx, tx); err != nil || by == "" || !o.Active {
			return err
		}
		if err := s.spend(ctx, tx, token); err != nil {
			return err
		}
		in, err = s.admit(ctx, tx, o, try, from, by)
		return err
	})
	if err != nil {
		return nil, err
	}
	if in == nil {
		if err := s.noteFailure(ctx, try, o, "code"); err != nil {
			return nil, err
		}
		return nil, apperr.New(apperr.CodeUnauthenticated, "this code is wrong, or was used before")
	}
	return in, nil
}

// useCode says what kind of code it was, "" when it is none, and sees to it that
// it does not work again.
func (s *Service) useCode(ctx context.Context, tx bun.Tx, o *Operator, code string, from Client) (string, error) {
	if o.TOTPSeed != "" {
		seed, err := s.keys.Open(secret.TOTPSeed.Purpose(o.ID), o.TOTPSeed)
		if err != nil && !errors.Is(err, secret.ErrUnreadable) { // with the key of the seed gone, recovery codes are left
			return "", fmt.Errorf("read the seed of operator %d: %w", o.ID, err)
		}
		if at := s.matchingStep(string(seed), code); err == nil && at > 0 {
			fresh, err := takeTOTP(ctx, tx, o.ID, at)
			if err != nil || fresh {
				return "totp", err
			}
			return "", nil
		}
	}
	taken, err := takeRecoveryCode(ctx, tx, o.ID, hashToken(plainCode(code)))
	if err != nil || !taken {
		return "", err
	}
	has, err := factorsOf(ctx, tx, o.ID)
	if err != nil {
		return "", err
	}
	return "recovery code", s.tell(ctx, tx, o.ID, EventRecoveryUsed, recoveryLeft(has.RecoveryCodes).String(), from)
}
