package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// maxRecord is the largest row that is read, in bytes; larger ones are rejected
// and never held in memory.
const maxRecord = 1 << 20

// line is one line of a file, without its end.
type line struct {
	number int64 // 1 = the first
	text   string
	cut    bool // it was larger than maxRecord
}

// lines reads a file line by line, however long they are.
type lines struct {
	r     *bufio.Reader
	end   byte
	count int64
	long  []byte
}

// newLines reads lines that end with \n or \r\n or, of old Macs, with \r alone.
func newLines(r io.Reader, carriageReturns bool) *lines {
	l := &lines{r: bufio.NewReaderSize(r, 64<<10), end: '\n'}
	if carriageReturns {
		l.end = '\r'
	}
	return l
}

func (l *lines) next() (line, error) {
	part, err := l.r.ReadSlice(l.end)
	if errors.Is(err, bufio.ErrBufferFull) {
		return l.nextLong(part)
	}
	if len(part) == 0 {
		return line{}, err // nothing, or the end
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return line{}, err
	}
	l.count++
	return line{number: l.count, text: string(l.trim(part))}, nil
}

func (l *lines) nextLong(part []byte) (line, error) {
	l.long = append(l.long[:0], part...)
	cut := false
	for {
		part, err := l.r.ReadSlice(l.end)
		if cut = cut || len(l.long)+len(part) > maxRecord; !cut {
			l.long = append(l.long, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return line{}, err
		}
		l.count++
		return line{number: l.count, text: string(l.trim(l.long)), cut: cut}, nil
	}
}

func (l *lines) trim(text []byte) []byte {
	text = bytes.TrimSuffix(text, []byte{l.end})
	return bytes.TrimSuffix(text, []byte{'\r'})
}

// skip passes over the first n lines.
func (l *lines) skip(n int64) error {
	for range n {
		if _, err := l.next(); err != nil {
			return err
		}
	}
	return nil
}

// endsWithCarriageReturns holds for files whose lines end as old Macs ended them.
func endsWithCarriageReturns(text []byte) bool {
	return bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0
}

// cells takes a row's cells apart, over as many lines as its quotes span.
type cells struct {
	separator byte
	done      []string
	open      *strings.Builder // the quoted cell that goes on in the next line
}

type cellState int

const (
	rowComplete    cellState = iota
	rowGoesOn                // inside quotes
	rowIsMisquoted           // something follows a closing quote
)

// add takes the next line of the row.
func (c *cells) add(s string) cellState {
	if c.open != nil {
		c.open.WriteByte('\n')
		state, rest, ended := c.quoted(s)
		if state != rowComplete || ended {
			return state
		}
		s = rest
	}
	for {
		trimmed := strings.TrimLeft(s, " ")
		if strings.HasPrefix(trimmed, `"`) {
			c.open = &strings.Builder{}
			state, rest, ended := c.quoted(trimmed[1:])
			if state != rowComplete || ended {
				return state
			}
			s = rest
			continue
		}
		cell, rest, more := strings.Cut(s, string(rune(c.separator)))
		c.done = append(c.done, cell)
		if !more {
			return rowComplete
		}
		s = rest
	}
}

// quoted reads on in the open cell. ended: with it the line ends.
func (c *cells) quoted(s string) (state cellState, rest string, ended bool) {
	for {
		before, after, found := strings.Cut(s, `"`)
		c.open.WriteString(before)
		if !found {
			return rowGoesOn, "", true
		}
		if strings.HasPrefix(after, `"`) { // two quotes stand for one
			c.open.WriteByte('"')
			s = after[1:]
			continue
		}
		after = strings.TrimLeft(after, " ")
		switch {
		case after == "":
			ended = true
		case after[0] == c.separator:
			after = after[1:]
		default:
			return rowIsMisquoted, "", true
		}
		c.done = append(c.done, c.open.String())
		c.open = nil
		return rowComplete, after, ended
	}
}
