package importer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"

	"eventstream/server/apperr"

	"github.com/xuri/excelize/v2"
)

var (
	gzipMark = []byte{0x1f, 0x8b}
	zipMark  = []byte("PK\x03\x04")
)

// unpack takes a file out of what it is wrapped in: gzip, or a spreadsheet,
// whose first sheet is read on as CSV. done gives back what that took.
func unpack(file io.Reader, name string) (plain io.Reader, done func(), err error) {
	done = func() {}
	head := bufio.NewReaderSize(file, 4096)
	mark, err := head.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, done, apperr.Wrap(err, apperr.CodeInvalid, "the upload broke off")
	}
	switch {
	case bytes.HasPrefix(mark, gzipMark):
		inner, err := gzip.NewReader(head)
		if err != nil {
			return nil, done, apperr.Invalid("file", "%q is not a whole gzip file: %s", name, err)
		}
		return &gunzip{inner, name}, func() { _ = inner.Close() }, nil
	case bytes.HasPrefix(mark, zipMark):
		return openSheet(head, name)
	}
	return head, done, nil
}

// gunzip tells a broken file from a broken connection.
type gunzip struct {
	inner *gzip.Reader
	name  string
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.inner.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = apperr.Invalid("file", "%q is not a whole gzip file: %s", g.name, err)
	}
	return n, err
}

// openSheet reads the first sheet of a spreadsheet as CSV, row by row. A zip
// file must be read from its end, so that it lies on disk meanwhile.
func openSheet(file io.Reader, name string) (plain io.Reader, done func(), err error) {
	none := func() {}
	spool, err := os.CreateTemp("", "eventstream-import-*.xlsx")
	if err != nil {
		return nil, none, fmt.Errorf("spreadsheet: %w", err)
	}
	remove := func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}
	n, err := io.Copy(spool, io.LimitReader(file, MaxFile+1))
	switch {
	case err != nil:
		remove()
		return nil, none, apperr.Wrap(err, apperr.CodeInvalid, "the upload broke off")
	case n > MaxFile:
		remove()
		return nil, none, apperr.Invalid("file", "the file is larger than %d MB: split it", MaxFile>>20)
	}
	unreadable := func(cause error) (io.Reader, func(), error) {
		remove()
		if errors.Is(cause, zip.ErrFormat) || errors.Is(cause, excelize.ErrWorkbookFileFormat) {
			return nil, none, apperr.Invalid("file", "%q is a zip archive, not an Excel workbook: unpack it first", name)
		}
		return nil, none, apperr.Invalid("file", "%q is not an Excel workbook that can be read: %s", name, cause)
	}
	book, err := excelize.OpenFile(spool.Name(), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: 4 * MaxFile,
		UnzipXMLSizeLimit: 16 << 20,
	})
	if err != nil {
		return unreadable(err)
	}
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		_ = book.Close()
		return unreadable(errors.New("it has no sheet"))
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		_ = book.Close()
		return unreadable(err)
	}
	reader, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(writeSheet(writer, rows)) }()
	return reader, func() {
		_ = reader.Close() // ends the writer
		_ = rows.Close()
		_ = book.Close()
		remove()
	}, nil
}

// writeSheet writes each row as a line, also empty ones, so that line numbers
// are those of the sheet.
func writeSheet(out io.Writer, rows *excelize.Rows) error {
	w := csv.NewWriter(out)
	for rows.Next() {
		cells, err := rows.Columns()
		if err != nil {
			return apperr.Invalid("file", "the sheet cannot be read on: %s", err)
		}
		if len(cells) == 0 {
			cells = []string{""}
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	if err := rows.Error(); err != nil {
		return apperr.Invalid("file", "the sheet cannot be read on: %s", err)
	}
	w.Flush()
	return w.Error()
}
