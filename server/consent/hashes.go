package consent

import (
	"context"

	"eventstream/server/contact"
	"eventstream/server/keys"

	"github.com/uptrace/bun"
)

// Hashes are all forms in which these match keys may stand in suppressions: one for each
// key that addresses were ever hashed with.
func (s *Service) Hashes(ctx context.Context, idb bun.IDB, matchKeys []string) ([][]byte, error) {
	ring, err := s.keys.Ring(ctx, idb)
	if err != nil {
		return nil, err
	}
	return spellings(ring, matchKeys), nil
}

// HashesOf are those of all addresses of contacts.
func (s *Service) HashesOf(ctx context.Context, idb bun.IDB, ids []int64) ([][]byte, error) {
	ring, err := s.keys.Ring(ctx, idb)
	if err != nil {
		return nil, err
	}
	return hashesOf(ctx, idb, ring, ids)
}

func hashesOf(ctx context.Context, idb bun.IDB, ring *keys.Ring, ids []int64) (hashes [][]byte, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	of, err := contact.KeysOf(ctx, idb, ids)
	for _, theirs := range of {
		hashes = append(hashes, spellings(ring, theirs)...)
	}
	return hashes, err
}

func spellings(ring *keys.Ring, matchKeys []string) (hashes [][]byte) {
	for _, key := range matchKeys {
		hashes = append(hashes, ring.All(key)...)
	}
	return hashes
}
