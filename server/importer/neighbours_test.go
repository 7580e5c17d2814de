package importer

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
)

// taken are a file's rows in short: number and name, with what it says of consent, or !
// and the line of a row that was rejected. It goes the way of an upload.
func taken(t *testing.T, file string, req Request) (Options, []string) {
	t.Helper()
	u, err := unpack(strings.NewReader(file), req.FileName, "")
	require.NoError(t, err)
	defer u.close()
	r, _, done := fromVCards(u.text)
	defer done()
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	opts, err := sniff(plain[:min(len(plain), sniffBytes)], &req)
	if err != nil {
		return opts, []string{err.Error()}
	}
	src, err := open(bytes.NewReader(plain), opts)
	require.NoError(t, err)
	var rows []string
	for {
		rec, err := src.next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return opts, rows
		}
		got, reject := check(rec, opts)
		switch {
		case reject != nil:
			rows = append(rows, fmt.Sprintf("!%d %s", reject.Line, reject.Reason))
			continue
		case got.name != nil:
			rows = append(rows, strings.TrimPrefix(got.address.Wire, "+")+" "+*got.name)
		default:
			rows = append(rows, strings.TrimPrefix(got.address.Wire, "+"))
		}
		if got.consent != contact.ConsentUnknown {
			rows[len(rows)-1] += " " + string(got.consent)
		}
	}
}

func encoded(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	require.NoError(t, err)
	return out
}

// oneOf is a file of one column of phone numbers, or of another one before a number.
func oneOf(values []string) string {
	var file strings.Builder
	file.WriteString("phone;note\n")
	for _, v := range values {
		fmt.Fprintf(&file, "\"%s\";x\n", strings.ReplaceAll(v, `"`, `""`))
	}
	return file.String()
}

// TestNumbersInEverySpelling reads, or refuses, what people and programs make of one
// number. A reading that is somebody else's number is the worst that can happen.
func TestNumbersInEverySpelling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ region, want, spellings string }{
		{"DE", "4915112340001", `+49 (0) 151 / 123 400 01|0049-151-12340001|(0151) 12340001|+49(151)12340001|49 151 12340001|++4915112340001|` +
			`+49·151·12340001|+49_151_12340001|+49 151 1234 0001 (WhatsApp)|Mobil: 0151 12340001|Tel. 4915112340001|0151 12340001 Anna|` +
			`p:+4915112340001|+49 0151 12340001|00 49 151 12340001|+0049 151 12340001|004915112340001.00|4,915,112,340,001|` +
			`4.915.112.340.001|'4915112340001|'+4915112340001'|“+4915112340001”|sms:+4915112340001|callto:+4915112340001|` +
			`4915112340001@c.us|4915112340001@s.whatsapp.net|=+4915112340001|➕4915112340001|📱 4915112340001|+4️⃣9️⃣15112340001|+49 151⁄12340001|` +
			`০০৪৯১৫১১২৩৪০০০১|๐๐๔๙๑๕๑๑๒๓๔๐๐๐๑|<+4915112340001>|["+4915112340001"]`},
		{"DE", "4915112340001", `4.915112340001E+12|4.915112340001e12|4.915112340001E+012|4.915112340001 E+12|4.915112340001×10^12|4915112340001E0`},
		{"DE", "4915112340001", `+4915112340001/+4915112340002|+4915112340001 +4915112340002|+4915112340001 - +4915112340002|` +
			`0151 12340001 (privat) 0152 12340009 (Arbeit)|Home: 0151 12340001 Mobile: 0152 12340009|["+4915112340001","+4915112340002"]`},
		{"IN", "919876543211", `98765 43211|098765 43211|91 98765 43211|9876543211.0|9.876543211E9|9876543211/9876543212`},
		{"ID", "62812345678", `62812345678|812345678|6.2812345678E10|62812345678.0`},
		{"BR", "5511987654321", `(11) 98765-4321|5511987654321|011 98765-4321|+55 011 98765-4321`},
		{"FR", "33612345601", `06 12 34 56 01|612345601|33612345601|+33 (0)6 12 34 56 01|336 12 34 56 01`},
		{"US", "14155238886", `(415) 523-8886|1-415-523-8886|415.523.8886|4155238886|415-523-8886 or 415-523-8887`},
		{"DE", "! shortened", `4.91511E+12|4,91511E+12|4.915E+12|5E+12`},
		{"DE", "! extension", `+4915112340001 x22|+4915112340001 ext. 12|+4915112340001#12|+4915112340001 Durchwahl 12|+49 151 1234 0001 app 5|+4915112340001x9`},
		{"DE", "! not a phone number", `n/a|4915112340001.50|011 49 151 12340001|0151 1234567 Max 29|123; 456|+49|0151 1234A0001`},
	} {
		want, refused := strings.CutPrefix(c.want, "! ")
		_, rows := taken(t, oneOf(strings.Split(c.spellings, "|")), Request{DefaultRegion: c.region, Mapping: map[string]Field{"phone": FieldAddress}})
		for i, spelling := range strings.Split(c.spellings, "|") {
			if refused {
				require.Contains(t, rows[i], want, spelling)
				require.True(t, strings.HasPrefix(rows[i], "!"), spelling)
			} else {
				require.Equal(t, want, rows[i], spelling)
			}
		}
	}
}

