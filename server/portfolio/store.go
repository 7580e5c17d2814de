package portfolio

import (
	"context"
	"time"

	"eventstream/server/db"
	"eventstream/server/gate"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// row is the one row of table portfolio.
type row struct {
	ByHand, Told    *int
	ToldText        string
	ToldAt          *time.Time
	PromisedUntil   time.Time
	PromisedContact int64
	Now             time.Time // by Postgres' clock
}

// people is the limit; nil: it is not known; 0: there is none.
func (r *row) people() *int {
	if r.ByHand != nil {
		return r.ByHand
	}
	return r.Told
}

// limit is the limit; 0: none holds.
func (r *row) limit() int {
	if n := r.people(); n != nil {
		return *n
	}
	return 0
}

const columns = "SELECT by_hand, told, told_text, told_at, promised_until, promised_contact, clock_timestamp() AS now FROM portfolio"

func read(ctx context.Context, idb bun.IDB) (*row, error) {
	r := new(row)
	return r, db.Err(idb.NewRaw(columns).Scan(ctx, r))
}

func lock(ctx context.Context, tx bun.Tx) (*row, error) {
	if _, err := tx.NewRaw("SELECT 1 FROM portfolio FOR UPDATE").Exec(ctx); err != nil {
		return nil, db.Err(err)
	}
	return read(ctx, tx) // its clock is that of the moment when the lock was there
}

func save(ctx context.Context, tx bun.Tx, r *row) error {
	_, err := tx.NewRaw("UPDATE portfolio SET by_hand = ?, told = ?, told_text = ?, told_at = ?, promised_until = ?, promised_contact = ?",
		r.ByHand, r.Told, r.ToldText, r.ToldAt, r.PromisedUntil, r.PromisedContact).Exec(ctx)
	return db.Err(err)
}

// counted is how many people count now.
func counted(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM portfolio_people WHERE until > clock_timestamp()").Scan(ctx, &n)
	return n, db.Err(err)
}

func forgetPast(ctx context.Context, tx bun.Tx, now time.Time) error {
	_, err := tx.NewRaw("DELETE FROM portfolio_people WHERE until <= ?", now).Exec(ctx)
	return db.Err(err)
}

func forget(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.NewRaw(`UPDATE portfolio SET told = NULL, told_text = '', told_at = NULL, promised_until = 'epoch',
		promised_contact = 0`).Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("DELETE FROM portfolio_people").Exec(ctx)
	return db.Err(err)
}

// held are those of these people who count, and until when.
func held(ctx context.Context, idb bun.IDB, people []int64) (map[int64]time.Time, error) {
	var rows []place
	err := idb.NewRaw("SELECT contact_id, until FROM portfolio_people WHERE contact_id = ANY (?) AND until > clock_timestamp()",
		pgdialect.Array(people)).Scan(ctx, &rows)
	found := make(map[int64]time.Time, len(rows))
	for _, r := range rows {
		found[r.ContactID] = r.Until
	}
	return found, db.Err(err)
}

func take(ctx context.Context, tx bun.Tx, people []int64, until time.Time) error {
	if len(people) == 0 {
		return nil
	}
	_, err := tx.NewRaw(`INSERT INTO portfolio_people (contact_id, until) SELECT id, ? FROM unnest(?::bigint[]) id
		ON CONFLICT (contact_id) DO UPDATE SET until = excluded.until`, until, pgdialect.Array(people)).Exec(ctx)
	return db.Err(err)
}

// place is one of the limit's, by when it becomes free and whose it is.
type place struct {
	Until     time.Time
	ContactID int64
}

// nextFree are the first n places that become free behind one.
func nextFree(ctx context.Context, idb bun.IDB, after place, n int) (rows []place, err error) {
	err = idb.NewRaw("SELECT until, contact_id FROM portfolio_people WHERE (until, contact_id) > (?, ?) ORDER BY until, contact_id LIMIT ?",
		after.Until, after.ContactID, n).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// freesIn is in how long the place becomes free that so many do before.
func freesIn(ctx context.Context, idb bun.IDB, before int64) (time.Duration, error) {
	var seconds []float64
	err := idb.NewRaw(`SELECT extract(epoch FROM until - clock_timestamp())::float8 FROM portfolio_people
		WHERE until > clock_timestamp() ORDER BY until, contact_id OFFSET ? LIMIT 1`, before).Scan(ctx, &seconds)
	if err != nil || len(seconds) == 0 {
		return 0, db.Err(err)
	}
	return time.Duration(seconds[0] * float64(time.Second)), nil
}

func giveBack(ctx context.Context, tx bun.Tx, people []int64, places map[int64]Place) error {
	untils, befores := make([]*time.Time, len(people)), make([]*time.Time, len(people))
	for i, id := range people {
		p := places[id]
		untils[i], befores[i] = &p.until, p.before
	}
	const given = " FROM unnest(?::bigint[], ?::timestamptz[], ?::timestamptz[]) u (id, until, before) WHERE p.contact_id = u.id AND p.until = u.until AND u.before "
	args := []any{pgdialect.Array(people), db.TimeArray(untils), db.TimeArray(befores)}
	if _, err := tx.NewRaw("UPDATE portfolio_people p SET until = u.before"+given+"IS NOT NULL", args...).Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("DELETE FROM portfolio_people p USING"+given[len(" FROM"):]+"IS NULL", args...).Exec(ctx)
	return db.Err(err)
}

// countPast counts those who were written to outside their windows before anybody counted them.
func countPast(ctx context.Context, tx bun.Tx) error {
	_, err := tx.NewRaw(`
		INSERT INTO portfolio_people AS p (contact_id, until)
		SELECT coalesce(c.merged_into, c.id), max(m.accepted_at) + make_interval(secs => ?0)
		FROM (SELECT x.contact_id, x.accepted_at, x.sender_id FROM campaigns ca JOIN messages x ON x.campaign_id = ca.id
				WHERE ca.started_at IS NOT NULL AND (ca.finished_at IS NULL OR ca.finished_at > now() - interval '4 days')
				AND x.accepted_at > now() - make_interval(secs => ?0) AND x.template_version_id IS NOT NULL
			UNION ALL
			SELECT x.contact_id, x.accepted_at, x.sender_id FROM messages x WHERE x.campaign_id IS NULL AND x.direction = 'outbound'
				AND x.purpose <> 'history' AND x.accepted_at > now() - make_interval(secs => ?0) AND x.template_version_id IS NOT NULL) m
			JOIN senders s ON s.id = m.sender_id AND s.provider = provider_now()
			JOIN contacts c ON c.id = m.contact_id
		WHERE NOT EXISTS (SELECT 1 FROM messages i WHERE i.contact_id = m.contact_id AND i.sender_id = m.sender_id AND i.direction = 'inbound'
			AND i.created_at > m.accepted_at - interval '24 hours' AND i.created_at <= m.accepted_at)
		GROUP BY 1 ON CONFLICT (contact_id) DO UPDATE SET until = greatest(p.until, excluded.until)`, Window.Seconds()).Exec(ctx)
	return db.Err(err)
}

// waiting is how many messages of campaigns wait for a place.
func waiting(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM messages WHERE work = 'send' AND not_before_reason = ?", gate.WaitsForRoom).Scan(ctx, &n)
	return n, db.Err(err)
}
