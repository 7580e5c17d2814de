package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/csvcell"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Format of a file.
type Format string

// Formats.
const (
	FormatCSV    Format = "csv"    // also with semicolons or tabs
	FormatJSON   Format = "json"   // an array of objects
	FormatNDJSON Format = "ndjson" // an object a line
)

const (
	sniffBytes = 256 << 10
	sampleRows = 500
	maxColumns = 300
)

// record is one row of a file.
type record struct {
	row    int64 // 1 = first under the header
	line   int64
	values []any // by column; nil = absent
	extra  map[string]any
	fault  string // the row itself is broken
}

// rows reads a file's rows one by one; io.EOF ends them.
type rows interface{ next() (record, error) }

// sniff finds out what a file is from its beginning: format, encoding,
// separator, columns and what they hold.
func sniff(head []byte, req *Request) (Options, error) {
	opts := Options{
		DefaultRegion: strings.ToUpper(req.DefaultRegion), Mode: req.Mode,
		ConsentForAll: req.Consent.Source == "all", ConsentText: req.Consent.Text,
		IgnoreConsents: req.Consent.Source == "none", DryRun: req.DryRun, TopicIDs: req.TopicIDs,
	}
	garbage := func(why string) (Options, error) {
		return opts, apperr.Invalid("file",
			"%q is not a contact file: %s. CSV with a header line, Excel workbooks, JSON and NDJSON are read, also gzipped",
			req.FileName, why)
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return garbage("it is empty")
	}
	opts.Encoding = detectEncoding(head)
	text, err := io.ReadAll(decode(bytes.NewReader(head), opts.Encoding))
	if err != nil || bytes.IndexByte(text, 0) >= 0 {
		return garbage("it holds binary data")
	}
	if len(bytes.TrimSpace(text)) == 0 { // a mark of the encoding and no more
		return garbage("it is empty")
	}
	if n := len(text); n > 16 && bytes.Count(text, []byte("\uFFFD")) > n/100 {
		return garbage("it holds binary data")
	}
	switch bytes.TrimSpace(text)[0] {
	case '[':
		opts.Format = FormatJSON
	case '{':
		opts.Format = FormatNDJSON
	default:
		opts.Format = FormatCSV
		opts.Separator = string(detectSeparator(text))
	}
	names, sample, err := sampleOf(text, opts)
	if err != nil {
		return garbage(err.Error())
	}
	opts.Columns, err = mapColumns(names, sample, req.Mapping, opts.DefaultRegion)
	return opts, err
}

func detectEncoding(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE, 0, 0}):
		return "utf-32le"
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return "utf-16be"
	}
	valid := head
	for i := 0; i < utf8.UTFMax && len(valid) > 0 && !utf8.Valid(valid); i++ { // the cut may split a letter
		valid = valid[:len(valid)-1]
	}
	if utf8.Valid(valid) && len(valid) > 0 {
		return "utf-8"
	}
	return "windows-1252"
}

func decode(r io.Reader, encoding string) io.Reader {
	switch encoding {
	case "utf-32le":
		return transform.NewReader(r, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder())
	case "utf-16le", "utf-16be":
		return transform.NewReader(r, xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM).NewDecoder())
	case "windows-1252":
		return transform.NewReader(r, charmap.Windows1252.NewDecoder())
	}
	return transform.NewReader(r, xunicode.UTF8BOM.NewDecoder())
}

// detectSeparator counts outside quotes in the header line.
func detectSeparator(text []byte) rune {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	best, most := ',', 0
	for _, sep := range []rune{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for _, r := range string(line) {
			if r == '"' {
				quoted = !quoted
			} else if r == sep && !quoted {
				n++
			}
		}
		if n > most {
			best, most = sep, n
		}
	}
	return best
}

