package template

import (
	"context"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/provider"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

func insertTemplate(ctx context.Context, tx bun.Tx, t *Template) error {
	_, err := tx.NewInsert().Model(t).Exec(ctx)
	return db.Err(err)
}

func saveTemplate(ctx context.Context, tx bun.Tx, t *Template) error {
	_, err := tx.NewUpdate().Model(t).Column("name", "language",
		"category").Set("updated_at = now()").WherePK().Returning("updated_at").Exec(ctx)
	return db.Err(err)
}

func insertVersion(ctx context.Context, tx bun.Tx, v *Version) error {
	_, err := tx.NewInsert().Model(v).Exec(ctx)
	return db.Err(err)
}

func markSubmitting(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("UPDATE template_versions SET approval_status = 'submitted' WHERE id = ? AND approval_status = 'draft'", id).Exec(ctx)
	return db.Err(err)
}

// keepContent notes the SID that Twilio gave a version, unless it has one, and
// gives the one it has.
func keepContent(ctx context.Context, idb bun.IDB, id int64, sid string) (kept string, err error) {
	err = idb.NewRaw("UPDATE template_versions SET content_sid = CASE WHEN content_sid = '' THEN ?1 ELSE content_sid END WHERE id = ?0 RETURNING content_sid",
		id, sid).Scan(ctx, &kept)
	return kept, db.Err(err)
}

func markSubmitted(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw(`UPDATE template_versions SET submitted_at = now(), check_at = now(), check_failures = 0
		WHERE id = ?`, id).Exec(ctx)
	return db.Err(err)
}

// nextCheck is when WhatsApp is asked next about a version that was asked about now: often where it was submitted a moment ago.
func nextCheck(approval, submitted string) string {
	return "now() + CASE WHEN " + approval + " <> 'submitted' THEN interval '1 hour' WHEN " + submitted +
		" > now() - interval '1 minute' THEN interval '1 second' ELSE interval '1 minute' END"
}

// markImported notes that Twilio told of a version just now, which was submitted there long ago.
func markImported(ctx context.Context, tx bun.Tx, v *Version) error {
	err := tx.NewRaw("UPDATE template_versions v SET submitted_at = now(), checked_at = now(), check_at = "+nextCheck("v.approval_status", "'-infinity'")+
		" WHERE id = ? RETURNING submitted_at, checked_at, check_at", v.ID).Scan(ctx, &v.SubmittedAt, &v.CheckedAt, &v.CheckAt)
	return db.Err(err)
}

// keepDecision keeps what WhatsApp decided, and gives what was so before; "submitted" only notes that we asked. v is
// the version as it was before asking: an answer to a later question, kept meanwhile, is newer than this one and stays:
// nil.
func keepDecision(ctx context.Context, tx bun.Tx, v *Version, d Decision) (before *Approval, err error) {
	var rows []Approval
	err = tx.NewRaw(`
		UPDATE template_versions v SET checked_at = now(), rejection_reason = ?1, check_failures = 0,
			check_at = `+nextCheck("?0", "v.submitted_at")+`,
			decided_at = CASE WHEN old.approval_status <> ?0 AND ?0 <> 'submitted' THEN now() ELSE v.decided_at END,
			approval_status = ?0
		FROM (SELECT id, approval_status FROM template_versions WHERE id = ?2 FOR NO KEY UPDATE) AS old
		WHERE v.id = old.id AND v.checked_at IS NOT DISTINCT FROM ?3::timestamptz
		RETURNING old.approval_status`, d.Approval, d.Reason, v.ID, v.CheckedAt).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return &rows[0], nil
}

// templateForDecision locks a template, also a deleted one: what sends with it goes on.
func templateForDecision(ctx context.Context, tx bun.Tx, id int64) (*Template, error) {
	t := new(Template)
	err := tx.NewSelect().Model(t).Where("t.id = ?", id).For("NO KEY UPDATE").Scan(ctx)
	return t, db.Err(err)
}

func moveCategory(ctx context.Context, tx bun.Tx, id int64, category Category) error {
	_, err := tx.NewRaw("UPDATE templates SET category = ?, updated_at = now() WHERE id = ?", category, id).Exec(ctx)
	return db.Err(err)
}

// OptInSetting is the setting that names the templates of double opt-in: package doubleoptin.
const OptInSetting = "double_opt_in"

// asksForOptIns reports whether the settings of double opt-in name a template, and keeps
// others from changing them.
func asksForOptIns(ctx context.Context, tx bun.Tx, id int64) (asks bool, err error) {
	if err := db.LockSetting(ctx, tx, OptInSetting); err != nil {
		return false, err
	}
	err = tx.NewRaw("SELECT EXISTS (SELECT 1 FROM settings WHERE key = ? AND value -> 'templates' @> to_jsonb(?::bigint))",
		OptInSetting, id).Scan(ctx, &asks)
	return asks, db.Err(err)
}

// postpone notes that a question got no answer: the next comes after ten
// seconds, then twenty, and so on up to half an hour.
func postpone(ctx context.Context, idb bun.IDB, id int64) error {
	_, err := idb.NewRaw(`
		UPDATE template_versions SET check_failures = check_failures + 1,
			check_at = now() + least(interval '10 seconds' * 2 ^ least(check_failures, 10), interval '30 minutes')
		WHERE id = ?`, id).Exec(ctx)
	return db.Err(err)
}

func dueForDecision(ctx context.Context, idb bun.IDB, of provider.Name, limit int) (rows []*Version, err error) {
	err = idb.NewSelect().Model(&rows).
		Where("v.submitted_at IS NOT NULL AND v.content_sid <> '' AND v.approval_status IN ('submitted', 'approved', 'paused')").
		Where("v.provider = ?", string(of)).
		Where(`v.check_at <= now() OR v.approval_status = 'approved' AND v.check_failures = 0 AND
			v.checked_at < now() - interval '20 seconds' AND EXISTS (
				SELECT 1 FROM campaigns c LEFT JOIN campaign_languages l ON l.campaign_id = c.id
				WHERE c.status IN ('preparing', 'sending') AND v.id IN (c.template_version_id, l.template_version_id))`).
		Order("v.check_at", "v.id").Limit(int64(limit)).Scan(ctx)
	return rows, db.Err(err)
}

func atTwilio(ctx context.Context, idb bun.IDB, of provider.Name) (rows []*Version, err error) {
	err = idb.NewSelect().Model(&rows).Where("v.content_sid <> '' AND v.submitted_at IS NOT NULL AND v.provider = ?", string(of)).Order("v.id DESC").Limit(500).Scan(ctx)
	return rows, db.Err(err)
}

func templateForUpdate(ctx context.Context, tx bun.Tx, id int64) (*Template, error) {
	t := new(Template)
	err := db.Err(tx.NewSelect().Model(t).Where("t.id = ? AND t.deleted_at IS NULL", id).For("UPDATE").Scan(ctx))
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, apperr.NotFound("template %v does not exist", id)
	}
	return t, err
}

