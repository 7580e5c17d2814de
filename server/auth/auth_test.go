package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/auth"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/pubsub"
	"eventstream/server/secret"

	"github.com/stretchr/testify/require"
)

const (
	patience = 2 * time.Minute
	password = "correct horse battery"
)

type env struct {
	*auth.Service
	t  *testing.T
	db *db.DB
}

// process is one more process on the same database.
func process(t *testing.T, d *db.DB) *env {
	t.Helper()
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	s := auth.New(auth.Options{
		DB: d, Hub: hub, Keys: secret.New("0123456789abcdef0123456789abcdef"), Now: time.Now,
		PublicURL: func() string { return "https://shop.example" }, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { hub.Run(ctx) })
	loops.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		loops.Wait()
	})
	return &env{Service: s, t: t, db: d}
}

func start(t *testing.T) *env {
	t.Helper()
	return process(t, dbtest.New(t))
}

// person makes an operator with the password, as the first or through another.
func (e *env) person(name string, role actor.Role) *auth.Operator {
	e.t.Helper()
	in := auth.NewOperator{Email: name + "@shop.example", Name: name, Password: password, Role: role}
	if needed, err := e.SetupNeeded(e.t.Context()); err == nil && needed {
		o, err := e.CreateFirstAdmin(e.t.Context(), in)
		require.NoError(e.t, err)
		return o
	}
	o, _, err := e.Invite(actor.With(e.t.Context(), actor.System), in)
	require.NoError(e.t, err)
	return o
}

// as is a context in which the operator acts, signed in a moment ago.
func as(t *testing.T, o *auth.Operator) context.Context {
	t.Helper()
	return actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: o.ID, Role: o.Role, Recent: true})
}

func from(address string) auth.Client {
	return auth.Client{Address: netip.MustParseAddr(address), UserAgent: "a browser"}
}

// hold makes every wait that was given out last: a slow machine outwaits it else.
func (e *env) hold() {
	e.t.Helper()
	_, err := e.db.ExecContext(e.t.Context(),
		"UPDATE sign_in_failures SET blocked_until = now() + interval '1 day' WHERE blocked_until > updated_at")
	require.NoError(e.t, err)
}

func (e *env) audited(action string) (n int) {
	e.t.Helper()
	require.NoError(e.t,
		e.db.NewRaw("SELECT count(*) FROM audit_entries WHERE action = ?", action).Scan(e.t.Context(), &n))
	return n
}

func (e *env) token(ctx context.Context, role actor.Role, scopes ...string) string {
	e.t.Helper()
	secret, _, err := e.CreateToken(ctx, auth.NewToken{Name: "machine", Role: role, Scopes: scopes})
	require.NoError(e.t, err)
	return secret
}

func TestATokenLivesAndDiesWithItsOwner(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleAdmin), e.person("bea", actor.RoleAdmin)
	credential := auth.Credential{Token: e.token(as(t, bea), actor.RoleAdmin)}
	who, err := e.Identify(t.Context(), credential)
	require.NoError(t, err)
	require.Equal(t, actor.RoleAdmin, who.Role)
	require.Equal(t, bea.ID, who.Owner)

	viewer := actor.RoleViewer
	_, err = e.Update(as(t, ada), bea.ID, auth.Change{Role: &viewer})
	require.NoError(t, err)
	who, err = e.Identify(t.Context(), credential)
	require.NoError(t, err)
	require.Equal(t, actor.RoleViewer, who.Role, "never more than its owner")

	_, err = e.SetActive(as(t, ada), bea.ID, false)
	require.NoError(t, err)
	_, err = e.Identify(t.Context(), credential)
	require.True(t, apperr.Is(err, apperr.CodeUnauthenticated))

	_, err = e.SetActive(as(t, ada), bea.ID, true)
	require.NoError(t, err)
	_, err = e.Identify(t.Context(), credential)
	require.NoError(t, err)
}

func TestOneChoosesALanguageForOneself(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleViewer), e.person("bea", actor.RoleAdmin)
	ctx := as(t, ada)
	chosen := func(id int64) string {
		o, err := e.Operator(as(t, bea), id)
		require.NoError(t, err)
		return o.Language
	}
	require.Empty(t, chosen(ada.ID))
	require.NoError(t, e.SetLanguage(ctx, "de"))
	require.Equal(t, "de", chosen(ada.ID))
	require.Empty(t, chosen(bea.ID))
	require.ErrorContains(t, e.SetLanguage(ctx, "fr"), `"fr" is not a language of the pages: want one of en, de, es`)
	require.Equal(t, "de", chosen(ada.ID))
	require.NoError(t, e.SetLanguage(ctx, ""))
	require.Empty(t, chosen(ada.ID))
}

