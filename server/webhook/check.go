package webhook

import (
	"net/http"

	"eventstream/server/twilio"
)

// CheckPath is where an installation asks itself whether signatures fit the address by
// which Twilio reaches it. Nothing is kept of it.
const CheckPath = "/webhooks/twilio/check"

// CheckRefused is the answer where the signature does not fit.
const CheckRefused = "the signature does not fit the URL as this server sees it\n"

const maxCheck = 1 << 10

// CheckAnswer is the answer where it fits: only who has the token, too, can give it.
func CheckAnswer(token, nonce string) string { return twilio.Sign(token, "check "+nonce, nil) }

// Check answers POST CheckPath.
func (h *Handler) Check(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxCheck)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the body is not a form of at most 1 KiB", http.StatusBadRequest)
		return
	}
	for _, account := range h.accounts {
		_, valid := twilio.Verify([]twilio.Account{account}, h.publicURL()+r.URL.RequestURI(), r.PostForm,
			r.Header.Get("X-Twilio-Signature"))
		if valid {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(CheckAnswer(account.AuthToken, r.PostForm.Get("Nonce")))) //nolint:gosec // base64 of a MAC
			return
		}
	}
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(CheckRefused))
}
