package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-vcard"
	"golang.org/x/text/encoding/htmlindex"
)

var vcardMark = []byte("BEGIN:VCARD")

// fromVCards gives a file of vCards as NDJSON, an object for each card, and any other
// file as it is.
func fromVCards(file io.Reader) (r io.Reader, were bool, done func()) {
	head := bufio.NewReaderSize(file, 4096)
	mark, _ := head.Peek(1024) // what cannot be read is found out by whoever reads on
	encoding := detectEncoding(mark)
	if !strings.HasPrefix(encoding, "utf-") {
		encoding = asWritten // each line may have a character set of its own
	}
	text, _ := io.ReadAll(decode(bytes.NewReader(mark), encoding))
	if !bytes.HasPrefix(bytes.ToUpper(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))), vcardMark) {
		return head, false, func() {}
	}
	if encoding == "utf-8" { // what is none may lie behind the beginning
		encoding = asWritten
	}
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(writeCards(writer, newLines(decode(head, encoding)))) }()
	return reader, true, func() { _ = reader.Close() }
}

func writeCards(out io.Writer, in *lines) error {
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	for {
		text, err := nextCard(in)
		if errors.Is(err, io.EOF) {
			return w.Flush()
		}
		var card vcard.Card
		if err == nil {
			card, err = vcard.NewDecoder(strings.NewReader(text)).Decode()
		}
		if broken, isBroken := errors.AsType[brokenRowError](err); err != nil && !isBroken && text == "" {
			return err
		} else if err != nil { // a row of its own, to be rejected
			if isBroken {
				err = broken
			}
			err = enc.Encode("a vCard that cannot be read: " + err.Error())
		} else {
			err = enc.Encode(cardRow(card))
		}
		if err != nil {
			return err
		}
	}
}

// nextCard gives the lines of a card, without its pictures, unfolded.
func nextCard(in *lines) (string, error) {
	var card strings.Builder
	inside, dropping, joins := false, false, false
	for {
		l, err := in.next()
		if err != nil {
			if inside && errors.Is(err, io.EOF) {
				return card.String(), brokenRowError("it has no end")
			}
			return "", err
		}
		s := strings.TrimPrefix(l.text, "\ufeff")
		folded := strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\t") || joins
		upper := strings.ToUpper(s)
		switch {
		case !inside:
			if strings.HasPrefix(strings.TrimSpace(upper), string(vcardMark)) {
				inside = true
				card.WriteString("BEGIN:VCARD\n")
			}
			continue
		case folded && dropping:
			continue
		case folded:
			s = "\x00" + strings.TrimPrefix(strings.TrimPrefix(s, " "), "\t")
		}
		name, _, _ := strings.Cut(upper, ":")
		name, _, _ = strings.Cut(name, ";")
		if _, after, grouped := strings.Cut(name, "."); grouped {
			name = after
		}
		if dropping = !folded && (name == "PHOTO" || name == "LOGO" || name == "KEY" || name == "SOUND"); dropping {
			continue
		}
		if joins = strings.Contains(upper, "QUOTED-PRINTABLE") && strings.HasSuffix(s, "=") || joins && strings.HasSuffix(s, "="); joins {
			s = strings.TrimSuffix(s, "=")
		}
		if l.cut || card.Len()+len(s) > maxRecord {
			return card.String(), brokenRowError(tooLarge)
		}
		if !folded {
			s = namedParameters(s)
		}
		if !utf8.ValidString(s) {
			s = inCharset(s)
		}
		card.WriteString(s + "\n")
		if strings.HasPrefix(upper, "END:VCARD") {
			return strings.ReplaceAll(card.String(), "\n\x00", ""), nil
		}
	}
}

var charset = regexp.MustCompile(`(?i);CHARSET="?([^;:"]+)`)

// inCharset reads a line that is not UTF-8 in the character set that it names, else in
// Windows-1252.
func inCharset(s string) string {
	encoding, err := htmlindex.Get("windows-1252")
	if m := charset.FindStringSubmatch(s); m != nil {
		if named, unknown := htmlindex.Get(m[1]); unknown == nil {
			encoding = named
		}
	}
	if err != nil {
		return s
	}
	text, err := encoding.NewDecoder().String(s)
	if err != nil {
		return s
	}
	return text
}

// namedParameters names those parameters that vCard 2.1 lets stand alone.
func namedParameters(s string) string {
	before, value, found := strings.Cut(s, ":")
	if !found || strings.Contains(before, `"`) {
		return s
	}
	parts := strings.Split(before, ";")
	for i, p := range parts {
		switch {
		case i == 0 || strings.Contains(p, "="):
		case strings.EqualFold(p, "QUOTED-PRINTABLE"):
			parts[i] = "ENCODING=" + p
		default:
			parts[i] = "TYPE=" + p
		}
	}
	return strings.Join(parts, ";") + ":" + value
}

// cardRow is a card as a row whose columns are called as Google calls them.
func cardRow(card vcard.Card) map[string]any {
	row := map[string]any{}
	set := func(column, value string) {
		if value = strings.TrimSpace(value); value != "" {
			row[column] = value
		}
	}
	set("Name", fieldText(card.Preferred(vcard.FieldFormattedName)))
	if f := card.Preferred(vcard.FieldName); f != nil {
		parts := strings.Split(fieldText(f), ";")
		for i, column := range []string{"Last Name", "First Name"} {
			if i < len(parts) {
				set(column, parts[i])
			}
		}
	}
	phones := card[vcard.FieldTelephone]
	for _, f := range card["IMPP"] {
		if strings.HasPrefix(strings.ToLower(f.Value), "whatsapp:") {
			phones = append(phones, &vcard.Field{Value: f.Value, Params: vcard.Params{vcard.ParamType: {"whatsapp"}}})
		}
	}
	for i, f := range phones {
		label, value := strings.Join(f.Params.Types(), " "), fieldText(f)
		if id := f.Params.Get("WAID"); id != "" { // cards that were shared in WhatsApp
			label, value = label+" whatsapp", "+"+id
		}
		set(fmt.Sprintf("Phone %d - Label", i+1), label)
		set(fmt.Sprintf("Phone %d - Value", i+1), value)
	}
	set("Email", fieldText(card.Preferred(vcard.FieldEmail)))
	set("Organization", strings.ReplaceAll(fieldText(card.Preferred(vcard.FieldOrganization)), ";", ", "))
	set("Birthday", fieldText(card.Preferred(vcard.FieldBirthday)))
	return row
}

func fieldText(f *vcard.Field) string {
	if f == nil {
		return ""
	}
	if strings.EqualFold(f.Params.Get("ENCODING"), "QUOTED-PRINTABLE") {
		if text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(f.Value))); err == nil {
			if plain := string(text); utf8.ValidString(plain) {
				return plain
			}
			_, plain, _ := strings.Cut(inCharset(";CHARSET="+f.Params.Get("CHARSET")+":"+string(text)), ":")
			return plain
		}
	}
	return f.Value
}