func TestOneChangesOnesOwnName(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleViewer), e.person("bea", actor.RoleAdmin)
	ctx := as(t, ada)
	named := func(id int64) string {
		o, err := e.Operator(as(t, bea), id)
		require.NoError(t, err)
		return o.Name
	}
	require.NoError(t, e.Rename(ctx, "  Ada Lovelace "))
	require.Equal(t, "Ada Lovelace", named(ada.ID))
	require.Equal(t, bea.Name, named(bea.ID))
	for _, wrong := range []string{"", "   ", strings.Repeat("x", 101), "a\x00b"} {
		require.ErrorContains(t, e.Rename(ctx, wrong), "name: invalid: give a name of 1 to 100 characters", "%q", wrong)
	}
	require.Equal(t, "Ada Lovelace", named(ada.ID))
	require.Equal(t, 1, e.audited("operator.update"))
}

func TestNoMachineAdministersPeople(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	bea := e.person("bea", actor.RoleAdmin)
	who, err := e.Identify(t.Context(), auth.Credential{Token: e.token(as(t, ada), actor.RoleAdmin)})
	require.NoError(t, err)
	ctx := actor.With(t.Context(), who)
	admin := actor.RoleAdmin
	for name, act := range map[string]func() error{
		"invite": func() error {
			_, _, err := e.Invite(ctx, auth.NewOperator{Email: "eve@evil.example", Name: "Eve", Password: password, Role: admin})
			return err
		},
		"update":      func() error { _, err := e.Update(ctx, bea.ID, auth.Change{Role: &admin}); return err },
		"deactivate":  func() error { _, err := e.SetActive(ctx, bea.ID, false); return err },
		"reactivate":  func() error { _, err := e.SetActive(ctx, bea.ID, true); return err },
		"link":        func() error { _, _, err := e.NewPasswordLink(ctx, bea.ID); return err },
		"service":     func() error { _, err := e.CreateService(ctx, "x", admin); return err },
		"token":       func() error { _, _, err := e.CreateToken(ctx, auth.NewToken{Name: "x", Role: admin}); return err },
		"revoke":      func() error { _, err := e.RevokeToken(ctx, who.ID); return err },
		"operators":   func() error { _, err := e.Operators(ctx); return err },
		"tokens":      func() error { _, err := e.Tokens(ctx); return err },
		"sessions":    func() error { _, err := e.Sessions(ctx); return err },
		"change":      func() error { return e.ChangePassword(ctx, password, "another password") },
		"confirm":     func() error { return e.Confirm(ctx, password) },
		"end session": func() error { return e.RevokeSession(ctx, 1) },
		"everywhere":  func() error { return e.SignOutEverywhere(ctx) },
		"language":    func() error { return e.SetLanguage(ctx, "de") },
		"rename":      func() error { return e.Rename(ctx, "Eve") },
	} {
		require.Equal(t, apperr.CodeForbidden, apperr.CodeOf(act()), name)
	}
}

func TestATokenEndsByItselfUnlessSomebodySaysOtherwise(t *testing.T) {
	t.Parallel()
	e := start(t)
	ctx := as(t, e.person("ada", actor.RoleAdmin))
	_, token, err := e.CreateToken(ctx, auth.NewToken{Name: "default", Role: actor.RoleViewer})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(auth.TokenLength), *token.ExpiresAt, time.Hour)
	_, token, err = e.CreateToken(ctx, auth.NewToken{Name: "for ever", Role: actor.RoleViewer, Forever: true})
	require.NoError(t, err)
	require.Nil(t, token.ExpiresAt)

	secret := e.token(ctx, actor.RoleMarketer, "read", "messages_write")
	who, err := e.Identify(t.Context(), auth.Credential{Token: secret})
	require.NoError(t, err)
	require.NoError(t, actor.RequireScope(actor.With(t.Context(), who), actor.ScopeMessagesWrite))
	require.ErrorContains(t, actor.RequireScope(actor.With(t.Context(), who), actor.ScopeContactsWrite), "contacts_write")
	rows, err := e.Tokens(ctx)
	require.NoError(t, err)
	require.NotNil(t, rows[0].LastUsedAt)
	require.Nil(t, rows[1].LastUsedAt)

	_, _, err = e.CreateToken(ctx, auth.NewToken{Name: "x", Role: actor.RoleViewer, Scopes: []string{"everything"}})
	require.ErrorContains(t, err, `"everything" is not a scope`)
	_, _, err = e.CreateToken(ctx, auth.NewToken{Name: "x", Role: actor.RoleViewer, Scopes: []string{}})
	require.ErrorContains(t, err, "at least one scope")
}

