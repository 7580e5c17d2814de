// Package webhook answers Twilio: verify the signature, make the event
// durable, say yes. What it means is worked out afterwards.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/twilio"
	"eventstream/server/webhookevent"
)

const (
	maxBody = 256 << 10
	budget  = 10 * time.Second // Twilio waits 15; then it had better try again
)

// Handler takes Twilio's requests.
type Handler struct {
	writer    *webhookevent.Writer
	tokens    []string
	publicURL func() string
	log       *slog.Logger
}

// New makes a Handler. tokens are the auth tokens that may sign; publicURL is
// the base that Twilio calls, without a slash at its end.
func New(writer *webhookevent.Writer, tokens []string, publicURL func() string, log *slog.Logger) *Handler {
	return &Handler{writer: writer, tokens: tokens, publicURL: publicURL, log: log}
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

func (h *Handler) take(w http.ResponseWriter, r *http.Request, kind webhookevent.Kind,
	key func(map[string]string) string,
) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the body is not a form of at most 256 KiB", http.StatusBadRequest)
		return
	}
	// The URL that was signed is the configured one: what the request says of
	// its host and scheme may come from anybody.
	if !twilio.ValidSignature(h.tokens, h.publicURL()+r.URL.RequestURI(), r.PostForm, r.Header.Get("X-Twilio-Signature")) {
		h.log.WarnContext(r.Context(), "webhook refused: wrong signature", "path", r.URL.Path)
		http.Error(w, "wrong signature", http.StatusForbidden)
		return
	}
	params := make(map[string]string, len(r.PostForm))
	for name, values := range r.PostForm {
		params[storable(name)] = storable(values[0])
	}
	if params["MessageSid"] == "" {
		http.Error(w, "MessageSid is missing", http.StatusBadRequest)
		return
	}
	id, err := strconv.ParseInt(r.URL.Query().Get("m"), 10, 64)
	if err != nil || id < 0 {
		id = 0
	}
	e := &webhookevent.Event{
		Kind: kind, SID: params["MessageSid"], DedupeKey: key(params), MessageID: id, Params: params, SignatureValid: true,
		HappenedAt: happened(params["RawDlrDoneDate"]), Headers: map[string]string{
			"I-Twilio-Idempotency-Token": storable(r.Header.Get("I-Twilio-Idempotency-Token")),
			"User-Agent":                 storable(r.UserAgent()),
		},
	}
	ctx, cancel := context.WithTimeout(r.Context(), budget)
	defer cancel()
	err = h.writer.Write(ctx, e)
	if apperr.Is(err, apperr.CodeInvalid) { // no further try helps
		http.Error(w, apperr.Text(err), http.StatusBadRequest)
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

// storable drops what no text in Postgres can hold: bytes that are no UTF-8,
// and NUL.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
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
