package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/tlog"
)

// An entry about many things has the Merkle root over a statement about each. The
// hashes lie beside the entry, with a salt, so that one of the statements can be
// proved later without telling anything of the others.

const saltSize = 16

// RecordMany is Record for many things at once. changes gets "root", over statements.
func RecordMany(ctx context.Context, idb bun.IDB, action Action, entity string, id int64, changes map[string]any,
	statements []string,
) error {
	if len(statements) == 0 {
		return fmt.Errorf("audit %s: nothing is stated", action)
	}
	leaves := make([]byte, saltSize, saltSize+tlog.HashSize*len(statements))
	_, _ = rand.Read(leaves) // never fails, see crypto/rand
	salt := bytes.Clone(leaves)
	var tree merkle
	for _, s := range statements {
		h := leafHash(blind(salt, s), s)
		tree.add(h)
		leaves = append(leaves, h[:]...)
	}
	root := tree.root()
	changes["root"] = base64.StdEncoding.EncodeToString(root[:])
	return recordWith(ctx, idb, action, entity, id, changes, leaves)
}

// blind keeps a leaf from being guessed by whoever is shown it on another's path.
func blind(salt []byte, statement string) []byte {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(statement))
	return mac.Sum(nil)[:saltSize]
}

func leafHash(blind []byte, statement string) tlog.Hash {
	return tlog.RecordHash(append(bytes.Clone(blind), statement...))
}

// LeafProof leads from a statement to the root in an entry.
type LeafProof struct {
	Entry int64       `json:"entry"` // place of the entry in the chain
	Of    int64       `json:"of"`    // how many statements it has
	Place int64       `json:"place"` // which of them this is, from 0
	Blind []byte      `json:"blind"`
	Path  []tlog.Hash `json:"path"`
}

// ProveLeaf finds the first of these statements that the entry makes. Nil: none.
func (e *Entry) ProveLeaf(statements ...string) (statement string, p *LeafProof, err error) {
	if len(e.Leaves) < saltSize || (len(e.Leaves)-saltSize)%tlog.HashSize != 0 || e.Seq == nil {
		return "", nil, nil
	}
	salt, raw := e.Leaves[:saltSize], e.Leaves[saltSize:]
	n := int64(len(raw) / tlog.HashSize)
	leaves := make([]tlog.Hash, n)
	for i := range leaves {
		copy(leaves[i][:], raw[i*tlog.HashSize:])
	}
	for _, s := range statements {
		want := leafHash(blind(salt, s), s)
		for i, leaf := range leaves {
			if leaf != want {
				continue
			}
			path, err := proveIn(leaves, int64(i))
			return s, &LeafProof{Entry: *e.Seq, Of: n, Place: int64(i), Blind: blind(salt, s), Path: path}, err
		}
	}
	return "", nil, nil
}

func proveIn(leaves []tlog.Hash, place int64) (tlog.RecordProof, error) {
	tree := hashes{made: map[int64]tlog.Hash{}}
	for i, leaf := range leaves {
		if err := tree.add(int64(i), leaf); err != nil {
			return nil, err
		}
	}
	return tlog.ProveRecord(int64(len(leaves)), place, tree)
}

// Check holds a statement against the root in an entry's changes.
func (p *LeafProof) Check(statement, changes string) error {
	var c struct {
		Root tlog.Hash `json:"root"`
	}
	if err := json.Unmarshal([]byte(changes), &c); err != nil {
		return fmt.Errorf("the entry has no Merkle root: %w", err)
	}
	if err := tlog.CheckRecord(p.Path, p.Of, c.Root, p.Place, leafHash(p.Blind, statement)); err != nil {
		return errors.New("the statement is not one of the entry's")
	}
	return nil
}
