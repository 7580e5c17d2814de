package twilio

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"eventstream/server/message"
	"eventstream/server/price"

	"github.com/stretchr/testify/require"
)

// row is an entry of Twilio's log as its API writes it.
type row map[string]any

func entry(sid string, with row) row {
	r := row{
		"sid": sid, "direction": "outbound-api", "from": "whatsapp:+14155238886", "to": "whatsapp:+4915112345678",
		"status": "delivered", "body": "Hi", "num_media": "0",
		"date_created": "Tue, 24 Nov 2026 10:00:00 +0000", "date_sent": "Tue, 24 Nov 2026 10:00:01 +0000",
	}
	for k, v := range with {
		r[k] = v
	}
	return r
}

// pages serves a log page by page and remembers what was asked.
func pages(t *testing.T, next func(page int) any, pages ...[]row) (*Client, *[]url.Values) {
	t.Helper()
	asked := &[]url.Values{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(*asked)
		*asked = append(*asked, r.URL.Query())
		var rows []row
		if n < len(pages) {
			rows = pages[n]
		}
		_ = json.NewEncoder(w).Encode(row{"messages": rows, "next_page_uri": next(n)})
	}))
	t.Cleanup(server.Close)
	return testClient(t, server.URL), asked
}

func lastPage(int) any { return nil }

var (
	noon = time.Date(2026, 11, 24, 9, 59, 30, 500_000_000, time.UTC)
	pair = message.LogQuery{Direction: message.Outbound, From: "+14155238886", To: "+4915112345678", Since: noon}
)

func sids(a message.LogAnswer) (out []string) {
	for _, e := range a.Entries {
		out = append(out, e.SID)
	}
	return out
}

func TestTheLogIsReadToItsLastPage(t *testing.T) {
	t.Parallel()
	const prefix = "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json?PageToken=PA.12."
	client, asked := pages(t, func(n int) any {
		if n == 2 {
			return nil
		}
		return fmt.Sprint(prefix, n)
	}, []row{entry("SM1", nil)}, []row{}, []row{entry("SM2", nil)})
	answer, err := client.Log(context.Background(), pair)
	require.NoError(t, err)
	require.Equal(t, []string{"SM1", "SM2"}, sids(answer))
	require.True(t, answer.Complete)
	require.Len(t, *asked, 3)
	require.Equal(t, url.Values{
		"From": {"whatsapp:+14155238886"}, "To": {"whatsapp:+4915112345678"}, "PageSize": {"1000"},
	}, (*asked)[0], "no filter by date: what is still queued has none")
	require.Equal(t, "PA.12.1", (*asked)[2].Get("PageToken"), "the token as it came")
}

func TestALogThatIsCutSaysSo(t *testing.T) {
	t.Parallel()
	endless, asked := pages(t, func(n int) any { return fmt.Sprintf("/Messages.json?PageToken=PA%d", n) },
		[]row{entry("SM1", nil)})
	answer, err := endless.Log(context.Background(), pair)
	require.NoError(t, err)
	require.False(t, answer.Complete)
	require.Len(t, answer.Entries, 1)
	require.Len(t, *asked, maxLogPages)

	circle, _ := pages(t, func(int) any { return "/Messages.json?PageToken=PA1" })
	_, err = circle.Log(context.Background(), pair)
	require.ErrorContains(t, err, "no next page")

	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("PageToken") != "" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(row{"messages": []row{entry("SM1", nil)}, "next_page_uri": "/x?PageToken=1"})
	}))
	defer broken.Close()
	_, err = testClient(t, broken.URL).Log(context.Background(), pair)
	require.Error(t, err, "the second page failed")
}

func TestACallersDeadlineEndsTheReadingOfPages(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("PageToken") != "" {
			cancel() // the second page: the caller goes, and Twilio answers nothing
			<-r.Context().Done()
			return
		}
		_ = json.NewEncoder(w).Encode(row{"messages": []row{entry("SM1", nil)}, "next_page_uri": "/x?PageToken=1"})
	}))
	defer server.Close()
	_, err := testClient(t, server.URL).Log(ctx, pair)
	require.ErrorIs(t, err, context.Canceled)
}