func TestAServiceAccountOwnsTokensAndNeverSignsIn(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleAdmin), e.person("bea", actor.RoleAdmin)
	robot, err := e.CreateService(as(t, bea), "Shop sync", actor.RoleMarketer)
	require.NoError(t, err)
	_, _, err = e.CreateToken(as(t, bea), auth.NewToken{Name: "x", Role: actor.RoleAdmin, Owner: &robot.ID})
	require.ErrorContains(t, err, "no more than its owner")
	_, _, err = e.CreateToken(as(t, bea), auth.NewToken{Name: "x", Role: actor.RoleViewer, Owner: &ada.ID})
	require.ErrorContains(t, err, "belongs to you or to a service account")
	secret, _, err := e.CreateToken(as(t, bea), auth.NewToken{Name: "x", Role: actor.RoleMarketer, Owner: &robot.ID})
	require.NoError(t, err)

	_, err = e.SetActive(as(t, ada), bea.ID, false)
	require.NoError(t, err)
	_, err = e.Identify(t.Context(), auth.Credential{Token: secret})
	require.NoError(t, err, "it outlasts who made it")
	_, err = e.SignIn(t.Context(), robot.Email, "", from("192.0.2.1"))
	require.True(t, apperr.Is(err, apperr.CodeUnauthenticated))
	_, _, err = e.NewPasswordLink(as(t, ada), robot.ID)
	require.True(t, apperr.Is(err, apperr.CodeConflict))
	_, err = e.SetActive(as(t, ada), robot.ID, false)
	require.NoError(t, err)
	_, err = e.Identify(t.Context(), auth.Credential{Token: secret})
	require.True(t, apperr.Is(err, apperr.CodeUnauthenticated))
}

// Two admins who deactivate or demote one another at the same instant cannot both
// succeed, however often they try.
func TestThereIsAlwaysAnActiveAdmin(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleAdmin), e.person("bea", actor.RoleAdmin)
	viewer := actor.RoleViewer
	for _, act := range []func(by, on *auth.Operator) error{
		func(by, on *auth.Operator) error { _, err := e.SetActive(as(t, by), on.ID, false); return err },
		func(by, on *auth.Operator) error {
			_, err := e.Update(as(t, by), on.ID, auth.Change{Role: &viewer})
			return err
		},
	} {
		for range 10 {
			var errs [2]error
			var both sync.WaitGroup
			both.Go(func() { errs[0] = act(ada, bea) })
			both.Go(func() { errs[1] = act(bea, ada) })
			both.Wait()
			refused := 0
			for _, err := range errs {
				if err != nil {
					require.Equal(t, apperr.CodeConflict, apperr.CodeOf(err), "%v", err)
					refused++
				}
			}
			require.Equal(t, 1, refused)
			for _, o := range []*auth.Operator{ada, bea} {
				_, err := e.db.NewRaw("UPDATE operators SET active = true, role = 'admin' WHERE id = ?", o.ID).Exec(t.Context())
				require.NoError(t, err)
			}
		}
	}
	for _, sql := range []string{
		"UPDATE operators SET active = false", "UPDATE operators SET role = 'viewer'", "DELETE FROM operators",
		"UPDATE operators SET password_hash = ''",
	} {
		_, err := e.db.ExecContext(t.Context(), sql)
		require.ErrorContains(t, err, "the last active admin stays", "not even by hand: %s", sql)
	}
	_, err := e.SetActive(as(t, ada), ada.ID, false)
	require.ErrorContains(t, err, "yourself")
	_, err = e.Update(as(t, ada), ada.ID, auth.Change{Role: &viewer})
	require.ErrorContains(t, err, "your own role")
}

// Who was invited and never came is no admin that one can count on.
func TestAnInvitationIsNoAdmin(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	_, link, err := e.Invite(as(t, ada), auth.NewOperator{Email: "bea@shop.example", Name: "Bea", Role: actor.RoleAdmin})
	require.NoError(t, err)
	_, err = e.SetActive(actor.With(t.Context(), actor.System), ada.ID, false)
	require.True(t, apperr.Is(err, apperr.CodeConflict))
	_, err = e.SetPassword(t.Context(), secretOf(link), password)
	require.NoError(t, err)
	_, err = e.SetActive(actor.With(t.Context(), actor.System), ada.ID, false)
	require.NoError(t, err)
}

