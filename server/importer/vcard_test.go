package importer

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVCardsOfAllVersions(t *testing.T) {
	t.Parallel()
	const cards = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Al A\r\nN:A;Al;;;\r\nTEL;TYPE=HOME:030 123456\r\nTEL;TYPE=CELL:0151 1234\r\n 0001\r\n" +
		"PHOTO;ENCODING=b;TYPE=JPEG:AAAA\r\n AAAA\r\nEMAIL:a@x.example\r\nEND:VCARD\r\n" +
		"BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=96zil;B=\n=C3=B6=\nb;;;\nTEL;CELL:+4915112340002\nitem1.TEL:030 5\nEND:VCARD\n" +
		"BEGIN:VCARD\nVERSION:4.0\nFN:Cy\nTEL;VALUE=uri;TYPE=\"voice,cell\":tel:+49-151-12340003\nEND:VCARD\n" +
		"BEGIN:VCARD\nVERSION:4.0\nFN:No end\n"
	r, were, done := fromVCards(strings.NewReader(cards))
	defer done()
	require.True(t, were)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	_, good, bad := read(t, text, Request{DefaultRegion: "DE"})
	require.Equal(t, numbers(1, 3), wires(good))
	require.Equal(t, "Al A", *good[0].name)
	require.Equal(t, "Böb Özil", *good[1].name)
	require.Len(t, bad, 1)
	require.Contains(t, bad[0].Reason, "no end")
	plain, were, done := fromVCards(strings.NewReader("phone\n1"))
	defer done()
	require.False(t, were)
	text, err = io.ReadAll(plain)
	require.NoError(t, err)
	require.Equal(t, "phone\n1", string(text))
}
