// Package config reads the environment (and .env), checks it at start and
// never prints a secret.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"eventstream/server/actor"
	"eventstream/server/guard"
	"eventstream/server/secret"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
)

// Secret prints as "***".
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// LogValue keeps it out of slog too.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps it out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config is everything that can be set from outside. docs/operations.md has
// the table for people.
type Config struct {
	DatabaseURL Secret `env:"DATABASE_URL"` // unset: a private Postgres in DataDir
	// MigrateDatabaseURL is the same database as the owner of the tables; unset: DatabaseURL's role owns them.
	MigrateDatabaseURL Secret `env:"MIGRATE_DATABASE_URL"`

	ListenAddr    string `env:"LISTEN_ADDR" envDefault:"127.0.0.1:8080"` // host:port; port 0 picks one
	PublicURL     string `env:"PUBLIC_URL"`                              // what Twilio calls and signs; unset: http://<ListenAddr>
	LinkDomain    string `env:"LINK_DOMAIN"`                             // the host of short links; unset: PUBLIC_URL
	DataDir       string `env:"DATA_DIR" envDefault:".data"`
	AdminEmail    string `env:"ADMIN_EMAIL"`
	AdminPassword Secret `env:"ADMIN_PASSWORD"`

	TrustedProxies guard.Proxies      `env:"TRUSTED_PROXIES"` // whose X-Forwarded-For and Forwarded count
	AllowedHosts   guard.AllowedHosts `env:"ALLOWED_HOSTS"`   // further names, beside PUBLIC_URL's and the listener's

	// Emails to operators; both unset: admins hand links over.
	SMTPURL  Secret `env:"SMTP_URL"`  // smtp://user:password@host:587 or smtps://user:password@host:465
	MailFrom string `env:"MAIL_FROM"` // the address they come from

	OIDC OIDC

	Twilio Twilio

	Checkpoints Checkpoints

	Media Media

	SecretKey            Secret `env:"SECRET_KEY"`          // 32 bytes or more; unset: made once and kept in DataDir
	SecretKeyPrevious    Secret `env:"SECRET_KEY_PREVIOUS"` // further ones that are still read, separated by commas
	LogLevel             string `env:"LOG_LEVEL" envDefault:"info"`
	LogFormat            string `env:"LOG_FORMAT" envDefault:"text"`
	Playground           bool   `env:"PLAYGROUND"` // unset: only where nobody but this machine reaches the server
	Introspection        bool   `env:"INTROSPECTION" envDefault:"true"`
	TrustedDocumentsOnly bool   `env:"TRUSTED_DOCUMENTS_ONLY" envDefault:"false"`

	// MessageValidity is how long Twilio may keep a message queued before it fails it
	// (ValidityPeriod); 0: 4 h with Twilio, seconds with the sandbox. A call without
	// answer is made again by itself only after it.
	MessageValidity time.Duration `env:"MESSAGE_VALIDITY"`

	WebhookSpool string `env:"WEBHOOK_SPOOL"` // a directory; unset: DataDir/spool beside a private Postgres; "off": none

	MetricsAddr string        `env:"METRICS_ADDR"` // where /metrics, /healthz and /readyz are answered; unset: no metrics
	ClockOffset time.Duration `env:"CLOCK_OFFSET"` // makes this process' clock wrong, for tests

	keys    *secret.Keys
	keyFile string // where SECRET_KEY is kept, "" when it was set from outside
}

// OIDC is where operators sign in by OpenID Connect; Issuer unset: nowhere.
type OIDC struct {
	Issuer       string   `env:"OIDC_ISSUER"`
	ClientID     string   `env:"OIDC_CLIENT_ID"`
	ClientSecret Secret   `env:"OIDC_CLIENT_SECRET"`
	Name         string   `env:"OIDC_NAME"` // on the button; unset: the issuer's host
	Scopes       []string `env:"OIDC_SCOPES" envSeparator:" " envDefault:"openid email profile"`
	RoleClaim    string   `env:"OIDC_ROLE_CLAIM" envDefault:"groups"` // dots lead into objects
	Roles        Roles    `env:"OIDC_ROLES"`                          // group=ROLE,…; without a role nobody comes in
	Only         bool     `env:"OIDC_ONLY"`                           // no sign-in by password or passkey
}

// Enabled reports whether there is a provider.
func (o OIDC) Enabled() bool { return o.Issuer != "" }

// Label is what people call the provider.
func (o OIDC) Label() string {
	if o.Name != "" {
		return o.Name
	}
	u, err := url.Parse(o.Issuer)
	if err != nil {
		return o.Issuer
	}
	return u.Host
}

