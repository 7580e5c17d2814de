package contact_test

import (
	"testing"

	"eventstream/server/contact"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

func TestMarksEndByThemselves(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	_, err := d.NewRaw(`INSERT INTO contacts (address, match_key, kind, reachable, unreachable_reason, unreachable_until, marketing_eligible, ineligible_reason, ineligible_until)
		VALUES ('+4915100000001', '1', 'phone', false, 'No WhatsApp', now() - interval '1 second', true, '', NULL),
			('+4915100000002', '2', 'phone', false, 'No WhatsApp', now() + interval '1 hour', true, '', NULL),
			('+4915100000003', '3', 'phone', true, '', NULL, false, 'Had enough', now() - interval '1 second'),
			('+4915100000004', '4', 'phone', false, 'made by a version that knew no end', NULL, false, '', NULL)`).Exec(t.Context())
	require.NoError(t, err)
	for {
		n, err := contact.LiftMarks(t.Context(), d, 1)
		require.NoError(t, err)
		if n == 0 {
			break
		}
	}
	var left []string
	require.NoError(t, d.NewRaw("SELECT address FROM contacts WHERE NOT reachable OR NOT marketing_eligible ORDER BY 1").Scan(t.Context(), &left))
	require.Equal(t, []string{"+4915100000002", "+4915100000004"}, left)
	var endless int
	require.NoError(t, d.NewRaw("SELECT count(*) FROM contacts WHERE NOT reachable AND unreachable_until IS NULL OR NOT marketing_eligible AND ineligible_until IS NULL").Scan(t.Context(), &endless))
	require.Zero(t, endless)
}
