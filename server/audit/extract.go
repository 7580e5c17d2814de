package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An extract takes entries out of the trail so that they can be checked without it:
// each with its path to a signed checkpoint, all under one signature.

// ExtractEntry is an entry with its Merkle path to the extract's checkpoint.
type ExtractEntry struct {
	Seq       int64       `json:"seq"`
	ID        int64       `json:"id"`
	ActorKind string      `json:"actorKind"`
	ActorID   *int64      `json:"actorId"`
	Action    string      `json:"action"`
	Entity    string      `json:"entity"`
	EntityID  *int64      `json:"entityId"`
	Changes   string      `json:"changes"` // JSON, spelt as it was hashed
	RequestID string      `json:"requestId"`
	CreatedAt time.Time   `json:"createdAt"`
	PrevHash  string      `json:"prevHash"` // hexadecimal
	Path      []tlog.Hash `json:"path"`
}

// Extract is what an extract proves with.
type Extract struct {
	Entries    []ExtractEntry    `json:"entries"`
	Checkpoint string            `json:"checkpoint"`
	Handovers  []handoverChanges `json:"handovers"` // from earlier public keys to the one that signed
}

// Extract gives the entries, which must be sealed, with paths to a checkpoint that
// covers all of them; it makes one if need be.
func (t *Trail) Extract(ctx context.Context, entries []*Entry) (*Extract, error) {
	x := &Extract{Entries: []ExtractEntry{}, Handovers: []handoverChanges{}}
	highest := int64(1)
	for _, e := range entries {
		highest = max(highest, *e.Seq)
	}
	c, err := lastCheckpoint(ctx, t.db)
	if err != nil {
		return nil, err
	}
	if c == nil || c.Size < highest {
		if c, err = t.Checkpoint(ctx); err != nil {
			return nil, err
		}
	}
	if c == nil {
		return nil, errors.New("the audit trail has no entries yet")
	}
	x.Checkpoint = c.Note
	for _, e := range entries {
		path, err := tlog.ProveRecord(c.Size, *e.Seq-1, treeReader(ctx, t.db))
		if err != nil {
			return nil, fmt.Errorf("merkle path: %w", err)
		}
		x.Entries = append(x.Entries, ExtractEntry{
			Seq: *e.Seq, ID: e.ID, ActorKind: e.ActorKind, ActorID: e.ActorID, Action: e.Action, Entity: e.Entity,
			EntityID: e.EntityID, Changes: string(e.Changes), RequestID: e.RequestID, CreatedAt: e.CreatedAt.UTC(),
			PrevHash: hex.EncodeToString(e.PrevHash), Path: path,
		})
	}
	rotated, err := handovers(ctx, t.db)
	if err != nil {
		return nil, err
	}
	for _, e := range rotated {
		var h handoverChanges
		if err := json.Unmarshal(e.Changes, &h); err != nil {
			return nil, fmt.Errorf("entry of a key: %w", err)
		}
		x.Handovers = append(x.Handovers, h)
	}
	_, err = x.Check(nil, true)
	return x, err
}

// Check verifies every entry against the checkpoint, and the checkpoint against the
// keys; unsigned leaves the latter out.
func (x *Extract) Check(keys []note.Verifier, unsigned bool) (*Checkpoint, error) {
	c, err := parseTrusted(x.Checkpoint)
	if !unsigned {
		c, err = ParseCheckpoint(x.Checkpoint, keys)
	}
	if err != nil {
		return nil, fmt.Errorf("the checkpoint does not count: %w", err)
	}
	for _, e := range x.Entries {
		prev, err := hex.DecodeString(e.PrevHash)
		if err != nil {
			return nil, fmt.Errorf("entry %d: the hash before it is no hexadecimal number", e.Seq)
		}
		entry := Entry{
			ID: e.ID, ActorKind: e.ActorKind, ActorID: e.ActorID, Action: e.Action, Entity: e.Entity, EntityID: e.EntityID,
			Changes: json.RawMessage(e.Changes), RequestID: e.RequestID, CreatedAt: e.CreatedAt, Seq: &e.Seq, PrevHash: prev,
		}
		if err := tlog.CheckRecord(e.Path, c.Size, c.Root, e.Seq-1, tlog.RecordHash(entry.digest())); err != nil {
			return nil, fmt.Errorf("entry %d is not the one that the checkpoint signed", e.Seq)
		}
	}
	return c, nil
}

// Follow gives the keys, and those that they handed over to.
func (x *Extract) Follow(keys []note.Verifier) []note.Verifier {
	for _, h := range x.Handovers {
		if next, _, ok := h.follow(keys); ok {
			keys = append(keys, next)
		}
	}
	return keys
}

// signatureLine parts a signed document from its signature.
const signatureLine = "\n--- signature ---\n"

// SignDocument puts a signature by the newest key under a document, over every byte.
func (t *Trail) SignDocument(ctx context.Context, document string) (string, error) {
	keys, rows, err := t.keyPairs(ctx, t.db)
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", errors.New("the audit trail has no key yet")
	}
	signed, err := note.Sign(&note.Note{Text: documentText(document)}, keys[rows[len(rows)-1].ID].signer)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return document + signatureLine + string(signed), nil
}

// SplitDocument parts a document from its signature, which is not checked yet.
func SplitDocument(raw string) (document, signature string, err error) {
	i := strings.LastIndex(raw, signatureLine)
	if i < 0 {
		return "", "", errors.New("it is no signed document: it has no signature at its end")
	}
	return raw[:i], raw[i+len(signatureLine):], nil
}

// CheckDocument verifies the signature of a document.
func CheckDocument(document, signature string, keys []note.Verifier) error {
	n, err := openNote(signature, keys)
	if err != nil {
		return err
	}
	if n.Text != documentText(document) {
		return errors.New("its signature does not fit its text: it was changed")
	}
	return nil
}

func documentText(document string) string {
	sum := sha256.Sum256([]byte(document))
	return "eventstream document\nsha256 " + hex.EncodeToString(sum[:]) + "\n"
}
