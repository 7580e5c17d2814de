package importer

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"eventstream/server/apperr"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func sheet(t *testing.T, rows ...[]any) []byte {
	t.Helper()
	book := excelize.NewFile()
	for i, row := range rows {
		at, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(t, err)
		require.NoError(t, book.SetSheetRow("Sheet1", at, &row))
	}
	out, err := book.WriteToBuffer()
	require.NoError(t, err)
	return out.Bytes()
}

func textOf(t *testing.T, file []byte) (string, error) {
	t.Helper()
	u, err := unpack(bytes.NewReader(file), "people", "")
	defer u.close()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(u.text)
	return string(text), err
}

func TestFilesAreTakenOutOfWhatWrapsThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"plain": {[]byte("phone\n+4915112345678\n"), "phone\n+4915112345678\n"},
		"gzip":  {zipped(t, "phone\n+4915112345678\n"), "phone\n+4915112345678\n"},
		"a sheet": {
			sheet(t, []any{"Phone", "Name", "Points"}, []any{"+49 151 12345678", "Ada \"A\" L, Ms", 12.5},
				[]any{}, []any{4915112345679, "Bob", true}),
			"Phone,Name,Points\n+49 151 12345678,\"Ada \"\"A\"\" L, Ms\",12.5\n\n4915112345679,Bob,true\n",
		},
		"nothing":      {nil, ""},
		"a short file": {[]byte("ab"), "ab"},
	} {
		got, err := textOf(t, c.file)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestBrokenContainersAreNamed(t *testing.T) {
	t.Parallel()
	whole := zipped(t, strings.Repeat("phone\n+4915112345678\n", 1000))
	book := sheet(t, []any{"Phone"}, []any{"+4915112345678"})
	for name, file := range map[string][]byte{
		"cut gzip":  whole[:len(whole)-20],
		"no gzip":   {0x1f, 0x8b, 1, 2, 3},
		"cut sheet": book[:len(book)/2],
		"a zip":     []byte("PK\x03\x04 is no workbook"),
	} {
		_, err := textOf(t, file)
		require.Error(t, err, name)
		require.True(t, apperr.Is(err, apperr.CodeInvalid), "%s: %v", name, err)
		require.Contains(t, err.Error(), "people", name)
	}
}
