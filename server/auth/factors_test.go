package auth_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/auth"
	"eventstream/server/pubsub"
	"eventstream/server/say"
	"eventstream/server/secret"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
)

// session signs in with the password alone and gives a context in which the
// operator acts, as every request would.
func (e *env) session(email string) (ctx context.Context, again func() context.Context) {
	e.t.Helper()
	in, err := e.SignIn(e.t.Context(), email, password, from("192.0.2.1"))
	require.NoError(e.t, err)
	require.Nil(e.t, in.Second)
	again = func() context.Context {
		who, err := e.Identify(e.t.Context(), auth.Credential{Session: in.Session})
		require.NoError(e.t, err)
		return actor.With(e.t.Context(), who)
	}
	return again(), again
}

// code is what an app shows so many periods from now.
func code(t *testing.T, seed string, periods int) string {
	t.Helper()
	c, err := totp.GenerateCode(seed, time.Now().Add(time.Duration(periods)*30*time.Second))
	require.NoError(t, err)
	return c
}

func (e *env) enableTOTP(ctx context.Context) (seed string, recovery []string) {
	e.t.Helper()
	setup, err := e.BeginTOTP(ctx)
	require.NoError(e.t, err)
	require.True(e.t, strings.HasPrefix(setup.QRCode, "data:image/png;base64,"))
	require.Contains(e.t, setup.URI, setup.Secret)
	recovery, err = e.EnableTOTP(ctx, setup.Step, code(e.t, setup.Secret, 0))
	require.NoError(e.t, err)
	return setup.Secret, recovery
}

// next begins a sign-in by password and gives the step that a code goes along with.
func (e *env) next(email string) string {
	e.t.Helper()
	in, err := e.SignIn(e.t.Context(), email, password, from("192.0.2.1"))
	require.NoError(e.t, err)
	require.NotNil(e.t, in.Second)
	require.Empty(e.t, in.Session, "a password is not enough")
	return in.Second.Step
}

func TestACodeIsAskedForAndWorksOnce(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	ctx, again := e.session(ada.Email)

	setup, err := e.BeginTOTP(ctx)
	require.NoError(t, err)
	_, err = e.EnableTOTP(ctx, setup.Step, "000000")
	require.Equal(t, apperr.CodeInvalid, apperr.CodeOf(err))
	_, err = e.EnableTOTP(ctx, "v1.x.y", code(t, setup.Secret, 0))
	require.Equal(t, apperr.CodeInvalid, apperr.CodeOf(err))
	seed, recovery := e.enableTOTP(ctx)
	require.Len(t, recovery, 10)
	var kept string
	require.NoError(t, e.db.NewRaw("SELECT totp_seed FROM operators WHERE id = ?", ada.ID).Scan(t.Context(), &kept))
	require.NotContains(t, kept, seed, "it lies encrypted")

	step := e.next(ada.Email)
	_, err = e.SignInCode(t.Context(), step, code(t, seed, -20), from("192.0.2.1"))
	require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err), "an old code")
	fresh := code(t, seed, 1)
	in, err := e.SignInCode(t.Context(), step, fresh[:3]+" "+fresh[3:], from("192.0.2.1"))
	require.NoError(t, err)
	require.NotEmpty(t, in.Session)
	_, err = e.SignInCode(t.Context(), e.next(ada.Email), fresh, from("192.0.2.1"))
	require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err), "the same code again")

	in, err = e.SignInCode(t.Context(), e.next(ada.Email), strings.ToUpper(recovery[0]), from("192.0.2.1"))
	require.NoError(t, err)
	require.NotEmpty(t, in.Session)
	_, err = e.SignInCode(t.Context(), e.next(ada.Email), recovery[0], from("192.0.2.1"))
	require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err), "a recovery code again")
	_, err = e.SignInCode(t.Context(), step, recovery[1], from("192.0.2.1"))
	require.Equal(t, apperr.CodeInvalid, apperr.CodeOf(err), "a step again: %v", err)
	has, err := e.Factors(again())
	require.NoError(t, err)
	require.Equal(t, auth.Factors{TOTP: true, RecoveryCodes: 9}, has)

	renewed, err := e.RenewRecoveryCodes(again())
	require.NoError(t, err)
	require.NotContains(t, renewed, recovery[2])
	_, err = e.SignInCode(t.Context(), e.next(ada.Email), recovery[2], from("192.0.2.1"))
	require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err))
	require.NoError(t, e.DisableTOTP(again()))
	has, err = e.Factors(again())
	require.NoError(t, err)
	require.Equal(t, auth.Factors{}, has)
	e.session(ada.Email)
}