// Roles are what a provider's groups may do here.
type Roles map[string]actor.Role

// UnmarshalText reads "admins=ADMIN,marketing=MARKETER"; where there is a semicolon,
// it separates instead of the comma, since names of directories hold commas.
func (r *Roles) UnmarshalText(text []byte) error {
	separator := ","
	if strings.Contains(string(text), ";") {
		separator = ";"
	}
	*r = Roles{}
	for _, pair := range strings.Split(string(text), separator) {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		at := strings.LastIndexByte(pair, '=')
		role := actor.Role(strings.ToLower(strings.TrimSpace(pair[at+1:])))
		if at <= 0 || !role.Valid() {
			return fmt.Errorf("OIDC_ROLES: %q is not group=ROLE with ADMIN, MARKETER or VIEWER", pair)
		}
		(*r)[strings.TrimSpace(pair[:at])] = role
	}
	return nil
}

func (o OIDC) validate() (errs []error) {
	if o.Issuer == "" {
		for name, set := range map[string]bool{
			"OIDC_CLIENT_ID": o.ClientID != "", "OIDC_CLIENT_SECRET": o.ClientSecret != "", "OIDC_ROLES": len(o.Roles) > 0,
			"OIDC_ONLY": o.Only,
		} {
			if set {
				errs = append(errs, fmt.Errorf("%s is set but OIDC_ISSUER is not", name))
			}
		}
		return errs
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !guard.Loopback(u.Host)) {
		errs = append(errs, fmt.Errorf("OIDC_ISSUER=%q: want the provider's https URL, without user, query or fragment", o.Issuer))
	}
	if o.ClientID == "" || o.ClientSecret == "" {
		errs = append(errs, errors.New("OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: set both, as the provider gives them"))
	}
	if len(o.Roles) == 0 {
		errs = append(errs, errors.New("OIDC_ROLES is not set: nobody could come in; give group=ROLE pairs, such as admins=ADMIN"))
	}
	if o.RoleClaim == "" {
		errs = append(errs, errors.New("OIDC_ROLE_CLAIM is empty: name the claim that holds the groups"))
	}
	if !slices.Contains(o.Scopes, "openid") {
		errs = append(errs, fmt.Errorf("OIDC_SCOPES=%q: openid has to be among them", strings.Join(o.Scopes, " ")))
	}
	return errs
}

// Twilio is the account that sends. All unset: the sandbox.
type Twilio struct {
	AccountSID         string `env:"TWILIO_ACCOUNT_SID"`
	AuthToken          Secret `env:"TWILIO_AUTH_TOKEN"`
	AuthTokenSecondary Secret `env:"TWILIO_AUTH_TOKEN_SECONDARY"` // also accepted on webhooks, during rotation
	APIKey             string `env:"TWILIO_API_KEY"`
	APISecret          Secret `env:"TWILIO_API_SECRET"`
	PhoneNumber        string `env:"TWILIO_PHONE_NUMBER"`
	// SecondaryUntil is until when the secondary token counts, of credentials that an admin entered; zero: for good.
	SecondaryUntil time.Time `env:"-"`

	APIBaseURL string `env:"TWILIO_API_BASE_URL"` // also for credentials that an admin enters; unset: Twilio's own hosts
}

// Live reports whether messages go to Twilio rather than to the sandbox.
func (t Twilio) Live() bool { return t.AccountSID != "" }

// Loopback reports whether only this machine can reach the server.
func (c Config) Loopback() bool {
	host, _, _ := net.SplitHostPort(c.ListenAddr)
	return guard.Loopback(host)
}