func TestCountriesInEverySpelling(t *testing.T) {
	t.Parallel()
	for country, names := range map[string]string{
		"DE": "Deutschland|Allemagne|Alemania|Germania|Duitsland|Niemcy|Германия|ألمانيا|德国|ドイツ|जर्मनी|Germany (DE)|DE - Germany|🇩🇪|🇩🇪 Germany|" +
			"Bundesrepublik Deutschland|DEU|49|+49|0049|(+49)|Germany +49|de|GER|de-DE|Germany (+49)",
		"GB": "UK|U.K.|GBR|Great Britain|United Kingdom (UK)|Vereinigtes Königreich|Vereinigtes Koenigreich|Royaume-Uni|Reino Unido|Großbritannien",
		"TR": "Türkiye|Turkiye|Turkey|Tuerkei", "AT": "Österreich|Oesterreich|Osterreich", "AE": "U.A.E.|UAE|الإمارات", "SA": "السعودية|KSA",
		"US": "USA|U.S.A.|United States of America|Estados Unidos|EE.UU.|États-Unis", "CA": "Canada +1|CAN|Kanada", "IN": "Bharat|भारत|Inde",
		"KR": "Korea (South)|Korea, Republic of|대한민국|South Korea", "KP": "Korea, Democratic People's Republic of", "HK": "香港|Hong Kong",
		"CD": "DR Congo|Congo (DRC)|Congo, The Democratic Republic of the", "CI": "Côte d'Ivoire|Ivory Coast", "MA": "Maroc|Marruecos|المغرب",
		"TT": "+1868|1-868", "VI": "Virgin Islands, U.S.",
		"": "Narnia|Georgia, US|Congo (France)|🇩🇪 France|Germany +43|999|Narnia (X)|-",
	} {
		for _, name := range strings.Split(names, "|") {
			require.Equal(t, country, countryOf(name), name)
		}
	}
}