func sampleOf(text []byte, opts Options) (names []string, sample [][]any, err error) {
	if opts.Format == FormatCSV {
		r := newCSV(bytes.NewReader(text), opts.Separator)
		header, headErr := r.reader.Read()
		if headErr != nil || len(header) == 0 {
			return nil, nil, errors.New("it has no header line")
		}
		if len(header) > maxColumns {
			return nil, nil, fmt.Errorf("it has %d columns, at most %d are read", len(header), maxColumns)
		}
		for i, h := range header {
			name := contact.CleanText(h)
			if name == "" {
				name = fmt.Sprintf("column %d", i+1)
			}
			names = append(names, name)
		}
		for len(sample) < sampleRows {
			rec, more := r.next()
			if more != nil { // the end, of the file or of what was cut off for the sample
				return unique(names), sample, nil //nolint:nilerr // either end is fine
			}
			if rec.fault == "" {
				sample = append(sample, rec.values)
			}
		}
		return unique(names), sample, nil
	}
	src, err := newJSON(bytes.NewReader(text), opts.Format, nil)
	if err != nil {
		return nil, nil, err
	}
	index := map[string]int{}
	for len(sample) < sampleRows {
		obj, order, err := src.object()
		if err != nil {
			if len(sample) == 0 && !errors.Is(err, io.EOF) {
				return nil, nil, errors.New("it is not JSON: " + err.Error())
			}
			break
		}
		for _, key := range order {
			if _, known := index[key]; !known && len(names) < maxColumns {
				index[key] = len(names)
				names = append(names, key)
			}
		}
		values := make([]any, maxColumns)
		for key, v := range obj {
			if i, ok := index[key]; ok {
				values[i] = v
			}
		}
		sample = append(sample, values)
	}
	if len(names) == 0 {
		return nil, nil, errors.New("it holds no objects")
	}
	return names, sample, nil
}

func unique(names []string) []string {
	seen := map[string]int{}
	for i, n := range names {
		if seen[n]++; seen[n] > 1 {
			names[i] = fmt.Sprintf("%s (%d)", n, seen[n])
		}
	}
	return names
}

// guesses are the headers that people use, folded by fold.
var guesses = map[Field][]string{
	FieldAddress: {
		"phone", "phonenumber", "phoneno", "mobile", "mobilenumber", "mobilephone", "whatsapp", "whatsappnumber",
		"whatsappid", "number", "tel", "telephone",
		"telefon", "telefono", "telefone", "celular", "cell", "cellphone", "msisdn", "address", "handy", "handynummer",
		"mobil", "mobilnummer", "mobiltelefon", "telefonnummer", "rufnummer", "waid", "to", "contactnumber", "movil",
		"móvil", "numero", "número", "portable", "mobilenr", "cellulare",
	},
	FieldName: {
		"name", "fullname", "contactname", "customername", "displayname", "nombre", "nom", "nome",
		"profilename", "vorundnachname", "namevorname", "nombrecompleto", "nomcomplet", "nomecompleto",
	},
	FieldFirstName: {"firstname", "givenname", "forename", "vorname", "prenom", "prénom", "primernombre", "primeironome"},
	FieldLastName: {
		"lastname", "surname", "familyname", "nachname", "familienname", "nomdefamille", "apellido",
		"apellidos", "sobrenome", "cognome",
	},
	FieldRegion:   {"country", "countrycode", "region", "pais", "land", "pays", "iso"},
	FieldLocale:   {"locale", "language", "lang", "sprache", "idioma"},
	FieldTimeZone: {"timezone", "tz", "zeitzone"},
	FieldConsent: {
		"optin", "optedin", "consent", "consentstatus", "consentstate", "subscribed", "marketingconsent",
		"whatsappoptin", "marketingoptin", "einwilligung", "whatsappeinwilligung",
	},
	FieldTopics: {"topics", "topic", "themen", "temas", "thèmes", "temi"},
	FieldConsentAt: {
		"optindate", "consentdate", "consentat", "optedinat", "optinat", "consenttime", "optintime",
		"consenttimestamp", "optindatum", "einwilligungam", "einwilligungsdatum",
	},
}

var guess = func() map[string]Field {
	m := map[string]Field{}
	for f, names := range guesses {
		for _, n := range names {
			m[n] = f
		}
	}
	return m
}()

func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

var notKey = regexp.MustCompile(`[^\p{L}\p{N}]+`)

// AttributeKey makes a key of a header: "Loyalty points" is loyalty_points.
func AttributeKey(header string) string {
	key := strings.Trim(notKey.ReplaceAllString(strings.ToLower(header), "_"), "_")
	if r := []rune(key); len(r) > 64 {
		key = string(r[:64])
	}
	return key
}

