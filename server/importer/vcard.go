package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"

	"github.com/emersion/go-vcard"
)

var vcardMark = []byte("BEGIN:VCARD")

// fromVCards gives a file of vCards as NDJSON, an object for each card, and any other
// file as it is.
func fromVCards(file io.Reader) (r io.Reader, were bool, done func()) {
	head := bufio.NewReaderSize(file, 4096)
	mark, _ := head.Peek(64) // what cannot be read is found out by whoever reads on
	if !bytes.HasPrefix(bytes.ToUpper(bytes.TrimSpace(bytes.TrimPrefix(mark, []byte("\xef\xbb\xbf")))), vcardMark) {
		return head, false, func() {}
	}
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(writeCards(writer, newLines(head, false))) }()
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
			if strings.HasPrefix(upper, string(vcardMark)) {
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
		card.WriteString(s + "\n")
		if strings.HasPrefix(upper, "END:VCARD") {
			return strings.ReplaceAll(card.String(), "\n\x00", ""), nil
		}
	}
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
	for i, f := range card[vcard.FieldTelephone] {
		set(fmt.Sprintf("Phone %d - Label", i+1), strings.Join(f.Params.Types(), " "))
		set(fmt.Sprintf("Phone %d - Value", i+1), fieldText(f))
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
			return string(text)
		}
	}
	return f.Value
}