func TestDatesInEverySpelling(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[string]string{
		"2025-12-31": "31/12/2025|31.12.2025|31. Dezember 2025|20251231|2025/12/31|31-Dec-2025|31-Dec-25|Wednesday, December 31, 2025|31 déc. 2025|" +
			"31 de diciembre de 2025|2025年12月31日|31st December 2025|١٢/٣١/٢٠٢٥|31 grudnia 2025!|2025-12-31",
		"2025-12-31T14:05:06Z": "2025-12-31T14:05:06.000Z|2025-12-31 14:05:06+00|2025-12-31 14:05:06 UTC|" +
			"31.12.2025 14:05:06 Uhr|Dec 31, 2025, 2:05:06 PM|31/12/2025 2:05:06 PM|31 Dec 2025 14:05:06",
		"2025-12-31T13:05:06Z": "Wed Dec 31 2025 14:05:06 GMT+0100 (CET)|2025-12-31T14:05:06+0100|2025-12-31 14:05:06 +0100|Wed, 31 Dec 2025 14:05:06 +0100",
		"2025-12-31T00:00:00Z": "1767139200|1767139200000",
		"":                     "46022|2025-13-45|yesterday|31.02.2025|12|99999-01-01",
	} {
		for _, spelling := range strings.Split(spellings, "|") {
			if strings.HasSuffix(spelling, "!") { // a language that is not known
				_, err := parseDate(strings.TrimSuffix(spelling, "!"), DateOrderOpen)
				require.Error(t, err, spelling)
				continue
			}
			at, err := parseDate(spelling, DateOrderOpen)
			if want == "" {
				require.Error(t, err, spelling)
				continue
			}
			require.NoError(t, err, spelling)
			require.Equal(t, strings.TrimSuffix(want, "T00:00:00Z"), isoDate(at.UTC()), spelling)
		}
	}
	_, rows := taken(t, "phone,WhatsApp opt-in,opt-in date\n+4915112340001,yes,0000-00-00 00:00:00\n+4915112340002,yes,0/0/00\n", Request{})
	require.Equal(t, []string{"4915112340001 opted_in", "4915112340002 opted_in"}, rows, "no date is none")
	opts, _ := taken(t, "phone,due\n+4915112340001,31.12.2025\n+4915112340002,2025-12-30\n", Request{})
	require.Equal(t, typeDate, opts.Columns[1].Type, "two ways in one column")
}

// TestNothingButANumberIsTakenForOne: ids, dates and totals may look like numbers.
func TestNothingButANumberIsTakenForOne(t *testing.T) {
	t.Parallel()
	const a = "4915112340001"
	for name, file := range map[string]string{
		"dates":     "created_at,updated_at,x\n2024-01-01,20240101,+49 151 12340001\n2024-02-03,20240203,+49 151 12340001\n",
		"ids":       "id,customer no,telefonnr,order\n4915112349999,10012345,0151 12340001,4915112340009\n",
		"phonetics": "First Name,Phonetic First Name,Phone 1 - Label,Phone 1 - Value\nAl,0151 12349999,Mobile,0151 12340001\n",
		"others":    "Name,Telefon Assistent,Emergency Phone,Fax,Mobil\nAl,0151 12349999,0151 12349999,0151 12349999,0151 12340001\n",
		"a code":    "Name,Phone Prefix,Phone Number\nAl,+49,15112340001\n",
		"two codes": "Country,Phone Country Code,Phone Number\nUSA,49,15112340001\n",
		"landline":  "Name,Telefon,Mobil\nAl,030 1234567,0151 12340001\n",
	} {
		_, rows := taken(t, file, Request{DefaultRegion: "DE"})
		for _, row := range rows {
			require.Equal(t, a, strings.Fields(row)[0], name)
		}
		require.NotEmpty(t, rows, name)
	}
}

