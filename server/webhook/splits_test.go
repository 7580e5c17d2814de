package webhook_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"eventstream/server/db/dbtest"
	"eventstream/server/twilio"

	"github.com/stretchr/testify/require"
)

const inboundPath, statusPath = "/webhooks/twilio/inbound", "/webhooks/twilio/status"

// wrote is an inbound message as Twilio sends it.
func wrote(digits, from, body string) url.Values {
	return url.Values{
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "Body": {body}, "From": {"whatsapp:" + from}, "MessageSid": {sid(digits)},
		"NumMedia": {"0"}, "NumSegments": {"1"}, "ProfileName": {"Ada"}, "SmsMessageSid": {sid(digits)}, "SmsSid": {sid(digits)},
		"SmsStatus": {"received"}, "To": {"whatsapp:+15005550006"}, "WaId": {strings.TrimPrefix(from, "+")},
	}
}

// sends posts parameters under a signature.
func (s *site) sends(t *testing.T, path string, form url.Values, signature string) int {
	t.Helper()
	code, _ := s.deliver(t, path, form.Encode(), signature)
	return code
}

func (s *site) consent(t *testing.T, from string) (status string) {
	t.Helper()
	_ = s.db.NewRaw("SELECT consent_status FROM contacts WHERE match_key = ?", from).Scan(t.Context(), &status) // none yet: ""
	return status
}

func (s *site) reaches(t *testing.T, from, status string) {
	t.Helper()
	require.Eventually(t, func() bool { return s.consent(t, from) == status }, 5*time.Minute, 5*time.Millisecond)
}

// TestASignedStartCannotUndoALaterStop is the attack: a START that was seen once comes again, cut elsewhere, so that it
// seems to be another message.
func TestASignedStartCannotUndoALaterStop(t *testing.T) {
	t.Parallel()
	const ada = "+4915112345678"
	s := newSite(t, dbtest.New(t), "")
	start := wrote("a1", ada, "START")
	signature := twilio.Sign(token, s.URL+inboundPath, start)
	require.Equal(t, http.StatusOK, s.sends(t, inboundPath, start, signature))
	s.reaches(t, ada, "opted_in")
	stop := wrote("a2", ada, "STOP")
	require.Equal(t, http.StatusOK, s.sends(t, inboundPath, stop, twilio.Sign(token, s.URL+inboundPath, stop)))
	s.reaches(t, ada, "opted_out")

	forged := maps.Clone(start)
	delete(forged, "NumMedia")
	forged["MessageSid"] = []string{start.Get("MessageSid") + "NumMedia0"}
	require.Equal(t, signature, twilio.Sign(token, s.URL+inboundPath, forged), "the old signature fits")
	require.Equal(t, http.StatusBadRequest, s.sends(t, inboundPath, forged, signature))

	for range 3 {
		require.Equal(t, http.StatusOK, s.sends(t, inboundPath, start, signature), "the same again is harmless")
	}
	require.Equal(t, 2, s.number(t, "SELECT count(*) FROM webhook_events"))
	require.Equal(t, "opted_out", s.consent(t, ada))
}

// cuts are other requests that the same signature fits: bytes have gone over from a name or a value to its neighbour,
// or parameters have become one, or one has become two.
func cuts(form url.Values) []url.Values {
	var out []url.Values
	names := slices.Sorted(maps.Keys(form))
	add := func(drop []string, put map[string]string) {
		other := maps.Clone(form)
		for _, name := range drop {
			delete(other, name)
		}
		for name, value := range put {
			other[name] = append(slices.Clone(other[name]), value)
		}
		out = append(out, other)
	}
	for i, name := range names {
		value := form.Get(name)
		for at := 1; at < len(value); at++ { // one becomes two, and the border of name and value moves
			add([]string{name}, map[string]string{name + value[:at]: value[at:]})
			add([]string{name}, map[string]string{name: value[:at], value[at:]: ""})
		}
		for at := 1; at < len(name); at++ {
			add([]string{name}, map[string]string{name[:at]: name[at:] + value})
		}
		if i+1 == len(names) {
			continue
		}
		next := names[i+1]
		add([]string{name, next}, map[string]string{name: value + next + form.Get(next)})
		for at := 1; at < len(next); at++ {
			add([]string{name, next}, map[string]string{name: value + next[:at], next[at:]: form.Get(next)})
		}
		for at := 1; at < len(value); at++ {
			add([]string{name, next}, map[string]string{name: value[:at], value[at:] + next: form.Get(next)})
		}
	}
	return out
}

