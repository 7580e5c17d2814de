package audit

import (
	"context"
	"strings"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

type nameRow struct {
	Entity string
	ID     int64
	Name   string
	Gone   bool
}

// named tells, of each kind of thing that has a name, how it is read. What is a contact's has the contact's name.
var named = map[string]string{ //nolint:gosec // statements, and no token of anybody
	"api_token":        "SELECT id, name, false FROM api_tokens WHERE id = ANY(?)",
	"campaign":         "SELECT id, name, false FROM campaigns WHERE id = ANY(?)",
	"canned_reply":     "SELECT id, name, false FROM canned_replies WHERE id = ANY(?)",
	"contact":          "SELECT c.id, " + nameOfContact + " FROM contacts c WHERE c.id = ANY(?)",
	"contact_view":     "SELECT id, name, false FROM contact_views WHERE id = ANY(?)",
	"conversation":     "SELECT x.id, " + nameOfContact + " FROM conversations x JOIN contacts c ON c.id = x.contact_id WHERE x.id = ANY(?)",
	"import":           "SELECT id, file_name, false FROM imports WHERE id = ANY(?)",
	"label":            "SELECT id, name, false FROM labels WHERE id = ANY(?)",
	"media":            "SELECT id, name, false FROM media WHERE id = ANY(?)",
	"message":          "SELECT x.id, " + nameOfContact + " FROM messages x JOIN contacts c ON c.id = x.contact_id WHERE x.id = ANY(?)",
	"operator":         "SELECT id, name, false FROM operators WHERE id = ANY(?)",
	"segment":          "SELECT id, name, false FROM segments WHERE id = ANY(?)",
	"sender":           "SELECT id, display_name, false FROM senders WHERE id = ANY(?)",
	"template":         "SELECT id, name, deleted_at IS NOT NULL FROM templates WHERE id = ANY(?)",
	"template_version": "SELECT id, version::text, false FROM template_versions WHERE id = ANY(?)",
	"topic":            "SELECT id, name, false FROM topics WHERE id = ANY(?)",
}

const nameOfContact = `CASE WHEN c.erased_at IS NOT NULL THEN '' ELSE coalesce(nullif(c.name, ''), c.address) END,
	c.erased_at IS NOT NULL OR c.merged_into IS NOT NULL`

// names reads them all at once: one part for each kind that is asked for.
func names(ctx context.Context, idb bun.IDB, things []Thing) (rows []*nameRow, err error) {
	ids := map[string][]int64{}
	for _, t := range things {
		if named[t.Entity] != "" {
			ids[t.Entity] = append(ids[t.Entity], t.ID)
		}
	}
	var parts []string
	var values []any
	for entity, of := range ids {
		parts = append(parts, "SELECT ? AS entity, t.* FROM ("+named[entity]+") AS t (id, name, gone)")
		values = append(values, entity, pgdialect.Array(of))
	}
	if len(parts) == 0 {
		return nil, nil
	}
	err = idb.NewRaw(strings.Join(parts, " UNION ALL "), values...).Scan(ctx, &rows)
	return rows, db.Err(err)
}
