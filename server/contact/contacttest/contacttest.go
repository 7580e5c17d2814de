// Package contacttest writes contacts for tests.
package contacttest

import (
	"context"

	"eventstream/server/contact"
	"eventstream/server/db"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// Insert writes a contact who is new, in a transaction of its own.
func Insert(t require.TestingT, d *db.DB, c *contact.Contact) {
	a := contact.Address{Kind: c.Kind, Wire: c.Address, MatchKey: c.MatchKey}
	require.NoError(t, d.Tx(context.Background(), func(ctx context.Context, tx bun.Tx) error {
		return contact.AddAddresses(ctx, tx, []contact.NewAddress{{Contact: c, Address: a, Preferred: true}}, contact.SourceOther, nil)
	}))
}
