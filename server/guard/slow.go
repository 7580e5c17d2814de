package guard

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// Pace ends connections that send a body, or take an answer, too slowly to be meant well. It counts only the time that
// is spent waiting for the client, so that a server that is slow itself ends nobody.
type Pace struct {
	Silence time.Duration // without a byte of the body
	Grace   time.Duration // that every body may take in all
	Rate    int64         // bytes a second that a body must come with beyond that
	Answer  time.Duration // for each part of the answer that is written
}

// DefaultPace suits a phone on a slow line: 64 kB may take forty seconds, and an upload must come with 4 kB a second.
var DefaultPace = Pace{Silence: 20 * time.Second, Grace: 30 * time.Second, Rate: 4 << 10, Answer: time.Minute}

// Handler sets the connection's deadlines while next reads and writes.
func (p Pace) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		paced := &pacedWriter{ResponseWriter: w, pace: p, conn: c}
		paced.extend()
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(paced, r)
			paced.extend() // what is still in the buffer is sent after this
			return
		}
		body := &pacedBody{ReadCloser: r.Body, pace: p, conn: c}
		// The server itself reads what next leaves unread of a short body, before and after it answers.
		_ = c.SetReadDeadline(time.Now().Add(min(p.Silence, p.Grace)))
		r.Body = body
		next.ServeHTTP(paced, r)
		paced.extend()
		if !body.ended && !paced.hijacked {
			_ = c.SetReadDeadline(time.Now().Add(min(p.Silence, p.Grace, leftover)))
		}
	})
}

// leftover is how long the server reads on when it has answered, so that a client that still sends sees the answer.
const leftover = 5 * time.Second

type pacedBody struct {
	io.ReadCloser

	pace   Pace
	conn   *http.ResponseController
	waited time.Duration
	came   int64
	ended  bool
}

// Read waits for the client as long as the pace allows.
func (b *pacedBody) Read(buf []byte) (int, error) {
	left := b.pace.Grace + time.Duration(b.came/b.pace.Rate)*time.Second - b.waited
	began := time.Now()
	_ = b.conn.SetReadDeadline(began.Add(max(0, min(b.pace.Silence, left)))) // not supported: then there is none
	n, err := b.ReadCloser.Read(buf)
	b.waited += time.Since(began)
	b.came += int64(n)
	if errors.Is(err, io.EOF) {
		b.ended = true
		// The server goes on reading, to notice a client that leaves: that has no deadline.
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

type pacedWriter struct {
	http.ResponseWriter

	pace     Pace
	conn     *http.ResponseController
	hijacked bool
}

func (w *pacedWriter) extend() {
	if !w.hijacked {
		_ = w.conn.SetWriteDeadline(time.Now().Add(w.pace.Answer)) // not supported: then there is none
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *pacedWriter) WriteHeader(status int) {
	w.extend()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *pacedWriter) Write(p []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *pacedWriter) Flush() {
	w.extend()
	_ = w.conn.Flush()
}

// Hijack implements http.Hijacker; whoever takes the connection over sets deadlines of their own.
func (w *pacedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return w.conn.Hijack()
}

// Unwrap lets http.ResponseController through.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