// BaseURL is PUBLIC_URL, else the address at which this machine reaches what listens
// at LISTEN_ADDR; "" where that takes any free port.
func (c Config) BaseURL() string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(c.ListenAddr)
	if err != nil || port == "0" {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// PagesURL is an address of the engine as people open its pages. On this machine it
// says localhost: passkeys need a name, and cookies belong to one.
func PagesURL(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() {
		if port := u.Port(); port == "" {
			u.Host = "localhost"
		} else {
			u.Host = net.JoinHostPort("localhost", port)
		}
	}
	return u.String()
}

// Load reads .env (if there is one; the environment wins) and the environment.
// It names every wrong value at once.
func Load() (Config, error) {
	return load(func(environment map[string]string) {})
}

// apart are the variables that an installation beside another one has in common with it. All else belongs to one database, account
// or address.
var apart = []string{"LOG_LEVEL", "LOG_FORMAT"}

// LoadApart reads the configuration of an installation beside the one that the environment describes: it has a directory below
// that one's, listens at this address, and speaks with the sandbox.
func LoadApart(listen string) (Config, error) {
	return load(func(environment map[string]string) {
		dir := cmp.Or(environment["DATA_DIR"], ".data")
		maps.DeleteFunc(environment, func(name, _ string) bool { return !slices.Contains(apart, name) })
		environment["DATA_DIR"], environment["LISTEN_ADDR"] = filepath.Join(dir, "try"), listen
	})
}

func load(change func(environment map[string]string)) (Config, error) {
	if err := godotenv.Load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Config{}, fmt.Errorf("read .env: %w", err)
	}
	environment := env.ToMap(os.Environ())
	change(environment)
	c, err := env.ParseAsWithOptions[Config](env.Options{Environment: environment})
	if err != nil {
		return Config{}, fmt.Errorf("environment: %w", err)
	}
	if _, said := environment["PLAYGROUND"]; !said {
		c.Playground = c.Loopback() && c.PublicURL == ""
	}
	return c, c.Validate()
}

var (
	accountSID = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	apiKeySID  = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	plainToken = regexp.MustCompile(`^[a-zA-Z0-9]+$`) // what twilio-go accepts
)

// Validate checks each value and those that belong together.
func (c Config) Validate() error {
	var errs []error
	bad := func(name, value, allowed string) {
		errs = append(errs, fmt.Errorf("%s=%q: want %s", name, value, allowed))
	}
	if _, _, err := net.SplitHostPort(c.ListenAddr); err != nil {
		bad("LISTEN_ADDR", c.ListenAddr, "host:port")
	}
	if v := c.MessageValidity; v != 0 && (v < 5*time.Second || v > 10*time.Hour) {
		bad("MESSAGE_VALIDITY", v.String(), "5s to 10h")
	}
	if c.MetricsAddr != "" {
		if _, _, err := net.SplitHostPort(c.MetricsAddr); err != nil {
			bad("METRICS_ADDR", c.MetricsAddr, "host:port")
		}
	}
	for name, value := range map[string]string{"PUBLIC_URL": c.PublicURL, "TWILIO_API_BASE_URL": c.Twilio.APIBaseURL} {
		if value == "" {
			continue
		}
		if u, err := url.Parse(value); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
			u.RawQuery != "" || u.User != nil {
			bad(name, value, "an http or https URL without user, query or fragment")
		}
	}
	if c.LinkDomain != "" {
		if u, err := url.Parse("https://" + c.LinkDomain); err != nil || u.Host != c.LinkDomain || u.Hostname() == "" || !strings.Contains(c.LinkDomain, ".") {
			bad("LINK_DOMAIN", c.LinkDomain, "a host name such as go.example.com, without https:// and path")
		}
	}
	if c.DatabaseURL != "" {
		if u, err := url.Parse(string(c.DatabaseURL)); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			bad("DATABASE_URL", "***", "postgres://user:password@host:port/database")
		}
	}
	if c.MigrateDatabaseURL != "" {
		if u, err := url.Parse(string(c.MigrateDatabaseURL)); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			bad("MIGRATE_DATABASE_URL", "***", "postgres://owner:password@host:port/database")
		}
		if c.DatabaseURL == "" {
			errs = append(errs, errors.New("MIGRATE_DATABASE_URL is set but DATABASE_URL is not: set DATABASE_URL to the role that the engine works as"))
		}
	}
	if (c.AdminEmail == "") != (c.AdminPassword == "") {
		errs = append(errs, errors.New("ADMIN_EMAIL and ADMIN_PASSWORD: set both or neither"))
	}
	if (c.SMTPURL == "") != (c.MailFrom == "") {
		errs = append(errs, errors.New("SMTP_URL and MAIL_FROM: set both or neither"))
	}
	if c.SecretKey != "" && len(c.SecretKey) < 32 {
		bad("SECRET_KEY", "***", "32 characters or more")
	}
	if slices.ContainsFunc(c.previousKeys(), func(key string) bool { return len(key) < 32 }) {
		bad("SECRET_KEY_PREVIOUS", "***", "keys of 32 characters or more, separated by commas")
	}
	if c.SecretKeyPrevious != "" && c.SecretKey == "" {
		errs = append(errs, errors.New("SECRET_KEY_PREVIOUS is set but SECRET_KEY is not: the key that is kept in "+
			"DATA_DIR is rotated by the command keys rotate"))
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		bad("LOG_LEVEL", c.LogLevel, "debug, info, warn or error")
	}
	if !slices.Contains([]string{"text", "json"}, c.LogFormat) {
		bad("LOG_FORMAT", c.LogFormat, "text or json")
	}
	errs = slices.Concat(errs, c.OIDC.validate(), c.Twilio.validate(), c.Checkpoints.validate(), c.Media.validate())
	return errors.Join(errs...)
}

