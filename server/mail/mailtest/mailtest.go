// Package mailtest is an SMTP server for tests: it takes every message that is sent
// to it and gives them back. Only tests import it.
package mailtest

import (
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// Message is one that was taken.
type Message struct {
	To, Subject, ContentType, Text string
	Raw                            string
}

// Server takes messages.
type Server struct {
	URL string // for SMTP_URL

	mu      sync.Mutex
	refuse  int // how many of the next messages
	refused int
	taken   []Message
	news    chan struct{} // closed and made anew with each message
}

// Start starts one on this machine, without TLS.
func Start(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &Server{URL: "smtp://" + l.Addr().String(), news: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }))
	server.Domain = "mail.test"
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

// Refuse lets the next n messages fail for now, as a mail server does that is busy.
func (s *Server) Refuse(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = n
}

// Refused is how many messages were refused.
func (s *Server) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// Messages gives all that were taken, and a channel that is closed with the next.
func (s *Server) Messages() ([]Message, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.taken...), s.news
}

// Await waits for the n-th message to this address with this subject, counted from 1.
func (s *Server) Await(t testing.TB, to, subject string, n int) Message {
	t.Helper()
	for {
		all, more := s.Messages()
		left := n
		for _, m := range all {
			if m.To == to && m.Subject == subject {
				if left--; left == 0 {
					return m
				}
			}
		}
		select {
		case <-more:
		case <-t.Context().Done():
			t.Fatalf("no message %d to %s with the subject %q", n, to, subject)
		}
	}
}

type session struct {
	server *Server
	to     string
}

func (s *session) Reset()                                    { s.to = "" }
func (s *session) Logout() error                             { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	text := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		text = quotedprintable.NewReader(text)
	}
	body, err := io.ReadAll(text)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.refuse > 0 {
		s.server.refuse--
		s.server.refused++
		return &smtp.SMTPError{Code: 451, Message: "<" + s.to + "> has to wait"}
	}
	s.server.taken = append(s.server.taken, Message{
		To: s.to, Subject: m.Header.Get("Subject"), ContentType: m.Header.Get("Content-Type"), Text: strings.ReplaceAll(string(body), "\r\n", "\n"), Raw: string(raw),
	})
	close(s.server.news)
	s.server.news = make(chan struct{})
	return nil
}
