package export_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"eventstream/server/csvcell"
	"eventstream/server/db/dbtest"
	"eventstream/server/export"
	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

func TestACampaignsMessagesAreWrittenAsCSV(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	const people = 4321 // more than two slices
	_, err := d.NewRaw(`INSERT INTO contacts (address, match_key, kind, name, erased_at)
		SELECT '+49151' || g, '+49151' || g, 'phone', CASE g WHEN 1 THEN '=HYPERLINK("x")' ELSE 'Ada, "A"' END,
			CASE WHEN g = 2 THEN now() END FROM generate_series(1, ?::int) g`, people).Exec(t.Context())
	require.NoError(t, err)
	_, err = d.NewRaw(`INSERT INTO campaigns (name, status) VALUES ('a', 'completed'), ('b', 'completed');
		INSERT INTO messages (direction, purpose, campaign_id, contact_id, status, body, error_code)
		SELECT 'outbound', 'campaign', CASE WHEN id = 3 THEN 2 ELSE 1 END, id, 'failed', E'two\nlines', 63024 FROM contacts`).
		Exec(t.Context())
	require.NoError(t, err)
	s := export.NewService(d, nil, func(code int) message.CodeInfo {
		return message.CodeInfo{Code: code, Title: "No WhatsApp", Advice: "-"}
	})
	var out bytes.Buffer
	require.NoError(t, s.WriteMessages(t.Context(), 1, csvcell.CSV, &out))
	require.True(t, strings.HasPrefix(out.String(), "\ufeff"), "Excel reads it as UTF-8")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, people, "a header, and everyone but the other campaign's")
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	cell := func(row int, name string) string { return rows[row][column[name]] }
	require.Equal(t, "+491514321", cell(1, "phone"), "newest contact first")
	require.Equal(t, `Ada, "A"`, cell(1, "name"))
	require.Equal(t, []string{"63024", "No WhatsApp", "two\nlines"},
		[]string{cell(1, "error_code"), cell(1, "error"), cell(1, "text")})
	require.Equal(t, "'=HYPERLINK(\"x\")", cell(people-1, "name"), "no spreadsheet reads a formula")
	require.Equal(t, "'-", cell(people-1, "advice"))
	require.Equal(t, "erased", cell(people-2, "phone"))
	seen := map[string]bool{}
	for _, r := range rows[1:] {
		require.False(t, seen[r[column["phone"]]], "nobody twice")
		seen[r[column["phone"]]] = true
	}
}