// TestARecoveryCodeWorksWhereTheKeyOfTheSeedIsGone: with a seed that was encrypted by a SECRET_KEY that nobody has any
// more, the app's codes are wrong and the others count.
func TestARecoveryCodeWorksWhereTheKeyOfTheSeedIsGone(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	ctx, _ := e.session(ada.Email)
	seed, recovery := e.enableTOTP(ctx)
	_, err := e.db.NewRaw(`UPDATE operators SET totp_seed =
		overlay(totp_seed placing translate(substr(totp_seed, 4, 8), '0123456789abcdef', 'fedcba9876543210') from 4 for 8)`).Exec(t.Context())
	require.NoError(t, err)
	_, err = e.SignInCode(t.Context(), e.next(ada.Email), code(t, seed, 1), from("192.0.2.1"))
	require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err))
	in, err := e.SignInCode(t.Context(), e.next(ada.Email), recovery[0], from("192.0.2.1"))
	require.NoError(t, err)
	require.NotEmpty(t, in.Session)
}

func TestCodesAreNotGuessed(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	ctx, _ := e.session(ada.Email)
	_, recovery := e.enableTOTP(ctx)
	step := e.next(ada.Email)
	for range 5 {
		_, err := e.SignInCode(t.Context(), step, "000000", from("192.0.2.1"))
		require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err))
	}
	e.hold()
	_, err := e.SignInCode(t.Context(), e.next(ada.Email), recovery[0], from("198.51.100.1"))
	require.Equal(t, apperr.CodeRateLimited, apperr.CodeOf(err), "not from elsewhere either")
}

func TestWhoseRoleAsksForASecondFactorDoesNothingBeforeItIsThere(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, mia := e.person("ada", actor.RoleAdmin), e.person("mia", actor.RoleMarketer)
	ctx, again := e.session(mia.Email)
	_, followed, stop, err := e.Follow(t.Context(), auth.Credential{Session: e.sessionOf(mia.Email)})
	require.NoError(t, err)
	defer stop()
	require.NoError(t, actor.Require(ctx, actor.RoleMarketer))
	asked := []actor.Role{actor.RoleMarketer}
	require.NoError(t, e.SetSecurity(as(t, ada), auth.SecurityChange{SecondFactorRoles: &asked}))
	select {
	case <-followed.Done():
	case <-time.After(patience):
		t.Fatal("what was open goes on")
	}
	require.Equal(t, apperr.CodeSecondFactor, apperr.CodeOf(actor.Require(again(), actor.RoleViewer)))
	e.enableTOTP(again())
	require.NoError(t, actor.Require(again(), actor.RoleMarketer))

	wrong, hours := []actor.Role{"owner"}, 0
	err = e.SetSecurity(as(t, ada), auth.SecurityChange{SecondFactorRoles: &wrong, SessionIdleHours: &hours})
	require.ErrorContains(t, err, `"owner" is not a role`)
	require.ErrorContains(t, err, "0 hours are not 1 to 336")
	require.Equal(t, apperr.CodeForbidden, apperr.CodeOf(e.SetSecurity(as(t, mia), auth.SecurityChange{})))
	hours = 1
	require.NoError(t, e.SetSecurity(as(t, ada), auth.SecurityChange{SessionIdleHours: &hours}))
	_, err = e.db.ExecContext(t.Context(), "UPDATE sessions SET last_seen_at = now() - interval '61 minutes'")
	require.NoError(t, err)
	require.Zero(t, actor.From(again()))
}

func (e *env) sessionOf(email string) string {
	e.t.Helper()
	in, err := e.SignIn(e.t.Context(), email, password, from("192.0.2.1"))
	require.NoError(e.t, err)
	return in.Session
}

