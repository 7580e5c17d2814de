// Package golive takes an installation from the sandbox to Twilio: it keeps the
// credentials, checks what has to be right, and changes the provider. What was made under
// the sandbox ends with that, and is named in numbers before and after. Processes learn of
// the change within a second and start again with the other provider: an engine that is
// half at one and half at the other could send to people what was meant for nobody, so no
// part of a running one is ever exchanged.
package golive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/campaign"
	"eventstream/server/config"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/keys"
	"eventstream/server/message"
	"eventstream/server/portfolio"
	"eventstream/server/provider"
	"eventstream/server/recent"
	"eventstream/server/say"
	"eventstream/server/secret"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// Account is how Twilio is signed in to.
type Account struct {
	AccountSID, AuthToken, APIKey, APISecret string
}

// Source is where credentials come from.
type Source string

// Sources.
const (
	SourceNone        Source = "none"
	SourceEnvironment Source = "environment" // TWILIO_…; then nothing is entered
	SourceStored      Source = "stored"      // an admin entered them
)

// Credentials tell of an account without its secrets.
type Credentials struct {
	Source     Source
	AccountSID string
	APIKey     string     // SK…; "": the auth token signs in
	SetAt      *time.Time // of those that were entered
	SetBy      *int64     // the operator
	// PreviousUntil is how long webhooks count that the token before signed; nil: none counts.
	PreviousUntil *time.Time
}

// Counts are what belongs to the sandbox: what going live ends.
type Counts struct {
	Campaigns int64 `json:"campaigns"` // not ended, drafts too; they are canceled
	Messages  int64 `json:"messages"`  // that wait or whose fate is unknown; they are canceled
	Questions int64 `json:"questions"` // of double opt-in; they are canceled
	Consents  int64 `json:"consents"`  // contacts who opted in by a message to the sandbox; it counts no more
	Windows   int64 `json:"windows"`   // conversations whose window is open; it closes
	Marks     int64 `json:"marks"`     // contacts marked as unreachable or ineligible; the marks are taken back
	Templates int64 `json:"templates"` // that went to the sandbox; they become drafts
	Senders   int64 `json:"senders"`   // they are retired

	Subscriptions int64 `json:"subscriptions"` // to topics, by a message to the sandbox; they end
}

// any reports whether anything would end that somebody made.
func (c Counts) any() bool {
	return c.Campaigns+c.Messages+c.Questions+c.Consents+c.Subscriptions+c.Windows+c.Marks+c.Templates > 0
}

// Finding is what a check came to.
type Finding struct {
	OK      bool
	Unknown bool // whoever was asked gave no answer that tells
	Found   say.Text
	Advice  say.Text // how to put it right
}

// refusal is the error for what is not right, or of which nobody said that it is.
func (f Finding) refusal(not *apperr.Error) error {
	if f.Unknown {
		return apperr.Saying(apperr.CodeUnavailable, not.Message)
	}
	return not
}

// Options are the parts of a Service.
type Options struct {
	DB            *db.DB
	Keys          *secret.Keys
	Consents      *consent.Service
	Conversations *conversation.Service
	Messages      *message.Store
	// Environment are the credentials of the environment, nil: there are none.
	Environment *Account
	// Live tells that this process speaks with Twilio, not with the sandbox.
	Live bool
	// Demo reports whether demo data is here, or about to be written.
	Demo func(ctx context.Context, idb bun.IDB) (bool, error)
	// Check asks Twilio whether it takes an account, and Address whether Twilio reaches
	// this server and signs right.
	Check, Address func(ctx context.Context, a Account) Finding
	// Senders reads and changes what Twilio knows of senders.
	Senders func(a Account) (Senders, error)
	// Inbound is where messages that come in are to be sent, with the retries.
	Inbound func() string
}

// Service goes live.
type Service struct {
	Options

	// What the steps found: whoever looks again at once gets the same.
	credentials, address recent.Answer[Finding]
}

// trustFindings is how long a finding counts for who only looks.
const trustFindings = 3 * time.Second

// New makes the service.
func New(o Options) *Service {
	return &Service{
		Options: o, credentials: recent.Answer[Finding]{For: trustFindings}, address: recent.Answer[Finding]{For: trustFindings},
	}
}

