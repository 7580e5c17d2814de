// Package auth knows operators, their sessions and API tokens: who may come in,
// for how long, and when that ends. Access is read from the database for every
// request and every operation on a socket; what ends it is spread over all
// processes, so that open sockets end too (see Follow).
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
)

const (
	// SessionLength is how long a sign-in lasts.
	SessionLength = 14 * 24 * time.Hour
	// RecentFor is how long after signing in or confirming their password an
	// operator may do what cannot be undone.
	RecentFor = time.Hour
	// DeviceLength is how long a device stays known after a sign-in.
	DeviceLength = 180 * 24 * time.Hour
	// TokenLength is how long an API token lasts whose maker did not say.
	TokenLength = 90 * 24 * time.Hour
	// LinkLength is how long an invitation can be taken up.
	LinkLength = 7 * 24 * time.Hour
	// ResetLength is how long a link for a new password holds.
	ResetLength = 24 * time.Hour
)

// Kind tells people from service accounts.
type Kind string

// Kinds of operator.
const (
	KindPerson  Kind = "person"
	KindService Kind = "service" // owns API tokens, never signs in
)

// Operator is someone who signs in, or a service account.
type Operator struct {
	bun.BaseModel `bun:"table:operators,alias:o"`

	ID           int64      `bun:",pk,autoincrement"`
	Kind         Kind       //
	Email        string     // lower case, unique
	Name         string     //
	Role         actor.Role //
	PasswordHash string     // Argon2id; empty until a password is set
	Active       bool       //
	TOTPSeed     string     `bun:"totp_seed"` // encrypted; empty: none
	OIDCIssuer   string     `bun:"oidc_issuer"`
	OIDCSubject  string     `bun:"oidc_subject"` // by whom the provider knows them; empty: not linked

	// PasswordUntil is until when a password counts where passwords are off.
	PasswordUntil *time.Time

	// Language is the one in which they read the pages; empty: as their browser does.
	Language string `bun:",nullzero"`

	LastSignInAt *time.Time //
	CreatedAt    time.Time  `bun:",nullzero"`
	UpdatedAt    time.Time  `bun:",nullzero"`
}

// Languages are those that the pages speak.
var Languages = []string{"en", "de", "es"}

// Invited reports whether the operator has not taken up the invitation yet.
func (o *Operator) Invited() bool {
	return o.Kind == KindPerson && o.PasswordHash == "" && o.OIDCSubject == ""
}

// Token is an API token; the secret itself is shown once and never kept.
type Token struct {
	bun.BaseModel `bun:"table:api_tokens,alias:t"`

	ID         int64      `bun:",pk,autoincrement"`
	Name       string     //
	Role       actor.Role // never more than its owner's
	Scopes     []string   `bun:",array"` // nil: all
	Prefix     string     // first characters of the secret
	TokenHash  []byte     // SHA-256
	OperatorID int64      // the owner: it works as long as they are active
	ExpiresAt  *time.Time // nil: never
	RevokedAt  *time.Time //
	LastUsedAt *time.Time //
	CreatedAt  time.Time  `bun:",nullzero"`
}

// Session is a sign-in on one device.
type Session struct {
	ID              int64
	OperatorID      int64
	UserAgent       string
	Address         string // from where it was opened
	Provider        bool   // opened by a sign-in at the provider, which asks for a second factor if it wants one
	CreatedAt       time.Time
	LastSeenAt      time.Time // to the minute
	ExpiresAt       time.Time
	AuthenticatedAt time.Time // when the operator last proved who they are
}

// Client is where a request comes from.
type Client struct {
	Address   netip.Addr // invalid where it is not known
	UserAgent string
	Device    string // what an earlier sign-in left on the device, see SignedIn
}

// Options are what a Service needs.
type Options struct {
	DB   *db.DB
	Hub  *pubsub.Hub
	Keys *secret.Keys
	Now  func() time.Time
	// PublicURL is where people open the pages, see config.PagesURL; links begin with it.
	PublicURL func() string
	// Mail sends a text to an address; nil: admins hand links over.
	Mail func(ctx context.Context, to, subject, text string) error
	// ProviderOnly: operators sign in at the provider, and passwords and passkeys
	// count for nothing but to confirm who somebody is.
	ProviderOnly bool
	// Jobs, with Mail: operators are told by email what happens to their accounts.
	Jobs *jobs.Enqueuer
	Log  *slog.Logger
}

// Service signs people in and out.
type Service struct {
	db        *db.DB
	hub       *pubsub.Hub
	keys      *secret.Keys
	now       func() time.Time
	publicURL func() string
	mail      func(ctx context.Context, to, subject, text string) error
	jobs      *jobs.Enqueuer
	log       *slog.Logger
	only      bool // Options.ProviderOnly
	passwords *hasher

	background sync.WaitGroup // what goes on after its request was answered

	mu        sync.Mutex
	following map[*follower]struct{}
}

// New makes the service; Run it, so that access ends where it is taken away.
func New(o Options) *Service {
	return &Service{
		db: o.DB, hub: o.Hub, keys: o.Keys, now: o.Now, publicURL: o.PublicURL, mail: o.Mail, jobs: o.Jobs,
		log:       o.Log,
		only:      o.ProviderOnly,
		passwords: newHasher(),
		following: map[*follower]struct{}{},
	}
}

// changed tells every process that the access of these operators changed. Call
// it after the commit.
func (s *Service) changed(operators ...int64) { s.hub.Publish(pubsub.TopicAccess, operators...) }

func randomToken(prefix string) string { return prefix + rand.Text() + rand.Text() }

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return db.Storable(s)
}