func TestLostFactorsAreReset(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, mia := e.person("ada", actor.RoleAdmin), e.person("mia", actor.RoleMarketer)
	ctx, again := e.session(mia.Email)
	e.enableTOTP(ctx)
	_, err := e.ResetFactors(as(t, mia), ada.ID)
	require.Equal(t, apperr.CodeForbidden, apperr.CodeOf(err))
	_, err = e.ResetFactors(as(t, ada), ada.ID)
	require.Equal(t, apperr.CodeConflict, apperr.CodeOf(err))
	_, err = e.ResetFactors(as(t, ada), mia.ID)
	require.NoError(t, err)
	require.Zero(t, actor.From(again()), "signed out")
	ctx, _ = e.session(mia.Email)
	e.enableTOTP(ctx)

	// A new password does not pass the second factor by; the command line does.
	_, link, err := e.NewPasswordLink(as(t, ada), mia.ID)
	require.NoError(t, err)
	_, err = e.SetPassword(t.Context(), secretOf(link), password)
	require.NoError(t, err)
	e.next(mia.Email)
	link, err = e.Reset(t.Context(), mia.Email)
	require.NoError(t, err)
	_, err = e.SetPassword(t.Context(), secretOf(link), password)
	require.NoError(t, err)
	e.session(mia.Email)
}

// device is somebody's, with its passkeys.
type device struct {
	party virtualwebauthn.RelyingParty
	virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
}

// newKey makes a key whose coordinates take all of their 32 bytes: of one in 128 the
// library leaves out a zero in front, and that is not a key by the standard.
func newKey() virtualwebauthn.Credential {
	const whole = 77 // bytes of a COSE key on P-256
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

func (e *env) addPasskey(ctx context.Context, name string) (*device, *auth.Passkey, []string) {
	e.t.Helper()
	d := &device{
		party: virtualwebauthn.RelyingParty{ID: "shop.example", Name: "Shop", Origin: "https://shop.example"},
		key:   newKey(),
	}
	options, step, err := e.BeginPasskey(ctx)
	require.NoError(e.t, err)
	asked, err := virtualwebauthn.ParseAttestationOptions(string(options))
	require.NoError(e.t, err)
	d.Authenticator = virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{
		UserHandle: []byte(asked.UserID),
	})
	answer := virtualwebauthn.CreateAttestationResponse(d.party, d.Authenticator, d.key, *asked)
	key, recovery, err := e.AddPasskey(ctx, step, name, []byte(answer))
	require.NoError(e.t, err)
	_, _, err = e.AddPasskey(ctx, step, name, []byte(answer))
	require.Equal(e.t, apperr.CodeInvalid, apperr.CodeOf(err), "the same answer again")
	return d, key, recovery
}

// answer is what the device says to options.
func (d *device) answer(t *testing.T, options []byte) []byte {
	t.Helper()
	asked, err := virtualwebauthn.ParseAssertionOptions(string(options))
	require.NoError(t, err)
	d.key.Counter++
	return []byte(virtualwebauthn.CreateAssertionResponse(d.party, d.Authenticator, d.key, *asked))
}

