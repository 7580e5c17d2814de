package importer

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// FuzzFile reads whatever is uploaded, in any wrapping, to its end: each row of it is a row or
// a reject, and nothing else comes of it.
func FuzzFile(f *testing.F) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, "phone,name\n+4915112345678,Al\n")
	require.NoError(f, errors.Join(err, w.Close()))
	f.Add(packed.Bytes())

	packed.Reset()
	z := zip.NewWriter(&packed)
	part, err := z.Create("people.csv")
	require.NoError(f, err)
	_, err = io.WriteString(part, "phone;name\r\n0151 12345678;\"Al\r\n")
	require.NoError(f, errors.Join(err, z.Close()))
	f.Add(bytes.Clone(packed.Bytes()))

	book := excelize.NewFile()
	require.NoError(f, book.SetCellValue("Sheet1", "A1", "phone"))
	require.NoError(f, book.SetCellValue("Sheet1", "A2", 4.915112345678e12))
	require.NoError(f, book.SetCellValue("Sheet1", "B2", time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)))
	xlsx, err := book.WriteToBuffer()
	require.NoError(f, err)
	f.Add(xlsx.Bytes())

	for _, text := range []string{
		"BEGIN:VCARD\nVERSION:2.1\nTEL;CELL:+4915112345678\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=A9;;;;\nEND:VCARD\n",
		"sep=;\rphone;name\r+49;x\r", `[{"phone": {"a": ["1"]}}]`, "{\"phone\":\"1\"}\n{\"phone\":\"2\"\n", "\xff\xfea\x00,\x00", "",
		"Name\tPhone\nA\t0151 1\n", "\"a\n\"b\",c\n", "PK\x03\x04", "\x1f\x8b",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		u, err := unpack(bytes.NewReader(file), "people", "")
		defer u.close()
		if err != nil {
			return
		}
		text, err := io.ReadAll(io.LimitReader(u.text, 1<<20))
		if err != nil {
			return
		}
		req := Request{}
		require.NoError(t, req.check())
		opts, err := sniff(text[:min(len(text), sniffBytes)], &req)
		if err != nil {
			return
		}
		rows, err := open(bytes.NewReader(text), opts)
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			rec, err := rows.next()
			if err != nil {
				return
			}
			require.LessOrEqual(t, n, len(text), "a row takes a byte at least")
			row, reject := check(rec, opts)
			require.True(t, (row == nil) != (reject == nil), "a row is taken or rejected")
		}
	})
}

// FuzzDate: a date that is read lies in the years that the database and people know.
func FuzzDate(f *testing.F) {
	for _, text := range []string{
		"31/12/2025", "12/31/25", "31.12.2025", "2025-12-31T10:00:00+01:00", "46022", "1767139200", "Dec 31, 2025", "٣١/١٢/٢٠٢٥", "",
	} {
		for order := range 3 {
			f.Add(text, order)
		}
	}
	orders := []DateOrder{DateOrderOpen, DateOrderDMY, DateOrderMDY}
	f.Fuzz(func(t *testing.T, text string, order int) {
		at, err := parseDate(text, orders[((order%3)+3)%3])
		if err == nil {
			require.True(t, at.Year() >= 1 && at.Year() <= 9999, "%q is read as %s", text, at)
		}
	})
}
