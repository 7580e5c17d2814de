package db

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"
)

// Setting reads a setting of the workspace; nil: it was never made.
func Setting[T any](ctx context.Context, idb bun.IDB, key string) (v *T, err error) {
	var raw []json.RawMessage
	if err := idb.NewRaw("SELECT value FROM settings WHERE key = ?", key).Scan(ctx, &raw); err != nil || len(raw) == 0 {
		return nil, Err(err)
	}
	return v, json.Unmarshal(raw[0], &v)
}

// SaveSetting writes a setting.
func SaveSetting(ctx context.Context, idb bun.IDB, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = idb.NewRaw("INSERT INTO settings (key, value) VALUES (?, ?::jsonb) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
		key, string(raw)).Exec(ctx)
	return Err(err)
}

// LockSetting locks a setting. It makes the row when it is missing, so that there is
// something to lock.
func LockSetting(ctx context.Context, tx bun.Tx, key string) error {
	_, err := tx.NewRaw(`INSERT INTO settings (key, value) VALUES (?, 'null')
		ON CONFLICT (key) DO UPDATE SET value = settings.value`, key).Exec(ctx)
	return Err(err)
}
