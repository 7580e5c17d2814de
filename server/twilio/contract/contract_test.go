package contract

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	account = "AC5a4db0f5a4db0f5a4db0f5a4db0f5a4d"
	created = `{"sid": "SM00000000000000000000000000000000", "account_sid": "` + account + `", "status": "queued",
		"direction": "outbound-api", "from": "whatsapp:+14155238886", "to": "whatsapp:+4915112345678", "body": "Hi", "num_segments": "1",
		"num_media": "0", "price": null, "price_unit": null, "error_code": null, "error_message": null, "messaging_service_sid": null,
		"date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000", "date_sent": null,
		"api_version": "2010-04-01", "uri": "/2010-04-01/a.json", "subresource_uris": {"media": "/2010-04-01/Media.json"}}`
	messages = "/2010-04-01/Accounts/" + account + "/Messages.json"
	template = `{"language": "en", "types": {"twilio/quick-reply": {"body": "Hi", "actions": [{"type": "QUICK_REPLY", "title": "Yes"}]}}}`
	made     = `{"sid": "HX00000000000000000000000000000000", "account_sid": "` + account + `", "friendly_name": "a", "language": "en",
		"variables": {}, "types": {}, "url": "https://content.twilio.com/v1/Content/HX", "date_created": "2015-07-30T19:00:00Z",
		"date_updated": "2015-07-30T19:00:00Z", "links": {"approval_create": "https://content.twilio.com/v1/a"}}`
)

// call gives the breaches of one call.
func call(t *testing.T, agent, method, target, kind, sent string, status int, answer string) []string {
	t.Helper()
	c, err := Open()
	require.NoError(t, err)
	r := httptest.NewRequest(method, target, strings.NewReader(sent))
	r.Header.Set("User-Agent", agent)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	c.Around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	})).ServeHTTP(w, r)
	require.Equal(t, answer, w.Body.String(), "it passes on what it checks")
	return c.Broken()
}

