package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"eventstream/server/guard"
	"eventstream/server/say"
	"eventstream/server/twilio"
	"eventstream/server/webhook"
)

const answerSize = 1 << 20

// publicURL sends itself a request that is signed as Twilio signs, and sees whether
// it comes back from a server with the same token that saw the same URL.
func (d *Doctor) publicURL(ctx context.Context) Finding {
	base := d.o.PublicURL
	if base == "" {
		return none("PUBLIC_URL is not set, and LISTEN_ADDR takes any free port.")
	}
	if len(d.o.Signers) == 0 {
		return none("There is no token that signs.")
	}
	params := url.Values{"Nonce": {rand.Text()}}
	address := base + webhook.CheckPath
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(params.Encode()))
	if err != nil {
		return fail("Correct PUBLIC_URL.", "PUBLIC_URL is no address.")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", twilio.Sign(d.o.Signers[0].AuthToken, address, params))
	resp, err := d.client.Do(req)
	if err != nil {
		return fail("Start the server; then look at PUBLIC_URL, the name server, the firewall, the proxy and its certificate.",
			"Nobody answers at %s: %s", base, plain(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerSize))
	switch {
	case resp.StatusCode == http.StatusForbidden && string(body) == webhook.CheckRefused:
		return fail("Set PUBLIC_URL of the server to exactly what Twilio calls; behind a proxy that changes the path, to the outer one. "+
			"The token has to be the same, too.",
			"The engine answers at %s, but the signature does not fit: the server has another PUBLIC_URL or another token.", base)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return fail("Let PUBLIC_URL be the address that it leads to: Twilio does not sign what follows.",
			"%s answers with a redirect (%d).", base, resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return fail("Look at the proxy: it has to hand /webhooks/ on to the engine.", "%s answers with %d, and not as the engine does.",
			base, resp.StatusCode)
	case string(body) != webhook.CheckAnswer(d.o.Signers[0].AuthToken, params.Get("Nonce")):
		return fail("Correct PUBLIC_URL, or the proxy.", "Something else than this engine answers at %s.", base)
	}
	u, err := url.Parse(base)
	switch {
	case d.o.Twilio.Sandbox:
		return ok("A signed request to %s came back, and its signature fits.", base)
	case err == nil && guard.Loopback(u.Host) && d.local():
		return ok("A signed request to %s came back, and its signature fits. What speaks as Twilio is on this machine too.", base)
	case err == nil && guard.Loopback(u.Host):
		return fail("Set PUBLIC_URL to an address on the internet.", "PUBLIC_URL is this machine’s own: Twilio cannot reach it.")
	case err == nil && u.Scheme != "https":
		return warn("Put a proxy with a certificate in front, and let PUBLIC_URL begin with https.",
			"The signature fits, but what people write and passwords go over %s in the clear.", base)
	}
	return ok("A signed request to %s came back, and its signature fits.", base)
}

// local reports whether what is spoken with as Twilio runs on this machine.
func (d *Doctor) local() bool {
	u, err := url.Parse(d.o.Twilio.BaseURL)
	return err == nil && d.o.Twilio.BaseURL != "" && guard.Loopback(u.Host)
}

// plain says why a request failed, without the address that is in the error.
func plain(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if c, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not valid: " + c.Err.Error()
	}
	return err.Error()
}

// answer is what Twilio says of the account.
type answer struct {
	err        error
	status     int
	state      string // of the account
	began, end time.Time
	date       string
}

func (d *Doctor) host(name string) string {
	if d.o.Twilio.BaseURL != "" {
		return strings.TrimRight(d.o.Twilio.BaseURL, "/")
	}
	return "https://" + name + ".twilio.com"
}

// get asks Twilio, and reads its answer into into.
func (d *Doctor) get(ctx context.Context, address, user, password string, into any) (status int, date string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	req.SetBasicAuth(user, password)
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, answerSize))
	if err == nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(raw, into)
	}
	return resp.StatusCode, resp.Header.Get("Date"), err
}

func (d *Doctor) askTwilio(ctx context.Context) (a answer) {
	t := d.o.Twilio
	var account struct{ Status string }
	a.began = d.o.Now()
	a.status, a.date, a.err = d.get(ctx, d.host("api")+"/2010-04-01/Accounts/"+t.AccountSID+".json", t.AccountSID,
		t.AuthToken, &account)
	a.end, a.state = d.o.Now(), account.Status
	return a
}

func (d *Doctor) credentials(ctx context.Context) Finding {
	a := d.ask(ctx)
	const token = "Copy the account’s SID and its auth token from Twilio’s console (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN); webhooks are verified with the token, too."
	switch {
	case a.err != nil:
		return unknown(fail("Look whether this machine reaches api.twilio.com.", "Twilio does not answer: %s", plain(a.err)))
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return fail(token, "Twilio refuses the account and its auth token (%d).", a.status)
	case a.status != http.StatusOK:
		return unknown(warn("Look at status.twilio.com, and try again.", "Twilio answers with %d.", a.status))
	case a.state != "active":
		return fail("Settle it in Twilio’s console.", "Twilio says that the account is %s.", a.state)
	}
	t := d.o.Twilio
	if t.APIKey != "" {
		// A standard key may read messages, but not the account.
		var any json.RawMessage
		status, _, err := d.get(ctx, d.host("api")+"/2010-04-01/Accounts/"+t.AccountSID+"/Messages.json?PageSize=1", t.APIKey,
			t.APISecret, &any)
		if err != nil || status != http.StatusOK && status != http.StatusUnauthorized && status != http.StatusForbidden {
			return unknown(warn("Look at status.twilio.com, and try again.",
				"The auth token is right, but Twilio does not say whether the API key is."))
		}
		if status != http.StatusOK {
			return fail("Make a new API key in Twilio’s console; TWILIO_API_KEY and TWILIO_API_SECRET send all messages.",
				"The auth token is right, but Twilio refuses the API key.")
		}
	}
	if t.Sandbox {
		return ok("The sandbox takes the credentials. Nothing reaches a phone.")
	}
	return ok("Twilio takes the credentials, and the account is active.")
}

