package consent

import (
	"context"

	"github.com/uptrace/bun"
)

// Hashes are all forms in which these match keys may stand in suppressions: one for each
// key that addresses were ever hashed with.
func (s *Service) Hashes(ctx context.Context, idb bun.IDB, matchKeys []string) (hashes [][]byte, err error) {
	ring, err := s.keys.Ring(ctx, idb)
	if err != nil {
		return nil, err
	}
	for _, key := range matchKeys {
		hashes = append(hashes, ring.All(key)...)
	}
	return hashes, nil
}
