package keys

import (
	"context"
	"errors"
	"fmt"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
)

// renewBatch is how many secrets are encrypted anew in one transaction.
const renewBatch = 200

// Use is how many secrets of a column lie under one SECRET_KEY.
type Use struct {
	Column string
	Key    string // its id
	Rows   int64
	Known  bool // the key is set here
}

// Uses tells what lies under which SECRET_KEY.
func Uses(ctx context.Context, idb bun.IDB, k *secret.Keys) ([]Use, error) {
	known := map[string]bool{}
	for _, id := range k.IDs() {
		known[id] = true
	}
	var all []Use
	for _, c := range secret.Columns {
		rows, err := usesOf(ctx, idb, c)
		if err != nil {
			return nil, err
		}
		for _, u := range rows {
			u.Column, u.Known = c.String(), known[u.Key]
			all = append(all, u)
		}
	}
	return all, nil
}

// Renew encrypts by the newest SECRET_KEY what lies under an earlier one, and gives
// how many secrets that were. It works in batches that commit, so that it may be
// broken off and begun again, while servers go on. What none of the keys reads stays
// as it is and is an error at the end.
func Renew(ctx context.Context, d *db.DB, k *secret.Keys) (renewed int, err error) {
	ctx = actor.With(ctx, actor.System)
	newest := k.IDs()[0]
	var unreadable []error
	for _, c := range secret.Columns {
		n, after := 0, int64(0)
		for more := true; more; {
			batch, lost := 0, []error(nil)
			err := d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
				rows, err := underOther(ctx, tx, c, newest, after, renewBatch)
				more, batch, lost = len(rows) == renewBatch, 0, nil
				if err != nil || len(rows) == 0 {
					return err
				}
				for _, row := range rows {
					plain, err := k.Open(c.Purpose(row.ID), row.Sealed)
					if err != nil {
						lost = append(lost, &UnreadableError{fmt.Sprintf("%s %d", c, row.ID), secret.KeyOf(row.Sealed)})
						continue
					}
					sealed, err := k.Seal(c.Purpose(row.ID), plain)
					if err != nil {
						return err
					}
					if err := reseal(ctx, tx, c, row.ID, sealed); err != nil {
						return err
					}
					batch++
				}
				after = rows[len(rows)-1].ID
				return nil
			})
			if err != nil {
				return renewed, err
			}
			n, renewed, unreadable = n+batch, renewed+batch, append(unreadable, lost...)
		}
		if n == 0 {
			continue
		}
		if err := d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			return audit.Record(ctx, tx, audit.KeysRenew, "key", 0, map[string]any{"column": c.String(), "key": newest, "secrets": n})
		}); err != nil {
			return renewed, err
		}
	}
	return renewed, errors.Join(unreadable...)
}

// Address is a key by which addresses are hashed.
type Address = addressKey

// List gives the keys by which addresses are hashed, the newest first.
func List(ctx context.Context, idb bun.IDB) ([]*Address, error) { return addressKeys(ctx, idb) }

// Rotate adds a key by which addresses are hashed from in a minute on. The earlier
// ones go on being looked up with. With lost, it may be the first: hashes that were
// made with a SECRET_KEY that is gone are recognised no more.
func Rotate(ctx context.Context, d *db.DB, k *secret.Keys, lost bool) (added *Address, err error) {
	ctx = actor.With(ctx, actor.System)
	err = d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockKeys(ctx, tx); err != nil {
			return err
		}
		rows, err := addressKeys(ctx, tx)
		if err != nil {
			return err
		}
		key := NewKey()
		if len(rows) == 0 {
			if !lost {
				return errors.New("there is no key yet: the first start of this version makes it")
			}
			if err := addFirst(ctx, tx, k, key); err != nil {
				return err
			}
		} else {
			if _, err := open(k, rows); err != nil {
				return err // what is written with the new key would be all that is ever found
			}
			id := rows[0].ID + 1
			sealed, err := k.Seal(secret.AddressKey.Purpose(id), key)
			if err != nil {
				return err
			}
			if err := insertKey(ctx, tx, id, sealed, Fingerprint(key), Delay); err != nil {
				return err
			}
		}
		if rows, err = addressKeys(ctx, tx); err != nil {
			return err
		}
		added = rows[0]
		return audit.Record(ctx, tx, audit.KeysRotateAddresses, "key", added.ID,
			map[string]any{"fingerprint": added.Fingerprint, "lost": lost && len(rows) == 1})
	})
	return added, err
}