func newestVersion(ctx context.Context, idb bun.IDB, templateID int64) (*Version, error) {
	v := new(Version)
	err := idb.NewSelect().Model(v).Where("v.template_id = ?", templateID).Order("v.version DESC").Limit(1).Scan(ctx)
	return v, db.Err(err)
}

func newestVersions(ctx context.Context, idb bun.IDB, templateIDs []int64,
	approvals ...Approval, // none: whatever it is
) (map[int64]*Version, error) {
	var rows []*Version
	q := idb.NewSelect().Model(&rows).DistinctOn("v.template_id").Where("v.template_id = ANY (?)",
		pgdialect.Array(templateIDs)).Order("v.template_id", "v.version DESC")
	if len(approvals) > 0 { // an approval is the provider's who gave it
		q = q.Where("v.provider = provider_now() AND v.approval_status IN (?)", bun.List(approvals))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, db.Err(err)
	}
	byTemplate := make(map[int64]*Version, len(rows))
	for _, v := range rows {
		byTemplate[v.TemplateID] = v
	}
	return byTemplate, nil
}

func templatesByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Template, err error) {
	err = idb.NewSelect().Model(&rows).Where("t.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func versionsByIDs(ctx context.Context, idb bun.IDB, ids []int64) (rows []*Version, err error) {
	err = idb.NewSelect().Model(&rows).Where("v.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	return rows, db.Err(err)
}

func openCampaigns(ctx context.Context, idb bun.IDB, templateID int64) (names []string, err error) {
	err = idb.NewRaw("SELECT quote_literal(name) FROM campaigns WHERE status IN ('draft', 'scheduled', 'preparing', 'sending', 'paused') AND "+
		"(template_id = ?0 OR id IN (SELECT campaign_id FROM campaign_variants WHERE template_id = ?0) OR id IN (SELECT l.campaign_id "+
		"FROM campaign_languages l JOIN template_versions v ON v.id = l.template_version_id WHERE v.template_id = ?0)) LIMIT 5", templateID).Scan(ctx, &names)
	return names, db.Err(err)
}

// campaignsOf counts the campaigns of each template, whatever became of them. A recurring one counts once, with its
// runs.
func campaignsOf(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]int64, error) {
	var rows []struct{ ID, N int64 }
	err := idb.NewRaw(`SELECT u.template_id AS id, count(*) AS n
		FROM (SELECT id, template_id FROM campaigns UNION SELECT campaign_id, template_id FROM campaign_variants) u JOIN campaigns c USING (id)
		WHERE u.template_id = ANY (?) AND c.parent_id IS NULL GROUP BY 1`, pgdialect.Array(ids)).Scan(ctx, &rows)
	found := make(map[int64]int64, len(ids))
	for _, id := range ids {
		found[id] = 0
	}
	for _, r := range rows {
		found[r.ID] = r.N
	}
	return found, db.Err(err)
}

func markDeleted(ctx context.Context, tx bun.Tx, id int64) error {
	_, err := tx.NewRaw("UPDATE templates SET deleted_at = now() WHERE id = ?", id).Exec(ctx)
	return db.Err(err)
}

func filtered(q *bun.SelectQuery, f Filter) *bun.SelectQuery {
	q = q.Where("t.deleted_at IS NULL")
	if f.Approval != nil {
		q = q.Where("(SELECT v.approval_status FROM template_versions v WHERE v.template_id = t.id ORDER BY v.version DESC LIMIT 1) = ?", *f.Approval)
	}
	if len(f.Sendable) > 0 {
		q = q.Where("EXISTS (SELECT 1 FROM template_versions v WHERE v.template_id = t.id AND v.provider = provider_now() AND v.approval_status IN (?))", bun.List(f.Sendable))
	}
	if s := strings.TrimSpace(f.Search); s != "" {
		q = q.Where("strpos(lower(t.name), ?) > 0", strings.ToLower(s))
	}
	return q
}

func list(ctx context.Context, idb bun.IDB, f Filter, p db.Page) (db.Slice[*Template], error) {
	var rows []*Template
	q, err := p.Apply(filtered(idb.NewSelect().Model(&rows), f), "t", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Template]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Template]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}

