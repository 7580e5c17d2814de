package importer

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// wires are the numbers of the rows that are good, in order.
func wires(good []*row) []string {
	out := make([]string, len(good))
	for i, r := range good {
		out[i] = r.address.Wire
	}
	return out
}

func numbers(from, to int) (out []string) {
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("+49151123400%02d", i))
	}
	return out
}

// TestAQuoteCostsItsOwnRowOnly: whatever stands around it, rows read and rows
// rejected are the rows of the file.
func TestAQuoteCostsItsOwnRowOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file  string
		good  []string
		lines []int64 // of rejected rows
	}{
		"never closed": {
			"phone,name\n+4915112340001,\"Al\n+4915112340002,Bo\n+4915112340003,Cy\n",
			[]string{"+4915112340002", "+4915112340003"},
			[]int64{2},
		},
		"never closed, and a good one later": {
			"phone,name\n+4915112340001,\"Al\n+4915112340002,Bo\n+4915112340003,\"Cy, Jr\"\n+4915112340004,Di\n",
			[]string{"+4915112340002", "+4915112340003", "+4915112340004"},
			[]int64{2},
		},
		"closed by the next broken row": {
			"phone,name\n+4915112340001,\"Al\n+4915112340002,Bo\n+4915112340003,Cy\"\n+4915112340004,Di\n",
			[]string{"+4915112340002", "+4915112340003", "+4915112340004"},
			[]int64{2},
		},
		"two in a row": {
			"phone,name\n+4915112340001,\"Al\n+4915112340002,\"Bo\n+4915112340003,Cy\n",
			[]string{"+4915112340003"},
			[]int64{2, 3},
		},
		"in the last row":  {"phone,name\n+4915112340001,Al\n+4915112340002,\"Bo", []string{"+4915112340001"}, []int64{3}},
		"text behind it":   {"phone,name\n+4915112340001,\"Bob\" Smith\n+4915112340002,Bo\n", []string{"+4915112340002"}, []int64{2}},
		"quotes in a word": {"phone,name\n+4915112340001,5\" Al\n+4915112340002,Bo\n", []string{"+4915112340001", "+4915112340002"}, nil},
		"first column": {
			"phone,name\n\"+4915112340001,Al\n+4915112340002,Bo\n",
			[]string{"+4915112340002"},
			[]int64{2},
		},
		"lines in a cell": {
			"phone,note\n+4915112340001,\"one\n\ntwo, three\nfour \"\"five\"\"\"\n+4915112340002,x\n",
			[]string{"+4915112340001", "+4915112340002"},
			nil,
		},
		"one column": {"phone\n\"+4915112340001\n+4915112340002\n", []string{"+4915112340002"}, []int64{2}},
	} {
		_, good, bad := read(t, []byte(c.file), Request{FileName: name})
		require.Equal(t, c.good, wires(good), name)
		var lines []int64
		for _, r := range bad {
			lines = append(lines, r.Line)
		}
		require.Equal(t, c.lines, lines, name)
	}
	// Three thousand rows, of which the second is broken.
	var file strings.Builder
	file.WriteString("phone,name\n+4915112300000,Zed\n+4915112300001,\"Al\n")
	for i := 2; i < 3000; i++ {
		fmt.Fprintf(&file, "+49151123%05d,\"Bo, %d\"\n", i, i)
	}
	_, good, bad := read(t, []byte(file.String()), Request{})
	require.Len(t, good, 2999)
	require.Len(t, bad, 1)
}

func TestRowsAndCellsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", maxRecord+1)
	_, good, bad := read(t, []byte("phone,note\n+4915112340001,a\n+4915112340002,"+big+"\n+4915112340003,c\n+4915112340004,\""+
		strings.Repeat(strings.Repeat("y", 1000)+"\n", 1100)+"\n+4915112340005,e\n"), Request{})
	require.Equal(t, []string{"+4915112340001", "+4915112340003", "+4915112340005"}, wires(good)[:3])
	require.Equal(t, tooLarge, bad[0].Reason)
	require.Equal(t, neverClosed, bad[1].Reason)
	_, err := sniff([]byte(strings.Repeat("c,", 5000)+"phone\n"), &Request{})
	require.ErrorContains(t, err, "at most 300")
	_, good, bad = read(t, []byte("{\"phone\":\"+4915112340001\"}\n{\"phone\":\"+4915112340002\",\"n\":\""+big+"\"}\n{\"phone\":\"+4915112340003\"}\nnonsense\n{\"phone\":\"+4915112340004\"}\n"), Request{})
	require.Equal(t, []string{"+4915112340001", "+4915112340003", "+4915112340004"}, wires(good))
	require.Len(t, bad, 2)
	src, err := open(strings.NewReader(`[{"phone":"+4915112340001"},{"phone":"`+big+`"}]`), Options{
		Format:  FormatJSON,
		Columns: []Column{{Name: "phone", Field: FieldAddress}},
	})
	require.NoError(t, err)
	_, err = src.next()
	require.NoError(t, err)
	_, err = src.next()
	require.ErrorContains(t, err, "larger than 1 MiB")
}