// TestWhatALogQueryAsks: a filter by date hides what is queued, so only a query
// that names no contact uses it.
func TestWhatALogQueryAsks(t *testing.T) {
	t.Parallel()
	const service = "MG00000000000000000000000000000000"
	for name, c := range map[string]struct {
		query    message.LogQuery
		asked    url.Values
		complete bool
	}{
		"a pair": {pair, url.Values{"From": {"whatsapp:+14155238886"}, "To": {"whatsapp:+4915112345678"}}, true},
		"a pair with a BSUID": {
			message.LogQuery{Direction: message.Outbound, From: "+14155238886", To: "BR.1000000000000001", Since: noon},
			url.Values{"From": {"whatsapp:+14155238886"}, "To": {"whatsapp:BR.1000000000000001"}},
			true,
		},
		"a parent BSUID": {
			message.LogQuery{Direction: message.Outbound, From: "+14155238886", To: "US.ENT.11815799212886844830"},
			url.Values{"From": {"whatsapp:+14155238886"}, "To": {"whatsapp:US.ENT.11815799212886844830"}},
			true,
		},
		"a service": {
			message.LogQuery{Direction: message.Outbound, From: service, To: "+4915112345678", Since: noon},
			url.Values{"To": {"whatsapp:+4915112345678"}},
			true,
		},
		"what a sender sent": {
			message.LogQuery{
				Direction: message.Outbound, From: "+14155238886", Since: noon,
				Until: time.Now(),
			},
			url.Values{"From": {"whatsapp:+14155238886"}, "DateSent>": {"2026-11-24T09:59:30Z"}},
			false,
		},
		"what a sender sent, long ago": {
			message.LogQuery{
				Direction: message.Outbound, From: "+14155238886", Since: noon.AddDate(-1, 0, 0),
				Until: noon.AddDate(-1, 0, 0).Add(time.Hour),
			},
			url.Values{
				"From": {"whatsapp:+14155238886"}, "DateSent>": {"2025-11-24T09:59:30Z"},
				"DateSent<": {"2025-11-25T20:59:30Z"},
			},
			false,
		},
		"what a service sent": {
			message.LogQuery{Direction: message.Outbound, From: service, Since: noon},
			url.Values{"DateSent>": {"2026-11-24T09:59:30Z"}},
			false,
		},
		"what came to a sender": {
			message.LogQuery{
				Direction: message.Inbound, To: "+14155238886", Since: noon.AddDate(-1, 0, 0),
				Until: noon.AddDate(-1, 0, 1),
			},
			url.Values{
				"To": {"whatsapp:+14155238886"}, "DateSent>": {"2025-11-24T09:59:30Z"},
				"DateSent<": {"2025-11-26T09:59:30Z"},
			},
			true,
		},
		"what a contact wrote": {
			message.LogQuery{Direction: message.Inbound, From: "BR.1000000000000001", To: "+14155238886", Since: noon},
			url.Values{"From": {"whatsapp:BR.1000000000000001"}, "To": {"whatsapp:+14155238886"}},
			true,
		},
	} {
		client, asked := pages(t, lastPage)
		answer, err := client.Log(context.Background(), c.query)
		require.NoError(t, err, name)
		c.asked.Set("PageSize", "1000")
		require.Equal(t, c.asked, (*asked)[0], name)
		require.Equal(t, c.complete, answer.Complete, name)
	}
}