func mapColumns(names []string, sample [][]any, chosen map[string]Field, region string) ([]Column, error) {
	for name := range chosen {
		found := false
		for _, n := range names {
			found = found || n == name
		}
		if !found {
			return nil, apperr.Invalid("mapping", "the file has no column %q; it has %s", name, strings.Join(names, ", "))
		}
	}
	taken := map[Field]bool{}
	for _, f := range chosen {
		if err := checkField(f); err != nil {
			return nil, err
		}
		if f != FieldIgnore && taken[f] {
			return nil, apperr.Invalid("mapping", "two columns are mapped to %q", f)
		}
		taken[f] = true
	}
	columns := make([]Column, len(names))
	for i, name := range names {
		f, ok := chosen[name]
		if !ok {
			f = guess[foldHeader(name)]
			if f != FieldIgnore && taken[f] {
				f = FieldIgnore
			}
			if key := AttributeKey(name); f == FieldIgnore && key != "" && !rejectColumns[name] &&
				!taken["attributes."+Field(key)] {
				f = "attributes." + Field(key)
			}
			taken[f] = true
		}
		columns[i] = Column{Name: name, Field: f, Samples: samplesOf(sample, i)}
		if strings.HasPrefix(string(f), "attributes.") {
			columns[i].Type = typeOf(sample, i)
		}
	}
	if !taken[FieldAddress] {
		if i := numbersIn(columns, sample, chosen, region); i >= 0 {
			columns[i].Field, columns[i].Type, taken[FieldAddress] = FieldAddress, "", true
		}
	}
	if !taken[FieldAddress] { // the columns go with it: who maps them needs their names
		return columns, apperr.Invalid("file",
			"no column holds phone numbers; the columns are %s. Say which one it is in the mapping", strings.Join(names, ", "))
	}
	return columns, nil
}

// numbersIn finds the column that holds phone numbers by what it holds; -1 is
// none. A column whose meaning somebody chose is not taken.
func numbersIn(columns []Column, sample [][]any, chosen map[string]Field, region string) int {
	best, most := -1, 0
	for i, c := range columns {
		if _, said := chosen[c.Name]; said || !strings.HasPrefix(string(c.Field), "attributes.") {
			continue
		}
		full, good := 0, 0
		for _, values := range sample[:min(len(sample), 100)] {
			if i >= len(values) {
				continue
			}
			if s := contact.CleanText(text(values[i])); s != "" {
				full++
				if _, err := contact.ParseAddress(s, region); err == nil {
					good++
				}
			}
		}
		if good*2 > full && good > most {
			best, most = i, good
		}
	}
	return best
}

// rejectColumns stand in the files of rejected rows, and say nothing of people.
var rejectColumns = map[string]bool{rejectLine: true, rejectError: true}

const (
	rejectLine  = "import line"
	rejectError = "import error"
)

const (
	shownSamples = 3
	longSample   = 60
)

