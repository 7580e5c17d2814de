// Package app puts the engine together. main and the end-to-end tests both
// start it here.
package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"eventstream/frontend"
	"eventstream/graph"
	"eventstream/server/actor"
	"eventstream/server/auth"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/config"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/dashboard"
	"eventstream/server/db"
	"eventstream/server/db/embedded"
	"eventstream/server/demo"
	"eventstream/server/disclosure"
	"eventstream/server/dispatch"
	"eventstream/server/doubleoptin"
	"eventstream/server/erasure"
	"eventstream/server/explain"
	"eventstream/server/export"
	"eventstream/server/golive"
	"eventstream/server/guard"
	"eventstream/server/health"
	"eventstream/server/hold"
	"eventstream/server/hours"
	"eventstream/server/importer"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/link"
	"eventstream/server/mail"
	"eventstream/server/media"
	"eventstream/server/merge"
	"eventstream/server/message"
	"eventstream/server/oidc"
	"eventstream/server/optout"
	"eventstream/server/portfolio"
	"eventstream/server/price"
	"eventstream/server/proof"
	"eventstream/server/pubsub"
	"eventstream/server/reconcile"
	"eventstream/server/retention"
	"eventstream/server/say"
	"eventstream/server/secret"
	"eventstream/server/segment"
	"eventstream/server/sendcheck"
	"eventstream/server/sender"
	"eventstream/server/spool"
	"eventstream/server/suppression"
	"eventstream/server/team"
	"eventstream/server/template"
	"eventstream/server/timeline"
	"eventstream/server/topic"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"
	"eventstream/server/web"
	"eventstream/server/webhook"
	"eventstream/server/webhookevent"
	"eventstream/server/workspace"
	"eventstream/worker"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
	"riverqueue.com/riverui"
)

// Version of the engine.
const Version = "0.1.0"

// sandboxRate is the pace of the sandbox's sender: Twilio's own limit for an
// account (error 63017).
const sandboxRate = sender.MaxRate

// How many connections the engine's own work may take, in a process that works jobs and
// in one that only serves; people, downloads and webhooks have theirs beside (db.Pool).
const (
	jobConnections  = 40
	upkeepOfServing = 16
)

// timing says when reconciliation may conclude what from Twilio's log, and when
// what never came is asked for.
type timing struct {
	validity, logLag, decideAfter time.Duration
	skew                          time.Duration // between clocks
	ages                          []time.Duration
	inboundEvery                  time.Duration
}

var (
	// WhatsApp messages wait at most four hours in Twilio's queue; nothing is
	// published about how late the log shows them, so five minutes are ours.
	liveTiming = timing{
		validity: 4 * time.Hour, logLag: 5 * time.Minute, decideAfter: 15 * time.Minute, skew: time.Minute, inboundEvery: time.Hour,
		ages: []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 72 * time.Hour},
	}
	// The sandbox has the same rules in minutes.
	sandboxTiming = timing{
		validity: 8 * time.Second, logLag: 3 * time.Second, decideAfter: 30 * time.Second, skew: 2 * time.Second, inboundEvery: 30 * time.Second,
		ages: []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 6 * time.Hour, 24 * time.Hour},
	}
)

// Roles a process plays.
type Roles struct {
	Serve bool // API, pages and webhooks
	Work  bool // jobs
}

// App is the running engine.
type App struct {
	cfg      config.Config
	roles    Roles
	log      *slog.Logger
	postgres *embedded.Server
	db       *db.DB
	keys     *secret.Keys
	hub      *pubsub.Hub
	river    *river.Client[*sql.Tx]
	work     *worker.Services
	writer   *webhookevent.Writer
	signer   *link.Signer
	links    *link.Book
	clicks   *link.Counter
	listener net.Listener
	server   *http.Server
	probe    struct { // METRICS_ADDR
		listener net.Listener
		server   *http.Server
	}
	ui       *riverui.Handler
	registry *prometheus.Registry
	owner    string
	started  bool

	environment *golive.Account // what the environment names, whoever is spoken with; nil: nothing
	mark        string          // of the provider that is spoken with, see golive.Mark

	// Services are the engine's use cases, for tests and the command line.
	Services graph.Services
	// Sandbox is nil while Twilio is live.
	Sandbox *sandbox.Sandbox
	// URL is the listener's own address, which other programs on this machine call.
	URL string
	// MetricsURL is where metrics are; "" where there are none.
	MetricsURL string
	openFile   func(context.Context, string) (*twilio.File, error) // opens what contacts sent
}

