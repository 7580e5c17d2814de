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

// lines reads a file line by line, however long they are. A line ends with \n, with
// \r\n or with \r alone, as old Macs wrote it, also where a file mixes them: else the
// row behind a lone \r would be part of a cell of the row before it.
type lines struct {
	r     *bufio.Reader
	count int64
	long  []byte
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

func (l *lines) next() (line, error) {
	l.long = l.long[:0]
	cut := false
	for {
		part, err := l.r.Peek(1)
		if len(part) == 0 {
			if len(l.long) == 0 && !cut {
				return line{}, err // nothing, or the end
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return line{}, err
			}
			return l.give(l.long, cut), nil
		}
		part, _ = l.r.Peek(l.r.Buffered())
		end := bytes.IndexAny(part, "\r\n")
		text := part
		if end >= 0 {
			text = part[:end]
		}
		if end >= 0 && len(l.long) == 0 && !cut { // most lines: nothing is copied twice
			whole := l.give(text, false)
			return whole, l.drop(part, end)
		}
		if cut = cut || len(l.long)+len(text) > maxRecord; !cut {
			l.long = append(l.long, text...)
		}
		if end >= 0 {
			whole := l.give(l.long, cut)
			return whole, l.drop(part, end)
		}
		if _, err := l.r.Discard(len(part)); err != nil {
			return line{}, err
		}
	}
}

func (l *lines) give(text []byte, cut bool) line {
	l.count++
	return line{number: l.count, text: string(text), cut: cut}
}

// drop passes over a line's text and its end.
func (l *lines) drop(part []byte, end int) error {
	pair := part[end] == '\r'
	if _, err := l.r.Discard(end + 1); err != nil || !pair {
		return err
	}
	if next, _ := l.r.Peek(1); len(next) == 1 && next[0] == '\n' {
		_, err := l.r.Discard(1)
		return err
	}
	return nil
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