func TestWhatStandsBeforeTheRows(t *testing.T) {
	t.Parallel()
	want := numbers(1, 2)
	const a, b = "+4915112340001", "+4915112340002"
	for name, file := range map[string]string{
		"a separator line":           "sep=;\nphone;name\n" + a + ";Al\n" + b + ";Bo\n",
		"blank lines":                "\n\r\n\nphone,name\n" + a + ",Al\n\n" + b + ",Bo\n\n",
		"a title":                    "Customers 2025\nphone,name\n" + a + ",Al\n" + b + ",Bo\n",
		"a title with separators":    "Customers 2025;;\n;;\nphone;name;x\n" + a + ";Al;\n" + b + ";Bo;\n",
		"carriage returns":           "phone,name\r" + a + ",Al\r" + b + ",Bo\r",
		"rows of separators":         "phone,name\n,\n" + a + ",Al\n,,,\n ; \n" + b + ",Bo\n,\n",
		"no header":                  a + ",Al\n" + b + ",Bo\n",
		"no header, one column":      a + "\n" + b + "\n",
		"no header, quoted":          "\"" + a + "\",\"Al\"\n\"" + b + "\",\"Bo\"\n",
		"tabs and a title":           "Export\nphone\tname\n" + a + "\tAl\n" + b + "\tBo\n",
		"decimal commas, semicolons": "phone;points\n" + a + ";1,5\n" + b + ";2,5\n",
	} {
		opts, good, bad := read(t, []byte(file), Request{FileName: name})
		if name == "rows of separators" { // " ; " is text where commas separate
			require.Len(t, bad, 1, name)
		} else {
			require.Empty(t, bad, name)
		}
		require.Equal(t, want, wires(good), name)
		require.Equal(t, strings.HasPrefix(name, "no header"), opts.NoHeader, name)
		if opts.NoHeader {
			require.Contains(t, opts.Warnings[0], "not like a header")
		}
	}
}

func TestCountriesOfARowDecideAndUnknownOnesAreNamed(t *testing.T) {
	t.Parallel()
	_, good, bad := read(t, []byte("Country,Phone\nUK,07911 123456\nAustria,0664 1234567\nNarnia,0151 12345678\n,0151 12345678\nNarnia,+4915112345678\n"),
		Request{DefaultRegion: "DE"})
	require.Equal(t, []string{"+447911123456", "+436641234567", "+4915112345678", "+4915112345678"}, wires(good))
	require.Len(t, bad, 1)
	require.Contains(t, bad[0].Reason, `"Narnia" is no country`)
	_, good, bad = read(t, []byte("Country Code,Phone\n+91,98765 43211\n+49,0151 12345678\n"), Request{DefaultRegion: "DE"})
	require.Empty(t, bad)
	require.Equal(t, []string{"+919876543211", "+4915112345678"}, wires(good))
	_, good, bad = read(t, []byte("Region,Country,Phone\nDE,USA,(415) 523-8886\n"), Request{})
	require.Empty(t, bad)
	require.Equal(t, []string{"+14155238886"}, wires(good), "DE is Delaware")
	_, good, bad = read(t, []byte("Region,Phone\nDE,0151 12345678\n"), Request{})
	require.Empty(t, bad)
	require.Equal(t, []string{"+4915112345678"}, wires(good))
}

