package mail_test

import (
	"testing"

	"eventstream/server/mail"
	"eventstream/server/mail/mailtest"

	"github.com/stretchr/testify/require"
)

func TestAMessageIsSent(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	s, err := mail.New(server.URL, "Shop <engine@shop.example>")
	require.NoError(t, err)
	require.NoError(t, s.Send(t.Context(), "ada@shop.example", "A new password",
		"Hello Ada,\nhttps://shop.example/password#x"))
	m := server.Await(t, "ada@shop.example", "A new password", 1)
	require.Contains(t, m.Raw, "To: <ada@shop.example>")
	require.Contains(t, m.ContentType, "text/plain")
	require.Contains(t, m.Text, "https://shop.example/password#x")
}

// What a mail server says goes into logs, and it likes to repeat the address.
func TestAnErrorDoesNotNameTheAddress(t *testing.T) {
	t.Parallel()
	server := mailtest.Start(t)
	server.Refuse(1)
	s, err := mail.New(server.URL, "engine@shop.example")
	require.NoError(t, err)
	err = s.Send(t.Context(), "ada@shop.example", "A new password", "Hello")
	require.ErrorContains(t, err, "has to wait")
	require.NotContains(t, err.Error(), "ada@shop.example")
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