func secretOf(link string) string { return link[strings.IndexByte(link, '#')+1:] }

func TestResetGivesAnAdminBack(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleAdmin), e.person("bea", actor.RoleAdmin)
	in, err := e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
	require.NoError(t, err)
	_, err = e.SetActive(as(t, bea), ada.ID, false)
	require.NoError(t, err)
	who, err := e.Identify(t.Context(), auth.Credential{Session: in.Session})
	require.NoError(t, err)
	require.Zero(t, who)

	link, err := e.Reset(t.Context(), "ADA@shop.example")
	require.NoError(t, err)
	require.Regexp(t, `^https://shop\.example/password#\w{20,}$`, link)
	_, err = e.SetPassword(t.Context(), secretOf(link), "short")
	require.True(t, apperr.Is(err, apperr.CodeInvalid))
	_, err = e.SetPassword(t.Context(), secretOf(link), "another password")
	require.NoError(t, err)
	_, err = e.SetPassword(t.Context(), secretOf(link), "a third password")
	require.ErrorContains(t, err, "no longer works")
	_, err = e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
	require.True(t, apperr.Is(err, apperr.CodeUnauthenticated))
	in, err = e.SignIn(t.Context(), ada.Email, "another password", from("192.0.2.1"))
	require.NoError(t, err)
	require.Equal(t, actor.RoleAdmin, in.Operator.Role)
	_, err = e.Reset(t.Context(), "nobody@shop.example")
	require.True(t, apperr.Is(err, apperr.CodeNotFound))
}

// However many come at once, no more passwords are tried than the limit allows,
// and in one process only a few are hashed at a time.
func TestAttemptsAreCountedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	var wrong, limited atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			_, err := e.SignIn(t.Context(), ada.Email, fmt.Sprintf("wrong password %d", i),
				from(fmt.Sprintf("192.0.2.%d", i+1))) // from many addresses
			switch {
			case apperr.Is(err, apperr.CodeUnauthenticated):
				wrong.Add(1)
			case apperr.Is(err, apperr.CodeRateLimited):
				limited.Add(1)
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, wrong.Load(), int64(5))
	require.Equal(t, int64(40), wrong.Load()+limited.Load())
	e.hold()
	_, err := e.SignIn(t.Context(), ada.Email, password, from("198.51.100.1"))
	require.True(t, apperr.Is(err, apperr.CodeRateLimited), "the right one has to wait too: %v", err)
	require.Equal(t, int(wrong.Load()), e.audited("operator.sign_in_failed"))
	require.Equal(t, 1, e.audited("operator.lockout"))
}

// Many accounts from one network are one source: for IPv6 a network is a /64.
func TestANetworkIsOneSource(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person("ada", actor.RoleAdmin)
	for i := range 20 {
		_, err := e.SignIn(t.Context(), fmt.Sprintf("nobody%d@shop.example", i), "a wrong password",
			from(fmt.Sprintf("2001:db8::%x", i+1)))
		require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err), "%d: %v", i, err)
	}
	e.hold()
	_, err := e.SignIn(t.Context(), "ada@shop.example", password, from("2001:db8::ffff:ffff"))
	require.True(t, apperr.Is(err, apperr.CodeRateLimited))
	_, err = e.SignIn(t.Context(), "ada@shop.example", password, from("2001:db8:0:1::1"))
	require.NoError(t, err, "the network beside it is another")
}

// Signing in again and again never makes an office wait.
func TestRightPasswordsAreNotHeldAgainstAnAddress(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person("ada", actor.RoleAdmin)
	for range 25 {
		_, err := e.SignIn(t.Context(), "ada@shop.example", password, from("192.0.2.1"))
		require.NoError(t, err)
	}
}

