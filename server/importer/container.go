package importer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"eventstream/server/apperr"
)

var (
	gzipMark = []byte{0x1f, 0x8b}
	zipMark  = []byte("PK\x03\x04")
	oleMark  = []byte{0xd0, 0xcf, 0x11, 0xe0} // Excel's format until 2003
)

// What is unpacked may be so many times larger than what was uploaded, once it is
// larger than a small file. Texts of people shrink to a tenth; bombs to a thousandth.
const (
	maxExpansion   = 250
	smallExpansion = 32 << 20
)

// unpacked is a file out of what it was wrapped in.
type unpacked struct {
	text   io.Reader
	sheet  string   // the sheet that is read
	sheets []string // all sheets of the workbook, if it was one
	close  func()
}

// unpack takes a file out of gzip or zip, or a sheet of a workbook, which is read on
// as CSV: the one that was asked for, or the first with anything in it. close gives
// back what that took, also after an error.
func unpack(file io.Reader, name, sheet string) (u unpacked, err error) {
	u.close = func() {}
	head := bufio.NewReaderSize(file, 4096)
	mark, err := head.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return u, apperr.Wrap(err, apperr.CodeInvalid, "the upload broke off")
	}
	switch {
	case bytes.HasPrefix(mark, gzipMark):
		packed := &counter{r: head}
		inner, err := gzip.NewReader(packed)
		if err != nil {
			return u, apperr.Invalid("file", "%q is not a whole gzip file: %s", name, err)
		}
		u.text = &gunzip{inner: inner, packed: packed, name: name}
		u.close = func() { _ = inner.Close() }
		return u, nil
	case bytes.HasPrefix(mark, zipMark):
		return openZip(head, name, sheet)
	case bytes.HasPrefix(mark, oleMark):
		return u, apperr.Invalid("file", "%q is a workbook of Excel 97 to 2003: save it as .xlsx or .csv", name)
	}
	u.text = head
	return u, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// gunzip tells a broken file from a broken connection, and a bomb from a file.
type gunzip struct {
	inner  *gzip.Reader
	packed *counter
	n      int64
	name   string
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.inner.Read(p)
	g.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = apperr.Invalid("file", "%q is not a whole gzip file: %s", g.name, err)
	}
	if err == nil && expandsTooMuch(g.n, g.packed.n) {
		err = apperr.Invalid("file", "%q unpacks to more than %d times its size, which no file of people does", g.name,
			maxExpansion)
	}
	return n, err
}

func expandsTooMuch(plain, packed int64) bool {
	return plain > smallExpansion && plain/maxExpansion > packed
}

// openZip reads a workbook, or the one text file that an archive holds. A zip file is
// read from its end, so that it lies on disk meanwhile.
func openZip(file io.Reader, name, sheet string) (u unpacked, err error) {
	spool, err := os.CreateTemp("", "eventstream-import-*.zip")
	if err != nil {
		return unpacked{close: func() {}}, fmt.Errorf("spreadsheet: %w", err)
	}
	u.close = func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}
	n, err := io.Copy(spool, io.LimitReader(file, MaxFile+1))
	switch {
	case err != nil:
		return u, apperr.Wrap(err, apperr.CodeInvalid, "the upload broke off")
	case n > MaxFile:
		return u, apperr.Invalid("file", "the file is larger than %d MB: split it", MaxFile>>20)
	}
	archive, err := zip.NewReader(spool, n)
	if err != nil {
		return u, apperr.Invalid("file", "%q is not a whole zip archive or Excel workbook: %s", name, err)
	}
	book, err := openWorkbook(archive)
	if errors.Is(err, errNoWorkbook) {
		u.text, err = onlyText(archive)
		if err != nil {
			return u, apperr.Invalid("file", "%q is a zip archive, not an Excel workbook, and %s: unpack it first", name, err)
		}
		return u, nil
	}
	if err != nil {
		return u, apperr.Invalid("file", "%q is not an Excel workbook that can be read: %s", name, err)
	}
	u.sheets = book.names()
	if u.sheet, err = book.choose(sheet); err != nil {
		return u, err
	}
	reader, writer := io.Pipe()
	go func() {
		err := book.write(u.sheet, writer)
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			err = apperr.Invalid("file", "the sheet %q cannot be read on: %s", u.sheet, err)
		}
		_ = writer.CloseWithError(err)
	}()
	u.text = reader
	remove := u.close
	u.close = func() {
		_ = reader.Close() // ends the writer
		remove()
	}
	return u, nil
}

// onlyText is the one contact file in an archive.
func onlyText(archive *zip.Reader) (io.Reader, error) {
	var found *zip.File
	for _, f := range archive.File {
		base := path.Base(f.Name)
		if strings.HasPrefix(base, ".") || strings.HasPrefix(f.Name, "__MACOSX/") || f.FileInfo().IsDir() {
			continue
		}
		switch strings.ToLower(path.Ext(base)) {
		case ".csv", ".txt", ".tsv", ".json", ".ndjson", ".jsonl", ".vcf":
		default:
			continue
		}
		if found != nil {
			return nil, errors.New("it holds several files")
		}
		found = f
	}
	if found == nil {
		return nil, errors.New("it holds no contact file")
	}
	return openPart(found, MaxFile+1)
}

// openPart reads one file of an archive, up to a limit.
func openPart(f *zip.File, limit int64) (io.Reader, error) {
	packed, plain := int64(f.CompressedSize64), int64(f.UncompressedSize64)
	if plain < 0 || plain > limit || packed < 0 || expandsTooMuch(plain, packed) {
		return nil, fmt.Errorf("%s in it unpacks to %d bytes, more than is read", f.Name, f.UncompressedSize64)
	}
	r, err := f.Open() // it gives an error where there is more than was declared
	if err != nil {
		return nil, err
	}
	return io.LimitReader(r, limit), nil
}
