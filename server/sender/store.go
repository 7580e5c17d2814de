package sender

import (
	"context"
	"strconv"

	"eventstream/server/apperr"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// RateKey names a sender's row in rate_limits.
func RateKey(id int64) string { return "sender:" + strconv.FormatInt(id, 10) }

// CampaignKey names a campaign's row in rate_limits.
func CampaignKey(id int64) string { return "campaign:" + strconv.FormatInt(id, 10) }

func insert(ctx context.Context, tx bun.Tx, s *Sender) error {
	if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
		return db.Err(err)
	}
	return SetRate(ctx, tx, s.RateKey(), s.RatePerSecond)
}

// insertUnknown is insert, unless there is a sender of this address: two
// processes that start together both ensure the first one.
func insertUnknown(ctx context.Context, tx bun.Tx, s *Sender) error {
	res, err := tx.NewInsert().Model(s).On("CONFLICT (address) DO NOTHING").Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return SetRate(ctx, tx, s.RateKey(), s.RatePerSecond)
}

func save(ctx context.Context, tx bun.Tx, s *Sender) error {
	_, err := tx.NewUpdate().Model(s).Column("display_name", "rate_per_second", "status", "paused_reason",
		"resumed_at").
		Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	if err != nil {
		return db.Err(err)
	}
	return SetRate(ctx, tx, s.RateKey(), s.RatePerSecond)
}

// SetRate sets the pace of one key of rate_limits, also while it is being used.
// The slots that are taken already are forgotten with the old pace; a pace that
// does not change keeps them.
func SetRate(ctx context.Context, idb bun.IDB, key string, perSecond float64) error {
	_, err := idb.NewRaw(`
		INSERT INTO rate_limits AS r (key, rate_per_second) VALUES (?0, ?1) ON CONFLICT (key) DO UPDATE
		SET rate_per_second = excluded.rate_per_second,
			tat = least(r.tat, clock_timestamp() + make_interval(secs => 1 / excluded.rate_per_second))
		WHERE r.rate_per_second <> excluded.rate_per_second`, key, perSecond).Exec(ctx)
	return db.Err(err)
}

// ClearRate lifts it.
func ClearRate(ctx context.Context, idb bun.IDB, key string) error {
	_, err := idb.NewRaw("DELETE FROM rate_limits WHERE key = ?", key).Exec(ctx)
	return db.Err(err)
}

func rateOf(ctx context.Context, idb bun.IDB, key string) (perSecond float64, err error) {
	err = idb.NewRaw("SELECT rate_per_second FROM rate_limits WHERE key = ?", key).Scan(ctx, &perSecond)
	return perSecond, db.Err(err)
}

// rateForUpdate reads a rate and locks it; nil where there is none.
func rateForUpdate(ctx context.Context, tx bun.Tx, key string) (perSecond *float64, err error) {
	var rows []float64
	err = tx.NewRaw("SELECT rate_per_second FROM rate_limits WHERE key = ? FOR UPDATE", key).Scan(ctx, &rows)
	if len(rows) > 0 {
		perSecond = &rows[0]
	}
	return perSecond, db.Err(err)
}

// Grant is some slots of one campaign.
type Grant struct {
	CampaignID   *int64
	Granted      int
	StartSeconds float64 // until the first slot is due; negative: it is overdue
	StepSeconds  float64 // from one slot to the next
}

// Take takes up to want slots from a sender and the account, and deals them out
// among campaigns. With none free it tells how many seconds to wait. It must run
// outside transactions: it does not wait for the disk.
func Take(ctx context.Context, d *db.DB, senderID int64, campaigns []int64, want int,
	ahead float64,
) (grants []Grant, waitSeconds float64, err error) {
	err = d.NewRaw("SELECT * FROM rate_take(?::text[], ?::bigint[], ?, ?)", pgdialect.Array(sharedKeys(senderID)),
		pgdialect.Array(campaigns), want, ahead).Scan(ctx, &grants)
	if err == nil && len(grants) == 1 && grants[0].CampaignID == nil {
		return nil, grants[0].StartSeconds, nil
	}
	return grants, 0, db.Err(err)
}

