package csvcell

import (
	"archive/zip"
	"bufio"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Format of a table.
type Format string

// Formats.
const (
	CSV  Format = "csv"  // UTF-8 with a byte order mark, separated by commas
	XLSX Format = "xlsx" // a workbook in which every cell is a text
)

// ContentType is what an answer with such a table is.
func (f Format) ContentType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Table takes rows and writes them out as they come: memory does not grow, and
// nothing lies on disk.
type Table interface {
	// Write adds a row. The first one holds the columns' names.
	Write(cells []string) error
	// Flush sends what was written.
	Flush() error
	// Close ends the table; out stays open.
	Close() error
}

// NewTable begins a table.
func NewTable(format Format, out io.Writer) (Table, error) {
	if format == XLSX {
		return newSheets(out, sheetRows), nil
	}
	_, err := io.WriteString(out, "\ufeff") // Excel takes UTF-8 for Latin-1 without it
	return &lines{w: csv.NewWriter(out)}, err
}

type lines struct {
	w       *csv.Writer
	guarded []string
}

func (l *lines) Write(cells []string) error {
	l.guarded = l.guarded[:0]
	for _, c := range cells {
		l.guarded = append(l.guarded, Guard(c))
	}
	return l.w.Write(l.guarded)
}

func (l *lines) Flush() error {
	l.w.Flush()
	return l.w.Error()
}

func (l *lines) Close() error { return l.Flush() }

// Limits of Excel (support.microsoft.com, Excel specifications and limits).
const (
	sheetRows = 1 << 20
	cellUnits = 32_767 // UTF-16 code units
)

// sheets writes a workbook (ECMA-376) with one sheet, and further ones, each with
// the columns' names, where one is full.
type sheets struct {
	zip    *zip.Writer
	most   int
	header []string
	names  int // sheets begun
	rows   int // of this one
	buf    *bufio.Writer
}

func newSheets(out io.Writer, most int) *sheets { return &sheets{zip: zip.NewWriter(out), most: most} }

const declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`

func (s *sheets) Write(cells []string) error {
	if s.header == nil {
		s.header = append([]string{}, cells...)
	}
	if s.buf == nil || s.rows >= s.most {
		if err := s.next(); err != nil {
			return err
		}
		if s.names > 1 {
			if err := s.row(s.header); err != nil {
				return err
			}
		}
	}
	return s.row(cells)
}

func (s *sheets) next() error {
	if err := s.end(); err != nil {
		return err
	}
	s.names++
	s.rows = 0
	part, err := s.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", s.names))
	if err != nil {
		return err
	}
	s.buf = bufio.NewWriterSize(part, 64<<10)
	_, err = s.buf.WriteString(declaration + `<worksheet ` + main + `><sheetData>`)
	return err
}

func (s *sheets) end() error {
	if s.buf == nil {
		return nil
	}
	_, _ = s.buf.WriteString(`</sheetData></worksheet>`) // Flush tells
	return s.buf.Flush()
}

func (s *sheets) row(cells []string) error {
	s.rows++
	_, _ = s.buf.WriteString(`<row r="` + strconv.Itoa(s.rows) + `">`)
	for _, c := range cells {
		if c == "" {
			_, _ = s.buf.WriteString(`<c/>`)
			continue
		}
		_, _ = s.buf.WriteString(`<c t="inlineStr"><is><t xml:space="preserve">`)
		if err := xml.EscapeText(s.buf, []byte(plain(c))); err != nil {
			return err
		}
		_, _ = s.buf.WriteString(`</t></is></c>`)
	}
	_, err := s.buf.WriteString(`</row>`) // an error stays with the writer
	return err
}

// escape is what Excel reads as a character by its number.
var escape = regexp.MustCompile(`_(x[0-9A-Fa-f]{4}_)`)

// plain makes a text stand for itself, and cuts one that no cell holds.
func plain(text string) string {
	text = escape.ReplaceAllString(text, "_x005F_$1")
	if len(text) <= cellUnits {
		return text
	}
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units >= cellUnits {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}

func (s *sheets) Flush() error {
	if s.buf != nil {
		if err := s.buf.Flush(); err != nil {
			return err
		}
	}
	return s.zip.Flush()
}

func (s *sheets) Close() error {
	if s.buf == nil { // a workbook has a sheet
		if err := s.next(); err != nil {
			return err
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	const (
		relations = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
		content   = `application/vnd.openxmlformats-officedocument.spreadsheetml`
	)
	var types, names, targets strings.Builder
	for n := 1; n <= s.names; n++ {
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%s.worksheet+xml"/>`, n, content)
		fmt.Fprintf(&names, `<sheet name="Sheet%d" sheetId="%d" r:id="rId%d"/>`, n, n, n)
		fmt.Fprintf(&targets, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`,
			n, relations, n)
	}
	const packages = `xmlns="http://schemas.openxmlformats.org/package/2006/relationships"`
	for _, part := range [][2]string{
		{"xl/workbook.xml", `<workbook ` + main + ` xmlns:r="` + relations + `"><sheets>` + names.String() +
			`</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships ` + packages + `>` + targets.String() + `</Relationships>`},
		{"_rels/.rels", `<Relationships ` + packages + `><Relationship Id="rId1" Type="` + relations +
			`/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ` +
			`ContentType="` + content + `.sheet.main+xml"/>` + types.String() + `</Types>`},
	} {
		w, err := s.zip.Create(part[0])
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, declaration+part[1]); err != nil {
			return err
		}
	}
	return s.zip.Close()
}
