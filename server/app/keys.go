package app

import (
	"context"

	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/keys"
)

// addressKeys are the keys by which addresses are hashed, of a database that is
// opened and migrated already.
func addressKeys(ctx context.Context, cfg config.Config, d *db.DB) (*keys.Addresses, error) {
	k, err := cfg.Keys()
	if err != nil {
		return nil, err
	}
	if err := keys.Ensure(ctx, d, k); err != nil {
		return nil, err
	}
	return keys.NewAddresses(k), nil
}