func TestNumbersWithoutPlusAreDecidedForTheFile(t *testing.T) {
	t.Parallel()
	const file = "phone,name\n33612345601,Al\n4915210000021,Bo\n"
	opts, good, bad := read(t, []byte(file), Request{DefaultRegion: "DE"})
	require.True(t, opts.NumbersOpen)
	require.Equal(t, []Question{{
		About: TopicNumbers, Text: opts.Warnings[0], Example: "33612345601",
		Readings: []string{"+49 3361 2345601", "+33 6 12 34 56 01"},
	}}, opts.Questions)
	require.Equal(t, []string{"+4915210000021"}, wires(good))
	require.Contains(t, bad[0].Reason, "can be +4933612345601 or +33612345601")
	_, good, _ = read(t, []byte(file), Request{DefaultRegion: "DE", Numbers: contact.ReadingInternational})
	require.Equal(t, []string{"+33612345601", "+4915210000021"}, wires(good))
	_, good, bad = read(t, []byte(file), Request{DefaultRegion: "DE", Numbers: contact.ReadingNational})
	require.Equal(t, []string{"+4933612345601", "+494915210000021"}, wires(good))
	require.Empty(t, bad)
	_, good, bad = read(t, []byte(`[{"phone": 4915210000021}, {"phone": 4.915210000022E12}]`), Request{DefaultRegion: "DE"})
	require.Empty(t, bad)
	require.Equal(t, []string{"+4915210000021", "+4915210000022"}, wires(good))
	_, good, _ = read(t, []byte("wa_id,name\n4915210000021,Al\n"), Request{})
	require.Equal(t, []string{"+4915210000021"}, wires(good))
}

func TestTheBestOfSeveralPhoneColumnsIsTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file   string
		want   []string
		source string
	}{
		"Google": {
			"First Name,Last Name,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value\n" +
				"Al,A,Home,030 123456,Mobile,0151 12340001\nBo,B,Mobile,0151 12340002,Work,030 654321\n" +
				"Cy,C,,,* Mobile,+49 151 12340003 ::: 030 1\nDi,D,Work Fax,0151 99999999,Work,0151 12340004\n",
			numbers(1, 4), "Google Contacts",
		},
		"HubSpot": {
			"Record ID,First Name,Last Name,Phone Number,Mobile Phone Number\n1,Al,A,,+4915112340001\n2,Bo,B,+49 30 123456,0151 12340002\n",
			numbers(1, 2), "HubSpot",
		},
		"twice the same": {"Phone,Phone,Name\n,+4915112340001,Al\n+4915112340002,,Bo\n", numbers(1, 2), ""},
		"Outlook": {
			"First Name,Last Name,Business Fax,Business Phone,Home Phone,Mobile Phone,Assistant's Phone\n" +
				"Al,A,030 111111,030 222222,,0151 12340001,0151 99999999\nBo,B,,0151 12340002,,,0151 99999999\n",
			numbers(1, 2), "Outlook",
		},
		"WooCommerce": {
			"Order Number,Order Status,Billing First Name,Billing Last Name,Billing Country,Billing Phone\n1001,completed,Al,A,DE,0151 12340001\n1002,refunded,Bo,B,DE,0151 12340002\n",
			numbers(1, 2), "WooCommerce",
		},
		"Shopify": {
			"Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Country Code,Default Address Phone,Phone,Accepts SMS Marketing\n" +
				"'1,Al,A,a@x.example,yes,DE,0151 12340001,,no\n'2,Bo,B,b@x.example,no,DE,,+4915112340002,no\n",
			numbers(1, 2), "Shopify",
		},
		"an address that is none": {
			"Name,Address(street),City,Phone\nAl,Main St 1,Bonn,+4915112340001\nBo,Main St 2,Bonn,+4915112340002\n",
			numbers(1, 2), "",
		},
		"a street called address": {"Name,Address,City,Phone\nAl,Main St 1,Bonn,+4915112340001\nBo,Main St 2,Bonn,+4915112340002\n", numbers(1, 2), ""},
		"a customer's number":     {"Number,Name,Phone\n1001,Al,+4915112340001\n1002,Bo,+4915112340002\n", numbers(1, 2), ""},
		"by content alone":        {"a,b,c\nAl,+4915112340001,x\nBo,+4915112340002,y\n", numbers(1, 2), ""},
	} {
		opts, good, bad := read(t, []byte(c.file), Request{FileName: name, DefaultRegion: "DE"})
		for _, r := range bad {
			require.Fail(t, r.Reason, name)
		}
		require.Equal(t, c.want, wires(good), name)
		require.Equal(t, c.source, opts.Source, name)
	}
}