func TestNobodyIsLockedOutOfADeviceTheyKnow(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	bea := e.person("bea", actor.RoleViewer)
	in, err := e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
	require.NoError(t, err)
	home := from("192.0.2.1")
	home.Device = in.Device
	for range 8 {
		_, err = e.SignIn(t.Context(), ada.Email, "a wrong password", from("198.51.100.9"))
	}
	require.True(t, apperr.Is(err, apperr.CodeRateLimited))
	e.hold()
	_, err = e.SignIn(t.Context(), ada.Email, password, home)
	require.NoError(t, err)

	// Neither another's device nor an invented one escapes.
	other, err := e.SignIn(t.Context(), bea.Email, password, from("192.0.2.7"))
	require.NoError(t, err)
	for _, device := range []string{other.Device, in.Device + "x", "x:" + in.Device, ":", "", strings.Repeat("a:", 2000)} {
		stranger := from("192.0.2.1")
		stranger.Device = device
		_, err = e.SignIn(t.Context(), ada.Email, password, stranger)
		require.Equal(t, apperr.CodeRateLimited, apperr.CodeOf(err), device)
	}
	// A known device is limited too, by itself.
	for range 6 {
		_, err = e.SignIn(t.Context(), ada.Email, "a wrong password", home)
	}
	require.True(t, apperr.Is(err, apperr.CodeRateLimited))
}

func TestWhatNobodyCanHaveAsAnAddressIsJustWrong(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.person("ada", actor.RoleAdmin)
	for i, email := range []string{
		"", "a\x00@shop.example", "\xff@shop.example", strings.Repeat("a", 8000) + "@shop.example",
	} {
		_, err := e.SignIn(t.Context(), email, "x", from(fmt.Sprintf("192.0.2.%d", i+1)))
		require.Equal(t, apperr.CodeUnauthenticated, apperr.CodeOf(err), "%.20q: %v", email, err)
	}
	in, err := e.SignIn(t.Context(), "ada@shop.example", password,
		auth.Client{UserAgent: "a\x00\xff" + strings.Repeat("b", 500)})
	require.NoError(t, err)
	require.NotEmpty(t, in.Session)
}

// What lasts ends when access does, also when that was decided in another process.
func TestWhatLastsEndsWithAccess(t *testing.T) {
	t.Parallel()
	e := start(t)
	other := process(t, e.db)
	ada := e.person("ada", actor.RoleAdmin)
	bea := e.person("bea", actor.RoleAdmin)
	viewer := actor.RoleViewer
	session := func() string {
		in, err := e.SignIn(t.Context(), bea.Email, password, from("192.0.2.1"))
		require.NoError(t, err)
		return in.Session
	}
	sessionActor := func(session string) context.Context {
		who, err := e.Identify(t.Context(), auth.Credential{Session: session})
		require.NoError(t, err)
		return actor.With(t.Context(), who)
	}
	for name, c := range map[string]struct {
		credential func() auth.Credential
		end        func(auth.Credential) error
	}{
		"token revoked": {
			func() auth.Credential { return auth.Credential{Token: e.token(as(t, bea), actor.RoleAdmin)} },
			func(c auth.Credential) error {
				who, err := e.Identify(t.Context(), c)
				require.NoError(t, err)
				_, err = other.RevokeToken(as(t, ada), who.ID)
				return err
			},
		},
		"signed out": {
			func() auth.Credential { return auth.Credential{Session: session()} },
			func(c auth.Credential) error { return other.SignOut(t.Context(), c.Session, from("192.0.2.1")) },
		},
		"signed out everywhere": {
			func() auth.Credential { return auth.Credential{Session: session()} },
			func(auth.Credential) error { return other.SignOutEverywhere(sessionActor(session())) },
		},
		"password changed": {
			func() auth.Credential { return auth.Credential{Session: session()} },
			func(auth.Credential) error { return other.ChangePassword(sessionActor(session()), password, password) },
		},
		"another role": {
			func() auth.Credential { return auth.Credential{Session: session()} },
			func(auth.Credential) error {
				_, err := other.Update(as(t, ada), bea.ID, auth.Change{Role: &viewer})
				return err
			},
		},
		"its owner's role": {
			func() auth.Credential { return auth.Credential{Token: e.token(as(t, bea), actor.RoleAdmin)} },
			func(auth.Credential) error {
				_, err := other.Update(as(t, ada), bea.ID, auth.Change{Role: &viewer})
				return err
			},
		},
		"deactivated": {
			func() auth.Credential { return auth.Credential{Session: session()} },
			func(auth.Credential) error { _, err := other.SetActive(as(t, ada), bea.ID, false); return err },
		},
		"its owner deactivated": {
			func() auth.Credential { return auth.Credential{Token: e.token(as(t, bea), actor.RoleAdmin)} },
			func(auth.Credential) error { _, err := other.SetActive(as(t, ada), bea.ID, false); return err },
		},
	} {
		_, err := e.db.NewRaw("UPDATE operators SET active = true, role = 'admin'").Exec(t.Context())
		require.NoError(t, err)
		untouched, err := e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
		require.NoError(t, err)
		_, stays, stopStays, err := e.Follow(t.Context(), auth.Credential{Session: untouched.Session})
		require.NoError(t, err)

		credential := c.credential()
		who, ctx, stop, err := e.Follow(t.Context(), credential)
		require.NoError(t, err, name)
		require.NotEmpty(t, who.Kind, name)
		require.NoError(t, c.end(credential), name)
		select {
		case <-ctx.Done():
		case <-time.After(patience):
			t.Fatalf("%s: it goes on", name)
		}
		require.NoError(t, stays.Err(), "%s: others go on", name)
		stop()
		stopStays()
	}
}

