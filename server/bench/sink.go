package bench

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Sink is the cheapest Twilio there can be: it reads a request and answers what
// it always answers. Beside it the engine itself is what a benchmark measures;
// the sandbox costs as much as the calls. It keeps no log, sends no callbacks,
// checks no credentials, and approves every template.
type Sink struct {
	listener net.Listener
	prefix   string // of this run's SIDs: two runs on one database share none
	accepted atomic.Uint64

	mu     sync.Mutex
	conns  map[net.Conn]struct{} // nil: closed
	served sync.WaitGroup
}

// The account that the sink's callers use.
const (
	SinkAccountSID = "AC00000000000000000000000000005117"
	SinkAuthToken  = "00000000000000000000000000005117"
	sinkSender     = "+14155238886"
)

// NewSink listens on a free port of this machine.
func NewSink() (*Sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	run := make([]byte, 8)
	_, _ = rand.Read(run) // never fails, see crypto/rand
	s := &Sink{listener: listener, prefix: hex.EncodeToString(run), conns: map[net.Conn]struct{}{}}
	s.served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil || !s.keep(conn) {
				return
			}
			s.served.Go(func() { s.serve(conn) })
		}
	})
	return s, nil
}

// URL is what TWILIO_API_BASE_URL is set to.
func (s *Sink) URL() string { return "http://" + s.listener.Addr().String() }

// Env points a process of the engine at the sink.
func (s *Sink) Env() []string { return sinkEnv(s.URL()) }

func sinkEnv(url string) []string {
	return []string{
		"TWILIO_ACCOUNT_SID=" + SinkAccountSID, "TWILIO_AUTH_TOKEN=" + SinkAuthToken, "TWILIO_API_KEY=",
		"TWILIO_API_SECRET=",
		"TWILIO_PHONE_NUMBER=" + sinkSender, "TWILIO_API_BASE_URL=" + url,
	}
}

// Accepted counts the messages taken.
func (s *Sink) Accepted() int { return int(s.accepted.Load()) }

// Close ends every connection.
func (s *Sink) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.served.Wait()
}

func (s *Sink) keep(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = conn.Close()
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

// serve answers one connection's requests in turn. net/http's server would cost
// several times as much: a second reader, timers, headers by name.
func (s *Sink) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	in := bufio.NewReader(conn)
	var out []byte
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		status, body := s.answer(req.Method, req.URL.Path)
		out = append(out[:0], "HTTP/1.1 "...)
		out = append(out, status...)
		out = append(out, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(body)), 10)
		out = append(append(out, "\r\n\r\n"...), body...)
		if _, err := conn.Write(out); err != nil || req.Close {
			return
		}
	}
}

func (s *Sink) answer(method, path string) (status, body string) {
	const created, ok = "201 Created", "200 OK"
	messages := strings.HasSuffix(path, "/Messages.json")
	approvals := strings.Contains(path, "/ApprovalRequests")
	switch {
	case method == http.MethodPost && messages:
		return created, `{"sid":"SM` + s.prefix + fmt.Sprintf("%016x", s.accepted.Add(1)) + `","status":"queued"}`
	case method == http.MethodGet && messages:
		return ok, `{"messages":[],"next_page_uri":null}`
	case method == http.MethodPost && path == "/v1/Content":
		sid := make([]byte, 16)
		_, _ = rand.Read(sid)
		return created, `{"sid":"HX` + hex.EncodeToString(sid) + `"}`
	case method == http.MethodPost && approvals:
		return created, `{"status":"received"}`
	case method == http.MethodGet && approvals:
		return ok, `{"whatsapp":{"status":"approved"}}`
	}
	return "404 Not Found", `{"code":20404,"message":"not found","status":404}`
}