// New builds everything and listens, but serves and works nothing yet.
func New(ctx context.Context, cfg config.Config, roles Roles, log *slog.Logger) (_ *App, err error) {
	a := &App{cfg: cfg, roles: roles, log: log}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.keys, err = a.cfg.Keys(); err != nil {
		return nil, err
	}
	a.registry = prometheus.NewRegistry()
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.owner = processName()
	if err = a.openDatabase(ctx); err != nil {
		return nil, err
	}
	if err = keys.Ensure(ctx, a.db, a.keys); err != nil {
		return nil, err
	}
	if a.signer, err = link.OpenSigner(ctx, a.db, a.keys); err != nil {
		return nil, err
	}
	if roles.Serve {
		if a.listener, err = net.Listen("tcp", cfg.ListenAddr); err != nil {
			return nil, fmt.Errorf("LISTEN_ADDR=%s: %w", cfg.ListenAddr, err)
		}
		a.URL = "http://" + reachable(a.listener.Addr())
	}
	if err = a.chooseProvider(ctx); err != nil {
		return nil, err
	}
	if err = a.noStrangers(ctx); err != nil {
		return nil, err
	}
	if err = a.build(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// processName tells this process from all others, in leases.
func processName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s:%d:%s", host, os.Getpid(), rand.Text()[:6])
}

func (a *App) openDatabase(ctx context.Context) (err error) {
	url := string(a.cfg.DatabaseURL)
	if url == "" {
		if a.postgres, err = embedded.Start(ctx, embedded.Options{DataDir: a.cfg.DataDir, Log: a.log}); err != nil {
			return err
		}
		url = a.postgres.URL
	}
	connections := int32(upkeepOfServing)
	if a.roles.Work {
		connections = jobConnections
	}
	if a.db, err = db.Open(ctx, url, connections, a.log); err != nil {
		return err
	}
	pools := []db.Pool{db.PoolEdge}
	if a.roles.Serve {
		pools = append(pools, db.PoolInteractive, db.PoolDownloads)
	}
	if err = a.db.OpenPools(ctx, pools...); err != nil {
		return err
	}
	return Migrate(ctx, a.cfg, a.db, a.log)
}

// publicURL is what Twilio calls.
func (a *App) publicURL() string {
	if a.cfg.PublicURL != "" {
		return strings.TrimRight(a.cfg.PublicURL, "/")
	}
	return a.URL
}

func (a *App) build(ctx context.Context) error {
	now := func() time.Time { return time.Now().Add(a.cfg.ClockOffset) }
	account := a.twilioOptions(accountOf(a.cfg.Twilio))
	live := a.cfg.Twilio.Live()
	signers := signersOf(a.cfg)
	firstSender, rate, provider, timing := a.cfg.Twilio.PhoneNumber, sender.DefaultRate,
		say.New("Twilio, account %s", a.cfg.Twilio.AccountSID), liveTiming
	if !a.cfg.Twilio.Live() {
		peer, err := a.sandbox()
		if err != nil {
			return err
		}
		account.AccountSID = sandbox.AccountSID
		if account.AuthToken, signers, err = sandboxAccount(a.cfg); err != nil {
			return err
		}
		account.BaseURL, account.PublicURL = peer.URL, peer.PublicURL
		firstSender, rate, provider, timing = sandbox.PhoneNumber, sandboxRate,
			say.New("sandbox on this machine; nothing reaches a phone"), sandboxTiming
	}
	if a.cfg.MessageValidity != 0 {
		timing.validity = a.cfg.MessageValidity
	}
	client, err := twilio.New(account)
	if err != nil {
		return err
	}
	a.openFile = client.Media

	a.hub = pubsub.New(a.db.Pool, a.log)
	post, err := postOf(a.cfg)
	if err != nil {
		return err
	}
	enqueuer := &jobs.Enqueuer{}
	addresses := keys.NewAddresses(a.keys)
	trail, err := NewTrail(a.cfg, a.db, a.keys, now, a.log)
	if err != nil {
		return err
	}
	s := graph.Services{
		Auth: auth.New(auth.Options{
			DB: a.db, Hub: a.hub, Keys: a.keys, Now: now, PublicURL: a.pagesURL,
			Mail: post, Jobs: enqueuer, ProviderOnly: a.cfg.OIDC.Only, Log: a.log,
		}),
		Contacts: contact.NewService(a.db, a.hub),
		Consents: consent.NewService(a.db, a.hub, addresses, now),
		Segments: segment.NewService(a.db), Workspace: workspace.NewService(a.db), Senders: sender.NewService(a.db), Messages: message.NewStore(a.db),
		Dashboard: dashboard.NewService(a.db, twilio.Code), Health: health.NewService(a.db),
		Explanations: explain.NewService(a.db, twilio.Code), Timelines: timeline.NewService(a.db),
		Trail: trail, Hub: a.hub, Sandbox: a.Sandbox, Codes: twilio.Code, Now: now, Log: a.log,
		Version: Version, Provider: provider,
	}
	s.Topics = topic.NewService(a.db, a.hub)
	s.Team = team.NewService(a.db)
	if s.Media, err = NewMedia(a.cfg, a.db, a.log); err != nil {
		return err
	}
	s.Health.WatchMedia(s.Media.Look)
	s.Links = link.NewService(a.db, a.signer)
	s.Templates = template.NewService(template.Dependencies{
		DB: a.db, Jobs: enqueuer, Content: client, Library: client, Live: live, Files: media.Problem, Lost: s.Media.Lost, PublicURL: account.PublicURL,
		LinkURL: a.cfg.LinkURL(account.PublicURL), Samples: s.Links.Samples, Log: a.log,
		Hold: func(ctx context.Context, tx bun.Tx, versionID int64, reason string) (func(), error) {
			return s.Campaigns.HoldTemplate(ctx, tx, versionID, reason)
		},
	})
	s.DoubleOptIns = doubleoptin.NewService(doubleoptin.Dependencies{
		DB: a.db, Hub: a.hub, Jobs: enqueuer, Consents: s.Consents, Windows: conversation.OpenWindows, Log: a.log,
		Held: func(ctx context.Context) (bool, error) { return s.Hold.Held(ctx) },
		QuietHours: func(ctx context.Context) (*hours.QuietHours, error) {
			d, err := s.Campaigns.Defaults(ctx)
			return d.QuietHours, err
		},
	})
	s.Imports = importer.NewService(importer.Dependencies{
		DB: a.db, Hub: a.hub, Jobs: enqueuer, Consents: s.Consents, DoubleOptIns: s.DoubleOptIns, Topics: s.Topics, Log: a.log, Now: now, Owner: a.owner,
		Words: importer.LogWords{Status: twilio.Status, Code: twilio.Code},
	})
	s.Exports = export.NewService(a.db, s.Topics, twilio.Code)
	s.Prices = price.NewService(a.db)
	s.Portfolio = portfolio.NewService(a.db)
	s.Merges = merge.NewService(a.db, a.hub, s.Consents, s.Topics)
	erasures := erasure.NewService(a.db, s.Consents, s.Topics)
	s.Retention = retention.NewService(a.db)
	redactor := erasure.NewRedactor(erasure.RedactorOptions{
		DB: a.db, Provider: client, Account: account.AccountSID, Held: func(ctx context.Context) (bool, error) { return s.Hold.Held(ctx) },
	})
	s.Bulk = bulk.NewService(bulk.Dependencies{
		DB: a.db, Hub: a.hub, Jobs: enqueuer, Consents: s.Consents, Segments: s.Segments, Topics: s.Topics,
		Erasures: erasures, Exports: s.Exports, Now: now, Owner: a.owner,
	})
	s.Conversations = conversation.NewService(conversation.Dependencies{
		DB: a.db, Hub: a.hub, Jobs: enqueuer, Consents: s.Consents, Topics: s.Topics, Now: now,
	})
	s.OptOuts = optout.NewService(a.db, a.hub, s.Consents, now)
	s.Campaigns = campaign.NewService(campaign.Dependencies{
		DB: a.db, Hub: a.hub, Jobs: enqueuer, Segments: s.Segments, Templates: s.Templates, Senders: s.Senders,
		Topics: s.Topics, Prices: s.Prices, Links: s.Links, Portfolio: s.Portfolio, Now: now,
	})
	s.Suppressions = suppression.NewService(a.db, a.hub, s.Consents, now)
	s.SendChecks = sendcheck.NewService(a.db, s.Consents, s.Campaigns, s.Portfolio, now)
	s.Hold = hold.New(hold.Options{
		DB: a.db, Keys: addresses, Campaigns: s.Campaigns, Provider: client, Log: a.log,
		Validity: timing.validity, LogLag: timing.logLag, Skew: timing.skew,
	})
	s.Unknowns = reconcile.NewService(a.db, a.hub, enqueuer)
	breaker := dispatch.NewBreaker(a.db, s.Campaigns, s.Senders, a.log)
	s.Webhooks = webhookevent.NewApplier(webhookevent.Options{
		DB: a.db, Hub: a.hub, Jobs: enqueuer, Reader: twilio.Reader{}, Words: s.Consents.Words, Receive: s.Conversations.Receive,
		Provider: a.speaksWith(),
		Merges:   s.Merges, Receipts: message.NewReceipts(s.Consents, s.Prices), Breaker: breaker, Log: a.log,
	})
	of := demo.Dependencies{
		DB: a.db, Hub: a.hub, Consents: s.Consents, Segments: s.Segments, Topics: s.Topics, Templates: s.Templates,
		Links: s.Links, Erasures: erasures, Jobs: enqueuer, Owner: a.owner, Now: now,
	}
	if a.Sandbox != nil {
		of.Recall = a.Sandbox.Recall
	}
	demos := demo.NewService(of)
	if a.Sandbox != nil {
		s.Demo = demos
		if err := a.recall(ctx); err != nil {
			return err
		}
	}
	s.GoLive = a.newGoLive(signers, golive.Options{
		Consents: s.Consents, Conversations: s.Conversations, Messages: s.Messages,
	})
	s.SetupToken = a.setupToken()
	s.Doctor = newDoctor(a.cfg, a.db, "", account, signers, a.log)
	if p := a.cfg.OIDC; p.Enabled() {
		s.SignInProvider = &graph.SignInProvider{Name: p.Label(), URL: oidc.StartPath, Only: p.Only}
	}
	a.Services = s
	if a.roles.Work {
		a.work = &worker.Services{
			Campaigns: s.Campaigns, Contacts: s.Contacts, Conversations: s.Conversations,
			Preparer: campaign.NewPreparer(campaign.PreparerOptions{
				DB: a.db, Hub: a.hub, Jobs: enqueuer, Service: s.Campaigns, Templates: s.Templates, Owner: a.owner,
				Registry: a.registry,
			}),
			Dispatcher: dispatch.New(dispatch.Options{
				DB: a.db, Hub: a.hub, Jobs: enqueuer, Campaigns: s.Campaigns, Consents: s.Consents, Templates: s.Templates,
				Senders: s.Senders, Topics: s.Topics, Prices: s.Prices, Links: s.Links, Hold: s.Hold, Portfolio: s.Portfolio,
				Breaker: breaker, Provider: client, Live: live, Log: a.log, Registry: a.registry, Validity: timing.validity,
			}),
			Reconciler: reconcile.New(reconcile.Options{
				DB: a.db, Hub: a.hub, Jobs: enqueuer, Templates: s.Templates, Provider: client, Live: live, Log: a.log, Registry: a.registry,
				Owner:    a.owner,
				Validity: timing.validity, LogLag: timing.logLag, DecideAfter: timing.decideAfter,
			}),
			CatchUp: reconcile.NewCatchUp(reconcile.CatchUpOptions{
				DB: a.db, Provider: client, Live: live, Write: s.Webhooks.RecordOne,
				Params: twilio.Reader{}.Params, Log: a.log, Registry: a.registry, Ages: timing.ages,
				InboundEvery: timing.inboundEvery,
			}),
			Hold: s.Hold, Imports: s.Imports, Bulk: s.Bulk, Demo: demos, Erasures: erasures, Redactor: redactor, Retention: s.Retention, DoubleOptIns: s.DoubleOptIns, Templates: s.Templates, Webhooks: s.Webhooks, Trail: s.Trail,
			Accounts: s.Auth, Portfolio: s.Portfolio, Media: s.Media,
			ReadPortfolio: func(ctx context.Context) error {
				if !live {
					return nil
				}
				told, err := s.GoLive.MessagingLimits(ctx)
				if err != nil {
					return err
				}
				return s.Portfolio.Tell(ctx, told)
			},
			ClearSandbox: func(ctx context.Context, n int) (int, error) { return golive.Clear(ctx, a.db, n) },
		}
	}
	if a.river, err = worker.NewClient(a.db, a.log, a.work, a.owner); err != nil {
		return err
	}
	enqueuer.Client = a.river
	if err := a.firstRun(ctx, firstSender, rate); err != nil {
		return err
	}
	if a.cfg.MetricsAddr != "" {
		if a.probe.listener, err = net.Listen("tcp", a.cfg.MetricsAddr); err != nil {
			return fmt.Errorf("METRICS_ADDR=%s: %w", a.cfg.MetricsAddr, err)
		}
		a.MetricsURL = "http://" + reachable(a.probe.listener.Addr())
		a.probe.server = a.newServer(web.NewProbe(a.ready, a.registry))
	}
	if !a.roles.Serve {
		return nil
	}
	if err := a.openWriter(now); err != nil {
		return err
	}
	return a.buildServer(signers, now)
}

// signersOf are the tokens with which Twilio may sign.
func signersOf(cfg config.Config) []twilio.Account {
	return []twilio.Account{
		{SID: cfg.Twilio.AccountSID, AuthToken: string(cfg.Twilio.AuthToken)},
		{SID: cfg.Twilio.AccountSID, AuthToken: string(cfg.Twilio.AuthTokenSecondary), Until: cfg.Twilio.SecondaryUntil},
	}
}

// sandboxAccount is the account that the sandbox plays.
func sandboxAccount(cfg config.Config) (token string, signers []twilio.Account, err error) {
	if token, err = sandbox.Token(cfg.DataDir); err != nil {
		return "", nil, fmt.Errorf("DATA_DIR: the sandbox's token cannot be made or read: %w", err)
	}
	return token, []twilio.Account{{SID: sandbox.AccountSID, AuthToken: token}}, nil
}

// postOf is how emails are sent, nil when they are not.
func postOf(cfg config.Config) (func(ctx context.Context, to, subject, text string) error, error) {
	if cfg.SMTPURL == "" {
		return nil, nil //nolint:nilnil // without a server there is nothing that sends
	}
	sender, err := mail.New(string(cfg.SMTPURL), cfg.MailFrom)
	if err != nil {
		return nil, fmt.Errorf("SMTP_URL, MAIL_FROM: %w", err)
	}
	return sender.Send, nil
}

// openWriter makes what keeps webhooks, with its spool if there is to be one.
func (a *App) openWriter(now func() time.Time) (err error) {
	var kept *webhookevent.Spool
	if dir := a.cfg.SpoolDir(); dir != "" {
		if kept, err = webhookevent.OpenSpool(dir, spool.Limit, a.log); err != nil {
			return fmt.Errorf("WEBHOOK_SPOOL=%s: %w", dir, err)
		}
		a.Services.Health.WatchSpool(kept.State)
	}
	a.writer = webhookevent.NewWriter(webhookevent.WriterOptions{
		DB: a.db, Applier: a.Services.Webhooks, Reader: twilio.Reader{}, Spool: kept, Words: a.Services.Consents.Words,
		Provider: a.speaksWith(), Log: a.log, Now: now,
	})
	a.writer.Register(a.registry)
	return nil
}

// openLinks makes what leads from short links to their addresses, and counts who opened them. Clicks that Postgres does not
// take wait beside its webhooks.
func (a *App) openLinks(now func() time.Time) (*link.Redirects, error) {
	var waiting *spool.Spool
	if dir := a.cfg.SpoolDir(); dir != "" {
		var err error
		if waiting, err = spool.Open(filepath.Join(dir, "clicks"), "clicks", spool.Limit, a.log); err != nil {
			return nil, fmt.Errorf("WEBHOOK_SPOOL=%s: %w", dir, err)
		}
	}
	a.links = link.NewBook(a.db, a.log)
	a.clicks = link.NewCounter(link.CounterOptions{DB: a.db, Hub: a.hub, Spool: waiting, Log: a.log})
	a.clicks.Register(a.registry)
	redirects := link.NewRedirects(a.db, a.signer, a.links, a.clicks, now)
	redirects.Register(a.registry)
	return redirects, nil
}

// sandboxPeer tells a worker on the same machine where the server's sandbox is.
type sandboxPeer struct{ URL, PublicURL string }

// inboundRetries asks Twilio to repeat an inbound webhook that we could not take;
// by default it does so once, and only after a failure to connect. It stands in the
// fragment of the URL, which is not signed
// (twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
const inboundRetries = "#rc=5&rp=all&ct=2000&rt=3000&tt=15000"

// sandbox starts the one that plays Twilio. It lives with the server; a process
// that only works jobs finds it through their common DATA_DIR.
func (a *App) sandbox() (peer sandboxPeer, err error) {
	note := filepath.Join(a.cfg.DataDir, "sandbox.url")
	raw, err := os.ReadFile(note)
	if err == nil {
		err = json.Unmarshal(raw, &peer)
	}
	if !a.roles.Serve {
		if err != nil {
			return peer, fmt.Errorf("no sandbox in DATA_DIR=%s: start serve there first, or set Twilio's credentials",
				a.cfg.DataDir)
		}
		return peer, nil
	}
	// Where it was before, if it can: workers on this machine know that address.
	opts := sandbox.Options{DataDir: a.cfg.DataDir, InboundURL: a.publicURL() + "/webhooks/twilio/inbound" +
		inboundRetries, Addr: strings.TrimPrefix(peer.URL, "http://"), OwnURL: a.URL, Log: a.log}
	if a.Sandbox, err = sandbox.Start(opts); err != nil {
		return peer, err
	}
	peer = sandboxPeer{URL: a.Sandbox.URL(), PublicURL: a.publicURL()}
	if raw, err = json.Marshal(peer); err != nil {
		return peer, err
	}
	return peer, os.WriteFile(note, raw, 0o600)
}

// reachable is an address that this machine can open: a server that listens on
// every interface is on this one too.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}

// firstRun makes what the environment names: the first admin and sender.
func (a *App) firstRun(ctx context.Context, firstSender string, rate float64) error {
	ctx = actor.With(ctx, actor.System)
	if firstSender != "" {
		if err := a.Services.Senders.Ensure(ctx, firstSender, "WhatsApp "+contact.Spaced(firstSender), rate); err != nil {
			return fmt.Errorf("TWILIO_PHONE_NUMBER: %w", err)
		}
	}
	if a.cfg.AdminEmail == "" {
		return nil
	}
	needed, err := a.Services.Auth.SetupNeeded(ctx)
	if err != nil || !needed {
		return err
	}
	if _, err := a.Services.Auth.CreateFirstAdmin(ctx, auth.NewOperator{
		Email: a.cfg.AdminEmail, Name: "Admin",
		Password: string(a.cfg.AdminPassword),
	}); err != nil {
		return fmt.Errorf("ADMIN_EMAIL, ADMIN_PASSWORD: %w", err)
	}
	return nil
}

func (a *App) setupToken() string {
	sum := sha256.Sum256([]byte(a.keys.Sign("setup", "first admin")))
	return hex.EncodeToString(sum[:])[:20]
}

func (a *App) buildServer(signers []twilio.Account, now func() time.Time) error {
	documents, err := graph.NewTrustedDocuments(frontend.Documents(), a.cfg.TrustedDocumentsOnly)
	if err != nil {
		return err
	}
	if a.ui, err = riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(a.river, nil), Logger: slog.New(slog.DiscardHandler), Prefix: "/admin/jobs",
		JobListHideArgsByDefault: true,
	}); err != nil {
		return fmt.Errorf("start the job pages: %w", err)
	}
	a.registry.MustRegister(&collector{source: a.Services.Health, db: a.db, log: a.log})
	hooks := webhook.New(webhook.Options{
		Writer: a.writer, Accounts: signers, PublicURL: a.publicURL, Log: a.log, Registry: a.registry,
	})
	https := strings.HasPrefix(a.cfg.PublicURL, "https://")
	schema := ""
	if a.cfg.Introspection {
		schema = graph.SDL()
	}
	links, err := a.openLinks(now)
	if err != nil {
		return err
	}
	proofs := proof.NewService(a.db, a.Services.Trail, a.Services.Explanations, a.Services.Now)
	router := web.NewRouter(web.Routes{
		GraphQL: graph.NewHandler(a.Services, graph.Options{Documents: documents, Introspection: a.cfg.Introspection}),
		Schema:  schema, Authorize: func(next http.Handler) http.Handler {
			cookie := guard.SessionCookie{Name: graph.SessionCookie, HTTPS: https}
			return inPool(db.PoolInteractive, graph.Authenticate(a.Services.Auth, cookie, next))
		},
		Inbound: hooks.Inbound, Status: hooks.Status, Check: hooks.Check, Jobs: a.ui, SPA: web.NewSPA(frontend.Dist()),
		Playground: a.cfg.Playground,
		Ready:      a.ready, Registry: a.registry, HTTPS: https, Proxies: a.cfg.TrustedProxies,
		Hosts: guard.NewHosts(a.cfg.PublicURL, a.cfg.ListenAddr, a.listener.Addr(), a.cfg.AllowedHosts), Log: a.log,
		Provider:     a.signInProvider(https, now),
		ContactProof: a.downloadProof("Contact", proofs.OfContact), MessageProof: a.downloadProof("Message", proofs.OfMessage),
		ContactData: a.downloadData(disclosure.NewService(a.db, a.Services.Consents, a.Services.Now)),
		MessageFile: a.downloadMessageFile(a.openFile),
		Media:       a.Services.Media,
		Links:       links,
		Rejects:     a.downloadRejects, Export: a.downloadContacts, Messages: a.downloadMessages, Suppressions: a.downloadSuppressions,
	})
	a.server = a.newServer(router)
	return nil
}

