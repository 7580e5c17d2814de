// Package audit keeps the trail of every change: written in the transaction of
// the change, then chained by hash so that tampering shows.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Entry is one line of the trail.
type Entry struct {
	bun.BaseModel `bun:"table:audit_entries,alias:e"`

	ID        int64           `bun:",pk,autoincrement"`
	ActorKind string          //
	ActorID   *int64          // operator, token or contact
	Action    string          // "campaign.launch"
	Entity    string          // "campaign"
	EntityID  *int64          //
	Changes   json.RawMessage `bun:"type:jsonb"` // what changed; ids and digests, never numbers or texts of people
	RequestID string          //
	CreatedAt time.Time       `bun:",nullzero"`
	Seq       *int64          // place in the chain; nil until sealed
	PrevHash  []byte          //
	Hash      []byte          // SHA-256 over PrevHash and the fields above
}

// Record writes what the actor of ctx did, in the caller's transaction.
func Record(ctx context.Context, idb bun.IDB, action, entity string, id int64, changes any) error {
	raw, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	if changes == nil {
		raw = []byte("{}")
	}
	a := actor.From(ctx)
	if a.Kind == "" {
		a = actor.System
	}
	e := &Entry{ActorKind: string(a.Kind), Action: action, Entity: entity, Changes: raw, RequestID: actor.RequestID(ctx)}
	if a.ID != 0 {
		e.ActorID = &a.ID
	}
	if id != 0 {
		e.EntityID = &id
	}
	return insert(ctx, idb, e)
}

// RecordEach is Record for many things of one kind, each with its own entry.
func RecordEach(ctx context.Context, idb bun.IDB, action, entity string, ids []int64) error {
	a := actor.From(ctx)
	if a.Kind == "" {
		a = actor.System
	}
	e := &Entry{ActorKind: string(a.Kind), Action: action, Entity: entity, RequestID: actor.RequestID(ctx)}
	if a.ID != 0 {
		e.ActorID = &a.ID
	}
	return insertEach(ctx, idb, e, ids)
}

// Download writes that the actor of ctx begins to download a file with personal
// data, and from which network address.
func Download(ctx context.Context, idb bun.IDB, what string, id int64) error {
	changes := map[string]any{}
	if address := actor.Address(ctx); address.IsValid() {
		changes["address"] = address.Unmap().String()
	}
	return Record(ctx, idb, what+".download", what, id, changes)
}

// digest is the hash of an entry whose Seq and PrevHash are set.
func (e *Entry) digest() []byte {
	h := sha256.New()
	put := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	num := func(p *int64) []byte {
		if p == nil {
			return nil
		}
		return fmt.Append(nil, *p)
	}
	put(e.PrevHash)
	put(num(e.Seq))
	put(num(&e.ID))
	put([]byte(e.ActorKind))
	put(num(e.ActorID))
	put([]byte(e.Action))
	put([]byte(e.Entity))
	put(num(e.EntityID))
	put(e.Changes)
	put([]byte(e.RequestID))
	put([]byte(e.CreatedAt.UTC().Format("2006-01-02T15:04:05.000000Z")))
	return h.Sum(nil)
}

// Verification is the outcome of a walk along the chain.
type Verification struct {
	Entries  int64  // sealed entries walked
	Unsealed int64  // entries that wait for the sealer
	Head     []byte // hash of the newest sealed entry
	Broken   *int64 // id of the first entry that does not fit, nil when whole
	Reason   string // what does not fit
}

// Trail seals and verifies.
type Trail struct{ db *db.DB }

// NewTrail makes a Trail.
func NewTrail(d *db.DB) *Trail { return &Trail{db: d} }

// SealBatch is how many entries one transaction seals.
const SealBatch = 2000

// Seal chains what has committed since, up to SealBatch entries in order of id,
// and reports how many. Only one process seals at a time; the others return at
// once.
func (t *Trail) Seal(ctx context.Context) (int, error) { return t.SealBatch(ctx, SealBatch) }

// SealBatch is Seal for up to limit entries.
func (t *Trail) SealBatch(ctx context.Context, limit int) (int, error) {
	sealed := 0
	err := t.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		mine, err := tryLock(ctx, tx)
		if err != nil || !mine {
			return err
		}
		head, err := newest(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := unsealed(ctx, tx, int64(limit))
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, e := range rows {
			seq := int64(1)
			if head != nil {
				seq = *head.Seq + 1
				e.PrevHash = head.Hash
			}
			e.Seq = &seq
			e.Hash = e.digest()
			head = e
		}
		sealed = len(rows)
		return writeSeals(ctx, tx, rows)
	})
	return sealed, err
}

// Verify walks the chain from its first entry and stops at the first break.
func (t *Trail) Verify(ctx context.Context) (Verification, error) {
	var v Verification
	var prev []byte
	for {
		rows, err := sealedAfter(ctx, t.db, v.Entries, 5000)
		if err != nil {
			return v, err
		}
		for _, e := range rows {
			reason := ""
			switch {
			case *e.Seq != v.Entries+1:
				reason = fmt.Sprintf("entry %d of the chain is missing", v.Entries+1)
			case !bytes.Equal(e.PrevHash, prev):
				reason = "it does not follow the entry before it"
			case !bytes.Equal(e.Hash, e.digest()):
				reason = "its content does not match its hash"
			}
			if reason != "" {
				v.Broken, v.Reason, v.Head = &e.ID, reason, prev
				return v, nil
			}
			prev = e.Hash
			v.Entries++
		}
		if len(rows) == 0 {
			break
		}
	}
	v.Head = prev
	n, err := countUnsealed(ctx, t.db)
	v.Unsealed = n
	return v, err
}
