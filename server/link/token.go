package link

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"eventstream/server/keys"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
)

const (
	tokenCounted   = 1 // the first byte
	tokenUncounted = 2
	tagLength      = 4
	macLength      = 10 // bytes: a guess is right once in 2^80
	mostToken      = 64 // characters
	keyID          = 1  // of the only key
)

// Signer makes tokens and recognises those that it made, without asking anybody. A rotation of SECRET_KEY encrypts its key anew
// and changes no token.
type Signer struct{ key []byte }

// OpenSigner reads the key of the installation, and makes it where there is none.
func OpenSigner(ctx context.Context, idb bun.IDB, k *secret.Keys) (*Signer, error) {
	purpose := secret.LinkKey.Purpose(keyID)
	sealed, err := sealedKey(ctx, idb)
	if err == nil && sealed == "" {
		if sealed, err = k.Seal(purpose, keys.NewKey()); err == nil {
			sealed, err = keepFirst(ctx, idb, sealed)
		}
	}
	if err != nil {
		return nil, err
	}
	key, err := k.Open(purpose, sealed)
	if err != nil {
		return nil, &keys.UnreadableError{What: "the key of short links", Key: secret.KeyOf(sealed)}
	}
	return &Signer{key}, nil
}

// token is what stands in the address of a link in a message.
type token struct {
	linkID, messageID, tag int64
	uncounted              bool
}

// Token is the token of a link for a message; 0 is nobody's, which counts nothing.
func (l *Link) Token(messageID int64) string {
	return l.signer.write(token{linkID: l.ID, messageID: messageID, tag: l.Tag})
}

// Uncounted is a message's token where nobody is to know who opens it. It names the message only where the address holds
// values of the contact, which could not be filled in otherwise.
func (l *Link) Uncounted(messageID int64) string {
	if l.fixed {
		return l.Token(0)
	}
	return l.signer.write(token{linkID: l.ID, messageID: messageID, tag: l.Tag, uncounted: true})
}

func (s *Signer) write(t token) string {
	raw := make([]byte, 0, 1+2*binary.MaxVarintLen64+tagLength+macLength)
	if t.uncounted {
		raw = append(raw, tokenUncounted)
	} else {
		raw = append(raw, tokenCounted)
	}
	raw = binary.AppendUvarint(raw, uint64(t.linkID)) // ids are positive
	raw = binary.AppendUvarint(raw, uint64(t.messageID))
	raw = binary.BigEndian.AppendUint32(raw, uint32(t.tag)) // the database keeps it within 32 bits
	return base64.RawURLEncoding.EncodeToString(append(raw, s.mac(raw)...))
}

func (s *Signer) mac(message []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write(message)
	return m.Sum(nil)[:macLength]
}

// read gives what a token says; not ok: it is not one of ours.
func (s *Signer) read(text string) (t token, ok bool) {
	if len(text) > mostToken {
		return token{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 3+tagLength+macLength || raw[0] != tokenCounted && raw[0] != tokenUncounted {
		return token{}, false
	}
	signed, sum := raw[:len(raw)-macLength], raw[len(raw)-macLength:]
	if !hmac.Equal(s.mac(signed), sum) {
		return token{}, false
	}
	ids, tag := signed[1:len(signed)-tagLength], signed[len(signed)-tagLength:]
	link, n := binary.Uvarint(ids)
	if n <= 0 {
		return token{}, false
	}
	message, m := binary.Uvarint(ids[n:])
	if m <= 0 || n+m != len(ids) || link == 0 || link > 1<<62 || message > 1<<62 {
		return token{}, false
	}
	return token{int64(link), int64(message), int64(binary.BigEndian.Uint32(tag)), signed[0] == tokenUncounted}, true
}