// check refuses what cannot be an account. Spaces around what was entered are no part of it.
func (in *Account) check() error {
	for _, p := range []*string{&in.AccountSID, &in.AuthToken, &in.APIKey, &in.APISecret} {
		*p = strings.TrimSpace(*p)
	}
	var errs apperr.List
	if !config.IsAccountSID(in.AccountSID) {
		_ = errs.Add(apperr.Invalid("accountSid", "%q is no account SID: AC and 32 hexadecimal digits", clipped(in.AccountSID)))
	}
	if !config.IsToken(in.AuthToken) {
		_ = errs.Add(apperr.Invalid("authToken", "the auth token has letters and digits only: copy it from Twilio’s console"))
	}
	if in.APIKey != "" && !config.IsAPIKey(in.APIKey) {
		_ = errs.Add(apperr.Invalid("apiKeySid", "%q is no API key: SK and 32 hexadecimal digits, or leave it empty", clipped(in.APIKey)))
	}
	if (in.APIKey == "") != (in.APISecret == "") {
		_ = errs.Add(apperr.Invalid("apiKeySecret", "an API key and its secret: give both, or neither"))
	} else if in.APISecret != "" && !config.IsToken(in.APISecret) {
		_ = errs.Add(apperr.Invalid("apiKeySecret", "the secret has letters and digits only"))
	}
	return errs.Err()
}

func clipped(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// previousSigns is how long the token before signs webhooks after another was entered: Twilio
// signs with the primary token, and takes the secondary one for calls before it is promoted.
const previousSigns = 7 * 24 * time.Hour

// SetCredentials keeps credentials, encrypted, once Twilio has taken them. Admins only.
// While Twilio is live they must be of the same account: a token that was replaced. Webhooks
// that the one before signed count for previousSigns, or until the same credentials are
// entered once more.
func (s *Service) SetCredentials(ctx context.Context, in Account) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	if s.Environment != nil {
		return apperr.Conflict("the environment names Twilio’s account (TWILIO_ACCOUNT_SID): change it there")
	}
	if err := in.check(); err != nil {
		return err
	}
	if err := ofLive(ctx, s.DB, in.AccountSID); err != nil {
		return err
	}
	if f := s.Check(ctx, in); !f.OK {
		return f.refusal(apperr.Invalid("authToken", "%s %s", f.Found, f.Advice))
	}
	return s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if err := provider.Lock(ctx, tx); err != nil {
			return err
		}
		if err := ofLive(ctx, tx, in.AccountSID); err != nil { // while Twilio was asked somebody may have gone live
			return err
		}
		row := credentials{ID: credentialsID, AccountSID: in.AccountSID, APISID: in.APIKey, OperatorID: actor.OperatorID(ctx)}
		if row.AuthToken, err = s.Keys.Seal(secret.AuthToken.Purpose(credentialsID), []byte(in.AuthToken)); err != nil {
			return err
		}
		if in.APISecret != "" {
			if row.APISecret, err = s.Keys.Seal(secret.APISecret.Purpose(credentialsID), []byte(in.APISecret)); err != nil {
				return err
			}
		}
		if err := s.keepPrevious(ctx, tx, in, &row); err != nil {
			return err
		}
		if err := saveCredentials(ctx, tx, &row); err != nil {
			return err
		}
		changes := map[string]any{"account": in.AccountSID, "api_key": in.APIKey}
		if row.PreviousUntil != nil {
			changes["previous_token_signs_until"] = row.PreviousUntil
		}
		return audit.Record(ctx, tx, audit.ProviderCredentials, "provider", 0, changes)
	})
}

