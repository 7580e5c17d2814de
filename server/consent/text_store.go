package consent

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"eventstream/server/db"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// saveTexts gives versions their ids; those that are new are written.
func saveTexts(ctx context.Context, tx bun.Tx, versions map[string]*Text) error {
	var sums [][]byte
	for _, t := range versions {
		sums = append(sums, t.SHA256)
	}
	slices.SortFunc(sums, bytes.Compare) // so that two transactions write theirs in one order
	missing, err := findTexts(ctx, tx, versions, sums)
	if err != nil || len(missing) == 0 {
		return err
	}
	if _, err := tx.NewInsert().Model(&missing).On("CONFLICT (sha256) DO NOTHING").Returning("NULL").Exec(ctx); err != nil {
		return db.Err(err)
	}
	if missing, err = findTexts(ctx, tx, versions, sums); err == nil && len(missing) > 0 {
		return fmt.Errorf("%d consent texts were not kept", len(missing))
	}
	return err
}

// findTexts reads those of the versions that are kept, and gives the others.
func findTexts(ctx context.Context, tx bun.Tx, versions map[string]*Text, sums [][]byte) (missing []*Text, err error) {
	var rows []*Text
	err = tx.NewSelect().Model(&rows).Where("ct.sha256 = ANY (?)", pgdialect.Array(sums)).Scan(ctx)
	for _, row := range rows {
		*versions[string(row.SHA256)] = *row
	}
	for _, sum := range sums {
		if t := versions[string(sum)]; t.ID == 0 {
			missing = append(missing, t)
		}
	}
	return missing, db.Err(err)
}

// texts reads versions by id.
func texts(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]*Text, error) {
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // of none there is none
	}
	var rows []*Text
	err := idb.NewSelect().Model(&rows).Where("ct.id = ANY (?)", pgdialect.Array(ids)).Scan(ctx)
	found := make(map[int64]*Text, len(rows))
	for _, t := range rows {
		found[t.ID] = t
	}
	return found, db.Err(err)
}

func textPage(ctx context.Context, idb bun.IDB, p db.Page) (db.Slice[*Text], error) {
	var rows []*Text
	q, err := p.Apply(idb.NewSelect().Model(&rows), "ct", &db.Key{Column: "id", Desc: true})
	if err != nil {
		return db.Slice[*Text]{}, err
	}
	if err := q.Scan(ctx); err != nil {
		return db.Slice[*Text]{}, db.Err(err)
	}
	return db.Cut(p, rows), nil
}