type channelSender struct {
	SenderID string `json:"sender_id"`
	Status   string
	Webhook  struct {
		CallbackURL    string `json:"callback_url"`
		CallbackMethod string `json:"callback_method"`
	}
}

type senderPage struct {
	Senders []channelSender
	Meta    struct {
		NextPageURL string `json:"next_page_url"`
	}
}

// senders looks whether what people write to each number comes here.
func (d *Doctor) senders(ctx context.Context) Finding {
	numbers, err := d.o.Numbers(ctx)
	if err != nil {
		return fail("Look at the database.", "The senders cannot be read.")
	}
	// Those of a Messaging Service stand in the service, which is not asked here.
	numbers = slices.DeleteFunc(numbers, func(n string) bool { return strings.HasPrefix(n, "MG") })
	if len(numbers) == 0 {
		return none("There is no sender with a number of its own.")
	}
	t := d.o.Twilio
	user, password := t.AccountSID, t.AuthToken
	var known senderPage
	address := d.host("messaging") + "/v2/Channels/Senders?Channel=whatsapp&PageSize=100"
	for pages := 0; address != "" && pages < 10; pages++ {
		var page senderPage
		status, _, err := d.get(ctx, address, user, password, &page)
		if err != nil || status != http.StatusOK {
			return advise(warn("", "Twilio does not tell the settings of senders."),
				"Look at each sender in Twilio’s console: messages that come in have to be sent to %s.",
				d.o.PublicURL+"/webhooks/twilio/inbound")
		}
		known.Senders = append(known.Senders, page.Senders...)
		address = page.Meta.NextPageURL
		if t.BaseURL == "" && !strings.HasPrefix(address, "https://messaging.twilio.com/") {
			address = ""
		}
	}
	want := d.o.PublicURL + "/webhooks/twilio/inbound"
	var lost, away []say.Text
	for _, number := range numbers {
		at := slices.IndexFunc(known.Senders, func(s channelSender) bool { return s.SenderID == "whatsapp:"+number })
		if at < 0 {
			lost = append(lost, say.New("%s is no WhatsApp sender of this account", number))
			continue
		}
		s := known.Senders[at]
		plainURL, _, _ := strings.Cut(s.Webhook.CallbackURL, "#")
		switch {
		case plainURL == "":
			lost = append(lost, say.New("%s has no webhook", number))
		case strings.TrimSuffix(plainURL, "/") != want && strings.TrimSuffix(plainURL, "/") != d.o.PublicURL+"/webhooks/inbound":
			lost = append(lost, say.New("%s sends what people write somewhere else", number))
		case s.Webhook.CallbackMethod != "" && s.Webhook.CallbackMethod != http.MethodPost:
			lost = append(lost, say.New("%s uses %s instead of POST", number, s.Webhook.CallbackMethod))
		case !strings.HasPrefix(strings.ToUpper(s.Status), "ONLINE"):
			away = append(away, say.New("%s is %s, Twilio says", number, strings.ToLower(s.Status)))
		}
	}
	if len(lost) > 0 {
		return advise(fail("", "%s.", say.All(lost...)),
			"Set the sender’s webhook for incoming messages to %s (POST) in Twilio’s console. Until then a STOP does not arrive here.", want)
	}
	if len(away) > 0 {
		return warn("Look at the sender in Twilio’s console.", "%s.", say.All(away...))
	}
	return ok("What people write to each of our numbers (%d) comes here.", len(numbers))
}

// How far clocks may be apart. Twilio's Date has whole seconds.
const (
	clockWarn = 3 * time.Second
	clockFail = 15 * time.Second
	clockHelp = "Let the machine keep its clock by NTP."
)

func clock(format say.Format, off time.Duration) Finding {
	apart := off.Abs()
	switch {
	case off.Abs() > clockFail:
		return fail(clockHelp, format, apart)
	case off.Abs() > clockWarn:
		return warn(clockHelp, format, apart)
	}
	return ok(format, apart)
}

func (d *Doctor) clockTwilio(ctx context.Context) Finding {
	a := d.ask(ctx)
	at, err := http.ParseTime(a.date)
	if a.err != nil || err != nil {
		return warn("See Twilio’s credentials above.", "Twilio did not tell the time.")
	}
	// The second it names had begun by the answer, and not ended before the question.
	off := time.Duration(0)
	switch {
	case a.end.Before(at):
		off = at.Sub(a.end)
	case a.began.After(at.Add(time.Second)):
		off = a.began.Sub(at.Add(time.Second))
	}
	return clock("This machine’s clock is %s from Twilio’s.", off)
}