// keepPrevious has the token that is replaced sign for a while, where Twilio signs with it.
func (s *Service) keepPrevious(ctx context.Context, tx bun.Tx, in Account, row *credentials) error {
	now, err := provider.Current(ctx, tx)
	if err != nil || now == nil || !now.Provider.Live() {
		return err
	}
	before, err := readCredentials(ctx, tx)
	if err != nil || before == nil {
		return err
	}
	was, err := before.open(s.Keys)
	if errors.Is(err, secret.ErrUnreadable) { // its key is gone, which is why another is entered
		return nil
	}
	if err != nil || *was == in {
		return err
	}
	if was.AuthToken == in.AuthToken {
		row.PreviousAuthToken, row.PreviousUntil = before.PreviousAuthToken, before.PreviousUntil
		return nil
	}
	at, err := db.Now(ctx, tx)
	if err != nil {
		return err
	}
	until := at.Add(previousSigns)
	row.PreviousUntil = &until
	row.PreviousAuthToken, err = s.Keys.Seal(secret.PreviousToken.Purpose(credentialsID), []byte(was.AuthToken))
	return err
}

// ofLive refuses another account than the one with which Twilio is live.
func ofLive(ctx context.Context, idb bun.IDB, account string) error {
	now, err := provider.Current(ctx, idb)
	if err == nil && now != nil && now.Provider.Live() && now.Account != account {
		return apperr.Invalid("accountSid", "Twilio is live with the account %s: its messages and templates are known to no other", now.Account)
	}
	return err
}

// ForgetCredentials deletes what was entered. Admins only; refused while Twilio is live
// with them.
func (s *Service) ForgetCredentials(ctx context.Context) error {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := provider.Lock(ctx, tx); err != nil {
			return err
		}
		now, err := provider.Current(ctx, tx)
		if err != nil {
			return err
		}
		if now != nil && now.Provider.Live() && s.Environment == nil {
			return apperr.Conflict("Twilio is live with these credentials: enter others instead")
		}
		gone, err := deleteCredentials(ctx, tx)
		if err != nil || !gone {
			return err
		}
		return audit.Record(ctx, tx, audit.ProviderCredentials, "provider", 0, map[string]any{"removed": true})
	})
}

// Stored gives the credentials that an admin entered, nil: none, and a mark that changes
// with them.
func Stored(ctx context.Context, idb bun.IDB, k *secret.Keys) (*Account, error) {
	row, err := readCredentials(ctx, idb)
	if err != nil || row == nil {
		return nil, err
	}
	return row.open(k)
}

// open decrypts them.
func (c *credentials) open(k *secret.Keys) (*Account, error) {
	a := &Account{AccountSID: c.AccountSID, APIKey: c.APISID}
	token, err := k.Open(secret.AuthToken.Purpose(credentialsID), c.AuthToken)
	if err != nil {
		return nil, unreadable(err, "the auth token that was entered under Going live", c.AuthToken)
	}
	a.AuthToken = string(token)
	if c.APISecret != "" {
		raw, err := k.Open(secret.APISecret.Purpose(credentialsID), c.APISecret)
		if err != nil {
			return nil, unreadable(err, "the API secret that was entered under Going live", c.APISecret)
		}
		a.APISecret = string(raw)
	}
	return a, nil
}