// The change and the look at it may cross: none of both orders leaves something
// open.
func TestNothingSlipsInWhileItIsLookedAt(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.person("ada", actor.RoleAdmin)
	for range 20 {
		in, err := e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
		require.NoError(t, err)
		var both sync.WaitGroup
		var who actor.Actor
		var ctx context.Context
		both.Go(func() { who, ctx, _, err = e.Follow(t.Context(), auth.Credential{Session: in.Session}) })
		both.Go(func() { require.NoError(t, e.SignOut(t.Context(), in.Session, from("192.0.2.1"))) })
		both.Wait()
		require.NoError(t, err)
		if who.Kind == "" {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(patience):
			t.Fatal("it goes on")
		}
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleAdmin), e.person("bea", actor.RoleAdmin)
	first, err := e.SignIn(t.Context(), ada.Email, password, from("2001:db8::1"))
	require.NoError(t, err)
	second, err := e.SignIn(t.Context(), ada.Email, password, from("::ffff:192.0.2.1"))
	require.NoError(t, err)
	who, err := e.Identify(t.Context(), auth.Credential{Session: first.Session})
	require.NoError(t, err)
	ctx := actor.With(t.Context(), who)
	rows, err := e.Sessions(ctx)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	addresses := []string{rows[0].Address, rows[1].Address}
	require.ElementsMatch(t, []string{"2001:db8::1", "192.0.2.1"}, addresses)
	for _, s := range rows {
		require.Equal(t, "a browser", s.UserAgent)
		if s.ID == who.Session {
			continue
		}
		require.Equal(t, apperr.CodeNotFound, apperr.CodeOf(e.RevokeSession(as(t, bea), s.ID)), "only one's own")
		require.NoError(t, e.RevokeSession(ctx, s.ID))
	}
	gone, err := e.Identify(t.Context(), auth.Credential{Session: second.Session})
	require.NoError(t, err)
	require.Zero(t, gone)

	// A session that nobody uses ends.
	_, err = e.db.ExecContext(t.Context(), "UPDATE sessions SET last_seen_at = now() - interval '4 days'")
	require.NoError(t, err)
	gone, err = e.Identify(t.Context(), auth.Credential{Session: first.Session})
	require.NoError(t, err)
	require.Zero(t, gone)
}

func TestWhatCannotBeUndoneTakesARecentProof(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada, bea := e.person("ada", actor.RoleAdmin), e.person("bea", actor.RoleAdmin)
	in, err := e.SignIn(t.Context(), ada.Email, password, from("192.0.2.1"))
	require.NoError(t, err)
	again := func() context.Context {
		who, err := e.Identify(t.Context(), auth.Credential{Session: in.Session})
		require.NoError(t, err)
		return actor.With(t.Context(), who)
	}
	_, err = e.db.ExecContext(t.Context(), "UPDATE sessions SET authenticated_at = now() - interval '2 hours'")
	require.NoError(t, err)
	_, err = e.SetActive(again(), bea.ID, false)
	require.Equal(t, apperr.CodeConfirm, apperr.CodeOf(err))
	require.Equal(t, apperr.CodeInvalid, apperr.CodeOf(e.Confirm(again(), "a wrong password")))
	require.NoError(t, e.Confirm(again(), password))
	_, err = e.SetActive(again(), bea.ID, false)
	require.NoError(t, err)
	for range 5 {
		err = e.Confirm(again(), "a wrong password")
	}
	require.NoError(t, func() error { _, err := e.SetActive(again(), bea.ID, true); return err }())
	require.Equal(t, apperr.CodeRateLimited, apperr.CodeOf(e.Confirm(again(), password)), "guessing is limited: %v", err)
}