// samplesOf gives the first different values of a column, for people.
func samplesOf(sample [][]any, column int) (found []string) {
	for _, values := range sample {
		if column >= len(values) || len(found) == shownSamples {
			continue
		}
		if s := clip(contact.CleanText(text(values[column])), longSample); s != "" && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	return found
}

func checkField(f Field) error {
	if _, ok := guesses[f]; ok || f == FieldIgnore {
		return nil
	}
	if key, ok := strings.CutPrefix(string(f), "attributes."); ok {
		return contact.CheckAttributeKey(key)
	}
	return apperr.Invalid("mapping",
		"%q is not a field: address, name, first_name, last_name, region, locale, time_zone, consent, consent_at, topics or attributes.<key>", f)
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9]\d{0,14})(\.\d{1,9})?$`)

// typeOf looks at a column's sample: numbers and booleans are kept as such
// only if every value reads so, so that a postcode 01067 stays a text.
func typeOf(sample [][]any, column int) string {
	number, boolean, word, any := true, true, false, false
	for _, values := range sample {
		if column >= len(values) {
			continue
		}
		s, ok := values[column].(string)
		if !ok || strings.TrimSpace(s) == "" {
			continue
		}
		any = true
		s = strings.TrimSpace(s)
		number = number && plainNumber.MatchString(s)
		_, isBool := booleans[strings.ToLower(s)]
		boolean = boolean && isBool
		word = word || (isBool && s != "0" && s != "1")
	}
	switch {
	case any && boolean && word:
		return "boolean"
	case any && number:
		return "number"
	}
	return "text"
}

var booleans = map[string]bool{
	"true": true, "false": false, "yes": true, "no": false, "y": true, "n": false,
	"1": true, "0": false,
}

// typed reads a text as its column's type; what does not fit stays a text.
func typed(s, typ string) any {
	switch typ {
	case "number":
		if plainNumber.MatchString(s) {
			if f, err := strconv.ParseFloat(s, 64); err == nil {
				return f
			}
		}
	case "boolean":
		if b, ok := booleans[strings.ToLower(s)]; ok {
			return b
		}
	}
	return s
}

func validRegion(s string) bool {
	return len(s) == 2 && phonenumbers.GetCountryCodeForRegion(strings.ToUpper(s)) != 0
}

// open reads a whole file's rows.
func open(r io.Reader, opts Options) (rows, error) {
	text := bufio.NewReaderSize(decode(r, opts.Encoding), 64<<10)
	if opts.Format != FormatCSV {
		return newJSON(text, opts.Format, opts.Columns)
	}
	c := newCSV(text, opts.Separator)
	if _, err := c.reader.Read(); err != nil {
		return nil, apperr.Invalid("file", "the header line cannot be read: %s", err)
	}
	c.want = len(opts.Columns)
	return c, nil
}

type csvRows struct {
	reader *csv.Reader
	row    int64
	want   int
}

func newCSV(r io.Reader, separator string) *csvRows {
	reader := csv.NewReader(r)
	reader.Comma, _ = utf8.DecodeRuneInString(separator)
	reader.FieldsPerRecord = -1
	reader.LazyQuotes = true
	reader.ReuseRecord = true
	return &csvRows{reader: reader}
}

func (c *csvRows) next() (record, error) {
	fields, err := c.reader.Read()
	if errors.Is(err, io.EOF) {
		return record{}, err
	}
	c.row++
	rec := record{row: c.row}
	if err != nil {
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			rec.line, rec.fault = int64(parse.StartLine), parse.Err.Error()
			return rec, nil
		}
		return record{}, err
	}
	line, _ := c.reader.FieldPos(0)
	rec.line = int64(line)
	rec.values = make([]any, max(len(fields), c.want))
	for i, f := range fields {
		rec.values[i] = csvcell.Unguard(f)
	}
	return rec, nil
}

type jsonRows struct {
	dec     *json.Decoder
	columns []Column
	row     int64
	array   bool
}

func newJSON(r io.Reader, format Format, columns []Column) (*jsonRows, error) {
	j := &jsonRows{dec: json.NewDecoder(r), columns: columns, array: format == FormatJSON}
	if j.array {
		if t, err := j.dec.Token(); err != nil || t != json.Delim('[') {
			return nil, errors.New("it is not a JSON array")
		}
	}
	return j, nil
}

// object reads one object and the order of its keys.
func (j *jsonRows) object() (map[string]any, []string, error) {
	if j.array && !j.dec.More() {
		return nil, nil, io.EOF
	}
	var raw json.RawMessage
	if err := j.dec.Decode(&raw); err != nil {
		return nil, nil, err
	}
	var obj map[string]any
	if err := json.Unmarshal(raw, &obj); err != nil || obj == nil {
		return nil, nil, fmt.Errorf("found %.40s, want an object", raw)
	}
	return obj, keyOrder(raw), nil
}

func keyOrder(raw json.RawMessage) []string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	var keys []string
	_, _ = dec.Token()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			break
		}
		if name, ok := key.(string); ok {
			keys = append(keys, name)
		}
		var skip json.RawMessage
		if dec.Decode(&skip) != nil {
			break
		}
	}
	return keys
}

func (j *jsonRows) next() (record, error) {
	obj, _, err := j.object()
	if errors.Is(err, io.EOF) {
		return record{}, io.EOF
	}
	j.row++
	rec := record{row: j.row, line: j.row}
	if err != nil {
		if _, broken := errors.AsType[*json.SyntaxError](err); broken || errors.Is(err, io.ErrUnexpectedEOF) {
			return record{}, apperr.Invalid("file", "the JSON breaks off at row %d: %s", j.row, err)
		}
		rec.fault = err.Error()
		return rec, nil
	}
	rec.values = make([]any, len(j.columns))
	for i, c := range j.columns {
		rec.values[i] = obj[c.Name]
		if nested, ok := obj[c.Name].(map[string]any); ok && foldHeader(c.Name) == "attributes" {
			rec.values[i], rec.extra = nil, nested
		}
	}
	return rec, nil
}