// TestHeadersOfManyLanguages: phone, name and country are found in each.
func TestHeadersOfManyLanguages(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"Prénom,Nom,N° de téléphone,Pays\nAnne,B,06 12 34 56 01,France":                 "33612345601 Anne B",
		"Nombre,Apellidos,Celular,País\nAna,B,612 34 56 78,España":                      "34612345678 Ana B",
		"Vorname,Name,Handynummer,Land\nAnna,Berg,0151 12340001,Deutschland":            "4915112340001 Anna Berg",
		"Vorname,Name,Handynummer,Land\nAnna,Anna Berg,0151 12340001,Deutschland":       "4915112340001 Anna Berg",
		"Nome,Telemóvel,País\nAna,912 345 678,Portugal":                                 "351912345678 Ana",
		"Imię,Nazwisko,Numer telefonu,Kraj\nAnna,B,512 345 678,Polska":                  "48512345678 Anna B",
		"Nome,Cognome,Cellulare,Paese\nAnna,B,333 1234567,Italia":                       "393331234567 Anna B",
		"Ad,Soyad,Cep Telefonu,Ülke\nAyşe,B,0532 123 45 67,Türkiye":                     "905321234567 Ayşe B",
		"Voornaam,Achternaam,Telefoonnummer,Land\nAn,B,06 12345678,Nederland":           "31612345678 An B",
		"Имя,Фамилия,Телефон,Страна\nИван,Иванов,8 912 345-67-89,Россия":                "79123456789 Иван Иванов",
		"姓名,手机号,国家\n王,138 0013 8000,中国":                                                 "8613800138000 王",
		"名前,電話番号,国\n山田,090-1234-5678,日本":                                                "819012345678 山田",
		"Nama,Nomor HP,Negara\nBudi,0812 3456 7890,Indonesia":                           "6281234567890 Budi",
		"नाम,मोबाइल,देश\nराम,98765 43211,भारत":                                          "919876543211 राम",
		"الاسم,رقم الجوال,الدولة\nعلي,050 123 4567,السعودية":                            "966501234567 علي",
		"Vorname,Nachname,Telefon 1 – Label,Telefon 1 – Wert\nAl,A,Mobil,0151 12340001": "4915112340001 Al A",
	} {
		_, rows := taken(t, file+"\n", Request{DefaultRegion: "DE"})
		require.Equal(t, []string{want}, rows, file)
	}
}

// TestFilesInEveryShape: two people are in each.
func TestFilesInEveryShape(t *testing.T) {
	t.Parallel()
	const a, b = "+4915112340001", "+4915112340002"
	both := []string{"4915112340001 Jürgen", "4915112340002 Bo"}
	little := xunicode.UTF16(xunicode.LittleEndian, xunicode.IgnoreBOM)
	for name, file := range map[string]string{
		"line ends of three kinds":        "phone,name\r\n" + a + ",Jürgen\r" + b + ",Bo\n",
		"carriage returns, one line feed": "phone,name\r" + a + ",Jürgen\r" + b + ",Bo\n",
		"doubled carriage returns":        "phone,name\r\r\n" + a + ",Jürgen\r\r\n" + b + ",Bo\r\r\n",
		"UTF-16 without its mark":         encoded(t, little, "phone,name\r\n"+a+",Jürgen\r\n"+b+",Bo\r\n"),
		"UTF-16, the other end first":     encoded(t, xunicode.UTF16(xunicode.BigEndian, xunicode.UseBOM), "phone\tname\n"+a+"\tJürgen\n"+b+"\tBo\n"),
		"Mac OS Roman":                    encoded(t, charmap.Macintosh, "phone,name\r"+a+",Jürgen\r"+b+",Bo\r"),
		"UTF-8 with a letter of another":  "phone,name,town\n" + a + ",Jürgen,Köln\n" + b + ",Bo,M\xfcnster\n",
		"a title with cells":              "Report,2024-01-01\nphone,name,city\n" + a + ",Jürgen,Bonn\n" + b + ",Bo,Bonn\n",
		"more titles than rows":           "Export of customers\nCreated: 2024-01-01\nAll\n\nName;Phone\nJürgen;" + a + "\nBo;" + b + "\n",
		"a broken quote in the header":    "\"phone\",\"na\"me\",city\n" + a + ",Jürgen,Bonn\n" + b + ",Bo,Bonn\n",
		"a header that never closes":      "phone,\"name,city\n" + a + ",Jürgen,Bonn\n" + b + ",Bo,Bonn\n",
		"the mark of the end of files":    "phone,name\n" + a + ",Jürgen\n" + b + ",Bo\n\x1a",
		"zeros among the letters":         "phone,name\n" + a + ",Jür\x00gen\n" + b + ",Bo\n",
		"quotes of other kinds":           "'phone','name'\n'" + a + "',Jürgen\n“" + b + "”,Bo\n",
		"an answer of an API":             `{"meta":{"tags":["x"]},"contacts":[{"phone":"` + a + `","name":"Jürgen"},{"phone":["` + b + `"],"name":"Bo"}],"next":[{"a":1}]}`,
		"nodes of GraphQL":                `{"data":{"all":{"edges":[{"node":{"phone":"` + a + `","name":"Jürgen"}},{"node":{"phone":{"mobile":"` + b + `"},"name":"Bo"}}]}}}`,
		"listmonk":                        "uuid,email,name,attributes,status,created_at\n1,a@x.example,Jürgen,\"{\"\"phone\"\":\"\"" + a + "\"\"}\",enabled,2024-01-01\n2,b@x.example,Bo,\"{\"\"phone\"\":\"\"" + b + "\"\",\"\"x\"\":1}\",enabled,2024-01-01\n",
		"vCards, carriage returns":        "BEGIN:VCARD\rVERSION:3.0\rFN:Jürgen\rTEL:" + a + "\rEND:VCARD\rBEGIN:VCARD\rVERSION:3.0\rFN:Bo\rTEL:" + b + "\rEND:VCARD\r",
		"vCards, UTF-16":                  encoded(t, xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM), "BEGIN:VCARD\nVERSION:3.0\nFN:Jürgen\nTEL:"+a+"\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nFN:Bo\nTEL:"+b+"\nEND:VCARD\n"),
		"vCards that name their letters":  "\n\n BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=ISO-8859-1:J\xfcrgen\nTEL;CELL:" + a + "\nEND:VCARD\nBEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Bo\nTEL;CELL:" + b + "\nEND:VCARD\n",
		"vCards shared in WhatsApp":       "BEGIN:VCARD\nVERSION:3.0\nFN:Jürgen\nTEL;type=CELL;waid=4915112340001:0151\nEND:VCARD\nBEGIN:VCARD\nVERSION:4.0\nFN:Bo\nTEL;VALUE=uri;TYPE=home:tel:+49-30-123456\nIMPP:whatsapp:" + b + "\nEND:VCARD\n",
	} {
		_, rows := taken(t, file, Request{FileName: name})
		require.Equal(t, both, rows, name)
	}
	_, rows := taken(t, encoded(t, charmap.Windows1251, "телефон;имя\r\n+79123456789;Иван\r\n+79123456780;Пётр\r\n"), Request{})
	require.Equal(t, []string{"79123456789 Иван", "79123456780 Пётр"}, rows)
	for file, why := range map[string]string{
		"<html><table><tr><td>phone</td></tr></table></html>": "a web page", "<?xml version=\"1.0\"?><Workbook/>": "it is XML", "%PDF-1.7\n": "a PDF",
	} {
		_, rows := taken(t, file, Request{})
		require.Contains(t, rows[0], why)
	}
}

