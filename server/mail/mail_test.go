package mail_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"eventstream/server/mail"

	"github.com/stretchr/testify/require"
)

// server takes one message without TLS, as one on this machine may, and gives it.
func server(t *testing.T) (address string, message <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	taken := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) }
		say("220 test")
		lines := bufio.NewScanner(conn)
		for lines.Scan() {
			switch verb := strings.ToUpper(strings.Fields(lines.Text() + " .")[0]); verb {
			case "DATA":
				say("354 go on")
				var text strings.Builder
				for lines.Scan() && lines.Text() != "." {
					text.WriteString(lines.Text() + "\n")
				}
				say("250 taken")
				taken <- text.String()
			case "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), taken
}

func TestAMessageIsSent(t *testing.T) {
	t.Parallel()
	address, message := server(t)
	s, err := mail.New("smtp://"+address, "Shop <engine@shop.example>")
	require.NoError(t, err)
	require.NoError(t, s.Send(t.Context(), "ada@shop.example", "A new password",
		"Hello Ada,\nhttps://shop.example/password#x"))
	text := <-message
	require.Contains(t, text, "To: <ada@shop.example>")
	require.Contains(t, text, "Subject: A new password")
	require.Contains(t, text, "https://shop.example/password#x")
}

func TestOnlyThisMachineIsSpokenToInTheClear(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "smtp://", "http://mail.example", "mail.example:25", "smtp://mail.example/x", "smtp://mail.example?x=1",
	} {
		_, err := mail.New(url, "engine@shop.example")
		require.Error(t, err, url)
	}
	_, err := mail.New("smtp://mail.example", "nobody")
	require.Error(t, err)
	_, err = mail.New("smtps://user:secret@mail.example", "engine@shop.example")
	require.NoError(t, err)
}
