// Package webhook answers Twilio: verify the signature, make the event
// durable, say yes. What it means is worked out afterwards. Twilio's signature
// proves that its bytes came from Twilio, but not where one parameter ends and
// the next begins, so a signature counts for the first request that came with it
// and for no other; numbers in To and From decide nothing here.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/guard"
	"eventstream/server/twilio"
	"eventstream/server/webhookevent"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	maxBody = 256 << 10
	budget  = 10 * time.Second // Twilio waits 15; then it had better try again
)

// Handler takes Twilio's requests.
type Handler struct {
	writer    *webhookevent.Writer
	accounts  []twilio.Account
	publicURL func() string
	log       *slog.Logger
	refused   *prometheus.CounterVec
	unsigned  *guard.Tally
	misused   *guard.Tally
}

// Options are what a Handler needs.
type Options struct {
	Writer   *webhookevent.Writer
	Accounts []twilio.Account // whose tokens may sign, and what each signs for
	// PublicURL is the base that Twilio calls, without a slash at its end.
	PublicURL func() string
	Log       *slog.Logger
	Registry  prometheus.Registerer // nil: nothing is counted
}

// New makes a Handler.
func New(o Options) *Handler {
	h := &Handler{
		writer: o.Writer, accounts: o.Accounts, publicURL: o.PublicURL, log: o.Log,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "webhook_refused_total", Help: "Webhooks that were refused, by reason.",
		}, []string{"reason"}),
		unsigned: &guard.Tally{Log: o.Log, Message: "webhooks refused: wrong signature"},
		misused:  &guard.Tally{Log: o.Log, Message: "webhooks refused: signed, but not as Twilio sends them"},
	}
	if o.Registry != nil {
		o.Registry.MustRegister(h.refused)
	}
	return h
}

// Inbound answers POST /webhooks/twilio/inbound.
func (h *Handler) Inbound(w http.ResponseWriter, r *http.Request) {
	h.take(w, r, webhookevent.KindInbound, func(p map[string]string) string {
		return webhookevent.InboundKey(p["MessageSid"])
	})
}

// Status answers POST /webhooks/twilio/status.
func (h *Handler) Status(w http.ResponseWriter, r *http.Request) {
	h.take(w, r, webhookevent.KindStatus, func(p map[string]string) string {
		return webhookevent.StatusKey(p["MessageSid"], p["MessageStatus"], p["EventType"], p["ErrorCode"])
	})
}

// refusal is why a request is not taken.
type refusal struct {
	status int
	reason string // for the metric
	text   string
}

// read gives what a request says, once its signature was checked.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (form url.Values, proof twilio.Proof, no *refusal) {
	// The URL that was signed is the configured one: what the request says of
	// its host and scheme may come from anybody.
	signed, signature := h.publicURL()+r.URL.RequestURI(), r.Header.Get("X-Twilio-Signature")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var valid bool
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, proof, &refusal{http.StatusBadRequest, "body", "the body is not JSON of at most 256 KiB"}
		}
		if proof, valid = twilio.VerifyBody(h.accounts, signed, body, signature); valid {
			if form, err = flat(body); err != nil {
				return nil, proof, &refusal{http.StatusBadRequest, "body", "the body is not a JSON object"}
			}
		}
	} else {
		if err := r.ParseForm(); err != nil {
			return nil, proof, &refusal{http.StatusBadRequest, "body", "the body is not a form of at most 256 KiB"}
		}
		form = r.PostForm
		proof, valid = twilio.Verify(h.accounts, signed, form, signature)
	}
	if !valid {
		return nil, proof, &refusal{http.StatusForbidden, "signature", "wrong signature"}
	}
	return form, proof, check(form, proof)
}

// check refuses what Twilio does not send. A signature fits every way to cut the same text into names and values, so
// what identifies an event must be whole: it cannot have grown by its neighbour.
func check(form url.Values, proof twilio.Proof) *refusal {
	if sid, ok := only(form, "MessageSid"); !ok || !twilio.ValidMessageSID(sid) {
		return &refusal{http.StatusBadRequest, "message_sid", "MessageSid is not SM or MM and 32 hexadecimal digits"}
	}
	if account, ok := only(form, "AccountSid"); !ok || account != proof.AccountSID {
		return &refusal{http.StatusForbidden, "account", "AccountSid is not the account whose token signed this"}
	}
	return nil
}

// only gives the value of a parameter that has just one.
func only(form url.Values, name string) (string, bool) {
	values := slices.Compact(slices.Sorted(slices.Values(form[name])))
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// flat reads a JSON object as parameters. What is no text stays as it was written.
func flat(body []byte) (url.Values, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	form := make(url.Values, len(object))
	for name, raw := range object {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		form.Set(name, text)
	}
	return form, nil
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	h.refused.WithLabelValues(no.reason).Inc()
	tally := h.misused
	if no.reason == "signature" || no.reason == "body" {
		tally = h.unsigned
	}
	tally.Add(r.Context(), "path", r.URL.Path, "reason", no.reason)
	http.Error(w, no.text, no.status)
}

func (h *Handler) take(w http.ResponseWriter, r *http.Request, kind webhookevent.Kind,
	key func(map[string]string) string,
) {
	form, proof, no := h.read(w, r)
	if no != nil {
		h.refuse(w, r, no)
		return
	}
	params := storableAll(form)
	id, err := strconv.ParseInt(r.URL.Query().Get("m"), 10, 64)
	if err != nil || id < 0 {
		id = 0
	}
	e := &webhookevent.Event{
		Kind: kind, SID: params["MessageSid"], DedupeKey: key(params), MessageID: id, Params: params, SignatureValid: true,
		SignatureKey: proof.SignatureKey, ContentKey: proof.ContentKey, HappenedAt: happened(params["RawDlrDoneDate"]),
		Headers: map[string]string{
			"I-Twilio-Idempotency-Token": db.Storable(r.Header.Get("I-Twilio-Idempotency-Token")),
			"User-Agent":                 db.Storable(r.UserAgent()),
		},
	}
	ctx, cancel := context.WithTimeout(r.Context(), budget)
	defer cancel()
	err = h.writer.Write(ctx, e)
	if errors.Is(err, webhookevent.ErrSignatureUsed) {
		h.refuse(w, r, &refusal{http.StatusForbidden, "signature_used", apperr.Text(err).String()})
		return
	}
	if apperr.Is(err, apperr.CodeInvalid) { // no further try helps
		http.Error(w, apperr.Text(err).String(), http.StatusBadRequest)
		return
	}
	if err != nil {
		h.log.ErrorContext(r.Context(), "webhook not stored", "error", err)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	if kind == webhookevent.KindStatus {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	// Empty TwiML: answers go out through the API, past the gate.
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Response/>`))
}

// storableAll gives each parameter's first value, as far as Postgres can hold it. Names that become alike by that yield
// to the one that was so from the beginning.
func storableAll(form url.Values) map[string]string {
	params := make(map[string]string, len(form))
	for name, values := range form {
		plain := db.Storable(name)
		if _, exact := form[plain]; plain == name || !exact {
			params[plain] = db.Storable(values[0])
		}
	}
	return params
}

// happened reads when a carrier was done with a message, YYMMDDhhmm in UTC;
// Twilio says so of SMS. nil where it says nothing.
func happened(raw string) *time.Time {
	at, err := time.Parse("0601021504", raw)
	if err != nil {
		return nil
	}
	return &at
}
