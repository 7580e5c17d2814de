package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eventstream/server/actor"
	"eventstream/server/config"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/demo"
	"eventstream/server/doctor"
	"eventstream/server/golive"
	"eventstream/server/keys"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/secret"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"

	"github.com/uptrace/bun"
)

// ErrProviderChanged ends Run when another provider is to be spoken with: whoever runs the
// engine starts it again.
var ErrProviderChanged = errors.New("the provider was changed: the engine starts again")

// lookEvery is how often a process looks whether it still speaks with the right provider.
const lookEvery = time.Second

// choose gives the configuration with the account that is in use: the database says which
// provider is live, and the environment or an admin which credentials. A database that was
// never started takes Twilio if the environment names an account, else the sandbox.
func choose(ctx context.Context, cfg config.Config, d bun.IDB, k *secret.Keys) (config.Config, error) {
	now, err := provider.Current(ctx, d)
	if err != nil {
		return cfg, err
	}
	given := cfg.Twilio
	switch {
	case now == nil && given.Live(), now != nil && now.Provider.Live() && given.Live():
		return cfg, nil
	case now == nil, !now.Provider.Live():
		cfg.Twilio = config.Twilio{APIBaseURL: given.APIBaseURL}
		return cfg, nil
	}
	a, err := golive.Stored(ctx, d, k)
	if errors.Is(err, secret.ErrUnreadable) {
		return cfg, fmt.Errorf("%w; or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, which count instead", err)
	}
	if err != nil {
		return cfg, err
	}
	if a == nil {
		return cfg, fmt.Errorf("this database sends over Twilio, account %s, and nothing says how to sign in there: set TWILIO_ACCOUNT_SID and "+
			"TWILIO_AUTH_TOKEN; to try things out, use a database of its own (server try)", now.Account)
	}
	previous, until, err := golive.Previous(ctx, d, k)
	if err != nil {
		return cfg, err
	}
	cfg.Twilio = config.Twilio{
		AccountSID: a.AccountSID, AuthToken: config.Secret(a.AuthToken), APIKey: a.APIKey, APISecret: config.Secret(a.APISecret),
		APIBaseURL: given.APIBaseURL, AuthTokenSecondary: config.Secret(previous), SecondaryUntil: until,
	}
	return cfg, nil
}

// accountOf is the account of a configuration.
func accountOf(t config.Twilio) golive.Account {
	return golive.Account{AccountSID: t.AccountSID, AuthToken: string(t.AuthToken), APIKey: t.APIKey, APISecret: string(t.APISecret)}
}

// chooseProvider finds out with whom this process speaks, and notes that it does.
func (a *App) chooseProvider(ctx context.Context) (err error) {
	if given := a.cfg.Twilio; given.Live() {
		environment := accountOf(given)
		a.environment = &environment
		if err := a.leaveUnused(ctx); err != nil {
			return err
		}
	}
	given := a.cfg
	err = a.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if err := provider.Lock(ctx, tx); err != nil { // another process may be going live
			return err
		}
		if err := golive.SealWebhooks(ctx, tx, a.keys); err != nil {
			return err
		}
		if a.cfg, err = choose(ctx, given, tx, a.keys); err != nil {
			return err
		}
		account := sandbox.AccountSID
		if a.cfg.Twilio.Live() {
			account = a.cfg.Twilio.AccountSID
		}
		if err := provider.Begin(ctx, tx, provider.Of(a.cfg.Twilio.Live()), account); err != nil {
			return err
		}
		// Under the lock: a mark that is read later may be that of another provider already.
		a.mark, err = golive.Mark(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if a.environment != nil && !a.cfg.Twilio.Live() {
		a.log.WarnContext(ctx, "Twilio's credentials are set, but this database was used with the sandbox: messages go to the sandbox until "+
			"an admin goes live under Settings, which ends what was made while trying out")
	}
	return nil
}

// leaveUnused goes live with the environment's credentials where nothing was made under the
// sandbox: there is nothing to ask about.
func (a *App) leaveUnused(ctx context.Context) error {
	now, err := provider.Current(ctx, a.db)
	if err != nil || now == nil || now.Provider.Live() {
		return err
	}
	hub := pubsub.New(a.db.Pool, a.log)
	consents := consent.NewService(a.db, hub, keys.NewAddresses(a.keys), time.Now)
	return golive.New(golive.Options{DB: a.db, Consents: consents, Demo: demo.Blocks}).
		LeaveUnused(actor.With(ctx, actor.System), a.environment.AccountSID)
}

// speaksWith gives the provider of this process.
func (a *App) speaksWith() provider.Name { return provider.Of(a.cfg.Twilio.Live()) }

// watchProvider ends when another provider is to be spoken with, or ctx does.
func (a *App) watchProvider(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		mark, err := golive.Mark(db.WithPool(ctx, db.PoolEdge), a.db)
		if err != nil {
			continue // Postgres is away; others say so
		}
		if mark != a.mark {
			return ErrProviderChanged
		}
	}
}

// twilioOptions say how an account is spoken with.
func (a *App) twilioOptions(with golive.Account) twilio.Options {
	return twilio.Options{
		AccountSID: with.AccountSID, AuthToken: with.AuthToken, APIKey: with.APIKey, APISecret: with.APISecret,
		BaseURL: a.cfg.Twilio.APIBaseURL, PublicURL: a.publicURL(),
	}
}

// newGoLive makes the service that goes live. signers are those of this process.
func (a *App) newGoLive(signers []twilio.Account, o golive.Options) *golive.Service {
	o.DB, o.Keys, o.Environment, o.Live, o.Demo = a.db, a.keys, a.environment, a.cfg.Twilio.Live(), demo.Blocks
	look := func(check string) func(context.Context, golive.Account) golive.Finding {
		return func(ctx context.Context, with golive.Account) golive.Finding {
			cfg := a.cfg
			cfg.Twilio.AccountSID = with.AccountSID // of whom the checks speak as of Twilio
			f := newDoctor(cfg, a.db, "", a.twilioOptions(with), signers, a.log).Look(ctx, check)
			right := f.State == doctor.OK || f.State == doctor.Warning && !f.Unknown
			return golive.Finding{OK: right, Unknown: f.Unknown, Found: f.Found, Advice: f.Advice}
		}
	}
	o.Check, o.Address = look("twilio"), look("public_url")
	o.Senders = func(with golive.Account) (golive.Senders, error) { return twilio.New(a.twilioOptions(with)) }
	o.Inbound = func() string { return a.publicURL() + "/webhooks/twilio/inbound" + inboundRetries }
	return golive.New(o)
}

// ListenAddr is where it listens, also where the port was free to choose: it stays so over
// a start anew.
func (a *App) ListenAddr() string {
	if a.listener == nil {
		return a.cfg.ListenAddr
	}
	return a.listener.Addr().String()
}
