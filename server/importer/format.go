package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"

	"golang.org/x/text/encoding/charmap"
	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Format of a file.
type Format string

// Formats.
const (
	FormatCSV     Format = "csv"     // also with semicolons or tabs
	FormatJSON    Format = "json"    // an array of objects
	FormatNDJSON  Format = "ndjson"  // an object a line
	FormatObjects Format = "objects" // objects one after the other, over several lines
	// FormatAnswer is one object that holds a list of objects, as APIs answer.
	FormatAnswer Format = "answer"
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

// sniff finds out what a file is from its beginning: format, encoding, separator,
// where its header stands, columns and what they hold.
func sniff(head []byte, req *Request) (Options, error) {
	opts := Options{
		Reader: readerVersion, DefaultRegion: strings.ToUpper(req.DefaultRegion), Mode: req.Mode, Numbers: req.Numbers,
		DateOrder: req.DateOrder, ConsentForAll: req.Consent.Source == "all", ConsentText: req.Consent.Text, ConsentLocale: req.Consent.language,
		IgnoreConsents: req.Consent.Source == "none", DoubleOptIn: req.Consent.Confirmed, DryRun: req.DryRun, TopicIDs: req.TopicIDs,
		Mapped: len(req.Mapping) > 0,
	}
	garbage := func(why string) (Options, error) {
		return opts, apperr.Invalid("file",
			"%q is not a contact file: %s. CSV, Excel workbooks, JSON, NDJSON and vCards are read, also gzipped",
			req.FileName, why)
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return garbage("it is empty")
	}
	opts.Encoding = detectEncoding(head)
	text, err := io.ReadAll(decode(bytes.NewReader(head), opts.Encoding))
	if err != nil || bytes.Count(text, []byte{0}) > len(text)/50+2 {
		return garbage("it holds binary data")
	}
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 { // a mark of the encoding and no more
		return garbage("it is empty")
	}
	if n := len(text); n > 16 && bytes.Count(text, []byte("\uFFFD")) > n/100 {
		return garbage("it holds binary data")
	}
	for mark, kind := range otherKinds {
		if bytes.HasPrefix(bytes.ToLower(trimmed), []byte(mark)) {
			return garbage("it is " + kind)
		}
	}
	var t table
	switch trimmed[0] {
	case '[':
		opts.Format = FormatJSON
		t, err = sampleOfObjects(text, opts.Format)
	case '{':
		opts.Format = FormatNDJSON
		if first, _, _ := bytes.Cut(trimmed, []byte("\n")); !json.Valid(first) && len(first) < len(trimmed) {
			opts.Format = FormatObjects
		}
		t, err = sampleOfObjects(text, opts.Format)
	default:
		opts.Format = FormatCSV
		t, err = sampleOfCSV(text, &opts)
	}
	if err != nil {
		return garbage(err.Error())
	}
	opts.lookAtLetters(t)
	if opts.Encoding == "utf-8" && !utf8.Valid(head[:len(head)-cutLetter(head)]) {
		opts.warn("Some texts are not written in UTF-8 and are read as Windows-1252. " +
			"Look at the names with accents among the examples before you import it.")
	}
	if opts.Format == FormatCSV {
		opts.Nested = nestedColumns(&t)
	}
	err = mapColumns(&opts, t, req)
	if err != nil && trimmed[0] == '{' && len(t.rows) <= 1 {
		if inner, none := sampleOfObjects(text, FormatAnswer); none == nil {
			answer := opts
			answer.Format, answer.Columns, answer.Questions, answer.Warnings = FormatAnswer, nil, nil, nil
			answer.lookAtLetters(inner)
			return answer, mapColumns(&answer, inner, req)
		}
	}
	return opts, err
}

// otherKinds are files that begin like texts and are something else.
var otherKinds = map[string]string{
	"<html": "a web page, as some programs save their .xls: open it and save it as .xlsx or .csv", "<!doctype html": "a web page",
	"<table": "a web page, as some programs save their .xls: open it and save it as .xlsx or .csv",
	"<?xml":  "XML: open it in a spreadsheet and save it as .xlsx or .csv", "%pdf": "a PDF", "{\\rtf": "a text document",
}

// twiceEncoded are letters of UTF-8 that something read as Windows-1252 and wrote again.
// Closing quotes may follow a word that ends in Ã.
var twiceEncoded = regexp.MustCompile(`\S*(?:[ÃÂ][\x{80}-\x{bf}ŒœŠšŸŽžƒˆ˜–—‘“‚„†‡•…‰‹›€™]|â€)\S*`)

var guessedEncodings = map[string]string{
	"windows-1252": "Windows-1252", "windows-1251": "Windows-1251 (Cyrillic)", "macintosh": "Mac OS Roman",
}

// lookAtLetters warns where an encoding was guessed, or letters were lost before the
// file came here.
func (o *Options) lookAtLetters(t table) {
	if name := guessedEncodings[o.Encoding]; name != "" {
		o.warn("The file is not written in UTF-8 and is read as " + name + ". " +
			"Look at the names with accents among the examples before you import it.")
	}
	lost, twice := "", ""
	look := func(s string) {
		if lost == "" && strings.Contains(s, "\uFFFD") {
			lost = s
		}
		if twice == "" {
			twice = twiceEncoded.FindString(s)
		}
	}
	for i, name := range t.names {
		look(name)
		for _, s := range t.column(i) {
			look(s)
		}
	}
	if lost != "" {
		o.warn(fmt.Sprintf("Some characters cannot be read, such as in “%s”. Export the file again as UTF-8.",
			clip(lost, longSample)))
	}
	if twice != "" {
		o.warn(fmt.Sprintf("Some texts were saved in the wrong encoding, such as “%s”. Export the file again as UTF-8.",
			clip(twice, longSample)))
	}
}

// table is the beginning of a file.
type table struct {
	names []string
	rows  [][]any
}

// column gives the texts that stand in a column of the sample.
func (t table) column(i int) (values []string) {
	for _, row := range t.rows {
		if i < len(row) {
			if s := contact.CleanText(text(row[i])); s != "" {
				values = append(values, s)
			}
		}
	}
	return values
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
	if kind := withoutMark(head); kind != "" {
		return kind
	}
	valid := head[:len(head)-cutLetter(head)]
	if utf8.Valid(valid) && len(valid) > 0 {
		return "utf-8"
	}
	letters, others, pairs := 0, 0, 0 // letters of UTF-8, other bytes of other encodings, and those side by side
	for i := 0; i < len(valid); {
		r, n := utf8.DecodeRune(valid[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			if others++; i > 0 && valid[i-1] >= 0xC0 && valid[i] >= 0xC0 {
				pairs++
			}
		case n > 1:
			letters++
		}
		i += n
	}
	switch {
	case letters > others:
		return "utf-8"
	case pairs*2 > others:
		return "windows-1251" // whole words of such letters: Cyrillic
	case bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0:
		return "macintosh"
	}
	return "windows-1252"
}

// cutLetter is how many bytes at the end are the beginning of a letter of UTF-8, which
// goes on behind the sample.
func cutLetter(head []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(head); n++ {
		if b := head[len(head)-n]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(head[len(head)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// withoutMark knows UTF-16 by its zeros: texts of people have many signs below 256.
func withoutMark(head []byte) string {
	sample := head[:min(len(head), 4096)&^1]
	even, odd := 0, 0
	for i := 0; i < len(sample); i += 2 {
		if sample[i] == 0 {
			even++
		}
		if sample[i+1] == 0 {
			odd++
		}
	}
	switch half := len(sample) / 2; {
	case half < 8:
	case odd*2 > half && even*20 < half:
		return "utf-16le"
	case even*2 > half && odd*20 < half:
		return "utf-16be"
	}
	return ""
}

// asWritten is the encoding of a text that is decoded elsewhere.
const asWritten = "as written"

func decode(r io.Reader, encoding string) io.Reader {
	switch encoding {
	case asWritten:
		return r
	case "utf-32le":
		return transform.NewReader(r, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder())
	case "utf-16le":
		return transform.NewReader(r, xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM).NewDecoder())
	case "utf-16be":
		return transform.NewReader(r, xunicode.UTF16(xunicode.BigEndian, xunicode.UseBOM).NewDecoder())
	case "windows-1252":
		return transform.NewReader(r, charmap.Windows1252.NewDecoder())
	case "windows-1251":
		return transform.NewReader(r, charmap.Windows1251.NewDecoder())
	case "macintosh":
		return transform.NewReader(r, charmap.Macintosh.NewDecoder())
	}
	return transform.NewReader(r, transform.Chain(mixed{}, xunicode.UTF8BOM.NewDecoder()))
}

// mixed keeps UTF-8 as it is and reads what is none as Windows-1252: some files are put
// together out of others, and the first such letter may stand far behind the sample.
type mixed struct{ transform.NopResetter }

func (mixed) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if src[nSrc] < utf8.RuneSelf {
			if nDst == len(dst) {
				return nDst, nSrc, transform.ErrShortDst
			}
			dst[nDst] = src[nSrc]
			nDst++
			nSrc++
			continue
		}
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, n := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += n
	}
	return nDst, nSrc, nil
}

var separatorLine = regexp.MustCompile(`(?i)^"?sep=(.)"?$`) // how Excel is told

// separators are those that are looked for.
const separators = ",;\t|"

// detectSeparator takes the one that gives most lines the same number of cells.
func detectSeparator(text []byte) byte {
	best, most := byte(','), 0
	for i := range len(separators) {
		sep := separators[i]
		r := newCSV(bytes.NewReader(text), string(sep))
		counts := map[int]int{}
		for range 50 {
			rec, err := r.next()
			if err != nil {
				break
			}
			if n := len(rec.values); rec.fault == "" && n > 1 {
				counts[n]++
			}
		}
		for n, lines := range counts {
			if score := lines*1000 + min(n, 999); score > most {
				best, most = sep, score
			}
		}
	}
	return best
}

// sampleOfCSV finds the header, behind the lines that stand before it in some
// files, and reads the first rows.
func sampleOfCSV(text []byte, opts *Options) (t table, err error) {
	first := newLines(bytes.NewReader(text))
	for {
		l, err := first.next()
		if err != nil {
			return t, errors.New("it has no rows")
		}
		if m := separatorLine.FindStringSubmatch(strings.TrimSpace(l.text)); m != nil && len(m[1]) == 1 {
			opts.Separator, opts.Preamble = m[1], l.number
		}
		if strings.TrimSpace(l.text) != "" {
			break
		}
	}
	if opts.Separator == "" {
		opts.Separator = string(detectSeparator(text))
	}
	r := newCSV(bytes.NewReader(text), opts.Separator)
	if err := r.lines.skip(opts.Preamble); err != nil {
		return t, errors.New("it has no rows")
	}
	var records []record
	for len(records) < sampleRows+maxTitles {
		rec, more := r.next()
		if more != nil { // the end, of the file or of what was cut off for the sample
			break
		}
		records = append(records, rec)
	}
	for i, rec := range records[:min(len(records), maxTitles)] {
		records[i].values = headerCells(rec, opts.Separator)
	}
	head := headerOf(records)
	if head == len(records) {
		return t, errors.New("its header line cannot be read")
	}
	header := records[head]
	if n := len(header.values); n > maxColumns {
		return t, fmt.Errorf("it has %d columns, at most %d are read", n, maxColumns)
	}
	opts.Preamble, opts.NoHeader = header.line-1, isData(header, opts.DefaultRegion)
	for i, v := range header.values {
		name := contact.CleanText(csvText(v))
		if name == "" || opts.NoHeader {
			name = fmt.Sprintf("column %d", i+1)
		}
		t.names = append(t.names, name)
	}
	if opts.NoHeader {
		opts.warn("The first line looks like a row and not like a header, so the columns are numbered.")
		head--
	}
	t.names = unique(t.names)
	for _, rec := range records[head+1:] {
		if rec.fault == "" && len(t.rows) < sampleRows {
			t.rows = append(t.rows, rec.values)
		}
	}
	return t, nil
}

func csvText(v any) string { s, _ := v.(string); return s }

// headerCells are a record's cells, also of a line whose quotes are broken: what a
// header means can be told without them.
func headerCells(rec record, separator string) []any {
	if rec.fault == "" || len(rec.values) != 1 {
		return rec.values
	}
	var cells []any
	for _, cell := range strings.Split(csvText(rec.values[0]), separator) {
		cells = append(cells, strings.ReplaceAll(cell, `"`, ""))
	}
	return cells
}

const maxTitles = 10 // lines that may stand before a header

// headerOf is the place of the header: titles before it have one cell, where rows
// have several.
func headerOf(records []record) int {
	counts := map[int]int{}
	usual := 0
	for _, rec := range records {
		if rec.fault == "" {
			counts[len(rec.values)]++
		}
	}
	for n, rows := range counts {
		// Titles may be more than the rows of a small file.
		most, than := rows, counts[usual]
		if n > 1 && rows > 1 {
			most += maxTitles
		}
		if usual > 1 && than > 1 {
			than += maxTitles
		}
		if most > than || most == than && n > usual {
			usual = n
		}
	}
	for i, rec := range records[:min(len(records), maxTitles)] {
		if slices.ContainsFunc(rec.values, func(v any) bool { return looksLikeNumber(csvText(v)) }) {
			break
		}
		if headsColumns(rec) && (len(rec.values) == usual || usual < 2) {
			return i
		}
	}
	for i, rec := range records[:min(len(records), maxTitles)] {
		full := 0
		for _, v := range rec.values {
			if strings.TrimSpace(csvText(v)) != "" {
				full++
			}
		}
		if rec.fault == "" && (full > 1 || usual < 2 || slices.ContainsFunc(rec.values, func(v any) bool {
			return looksLikeNumber(csvText(v))
		})) {
			return i
		}
	}
	return len(records)
}

// headsColumns holds for a row with words that head columns.
func headsColumns(rec record) bool {
	return slices.ContainsFunc(rec.values, func(v any) bool {
		s := contact.CleanText(csvText(v))
		_, known := guess[foldHeader(s)]
		return known || mentionsPhone(s)
	})
}

// isData holds for a first row that is no header: it has a phone number in it, and
// no word that heads a column.
func isData(rec record, region string) bool {
	number := false
	for _, v := range rec.values {
		s := contact.CleanText(csvText(v))
		if _, known := guess[foldHeader(s)]; known || mentionsPhone(s) {
			return false
		}
		_, err := contact.ParseAddress(s, region)
		number = number || err == nil || looksLikeNumber(s)
	}
	return number
}

func sampleOfObjects(text []byte, format Format) (t table, err error) {
	src, err := newObjects(bytes.NewReader(text), format)
	if err != nil {
		return t, err
	}
	index := map[string]int{}
	for len(t.rows) < sampleRows {
		obj, order, _, err := src.next()
		if err != nil {
			if _, broken := errors.AsType[brokenRowError](err); broken && format == FormatNDJSON {
				continue
			}
			if len(t.rows) == 0 && !errors.Is(err, io.EOF) {
				return t, errors.New("it is not JSON: " + err.Error())
			}
			break
		}
		for _, key := range order {
			if _, known := index[key]; !known && len(t.names) < maxColumns {
				index[key] = len(t.names)
				t.names = append(t.names, key)
			}
		}
		values := make([]any, len(t.names))
		for key, v := range obj {
			if i, ok := index[key]; ok {
				values[i] = v
			}
		}
		t.rows = append(t.rows, values)
	}
	if len(t.names) == 0 {
		return t, errors.New("it holds no objects")
	}
	return t, nil
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

// open reads a whole file's rows.
func open(r io.Reader, opts Options) (rows, error) {
	plain := decode(r, opts.Encoding)
	if opts.Format != FormatCSV {
		return newJSON(plain, opts.Format, opts.Columns)
	}
	c := newCSV(plain, opts.Separator)
	if err := c.lines.skip(opts.Preamble); err != nil {
		return nil, apperr.Invalid("file", "the header line cannot be read: %s", err)
	}
	if !opts.NoHeader {
		if _, err := c.next(); err != nil {
			return nil, apperr.Invalid("file", "the header line cannot be read: %v", err)
		}
		c.row = 0
	}
	c.want = len(opts.Columns) - opts.Nested.count()
	if len(opts.Nested) > 0 {
		return &unnested{rows: c, nested: opts.Nested}, nil
	}
	return c, nil
}