// TestASignatureFitsOneRequestOnly moves bytes between all neighbours, of what people wrote and of what was delivered.
func TestASignatureFitsOneRequestOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t), "")
	status := url.Values{
		"AccountSid": {account}, "ChannelPrefix": {"whatsapp"}, "ErrorCode": {"63016"}, "From": {"whatsapp:+15005550006"},
		"MessageSid": {sid("b0")}, "MessageStatus": {"undelivered"}, "SmsSid": {sid("b0")}, "SmsStatus": {"undelivered"},
		"To": {"whatsapp:+4915112345678"},
	}
	inner := wrote("b1", "+4915112345678", "x"+"From"+"whatsapp:+4915199999999"+"MessageSid"+sid("b2")+"Zz") // a text made for this
	for path, forms := range map[string][]url.Values{
		inboundPath: {wrote("b3", "+4915112345678", "START"), inner}, statusPath: {status}, statusPath + "?m=42": {status},
	} {
		for _, form := range forms {
			signature := twilio.Sign(token, s.URL+path, form)
			want := s.sends(t, path, form, signature)
			require.Less(t, want, 300)
			others := cuts(form)
			if form.Get("MessageSid") == sid("b1") {
				whole := "From" + form.Get("From") + "MessageSid" + form.Get("MessageSid")
				for _, name := range []string{"NumMedia", "NumSegments", "ProfileName", "SmsMessageSid", "SmsSid", "SmsStatus", "To", "WaId"} {
					whole += name + form.Get(name)
				}
				others = append(others, url.Values{
					"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "Body": {"x"}, "From": {"whatsapp:+4915199999999"},
					"MessageSid": {sid("b2")}, "Zz": {whole},
				})
			}
			fit := 0
			for _, other := range others {
				if twilio.Sign(token, s.URL+path, other) != signature {
					continue // the order of names has changed
				}
				fit++
				code := s.sends(t, path, other, signature)
				require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, code, "%v", other)
			}
			require.Greater(t, fit, 100)
			require.Equal(t, want, s.sends(t, path, form, signature), "the first one again")
		}
	}
	require.Equal(t, 3, s.number(t, "SELECT count(*) FROM webhook_events WHERE signature_valid"), "the status came under two addresses")
	require.Zero(t, s.number(t, "SELECT count(*) FROM webhook_events WHERE sid = ?", sid("b2")))
	require.Zero(t, s.number(t, "SELECT count(*) FROM contacts WHERE match_key = '+4915199999999'"))
	require.Equal(t, 4, s.number(t, `SELECT count(*) FROM webhook_events WHERE NOT signature_valid AND params = '{}'
		AND error LIKE 'refused: the signature of event%'`), "one note for each signature, without what people wrote")
}

// TestTheURLIsPartOfWhatASignatureFits: its end and the first name are neighbours, too.
func TestTheURLIsPartOfWhatASignatureFits(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t), "")
	form := url.Values{"9": {"1"}, "AccountSid": {account}, "MessageSid": {sid("c1")}, "MessageStatus": {"sent"}}
	signature := twilio.Sign(token, s.URL+statusPath+"?m=42", form)
	require.Equal(t, http.StatusNoContent, s.sends(t, statusPath+"?m=42", form, signature))
	other := maps.Clone(form)
	delete(other, "9")
	require.Equal(t, http.StatusForbidden, s.sends(t, statusPath+"?m=4291", other, signature))
	require.Equal(t, http.StatusForbidden, s.sends(t, statusPath+"?m=429", url.Values{
		"1AccountSid": {account}, "AccountSid": {account}, "MessageSid": {sid("c1")}, "MessageStatus": {"sent"},
	}, signature))
}