// Refund gives slots back that were taken and not used: how many of which campaign.
func Refund(ctx context.Context, d *db.DB, senderID int64, unused map[int64]int) error {
	ids, counts, total := make([]int64, 0, len(unused)), make([]int64, 0, len(unused)), 0
	for id, n := range unused {
		ids, counts, total = append(ids, id), append(counts, int64(n)), total+n
	}
	if total == 0 {
		return nil
	}
	keys := sharedKeys(senderID)
	for _, id := range ids {
		keys = append(keys, CampaignKey(id))
	}
	// Locked in the order in which rate_take locks, or two slices could wait for
	// each other.
	_, err := d.NewRaw(`
		UPDATE rate_limits r SET tat = r.tat - make_interval(secs => x.n / r.rate_per_second)
		FROM (SELECT key FROM rate_limits WHERE key = ANY (?) ORDER BY key FOR UPDATE) l
			JOIN (SELECT k AS key, ?::float8 AS n FROM unnest(?::text[]) k UNION ALL SELECT 'campaign:' || id, n
				FROM unnest(?::bigint[], ?::bigint[]) u (id, n)) x ON x.key = l.key
		WHERE r.key = l.key`, pgdialect.Array(keys), total, pgdialect.Array(sharedKeys(senderID)), pgdialect.Array(ids),
		pgdialect.Array(counts)).Exec(ctx)
	return db.Err(err)
}

// Spend takes one slot without waiting for it: a reply goes at once, and bulk
// makes room for it.
func Spend(ctx context.Context, idb bun.IDB, senderID int64) error {
	_, err := idb.NewRaw(`
		UPDATE rate_limits SET tat = greatest(tat, clock_timestamp()) + make_interval(secs => 1 / rate_per_second)
		WHERE key IN (SELECT key FROM rate_limits WHERE key = ANY (?) ORDER BY key FOR UPDATE)`,
		pgdialect.Array(sharedKeys(senderID))).Exec(ctx)
	return db.Err(err)
}

const accountKey = "account"

func sharedKeys(senderID int64) []string { return []string{accountKey, RateKey(senderID)} }

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Sender, error) {
	s := new(Sender)
	err := db.Err(tx.NewSelect().Model(s).Where("s.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("sender %v does not exist", id)
	}
	return s, err
}

func list(ctx context.Context, idb bun.IDB) (rows []*Sender, err error) {
	err = idb.NewSelect().Model(&rows).Where("s.provider = provider_now()").Order("s.id").Scan(ctx)
	return rows, db.Err(err)
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Sender, err error) {
	err = idb.NewSelect().Model(&rows).Where("s.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

// ofSandbox are the senders of the sandbox that are not retired.
const ofSandbox = "provider = 'sandbox' AND NOT starts_with(address, ?0)"

func retire(ctx context.Context, tx bun.Tx) (int64, error) {
	res, err := tx.NewRaw(`UPDATE senders SET address = ?0 || address, status = 'paused', paused_reason = 'It belongs to the sandbox.',
		updated_at = now() WHERE id IN (SELECT id FROM senders WHERE `+ofSandbox+` ORDER BY id FOR UPDATE)`, retiredPrefix).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

// Live gives the number of senders of the provider in use that send.
func Live(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM senders WHERE provider = provider_now() AND status = 'active'").Scan(ctx, &n)
	return n, db.Err(err)
}

// OfSandbox counts the senders of the sandbox that are not retired.
func OfSandbox(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM senders WHERE "+ofSandbox, retiredPrefix).Scan(ctx, &n)
	return n, db.Err(err)
}

// InUse gives those of these senders that belong to the provider in use.
func InUse(ctx context.Context, idb bun.IDB, senders ...int64) (ids []int64, err error) {
	err = idb.NewRaw("SELECT id FROM senders WHERE id = ANY (?) AND provider = provider_now()", pgdialect.Array(senders)).Scan(ctx, &ids)
	return ids, db.Err(err)
}