func TestAPasskeySignsInWithoutAPassword(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	ctx, again := e.session(ada.Email)
	phone, key, recovery := e.addPasskey(ctx, "Phone")
	require.Len(t, recovery, 10)
	require.Equal(t, "Phone", key.Name)

	options, step, err := e.BeginPasskeySignIn()
	require.NoError(t, err)
	answer := phone.answer(t, options)
	in, err := e.SignInPasskey(t.Context(), step, answer, from("192.0.2.1"))
	require.NoError(t, err)
	require.Equal(t, ada.ID, in.Operator.ID)
	_, err = e.SignInPasskey(t.Context(), step, answer, from("192.0.2.1"))
	require.Error(t, err, "the same answer again")
	in, err = e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
	require.NoError(t, err)
	require.True(t, in.Second.Passkey)
	require.False(t, in.Second.TOTP)
	_, err = e.SignInCode(t.Context(), in.Second.Step, recovery[0], from("192.0.2.1"))
	require.NoError(t, err)

	// Another site, another challenge, a copied key, a stranger's key.
	begin := func() ([]byte, string) {
		options, step, err := e.BeginPasskeySignIn()
		require.NoError(t, err)
		return options, step
	}
	refused := func(step string, answer []byte) {
		t.Helper()
		_, err := e.SignInPasskey(t.Context(), step, answer, from("192.0.2.1"))
		require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err), "%v", err)
	}
	evil := *phone
	evil.party.Origin = "https://evil.example"
	o, st := begin()
	refused(st, evil.answer(t, o))
	other, _ := begin()
	_, st = begin()
	refused(st, phone.answer(t, other))
	copied := *phone
	copied.key.Counter = 0
	o, st = begin()
	refused(st, copied.answer(t, o))
	stranger := *phone
	stranger.key = newKey()
	o, st = begin()
	refused(st, stranger.answer(t, o))
	_, st = begin()
	refused(st, []byte(`{"id": "nonsense"}`))
	require.Equal(t, 6, e.audited("operator.sign_in_failed"))

	keys, err := e.Passkeys(again())
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.NotNil(t, keys[0].LastUsedAt)
	require.NoError(t, e.DeletePasskey(again(), keys[0].ID))
	o, st = begin()
	refused(st, phone.answer(t, o))
	e.session(ada.Email)
}

func TestAPasskeyConfirmsWhoOneIs(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, mia := e.person("ada", actor.RoleAdmin), e.person("mia", actor.RoleAdmin)
	ctx, again := e.session(mia.Email)
	ways, err := e.BeginConfirm(ctx)
	require.NoError(t, err)
	require.True(t, ways.Password)
	require.Nil(t, ways.PasskeyOptions)
	phone, _, _ := e.addPasskey(ctx, "Phone")
	_, other := e.sessionByPasskey(phone)
	adaCtx, _ := e.session(ada.Email)
	stranger, _, _ := e.addPasskey(adaCtx, "Ada's phone")

	// Who came by a provider has no password at all.
	_, err = e.db.NewRaw("UPDATE operators SET password_hash = '' WHERE id = ?", mia.ID).Exec(t.Context())
	require.NoError(t, err)
	_, err = e.db.NewRaw("UPDATE sessions SET authenticated_at = now() - interval '61 minutes' WHERE operator_id = ?",
		mia.ID).Exec(t.Context())
	require.NoError(t, err)
	require.Equal(t, apperr.CodeConfirm, apperr.CodeOf(actor.RequireRecent(again())))

	begin := func() *auth.Confirmation {
		ways, err := e.BeginConfirm(again())
		require.NoError(t, err)
		require.False(t, ways.Password)
		return ways
	}
	refused := func(ctx context.Context, step string, answer []byte) {
		t.Helper()
		err := e.ConfirmByPasskey(ctx, step, answer)
		require.Equal(t, apperr.CodeInvalid, apperr.CodeOf(err), "%v", err)
	}
	w := begin()
	refused(again(), w.PasskeyStep, stranger.answer(t, w.PasskeyOptions))
	evil := *phone
	evil.party.Origin = "https://evil.example"
	w = begin()
	refused(again(), w.PasskeyStep, evil.answer(t, w.PasskeyOptions))
	w = begin()
	refused(again(), w.PasskeyStep, phone.answer(t, begin().PasskeyOptions)) // another challenge
	refused(again(), w.PasskeyStep, []byte(`{"id": "nonsense"}`))
	w = begin()
	refused(other(), w.PasskeyStep, phone.answer(t, w.PasskeyOptions)) // another session of hers
	options, step, err := e.BeginPasskeySignIn()
	require.NoError(t, err)
	refused(again(), step, phone.answer(t, options)) // a sign-in's step
	require.Equal(t, apperr.CodeConfirm, apperr.CodeOf(actor.RequireRecent(again())))

	w = begin()
	answer := phone.answer(t, w.PasskeyOptions)
	require.NoError(t, e.ConfirmByPasskey(again(), w.PasskeyStep, answer))
	require.NoError(t, actor.RequireRecent(again()))
	require.Equal(t, apperr.CodeConfirm, apperr.CodeOf(actor.RequireRecent(other())), "for this session alone")
	refused(again(), w.PasskeyStep, answer)
	require.Equal(t, 1, e.audited("operator.confirm"))

	for range 4 { // and the copy above
		w = begin()
		refused(again(), w.PasskeyStep, stranger.answer(t, w.PasskeyOptions))
	}
	e.hold()
	w = begin()
	err = e.ConfirmByPasskey(again(), w.PasskeyStep, phone.answer(t, w.PasskeyOptions))
	require.Equal(t, apperr.CodeRateLimited, apperr.CodeOf(err), "guessing is limited: %v", err)
}