// signInProvider is where operators sign in by OpenID Connect, nil without.
func (a *App) signInProvider(https bool, now func() time.Time) *web.SignIn {
	if !a.cfg.OIDC.Enabled() {
		return nil
	}
	p := oidc.New(oidc.Options{
		Config: a.cfg.OIDC, Auth: a.Services.Auth, PagesURL: a.pagesURL, HTTPS: https, Now: now, Log: a.log,
		Keep: graph.KeepSession, ClientOf: graph.ClientOf,
	})
	return &web.SignIn{
		StartPath: oidc.StartPath, CallbackPath: oidc.CallbackPath, Start: p.Start, Callback: p.Callback,
	}
}

// pagesURL is where people open the pages.
func (a *App) pagesURL() string { return config.PagesURL(a.publicURL()) }

// ready asks Postgres on a connection that nobody else takes.
func (a *App) ready(ctx context.Context) error {
	return a.db.PingContext(db.WithPool(ctx, db.PoolEdge))
}

// inPool answers requests with the connections of a pool.
func inPool(name db.Pool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(db.WithPool(r.Context(), name)))
	})
}

func (a *App) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// socketsUntil ends sockets when ctx does: unlike other requests they have no end of their own, and a server that
// stops does not wait for them.
func socketsUntil(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			until, end := context.WithCancel(r.Context())
			defer end()
			defer context.AfterFunc(ctx, end)()
			r = r.WithContext(until)
		}
		next.ServeHTTP(w, r)
	})
}