// TestABreachNamesItsField: the contract can fail, and says where.
func TestABreachNamesItsField(t *testing.T) {
	t.Parallel()
	const engine, form, asJSON = "twilio-go/1.31.0", "application/x-www-form-urlencoded", "application/json"
	with := func(text, old, new string) string {
		require.Contains(t, text, old)
		return strings.Replace(text, old, new, 1)
	}
	good := url.Values{"To": {"whatsapp:+4915112345678"}, "From": {"whatsapp:+14155238886"}, "Body": {"Hi"}, "ValidityPeriod": {"60"}}.Encode()
	for name, c := range map[string]struct {
		agent, method, target, kind, sent string
		status                            int
		answer                            string
		want                              string // "": it keeps the contract
	}{
		"a message":                          {engine, "POST", messages, form, good, 201, created, ""},
		"a parameter that Twilio ignores":    {engine, "POST", messages, form, good + "&contentSid=HX1", 201, created, "form: additional properties 'contentSid' not allowed"},
		"a message to nobody":                {engine, "POST", messages, form, "Body=Hi", 201, created, "form: missing property 'To'"},
		"a period that is no number":         {engine, "POST", messages, form, with(good, "ValidityPeriod=60", "ValidityPeriod=1h"), 201, created, "form.ValidityPeriod: got string, want integer"},
		"a template that is none":            {engine, "POST", messages, form, good + "&ContentSid=HX12", 201, created, "form.ContentSid: minLength"},
		"a form as JSON":                     {engine, "POST", messages, asJSON, "{}", 201, created, `Content-Type: "application/json", want application/x-www-form-urlencoded`},
		"an answer without a price":          {engine, "POST", messages, form, good, 201, with(created, `"price": null, `, ""), "body: missing property 'price'"},
		"an answer with a word of its own":   {engine, "POST", messages, form, good, 201, with(created, `"queued"`, `"pending"`), "body.status: value must be one of"},
		"a code as text":                     {engine, "POST", messages, form, good, 201, with(created, `"error_code": null`, `"error_code": "63016"`), "body.error_code: got string, want null or integer"},
		"a date in another form":             {engine, "POST", messages, form, good, 201, with(created, "Thu, 24 Aug 2023 05:01:45 +0000", "2023-08-24T05:01:45Z"), "body.date_created: '2023-08-24T05:01:45Z' is not valid date-time-rfc-2822"},
		"a field that Twilio does not have":  {engine, "POST", messages, form, good, 201, with(created, `{"sid"`, `{"id": 1, "sid"`), "body: additional properties 'id' not allowed"},
		"another status":                     {engine, "POST", messages, form, good, 200, created, "status: CreateMessage is answered with other ones"},
		"no body, as a fault":                {engine, "POST", messages, form, good, 201, "", ""},
		"a refusal":                          {engine, "POST", messages, form, good, 400, `{"code": 21211, "message": "To", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 400}`, ""},
		"a refusal with a code as text":      {engine, "POST", messages, form, good, 400, `{"code": "21211", "message": "To", "more_info": "https://www.twilio.com/docs/errors/21211", "status": 400}`, "body.code: got string, want integer"},
		"a wrong call of the engine refused": {engine, "POST", messages, form, "Body=Hi", 400, `{"code": 21604, "message": "To", "more_info": "https://www.twilio.com/docs/errors/21604", "status": 400}`, "form: missing property 'To'"},
		"a test's wrong call, refused":       {"test", "POST", messages, form, "Body=Hi", 400, `{"code": 21604, "message": "To", "more_info": "https://www.twilio.com/docs/errors/21604", "status": 400}`, ""},
		"a test's wrong call, taken":         {"test", "POST", messages, form, "Body=Hi", 201, created, "form: missing property 'To'"},
		"a call that there is not":           {engine, "PATCH", messages, form, "", 200, "{}", "Twilio publishes no such operation"},
		"a page that is too large":           {engine, "GET", messages + "?PageSize=1001", "", "", 200, "", "query parameter PageSize: maximum: got 1,001, want 1,000"},
		"a filter that there is not":         {engine, "GET", messages + "?Status=sent", "", "", 200, "", "query parameter Status: there is none of this name"},
		"senders of no channel":              {engine, "GET", "/v2/Channels/Senders", "", "", 200, "", "query parameter Channel: it is missing"},
		"a path with another SID":            {engine, "GET", "/v1/Content/SM00000000000000000000000000000000", "", "", 200, "", "path parameter Sid: 'SM00000000000000000000000000000000' does not match pattern"},
		"a template":                         {engine, "POST", "/v1/Content", asJSON, template, 201, made, ""},
		"a button of another kind":           {engine, "POST", "/v1/Content", asJSON, with(template, `"QUICK_REPLY"`, `"URL"`), 201, made, "body.types.twilio/quick-reply.actions.0.type: value must be"},
		"a button with an unknown field":     {engine, "POST", "/v1/Content", asJSON, with(template, `"title"`, `"text": "Yes", "title"`), 201, made, "body.types.twilio/quick-reply.actions.0: additional properties 'text' not allowed"},
		"a type that Twilio does not have":   {engine, "POST", "/v1/Content", asJSON, with(template, "quick-reply", "button"), 201, made, "body.types: additional properties 'twilio/button' not allowed"},
	} {
		broken := call(t, c.agent, c.method, c.target, c.kind, c.sent, c.status, c.answer)
		if c.want == "" {
			require.Empty(t, broken, name)
			continue
		}
		require.Len(t, broken, 1, name)
		require.Contains(t, broken[0], c.want, name)
		path, _, _ := strings.Cut(c.target, "?")
		require.Contains(t, broken[0], c.method+" "+path, name)
	}
}

// TestDifferencesAreNamedAndTrue: one that Twilio has taken over, or whose place is gone, is not kept.
func TestDifferencesAreNamedAndTrue(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		`[{"at": "/components/schemas/gone", "set": {}, "why": "a"}]`:                                        "publishes no such thing",
		`[{"at": "/components/schemas/listItem/properties", "set": {"id": {"type": "string"}}, "why": "a"}]`: "no difference any more",
		`[{"at": "/components/schemas/listItem/properties", "set": {"new": {"type": "string"}}}]`:            "not said why",
	} {
		_, err := open(published, []byte(list))
		require.ErrorContains(t, err, want)
	}
	var source struct{ Source, Commit, License string }
	require.NoError(t, json.Unmarshal(published, &source))
	require.Equal(t, "github.com/twilio/twilio-oai", source.Source)
	require.Len(t, source.Commit, 40)
}
