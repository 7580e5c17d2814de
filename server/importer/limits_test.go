package importer

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"eventstream/server/apperr"

	"github.com/stretchr/testify/require"
)

// A file that is larger than one that is taken in, unpacked, is refused by the limit's
// name, and nothing of it stays.
func TestAFileOverTheLimitLeavesNothing(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	m.maxFile = 3 << 20
	rows := func(bytes int) string {
		const row = "+4915112340001,Ada\n"
		return "phone,name\n" + strings.Repeat(row, bytes/len(row))
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, rows(4<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, file := range map[string]io.Reader{
		"contacts.csv": strings.NewReader(rows(4 << 20)), "contacts.csv.gz": &packed,
	} {
		_, err := m.Start(m.ctx, Request{FileName: name}, file)
		require.True(t, apperr.Is(err, apperr.CodeInvalid), "%s: %v", name, err)
		require.ErrorContains(t, err, "the file is larger than 3 MB: split it", name)
		require.Equal(t, "0 0", m.text("SELECT (SELECT count(*) FROM imports) || ' ' || (SELECT count(*) FROM import_chunks)"), name)
	}
	_, err = m.Start(m.ctx, Request{FileName: "contacts.csv"}, strings.NewReader(rows(2<<20)))
	require.NoError(t, err)
}
