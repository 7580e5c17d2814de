package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// inbound sends a signed webhook as Twilio would and gives the status of the answer.
func (e *env) inbound(sid, from, body string) int {
	e.t.Helper()
	const path = "/webhooks/twilio/inbound"
	form := url.Values{
		"MessageSid": {sid}, "AccountSid": {sandbox.AccountSID}, "From": {"whatsapp:" + from},
		"To": {"whatsapp:" + sandbox.PhoneNumber}, "Body": {body}, "NumMedia": {"0"},
	}
	req, err := http.NewRequest(http.MethodPost, e.URL+path, strings.NewReader(form.Encode()))
	require.NoError(e.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", twilio.Sign(e.Sandbox.AuthToken(), e.URL+path, form))
	resp, err := e.http.Do(req)
	require.NoError(e.t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestWhatPeopleAskForKeepsNothingElseOut: somebody asks forty questions at once, again
// and again, that Postgres does not answer. The table is locked, so that no machine is
// fast enough for them.
func TestWhatPeopleAskForKeepsNothingElseOut(t *testing.T) {
	t.Parallel()
	e := start(t)
	const person = "+4915100000000"
	e.small(1)
	tx, err := e.DB().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(t.Context(), "LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)

	var forty strings.Builder
	for i := range 40 {
		fmt.Fprintf(&forty, "a%d: segmentPreview(query: {random: {percent: %d, salt: \"x\"}}, sample: 0) { count } ", i, i)
	}
	const tries = 3
	answers := make(chan []gqlError, tries)
	for range tries {
		go func() {
			_, errs := e.raw("{ "+forty.String()+"}", nil)
			answers <- errs
		}()
	}
	require.Eventually(t, func() bool {
		return e.query(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND wait_event_type = 'Lock' AND query LIKE '%contacts%'`) > 0
	}, patience, 10*time.Millisecond)

	require.Equal(t, http.StatusOK, e.get("/readyz").status)
	require.Equal(t, http.StatusOK, e.inbound("SM"+strings.Repeat("0a", 16), person, "STOP"))
	require.Equal(t, 1, e.query("SELECT count(*) FROM webhook_events WHERE sid = ?", "SM"+strings.Repeat("0a", 16)))

	// The questions end by themselves, each with a reason, while the table stays locked.
	for range tries {
		errs := <-answers
		require.Len(t, errs, 40)
		for _, err := range errs {
			require.Contains(t, []string{"UNAVAILABLE", "RATE_LIMITED"}, err.Extensions.Code, err.Message)
			require.NotEmpty(t, err.Message)
		}
	}
	require.NoError(t, tx.Rollback())
	require.Eventually(t, func() bool {
		return e.query("SELECT count(*) FROM contacts WHERE consent_status = 'opted_out'") == 1
	}, patience, 20*time.Millisecond)
}
