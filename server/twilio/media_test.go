package twilio

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"eventstream/server/apperr"

	"github.com/stretchr/testify/require"
)

// TestCredentialsGoToTwilioAlone follows the redirect to where a file lies.
func TestCredentialsGoToTwilioAlone(t *testing.T) {
	t.Parallel()
	const account = "AC00000000000000000000000000000000"
	var seen []string
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, "store "+r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = io.WriteString(w, "picture")
	}))
	defer store.Close()
	away := strings.Replace(store.URL, "127.0.0.1", "localhost", 1) // another host
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		seen = append(seen, "twilio "+user+":"+password)
		if strings.HasSuffix(r.URL.Path, "MEgone") {
			http.NotFound(w, r)
			return
		}
		http.Redirect(w, r, away+"/file", http.StatusTemporaryRedirect)
	}))
	defer twilio.Close()
	c, err := New(Options{AccountSID: account, AuthToken: "token", BaseURL: twilio.URL})
	require.NoError(t, err)
	at := "https://api.twilio.com/2010-04-01/Accounts/" + account + "/Messages/MM1/Media/"
	file, err := c.Media(t.Context(), at+"ME1?x=1")
	require.NoError(t, err)
	body, err := io.ReadAll(file.Body)
	require.NoError(t, err)
	require.NoError(t, file.Body.Close())
	require.Equal(t, "picture", string(body))
	require.Equal(t, "image/jpeg", file.ContentType)
	require.Equal(t, []string{"twilio " + account + ":token", "store "}, seen)
	_, err = c.Media(t.Context(), at+"MEgone")
	require.True(t, apperr.Is(err, apperr.CodeNotFound), "%v", err)
	seen = nil
	for _, other := range []string{
		"https://api.twilio.com.evil.example/2010-04-01/Accounts/" + account + "/Messages/MM1/Media/ME1",
		"https://user:pass@api.twilio.com/2010-04-01/Accounts/" + account + "/Messages/MM1/Media/ME1",
		"http://api.twilio.com/2010-04-01/Accounts/" + account + "/Messages/MM1/Media/ME1",
		strings.Replace(at, account, "ACother", 1) + "ME1", at + "../../../Keys", at, "file:///etc/passwd", "::",
	} {
		_, err := c.Media(t.Context(), other)
		require.Error(t, err, other)
	}
	require.Empty(t, seen, "nothing else is asked")
	require.Empty(t, c.fetches, "every place was given back")
}