// Run serves and works until ctx ends, then stops cleanly: no new work, batches
// under way are finished, answers are given.
func (a *App) Run(ctx context.Context) error {
	a.started = true
	ctx, end := context.WithCancel(ctx) // also when a part fails
	defer end()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var loops sync.WaitGroup
	loops.Go(func() { a.hub.Run(background) })
	if a.roles.Serve {
		loops.Go(func() { a.Services.Auth.Run(background) })
	}
	if a.writer != nil {
		loops.Go(func() { a.writer.Run(db.WithPool(background, db.PoolEdge)) })
		loops.Go(func() { a.Services.Webhooks.Run(background) })
	}
	if a.clicks != nil {
		loops.Go(func() { a.links.Run(db.WithPool(background, db.PoolEdge)) })
		loops.Go(func() { a.clicks.Run(db.WithPool(background, db.PoolEdge)) })
	}
	failed := make(chan error, 4)
	loops.Go(func() {
		if err := a.watchProvider(ctx); err != nil {
			failed <- err
		}
	})
	if a.server != nil {
		a.server.BaseContext = func(net.Listener) context.Context { return background } // what is asked already is answered
		a.server.Handler = socketsUntil(ctx, a.server.Handler)
		loops.Go(func() {
			if err := a.server.Serve(a.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve: %w", err)
			}
		})
	}
	if a.probe.server != nil {
		loops.Go(func() {
			if err := a.probe.server.Serve(a.probe.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve the metrics: %w", err)
			}
		})
	}
	if a.ui != nil {
		if err := a.ui.Start(background); err != nil {
			return fmt.Errorf("start the job pages: %w", err)
		}
	}
	if a.work != nil {
		if err := a.river.Start(background); err != nil {
			return fmt.Errorf("start the workers: %w", err)
		}
		loops.Go(func() {
			m := worker.Maintenance{DB: a.db, Owner: a.owner, Tasks: worker.Tasks(a.work), Registry: a.registry, Log: a.log}
			if err := m.Run(ctx); err != nil {
				failed <- fmt.Errorf("start the maintenance: %w", err)
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		end()
	}
	a.shutdown()
	stop()
	loops.Wait()
	return err
}

func (a *App) shutdown() {
	limit, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if a.work != nil {
		if err := a.river.Stop(limit); err != nil {
			a.log.Warn("workers did not stop in time", "error", err)
		}
	}
	if a.Sandbox != nil {
		a.Sandbox.Close() // before the server, so that it loses no callback
	}
	for _, server := range []*http.Server{a.server, a.probe.server} {
		if server == nil {
			continue
		}
		if err := server.Shutdown(limit); err != nil {
			a.log.Warn("server did not stop in time", "error", err)
		}
	}
}

// Close gives back what New took. After Run has ended nothing is lost.
func (a *App) Close() {
	if a.Sandbox != nil && !a.started {
		a.Sandbox.Close()
	}
	for _, l := range []net.Listener{a.listener, a.probe.listener} {
		if l != nil && !a.started {
			_ = l.Close()
		}
	}
	if a.db != nil {
		a.db.Close()
	}
	if a.postgres != nil {
		if err := a.postgres.Stop(); err != nil {
			a.log.Warn("private Postgres", "error", err)
		}
	}
}

// Open is the address for people. Where nobody can sign in yet, it takes the token that allows to create the first
// admin along, in the fragment, which browsers send to no server. On this machine it says localhost: passkeys need a
// name.
func (a *App) Open(ctx context.Context) (address, hint string) {
	address = a.URL
	tcp, ok := a.listener.Addr().(*net.TCPAddr)
	switch {
	case ok && tcp.IP.IsUnspecified() && a.cfg.PublicURL != "":
		address = a.publicURL()
	case ok && (tcp.IP.IsUnspecified() || tcp.IP.Equal(net.IPv4(127, 0, 0, 1)) || tcp.IP.Equal(net.IPv6loopback)):
		address = fmt.Sprintf("http://localhost:%d", tcp.Port)
	}
	needed, err := a.Services.Auth.SetupNeeded(ctx)
	if err != nil || !needed {
		return address, "sign in with your email address and password"
	}
	return address + "/#setup=" + a.Services.SetupToken, "this link creates the admin; keep it to yourself"
}

// Provider tells where messages go.
func (a *App) Provider() string { return a.Services.Provider.String() }

// DB is the database, for the command line and tests.
func (a *App) DB() *db.DB { return a.db }
