// Package keys keeps the keys that an installation's database needs: those by which
// addresses are hashed, which lie there encrypted, and SECRET_KEY, with which that
// is done. It adds keys, and encrypts anew what lies under an earlier SECRET_KEY.
package keys

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"eventstream/server/db"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
)

// Addresses are the keys by which addresses are hashed. They have nothing to do
// with SECRET_KEY but that they lie in the database encrypted by it: a rotation of
// SECRET_KEY changes no hash. A key is never taken away, so that whoever was erased
// or opted out under it is found for ever.
type Addresses struct {
	keys *secret.Keys

	mu   sync.Mutex
	ring *Ring
	read time.Time // zero: the ring was made for good
}

const (
	// trust is how long a process relies on the keys that it read.
	trust = 20 * time.Second
	// Delay is how long after it was made a new key begins to write. By then every
	// process has read it, and finds what it wrote.
	Delay = 3 * trust
)

// Ring is the keys as they were read at one moment.
type Ring struct {
	keys  [][]byte // newest first
	write int      // index of the one that writes
}

// NewAddresses makes Addresses of what lies in the database, see Ensure.
func NewAddresses(k *secret.Keys) *Addresses { return &Addresses{keys: k} }

// Fixed makes Addresses of one key that no database keeps: for measurements and tests.
func Fixed(master string) *Addresses {
	return &Addresses{ring: &Ring{keys: secret.New(master).AddressKeysBefore()}}
}

// Ring gives the keys. They are read anew every 20 seconds: a process that does not
// know a key would not find whom it hashed.
func (a *Addresses) Ring(ctx context.Context, idb bun.IDB) (*Ring, error) {
	a.mu.Lock()
	ring, read := a.ring, a.read
	a.mu.Unlock()
	if ring != nil && (read.IsZero() || db.Fresh(read, trust)) {
		return ring, nil
	}
	// Whoever finds them old reads them, without the lock: who waits for Postgres, or for
	// rows that a transaction has locked, keeps nobody else waiting.
	began := time.Now()
	rows, err := addressKeys(ctx, idb)
	if err != nil {
		return nil, err
	}
	if ring, err = open(a.keys, rows); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if began.After(a.read) {
		a.ring, a.read = ring, began
	}
	return ring, nil
}

// UnreadableError is the error of a key that was sealed by a SECRET_KEY that is not
// known here.
type UnreadableError struct {
	What, Key string // the secret, and the id of the SECRET_KEY that reads it
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s is encrypted by the SECRET_KEY with the id %s, which is none of those that are set: set it as "+
		"SECRET_KEY, or beside a newer one in SECRET_KEY_PREVIOUS (server keys list tells ids)", e.What, e.Key)
}

// Unwrap has it recognised as what cannot be read.
func (*UnreadableError) Unwrap() error { return secret.ErrUnreadable }

// Check reports whether these keys can be read, and are what they are said to be.
func Check(k *secret.Keys, rows []*Address) error {
	_, err := open(k, rows)
	return err
}

func open(k *secret.Keys, rows []*addressKey) (*Ring, error) {
	if len(rows) == 0 {
		return nil, errors.New("there is no key for hashes of addresses: the table address_keys is empty")
	}
	r := &Ring{write: -1}
	for i, row := range rows {
		key, err := k.Open(secret.AddressKey.Purpose(row.ID), row.Sealed)
		if err != nil {
			return nil, &UnreadableError{fmt.Sprintf("address key %d", row.ID), secret.KeyOf(row.Sealed)}
		}
		if Fingerprint(key) != row.Fingerprint {
			return nil, fmt.Errorf("address key %d is not the one that it is said to be", row.ID)
		}
		r.keys = append(r.keys, key)
		if r.write < 0 && row.InForce {
			r.write = i
		}
	}
	if r.write < 0 {
		r.write = len(rows) - 1
	}
	return r, nil
}

// Fingerprint names a key without telling it.
func Fingerprint(key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("fingerprint"))
	return hex.EncodeToString(m.Sum(nil)[:8])
}

// Hash hashes an address, to be written down: it proves nothing to whoever lacks
// the key, and still recognises the address.
func (r *Ring) Hash(address string) []byte { return hash(r.keys[r.write], address) }

// All are the hashes of an address by all keys, to be looked for.
func (r *Ring) All(address string) [][]byte {
	all := make([][]byte, len(r.keys))
	for i, key := range r.keys {
		all[i] = hash(key, address)
	}
	return all
}

func hash(key []byte, address string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(address))
	return m.Sum(nil)
}

// Ensure makes the first key where there is none. An installation that hashed with
// SECRET_KEY itself goes on with the key that it had: the one of its SECRET_KEY, or
// of an earlier one, that made the hashes which are there.
func Ensure(ctx context.Context, d *db.DB, k *secret.Keys) error {
	rows, err := addressKeys(ctx, d)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		_, err := open(k, rows)
		return err
	}
	key, err := firstKey(ctx, d, k)
	if err != nil {
		return err
	}
	if err := addFirst(ctx, d, k, key); err != nil {
		return err
	}
	if rows, err = addressKeys(ctx, d); err == nil { // of two processes one was first
		_, err = open(k, rows)
	}
	return err
}

func firstKey(ctx context.Context, d *db.DB, k *secret.Keys) ([]byte, error) {
	used, err := hashesExist(ctx, d)
	if err != nil {
		return nil, err
	}
	if !used {
		return NewKey(), nil
	}
	samples, err := hashSamples(ctx, d)
	if err != nil {
		return nil, err
	}
	before := k.AddressKeysBefore()
	for _, key := range before {
		for _, s := range samples {
			if hmac.Equal(hash(key, s.MatchKey), s.AddressHash) {
				return key, nil
			}
		}
	}
	lost, err := suppressionsExist(ctx, d)
	if err != nil {
		return nil, err
	}
	if len(samples) > 0 && lost {
		return nil, errors.New("the hashes of suppressed addresses were not made with this SECRET_KEY: people who were erased " +
			"or opted out would not be recognised. Set SECRET_KEY_PREVIOUS to the key that there was before. " +
			"If it is lost, see docs/operations.md: server keys rotate-addresses --lost")
	}
	return before[0], nil
}

// NewKey makes a key of 256 bits.
func NewKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return key
}

func addFirst(ctx context.Context, idb bun.IDB, k *secret.Keys, key []byte) error {
	sealed, err := k.Seal(secret.AddressKey.Purpose(1), key)
	if err != nil {
		return err
	}
	return insertFirst(ctx, idb, sealed, Fingerprint(key))
}
