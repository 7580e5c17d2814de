package campaign

import (
	"context"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/jobs"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/segment"
	"eventstream/server/template"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insert(ctx context.Context, tx bun.Tx, c *Campaign) error {
	_, err := tx.NewInsert().Model(c).Exec(ctx)
	return db.Err(err)
}

func save(ctx context.Context, tx bun.Tx, c *Campaign) error {
	_, err := tx.NewUpdate().Model(c).ExcludeColumn("id", "created_at", "created_by", "updated_at",
		"archived_at", "labels", "audience_cursor", "provider", "draw", "treated", "held_out").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

func remove(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("DELETE FROM campaigns WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func forUpdate(ctx context.Context, tx bun.Tx, id int64) (*Campaign, error) {
	c := new(Campaign)
	err := db.Err(tx.NewSelect().Model(c).Where("ca.id = ?", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("campaign %v does not exist", id)
	}
	return c, err
}

func byIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("ca.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	if len(f.Statuses) > 0 {
		q = q.Where("ca.status IN (?)", bun.List(f.Statuses))
	}
	if len(f.Approvals) > 0 {
		q = q.Where("ca.approval IN (?)", bun.List(f.Approvals))
	}
	q = onShelf(q, f)
	if s := contact.CleanText(f.Search); s != "" {
		q = q.Where("strpos(lower(ca.name), lower(?)) > 0", s)
	}
	return q
}

func list(ctx context.Context, idb bun.IDB, f Filter, p db.Page) (db.Slice[*Campaign], error) {
	var rows []*Campaign
	q, err := p.Apply(filtered(idb.NewSelect().Model(&rows), f), "ca", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Campaign]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Campaign]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB, f Filter) (int64, error) {
	n, err := filtered(idb.NewSelect().Model((*Campaign)(nil)), f).Count(ctx)
	return n, db.Err(err)
}

// screen is the part of the gate that is asked of a whole audience at once; the
// rest is looked at when the message goes.
type screen struct {
	category template.Category
	topicID  *int64
}

// reason gives the skip reason in the gate's order; ” passes. It asks columns
// of contacts c and, with a topic, of what join joined.
func (s screen) reason() string {
	sql := `CASE WHEN c.consent_status = 'opted_out' THEN 'opted_out'`
	if s.category == template.CategoryUtility {
		sql += ` WHEN c.utility_status = 'opted_out' THEN 'opted_out'`
	}
	if s.topicID != nil {
		sql += ` WHEN ct.status IS DISTINCT FROM 'subscribed' THEN 'not_subscribed'`
	}
	sql += ` WHEN c.consent_status <> 'opted_in' THEN 'no_consent'
		WHEN NOT c.reachable AND (c.unreachable_until IS NULL OR c.unreachable_until > now()) THEN 'unreachable'`
	if s.category == template.CategoryMarketing {
		sql += ` WHEN c.region = 'US' OR NOT c.marketing_eligible AND (c.ineligible_until IS NULL OR c.ineligible_until > now()) THEN 'ineligible'`
	}
	return sql + ` ELSE '' END`
}

// join joins the contact's subscription to the topic, for contacts behind after.
func (s screen) join(after int64) contact.Predicate {
	if s.topicID == nil {
		return contact.Predicate{}
	}
	return contact.Predicate{SQL: " LEFT JOIN contact_topics ct ON ct.contact_id = c.id AND ct.topic_id = ? AND ct.contact_id > ?", Args: []any{*s.topicID, after}}
}

// take notes how far the audience is taken, and what came of the newest part.
func take(ctx context.Context, tx bun.Tx, id int64, t message.Taken) error {
	_, err := tx.NewRaw(`UPDATE campaigns SET audience_cursor = ?, treated = treated + ?, held_out = held_out + ? WHERE id = ?`,
		t.Last, t.Sent, t.Held, id).Exec(ctx)
	return db.Err(err)
}

// audience is how many there are of one kind in a campaign's audience.
type audience struct {
	Reason  string // why they get nothing; "": they get a message
	Region  string // of those who get one, the country of their number
	Variant int    // what they draw
	Waits   bool   // for the winner
	Version int64  // that they get; 0 where what would be sent is not known
	N       int64
}

// countAudience counts an audience by what the screen says and what they draw.
func countAudience(ctx context.Context, idb bun.IDB, p segment.Predicate, by screen, d draws, version contact.Predicate) (rows []audience, err error) {
	join, drawn := by.join(0), d.sql()
	args := append(append(append(append([]any{}, version.Args...), join.Args...), drawn.Args...), p.Args...)
	err = idb.NewRaw(`
		SELECT reason, CASE WHEN reason = '' THEN region ELSE '' END AS region, variant, waits, CASE WHEN reason = '' THEN version ELSE 0 END AS version,
			count(*) AS n
		FROM (SELECT CASE WHEN screened <> '' THEN screened ELSE held END AS reason, x.* FROM (
			SELECT `+by.reason()+` AS screened, c.region, `+version.SQL+` AS version, d.* FROM contacts c`+join.SQL+`
				CROSS JOIN LATERAL (`+drawn.SQL+`) d WHERE c.erased_at IS NULL AND (`+p.SQL+`)) x) y
		GROUP BY 1, 2, 3, 4, 5`, args...).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// audienceSample draws from those whom the screen lets through.
func audienceSample(ctx context.Context, idb bun.IDB, p segment.Predicate, by screen,
	n int64,
) (rows []*contact.Contact, err error) {
	join := by.join(0)
	err = idb.NewSelect().Model(&rows).Join(join.SQL,
		join.Args...).Where("c.erased_at IS NULL AND "+by.reason()+" = ''").Where("("+p.SQL+")", p.Args...).
		OrderExpr("hashint8(c.id)").Limit(n).Scan(ctx)
	return rows, db.Err(err)
}

// saveShares sets a campaign's senders.
func saveShares(ctx context.Context, tx bun.Tx, campaignID int64, shares Shares) error {
	weights := make([]int64, len(shares))
	for i, x := range shares {
		weights[i] = int64(x.Weight)
	}
	if _, err := tx.NewRaw("DELETE FROM campaign_senders WHERE campaign_id = ?", campaignID).Exec(ctx); err != nil {
		return db.Err(err)
	}
	_, err := tx.NewRaw("INSERT INTO campaign_senders (campaign_id, sender_id, weight, position) SELECT ?, u.s, u.w, u.o FROM unnest(?::bigint[], ?::int[]) WITH ORDINALITY u (s, w, o)",
		campaignID, pgdialect.Array(shares.senders()), pgdialect.Array(weights)).Exec(ctx)
	return db.Err(err)
}

func sharesOf(ctx context.Context, idb bun.IDB, campaignIDs []int64) (map[int64]Shares, error) {
	var rows []struct {
		CampaignID int64
		SenderID   int64
		Weight     int
	}
	err := idb.NewRaw("SELECT campaign_id, sender_id, weight FROM campaign_senders WHERE campaign_id = ANY (?) ORDER BY campaign_id, position", pgdialect.Array(campaignIDs)).Scan(ctx, &rows)
	found := make(map[int64]Shares, len(campaignIDs))
	for _, id := range campaignIDs {
		found[id] = Shares{}
	}
	for _, r := range rows {
		found[r.CampaignID] = append(found[r.CampaignID], Share{r.SenderID, r.Weight})
	}
	return found, db.Err(err)
}

// activeShares are a campaign's senders that send.
func activeShares(ctx context.Context, idb bun.IDB, campaignID int64) (shares Shares, err error) {
	err = idb.NewRaw(`SELECT cs.sender_id, cs.weight FROM campaign_senders cs JOIN senders s ON s.id = cs.sender_id
		WHERE cs.campaign_id = ? AND s.status = 'active' ORDER BY cs.position`, campaignID).Scan(ctx, &shares)
	return shares, db.Err(err)
}

// TriedColumns count over message_counts what was tried, and how much of it failed.
const TriedColumns = `coalesce(sum(n) FILTER (WHERE measure IN ('failed', 'undelivered')), 0) AS errors, coalesce(sum(n) FILTER (WHERE measure IN ('at:accepted', 'at:refused')), 0) AS tried`

// tried is what a campaign has tried so far, and how much of it failed.
func tried(ctx context.Context, idb bun.IDB, id int64) (errs, all int64, err error) {
	err = idb.NewRaw("SELECT "+TriedColumns+" FROM message_counts WHERE campaign_id = ?", id).Scan(ctx, &errs, &all)
	return errs, all, db.Err(err)
}

// LiveWorkers are the owner names of the worker processes that live.
func LiveWorkers(ctx context.Context, idb bun.IDB) (owners []string, err error) {
	err = idb.NewRaw("SELECT owner FROM leases WHERE name LIKE ? AND expires_at >= clock_timestamp() ORDER BY owner",
		jobs.WorkerLease+"%").Scan(ctx, &owners)
	return owners, db.Err(err)
}

// halfCanceled are campaigns that ended while messages of theirs are pending.
func halfCanceled(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT ca.id FROM campaigns ca WHERE ca.status IN ('canceled', 'failed') 
			AND ca.updated_at > now() - interval '30 days'
		AND EXISTS (SELECT 1 FROM message_counts mc WHERE mc.campaign_id = ca.id AND mc.measure = 'pending' AND mc.n > 0)`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// remainingSum sums over message_counts what keeps a campaign from completing: all
// that may still go, without what waits for a person's decision or to be
// redelivered, which can take days.
const remainingSum = `coalesce(sum(CASE WHEN measure IN ('pending', 'submitting', 'unknown') THEN n WHEN measure IN ('at:undecided', 'at:redelivering') THEN -n END), 0)`

func remaining(ctx context.Context, idb bun.IDB, campaignID int64) (left int64, err error) {
	err = idb.NewRaw("SELECT "+remainingSum+" FROM message_counts WHERE campaign_id = ?", campaignID).Scan(ctx, &left)
	return left, db.Err(err)
}

// writtenTo is to how many recipients a campaign was sent, with those of whom nobody knows yet.
func writtenTo(ctx context.Context, idb bun.IDB, id int64) (n int64, err error) {
	err = idb.NewRaw(`SELECT coalesce(sum(n) FILTER (WHERE measure IN ('at:accepted', 'at:refused', 'unknown')), 0)
		FROM message_counts WHERE campaign_id = ?`, id).Scan(ctx, &n)
	return n, db.Err(err)
}

func inFlight(ctx context.Context, idb bun.IDB, campaignID int64) (n int64, err error) {
	err = idb.NewRaw("SELECT coalesce(sum(n), 0) FROM message_counts WHERE campaign_id = ? AND measure = 'submitting'",
		campaignID).Scan(ctx, &n)
	return n, db.Err(err)
}

// unprepared are campaigns whose audience nobody takes, and whose launch cannot be
// undone any more. A job that was just enqueued shows in River's table, not yet in a
// lease.
func unprepared(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`
		SELECT ca.id FROM campaigns ca WHERE ca.status = 'preparing'
			AND (ca.undo_until IS NULL OR ca.undo_until <= now())
			AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'campaign_prepare:' || ca.id AND l.expires_at >= now())
			AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.kind = 'campaign_prepare' AND j.state IN ('available', 'pending') AND (j.args ->> 'campaign_id')::bigint = ca.id)`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// finished are campaigns that send and have nothing left, or whose time is over.
func finished(ctx context.Context, idb bun.IDB) (rows []*Campaign, err error) {
	err = idb.NewRaw(`
		SELECT ca.* FROM campaigns ca WHERE ca.status = 'sending'
			AND (ca.ends_at <= now() OR (SELECT `+remainingSum+` FROM message_counts mc WHERE mc.campaign_id = ca.id) <= 0)`).Scan(ctx, &rows)
	return rows, db.Err(err)
}

// Counts are a campaign's numbers, from the counters.
type Counts struct {
	Audience, Pending, Submitting, Accepted, Sent, Delivered, Read, Failed, Undelivered, Canceled, Expired, Skipped,
	Unknown, Clicked, Replied, OptedOut int64

	Tried         int64 // accepted by Twilio, or refused by it for good
	WaitForWinner int64 // of Pending: wait for the winner of the campaign's test
	Undecided     int64 // of Unknown: only a person can decide about them
	Redelivering  int64 // of Pending, Submitting and Unknown: wait for another attempt, or are under way with one
}

// Reason is how many ended so for one reason.
type Reason struct {
	Measure string // skipped, failed or undelivered
	Reason  string // skip reason or error code
	N       int64
}

// Progress is a campaign's numbers with the reasons behind them.
type Progress struct {
	Counts
	Reasons   []Reason
	Deferrals []Reason // messages that had to wait, by the first reason
}

// ProgressOf reads the counters of many campaigns in one query.
func (s *Service) ProgressOf(ctx context.Context, ids []int64) (map[int64]*Progress, error) {
	var rows []struct {
		CampaignID int64
		Measure    string
		Reason     string
		N          int64
	}
	err := s.db.NewRaw("SELECT campaign_id, measure, reason, n FROM message_counts WHERE campaign_id = ANY (?) AND n <> 0 ORDER BY n DESC", pgdialect.Array(ids)).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	out := make(map[int64]*Progress, len(ids))
	for _, id := range ids {
		out[id] = &Progress{}
	}
	for _, r := range rows {
		p := out[r.CampaignID]
		if into := p.field(r.Measure); into != nil {
			*into += r.N
		}
		if r.Measure == "at:accepted" || r.Measure == "at:refused" {
			p.Tried += r.N
		}
		if len(r.Measure) < 3 || r.Measure[:3] != "at:" {
			p.Audience += r.N
		}
		switch message.Status(r.Measure) {
		case deferredMeasure:
			p.Deferrals = append(p.Deferrals, Reason{r.Measure, r.Reason, r.N})
		case message.StatusSkipped, message.StatusFailed, message.StatusUndelivered:
			p.Reasons = append(p.Reasons, Reason{r.Measure, r.Reason, r.N})
		}
	}
	return out, nil
}

const deferredMeasure = "at:deferred"

func (p *Progress) field(measure string) *int64 {
	return map[string]*int64{
		"pending": &p.Pending, "submitting": &p.Submitting, "unknown": &p.Unknown, "skipped": &p.Skipped, "failed": &p.Failed,
		"undelivered": &p.Undelivered, "canceled": &p.Canceled, "expired": &p.Expired, "at:accepted": &p.Accepted,
		"at:sent":      &p.Sent,
		"at:delivered": &p.Delivered, "at:read": &p.Read, "at:clicked": &p.Clicked, "at:replied": &p.Replied, "at:opted_out": &p.OptedOut,
		"at:winner": &p.WaitForWinner, "at:undecided": &p.Undecided, "at:redelivering": &p.Redelivering,
	}[measure]
}

// dueScheduled are the campaigns whose time has come, by Postgres' clock, without
// those that wait for approval, and whose start failed a moment ago.
func dueScheduled(ctx context.Context, idb bun.IDB) (ids []int64, err error) {
	err = idb.NewRaw(`SELECT id FROM campaigns WHERE status = 'scheduled' AND next_run_at <= now() AND approval <> 'waiting' AND NOT EXISTS (SELECT 1 FROM sending_hold)
		AND (start_retry_at IS NULL OR start_retry_at <= now()) ORDER BY next_run_at LIMIT 50`).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// startedBetween are the first n campaigns that started from a moment on and before another.
func startedBetween(ctx context.Context, idb bun.IDB, from, to time.Time, n int) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("started_at >= ? AND started_at < ?", from, to).Order("started_at", "id").Limit(int64(n)).Scan(ctx)
	return rows, db.Err(err)
}

// scheduledBefore are the first n scheduled campaigns that start, or go on recurring, before a moment.
func scheduledBefore(ctx context.Context, idb bun.IDB, to time.Time, n int) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("status = 'scheduled' AND next_run_at < ?", to).Order("next_run_at", "id").Limit(int64(n)).Scan(ctx)
	return rows, db.Err(err)
}

// recurringBefore locks the recurring campaigns whose next run was due by then.
func recurringBefore(ctx context.Context, tx bun.Tx, then time.Time) (rows []*Campaign, err error) {
	err = tx.NewSelect().Model(&rows).Where("status = 'scheduled' AND next_run_at <= ? AND schedule -> 'recurrence' IS NOT NULL", then).
		Order("id").For("UPDATE").Scan(ctx)
	return rows, db.Err(err)
}

// postponeStart notes that a scheduled start failed, and when it is tried again:
// after ten seconds at first, at last every ten minutes.
func postponeStart(ctx context.Context, idb bun.IDB, id int64, cause string) error {
	_, err := idb.NewRaw(`UPDATE campaigns SET start_failures = start_failures + 1, start_error = ?,
		start_retry_at = clock_timestamp() + make_interval(secs => least(10 * 2 ^ least(start_failures, 6), 600)) WHERE id = ? AND status = 'scheduled'`, cause, id).Exec(ctx)
	return db.Err(err)
}

func runsOf(ctx context.Context, idb bun.IDB, parent int64, n int) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("ca.parent_id = ?", parent).Order("ca.id DESC").Limit(int64(n)).Scan(ctx)
	return rows, db.Err(err)
}

// RecentOf tells what other campaigns did with these contacts, as far as c's cap
// asks, and by the provider in use: what the sandbox took has reached nobody. A message
// that needs a decision may have arrived, and counts as accepted:
// waiting for a person would hold this campaign back.
func RecentOf(ctx context.Context, idb bun.IDB, c *Campaign, contactIDs []int64) (map[int64]gate.Recent, error) {
	if c.FrequencyCap == nil {
		return nil, nil //nolint:nilnil // nothing counts
	}
	var rows []struct {
		ContactID          int64
		Accepted, InFlight int
	}
	err := idb.NewRaw(`
		WITH people AS (
			SELECT id, id AS person FROM unnest(?0::bigint[]) id
			UNION ALL SELECT id, merged_into FROM contacts WHERE merged_into = ANY (?0))
		SELECT p.person AS contact_id, count(*) FILTER (WHERE accepted_at IS NOT NULL OR decision_since IS NOT NULL) AS accepted,
			count(*) FILTER (WHERE accepted_at IS NULL AND decision_since IS NULL) AS in_flight
		FROM people p JOIN messages m ON m.contact_id = p.id
		WHERE (campaign_id <> ?1 AND (m.sender_id = ANY (ARRAY(SELECT s.id FROM senders s WHERE s.provider <> provider_now()))) IS NOT TRUE
				OR purpose = 'history' AND direction = 'outbound')
			AND (accepted_at > clock_timestamp() - make_interval(days => ?2) OR (accepted_at IS NULL AND work = 'watch'))
		GROUP BY 1`, pgdialect.Array(contactIDs), c.ID, c.FrequencyCap.Days).Scan(ctx, &rows)
	found := make(map[int64]gate.Recent, len(rows))
	for _, r := range rows {
		found[r.ContactID] = gate.Recent{Accepted: r.Accepted, InFlight: r.InFlight}
	}
	return found, db.Err(err)
}

// neededVersions are those that campaigns ca still send: of one with variants, once the winner is chosen, the winner's alone.
const neededVersions = `SELECT ca.template_version_id WHERE ca.variant_test IS NULL
	UNION ALL SELECT l.template_version_id FROM campaign_languages l WHERE l.campaign_id = ca.id AND (ca.winner IS NULL OR l.variant = ca.winner)`

// sendingVersion are the campaigns that send a version of a template, or are about to.
func sendingVersion(ctx context.Context, tx bun.Tx, versionID int64) (ids []int64, err error) {
	err = tx.NewRaw("SELECT id FROM campaigns ca WHERE status IN ('preparing', 'sending') AND ? IN ("+neededVersions+") ORDER BY id", versionID).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// frozenWordings are those of a campaign that was launched, of each variant.
func frozenWordings(ctx context.Context, idb bun.IDB, c *Campaign, t *template.Template, variants Variants) ([]wordings, error) {
	all := []wordings{{own: template.Wording{Language: t.Language, VersionID: *c.TemplateVersionID}}}
	var rows []struct {
		Variant int
		Own     bool

		template.Wording `bun:",embed"`
	}
	err := idb.NewRaw("SELECT l.variant, l.language, l.template_version_id AS version_id, coalesce(l.template_version_id = cv.template_version_id, false) AS own "+
		"FROM campaign_languages l JOIN template_versions v ON v.id = l.template_version_id "+
		"LEFT JOIN campaign_variants cv ON cv.campaign_id = l.campaign_id AND cv.position = l.variant "+
		"WHERE l.campaign_id = ? ORDER BY l.variant, v.template_id", c.ID).Scan(ctx, &rows)
	for len(all) < len(variants) {
		all = append(all, wordings{})
	}
	for _, r := range rows {
		switch {
		case r.Variant >= len(all):
		case r.Own:
			all[r.Variant].own = r.Wording
		default:
			all[r.Variant].others = append(all[r.Variant].others, r.Wording)
		}
	}
	return all, db.Err(err)
}

// saveWordings keeps what a campaign sends beside its own version: translations, and all wordings of the other variants.
func saveWordings(ctx context.Context, tx bun.Tx, campaignID int64, all []wordings) error {
	if _, err := tx.NewRaw("DELETE FROM campaign_languages WHERE campaign_id = ?", campaignID).Exec(ctx); err != nil {
		return db.Err(err)
	}
	for i, w := range all {
		kept := w.others
		if len(all) > 1 {
			kept = append([]template.Wording{w.own}, w.others...)
		}
		for _, wording := range kept {
			_, err := tx.NewRaw("INSERT INTO campaign_languages (campaign_id, variant, language, template_version_id) VALUES (?, ?, ?, ?)",
				campaignID, i, wording.Language, wording.VersionID).Exec(ctx)
			if err != nil {
				return db.Err(err)
			}
		}
		if len(all) > 1 {
			_, err := tx.NewRaw("UPDATE campaign_variants SET template_version_id = ? WHERE campaign_id = ? AND position = ?",
				w.own.VersionID, campaignID, i).Exec(ctx)
			if err != nil {
				return db.Err(err)
			}
		}
	}
	return nil
}

// unsendable gives a version that a campaign sends and that WhatsApp does not take any more; nil: it takes all. They stay
// as they are until the transaction ends.
func unsendable(ctx context.Context, tx bun.Tx, c *Campaign) (*template.Version, error) {
	var rows []*template.Version
	err := tx.NewSelect().Model(&rows).Where("v.id IN (SELECT n FROM campaigns ca, LATERAL ("+neededVersions+") needed (n) WHERE ca.id = ?)", c.ID).
		Order("v.id").For("SHARE OF v").Scan(ctx)
	if err != nil {
		return nil, db.Err(err)
	}
	for _, v := range rows {
		if v.ApprovalStatus != template.ApprovalApproved {
			return v, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// warn keeps why a campaign is to be paused once its audience is taken.
func warn(ctx context.Context, tx bun.Tx, id int64, reason string) (done bool, err error) {
	res, err := tx.NewRaw("UPDATE campaigns SET paused_reason = ? WHERE id = ? AND status = 'preparing'", reason, id).Exec(ctx)
	if err != nil {
		return false, db.Err(err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

const isUnfinished = `status IN ('draft', 'scheduled', 'preparing', 'sending', 'paused') AND provider = ?`

func unfinished(ctx context.Context, idb bun.IDB, of provider.Name) (campaigns, messages int64, err error) {
	err = idb.NewRaw(`SELECT count(*), coalesce(sum((SELECT sum(mc.n) FROM message_counts mc
			WHERE mc.campaign_id = campaigns.id AND mc.measure = 'pending')), 0)::bigint
		FROM campaigns WHERE `+isUnfinished, string(of)).Scan(ctx, &campaigns, &messages)
	return campaigns, messages, db.Err(err)
}

func unfinishedIDs(ctx context.Context, tx bun.Tx, of provider.Name) (ids []int64, err error) {
	err = tx.NewRaw("SELECT id FROM campaigns WHERE "+isUnfinished+" ORDER BY id FOR UPDATE", string(of)).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// piloting are the campaigns that send, with recipients who wait for the pilot.
func piloting(ctx context.Context, idb bun.IDB) (rows []*Campaign, err error) {
	err = idb.NewSelect().Model(&rows).Where("ca.status = 'sending' AND ca.pilot > 0 AND EXISTS (SELECT 1 FROM messages m WHERE m.work = 'send' "+
		"AND m.campaign_id = ca.id AND m.sender_id = ANY (ARRAY(SELECT s.id FROM senders s)) AND m.not_before = ?::timestamptz "+
		"AND m.not_before_reason = ?)", message.Undetermined, message.WaitsForPilot).Scan(ctx)
	return rows, db.Err(err)
}

// teamBeside are the team's contacts whom a campaign does not reach, and who may get what it sends: those who opted in, and subscribed to
// its topic. Who is in its audience is none of them, whatever became of them there.
func teamBeside(ctx context.Context, tx bun.Tx, campaignID int64, by screen) (people []struct {
	ID     int64
	Locale string
}, err error,
) {
	join := by.join(0)
	err = tx.NewRaw("SELECT c.id, c.locale FROM team_contacts tc JOIN contacts c ON c.id = tc.contact_id"+join.SQL+
		" WHERE c.erased_at IS NULL AND c.opt_out_review_at IS NULL AND ("+by.reason()+") = '' AND NOT EXISTS ("+
		"SELECT 1 FROM contacts r JOIN messages m ON m.contact_id = r.id AND m.campaign_id = ? WHERE r.id = c.id OR r.merged_into = c.id) "+
		"ORDER BY tc.added_at, c.id", append(join.Args, campaignID)...).Scan(ctx, &people)
	return people, db.Err(err)
}
