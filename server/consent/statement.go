package consent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"eventstream/server/audit"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// statement is what the audit trail keeps the hash of. Fields are only ever added
// where they may be left out, so that old hashes fit what is read back.
type statement struct {
	Contact     int64                 `json:"contact"`
	AddressHash string                `json:"addressHash"` // keyed
	Status      contact.ConsentStatus `json:"status"`
	Purpose     Purpose               `json:"purpose"`
	Source      Source                `json:"source"`
	Evidence    Evidence              `json:"evidence"`
	OccurredAt  string                `json:"occurredAt"`
	Late        bool                  `json:"late"`
}

// Statement is an event in the words that the audit trail keeps the hash of.
func (e *Event) Statement() string {
	raw, err := json.Marshal(statement{
		e.ContactID, hex.EncodeToString(e.AddressHash), e.Status, e.Purpose, e.Source, e.Evidence,
		e.OccurredAt.UTC().Round(time.Microsecond).Format("2006-01-02T15:04:05.000000Z"), e.Late,
	})
	if err != nil { // it has nothing but strings, numbers and flags
		panic(err)
	}
	return string(raw)
}

// Digest is the hash of the statement.
func (e *Event) Digest() string {
	sum := sha256.Sum256([]byte(e.Statement()))
	return hex.EncodeToString(sum[:])
}

// recordOne writes the entry of the audit trail about one event.
func recordOne(ctx context.Context, tx bun.Tx, e *Event) error {
	return audit.Record(ctx, tx, audit.ConsentSet, "contact", e.ContactID,
		map[string]any{"purpose": e.Purpose, "status": e.Status, "source": e.Source, "event": e.ID, "sha256": e.Digest()})
}

// recordMany writes one entry about many events, by which each can be proved.
func recordMany(ctx context.Context, tx bun.Tx, events []*Event) error {
	statements := make([]string, len(events))
	first, last := events[0].ID, events[0].ID
	for i, e := range events {
		statements[i] = e.Statement()
		first, last = min(first, e.ID), max(last, e.ID)
	}
	return audit.RecordMany(ctx, tx, audit.ConsentRecord, "consent_events", first,
		map[string]any{"events": len(events), "last": last}, statements)
}