// unreadable says by which key something was encrypted that none of those that are set can read.
func unreadable(err error, what, sealed string) error {
	if errors.Is(err, secret.ErrUnreadable) {
		return &keys.UnreadableError{What: what, Key: secret.KeyOf(sealed)}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Previous gives the token that signs webhooks besides the one that was entered, and until
// when; "": none does, or it cannot be read, as if its time were over.
func Previous(ctx context.Context, idb bun.IDB, k *secret.Keys) (token string, until time.Time, err error) {
	row, err := readCredentials(ctx, idb)
	if err != nil || row == nil || row.previous() == nil {
		return "", time.Time{}, err
	}
	raw, err := k.Open(secret.PreviousToken.Purpose(credentialsID), row.PreviousAuthToken)
	if errors.Is(err, secret.ErrUnreadable) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("the auth token before the one that was entered under Going live: %w", err)
	}
	return string(raw), *row.PreviousUntil, nil
}

// Credentials tells which there are.
func (s *Service) Credentials(ctx context.Context) (Credentials, error) {
	if s.Environment != nil {
		return Credentials{Source: SourceEnvironment, AccountSID: s.Environment.AccountSID, APIKey: s.Environment.APIKey}, nil
	}
	row, err := readCredentials(ctx, s.DB)
	if err != nil || row == nil {
		return Credentials{Source: SourceNone}, err
	}
	return Credentials{
		Source: SourceStored, AccountSID: row.AccountSID, APIKey: row.APISID, SetAt: &row.UpdatedAt, SetBy: row.OperatorID,
		PreviousUntil: row.previous(),
	}, nil
}

// account gives what signs in to Twilio, nil: nothing does yet.
func (s *Service) account(ctx context.Context) (*Account, error) {
	if s.Environment != nil {
		return s.Environment, nil
	}
	return Stored(ctx, s.DB, s.Keys)
}

// Left tells what belongs to the sandbox: what going live would end.
func Left(ctx context.Context, idb bun.IDB) (c Counts, err error) {
	if c.Campaigns, c.Messages, err = unfinished(ctx, idb); err != nil {
		return c, err
	}
	for _, part := range []struct {
		n     *int64
		count func(context.Context, bun.IDB) (int64, error)
	}{
		{&c.Questions, doubleoptin.Open},
		{&c.Consents, consent.SaidToSandbox},
		{&c.Subscriptions, topic.OfSandbox},
		{&c.Windows, conversation.WindowsOpen},
		{&c.Marks, contact.Marked},
		{&c.Templates, template.OfSandbox},
		{&c.Senders, sender.OfSandbox},
	} {
		if *part.n, err = part.count(ctx, idb); err != nil {
			return c, err
		}
	}
	return c, nil
}

// unfinished counts the campaigns of the sandbox that have not ended, and the messages that
// would be canceled.
func unfinished(ctx context.Context, idb bun.IDB) (campaigns, messages int64, err error) {
	campaigns, waiting, err := campaign.Unfinished(ctx, idb, provider.Sandbox)
	if err != nil {
		return 0, 0, err
	}
	left, err := message.LeftOfSandbox(ctx, idb)
	return campaigns, waiting + left, err
}

// Demo data keeps an installation from going live.
var errDemo = apperr.Conflict("there is demo data, or it is being written, and its made-up numbers may belong to strangers: remove it first, in Settings")

// Go makes Twilio the provider, ends what belongs to the sandbox, and tells how much that
// was. campaigns is how many campaigns there are to be canceled, as whoever asks has seen.
// Processes start again with Twilio within a second. Admins only.
func (s *Service) Go(ctx context.Context, campaigns int64) (Counts, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return Counts{}, err
	}
	a, err := s.account(ctx)
	if err != nil {
		return Counts{}, err
	}
	if a == nil {
		return Counts{}, apperr.Conflict("there are no credentials for Twilio yet: enter them first")
	}
	for _, f := range []Finding{s.Check(ctx, *a), s.Address(ctx, *a)} {
		if !f.OK {
			return Counts{}, f.refusal(apperr.Conflict("%s %s", f.Found, f.Advice))
		}
	}
	return s.leave(ctx, a.AccountSID, func(ctx context.Context, tx bun.Tx, ends Counts) error {
		if ends.Campaigns != campaigns {
			return apperr.Invalid("campaigns", "%d is not how many campaigns would be canceled: %d", campaigns, ends.Campaigns)
		}
		if s.Environment != nil {
			return nil
		}
		stored, err := Stored(ctx, tx, s.Keys)
		if err == nil && (stored == nil || *stored != *a) {
			return apperr.Conflict("the credentials were changed while they were checked: try again")
		}
		return err
	})
}

var errLive = apperr.Conflict("Twilio is live already")

// leaveTries is how often leave begins anew where another transaction won.
const leaveTries = 5

// leave makes Twilio the provider, and ends what belongs to the sandbox, unless may refuses
// when it sees how many campaigns and messages that are, under the lock that credentials are
// changed under, too.
func (s *Service) leave(
	ctx context.Context, account string, may func(ctx context.Context, tx bun.Tx, ends Counts) error,
) (ended Counts, err error) {
	err = contact.Patiently(ctx, leaveTries, func() (err error) {
		ended, err = s.leaveOnce(ctx, account, may)
		return err
	})
	return ended, err
}

