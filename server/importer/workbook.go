package importer

import (
	"archive/zip"
	"cmp"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"eventstream/server/apperr"
)

// workbook reads a spreadsheet of Excel's (ISO/IEC 29500) for what it says of people:
// whole numbers as digits, dates as dates, results in place of formulas. Only the
// parts that are needed are opened, each within a limit, and sheets are streamed: so
// neither pictures nor bombs cost anything. excelize reads rows either as they are
// shown, where long numbers lose digits, or raw, where dates are numbers of days.
type workbook struct {
	parts   map[string]*zip.File
	sheets  []sheetPart
	texts   []string // shared by the cells
	isDate  []bool   // by style
	epoch   time.Time
	columns int // at most so many
	most    int // shared texts
}

type sheetPart struct{ name, part string }

var (
	errNoWorkbook = errors.New("no workbook")
	errHasRows    = errors.New("there is a row")
)

const (
	maxPart     = 64 << 20  // of a workbook's directory and styles, in bytes
	maxTexts    = 256 << 20 // of its shared texts
	maxTextN    = 4 << 20   // shared texts
	maxSheets   = 200       // more than people make
	maxSheetRow = 1 << 20   // Excel's own limit
)

func openWorkbook(archive *zip.Reader) (*workbook, error) {
	b := &workbook{parts: map[string]*zip.File{}, epoch: time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC), columns: maxColumns, most: maxTextN}
	for _, f := range archive.File {
		b.parts[strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/")] = f
	}
	if b.parts["xl/workbook.xml"] == nil {
		return nil, errNoWorkbook
	}
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
			ID2  string `xml:"http://purl.oclc.org/ooxml/officeDocument/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.parse("xl/workbook.xml", &book); err != nil {
		return nil, err
	}
	if p := book.Properties.Date1904; p == "1" || p == "true" {
		b.epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	var links struct {
		Links []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := b.parse("xl/_rels/workbook.xml.rels", &links); err != nil {
		return nil, err
	}
	targets, listed := make(map[string]string, len(links.Links)), map[string]bool{}
	for _, l := range links.Links {
		targets[l.ID] = l.Target
	}
	for _, s := range book.Sheets {
		target := cmp.Or(targets[s.ID], targets[s.ID2])
		part := path.Join("xl", target)
		if strings.HasPrefix(target, "/") {
			part = strings.TrimPrefix(target, "/")
		}
		if b.parts[part] != nil && strings.Contains(part, "worksheets/") && !listed[part] {
			listed[part] = true // each part is one sheet, however often it is listed
			b.sheets = append(b.sheets, sheetPart{s.Name, part})
		}
	}
	switch {
	case len(b.sheets) == 0:
		return nil, errors.New("it has no sheet")
	case len(b.sheets) > maxSheets:
		return nil, fmt.Errorf("it has %d sheets, at most %d are read", len(b.sheets), maxSheets)
	}
	if err := b.readStyles(); err != nil {
		return nil, err
	}
	return b, b.readTexts()
}

func (b *workbook) parse(part string, into any) error {
	f := b.parts[part]
	if f == nil {
		return fmt.Errorf("%s is missing", part)
	}
	r, err := openPart(f, maxPart)
	if err != nil {
		return err
	}
	return xml.NewDecoder(r).Decode(into)
}

func (b *workbook) names() []string {
	names := make([]string, len(b.sheets))
	for i, s := range b.sheets {
		names[i] = s.name
	}
	return names
}

// choose finds the sheet with this name; without one the first with anything in it.
func (b *workbook) choose(name string) (string, error) {
	if name != "" {
		if !slices.Contains(b.names(), name) {
			return "", apperr.Invalid("sheet", "the workbook has no sheet %q; it has %s", name, strings.Join(b.names(), ", "))
		}
		return name, nil
	}
	for _, s := range b.sheets {
		err := b.rows(s.part, func(int, []string) error { return errHasRows })
		switch {
		case errors.Is(err, errHasRows):
			return s.name, nil
		case err != nil:
			return "", apperr.Invalid("file", "the sheet %q cannot be read: %s", s.name, err)
		}
	}
	return b.sheets[0].name, nil
}

// readStyles finds out which styles show numbers as dates.
func (b *workbook) readStyles() error {
	if b.parts["xl/styles.xml"] == nil {
		return nil
	}
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := b.parse("xl/styles.xml", &styles); err != nil {
		return err
	}
	own := map[int]bool{}
	for _, f := range styles.Formats {
		own[f.ID] = isDateFormat(f.Code)
	}
	for _, c := range styles.Cells {
		id := c.Format
		known := id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
		if date, isOwn := own[id]; isOwn {
			known = date
		}
		b.isDate = append(b.isDate, known)
	}
	return nil
}

var notFormat = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]`) // literal texts, colours, languages

// isDateFormat tells dates' and times' formats from those of quantities.
func isDateFormat(code string) bool {
	code, _, _ = strings.Cut(code, ";")
	code = strings.ToLower(notFormat.ReplaceAllString(code, ""))
	if strings.Contains(code, "general") || strings.ContainsAny(code, "#?@%e") {
		return false
	}
	return strings.ContainsAny(code, "ymdhs") && !strings.Contains(strings.ReplaceAll(code, "s.0", ""), "0.")
}

