package price

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/csvcell"
	"eventstream/server/say"
)

//go:embed rate_card.csv
var deliveredFile []byte

// delivered are the rates that come with the product.
var delivered = func() []Rate {
	rates, faults, err := readFile(bytes.NewReader(deliveredFile), "")
	if err != nil || len(faults) > 0 {
		panic(fmt.Sprint("the delivered card of rates: ", err, faults))
	}
	for i := range rates {
		rates[i].Own = false
	}
	return rates
}()

// Limits of a file that is imported.
const (
	MaxFile = 1 << 20
	maxRows = 5000
	// maxFaults is how many lines are told that could not be read; their number is told besides.
	maxFaults = 50
)

// Fault is a line of a file that could not be read.
type Fault struct {
	Line   int // of the file, the header being 1
	Column string
	Reason say.Text
}

var columns = []string{"market", "category", "from_messages", "currency", "price", "valid_from", "doubtful", "source"}

// needed are the columns that a file must have.
var needed = []string{"market", "category", "currency", "price", "valid_from"}

// readFile reads a card: a header and a line for each rate. It tells every line that it cannot
// read; source is what stands for the lines that name none.
func readFile(file io.Reader, source string) (rates []Rate, faults []Fault, err error) {
	limited := &io.LimitedReader{R: file, N: MaxFile + 1}
	raw, err := io.ReadAll(limited)
	if err != nil {
		return nil, nil, fmt.Errorf("read the card: %w", err)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	switch {
	case len(raw) > MaxFile:
		return nil, nil, apperr.Invalid("file", "it is larger than %d KiB", MaxFile>>10)
	case !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0:
		return nil, nil, apperr.Invalid("file", "it is no text in UTF-8: save it as CSV")
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, true, false
	if first, _, _ := bytes.Cut(raw, []byte("\n")); bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	header, err := r.Read()
	if err != nil {
		return nil, nil, apperr.Invalid("file", "it has no header: %s", strings.Join(columns, ","))
	}
	at := map[string]int{}
	for i, name := range header {
		at[strings.ToLower(strings.TrimSpace(csvcell.Unguard(name)))] = i
	}
	for _, name := range needed {
		if _, ok := at[name]; !ok {
			return nil, nil, apperr.Invalid("file", "its first line names no column %s; it has to name %s, and may name from_messages, doubtful and source",
				name, strings.Join(needed, ", "))
		}
	}
	seen := map[string]int{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if fault, ok := errors.AsType[*csv.ParseError](err); ok {
			faults = append(faults, Fault{Line: fault.StartLine, Reason: say.New("it is no line of CSV: %s", fault.Err.Error())})
			break // what follows a quote that does not end cannot be told apart
		} else if err != nil {
			return nil, nil, fmt.Errorf("read the card: %w", err)
		}
		line, _ := r.FieldPos(0)
		if len(cells) == 1 && strings.TrimSpace(cells[0]) == "" {
			continue
		}
		if len(rates)+len(faults) >= maxRows {
			return nil, nil, apperr.Invalid("file", "it has more than %d lines: import it in parts", maxRows)
		}
		rate, found := readLine(cells, at, line, source)
		if len(found) > 0 {
			faults = append(faults, found...)
			continue
		}
		id := fmt.Sprint(rate.Key, rate.Since)
		if before, twice := seen[id]; twice {
			faults = append(faults, Fault{line, "valid_from", say.New("line %d sets the same rate from the same day", before)})
			continue
		}
		seen[id] = line
		rates = append(rates, rate)
	}
	if len(rates)+len(faults) == 0 {
		return nil, nil, apperr.Invalid("file", "it has no line below the header")
	}
	return rates, faults, nil
}

func readLine(cells []string, at map[string]int, line int, source string) (r Rate, faults []Fault) {
	cell := func(name string) string {
		if i, ok := at[name]; ok && i < len(cells) {
			return strings.TrimSpace(csvcell.Unguard(cells[i]))
		}
		return ""
	}
	fault := func(column string, reason say.Text) { faults = append(faults, Fault{line, column, reason}) }
	r.Own, r.Market, r.Source = true, marketNamed(cell("market")), cell("source")
	r.Category = Category(strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(cell("category"))))
	r.Currency = strings.ToUpper(cell("currency"))
	if r.Source == "" {
		r.Source = source
	}
	var err error
	if r.Price, err = ParseMicros(cell("price"), maxRate); err != nil {
		fault("price", apperr.Text(err))
	}
	if r.Since, err = ParseDay(cell("valid_from")); err != nil {
		fault("valid_from", apperr.Text(err))
		r.Since = charged // so that the other columns are checked, too
	}
	if from := cell("from_messages"); from != "" {
		if r.From, err = strconv.ParseInt(from, 10, 64); err != nil {
			fault("from_messages", say.New("%q is no number of messages", shorten(from)))
			r.From = 0
		}
	}
	switch doubt := strings.ToLower(cell("doubtful")); doubt {
	case "", "no", "false", "0":
	case "yes", "true", "1":
		r.Doubtful = true
	default:
		fault("doubtful", say.New("%q is neither yes nor no", shorten(doubt)))
	}
	list, _ := errors.AsType[apperr.List](r.check())
	for _, e := range list {
		fault(columnOf[strings.Join(e.Field, ".")], e.Message)
	}
	return r, faults
}

// columnOf names fields of a rate by the columns of a file.
var columnOf = map[string]string{
	"market": "market", "category": "category", "fromMessages": "from_messages", "currency": "currency", "price": "price",
	"since": "valid_from", "source": "source",
}

// marketNamed finds a market without regard to case; what is none stays as it is.
func marketNamed(s string) string {
	for name := range titles {
		if strings.EqualFold(name, s) {
			return name
		}
	}
	return s
}

// WriteFile writes a card as it can be read again.
func WriteFile(w io.Writer, rates []Rate) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return fmt.Errorf("write the card: %w", err)
	}
	for _, r := range rates {
		doubt := ""
		if r.Doubtful {
			doubt = "yes"
		}
		cells := []string{
			r.Market, string(r.Category), strconv.FormatInt(r.From, 10), r.Currency, r.Price.String(), r.Since.Format(time.DateOnly), doubt,
			csvcell.Guard(r.Source),
		}
		if err := out.Write(cells); err != nil {
			return fmt.Errorf("write the card: %w", err)
		}
	}
	out.Flush()
	return out.Error()
}

// All are the rates of every day, by market and category, the newest first.
func (c *Card) All() []Rate {
	var all []Rate
	for _, k := range c.keys {
		all = slices.Concat(all, c.rates[k])
	}
	return all
}
