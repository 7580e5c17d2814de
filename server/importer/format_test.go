package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
)

// read runs a whole file through sniff, open and check.
func read(t *testing.T, file []byte, req Request) (Options, []*row, []*Reject) {
	t.Helper()
	require.NoError(t, req.check())
	opts, err := sniff(file[:min(len(file), sniffBytes)], &req)
	require.NoError(t, err)
	src, err := open(bytes.NewReader(file), opts)
	require.NoError(t, err)
	var good []*row
	var bad []*Reject
	for {
		rec, err := src.next()
		if errors.Is(err, io.EOF) {
			return opts, good, bad
		}
		require.NoError(t, err)
		r, reject := check(rec, opts)
		if reject != nil {
			bad = append(bad, reject)
		} else {
			good = append(good, r)
		}
	}
}

func TestEveryShapeOfTheSameFileReadsAlike(t *testing.T) {
	t.Parallel()
	const csv = "Telefon;Name;Land;Stadt;Punkte;PLZ;VIP;Opt-in\r\n0151 12345678;Jörg;DE;Köln;12;01067;yes;yes\r\n\"+33 6 12 67 94 73\";\"Ana \"\"B\"\"\nC\";FR;;7.5;75001;NO;no\r\n"
	utf16, err := xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM).NewEncoder().String(csv)
	require.NoError(t, err)
	latin, err := charmap.Windows1252.NewEncoder().String(csv)
	require.NoError(t, err)
	jsonRows := `[{"phone":"0151 12345678","Name":"Jörg","country":"DE","Stadt":"Köln","Punkte":12,"PLZ":"01067","VIP":true,"consent":"opted_in"},
		{"phone":"+33 6 12 67 94 73","Name":"Ana \"B\"\nC","country":"FR","Punkte":7.5,"PLZ":"75001","VIP":false,"consent":null}]`
	ndjson := strings.ReplaceAll(strings.Trim(strings.ReplaceAll(jsonRows, ",\n\t\t", "\n"), "[]"), "Land", "country")
	for name, file := range map[string]string{
		"semicolons": csv, "with BOM": "\ufeff" + csv, "tabs": strings.ReplaceAll(csv, ";", "\t"), "UTF-16": utf16,
		"Latin-1": latin, "JSON": jsonRows, "NDJSON": ndjson,
	} {
		_, good, bad := read(t, []byte(file), Request{FileName: name, Consent: ConsentChoice{Text: "WhatsApp news, at the till"}})
		require.Empty(t, bad, name)
		require.Len(t, good, 2, name)
		require.Equal(t, "+4915112345678", good[0].address.Wire, name)
		require.Equal(t, "Jörg", *good[0].name, name)
		require.Equal(t, map[string]any{"stadt": "Köln", "punkte": 12.0, "plz": "01067", "vip": true}, good[0].attrs, name)
		require.Equal(t, contact.ConsentOptedIn, good[0].consent, name)
		require.Equal(t, map[string]any{"punkte": 7.5, "plz": "75001", "vip": false}, good[1].attrs, name)
		require.Equal(t, contact.ConsentUnknown, good[1].consent, "%s: a plain no is no opt-out", name)
	}
}

// TestTheFileOfFiveThousand compares with what google-libphonenumber, an
// independent implementation, says of each row.
func TestTheFileOfFiveThousand(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/contacts_5k.csv")
	require.NoError(t, err)
	raw, err := os.ReadFile("testdata/contacts_5k.expected.json")
	require.NoError(t, err)
	var want struct {
		Rows, Accepted, Duplicates int
		RejectedLines              []struct{ Row int64 }
	}
	require.NoError(t, json.Unmarshal(raw, &want))
	_, good, bad := read(t, file, Request{FileName: "contacts_5k.csv"})
	people := map[string]bool{}
	for _, r := range good {
		people[r.address.MatchKey] = true
	}
	require.Len(t, people, want.Accepted)
	require.Equal(t, want.Duplicates, len(good)-len(people))
	require.Equal(t, want.Rows, len(good)+len(bad))
	require.Len(t, bad, len(want.RejectedLines))
	for i, w := range want.RejectedLines {
		require.Equal(t, w.Row, bad[i].Row)
	}
}

func TestRejectsSayWhichValueAndWhy(t *testing.T) {
	t.Parallel()
	_, good, bad := read(t, []byte("phone,consent,consent date\n+4915112345678,maybe,\n+4915112345678,yes,yesterday\n,yes,\n12,yes,\n+4915112345678,unsubscribed,2026-01-01\n"), Request{})
	require.Len(t, good, 1)
	require.Equal(t, contact.ConsentOptedOut, good[0].consent)
	reasons := []string{"neither yes, no", "not a date", "empty", "no country code"}
	require.Len(t, bad, len(reasons))
	for i, r := range bad {
		require.Contains(t, r.Reason, reasons[i])
		require.EqualValues(t, i+1, r.Row)
		require.EqualValues(t, i+2, r.Line)
	}
}

func TestMappingIsGuessedAndCorrected(t *testing.T) {
	t.Parallel()
	opts, good, _ := read(t, []byte("tel,tel,Full Name\n+4915112345678,x,Max\n"),
		Request{Mapping: map[string]Field{"Full Name": "attributes.nick"}})
	require.Equal(t, []Column{
		{Name: "tel", Field: FieldAddress, Samples: []string{"+4915112345678"}},
		{Name: "tel (2)", Field: "attributes.tel_2", Type: "text", Samples: []string{"x"}},
		{Name: "Full Name", Field: "attributes.nick", Type: "text", Samples: []string{"Max"}},
	}, opts.Columns)
	require.Nil(t, good[0].name)
	german, good, _ := read(t, []byte("Anruf unter;Vorname;Nachname;PLZ\n0151 12345678;Max;Muster;50667\n0151 12345679;Eva;;01067\n"), Request{DefaultRegion: "DE"})
	require.Equal(t, []Field{FieldAddress, FieldFirstName, FieldLastName, "attributes.plz"},
		[]Field{german.Columns[0].Field, german.Columns[1].Field, german.Columns[2].Field, german.Columns[3].Field},
		"numbers are known by what they look like")
	require.Equal(t, "Max Muster", *good[0].name)
	require.Equal(t, map[string]any{"first_name": "Max", "last_name": "Muster", "plz": "50667"}, good[0].attrs)
	require.Equal(t, "Eva", *good[1].name)
	again, _, _ := read(t, []byte("tel,import line,import error\n+4915112345678,7,why\n"), Request{})
	require.Equal(t, []Field{FieldAddress, FieldIgnore, FieldIgnore},
		[]Field{again.Columns[0].Field, again.Columns[1].Field, again.Columns[2].Field},
		"mended rejects come in without our own columns")
	for _, bad := range []Request{
		{Mapping: map[string]Field{"nope": FieldName}},
		{Mapping: map[string]Field{"tel": "phone"}},
		{Mapping: map[string]Field{"tel": "", "tel (2)": ""}},
	} {
		_, err := sniff([]byte("tel,tel,x\n1,2,3\n"), &bad)
		require.Error(t, err)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("phone\n+4915112345678\n"))
	f.Add([]byte(`[{"phone":"1"}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		req := Request{}
		_ = req.check()
		opts, err := sniff(file, &req)
		if err != nil {
			return
		}
		src, err := open(bytes.NewReader(file), opts)
		if err != nil {
			return
		}
		for range 1000 {
			rec, err := src.next()
			if err != nil {
				return
			}
			_, _ = check(rec, opts)
		}
	})
}
