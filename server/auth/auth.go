// Package auth knows operators, their sessions and API tokens.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"golang.org/x/crypto/argon2"
)

const (
	// SessionLength is how long a sign-in lasts.
	SessionLength = 14 * 24 * time.Hour
	// MinPassword is the shortest password, in characters (NIST SP 800-63B: at least 8).
	MinPassword = 10
	// MaxPassword is the longest password, in characters.
	MaxPassword = 200

	freeFailures = 5 // failed sign-ins before an address has to wait
	maxBlock     = 15 * time.Minute
)

// Operator is someone who signs in.
type Operator struct {
	bun.BaseModel `bun:"table:operators,alias:o"`

	ID           int64      `bun:",pk,autoincrement"`
	Email        string     // lower case, unique
	Name         string     //
	Role         actor.Role //
	PasswordHash string     // Argon2id
	Active       bool       //
	LastSignInAt *time.Time //
	CreatedAt    time.Time  `bun:",nullzero"`
	UpdatedAt    time.Time  `bun:",nullzero"`
}

// Token is an API token; the secret itself is shown once and never kept.
type Token struct {
	bun.BaseModel `bun:"table:api_tokens,alias:t"`

	ID         int64      `bun:",pk,autoincrement"`
	Name       string     //
	Role       actor.Role //
	Prefix     string     // first characters of the secret
	TokenHash  []byte     // SHA-256
	OperatorID int64      // who made it
	ExpiresAt  *time.Time // nil: never
	RevokedAt  *time.Time //
	LastUsedAt *time.Time //
	CreatedAt  time.Time  `bun:",nullzero"`
}

// Service signs people in and out.
type Service struct {
	db  *db.DB
	now func() time.Time
}

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service { return &Service{db: d, now: now} }

// SetupNeeded reports whether the first admin is still to be made.
func (s *Service) SetupNeeded(ctx context.Context) (bool, error) {
	any, err := anyOperator(ctx, s.db)
	return !any, err
}

// NewOperator is what it takes to make an operator.
type NewOperator struct {
	Email, Name, Password string
	Role                  actor.Role
}

func (n *NewOperator) clean() error {
	var errs apperr.List
	n.Email = strings.ToLower(strings.TrimSpace(n.Email))
	n.Name = strings.TrimSpace(n.Name)
	if a, err := mail.ParseAddress(n.Email); err != nil || a.Address != n.Email || len(n.Email) > 254 {
		_ = errs.Add(apperr.Invalid("email", "%q is not an email address", n.Email))
	}
	if n.Name == "" || utf8.RuneCountInString(n.Name) > 100 {
		_ = errs.Add(apperr.Invalid("name", "give a name of 1 to 100 characters"))
	}
	if !n.Role.Valid() {
		_ = errs.Add(apperr.Invalid("role", "%q is not a role: viewer, marketer or admin", n.Role))
	}
	_ = errs.Add(checkPassword("password", n.Password))
	return errs.Err()
}

func checkPassword(field, p string) error {
	if n := utf8.RuneCountInString(p); n < MinPassword || n > MaxPassword {
		return apperr.Invalid(field, "a password has %d to %d characters, this one has %d", MinPassword, MaxPassword, n)
	}
	return nil
}

// CreateFirstAdmin makes the first operator, who is an admin; conflict when
// there is one already.
func (s *Service) CreateFirstAdmin(ctx context.Context, in NewOperator) (*Operator, error) {
	in.Role = actor.RoleAdmin
	if err := in.clean(); err != nil {
		return nil, err
	}
	var o *Operator
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockOperators(ctx, tx); err != nil {
			return err
		}
		if any, err := anyOperator(ctx, tx); err != nil || any {
			if err == nil {
				err = apperr.Conflict("the first admin exists already: sign in instead")
			}
			return err
		}
		var err error
		o, err = s.create(ctx, tx, in)
		return err
	})
	return o, err
}

// Create makes another operator. Admins only.
func (s *Service) Create(ctx context.Context, in NewOperator) (*Operator, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if err := in.clean(); err != nil {
		return nil, err
	}
	var o *Operator
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		o, err = s.create(ctx, tx, in)
		return err
	})
	if db.IsUnique(err) {
		return nil, apperr.Invalid("email", "there is an operator with %q already", in.Email)
	}
	return o, err
}

func (s *Service) create(ctx context.Context, tx bun.Tx, in NewOperator) (*Operator, error) {
	o := &Operator{Email: in.Email, Name: in.Name, Role: in.Role, PasswordHash: hashPassword(in.Password), Active: true}
	if err := insertOperator(ctx, tx, o); err != nil {
		return nil, err
	}
	return o, audit.Record(ctx, tx, "operator.create", "operator", o.ID, map[string]any{"role": o.Role})
}

// SetActive lets an operator in or shuts them out, ending their sessions.
func (s *Service) SetActive(ctx context.Context, id int64, active bool) (*Operator, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if a := actor.From(ctx); a.Kind == actor.KindOperator && a.ID == id && !active {
		return nil, apperr.Conflict("you cannot deactivate yourself")
	}
	var o *Operator
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if o, err = setActive(ctx, tx, id, active); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "operator.set_active", "operator", id, map[string]any{"active": active})
	})
	return o, err
}

