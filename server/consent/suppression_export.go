package consent

import (
	"context"
	"encoding/hex"
	"math/big"

	"eventstream/server/contact"
)

// exportSlice is how many addresses and suppressions are read at once.
const exportSlice = 2000

// Told is a suppression with its address; "": no contact has it, and a hash tells none.
type Told struct {
	Suppression
	Address string
}

// Hash is the keyed hash of the address as text.
func (t *Told) Hash() string { return hex.EncodeToString(t.AddressHash) }

// EachSuppression gives all suppressions in force, a slice at a time: those whose address is
// known, because a contact has it, and then the others. Nothing is held but a bit for each.
func (s *Service) EachSuppression(ctx context.Context, give func([]Told) error) error {
	ring, err := s.keys.Ring(ctx, s.db)
	if err != nil {
		return err
	}
	var told big.Int
	for after := ""; ; {
		known, err := contact.AddressStretch(ctx, s.db, after, exportSlice)
		if err != nil {
			return err
		}
		if len(known) == 0 {
			break
		}
		after = known[len(known)-1].MatchKey
		var hashes [][]byte
		of := make(map[string]string, len(known))
		for _, a := range known {
			for _, h := range ring.All(a.MatchKey) {
				hashes = append(hashes, h)
				of[string(h)] = a.Address
			}
		}
		rows, err := suppressions(ctx, s.db, hashes)
		if err != nil {
			return err
		}
		slice := make([]Told, len(rows))
		for i, su := range rows {
			slice[i] = Told{*su, of[string(su.AddressHash)]}
			told.SetBit(&told, int(su.ID), 1)
		}
		if err := give(slice); err != nil {
			return err
		}
	}
	for after := int64(0); ; {
		rows, err := suppressionStretch(ctx, s.db, after, exportSlice)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		var slice []Told
		for _, su := range rows {
			if told.Bit(int(su.ID)) == 0 {
				slice = append(slice, Told{Suppression: *su})
			}
		}
		if err := give(slice); err != nil {
			return err
		}
	}
}
