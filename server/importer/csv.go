package importer

import (
	"errors"
	"io"
	"strings"

	"eventstream/server/contact"
	"eventstream/server/csvcell"
)

// csvRows reads a file of separated values. What quotes break costs the row that
// breaks it and no other: reading goes on with the next line.
type csvRows struct {
	lines     *lines
	separator byte
	ahead     []line // lines that were looked at to find the end of a quoted cell
	row       int64
	want      int // columns
}

func newCSV(r io.Reader, separator string) *csvRows {
	return &csvRows{lines: newLines(r), separator: separator[0]}
}

const (
	tooLarge    = "the row is larger than 1 MiB"
	neverClosed = "a quote is opened and never closed"
	misquoted   = "text follows a closing quote; a quote inside quotes is written twice"
	fewestCells = 2 // columns that a line has at least to look like a row of its own
)

// next gives the next row; lines without any cell are none.
func (c *csvRows) next() (record, error) {
	for {
		l, err := c.line()
		if err != nil {
			return record{}, err
		}
		rec := record{line: l.number}
		row := cells{separator: c.separator}
		switch {
		case l.cut:
			rec.fault = tooLarge
		default:
			switch row.add(l.text) {
			case rowGoesOn:
				rec.fault, err = c.goOn(&row, len(l.text))
				if err != nil {
					return record{}, err
				}
			case rowIsMisquoted:
				rec.fault = misquoted
			case rowComplete:
			}
		}
		switch {
		case rec.fault != "":
			rec.values = []any{clip(strings.ReplaceAll(l.text, "\x00", ""), 500)}
		case blank(row.done):
			continue
		default:
			rec.values = make([]any, max(len(row.done), c.want))
			for i, cell := range row.done {
				rec.values[i] = csvcell.Unguard(strings.ReplaceAll(cell, "\x00", ""))
			}
		}
		c.row++
		rec.row = c.row
		return rec, nil
	}
}

func (c *csvRows) line() (line, error) {
	if len(c.ahead) > 0 {
		l := c.ahead[0]
		c.ahead = c.ahead[1:]
		return l, nil
	}
	return c.lines.next()
}

// goOn reads a row on whose quotes span lines. Where they are never closed, or
// close what belongs to another row, the lines stay to be read as rows.
func (c *csvRows) goOn(row *cells, size int) (fault string, err error) {
	for used := 0; ; used++ {
		if used == len(c.ahead) {
			l, err := c.lines.next()
			if errors.Is(err, io.EOF) {
				return neverClosed, nil
			}
			if err != nil {
				return "", err
			}
			c.ahead = append(c.ahead, l)
		}
		l := c.ahead[used]
		if size += len(l.text) + 1; l.cut || size > maxRecord || c.looksLikeRow(l.text) {
			return neverClosed, nil
		}
		switch row.add(l.text) {
		case rowGoesOn:
		case rowIsMisquoted:
			return neverClosed, nil
		case rowComplete:
			c.ahead = c.ahead[used+1:]
			return "", nil
		}
	}
}

// looksLikeRow holds for a line that is a whole row with a number in it, which no
// line inside somebody's address or note is.
func (c *csvRows) looksLikeRow(text string) bool {
	row := cells{separator: c.separator}
	if row.add(text) == rowIsMisquoted {
		return false
	}
	if row.open != nil {
		row.done = append(row.done, row.open.String())
	}
	if c.want > 0 && len(row.done) != c.want || c.want == 0 && len(row.done) < fewestCells {
		return false
	}
	for _, cell := range row.done {
		if looksLikeNumber(cell) {
			return true
		}
	}
	return false
}

// looksLikeNumber holds for what may be a phone number. A cell that ends with a quote
// which it does not begin with is the rest of a quoted one.
func looksLikeNumber(cell string) bool {
	if strings.HasSuffix(cell, `"`) && !strings.HasPrefix(cell, `"`) && !strings.HasPrefix(cell, "=") {
		return false
	}
	return contact.LooksLikeNumber(cell) && !isDate(cell)
}

func isDate(s string) bool {
	_, err := parseDate(s, DateOrderDMY)
	return err == nil
}

func blank(cells []string) bool {
	for _, cell := range cells {
		if strings.Trim(strings.TrimSpace(cell), "\x1a\x00") != "" { // ^Z ended files once
			return false
		}
	}
	return true
}
