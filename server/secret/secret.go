// Package secret encrypts what must lie in the database but not be readable
// there, and signs what clients keep for us. All keys are derived from
// SECRET_KEY, each for one purpose, so that what was made for one is worth
// nothing for another. Every ciphertext and signature names the key it was made
// with: after a rotation the new key writes and the old ones still read.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Keys are the keys of an installation.
type Keys struct {
	ring atomic.Pointer[ring]

	mu     sync.Mutex
	path   string // of the file that they come from, or ""
	file   os.FileInfo
	looked time.Time
}

// ring is the keys at one moment.
type ring struct {
	ids     []string          // newest first; the first one writes
	masters map[string][]byte // by id
}

const version = "v1"

// ErrUnreadable is the error of everything that was not made by one of the keys
// for the same purpose, or was changed since.
var ErrUnreadable = errors.New("not made with one of the keys, or changed since")

// New makes Keys of SECRET_KEY, and of those it had before.
func New(current string, earlier ...string) *Keys {
	k := &Keys{}
	k.ring.Store(newRing(append([]string{current}, earlier...)))
	return k
}

func newRing(masters []string) *ring {
	r := &ring{masters: map[string][]byte{}}
	for _, master := range masters {
		id := ID(master)
		if r.masters[id] == nil {
			r.ids = append(r.ids, id)
		}
		r.masters[id] = []byte(master)
	}
	return r
}

// ID names a key without telling it.
func ID(master string) string { return hex.EncodeToString(derive([]byte(master), "key id")[:4]) }

// IDs are the ids of all keys. The first one is the newest, which writes.
func (k *Keys) IDs() []string { return slices.Clone(k.current().ids) }

// Masters are the keys themselves, in the order of IDs, to be kept elsewhere.
func (k *Keys) Masters() []string {
	r := k.current()
	masters := make([]string, len(r.ids))
	for i, id := range r.ids {
		masters[i] = string(r.masters[id])
	}
	return masters
}

// KeyOf gives the id of the key with which something was sealed or signed; "" when
// it was not.
func KeyOf(text string) string {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != version {
		return ""
	}
	return parts[1]
}

// AddressKeysBefore are the keys by which addresses were hashed when that was
// done with SECRET_KEY itself, in the order of IDs.
func (k *Keys) AddressKeysBefore() [][]byte {
	r := k.current()
	keys := make([][]byte, len(r.ids))
	for i, id := range r.ids {
		m := hmac.New(sha256.New, r.masters[id])
		m.Write([]byte("consent address hash v1"))
		keys[i] = m.Sum(nil)
	}
	return keys
}

func derive(master []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "eventstream "+purpose, 32)
	if err != nil { // only for lengths beyond 8 kB
		panic(err)
	}
	return key
}

// Seal encrypts plain for a purpose, such as "totp 7": it opens for no other, so
// that what belongs to one row cannot be moved to another.
func (k *Keys) Seal(purpose string, plain []byte) (string, error) {
	r := k.current()
	aead, err := r.aead(r.ids[0])
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	sealed := aead.Seal(nonce, nonce, plain, []byte(purpose))
	return strings.Join([]string{version, r.ids[0], encode(sealed)}, "."), nil
}

// Open decrypts what Seal made for the same purpose; ErrUnreadable when it did
// not.
func (k *Keys) Open(purpose, sealed string) ([]byte, error) {
	r := k.current()
	id, raw, err := r.split(sealed)
	if err != nil {
		return nil, err
	}
	aead, err := r.aead(id)
	if err != nil {
		return nil, err
	}
	if len(raw) < aead.NonceSize() {
		return nil, ErrUnreadable
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(purpose))
	if err != nil {
		return nil, ErrUnreadable
	}
	return plain, nil
}

func (r *ring) aead(id string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive(r.masters[id], "encryption"))
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return aead, nil
}

// Sign gives a signature of text for a purpose.
func (k *Keys) Sign(purpose, text string) string {
	r := k.current()
	return strings.Join([]string{version, r.ids[0], encode(mac(r.masters[r.ids[0]], purpose, text))}, ".")
}

// Signed reports whether Sign made the signature, for the same purpose and text.
func (k *Keys) Signed(purpose, text, signature string) bool {
	r := k.current()
	id, raw, err := r.split(signature)
	return err == nil && hmac.Equal(raw, mac(r.masters[id], purpose, text))
}

func mac(master []byte, purpose, text string) []byte {
	m := hmac.New(sha256.New, derive(master, "signature "+purpose))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func (r *ring) split(text string) (id string, raw []byte, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != version || r.masters[parts[1]] == nil {
		return "", nil, ErrUnreadable
	}
	if raw, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return "", nil, ErrUnreadable
	}
	return parts[1], raw, nil
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