// TestExportsOfOtherPrograms, in the shapes in which these write them.
func TestExportsOfOtherPrograms(t *testing.T) {
	t.Parallel()
	for source, c := range map[string]struct {
		file string
		opts map[Field]string // some of the columns
	}{
		"Klaviyo": {
			"Email,Klaviyo ID,First Name,Last Name,Phone Number,Address,City,Country,Zip Code,Date Added,Email Marketing Consent\n" +
				"a@x.example,01H1,Al,A,+4915112340001,Main St 1,Bonn,Germany,53111,2025-01-02 10:00:00,SUBSCRIBED\n" +
				"b@x.example,01H2,Bo,B,0151 12340002,Main St 2,Bonn,Germany,53111,2025-01-02 10:00:00,NEVER_SUBSCRIBED\n",
			map[Field]string{"attributes.email_marketing_consent": "Email Marketing Consent"},
		},
		"Mailchimp": {
			"Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CC,REGION,LEID,EUID,NOTES,TAGS\n" +
				"a@x.example,Al,A,Main St 1,0151 12340001,01/02,2,2024-05-01 10:00:00,192.0.2.1,DE,BY,1001,a1,,\n" +
				"b@x.example,Bo,B,Main St 2,+49 151 12340002,,2,2024-05-01 10:00:00,192.0.2.1,DE,BE,1002,a2,,vip\n",
			map[Field]string{FieldRegion: "CC", "attributes.region": "REGION", "attributes.email_optin_time": "OPTIN_TIME"},
		},
		"Brevo": {
			"CONTACT ID,EMAIL,FIRSTNAME,LASTNAME,SMS,WHATSAPP,ADDED_TIME\n1,a@x.example,Al,A,4915112340001,,02-01-2025 10:00:00\n" +
				"2,b@x.example,Bo,B,,4915112340002,02-01-2025 10:00:00\n",
			map[Field]string{FieldFirstName: "FIRSTNAME", FieldLastName: "LASTNAME"},
		},
		"Chatwoot": {
			"id,name,email,phone_number,identifier,created_at\n1,Al,a@x.example,+4915112340001,,2025-01-02\n2,Bo,,+4915112340002,x2,2025-01-02\n",
			map[Field]string{FieldName: "name"},
		},
		"Wati": {
			"Name,CountryCode,Phone,AllowBroadcast,AllowSMS,created\nAl,49,15112340001,TRUE,TRUE,2025-01-02\nBo,49,15112340002,FALSE,TRUE,2025-01-02\n",
			map[Field]string{FieldOptOut: "AllowBroadcast", FieldRegion: "CountryCode"},
		},
		"listmonk": {
			"uuid,email,name,attributes,status,created_at,phone\n1,a@x.example,Al,{},enabled,2025-01-02,+4915112340001\n" +
				"2,b@x.example,Bo,{},blocklisted,2025-01-02,+4915112340002\n",
			map[Field]string{FieldName: "name"},
		},
	} {
		opts, good, bad := read(t, []byte(c.file), Request{FileName: source, DefaultRegion: "DE"})
		require.Empty(t, bad, source)
		require.Equal(t, source, opts.Source)
		require.Equal(t, numbers(1, 2), wires(good), source)
		for field, name := range c.opts {
			require.True(t, slices.ContainsFunc(opts.Columns, func(c Column) bool { return c.Name == name && c.Field == field }),
				"%s: %s is read into %s", source, name, field)
		}
		for _, r := range good {
			require.NotEqual(t, contact.ConsentOptedIn, r.consent, "%s: nobody agreed to WhatsApp", source)
		}
	}
}

// TestAFileOfWhichNothingCouldBeTakenIsAskedAbout instead of worked for nothing.
func TestAFileOfWhichNothingCouldBeTakenIsAskedAbout(t *testing.T) {
	t.Parallel()
	_, err := sniff([]byte("phone,name\n0151 12345678,Al\n0151 12345679,Bo\n"), &Request{Mode: ModeUpsert})
	require.ErrorContains(t, err, "the first 2 rows have no number")
	require.ErrorContains(t, err, "no country code")
	_, err = sniff([]byte("name,city\nAl,Bonn\n"), &Request{Mode: ModeUpsert})
	require.ErrorContains(t, err, "no column holds phone numbers")
}