// TestARepeatUnderAnotherSignatureIsRemembered: a retry to a second address tells what is known already, and its
// signature must not be good for anything else either.
func TestARepeatUnderAnotherSignatureIsRemembered(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t), "")
	form := wrote("d1", "+4915112345678", "x"+"From"+"whatsapp:+4915199999999"+"MessageSid"+sid("d2")+"Zz")
	require.Equal(t, http.StatusOK, s.sends(t, inboundPath, form, twilio.Sign(token, s.URL+inboundPath, form)))
	second := inboundPath + "?fallback"
	signature := twilio.Sign(token, s.URL+second, form)
	require.Equal(t, http.StatusOK, s.sends(t, second, form, signature))
	require.Equal(t, http.StatusOK, s.sends(t, second, form, signature))
	tail := ""
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name >= "From" {
			tail += name + form.Get(name)
		}
	}
	other := url.Values{
		"AccountSid": {account}, "ApiVersion": {"2010-04-01"}, "Body": {"x"}, "From": {"whatsapp:+4915199999999"}, "MessageSid": {sid("d2")},
		"Zz": {tail},
	}
	require.Equal(t, signature, twilio.Sign(token, s.URL+second, other))
	require.Equal(t, http.StatusForbidden, s.sends(t, second, other, signature))
	require.Equal(t, 1, s.number(t, "SELECT count(*) FROM webhook_events WHERE signature_valid"))
}

// TestWhatWasErasedCannotComeBack: the signature is remembered when its parameters are gone.
func TestWhatWasErasedCannotComeBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t), "")
	form := wrote("e1", "+4915112345678", "x"+"MessageSid"+sid("e2")+"Zz")
	signature := twilio.Sign(token, s.URL+inboundPath, form)
	require.Equal(t, http.StatusOK, s.sends(t, inboundPath, form, signature))
	require.Eventually(t, func() bool {
		return s.number(t, "SELECT count(*) FROM webhook_events WHERE applied_at IS NOT NULL") == 1
	}, 5*time.Minute, 5*time.Millisecond)
	_, err := s.db.NewRaw(`UPDATE webhook_events SET params = '{"erased": "true"}', headers = '{}'`).Exec(t.Context())
	require.NoError(t, err)
	other := maps.Clone(form)
	delete(other, "NumMedia")
	other["NumMedia0NumSegments"] = []string{"1"}
	delete(other, "NumSegments")
	require.Equal(t, signature, twilio.Sign(token, s.URL+inboundPath, other))
	require.Equal(t, http.StatusForbidden, s.sends(t, inboundPath, other, signature))
	require.Equal(t, http.StatusOK, s.sends(t, inboundPath, form, signature))
	require.Equal(t, 1, s.number(t, "SELECT count(*) FROM webhook_events WHERE signature_valid"))
	require.Zero(t, s.number(t, "SELECT count(*) FROM webhook_events WHERE params::text LIKE '%4915112345678%'"))
}

// TestASplitThroughTheSpoolIsRefusedAfterwards: while Postgres is away nobody can tell.
func TestASplitThroughTheSpoolIsRefusedAfterwards(t *testing.T) {
	t.Parallel()
	const ada = "+4915112345678"
	pg, d := ownPostgres(t)
	spool := filepath.Join(t.TempDir(), "spool")
	s := newSite(t, d, spool)
	post := func(form url.Values, signature string) int { return s.sends(t, inboundPath, form, signature) }
	start := wrote("f1", ada, "START")
	signature := twilio.Sign(token, s.URL+inboundPath, start)
	require.Equal(t, http.StatusOK, post(start, signature))
	s.reaches(t, ada, "opted_in")
	stop := wrote("f2", ada, "STOP")
	require.Equal(t, http.StatusOK, post(stop, twilio.Sign(token, s.URL+inboundPath, stop)))
	s.reaches(t, ada, "opted_out")

	pg.Crash()
	made := wrote("f3", ada, "x"+"MessageSid"+sid("f4")+"Zz") // known to the spool only
	madeBy := twilio.Sign(token, s.URL+inboundPath, made)
	require.Equal(t, http.StatusOK, post(made, madeBy))
	require.Equal(t, http.StatusOK, post(start, signature), "the same again")
	for i, first := range []url.Values{start, made} {
		other := maps.Clone(first)
		delete(other, "NumMedia")
		other["NumMedia0NumSegments"] = []string{"1"}
		delete(other, "NumSegments")
		post(other, []string{signature, madeBy}[i])
	}
	bad := maps.Clone(start)
	delete(bad, "NumMedia")
	bad["MessageSid"] = []string{sid("f1") + "NumMedia0"}
	require.Equal(t, http.StatusBadRequest, post(bad, signature), "this needs no Postgres")
	pg.restart()
	require.Eventually(t, func() bool {
		left, err := filepath.Glob(filepath.Join(spool, "*.spool"))
		return err == nil && len(left) == 0
	}, 5*time.Minute, 20*time.Millisecond)
	require.Equal(t, 3, s.number(t, "SELECT count(*) FROM webhook_events WHERE signature_valid"))
	require.Equal(t, 2, s.number(t, "SELECT count(*) FROM webhook_events WHERE error LIKE 'refused: the signature%'"))
	require.Eventually(t, func() bool { // a crash may have lost that the STOP was applied, but not the STOP
		return s.number(t, "SELECT count(*) FROM webhook_events WHERE applied_at IS NULL") == 0
	}, 5*time.Minute, 20*time.Millisecond)
	require.Equal(t, "opted_out", s.consent(t, ada))
}