func count(ctx context.Context, idb bun.IDB, f Filter) (int64, error) {
	n, err := filtered(idb.NewSelect().Model((*Template)(nil)), f).Count(ctx)
	return n, db.Err(err)
}

// VersionByID finds one version in the caller's transaction.
func VersionByID(ctx context.Context, idb bun.IDB, id int64) (*Version, error) {
	found, err := versionsByIDs(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("template version %v does not exist", id)
	}
	return found[0], nil
}

// countMissing counts contacts that lack one of the values. Paths are checked
// names or attribute paths; they go in as arguments.
func countMissing(ctx context.Context, idb bun.IDB, required [][]string) (n int64, err error) {
	if len(required) == 0 {
		return 0, nil
	}
	q := idb.NewSelect().TableExpr("contacts AS c").ColumnExpr("count(*)").Where("c.erased_at IS NULL").WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, path := range required {
			if path[0] == "attributes" {
				q = q.WhereOr("coalesce(c.attributes #>> ?::text[], '') = ''", pgdialect.Array(path[1:]))
			} else {
				q = q.WhereOr("?.? = ''", bun.Ident("c"), bun.Ident(path[0]))
			}
		}
		return q
	})
	return n, db.Err(q.Scan(ctx, &n))
}

// CategoryOf gives the category of a template.
func CategoryOf(ctx context.Context, idb bun.IDB, id int64) (c Category, err error) {
	err = idb.NewRaw("SELECT category FROM templates WHERE id = ?", id).Scan(ctx, &c)
	return c, db.Err(err)
}

// Showing names the templates that show a file whose address begins so, deleted ones left out unless a campaign that has not
// ended uses them.
func Showing(ctx context.Context, idb bun.IDB, address string) (names []string, err error) {
	err = idb.NewRaw(`
		SELECT DISTINCT quote_literal(t.name) FROM template_versions v JOIN templates t ON t.id = v.template_id
		WHERE strpos(v.parts::text, ?0) > 0 AND (t.deleted_at IS NULL OR EXISTS (
			SELECT 1 FROM campaigns c LEFT JOIN campaign_languages l ON l.campaign_id = c.id
			WHERE (c.template_id = t.id OR l.template_version_id = v.id) AND c.status IN ('draft', 'scheduled', 'preparing', 'sending', 'paused')))
		ORDER BY 1 LIMIT 5`, address).Scan(ctx, &names)
	return names, db.Err(err)
}

// named is a template with another one of its name.
type named struct{ ID, Other int64 }

