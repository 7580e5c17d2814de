// Package doctor looks at an installation as somebody who runs it would: what is
// configured, whether Twilio reaches us and we reach Twilio, whether clocks, disks,
// Postgres and backups are as they must be. Each finding says what was found and how
// to put it right. Secrets are never in it. Nothing is changed.
package doctor

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/say"
	"eventstream/server/twilio"
)

// State is what a check came to.
type State string

// The states.
const (
	OK            State = "ok"
	Warning       State = "warning"
	Failed        State = "failed"
	NotApplicable State = "not_applicable"
)

// Finding is what a check found.
type Finding struct {
	Check  string   `json:"check"` // such as public_url
	Title  say.Text `json:"title"`
	State  State    `json:"state"`
	Found  say.Text `json:"found"`
	Advice say.Text `json:"advice,omitzero"` // how to put it right; empty where nothing is wrong
	// Unknown: whoever was asked gave no answer that tells whether it is right.
	Unknown bool `json:"-"`
}

// advise is for advice with something filled in.
func advise(f Finding, format say.Format, args ...any) Finding {
	f.Advice = say.New(format, args...)
	return f
}

func unknown(f Finding) Finding { f.Unknown = true; return f }

func ok(format say.Format, args ...any) Finding {
	return Finding{State: OK, Found: say.New(format, args...)}
}

func none(found say.Format) Finding { return Finding{State: NotApplicable, Found: say.New(found)} }

func warn(advice, format say.Format, args ...any) Finding {
	return Finding{State: Warning, Found: say.New(format, args...), Advice: say.New(advice)}
}

func fail(advice, format say.Format, args ...any) Finding {
	return Finding{State: Failed, Found: say.New(format, args...), Advice: say.New(advice)}
}

// Twilio is how the account is asked.
type Twilio struct {
	AccountSID, AuthToken, APIKey, APISecret string
	BaseURL                                  string // "": Twilio's own hosts
	Sandbox                                  bool
}

// Options are what the checks need.
type Options struct {
	Config    config.Config
	DB        *db.DB
	Now       func() time.Time
	PublicURL string // what Twilio calls; "": not known, because the port is not
	Twilio    Twilio
	Signers   []twilio.Account
	Numbers   func(context.Context) ([]string, error) // of the senders that are in use
	SMTP      func(context.Context) error             // nil: no emails are sent
	Provider  func(context.Context) error             // nil: operators sign in here alone
	Media     func(context.Context) (string, error)   // tries the bucket of the media library; "": there is none
	// Connections is how many one process takes.
	Connections int
	// DBError says why there is no DB; "" where there is one.
	DBError string
	// Limit is for each check; 0: 10 s.
	Limit time.Duration
}

const usualLimit = 10 * time.Second

// Doctor looks.
type Doctor struct {
	o      Options
	client *http.Client
	ask    func(context.Context) answer // Twilio, once for all who need to know

	running sync.Mutex
}

// New makes one.
func New(o Options) *Doctor {
	if o.Limit == 0 {
		o.Limit = usualLimit
	}
	d := &Doctor{o: o, client: &http.Client{
		Timeout:       o.Limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Twilio follows none either
	}}
	return d
}

type check struct {
	name  string
	title say.Format
	look  func(*Doctor, context.Context) Finding
	db    bool // needs the database
}

// checks are all there are, in the order in which people read them.
var checks = []check{
	{"configuration", "Configuration", (*Doctor).configuration, false},
	{"secrets", "Strength of secrets", (*Doctor).secrets, false},
	{"secret_files", "Secret files", (*Doctor).secretFiles, false},
	{"public_url", "Address for Twilio", (*Doctor).publicURL, false},
	{"proxies", "Reverse proxies", (*Doctor).proxies, false},
	{"exposure", "Playground and introspection", (*Doctor).exposure, false},
	{"metrics", "Address of the metrics", (*Doctor).metrics, false},
	{"twilio", "Twilio’s credentials", (*Doctor).credentials, false},
	{"senders", "Senders’ webhooks", (*Doctor).senders, true},
	{"clock_twilio", "Clock against Twilio", (*Doctor).clockTwilio, false},
	{"clock_postgres", "Clock against Postgres", (*Doctor).clockPostgres, true},
	{"postgres_version", "Version of Postgres", (*Doctor).postgresVersion, true},
	{"migrations", "Migrations", (*Doctor).migrations, true},
	{"postgres_durability", "Durability of Postgres", (*Doctor).durability, true},
	{"postgres_log", "Log of Postgres", (*Doctor).postgresLog, true},
	{"postgres_connections", "Connections of Postgres", (*Doctor).connections, true},
	{"disk", "Space on disk", (*Doctor).disk, false},
	{"spool", "Webhooks kept on disk", (*Doctor).spool, false},
	{"backup", "Backups", (*Doctor).backup, true},
	{"media", "Bucket of the media library", (*Doctor).media, true},
	{"smtp", "Mail server", (*Doctor).smtp, false},
	{"provider", "Sign-in provider", (*Doctor).provider, false},
}

// Examine does all checks at once and gives a finding for each, in their order. It
// takes no longer than the limit of one: a check that hangs has failed.
func (d *Doctor) Examine(ctx context.Context) []Finding {
	d.running.Lock() // one examination at a time: its questions leave this machine
	defer d.running.Unlock()
	ctx, cancel := context.WithTimeout(ctx, d.o.Limit)
	defer cancel()
	d.ask = onceFor(d.askTwilio)
	findings := make([]Finding, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			f := bounded(ctx, func() Finding {
				if c.db && d.o.DB == nil {
					return fail(noDatabase, "The database cannot be opened: %s", d.o.DBError)
				}
				return c.look(d, ctx)
			})
			f.Check, f.Title = c.name, say.New(c.title)
			findings[i] = f
		})
	}
	all.Wait()
	return findings
}

// Look does one check, by its name.
func (d *Doctor) Look(ctx context.Context, name string) Finding {
	at := slices.IndexFunc(checks, func(c check) bool { return c.name == name })
	d.running.Lock()
	defer d.running.Unlock()
	ctx, cancel := context.WithTimeout(ctx, d.o.Limit)
	defer cancel()
	d.ask = onceFor(d.askTwilio)
	f := bounded(ctx, func() Finding { return checks[at].look(d, ctx) })
	f.Check, f.Title = checks[at].name, say.New(checks[at].title)
	return f
}

// bounded gives what look finds, or that it did not find it in time.
func bounded(ctx context.Context, look func() Finding) Finding {
	done := make(chan Finding, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fail("This is a fault of the engine: report it.", "The check itself failed.")
			}
		}()
		done <- look()
	}()
	select {
	case f := <-done:
		return f
	case <-ctx.Done():
		select {
		case f := <-done:
			return f
		default:
			return unknown(fail("Look why it hangs: a network that drops packets, or a server that is overloaded.",
				"There was no answer in time."))
		}
	}
}

// onceFor asks once for all who ask at the same time.
func onceFor(ask func(context.Context) answer) func(context.Context) answer {
	var once sync.Once
	var a answer
	return func(ctx context.Context) answer {
		once.Do(func() { a = ask(ctx) })
		return a
	}
}

// Worst is the state of the worst finding.
func Worst(findings []Finding) State {
	for _, state := range []State{Failed, Warning} {
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.State == state }) {
			return state
		}
	}
	return OK
}
