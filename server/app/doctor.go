package app

import (
	"context"
	"log/slog"
	"time"

	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/doctor"
	"eventstream/server/mail"
	"eventstream/server/oidc"
	"eventstream/server/sender"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"
)

// Examine looks at the installation from the command line, where a server may run or
// not; d is nil where the database could not be opened, for the reason in why.
func Examine(ctx context.Context, cfg config.Config, d *db.DB, why string, log *slog.Logger) []doctor.Finding {
	// What the environment names is looked at, whoever is live.
	if k, err := cfg.Keys(); err == nil && d != nil && !cfg.Twilio.Live() {
		if with, err := choose(ctx, cfg, d, k); err == nil {
			cfg = with
		} else {
			log.WarnContext(ctx, "the provider", "error", err) // its checks will fail
		}
	}
	a := App{cfg: cfg, log: log} // of no role: it finds the sandbox, and starts none
	account, signers := a.twilioOptions(accountOf(cfg.Twilio)), signersOf(cfg)
	account.PublicURL = cfg.BaseURL()
	if !cfg.Twilio.Live() {
		if peer, err := a.sandbox(); err == nil {
			account.BaseURL, account.PublicURL = peer.URL, peer.PublicURL
		} else {
			account.BaseURL = "http://127.0.0.1:1" // nobody is there
		}
		account.AccountSID = sandbox.AccountSID
		var err error
		if account.AuthToken, signers, err = sandboxAccount(cfg); err != nil {
			log.WarnContext(ctx, "the sandbox's account", "error", err) // its checks will fail
		}
	}
	return newDoctor(cfg, d, why, account, signers, log).Examine(ctx)
}

func newDoctor(cfg config.Config, d *db.DB, why string, account twilio.Options, signers []twilio.Account,
	log *slog.Logger,
) *doctor.Doctor {
	now := func() time.Time { return time.Now().Add(cfg.ClockOffset) }
	o := doctor.Options{
		Config: cfg, DB: d, DBError: why, Now: now, PublicURL: account.PublicURL, Signers: signers,
		Connections: jobConnections + db.BesideJobs(),
		Twilio: doctor.Twilio{
			AccountSID: account.AccountSID, AuthToken: account.AuthToken, APIKey: account.APIKey, APISecret: account.APISecret,
			BaseURL: account.BaseURL, Sandbox: !cfg.Twilio.Live(),
		},
		Numbers: func(ctx context.Context) ([]string, error) {
			rows, err := sender.NewService(d).List(ctx)
			numbers := make([]string, len(rows))
			for i, row := range rows {
				numbers[i] = row.Address
			}
			return numbers, err
		},
	}
	if cfg.SMTPURL != "" {
		o.SMTP = func(ctx context.Context) error {
			s, err := mail.New(string(cfg.SMTPURL), cfg.MailFrom)
			if err != nil {
				return err
			}
			return s.Check(ctx)
		}
	}
	if d != nil {
		o.Media = func(ctx context.Context) (string, error) {
			s, err := NewMedia(cfg, d, log)
			if err != nil {
				return "", err
			}
			return s.Try(ctx)
		}
	}
	if cfg.OIDC.Enabled() {
		o.Provider = func(ctx context.Context) error { // one that has not asked yet: what it learned, it keeps
			return oidc.New(oidc.Options{Config: cfg.OIDC, Now: now, Log: log}).Check(ctx)
		}
	}
	return doctor.New(o)
}
