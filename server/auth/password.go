package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"

	"golang.org/x/crypto/argon2"
)

const (
	// MinPassword is the shortest password, in characters (NIST SP 800-63B: at least 8).
	MinPassword = 10
	// MaxPassword is the longest password, in characters.
	MaxPassword = 200
)

// checkPassword refuses what is too short or would be guessed early; about is
// what others know of its owner.
func checkPassword(field, p string, about ...string) error {
	if n := utf8.RuneCountInString(p); n < MinPassword || n > MaxPassword {
		return apperr.Invalid(field, "a password has %d to %d characters, this one has %d", MinPassword, MaxPassword, n)
	}
	if why := weakness(p, about...); why != "" {
		return apperr.Invalid(field, "this password would be guessed: %s; choose another, such as four random words", why)
	}
	return nil
}

// Argon2id with OWASP's second set of parameters: 19 MiB, two passes.
const (
	argonMemory, argonTime, argonThreads = 19 * 1024, 2, 1
	argonKey, argonSalt                  = 32, 16
)

const (
	hashes   = 2               // at a time in a process, of strangers and of known devices each
	hashWait = 5 * time.Second // for one of them
)

// hasher makes and checks hashes, a few at a time: each takes 19 MiB, and
// strangers decide how many are asked for. Devices that are known have slots
// of their own, so that a flood does not keep their operators out.
type hasher struct{ strangers, known chan struct{} }

func newHasher() *hasher {
	return &hasher{strangers: make(chan struct{}, hashes), known: make(chan struct{}, hashes)}
}

func (h *hasher) enter(ctx context.Context, known bool) (leave func(), err error) {
	slots := h.strangers
	if known {
		slots = h.known
	}
	wait := time.NewTimer(hashWait)
	defer wait.Stop()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, apperr.New(apperr.CodeRateLimited, "too many people sign in at this moment: try again in a few seconds")
	}
}

// hash gives the hash of a password that somebody may set: they are known.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx, true)
	if err != nil {
		return "", err
	}
	defer leave()
	return hashPassword(password), nil
}

// check reports whether the hash is that of the password. An empty hash is
// nobody's and costs as much as any other.
func (h *hasher) check(ctx context.Context, hash, password string, known bool) (bool, error) {
	leave, err := h.enter(ctx, known)
	if err != nil {
		return false, err
	}
	defer leave()
	if hash == "" {
		_ = checkHash(decoyHash, password)
		return false, nil
	}
	return checkHash(hash, password), nil
}

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