// TestAnOpenQuoteTakesNoOtherRow, in whatever spelling its number is.
func TestAnOpenQuoteTakesNoOtherRow(t *testing.T) {
	t.Parallel()
	for name, numbers := range map[string][3]string{
		"exact scientific": {"4.915112340001E12", "4.915112340002E12", "4.915112340003E12"},
		"Arabic digits":    {"٠٠٤٩١٥١١٢٣٤٠٠٠١", "٠٠٤٩١٥١١٢٣٤٠٠٠٢", "٠٠٤٩١٥١١٢٣٤٠٠٠٣"},
		"formulas":         {`="+4915112340001"`, `="+4915112340002"`, `="+4915112340003"`},
		"two in a cell":    {"+4915112340001 / 030 123456", "+4915112340002 / 030 123456", "+4915112340003 / 030 123456"},
		"national":         {"0151 12340001", "0151 12340002", "0151 12340003"},
	} {
		_, rows := taken(t, "phone;name;city\n"+numbers[0]+";\"Al;Bonn\n"+numbers[1]+";Bo;Bonn\n"+numbers[2]+";\"Cy\";Bonn\n", Request{DefaultRegion: "DE"})
		require.Len(t, rows, 3, name)
		require.Equal(t, "!2 a quote is opened and never closed", rows[0], name)
		require.Equal(t, []string{"4915112340002 Bo", "4915112340003 Cy"}, rows[1:], name)
	}
	_, rows := taken(t, "phone,note\n\"+49 30 123456\n+49 151 12340001\",two lines\n+4915112340002,x\n", Request{})
	require.Equal(t, []string{"4930123456", "4915112340002"}, rows, "a cell of two lines is one row")
}