func TestConsentOfAnotherKindIsNotWhatsAppConsent(t *testing.T) {
	t.Parallel()
	const file = "phone,Subscribed\n+4915112340001,yes\n+4915112340002,unsubscribed\n+4915112340003,no\n"
	opts, good, _ := read(t, []byte(file), Request{})
	require.True(t, opts.ConsentOpen)
	require.Equal(t, []Question{{About: TopicConsent, Column: "Subscribed", Text: opts.Warnings[0]}}, opts.Questions)
	require.Contains(t, opts.Warnings[0], "“Subscribed”")
	require.Equal(t, contact.ConsentUnknown, good[0].consent)
	require.Equal(t, contact.ConsentOptedOut, good[1].consent, "an opt-out is kept in any case")
	require.Equal(t, contact.ConsentUnknown, good[2].consent)
	_, good, _ = read(t, []byte(file), Request{Consent: ConsentChoice{Source: "none"}})
	require.Equal(t, contact.ConsentUnknown, good[0].consent)
	require.Equal(t, contact.ConsentOptedOut, good[1].consent, "also where no consent is recorded")
	require.Equal(t, "Subscribed: unsubscribed", good[1].optOut, "its evidence is the file's word, not what others agreed to")
	_, good, _ = read(t, []byte(file), Request{Consent: ConsentChoice{Text: "WhatsApp news, form of May"}})
	require.Equal(t, contact.ConsentOptedIn, good[0].consent)
	_, good, _ = read(t, []byte("phone,WhatsApp opt-in\n+4915112340001,yes\n"), Request{})
	require.Equal(t, contact.ConsentOptedIn, good[0].consent, "the column says what it is")
	// The opt-outs of other systems.
	for header, rows := range map[string]string{
		"phone,name,unsubscribed":   "+4915112340001,Al,true\n+4915112340002,Bo,false\n",
		"phone,name,UNSUB_TIME":     "+4915112340001,Al,2025-01-01 10:00:00\n+4915112340002,Bo,\n",
		"Phone,Name,AllowBroadcast": "+4915112340001,Al,FALSE\n+4915112340002,Bo,TRUE\n",
	} {
		_, good, bad := read(t, []byte(header+"\n"+rows), Request{})
		require.Empty(t, bad, header)
		require.Equal(t, contact.ConsentOptedOut, good[0].consent, header)
		require.NotEmpty(t, good[0].optOut)
		require.Equal(t, contact.ConsentUnknown, good[1].consent, header)
	}
	_, good, _ = read(t, []byte("uuid,email,name,attributes,status,phone\n1,a@x.example,Al,,blocklisted,+4915112340001\n2,b@x.example,Bo,,enabled,+4915112340002\n"), Request{})
	require.Equal(t, contact.ConsentOptedOut, good[0].consent)
	require.Equal(t, contact.ConsentUnknown, good[1].consent)
}

func TestWhoOptedOutComesBackByNewerProofOnly(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	left := now.AddDate(0, -1, 0)
	change := func(cells string, of *contact.Contact, suppressed bool) bool {
		_, good, bad := read(t, []byte("phone,opt-in,opt-in date\n+4915112340001,"+cells+"\n"), Request{})
		require.Empty(t, bad)
		_, changes := good[0].consentChange(of, &Import{FileName: "a.csv"}, now, suppressed)
		return changes
	}
	out := &contact.Contact{ConsentStatus: contact.ConsentOptedOut, ConsentAt: &left}
	require.False(t, change("yes,", out, false), "a yes of no date")
	require.False(t, change("yes,2026-01-01", out, false), "from before they left")
	require.True(t, change("yes,2026-04-20", out, false))
	require.False(t, change("no,2026-04-20", out, false))
	stranger := &contact.Contact{ConsentStatus: contact.ConsentUnknown}
	require.True(t, change("yes,", stranger, false))
	require.False(t, change("yes,2026-04-20", stranger, true), "suppressed before it was forgotten")
	in := &contact.Contact{ConsentStatus: contact.ConsentOptedIn, ConsentAt: &left}
	require.True(t, change("unsubscribed,", in, false))
	require.True(t, change("unsubscribed,2026-04-20", in, false))
	require.False(t, change("unsubscribed,2026-01-01", in, false), "they agreed after that")
}

