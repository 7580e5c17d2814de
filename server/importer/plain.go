package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Plain reads a text table whose columns its reader knows: CSV in any encoding and with any
// separator that files of contacts may have.
type Plain struct{ rows *csvRows }

// PlainRow is a row of such a table.
type PlainRow struct {
	Line  int64
	Cells []string
	Fault string // the row itself is broken
}

// NewPlain begins to read.
func NewPlain(r io.Reader) (*Plain, error) {
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	head = head[:n]
	encoding := detectEncoding(head)
	text, err := io.ReadAll(decode(bytes.NewReader(head), encoding))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	separator := detectSeparator(text)
	return &Plain{newCSV(decode(io.MultiReader(bytes.NewReader(head), r), encoding), string(separator))}, nil
}

// Next gives the next row; io.EOF ends them.
func (p *Plain) Next() (PlainRow, error) {
	rec, err := p.rows.next()
	if err != nil {
		return PlainRow{}, err
	}
	row := PlainRow{Line: rec.line, Fault: rec.fault, Cells: make([]string, len(rec.values))}
	for i, v := range rec.values {
		row.Cells[i] = text(v)
	}
	return row, nil
}