// TestWhoLeftElsewhereIsKeptOut, whatever the other program calls it; and nobody who
// only did not join.
func TestWhoLeftElsewhereIsKeptOut(t *testing.T) {
	t.Parallel()
	const a, b = "4915112340001", "4915112340002"
	for header, values := range map[string][2]string{ // of who left, and of somebody else
		"Unsubscribed from all email": {"true", "false"}, "SMS Marketing Consent": {"UNSUBSCRIBED", "NEVER_SUBSCRIBED"},
		"Email Marketing Consent": {"UNSUBSCRIBED", "SUBSCRIBED"}, "Suppression Reason": {"UNSUBSCRIBE", "HARD_BOUNCE"},
		"Status": {"Unsubscribed", "Bounced"}, "Blocked": {"true", "false"}, "Opt-Out": {"ja", "nein"}, "Do Not Contact": {"x", "N/A"},
		"DND": {"on", "0"}, "Unsubscribed At": {"2024-01-01", "0000-00-00 00:00:00"}, "Allow Broadcast": {"False", "True"},
		"EMAIL_BLOCKLISTED": {"1", "0"}, "Marketing status": {"opted-out", "opted-in"}, "subscription_status": {"unsubscribed", "pending"},
	} {
		opts, rows := taken(t, "phone,name,"+header+",Unsubscribe date\n"+a+",Al,"+values[0]+",\n"+b+",Bo,"+values[1]+",\n",
			Request{Numbers: contact.ReadingInternational})
		require.Equal(t, []string{a + " Al opted_out", b + " Bo"}, rows, "%s: %+v", header, opts.Columns)
	}
	_, rows := taken(t, "phone,Do Not Contact,DND,Unsubscribed At\n+"+a+",no,no,2024-01-01\n+"+b+",no,,\n", Request{})
	require.Equal(t, []string{a + " opted_out", b}, rows, "each of several columns counts")
	for word, status := range map[string]string{
		"✓": " opted_in", "opted-in": " opted_in", "WAHR": " opted_in", "да": " opted_in", "1.0": " opted_in", "on": " opted_in", "agreed": " opted_in",
		"-": "", "n/a": "", "FALSCH": "", "declined": "", "off": "", "unsubscribe": " opted_out", "blacklist": " opted_out",
	} {
		_, rows := taken(t, "phone,WhatsApp consent\n+"+a+","+word+"\n+"+b+",yes\n", Request{})
		require.Equal(t, a+status, rows[0], word)
	}
	opts, rows := taken(t, "phone,marketing_consent,opt_in_whatsapp,WhatsApp Opt-In Date\n+"+a+",yes,no,2024-01-01\n+"+b+",no,yes,2024-01-01\n", Request{})
	require.Equal(t, []string{a, b + " opted_in"}, rows, "WhatsApp's own column before any other: %+v", opts.Columns)
	require.Equal(t, FieldConsentAt, opts.Columns[3].Field)
}

// TestNumbersWithoutACountryAreAskedAbout where no country is given either.
func TestNumbersWithoutACountryAreAskedAbout(t *testing.T) {
	t.Parallel()
	const file = "phone,name\n4915112340001,Al\n+4915112340002,Bo\n"
	opts, rows := taken(t, file, Request{})
	require.Contains(t, rows[0], "say how numbers without + are meant")
	require.Equal(t, []string{"", "+49 1511 2340001"}, opts.Questions[0].Readings, "there is no national reading")
	_, rows = taken(t, file, Request{Numbers: contact.ReadingInternational})
	require.Equal(t, []string{"4915112340001 Al", "4915112340002 Bo"}, rows)
	_, rows = taken(t, "Whatsapp Number,Name,Allow Broadcast\n4915112340001,Al,True\n", Request{})
	require.Equal(t, []string{"4915112340001 Al"}, rows, "Wati always writes them so")
}
