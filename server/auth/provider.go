package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"

	"github.com/uptrace/bun"
)

// RefusalError says why a sign-in at the provider is not taken. The pages have a
// sentence for each.
type RefusalError string

// The reasons.
const (
	ErrRefusedExpired     RefusalError = "expired"     // took too long, was done already, or was begun in another browser
	ErrRefusedAnswer      RefusalError = "answer"      // the provider's answer is not what it must be
	ErrRefusedDenied      RefusalError = "denied"      // the provider said no
	ErrRefusedEmail       RefusalError = "email"       // the provider has not verified an email address
	ErrRefusedRole        RefusalError = "role"        // no group gives a role
	ErrRefusedInactive    RefusalError = "inactive"    // deactivated here
	ErrRefusedTaken       RefusalError = "taken"       // the operator with this address is linked with somebody else there
	ErrRefusedStale       RefusalError = "stale"       // did not sign in anew
	ErrRefusedOther       RefusalError = "other"       // somebody else signed in
	ErrRefusedUnavailable RefusalError = "unavailable" // the provider did not answer
	ErrRefusedWait        RefusalError = "wait"        // too many failed
)

func (r RefusalError) Error() string { return "the sign-in at the provider is refused: " + string(r) }

// Identity is who signed in at the provider, as the provider says.
type Identity struct {
	Issuer, Subject string
	Email           string
	Verified        bool // the provider knows that the address is theirs
	Name            string
	Role            actor.Role // what their groups give; "": nothing
	AuthTime        time.Time  // when they signed in there; zero: it does not say
}

// ProviderStep is what a sign-in at the provider remembers until its answer comes.
// The browser carries it, encrypted.
type ProviderStep struct {
	State, Nonce, Verifier string
	To                     string // the page that it ends on
	Session                int64  // who confirms who they are; 0: a sign-in
	Began                  time.Time
}

const (
	providerStep = "provider"       // the purpose of the step
	clockLeeway  = 30 * time.Second // between the provider's clock and ours
)

// BeginProvider begins a sign-in at the provider that ends on the page to; with
// confirm whoever is signed in shows once more who they are.
func (s *Service) BeginProvider(ctx context.Context, to string, confirm bool) (ProviderStep, string, error) {
	begun := ProviderStep{
		State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(), To: to, Began: s.now(),
	}
	if confirm {
		a, err := self(ctx)
		if err != nil {
			return begun, "", err
		}
		begun.Session = a.Session
	}
	token, err := s.newStep(providerStep, begun)
	return begun, token, err
}

// OpenProvider reads what BeginProvider left in the browser.
func (s *Service) OpenProvider(token string) (begun ProviderStep, err error) {
	if s.openStep(providerStep, token, &begun) != nil {
		return begun, ErrRefusedExpired
	}
	return begun, nil
}

// SignInByProvider signs in whoever prove finds to have signed in at the provider.
// It links an operator with the same verified address the first time, makes one
// where there is none, and keeps the role as the provider has it.
func (s *Service) SignInByProvider(ctx context.Context, token string, from Client,
	prove func(context.Context) (Identity, error),
) (in *SignedIn, err error) {
	try := &attempt{keys: []counted{{"provider " + addressKey(from.Address), addressLimit}}, from: from}
	who, err := s.proven(ctx, try, token, prove)
	if err != nil {
		return nil, err
	}
	var o *Operator
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if o, err = s.operatorOf(ctx, tx, who, from); err != nil {
			return err
		}
		in, err = s.admit(ctx, tx, o, try, from, byProvider)
		return err
	})
	if refused, ok := errors.AsType[RefusalError](err); ok {
		if noted := s.noteFailure(ctx, try, nil, "provider: "+string(refused)); noted != nil {
			return nil, noted
		}
	}
	if err != nil {
		return nil, err
	}
	s.changed(o.ID) // the role may be another one
	return in, nil
}

// ConfirmByProvider is Confirm by signing in at the provider anew.
func (s *Service) ConfirmByProvider(ctx context.Context, token string, begun ProviderStep,
	prove func(context.Context) (Identity, error),
) error {
	a, err := self(ctx)
	if err != nil || a.Session != begun.Session {
		return ErrRefusedExpired
	}
	o, err := operatorByID(ctx, s.db, a.ID)
	if err != nil {
		return err
	}
	try := confirmAttempt(ctx, o)
	who, err := s.proven(ctx, try, token, prove)
	if err != nil {
		return err
	}
	reason := RefusalError("")
	switch {
	case o.OIDCSubject == "" || who.Issuer != o.OIDCIssuer || who.Subject != o.OIDCSubject:
		reason = ErrRefusedOther
	case who.AuthTime.Before(begun.Began.Add(-clockLeeway)):
		reason = ErrRefusedStale
	}
	if reason != "" {
		if noted := s.noteFailure(ctx, try, o, "provider: "+string(reason)); noted != nil {
			return noted
		}
		return reason
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := succeeded(ctx, tx, try); err != nil {
			return err
		}
		return confirmed(ctx, tx, a, byProvider)
	})
}