// TestJSONIsSignedByItsURL: Twilio puts the hash of the body into the query and signs the URL alone.
func TestJSONIsSignedByItsURL(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t), "")
	body := fmt.Sprintf(`{"AccountSid": %q, "MessageSid": %q, "MessageStatus": "sent", "ErrorCode": 30001, "Extra": {"a": [1]}}`, account, sid("71"))
	hash := twilio.BodyHash([]byte(body))
	post := func(query, contentType, body, signature string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+statusPath+query, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("X-Twilio-Signature", signature)
		resp, err := s.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	sign := func(query string) string { return twilio.Sign(token, s.URL+statusPath+query, nil) }
	query := "?m=7&bodySHA256=" + hash
	const json, form = "application/json; charset=utf-8", "application/x-www-form-urlencoded"
	require.Equal(t, http.StatusNoContent, post(query, json, body, sign(query)))
	require.Equal(t, http.StatusNoContent, post(query, json, body, sign(query)), "again")
	require.Equal(t, 1, s.number(t, `SELECT count(*) FROM webhook_events WHERE sid = ? AND message_id = 7 AND params ->> 'ErrorCode' = '30001'
		AND params ->> 'Extra' = '{"a": [1]}'`, sid("71")))
	for name, code := range map[string]int{
		"another body":         post(query, json, strings.Replace(body, "sent", "read", 1), sign(query)),
		"no hash":              post("?m=7", json, body, sign("?m=7")),
		"two hashes":           post(query+"&bodySHA256="+hash, json, body, sign(query+"&bodySHA256="+hash)),
		"no signature":         post(query, json, body, ""),
		"another URL":          post("?m=8&bodySHA256="+hash, json, body, sign(query)),
		"as a form":            post(query, form, body, sign(query)),
		"a form beside a hash": post(query, form, named("72")+"&MessageStatus=read", sign(query)),
	} {
		require.Equal(t, http.StatusForbidden, code, name)
	}
	for _, other := range []string{`[]`, `"x"`, `{`, `{}`, `{"MessageSid": 7}`} {
		query := "?bodySHA256=" + twilio.BodyHash([]byte(other))
		require.GreaterOrEqual(t, post(query, json, other, sign(query)), 400, other)
	}
	require.Equal(t, 1, s.number(t, "SELECT count(*) FROM webhook_events"))
}

// TestAStopToANumberThatWeDoNotKnowIsObeyed: To and From decide nothing.
func TestAStopToANumberThatWeDoNotKnowIsObeyed(t *testing.T) {
	t.Parallel()
	const ada = "+4915112345678"
	s := newSite(t, dbtest.New(t), "")
	for digits, to := range map[string]string{"81": "whatsapp:+15005559999", "82": "", "83": "nonsense"} {
		form := wrote(digits, ada, "STOP")
		form.Set("To", to)
		require.Equal(t, http.StatusOK, s.sends(t, inboundPath, form, twilio.Sign(token, s.URL+inboundPath, form)))
	}
	s.reaches(t, ada, "opted_out")
	require.Eventually(t, func() bool {
		return s.number(t, `SELECT count(*) FROM webhook_events WHERE error = '' AND notice LIKE 'it was written to %none of the senders'`) == 3
	}, 5*time.Minute, 5*time.Millisecond)
}
