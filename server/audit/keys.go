package audit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/note"
)

// Key is a generation of the trail's keys, as anybody may see it. The newest one
// writes; what earlier ones signed stays valid.
type Key struct {
	Public    string // name, hash and Ed25519 key, as golang.org/x/mod/sumdb/note writes them
	CreatedAt time.Time
	Entry     *int64 // place in the chain from which on it signs; nil for the first
}

// keyRow is a generation as it is stored.
type keyRow struct {
	bun.BaseModel `bun:"table:audit_keys,alias:ak"`

	ID        int64     `bun:",pk"`
	PublicKey string    //
	Sealed    string    // note's private key and the HMAC key, see newKeyRow
	CreatedAt time.Time `bun:",nullzero"`
}

// keyPair is a generation that can sign.
type keyPair struct {
	id      int64
	public  string
	hmacKey []byte
	signer  note.Signer
}

// mac authenticates an entry's hash.
func (k *keyPair) mac(hash []byte) []byte {
	m := hmac.New(sha256.New, k.hmacKey)
	m.Write([]byte("eventstream audit entry\n"))
	m.Write(hash)
	return m.Sum(nil)
}

// newKeyRow makes a generation under a name. The secret halves are encrypted
// together with the public one, for this row alone.
func (t *Trail) newKeyRow(id int64, name string) (*keyRow, error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	hmacKey := make([]byte, 32)
	_, _ = rand.Read(hmacKey) // never fails, see crypto/rand
	sealed, err := t.secret.Seal(secret.AuditKey.Purpose(id),
		[]byte(strings.Join([]string{private, hex.EncodeToString(hmacKey), public}, "\n")))
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	return &keyRow{ID: id, PublicKey: public, Sealed: sealed}, nil
}

func (t *Trail) open(row *keyRow) (*keyPair, error) {
	plain, err := t.secret.Open(secret.AuditKey.Purpose(row.ID), row.Sealed)
	if err != nil {
		return nil, fmt.Errorf("the audit key %s cannot be read with SECRET_KEY: %w", row.PublicKey, err)
	}
	parts := strings.Split(string(plain), "\n")
	if len(parts) != 3 || parts[2] != row.PublicKey {
		return nil, fmt.Errorf("the audit key %s is not the one that was made: somebody changed it", row.PublicKey)
	}
	signer, err := note.NewSigner(parts[0])
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	hmacKey, err := hex.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("audit key: %w", err)
	}
	return &keyPair{id: row.ID, public: row.PublicKey, hmacKey: hmacKey, signer: signer}, nil
}

// newestKey gives the key that writes, and makes the first.
func (t *Trail) newestKey(ctx context.Context, tx bun.Tx) (*keyPair, error) {
	if err := lockKeys(ctx, tx); err != nil {
		return nil, err
	}
	rows, err := keyRows(ctx, tx)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		return t.open(rows[len(rows)-1])
	}
	row, err := t.newKeyRow(1, "eventstream-audit-"+strings.ToLower(rand.Text()[:8]))
	if err != nil {
		return nil, err
	}
	if err := insertKey(ctx, tx, row); err != nil {
		return nil, err
	}
	return t.open(row)
}

// keyPairs gives all generations by id.
func (t *Trail) keyPairs(ctx context.Context, idb bun.IDB) (map[int64]*keyPair, []*keyRow, error) {
	rows, err := keyRows(ctx, idb)
	if err != nil {
		return nil, nil, err
	}
	pairs := make(map[int64]*keyPair, len(rows))
	for _, row := range rows {
		if pairs[row.ID], err = t.open(row); err != nil {
			return nil, nil, err
		}
	}
	return pairs, rows, nil
}

// Keys lists the generations, oldest first. The public halves are no secret: they
// are for whoever verifies.
func (t *Trail) Keys(ctx context.Context) ([]Key, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	rows, err := keyRows(ctx, t.db)
	if err != nil {
		return nil, err
	}
	from, err := rotations(ctx, t.db)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, row := range rows {
		keys[i] = Key{Public: row.PublicKey, CreatedAt: row.CreatedAt}
		if seq, ok := from[row.PublicKey]; ok {
			keys[i].Entry = &seq
		}
	}
	return keys, nil
}

// Rotate begins a new generation. The old key signs the new one, so that whoever
// trusts the first can follow. Earlier checkpoints stay valid.
func (t *Trail) Rotate(ctx context.Context) (Key, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return Key{}, err
	}
	var row *keyRow
	err := t.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		old, err := t.newestKey(ctx, tx)
		if err != nil {
			return err
		}
		if row, err = t.newKeyRow(old.id+1, old.signer.Name()); err != nil {
			return err
		}
		if err := insertKey(ctx, tx, row); err != nil {
			return err
		}
		handover, err := note.Sign(&note.Note{Text: handoverText(row.PublicKey)}, old.signer)
		if err != nil {
			return fmt.Errorf("audit key: %w", err)
		}
		return Record(ctx, tx, AuditKeyRotate, "audit", row.ID, handoverChanges{New: row.PublicKey, Handover: string(handover)})
	})
	if err != nil {
		return Key{}, err
	}
	return Key{Public: row.PublicKey, CreatedAt: row.CreatedAt}, nil
}

// handoverChanges stand in the entry of a rotation.
type handoverChanges struct {
	New      string `json:"new"`
	Handover string `json:"handover"` // signed by the old key
}

func handoverText(public string) string { return "eventstream audit key\n" + public + "\n" }

// ParseKeys reads public keys, one a line; lines that begin with # are comments.
func ParseKeys(text string) (verifiers []note.Verifier, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, apperr.Invalid("key", "%q is no public key of an audit trail: want a line such as "+
				"eventstream-audit-1a2b3c4d+01234567+AbCd…, which server audit keys prints", line)
		}
		verifiers = append(verifiers, v)
	}
	if len(verifiers) == 0 {
		return nil, errors.New("no public key was given: server audit keys prints them")
	}
	return verifiers, nil
}