func TestDatesInTheOrderOfTheirColumn(t *testing.T) {
	t.Parallel()
	day := func(c string, req Request) (string, []*Reject) {
		req.Consent.Text = "x"
		_, good, bad := read(t, []byte("phone,consent,consent date\n"+c), req)
		if len(good) == 0 || good[0].consentAt == nil {
			return "", bad
		}
		return good[0].consentAt.Format("2006-01-02"), bad
	}
	const row = "+4915112340001,yes,"
	for in, want := range map[string]string{
		"31/12/2025": "2025-12-31", "12/31/25": "2025-12-31", "31.12.2025": "2025-12-31", "03.04.2025": "2025-04-03",
		"31-12-2025": "2025-12-31", "12/31/2025 3:04 PM": "2025-12-31", "2025-12-31": "2025-12-31", "31 Dec 2025": "2025-12-31",
		"Dec 31, 2025": "2025-12-31",
	} {
		got, bad := day(row+`"`+in+`"`+"\n", Request{})
		require.Empty(t, bad, in)
		require.Equal(t, want, got, in)
	}
	got, _ := day(row+"03/04/2025\n+4915112340002,yes,13/04/2025\n", Request{})
	require.Equal(t, "2025-04-03", got, "another row tells")
	got, _ = day(row+"03/04/2025\n+4915112340002,yes,04/13/2025\n", Request{})
	require.Equal(t, "2025-03-04", got)
	got, bad := day(row+"03/04/2025\n+4915112340009,yes,2025-01-01\n", Request{})
	require.Empty(t, got[:0])
	require.Contains(t, bad[0].Reason, "3 April 2025 or 4 March 2025")
	asked, _, _ := read(t, []byte("phone,due\n+4915112340001,01/01/2025\n+4915112340002,03/04/2025\n"), Request{})
	require.True(t, asked.DatesOpen)
	require.Equal(t, []Question{{
		About: TopicDates, Column: "due", Text: asked.Warnings[0], Example: "03/04/2025",
		Readings: []string{"2025-04-03", "2025-03-04"},
	}}, asked.Questions)
	got, _ = day(row+"03/04/2025\n", Request{DateOrder: DateOrderDMY})
	require.Equal(t, "2025-04-03", got)
	opts, good, _ := read(t, []byte("phone,due\n+4915112340001,31/12/2025\n+4915112340002,01/02/2026\n"), Request{})
	require.Equal(t, Column{Name: "due", Field: "attributes.due", Type: typeDate, DateOrder: DateOrderDMY, Samples: []string{"31/12/2025", "01/02/2026"}}, opts.Columns[1])
	require.Equal(t, "2026-02-01", good[1].attrs["due"])
}

func TestDoubtfulLettersAreTold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"J\xf6rg":                   "read as Windows-1252",
		"J\ufffdrg":                 "cannot be read, such as in “J\ufffdrg”",
		"M\u00c3\u00bcller":         "wrong encoding, such as “M\u00c3\u00bcller”",
		"Al\u00e2\u20ac\u2122s bar": "wrong encoding, such as “Al\u00e2\u20ac\u2122s”",
		"IRM\u00c3\u201cS":          "wrong encoding",
		"Jörg":                      "",
		"\u00c3lvaro S\u00c3O “MA\u00c7\u00c3”": "", // Portuguese capitals
	} {
		opts, _, bad := read(t, []byte("phone,name\n+4915112340001,"+name+strings.Repeat("\n+4915112340002,Bo", 10)+"\n"), Request{})
		require.Empty(t, bad, name)
		if want == "" {
			require.Empty(t, opts.Warnings, name)
			continue
		}
		require.Len(t, opts.Warnings, 1, name)
		require.Contains(t, opts.Warnings[0], want)
	}
}

func TestSheetsAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	_, err := book.NewSheet("People")
	require.NoError(t, err)
	date, err := book.NewStyle(&excelize.Style{NumFmt: 14})
	require.NoError(t, err)
	custom := "dd/mm/yyyy hh:mm"
	moment, err := book.NewStyle(&excelize.Style{CustomNumFmt: &custom})
	require.NoError(t, err)
	set := func(cell string, v any) { require.NoError(t, book.SetCellValue("People", cell, v)) }
	set("A1", "Phone")
	set("B1", "Due")
	set("C1", "At")
	set("D1", "Member")
	set("E1", "Total")
	set("A3", 4915123450002.0)
	set("B3", 46380)
	require.NoError(t, book.SetCellStyle("People", "B3", "B3", date))
	set("C3", 46380.5)
	require.NoError(t, book.SetCellStyle("People", "C3", "C3", moment))
	set("D3", true)
	set("E3", 0.1+0.2)
	out, err := book.WriteToBuffer()
	require.NoError(t, err)
	u, err := unpack(bytes.NewReader(out.Bytes()), "people.xlsx", "")
	require.NoError(t, err)
	defer u.close()
	text, err := io.ReadAll(u.text)
	require.NoError(t, err)
	require.Equal(t, "Phone,Due,At,Member,Total\n\n4915123450002,2026-12-24,2026-12-24T12:00:00,true,0.3\n", string(text))
	require.Equal(t, "People", u.sheet, "the first one is empty")
	require.Equal(t, []string{"Sheet1", "People"}, u.sheets)
	_, err = unpack(bytes.NewReader(out.Bytes()), "people.xlsx", "Nope")
	require.ErrorContains(t, err, `no sheet "Nope"; it has Sheet1, People`)
	for code, want := range map[string]bool{
		"dd.mm.yyyy": true, "m/d/yy h:mm": true, "[$-407]d. mmmm yyyy": true, "mm:ss.0": true, "0.00": false, "General": false,
		`0 "days"`: false, "#,##0": false, "@": false, `"y"0`: false, "0.00E+00": false, "[Red]0": false,
	} {
		require.Equal(t, want, isDateFormat(code), code)
	}
}

func TestBombsAreRefused(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, err := io.WriteString(w, "phone,note\n+4915112340001,")
	require.NoError(t, err)
	chunk := bytes.Repeat([]byte("a"), 1<<20)
	for range 34 {
		_, err = w.Write(chunk)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	u, err := unpack(&bomb, "bomb.gz", "")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, u.text)
	require.ErrorContains(t, err, "250 times")

	// A workbook with a picture that unpacks to as much costs nothing; one with such a sheet is refused.
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	add := func(name, text string, zeros int) {
		part, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(part, text)
		require.NoError(t, err)
		for range zeros {
			_, err = part.Write(chunk)
			require.NoError(t, err)
		}
	}
	add("xl/workbook.xml", `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>`, 0)
	add("xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`, 0)
	add("xl/media/image1.png", "", 34)
	add("xl/worksheets/sheet1.xml", `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row></sheetData></worksheet>`, 0)
	require.NoError(t, z.Close())
	small := bytes.Clone(packed.Bytes())
	got, err := textOf(t, small)
	require.NoError(t, err)
	require.Equal(t, "phone\n", got)
	packed.Reset()
	z = zip.NewWriter(&packed)
	add("xl/workbook.xml", `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>`, 0)
	add("xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`, 0)
	add("xl/worksheets/sheet1.xml", `<worksheet><sheetData>`, 34)
	require.NoError(t, z.Close())
	_, err = textOf(t, packed.Bytes())
	require.ErrorContains(t, err, "more than is read")
	// Nothing of it is large, but there is too much of it.
	packed.Reset()
	z = zip.NewWriter(&packed)
	var sheets, links strings.Builder
	for i := range maxSheets + 1 {
		fmt.Fprintf(&sheets, `<sheet name="S%d" r:id="r%d"/>`, i, i)
		fmt.Fprintf(&links, `<Relationship Id="r%d" Target="worksheets/sheet%d.xml"/>`, i, i)
		add(fmt.Sprintf("xl/worksheets/sheet%d.xml", i), "<worksheet/>", 0)
	}
	add("xl/workbook.xml", `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>`+
		sheets.String()+"</sheets></workbook>", 0)
	add("xl/_rels/workbook.xml.rels", "<Relationships>"+links.String()+"</Relationships>", 0)
	require.NoError(t, z.Close())
	_, err = textOf(t, packed.Bytes())
	require.ErrorContains(t, err, "201 sheets")
	packed.Reset()
	z = zip.NewWriter(&packed)
	add("xl/sharedStrings.xml", "<sst>"+strings.Repeat("<si/>", 4)+"</sst>", 0)
	require.NoError(t, z.Close())
	archive, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	require.NoError(t, err)
	texts := workbook{parts: map[string]*zip.File{"xl/sharedStrings.xml": archive.File[0]}, most: 4}
	require.NoError(t, texts.readTexts())
	texts = workbook{parts: texts.parts, most: 3}
	require.ErrorContains(t, texts.readTexts(), "more than 3 different texts")
}
