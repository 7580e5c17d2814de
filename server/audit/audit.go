// Package audit keeps the trail of every change: written in the transaction of
// the change, then chained by hash, with an HMAC beside each hash, so that
// tampering shows. Signed checkpoints leave the database, so that it shows also
// to whoever has nothing but them and the public key.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/secret"

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
	Mac       []byte          // HMAC over Hash; nil: sealed before there were keys
	KeyID     *int64          // of the key of Mac
	Leaves    []byte          // see RecordMany
}

// Record writes what the actor of ctx did, in the caller's transaction. A change of
// what is set goes through RecordChange.
func Record(ctx context.Context, idb bun.IDB, action Action, entity string, id int64, changes any) error {
	if strings.HasSuffix(action.code, ".update") {
		return fmt.Errorf("audit %s: a change is recorded with its old and new values, by RecordChange", action)
	}
	return record(ctx, idb, action, entity, id, changes)
}

func record(ctx context.Context, idb bun.IDB, action Action, entity string, id int64, changes any) error {
	return recordWith(ctx, idb, action, entity, id, changes, nil)
}

func recordWith(ctx context.Context, idb bun.IDB, action Action, entity string, id int64, changes any, leaves []byte) error {
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
	e := &Entry{ActorKind: string(a.Kind), Action: action.code, Entity: entity, Changes: raw, RequestID: actor.RequestID(ctx), Leaves: leaves}
	if a.ID != 0 {
		e.ActorID = &a.ID
	}
	if id != 0 {
		e.EntityID = &id
	}
	return insert(ctx, idb, e)
}

// RecordChange writes that the actor of ctx changed what is set of a thing: the old
// and the new value of every field that differs, and nothing else. before and after
// are what it was and is, as values that marshal to JSON objects; a field that one of
// them lacks is null there. It is the one way to record a change of what is set, so
// that taking something away leaves as much of a trace as putting it there.
func RecordChange(ctx context.Context, idb bun.IDB, action Action, entity string, id int64, before, after any) error {
	was, err := fieldsOf(before)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	is, err := fieldsOf(after)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	changes, err := differences(was, is)
	if err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	if len(changes) > 0 && was != nil { // else it is new
		if err := revise(ctx, idb, Thing{entity, id}); err != nil {
			return err
		}
	}
	return record(ctx, idb, action, entity, id, changes)
}

// Same tells whether a thing is set to what it was: RecordChange would find no difference.
func Same(before, after any) (bool, error) {
	was, err := fieldsOf(before)
	if err != nil {
		return false, err
	}
	is, err := fieldsOf(after)
	if err != nil {
		return false, err
	}
	changes, err := differences(was, is)
	return len(changes) == 0, err
}

// Difference is one field's change.
type Difference struct {
	From json.RawMessage `json:"from"`
	To   json.RawMessage `json:"to"`
}

// fieldsOf are those of a value that marshals to a JSON object; nil of null.
func fieldsOf(v any) (m map[string]any, err error) {
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	return m, err
}

// differences compares two JSON objects field by field.
func differences(was, is map[string]any) (map[string]Difference, error) {
	changes := map[string]Difference{}
	for _, m := range []map[string]any{was, is} {
		for name := range m {
			from, err := json.Marshal(was[name])
			if err != nil {
				return nil, err
			}
			to, err := json.Marshal(is[name])
			if err != nil {
				return nil, err
			}
			if !bytes.Equal(from, to) {
				changes[name] = Difference{from, to}
			}
		}
	}
	return changes, nil
}

// RecordFields writes which fields of a person's record were changed, without their
// values: those are the person's.
func RecordFields(ctx context.Context, idb bun.IDB, action Action, entity string, id int64, fields []string) error {
	if len(fields) > 0 {
		if err := revise(ctx, idb, Thing{entity, id}); err != nil {
			return err
		}
	}
	return record(ctx, idb, action, entity, id, map[string]any{"fields": fields})
}

// RecordEach is Record for many things of one kind, each with its own entry.
func RecordEach(ctx context.Context, idb bun.IDB, action Action, entity string, ids []int64) error {
	a := actor.From(ctx)
	if a.Kind == "" {
		a = actor.System
	}
	e := &Entry{ActorKind: string(a.Kind), Action: action.code, Entity: entity, RequestID: actor.RequestID(ctx)}
	if a.ID != 0 {
		e.ActorID = &a.ID
	}
	return insertEach(ctx, idb, e, ids)
}

// Download writes that the actor of ctx begins to download a file with personal
// data, and from which network address.
func Download(ctx context.Context, idb bun.IDB, action Action, id int64) error {
	changes := map[string]any{}
	if address := actor.Address(ctx); address.IsValid() {
		changes["address"] = address.Unmap().String()
	}
	return Record(ctx, idb, action, action.of(), id, changes)
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

// Trail seals, signs and verifies.
type Trail struct {
	db     *db.DB
	secret *secret.Keys
	now    func() time.Time
	log    *slog.Logger
	sinks  []Sink
}

// Options are what a Trail is made of.
type Options struct {
	DB     *db.DB
	Secret *secret.Keys // encrypts the trail's own keys
	Now    func() time.Time
	Log    *slog.Logger
	Sinks  []Sink // where checkpoints go, beside the log
}

// NewTrail makes a Trail.
func NewTrail(o Options) *Trail {
	return &Trail{db: o.DB, secret: o.Secret, now: o.Now, log: o.Log, sinks: o.Sinks}
}

// SealBatch is how many entries one transaction seals.
const SealBatch = 2000

// Seal chains what has committed since, up to SealBatch entries in order of id,
// and reports how many. Only one process seals at a time; the others return at
// once.
func (t *Trail) Seal(ctx context.Context) (int, error) { return t.SealBatch(ctx, SealBatch) }

// SealAll seals until nothing waits, or another process seals.
func (t *Trail) SealAll(ctx context.Context) error {
	for {
		if n, err := t.Seal(ctx); err != nil || n < SealBatch {
			return err
		}
	}
}

// SealBatch is Seal for up to limit entries.
func (t *Trail) SealBatch(ctx context.Context, limit int) (int, error) {
	sealed := 0
	err := t.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		mine, err := tryLock(ctx, tx)
		if err != nil || !mine {
			return err
		}
		rows, err := unsealed(ctx, tx, int64(limit))
		if err != nil || len(rows) == 0 {
			return err
		}
		head, err := newest(ctx, tx)
		if err != nil {
			return err
		}
		key, err := t.newestKey(ctx, tx)
		if err != nil {
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
			e.Mac, e.KeyID = key.mac(e.Hash), &key.id
			head = e
		}
		sealed = len(rows)
		return writeSeals(ctx, tx, rows, key.id)
	})
	return sealed, err
}