func (b *workbook) readTexts() error {
	f := b.parts["xl/sharedStrings.xml"]
	if f == nil {
		return nil
	}
	var current strings.Builder
	inText, phonetic := false, false
	return eachToken(f, maxTexts, func(_ *xml.Decoder, token xml.Token) error {
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "si":
				current.Reset()
			case "t":
				inText = true
			case "rPh": // how it is spoken
				phonetic = true
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "si":
				if len(b.texts) == b.most {
					return fmt.Errorf("it has more than %d different texts", b.most)
				}
				b.texts = append(b.texts, unescapeXML(current.String()))
			case "t":
				inText = false
			case "rPh":
				phonetic = false
			}
		case xml.CharData:
			if inText && !phonetic {
				current.Write(t)
			}
		}
		return nil
	})
}

var errStop = errors.New("enough was read")

// eachToken gives the tokens of a part, until take has enough. take may read on itself.
func eachToken(f *zip.File, limit int64, take func(*xml.Decoder, xml.Token) error) error {
	r, err := openPart(f, limit)
	if err != nil {
		return err
	}
	dec := xml.NewDecoder(r)
	for {
		token, err := dec.RawToken()
		if err == nil {
			err = take(dec, token)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, errStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

var escaped = regexp.MustCompile(`_x([0-9A-Fa-f]{4})_`) // what XML cannot hold

func unescapeXML(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escaped.ReplaceAllStringFunc(s, func(m string) string {
		n, _ := strconv.ParseUint(m[2:6], 16, 32)
		return string(rune(n))
	})
}

// write writes a sheet as CSV, each row as a line, also empty ones, so that line
// numbers are those of the sheet.
func (b *workbook) write(name string, out io.Writer) error {
	w := csv.NewWriter(out)
	written := 0
	for _, s := range b.sheets {
		if s.name != name {
			continue
		}
		err := b.rows(s.part, func(row int, cells []string) error {
			for ; written < row-1; written++ {
				if err := w.Write([]string{""}); err != nil {
					return err
				}
			}
			written++
			return w.Write(cells)
		})
		if err != nil {
			return err
		}
		break
	}
	w.Flush()
	return w.Error()
}

// rows gives each row of a sheet that has anything in it.
func (b *workbook) rows(part string, take func(row int, cells []string) error) error {
	row, last := 0, 0
	var cells []string
	return eachToken(b.parts[part], MaxFile, func(dec *xml.Decoder, token xml.Token) error {
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				row, cells = last+1, cells[:0]
				if n, err := strconv.Atoi(xmlAttribute(t, "r")); err == nil && n > last && n <= maxSheetRow {
					row = n
				}
				last = row
			case "c":
				column := columnOf(xmlAttribute(t, "r"), len(cells))
				if column >= b.columns {
					return fmt.Errorf("row %d has more than %d columns", row, b.columns)
				}
				value, err := b.cell(dec, t)
				if err != nil {
					return err
				}
				for len(cells) <= column {
					cells = append(cells, "")
				}
				cells[column] = value
			}
		case xml.EndElement:
			if t.Name.Local == "row" && !blank(cells) {
				if err := take(row, cells); err != nil {
					return err
				}
			}
			if t.Name.Local == "sheetData" {
				return errStop
			}
		}
		return nil
	})
}

func xmlAttribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// columnOf reads the letters of a cell's place, AB12; 0 is the first column.
func columnOf(place string, next int) int {
	n := 0
	for _, r := range place {
		if r < 'A' || r > 'Z' || n > maxSheetRow {
			break
		}
		n = n*26 + int(r-'A') + 1
	}
	if n == 0 {
		return next
	}
	return n - 1
}

// cell reads one cell's value.
func (b *workbook) cell(dec *xml.Decoder, c xml.StartElement) (string, error) {
	var value, inline strings.Builder
	var into *strings.Builder
	for {
		token, err := dec.RawToken()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				into = &value
			case "t":
				into = &inline
			case "f", "rPh":
				into = nil
			}
		case xml.EndElement:
			if t.Name.Local == "c" {
				return b.show(xmlAttribute(c, "t"), xmlAttribute(c, "s"), value.String(), unescapeXML(inline.String())), nil
			}
			into = nil
		case xml.CharData:
			if into != nil {
				if into.Len()+len(t) > maxRecord {
					return "", errors.New("a cell is larger than 1 MiB")
				}
				into.Write(t)
			}
		}
	}
}

func (b *workbook) show(kind, style, value, inline string) string {
	switch kind {
	case "s":
		if i, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && i >= 0 && i < len(b.texts) {
			return b.texts[i]
		}
		return ""
	case "inlineStr":
		return inline
	case "str", "d":
		return unescapeXML(value)
	case "b":
		return strconv.FormatBool(strings.TrimSpace(value) == "1")
	case "e": // #N/A and the like say nothing
		return ""
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return value
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(b.isDate) && b.isDate[i] && f >= 0 && f < 2958466 {
		return b.date(f)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e18 {
		return strconv.FormatInt(int64(f), 10)
	}
	// Excel keeps 15 digits: 0.1+0.2 is 0.3.
	f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// date reads a number of days since the epoch.
func (b *workbook) date(days float64) string {
	seconds := math.Round(days * 24 * 60 * 60)
	at := b.epoch.Add(time.Duration(seconds) * time.Second)
	switch {
	case days < 1 && days > 0: // a time of day
		return at.Format(time.TimeOnly)
	case math.Mod(seconds, 24*60*60) == 0:
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02T15:04:05")
}
