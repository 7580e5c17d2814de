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
	"strings"
)

// Keys are the keys of an installation.
type Keys struct {
	newest  string            // id of the key that writes
	masters map[string][]byte // by id
}

const version = "v1"

// ErrUnreadable is the error of everything that was not made by one of the keys
// for the same purpose, or was changed since.
var ErrUnreadable = errors.New("not made with one of the keys, or changed since")

// New makes Keys of SECRET_KEY, and of those it had before.
func New(current string, earlier ...string) *Keys {
	k := &Keys{masters: map[string][]byte{}}
	for _, master := range append([]string{current}, earlier...) {
		id := hex.EncodeToString(derive([]byte(master), "key id")[:4])
		if k.newest == "" {
			k.newest = id
		}
		k.masters[id] = []byte(master)
	}
	return k
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
	aead, err := k.aead(k.newest)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	sealed := aead.Seal(nonce, nonce, plain, []byte(purpose))
	return strings.Join([]string{version, k.newest, encode(sealed)}, "."), nil
}

// Open decrypts what Seal made for the same purpose; ErrUnreadable when it did
// not.
func (k *Keys) Open(purpose, sealed string) ([]byte, error) {
	id, raw, err := k.split(sealed)
	if err != nil {
		return nil, err
	}
	aead, err := k.aead(id)
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

func (k *Keys) aead(id string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive(k.masters[id], "encryption"))
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
	return strings.Join([]string{version, k.newest, encode(mac(k.masters[k.newest], purpose, text))}, ".")
}

// Signed reports whether Sign made the signature, for the same purpose and text.
func (k *Keys) Signed(purpose, text, signature string) bool {
	id, raw, err := k.split(signature)
	return err == nil && hmac.Equal(raw, mac(k.masters[id], purpose, text))
}

func mac(master []byte, purpose, text string) []byte {
	m := hmac.New(sha256.New, derive(master, "signature "+purpose))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func (k *Keys) split(text string) (id string, raw []byte, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != version || k.masters[parts[1]] == nil {
		return "", nil, ErrUnreadable
	}
	if raw, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return "", nil, ErrUnreadable
	}
	return parts[1], raw, nil
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
