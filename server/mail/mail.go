// Package mail sends the few messages that accounts need, over the SMTP server
// that SMTP_URL names. It never sends a password or a session in the clear: only
// a server on this machine may be without TLS.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

const limit = 15 * time.Second // for one message, from connecting to the answer

// Sender sends from one address over one server.
type Sender struct {
	from    string
	host    string
	options []gomail.Option
}

// New reads a server, as smtp://user:password@host:587 (STARTTLS) or smtps://…:465
// (TLS from the start), and the address to send from.
func New(server, from string) (*Sender, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return nil, errors.New("want smtp://user:password@host:port or smtps://user:password@host:port")
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return nil, fmt.Errorf("%q is not an address to send from", from)
	}
	s := &Sender{from: from, host: u.Hostname(), options: []gomail.Option{gomail.WithTimeout(limit)}}
	var port int
	switch u.Scheme {
	case "smtps":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	case "smtp":
		port = 587
		policy := gomail.TLSMandatory
		if ip := net.ParseIP(s.host); s.host == "localhost" || ip != nil && ip.IsLoopback() {
			policy = gomail.TLSOpportunistic
		}
		s.options = append(s.options, gomail.WithTLSPolicy(policy))
	default:
		return nil, fmt.Errorf("%q is not a way to send: smtp or smtps", u.Scheme)
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("%q is not a port", p)
		}
	}
	s.options = append(s.options, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// Check signs in at the server and sends nothing.
func (s *Sender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("ask the mail server: %w", err)
	}
	if err := c.DialWithContext(ctx); err != nil {
		return fmt.Errorf("ask the mail server: %w", err)
	}
	return c.Close()
}

// Send sends one text and returns when the server has taken it.
func (s *Sender) Send(ctx context.Context, to, subject, text string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	m := gomail.NewMsg()
	if err := errors.Join(m.From(s.from), m.To(to)); err != nil {
		return fmt.Errorf("write an email: %w", err)
	}
	m.Subject(subject)
	m.SetDate()
	m.SetMessageID()
	m.SetBodyString(gomail.TypeTextPlain, text)
	c, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("send an email: %w", err)
	}
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		// Mail servers repeat the address, and errors go into logs.
		return fmt.Errorf("send an email over %s: %s", s.host, strings.ReplaceAll(err.Error(), to, "***"))
	}
	return nil
}
