package importer

import (
	"context"
	"strings"
	"testing"

	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

// TestRowsOfOnePersonByDifferentAddresses: two rows of a batch name a known contact, each
// by another address. What the second one says counts like what the first one says.
func TestRowsOfOnePersonByDifferentAddresses(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	number, err := contact.ParseAddress("+4915112340001", "")
	require.NoError(t, err)
	c := contact.New(number)
	require.NoError(t, m.db.Tx(m.ctx, func(ctx context.Context, tx bun.Tx) error {
		id := contact.ReadIDs([]string{"DE.1"})[0]
		news := []contact.NewAddress{{Contact: c, Address: number, Preferred: true}, {Contact: c, Address: id}}
		if err := contact.AddAddresses(ctx, tx, news, contact.SourceOther, nil); err != nil {
			return err
		}
		return m.consents.Record(ctx, tx, c, consent.Change{
			Status: contact.ConsentOptedIn, Source: consent.SourceOperator, Evidence: consent.Evidence{Note: "asked"},
		})
	}))
	_, err = m.db.NewRaw("INSERT INTO topics (name, keyword) VALUES ('Offers', ''), ('News', '')").Exec(m.ctx)
	require.NoError(t, err)

	for _, c := range []struct{ name, file, want string }{
		{
			"nothing in the first",
			"phone,bsuid,name,opt_out,topics\n+4915112340001,,,,\n,DE.1,Bea,yes,Offers\n", "opted_out Bea Offers",
		},
		{
			"something in both",
			"phone,bsuid,name,opt_out,topics\n+4915112340001,,Cleo,,News\n,DE.1,Dora,,\"News,Offers\"\n", "opted_out Dora News,Offers",
		},
	} {
		imp, err := m.Start(m.ctx, Request{FileName: c.name + ".csv", Mode: ModeUpsert}, strings.NewReader(c.file))
		require.NoError(t, err)
		require.NoError(t, m.Run(m.ctx, imp.ID))
		if imp, err = m.ByID(m.ctx, imp.ID); err != nil {
			t.Fatal(err)
		}
		require.Equal(t, []int64{2, 0, 1}, []int64{imp.RowsDone, imp.Rejected, imp.Duplicates}, "%s: %s", c.name, imp.Failure)
		require.Equal(t, c.want, m.text(`SELECT c.consent_status || ' ' || c.name || ' ' || (SELECT string_agg(tp.name, ',' ORDER BY tp.name)
			FROM contact_topics ct JOIN topics tp ON tp.id = ct.topic_id WHERE ct.contact_id = c.id) FROM contacts c`), c.name)
		require.Equal(t, "opted_out", m.text("SELECT status FROM consent_events ORDER BY id DESC LIMIT 1"), c.name)
	}
}
