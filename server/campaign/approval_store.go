package campaign

import (
	"context"

	"eventstream/server/actor"
	"eventstream/server/db"
	"eventstream/server/segment"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// hasMoreThan tells whether an audience has more than n contacts, and counts no further.
func hasMoreThan(ctx context.Context, idb bun.IDB, p segment.Predicate, n int64) (more bool, err error) {
	err = idb.NewRaw("SELECT count(*) > ? FROM (SELECT FROM contacts c WHERE c.erased_at IS NULL AND ("+p.SQL+") LIMIT ?) x",
		append(append([]any{n}, p.Args...), n+1)...).Scan(ctx, &more)
	return more, db.Err(err)
}

// approvers are people who sign in with a role, without some, by name.
func approvers(ctx context.Context, idb bun.IDB, role actor.Role, n int, without ...*int64) (ids []int64, err error) {
	roles := []string{string(actor.RoleAdmin)}
	if role == actor.RoleMarketer {
		roles = append(roles, string(actor.RoleMarketer))
	}
	others := []int64{}
	for _, id := range without {
		if id != nil {
			others = append(others, *id)
		}
	}
	err = idb.NewRaw("SELECT id FROM operators WHERE active AND kind = 'person' AND role = ANY (?) AND id <> ALL (?) ORDER BY lower(name), id LIMIT ?",
		pgdialect.Array(roles), pgdialect.Array(others), n).Scan(ctx, &ids)
	return ids, db.Err(err)
}

// unstarted locks the campaigns that will start by themselves, or wait for approval.
func unstarted(ctx context.Context, tx bun.Tx) (rows []*Campaign, err error) {
	err = tx.NewSelect().Model(&rows).Where("ca.status = 'scheduled' OR ca.approval = 'waiting' AND ca.status = 'draft'").
		Order("ca.id").For("UPDATE").Scan(ctx)
	return rows, db.Err(err)
}

// roleOf is the role that an operator has now, whether or not they may still sign in.
func roleOf(ctx context.Context, idb bun.IDB, operatorID int64) (role actor.Role, err error) {
	err = idb.NewRaw("SELECT role FROM operators WHERE id = ?", operatorID).Scan(ctx, &role)
	return role, db.Err(err)
}