// sessionByPasskey is session by the device's passkey.
func (e *env) sessionByPasskey(d *device) (ctx context.Context, again func() context.Context) {
	e.t.Helper()
	options, step, err := e.BeginPasskeySignIn()
	require.NoError(e.t, err)
	in, err := e.SignInPasskey(e.t.Context(), step, d.answer(e.t, options), from("192.0.2.1"))
	require.NoError(e.t, err)
	again = func() context.Context {
		who, err := e.Identify(e.t.Context(), auth.Credential{Session: in.Session})
		require.NoError(e.t, err)
		return actor.With(e.t.Context(), who)
	}
	return again(), again
}

func TestADeactivatedOperatorsPasskeyIsWorthNothing(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, mia := e.person("ada", actor.RoleAdmin), e.person("mia", actor.RoleMarketer)
	ctx, _ := e.session(mia.Email)
	phone, _, _ := e.addPasskey(ctx, "Phone")
	_, err := e.SetActive(as(t, ada), mia.ID, false)
	require.NoError(t, err)
	options, step, err := e.BeginPasskeySignIn()
	require.NoError(t, err)
	_, err = e.SignInPasskey(t.Context(), step, phone.answer(t, options), from("192.0.2.1"))
	require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err))
}

func TestAForgottenPasswordIsReplacedByEmail(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	require.Equal(t, apperr.CodeConflict, apperr.CodeOf(e.RequestReset(t.Context(), ada.Email, from("192.0.2.1"))))

	type message struct{ to, subject, text string }
	sent := make(chan message, 20)
	log := slog.New(slog.DiscardHandler)
	s := auth.New(auth.Options{
		DB: e.db, Hub: pubsub.New(e.db.Pool, log), Keys: secret.New("0123456789abcdef0123456789abcdef"), Now: time.Now,
		PublicURL: func() string { return "https://shop.example" }, Log: log,
		Mail: func(_ context.Context, to, subject, text string) error {
			sent <- message{to, subject, text}
			return nil
		},
	})
	require.NoError(t, s.RequestReset(t.Context(), "nobody@shop.example", from("192.0.2.1")), "it answers alike")
	require.NoError(t, s.RequestReset(t.Context(), "no address", from("192.0.2.1")))
	require.NoError(t, s.RequestReset(t.Context(), "Ada@Shop.example", from("192.0.2.1")))
	m := <-sent
	require.Equal(t, ada.Email, m.to)
	at := strings.Index(m.text, "https://shop.example/password#")
	require.Positive(t, at)
	_, err := s.SetPassword(t.Context(), secretOf(strings.Fields(m.text[at:])[0]), "another password")
	require.NoError(t, err)
	_, err = s.SignIn(t.Context(), ada.Email, "another password", from("192.0.2.1"))
	require.NoError(t, err)
	for range 6 {
		err = s.RequestReset(t.Context(), ada.Email, from("192.0.2.1"))
	}
	require.Equal(t, apperr.CodeRateLimited, apperr.CodeOf(err))

	_, link, err := s.Invite(as(t, ada), auth.NewOperator{Email: "bea@shop.example", Name: "Bea", Role: actor.RoleViewer})
	require.NoError(t, err)
	for m = <-sent; m.to != "bea@shop.example"; m = <-sent {
	}
	require.Contains(t, m.text, link)
}