const byProvider = "provider"

// proven counts the attempt, takes the step once, and asks prove.
func (s *Service) proven(ctx context.Context, try *attempt, token string,
	prove func(context.Context) (Identity, error),
) (Identity, error) {
	if err := s.begin(ctx, try); err != nil {
		if apperr.Is(err, apperr.CodeRateLimited) {
			err = ErrRefusedWait
		}
		return Identity{}, err
	}
	if s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error { return s.spend(ctx, tx, token) }) != nil {
		return Identity{}, ErrRefusedExpired
	}
	who, err := prove(ctx)
	if refused, ok := errors.AsType[RefusalError](err); ok && refused != ErrRefusedUnavailable {
		if noted := s.noteFailure(ctx, try, nil, "provider: "+string(refused)); noted != nil {
			return who, noted
		}
		return who, err
	}
	if err != nil {
		s.takeBack(ctx, try)
	}
	return who, err
}

// operatorOf finds, links or makes the operator, and sets their role.
func (s *Service) operatorOf(ctx context.Context, tx bun.Tx, who Identity, from Client) (*Operator, error) {
	ctx = actor.With(actor.WithAddress(ctx, from.Address), actor.System) // the provider decides
	if err := lockProvider(ctx, tx); err != nil {
		return nil, err
	}
	o, err := operatorBySubject(ctx, tx, who.Issuer, who.Subject)
	if apperr.Is(err, apperr.CodeNotFound) {
		o, err = s.linked(ctx, tx, who)
	}
	if err != nil {
		return nil, err
	}
	if !o.Active {
		return nil, ErrRefusedInactive
	}
	if who.Role == "" {
		return nil, ErrRefusedRole
	}
	if o.Role == who.Role {
		return o, nil
	}
	last, err := lastAdmin(ctx, tx, o.ID)
	if err != nil || last {
		return o, err // somebody has to be left who administers
	}
	before := o.Role
	o.Role = who.Role
	if err := updateOperator(ctx, tx, o); err != nil {
		return nil, err
	}
	if err := s.tellSelf(ctx, tx, o.ID, EventRole, string(o.Role)); err != nil {
		return nil, err
	}
	return o, audit.RecordChange(ctx, tx, audit.OperatorUpdate, "operator", o.ID, map[string]any{"role": before},
		map[string]any{"role": o.Role})
}

// linked gives the operator with the same address, from now on by what the provider
// calls them; or a new one.
func (s *Service) linked(ctx context.Context, tx bun.Tx, who Identity) (*Operator, error) {
	email, valid := cleanEmail(who.Email)
	if !valid || !who.Verified {
		return nil, ErrRefusedEmail
	}
	if who.Role == "" {
		return nil, ErrRefusedRole
	}
	o, err := operatorByEmail(ctx, tx, email)
	if apperr.Is(err, apperr.CodeNotFound) {
		name := strings.TrimSpace(who.Name)
		if cleanName(&name) != nil {
			name, _, _ = strings.Cut(email, "@")
			name = clip(name, 100)
		}
		o = &Operator{
			Kind: KindPerson, Email: email, Name: name, Role: who.Role, Active: true, OIDCIssuer: who.Issuer,
			OIDCSubject: who.Subject,
		}
		if err := insertOperator(ctx, tx, o); err != nil {
			return nil, err
		}
		return o, audit.Record(ctx, tx, audit.OperatorCreate, "operator", o.ID,
			map[string]any{"role": o.Role, "by": byProvider})
	}
	switch {
	case err != nil:
		return nil, err
	case o.Kind != KindPerson:
		return nil, ErrRefusedEmail
	case !o.Active:
		return nil, ErrRefusedInactive
	case o.OIDCSubject != "":
		return nil, ErrRefusedTaken
	}
	o.OIDCIssuer, o.OIDCSubject = who.Issuer, who.Subject
	if err := linkOperator(ctx, tx, o); err != nil {
		return nil, err
	}
	if err := s.tellSelf(ctx, tx, o.ID, EventLinked, ""); err != nil {
		return nil, err
	}
	return o, audit.Record(ctx, tx, audit.OperatorProviderLink, "operator", o.ID,
		map[string]any{"address": addressText(actor.Address(ctx))})
}

// Unlink takes away by whom the provider knows an operator, such as after they got
// another account there: the next sign-in links anew, by address. Admins only.
func (s *Service) Unlink(ctx context.Context, id int64) (*Operator, error) {
	if err := actor.RequirePerson(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := actor.RequireRecent(ctx); err != nil {
		return nil, err
	}
	return s.change(ctx, id, audit.OperatorProviderUnlink, nil, func(ctx context.Context, tx bun.Tx, o *Operator) error {
		if o.OIDCSubject == "" {
			return apperr.Conflict("%s is not linked", o.Name)
		}
		o.OIDCIssuer, o.OIDCSubject = "", ""
		if err := linkOperator(ctx, tx, o); err != nil {
			return err
		}
		return endSessions(ctx, tx, id, 0)
	})
}
