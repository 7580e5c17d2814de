package suppression

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/importer"
	"eventstream/server/say"
)

// entry is a row that can be written.
type entry struct {
	line   int64
	key    string
	reason consent.SuppressionReason
	until  *time.Time
}

// columns are where a list has what; -1: nowhere.
type columns struct{ address, reason, until int }

var between = strings.NewReplacer(" ", "", "_", "", "-", "")

func fold(header string) string { return between.Replace(strings.ToLower(strings.TrimSpace(header))) }

// columnsOf reads the first row: a header, or the first address of a list without one.
func columnsOf(cells []string) (c columns, isHeader bool, err error) {
	if _, err := contact.DeliveredAddress(cells[0]); err == nil || contact.LooksLikeNumber(cells[0]) {
		order := []int{-1, -1, -1} // without a header: address, reason, until
		for i := range min(len(cells), len(order)) {
			order[i] = i
		}
		return columns{order[0], order[1], order[2]}, false, nil
	}
	c, alike := columns{-1, -1, -1}, -1
	for i, cell := range cells {
		switch fold(cell) {
		case "address", "phone", "phonenumber", "number", "mobile", "mobilenumber", "whatsapp", "msisdn", "tel", "telephone", "bsuid", "recipient":
			c.address = i
		case "reason", "suppressionreason", "type", "cause":
			c.reason = i
		case "until", "expires", "expiresat", "expiry", "end", "ends", "endsat", "validuntil":
			c.until = i
		default:
			if alike < 0 && importer.HeadsNumbers(cell) {
				alike = i
			}
		}
	}
	if c.address < 0 {
		c.address = alike
	}
	if c.address >= 0 {
		return c, true, nil
	}
	return c, false, apperr.Invalid("file", "the first line is neither a number nor names a column address (or phone, number, mobile, whatsapp); "+
		"columns reason and until may stand beside it")
}

func cellOf(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return strings.TrimSpace(cells[i])
}

// reasons are the words that lists of other programs have for ours.
var reasons = map[string]consent.SuppressionReason{
	"optedout": consent.SuppressedOptedOut, "optout": consent.SuppressedOptedOut, "unsubscribed": consent.SuppressedOptedOut,
	"unsubscribe": consent.SuppressedOptedOut, "stop": consent.SuppressedOptedOut,
	"complaint": consent.SuppressedComplaint, "complained": consent.SuppressedComplaint, "spam": consent.SuppressedComplaint,
	"spamcomplaint": consent.SuppressedComplaint, "spamreport": consent.SuppressedComplaint,
	"blocked": consent.SuppressedBlocked, "block": consent.SuppressedBlocked,
	"invalid": consent.SuppressedInvalid, "bounce": consent.SuppressedInvalid, "bounced": consent.SuppressedInvalid,
	"hardbounce": consent.SuppressedInvalid,
	"operator":   consent.SuppressedOperator, "manual": consent.SuppressedOperator,
}

const reasonsTaken = "opted_out, complaint, blocked, invalid or operator"

// read reads a whole list before anything of it is written. What is wrong with a row
// rejects that row; a list that is too long, or none, is refused as a whole.
func (r *Request) read(file io.Reader, now time.Time, out *Result) ([]entry, error) {
	limited := &io.LimitedReader{R: file, N: MaxFile + 1}
	plain, err := importer.NewPlain(limited)
	if err != nil {
		return nil, err
	}
	var entries []entry
	var at columns
	first := true
	seen := map[string]int{}
	for {
		row, err := plain.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		if limited.N <= 0 {
			return nil, apperr.Invalid("file", "it is larger than %d MiB: import it in parts", MaxFile>>20)
		}
		if first {
			first = false
			if len(row.Cells) == 0 || row.Fault != "" || strings.HasPrefix(row.Cells[0], "PK\x03\x04") {
				return nil, apperr.Invalid("file", "it is no list of numbers as text: save it as CSV")
			}
			var isHeader bool
			if at, isHeader, err = columnsOf(row.Cells); err != nil {
				return nil, err
			}
			if isHeader {
				continue
			}
		}
		if out.Rows++; out.Rows > MaxRows {
			return nil, apperr.Invalid("file", "it has more than %d rows: import it in parts", MaxRows)
		}
		e, no := r.entry(row, at, now)
		if no != nil {
			out.reject(*no)
			continue
		}
		id := e.key + " " + string(e.reason)
		if i, again := seen[id]; again { // the later end holds, as it does between two lists
			out.Duplicates++
			if later(e.until, entries[i].until) {
				entries[i].until = e.until
			}
			continue
		}
		seen[id] = len(entries)
		entries = append(entries, e)
	}
	if out.Rows == 0 {
		return nil, apperr.Invalid("file", "there is no row in it")
	}
	return entries, nil
}

func later(a, b *time.Time) bool { return b != nil && (a == nil || a.After(*b)) }

// entry reads one row.
func (r *Request) entry(row importer.PlainRow, at columns, now time.Time) (e entry, no *Reject) {
	reject := func(field, value string, reason say.Format, args ...any) (entry, *Reject) {
		why := say.New(reason, args...)
		if text := why.String(); len(text) > longestReason { // it repeats what is in the file
			why = say.Raw(clip(text, longestReason))
		}
		return entry{}, &Reject{Line: row.Line, Field: field, Value: clip(value, longestValue), Reason: why}
	}
	if row.Fault != "" {
		return reject("row", strings.Join(row.Cells, " "), "%s", row.Fault)
	}
	address, word, until := cellOf(row.Cells, at.address), cellOf(row.Cells, at.reason), cellOf(row.Cells, at.until)
	if address == "" {
		return reject("address", "", "there is no number: nobody can be suppressed by a hash alone")
	}
	a, err := contact.ParseAddress(address, r.Region)
	if err != nil {
		return reject("address", address, "%s", apperr.Text(err))
	}
	e = entry{line: row.Line, key: a.MatchKey, reason: r.Reason, until: r.Until}
	if word != "" {
		reason, ok := reasons[fold(word)]
		switch {
		case fold(word) == string(consent.SuppressedErased):
			return reject("reason", word, "erasing is done on the contact, not by a list")
		case !ok:
			return reject("reason", word, "%q is not a reason: %s", clip(word, longestValue), reasonsTaken)
		}
		e.reason = reason
	}
	if until != "" {
		end, err := moment(until)
		short := clip(until, longestValue)
		switch {
		case err != nil:
			return reject("until", until, "%q is not a date such as 2027-01-31, nor a moment such as 2027-01-31T12:00:00Z", short)
		case !db.InYears(end):
			return reject("until", until, "%s is not in the years %d to %d", short, db.FirstYear, db.LastYear)
		case !end.After(now):
			return reject("until", until, "%s is in the past", short)
		}
		e.until = &end
	}
	if e.reason == consent.SuppressedOptedOut && until != "" {
		return reject("until", until, "an opt-out does not end by itself: leave until empty")
	}
	if e.reason == consent.SuppressedOptedOut {
		e.until = nil
	}
	return e, nil
}

// moment reads an end; a date is the end of that day, UTC.
func moment(s string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	return time.Parse(time.RFC3339, s)
}

// How much of a row a reject repeats, in characters.
const (
	longestValue  = 100
	longestReason = 400
)

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