// leaveOnce takes its locks in the order of server/db/order.go.
func (s *Service) leaveOnce(
	ctx context.Context, account string, may func(ctx context.Context, tx bun.Tx, ends Counts) error,
) (ended Counts, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := provider.Lock(ctx, tx); err != nil {
			return err
		}
		now, err := provider.Current(ctx, tx)
		if err != nil {
			return err
		}
		if now != nil && now.Provider.Live() {
			return errLive
		}
		if blocked, err := s.Demo(ctx, tx); err != nil {
			return err
		} else if blocked {
			return errDemo
		}
		if _, ended.Messages, err = unfinished(ctx, tx); err != nil { // it counts no campaign that was canceled
			return err
		}
		if ended.Campaigns, err = campaign.CancelAll(ctx, tx, provider.Sandbox); err != nil {
			return err
		}
		if err := may(ctx, tx, ended); err != nil { // its campaigns are locked by now: there can be no other number
			return err
		}
		// From here on what is written is Twilio's.
		if err := provider.Begin(ctx, tx, provider.Twilio, account); err != nil {
			return err
		}
		if ended.Templates, err = template.Redraft(ctx, tx); err != nil {
			return err
		}
		if ended.Senders, err = sender.RetireSandbox(ctx, tx); err != nil {
			return err
		}
		if err := lockPeople(ctx, tx); err != nil {
			return err
		}
		if ended.Questions, err = doubleoptin.CancelAll(ctx, tx); err != nil {
			return err
		}
		if ended.Marks, err = contact.EndMarks(ctx, tx); err != nil {
			return err
		}
		if ended.Consents, err = s.Consents.LeaveSandbox(ctx, tx); err != nil {
			return err
		}
		if ended.Subscriptions, err = topic.LeaveSandbox(ctx, tx); err != nil {
			return err
		}
		if ended.Windows, err = conversation.CloseWindows(ctx, tx); err != nil {
			return err
		}
		if err := portfolio.Forget(ctx, tx); err != nil {
			return err
		}
		if err := db.SaveSetting(ctx, tx, endedSetting, ended); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ProviderLive, "provider", 0, map[string]any{"account": account, "ended": ended})
	})
	return ended, err
}

// lockPeople locks everybody whom going live concerns, in order of id. Each part of it
// would lock its own people, and go back in that order with them.
func lockPeople(ctx context.Context, tx bun.Tx) error {
	var all []int64
	for _, concerned := range []func(context.Context, bun.Tx) ([]int64, error){
		doubleoptin.PeopleAsked, contact.MarkedPeople, consent.PeopleOfSandbox, topic.PeopleOfSandbox,
	} {
		ids, err := concerned(ctx, tx)
		if err != nil {
			return err
		}
		all = append(all, ids...)
	}
	return contact.LockAll(ctx, tx, all)
}

var errUsed = apperr.Conflict("something was made under the sandbox")

// LeaveUnused is for a start with the environment's credentials: it goes live where nothing
// would end by it that somebody made. Else, and where another process did so meanwhile, it
// does nothing.
func (s *Service) LeaveUnused(ctx context.Context, account string) error {
	// Without the lock, and before anything is canceled only to find that it must not be.
	if left, err := Left(ctx, s.DB); err != nil || left.any() {
		return err
	}
	_, err := s.leave(ctx, account, func(ctx context.Context, tx bun.Tx, ends Counts) error {
		left, err := Left(ctx, tx) // without the campaigns, which are canceled by now
		if err == nil && (ends.any() || left.any()) {
			return errUsed
		}
		return err
	})
	for _, nothing := range []error{errUsed, errDemo, errLive} {
		if errors.Is(err, nothing) {
			return nil
		}
	}
	return err
}

// Clear is the maintenance task: it cancels up to n messages of the sandbox that were on
// their way when Twilio went live, and tells how many. A token that signs no more is deleted.
func Clear(ctx context.Context, d *db.DB, n int) (int, error) {
	if err := forgetPrevious(ctx, d); err != nil {
		return 0, err
	}
	return message.CancelLeftOfSandbox(ctx, d, n)
}

// ClearBatch is how many messages one run of Clear cancels.
const ClearBatch = 5000
