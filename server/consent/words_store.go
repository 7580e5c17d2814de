package consent

import (
	"context"
	"encoding/json"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Versions of the words are only added, so that evidence can name one for ever.

func wordsVersion(ctx context.Context, idb bun.IDB) (version int64, err error) {
	err = idb.NewRaw("SELECT coalesce(max(version), 0) FROM keyword_versions").Scan(ctx, &version)
	return version, db.Err(err)
}

func changesOf(ctx context.Context, idb bun.IDB, version int64) (c Changes, err error) {
	var raw string
	if err := idb.NewRaw("SELECT changes::text FROM keyword_versions WHERE version = ?", version).Scan(ctx, &raw); err != nil {
		return c, db.Err(err)
	}
	err = json.Unmarshal([]byte(raw), &c)
	c.Version = version
	return c, err
}

// lockWords keeps everybody else from writing a version until the transaction is over.
func lockWords(ctx context.Context, tx bun.Tx) (version int64, err error) {
	if _, err := tx.NewRaw("LOCK TABLE keyword_versions IN SHARE ROW EXCLUSIVE MODE").Exec(ctx); err != nil {
		return 0, db.Err(err)
	}
	return wordsVersion(ctx, tx)
}

func insertWords(ctx context.Context, tx bun.Tx, changes []byte, operatorID *int64) (version int64, err error) {
	err = tx.NewRaw("INSERT INTO keyword_versions (changes, operator_id) VALUES (?::jsonb, ?) RETURNING version",
		string(changes), operatorID).Scan(ctx, &version)
	return version, db.Err(err)
}

// topicNamed tells whether a topic has this keyword; topics stand above consent in the
// order of packages.
func topicNamed(ctx context.Context, tx bun.Tx, folded string) (found bool, err error) {
	err = tx.NewRaw("SELECT EXISTS (SELECT FROM topics WHERE keyword_folded = ?)", folded).Scan(ctx, &found)
	return found, db.Err(err)
}
