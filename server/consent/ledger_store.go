package consent

import (
	"context"
	"time"

	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// ofSandbox are opt-ins that rest on a message that came from the sandbox, where no person
// writes. What a file tells of messages is about another provider's; an answer to our own
// question is not.
const ofSandbox = `(status = 'opted_in' AND evidence ->> 'messageSid' IS NOT NULL
	AND (evidence ->> 'file' IS NULL OR evidence ->> 'answer' IS NOT NULL)
	AND coalesce(consent_events.provider, provider_at(consent_events.created_at)) = 'sandbox')`

// withProvider has entries tell under whom they were recorded, those of older versions too.
func withProvider(q *bun.SelectQuery) *bun.SelectQuery {
	return q.ExcludeColumn("provider").ColumnExpr("coalesce(ce.provider, provider_at(ce.created_at)) AS provider")
}

// counts are the entries that count: with Twilio, nothing that was only said to the sandbox.
const counts = `NOT (` + ofSandbox + ` AND provider_now() = 'twilio')`

// ledgersOf reads, of each contact, the latest decision of each kind that matters to
// Reduce. A marketing decision that stands on the contact without an entry of its own
// (from before there was a ledger) counts from its time on; for the present, what
// stands on the contact is what the gate goes by.
func ledgersOf(ctx context.Context, idb bun.IDB, ids []int64, at *time.Time) (map[int64][]Decision, error) {
	var rows []*struct {
		ContactID int64
		Decision  `bun:",extend"`
	}
	err := idb.NewRaw(`SELECT DISTINCT ON (contact_id, purpose, status, late)
			contact_id, purpose, status, late, occurred_at AS at, id AS seq
		FROM consent_events WHERE contact_id = ANY (?0) AND `+counts+` AND (?1::timestamptz IS NULL OR occurred_at <= ?1)
		ORDER BY contact_id, purpose, status, late, occurred_at DESC, id DESC`, pgdialect.Array(ids), at).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	out := make(map[int64][]Decision, len(ids))
	for _, r := range rows {
		out[r.ContactID] = append(out[r.ContactID], r.Decision)
	}
	var standing []*contact.Contact
	err = idb.NewSelect().Model(&standing).Column("id", "consent_status", "consent_at").
		Where("c.id = ANY (?) AND c.consent_at IS NOT NULL", pgdialect.Array(ids)).Scan(ctx)
	for _, c := range standing {
		current := Decision{Purpose: PurposeMarketing, Status: c.ConsentStatus, At: *c.ConsentAt}
		switch found, ok := Standing(ofPurpose(out[c.ID], PurposeMarketing)); {
		case c.ConsentStatus == contact.ConsentUnknown || at != nil && at.Before(current.At):
		case ok && found.Status == current.Status:
		case at == nil: // the present
			out[c.ID] = append(ofPurpose(out[c.ID], PurposeUtility), current)
		default:
			out[c.ID] = append(out[c.ID], current)
		}
	}
	return out, db.Err(err)
}

func eventsByID(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]*Event, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // of none there is none
	}
	var rows []*Event
	if err := withProvider(idb.NewSelect().Model(&rows)).Where("ce.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx); err != nil {
		return nil, db.Err(err)
	}
	found := make(map[int64]*Event, len(rows))
	for _, e := range rows {
		found[e.ID] = e
	}
	return found, WithTexts(ctx, idb, rows)
}