// validate refuses credentials that are half set: that would send to the
// sandbox what was meant for people, or the other way round.
func (t Twilio) validate() []error {
	var errs []error
	set := func(name, value string) bool {
		if value != "" && t.AccountSID == "" {
			errs = append(errs, fmt.Errorf("%s is set but TWILIO_ACCOUNT_SID is not: set both for Twilio, or none of the TWILIO_ variables for the sandbox", name))
		}
		return value != ""
	}
	token := set("TWILIO_AUTH_TOKEN", string(t.AuthToken))
	set("TWILIO_AUTH_TOKEN_SECONDARY", string(t.AuthTokenSecondary))
	key, secret := set("TWILIO_API_KEY", t.APIKey), set("TWILIO_API_SECRET", string(t.APISecret))
	set("TWILIO_PHONE_NUMBER", t.PhoneNumber)
	if key != secret {
		errs = append(errs, errors.New("TWILIO_API_KEY and TWILIO_API_SECRET: set both or neither"))
	}
	if t.AccountSID == "" {
		return errs
	}
	if !IsAccountSID(t.AccountSID) {
		errs = append(errs, fmt.Errorf("TWILIO_ACCOUNT_SID=%q: want AC and 32 hexadecimal digits", t.AccountSID))
	}
	if !token {
		errs = append(errs, errors.New("TWILIO_AUTH_TOKEN is not set: webhooks are signed with it, also when an API key is used for sending"))
	}
	if token && !IsToken(string(t.AuthToken)) {
		errs = append(errs, errors.New("TWILIO_AUTH_TOKEN: only letters and digits"))
	}
	if key && !IsAPIKey(t.APIKey) {
		errs = append(errs, fmt.Errorf("TWILIO_API_KEY=%q: want SK and 32 hexadecimal digits", t.APIKey))
	}
	if secret && !IsToken(string(t.APISecret)) {
		errs = append(errs, errors.New("TWILIO_API_SECRET: only letters and digits"))
	}
	return errs
}

// IsAccountSID reports whether it is the SID of an account.
func IsAccountSID(s string) bool { return accountSID.MatchString(s) }

// IsAPIKey reports whether it is the SID of an API key.
func IsAPIKey(s string) bool { return apiKeySID.MatchString(s) }

// IsToken reports whether it is an auth token or an API key's secret: twilio-go takes
// nothing else.
func IsToken(s string) bool { return plainToken.MatchString(s) }

// Keys are the keys of SECRET_KEY and SECRET_KEY_PREVIOUS. Where SECRET_KEY is not
// set, a key is made and kept in DataDir, and what others write there is followed.
func (c *Config) Keys() (*secret.Keys, error) {
	if c.keys != nil {
		return c.keys, nil
	}
	if c.SecretKey != "" {
		c.keys = secret.New(string(c.SecretKey), c.previousKeys()...)
		return c.keys, nil
	}
	path := filepath.Join(c.DataDir, "secret.key")
	if _, err := secret.EnsureFile(path, secret.Generate); err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	keys, err := secret.Follow(path)
	if err != nil {
		return nil, err
	}
	c.keys, c.keyFile = keys, path
	return keys, nil
}

// KeyFile is the file in which SECRET_KEY is kept; "" when it was set from outside.
func (c Config) KeyFile() string { return c.keyFile }

func (c Config) previousKeys() []string {
	return strings.FieldsFunc(string(c.SecretKeyPrevious), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// LinkURL is where short links begin, at the base of the server's own addresses or at LINK_DOMAIN.
func (c Config) LinkURL(base string) string {
	if c.LinkDomain != "" {
		return "https://" + c.LinkDomain + "/l/"
	}
	return strings.TrimRight(base, "/") + "/l/"
}

// SpoolDir is the directory that keeps webhooks while Postgres is away; "" when
// they are refused then, so that Twilio tries again.
func (c Config) SpoolDir() string {
	switch {
	case c.WebhookSpool == "off", c.WebhookSpool == "" && c.DatabaseURL != "":
		return ""
	case c.WebhookSpool != "":
		return c.WebhookSpool
	}
	return filepath.Join(c.DataDir, "spool")
}
