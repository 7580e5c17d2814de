package audit

import (
	"context"
	"database/sql"
	"errors"

	"eventstream/server/actor"
	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

type revisionRow struct {
	Entity    string
	EntityID  int64
	Revision  int64
	ActorKind string
	Name      string  // of the operator or the token
	Age       float64 // of the change, in seconds
}

func revisions(ctx context.Context, idb bun.IDB, things []Thing) (rows []*revisionRow, err error) {
	entities, ids := make([]string, len(things)), make([]int64, len(things))
	for i, t := range things {
		entities[i], ids[i] = t.Entity, t.ID
	}
	err = idb.NewRaw(`SELECT r.entity, r.entity_id, r.revision FROM revisions r
		JOIN unnest(?::text[], ?::bigint[]) AS u (entity, id) ON r.entity = u.entity AND r.entity_id = u.id`,
		pgdialect.Array(entities), pgdialect.Array(ids)).Scan(ctx, &rows)
	return rows, db.Err(err)
}

func lastRevision(ctx context.Context, idb bun.IDB, thing Thing) (*revisionRow, error) {
	r := new(revisionRow)
	err := idb.NewRaw(`SELECT r.entity, r.entity_id, r.revision, r.actor_kind, coalesce(o.name, k.name, '') AS name,
			extract(epoch FROM clock_timestamp() - r.changed_at)::float8 AS age
		FROM revisions r
		LEFT JOIN operators o ON r.actor_kind = 'operator' AND o.id = r.actor_id
		LEFT JOIN api_tokens k ON r.actor_kind = 'api_token' AND k.id = r.actor_id
		WHERE r.entity = ? AND r.entity_id = ? FOR UPDATE OF r`, thing.Entity, thing.ID).Scan(ctx, r)
	if errors.Is(err, sql.ErrNoRows) {
		return &revisionRow{Revision: firstRevision}, nil
	}
	return r, db.Err(err)
}

func countRevision(ctx context.Context, idb bun.IDB, thing Thing, a actor.Actor) error {
	if a.Kind == "" {
		a = actor.System
	}
	var id *int64
	if a.ID != 0 {
		id = &a.ID
	}
	_, err := idb.NewRaw(`
		INSERT INTO revisions AS r (entity, entity_id, revision, actor_kind, actor_id) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (entity, entity_id) DO UPDATE SET revision = r.revision + 1, actor_kind = excluded.actor_kind,
			actor_id = excluded.actor_id, changed_at = excluded.changed_at`,
		thing.Entity, thing.ID, firstRevision+1, a.Kind, id).Exec(ctx)
	return db.Err(err)
}