// Operators lists all, by name.
func (s *Service) Operators(ctx context.Context) ([]*Operator, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	return listOperators(ctx, s.db)
}

// Operator finds one by id.
func (s *Service) Operator(ctx context.Context, id int64) (*Operator, error) {
	return operatorByID(ctx, s.db, id)
}

// SignIn checks the password and opens a session. It answers alike for an
// unknown address and a wrong password, and makes the address and the caller's
// IP wait after several failures.
func (s *Service) SignIn(ctx context.Context, email, password, ip,
	userAgent string,
) (token string, o *Operator, err error) {
	email = strings.ToLower(strings.TrimSpace(email))
	keys := []string{"email:" + email, "ip:" + ip}
	wait, err := blockedFor(ctx, s.db, keys)
	if err != nil {
		return "", nil, err
	}
	if wait > 0 {
		return "", nil, apperr.New(apperr.CodeRateLimited, "too many failed sign-ins: try again in %s",
			wait.Round(time.Second))
	}
	o, err = operatorByEmail(ctx, s.db, email)
	if err != nil && !apperr.Is(err, apperr.CodeNotFound) {
		return "", nil, err
	}
	hash := decoyHash
	if o != nil {
		hash = o.PasswordHash
	}
	if !checkHash(hash, password) || o == nil || !o.Active {
		if err := countFailure(ctx, s.db, keys, freeFailures, maxBlock); err != nil {
			return "", nil, err
		}
		return "", nil, apperr.New(apperr.CodeUnauthenticated, "email address or password is wrong")
	}
	token = randomToken("")
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := forgetFailures(ctx, tx, keys[:1]); err != nil {
			return err
		}
		if err := insertSession(ctx, tx, hashToken(token), o.ID, clip(userAgent, 200), SessionLength); err != nil {
			return err
		}
		ctx = actor.With(ctx, actor.Actor{Kind: actor.KindOperator, ID: o.ID, Role: o.Role})
		return audit.Record(ctx, tx, "operator.sign_in", "operator", o.ID, nil)
	})
	return token, o, err
}

// SignOut ends the session; an unknown one is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return deleteSession(ctx, s.db, hashToken(token))
}

// BySession gives the actor behind a session cookie; the zero Actor when the
// session is unknown or over.
func (s *Service) BySession(ctx context.Context, token string) (actor.Actor, error) {
	if token == "" {
		return actor.Actor{}, nil
	}
	return sessionActor(ctx, s.db, hashToken(token))
}

// ByToken gives the actor behind an API token.
func (s *Service) ByToken(ctx context.Context, token string) (actor.Actor, error) {
	a, err := tokenActor(ctx, s.db, hashToken(token))
	if err == nil && a.Kind == "" {
		err = apperr.New(apperr.CodeUnauthenticated, "the API token is unknown, revoked or expired")
	}
	return a, err
}

// CreateToken makes an API token and gives its secret, which is never shown
// again. Admins only.
func (s *Service) CreateToken(ctx context.Context, name string, role actor.Role,
	expires *time.Time,
) (string, *Token, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return "", nil, err
	}
	operator := actor.OperatorID(ctx)
	if operator == nil {
		return "", nil, apperr.New(apperr.CodeForbidden, "only an operator makes API tokens")
	}
	var errs apperr.List
	if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > 100 {
		_ = errs.Add(apperr.Invalid("name", "give a name of 1 to 100 characters"))
	}
	if !role.Valid() {
		_ = errs.Add(apperr.Invalid("role", "%q is not a role: viewer, marketer or admin", role))
	}
	if expires != nil && expires.Before(s.now()) {
		_ = errs.Add(apperr.Invalid("expiresAt", "%s is in the past", expires.UTC().Format(time.RFC3339)))
	}
	if err := errs.Err(); err != nil {
		return "", nil, err
	}
	secret := randomToken("ese_")
	t := &Token{
		Name: name, Role: role, Prefix: secret[:10], TokenHash: hashToken(secret), OperatorID: *operator,
		ExpiresAt: expires,
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertToken(ctx, tx, t); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "api_token.create", "api_token", t.ID, map[string]any{"role": role})
	})
	return secret, t, err
}

// RevokeToken ends a token for good. Admins only.
func (s *Service) RevokeToken(ctx context.Context, id int64) (*Token, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	var t *Token
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if t, err = revokeToken(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "api_token.revoke", "api_token", id, nil)
	})
	return t, err
}

// Tokens lists all, newest first. Admins only.
func (s *Service) Tokens(ctx context.Context) ([]*Token, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	return listTokens(ctx, s.db)
}

// Argon2id with OWASP's second set of parameters: 19 MiB, two passes.
const (
	argonMemory, argonTime, argonThreads = 19 * 1024, 2, 1
	argonKey, argonSalt                  = 32, 16
)

// decoyHash costs an unknown address as much time as a known one.
var decoyHash = hashPassword("no operator has this password")

func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

func checkHash(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) != argonKey {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, argonKey)
	return subtle.ConstantTimeCompare(got, want) == 1
}

func randomToken(prefix string) string { return prefix + rand.Text() + rand.Text() }

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}