// TestWhatTheLogsEntriesSay: an entry that we do not understand wholly is never
// taken for absent.
func TestWhatTheLogsEntriesSay(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 11, 24, 10, 0, 1, 0, time.UTC)
	full := message.Logged{
		SID: "SM1", Direction: message.Outbound, From: "+14155238886", To: "+4915112345678", Body: "Hi",
		Status: message.StatusDelivered, Created: sent.Add(-time.Second), Sent: &sent,
	}
	with := func(change func(*message.Logged)) message.Logged {
		l := full
		change(&l)
		return l
	}
	for name, c := range map[string]struct {
		row      row
		want     message.Logged
		complete bool
	}{
		"plain": {nil, full, true},
		"queued": {
			row{"status": "queued", "date_sent": nil},
			with(func(l *message.Logged) { l.Status, l.Sent = message.StatusQueued, nil }), true,
		},
		"of a service": {
			row{"from": nil, "messaging_service_sid": "MG1"},
			with(func(l *message.Logged) { l.From = "" }), true,
		},
		"failed": {
			row{"status": "failed", "error_code": 63049},
			with(func(l *message.Logged) { l.Status, l.Code = message.StatusFailed, 63049 }), true,
		},
		"redacted": {row{"body": nil}, with(func(l *message.Logged) { l.Body = "" }), true},
		"a price": {row{"price": "-0.00500", "price_unit": "USD"}, with(func(l *message.Logged) {
			l.Price, l.PriceCurrency = new(price.Micros), "USD"
			*l.Price = 5000
		}), true},
		"a price that is none yet":    {row{"price": nil, "price_unit": "USD"}, full, true},
		"a price that cannot be read": {row{"price": "free", "price_unit": "USD"}, full, true},
		"a new status": {
			row{"status": "pondering"},
			with(func(l *message.Logged) { l.Status = message.StatusAccepted }), true,
		},
		"no status": {
			row{"status": nil},
			with(func(l *message.Logged) { l.Status = message.StatusAccepted }), true,
		},
		"no date": {
			row{"date_created": "yesterday"},
			with(func(l *message.Logged) { l.Created = time.Time{} }), false,
		},
		"a date as in newer APIs":     {row{"date_created": "2026-11-24T10:00:00Z"}, full, true},
		"a date with its zone's name": {row{"date_created": "Tue, 24 Nov 2026 10:00:00 GMT"}, full, true},
	} {
		q := message.LogQuery{Direction: message.Outbound, To: "+4915112345678", Since: noon}
		client, _ := pages(t, lastPage, []row{entry("SM1", c.row)})
		answer, err := client.Log(context.Background(), q)
		require.NoError(t, err, name)
		require.Equal(t, []message.Logged{c.want}, answer.Entries, name)
		require.Equal(t, c.complete, answer.Complete, name)
	}
	client, _ := pages(t, lastPage, []row{entry("", nil)})
	answer, err := client.Log(context.Background(), pair)
	require.NoError(t, err)
	require.False(t, answer.Complete, "there is something without a SID")
}

func TestWhichEntriesAnswerAQuery(t *testing.T) {
	t.Parallel()
	const service, other = "MG00000000000000000000000000000000", "MG00000000000000000000000000000001"
	log := []row{
		entry("plain", nil),
		entry("other sender", row{"from": "whatsapp:+14155238887"}),
		entry("other contact", row{"to": "whatsapp:+4915112345679"}),
		entry("before", row{"date_created": "Tue, 24 Nov 2026 09:59:29 +0000"}),
		entry("same second", row{"date_created": "Tue, 24 Nov 2026 09:59:30 +0000"}),
		entry("later", row{"date_created": "Tue, 24 Nov 2026 11:00:00 +0000"}),
		entry("service", row{"from": nil, "messaging_service_sid": service}),
		entry("service and sender", row{"messaging_service_sid": service}),
		entry("service unnamed", row{"from": nil}),
		entry("other service", row{"from": nil, "messaging_service_sid": other}),
		entry("inbound", row{
			"direction": "inbound", "from": "whatsapp:+4915112345678", "to": "whatsapp:+14155238886",
			"status": "received",
		}),
		entry("reply", row{"direction": "outbound-reply"}),
		entry("Mexico", row{"to": "whatsapp:+525512345678"}),
	}
	for name, c := range map[string]struct {
		query message.LogQuery
		want  []string
	}{
		"a pair until 10:30": {
			message.LogQuery{
				Direction: message.Outbound, From: "+14155238886", To: "+4915112345678", Since: noon,
				Until: noon.Add(30 * time.Minute),
			},
			[]string{"plain", "same second", "service and sender", "reply"},
		},
		"a service": {
			message.LogQuery{Direction: message.Outbound, From: service, To: "+4915112345678", Since: noon},
			[]string{"service", "service and sender", "service unnamed"},
		},
		"inbound": {message.LogQuery{Direction: message.Inbound, To: "+14155238886", Since: noon}, []string{"inbound"}},
		"a number's other form": {
			message.LogQuery{Direction: message.Outbound, From: "+14155238886", To: "+5215512345678"},
			[]string{"Mexico"},
		},
	} {
		client, _ := pages(t, lastPage, log)
		answer, err := client.Log(context.Background(), c.query)
		require.NoError(t, err, name)
		require.Equal(t, c.want, sids(answer), name)
	}
}