func TestEmailsAreInTheLanguageOfWhoReadsThem(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	sent := make(chan [2]string, 4)
	log := slog.New(slog.DiscardHandler)
	s := auth.New(auth.Options{
		DB: e.db, Hub: pubsub.New(e.db.Pool, log), Keys: secret.New("0123456789abcdef0123456789abcdef"), Now: time.Now,
		PublicURL: func() string { return "https://shop.example" }, Log: log,
		Mail: func(_ context.Context, _, subject, text string) error {
			sent <- [2]string{subject, text}
			return nil
		},
	})
	told := func(n auth.NoticeArgs) [2]string {
		n.OperatorID, n.At = ada.ID, time.Date(2026, 9, 7, 16, 4, 0, 0, time.UTC)
		require.NoError(t, s.SendNotice(t.Context(), n))
		return <-sent
	}
	require.Equal(t, "Your role was changed", told(auth.NoticeArgs{Event: auth.EventRole, Detail: "viewer"})[0], "none was chosen")

	require.NoError(t, s.SetLanguage(as(t, ada), "de"))
	role := told(auth.NoticeArgs{Event: auth.EventRole, Detail: "viewer"})
	require.Equal(t, "Ihre Rolle wurde geändert", role[0])
	require.Contains(t, role[1], "Ihre Rolle ist jetzt: Leser.")
	require.Contains(t, role[1], "Wann: 07.09.2026, 16:04 UTC")
	signIn := told(auth.NoticeArgs{Event: auth.EventSignIn, Detail: "on a device that was not known (by passkey)", Browser: "Chrome on macOS"})
	require.Contains(t, signIn[1], "Jemand hat sich an Ihrem Konto angemeldet, auf einem Gerät, das nicht bekannt war (mit: passkey).")

	// Who is invited has chosen none: it is that of whoever invites. Who forgot a password has.
	spanish := say.With(as(t, ada), say.Reader{Language: "es", Region: "ES"})
	_, _, err := s.Invite(spanish, auth.NewOperator{Email: "bea@shop.example", Name: "Bea", Role: actor.RoleViewer})
	require.NoError(t, err)
	invitation := <-sent
	require.Equal(t, "Le han invitado a Event Stream Engine", invitation[0])
	require.Contains(t, invitation[1], "Hola, Bea:")
	require.NoError(t, s.RequestReset(say.With(t.Context(), say.Reader{Language: "es"}), ada.Email, from("192.0.2.1")))
	require.Equal(t, "Wählen Sie ein neues Passwort", (<-sent)[0])
}

// Names cannot write lines of their own into an email, and what a browser calls
// itself gets into none.
func TestNoticesSayNothingThatOthersWrote(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	name := "Ada\n\nVisit https://evil.example"
	_, err := e.Update(as(t, e.person("bea", actor.RoleAdmin)), ada.ID, auth.Change{Name: &name})
	require.NoError(t, err)
	sent := make(chan string, 1)
	log := slog.New(slog.DiscardHandler)
	s := auth.New(auth.Options{
		DB: e.db, Hub: pubsub.New(e.db.Pool, log), Keys: secret.New("0123456789abcdef0123456789abcdef"), Now: time.Now,
		PublicURL: func() string { return "https://shop.example" }, Log: log,
		Mail: func(_ context.Context, _, _, text string) error {
			sent <- text
			return nil
		},
	})
	require.NoError(t, s.SendNotice(t.Context(), auth.NoticeArgs{
		OperatorID: ada.ID, Event: auth.EventToken, Detail: "x\n\nPay here", At: time.Now(), ByID: ada.ID,
	}))
	text := <-sent
	require.NotContains(t, text, "\nVisit")
	require.NotContains(t, text, "\nPay")
	require.Equal(t, "Chrome on Linux", auth.BrowserName("Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0 Safari/537.36"))
	require.Equal(t, "an unknown one", auth.BrowserName("Your account is locked: call 555 0100"))
	require.NoError(t, s.SendNotice(t.Context(), auth.NoticeArgs{OperatorID: 99, Event: auth.EventRole}), "nobody is left to tell")
	require.Equal(t, apperr.CodeUnavailable, apperr.CodeOf(e.SendNotice(t.Context(), auth.NoticeArgs{OperatorID: ada.ID})))
}