// sameName finds the templates that share their name with one of these, the oldest first; another one cannot have the
// same language too.
func sameName(ctx context.Context, idb bun.IDB, ids []int64) (pairs []named, err error) {
	err = idb.NewRaw(`
		SELECT t.id, o.id AS other FROM templates t JOIN templates o ON o.name = t.name AND o.id <> t.id
		WHERE t.id = ANY (?) AND o.deleted_at IS NULL ORDER BY t.id, o.id`, pgdialect.Array(ids)).Scan(ctx, &pairs)
	return pairs, db.Err(err)
}

// newestOfSandbox are the newest versions of templates, where they went to the sandbox.
const newestOfSandbox = `template_versions v JOIN templates t ON t.id = v.template_id AND t.deleted_at IS NULL
	WHERE v.provider = 'sandbox' AND v.version = (SELECT max(x.version) FROM template_versions x WHERE x.template_id = v.template_id)`

// redraft gives each template whose newest version went to the sandbox another one with the
// same words, a draft.
func redraft(ctx context.Context, tx bun.Tx) (int64, error) {
	// Whoever gives one another version holds its lock, too.
	_, err := tx.NewRaw("SELECT t.id FROM " + newestOfSandbox + " ORDER BY t.id FOR UPDATE OF t").Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	res, err := tx.NewRaw(`
		INSERT INTO template_versions (template_id, version, kind, body, parts, variables, approval_status)
		SELECT v.template_id, v.version + 1, v.kind, v.body, v.parts,
			(SELECT coalesce(jsonb_agg(x.variable - 'keys' ORDER BY x.n), '[]') FROM jsonb_array_elements(v.variables) WITH ORDINALITY x (variable, n)), 'draft'
		FROM ` + newestOfSandbox + ` ORDER BY v.template_id`).Exec(ctx)
	if err != nil {
		return 0, db.Err(err)
	}
	return res.RowsAffected()
}

// Approved counts the templates of which the provider in use has an approved version.
func Approved(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw(`SELECT count(*) FROM templates t WHERE t.deleted_at IS NULL AND EXISTS (SELECT 1 FROM template_versions v
		WHERE v.template_id = t.id AND v.provider = provider_now() AND v.approval_status = 'approved')`).Scan(ctx, &n)
	return n, db.Err(err)
}

// OfSandbox counts the templates whose newest version went to the sandbox.
func OfSandbox(ctx context.Context, idb bun.IDB) (n int64, err error) {
	err = idb.NewRaw("SELECT count(*) FROM "+newestOfSandbox).Scan(ctx, &n)
	return n, db.Err(err)
}

// templatesOfContents gives the templates that content templates of the provider in use were
// brought in as, or made from, by SID.
func templatesOfContents(ctx context.Context, idb bun.IDB, sids []string) (map[string]int64, error) {
	var rows []struct {
		ContentSID string `bun:"content_sid"`
		TemplateID int64
	}
	err := idb.NewRaw(`SELECT v.content_sid, v.template_id FROM template_versions v JOIN templates t ON t.id = v.template_id
		WHERE v.content_sid = ANY (?) AND v.provider = provider_now() AND t.deleted_at IS NULL`, pgdialect.Array(sids)).Scan(ctx, &rows)
	found := make(map[string]int64, len(rows))
	for _, r := range rows {
		found[r.ContentSID] = r.TemplateID
	}
	return found, db.Err(err)
}

func versionsOf(ctx context.Context, idb bun.IDB, templateIDs []int64, n int) (map[int64][]*Version, error) {
	var rows []*Version
	err := idb.NewRaw(`SELECT v.* FROM unnest(?::bigint[]) AS t (id), LATERAL (
		SELECT * FROM template_versions WHERE template_id = t.id ORDER BY version DESC LIMIT ?) v ORDER BY v.template_id, v.version DESC`,
		pgdialect.Array(templateIDs), n).Scan(ctx, &rows)
	found := make(map[int64][]*Version, len(templateIDs))
	for _, id := range templateIDs {
		found[id] = nil
	}
	for _, v := range rows {
		found[v.TemplateID] = append(found[v.TemplateID], v)
	}
	return found, db.Err(err)
}

// versionNumbered finds a version of a template by its number; nil: there is none.
func versionNumbered(ctx context.Context, tx bun.Tx, templateID int64, number int) (*Version, error) {
	var rows []*Version
	err := tx.NewSelect().Model(&rows).Where("v.template_id = ? AND v.version = ?", templateID, number).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, db.Err(err)
	}
	return rows[0], nil
}