func TestFetchReadsOneEntry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch _, file, _ := strings.Cut(r.URL.Path, "/Messages/"); file {
		case "SM1.json":
			_ = json.NewEncoder(w).Encode(entry("SM1", nil))
		case "MM1.json":
			_ = json.NewEncoder(w).Encode(entry("MM1",
				row{"num_media": "1", "direction": "inbound", "status": "received"}))
		case "MM1/Media.json":
			_, _ = fmt.Fprint(w, `{"media_list":[{"uri":"/2010-04-01/Accounts/AC0/Messages/MM1/Media/ME1.json"}]}`)
		case "SM2.json":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"code":20404,"message":"not found","status":404}`)
		}
	}))
	defer server.Close()
	client := testClient(t, server.URL)
	got, err := client.Fetch(context.Background(), "SM1")
	require.NoError(t, err)
	require.Equal(t, message.StatusDelivered, got.Status)
	got, err = client.Fetch(context.Background(), "MM1")
	require.NoError(t, err)
	require.Equal(t, message.Inbound, got.Direction)
	require.Equal(t, message.StatusReceived, got.Status)
	require.Equal(t, []string{"https://api.twilio.com/2010-04-01/Accounts/AC0/Messages/MM1/Media/ME1"}, got.Media)
	got, err = client.Fetch(context.Background(), "SM0")
	require.NoError(t, err)
	require.Nil(t, got)
	_, err = client.Fetch(context.Background(), "SM2")
	require.Error(t, err, "not known is not the same as not there")
}

func TestAValidityIsWithinTwiliosBounds(t *testing.T) {
	t.Parallel()
	var got url.Values
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r.PostForm
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"sid":"SM1","status":"queued"}`)
	}))
	defer server.Close()
	client := testClient(t, server.URL)
	for validity, want := range map[time.Duration]string{
		0: "", time.Millisecond: "1", 90*time.Second + 900*time.Millisecond: "90", 4 * time.Hour: "14400",
		48 * time.Hour: "36000", -time.Second: "",
	} {
		out := anyone
		out.Validity = validity
		_, err := client.Send(context.Background(), out)
		require.NoError(t, err)
		require.Equal(t, want, got.Get("ValidityPeriod"), validity)
	}
}

// TestASilentTwilioIsAmbiguous: connections are taken, requests may be read, and
// nothing is answered, or only half.
func TestASilentTwilioIsAmbiguous(t *testing.T) {
	t.Parallel()
	send := func(base string, within time.Duration) *message.SendError {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		_, err := testClient(t, base).Send(ctx, anyone)
		var failure *message.SendError
		require.ErrorAs(t, err, &failure)
		return failure
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts: the system does
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	require.Equal(t, message.ClassAmbiguous, send("http://"+listener.Addr().String(), time.Second).Info.Class)

	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprint(w, `{"sid":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer half.Close()
	require.Equal(t, message.ClassAmbiguous, send(half.URL, time.Second).Info.Class)

	// A handshake that never comes: no request was written.
	require.Equal(t, message.ClassRetry, send("https://"+listener.Addr().String(), time.Second).Info.Class)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = testClient(t, half.URL).Send(ctx, anyone)
	var failure *message.SendError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, message.ClassRetry, failure.Info.Class, "the caller had gone before the call")
}
