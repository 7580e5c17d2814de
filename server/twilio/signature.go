package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's scheme
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Account is one of Twilio's accounts and a token that signs for it.
type Account struct {
	SID, AuthToken string

	Until time.Time // the token signs no more from then on; zero: it signs for good
}

// signs reports whether the token counts now.
func (a Account) signs() bool {
	return a.AuthToken != "" && (a.Until.IsZero() || time.Now().Before(a.Until))
}

// Proof says of a request whose signature was right what was signed.
type Proof struct {
	AccountSID string
	// SignatureKey names the signature and ContentKey what it was found to stand for. Twilio signs names and values run
	// together, so that one signature fits many requests; only together with the content does it name one.
	SignatureKey string // 128 bits of its SHA-256, as a UUID is written
	ContentKey   int64  // 64 bits of the SHA-256 of URL, names and values
}

// Sign computes X-Twilio-Signature: base64 of HMAC-SHA1, keyed by the auth
// token, over the URL and every parameter in order of name, its values sorted
// and without repeats. Source: twilio.com/docs/usage/security and Twilio's SDKs.
func Sign(token, fullURL string, params url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(fullURL))
	for name, values := range inOrder(params) {
		for _, v := range values {
			mac.Write([]byte(name + v))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// inOrder gives each name with its values as they are signed.
func inOrder(params url.Values) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		names := make([]string, 0, len(params))
		for name := range params {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if !yield(name, slices.Compact(slices.Sorted(slices.Values(params[name])))) {
				return
			}
		}
	}
}

// Verify checks a webhook with form parameters against each of the accounts
// (one stands there twice during rotation). Twilio signs with or without the
// default port, and escapes ' in the query, so each spelling is tried.
func Verify(accounts []Account, fullURL string, params url.Values, signature string) (Proof, bool) {
	if signature == "" {
		return Proof{}, false
	}
	for _, account := range accounts {
		if !account.signs() {
			continue
		}
		for _, spelling := range spellings(fullURL) {
			if hmac.Equal([]byte(Sign(account.AuthToken, spelling, params)), []byte(signature)) {
				return proof(account.SID, spelling, params, signature), true
			}
		}
	}
	return Proof{}, false
}

// VerifyBody checks a webhook with any other body, as JSON: Twilio signs the URL
// alone, whose query takes the SHA-256 of the body along as bodySHA256.
func VerifyBody(accounts []Account, fullURL string, body []byte, signature string) (Proof, bool) {
	u, err := url.Parse(fullURL)
	if err != nil {
		return Proof{}, false
	}
	sums := u.Query()["bodySHA256"]
	if len(sums) != 1 || !hmac.Equal([]byte(strings.ToLower(sums[0])), []byte(BodyHash(body))) {
		return Proof{}, false
	}
	return Verify(accounts, fullURL, nil, signature)
}

// BodyHash is what bodySHA256 says of a body.
func BodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// ValidSignature reports whether one of the tokens signed a webhook.
func ValidSignature(tokens []string, fullURL string, params url.Values, signature string) bool {
	accounts := make([]Account, len(tokens))
	for i, token := range tokens {
		accounts[i].AuthToken = token
	}
	_, ok := Verify(accounts, fullURL, params, signature)
	return ok
}

func proof(account, spelling string, params url.Values, signature string) Proof {
	content := sha256.New()
	write(content, signature) // which nobody keeps: else whoever reads the hash could try out the numbers in it
	write(content, spelling)
	for name, values := range inOrder(params) {
		write(content, name)
		_ = binary.Write(content, binary.BigEndian, uint32(len(values))) // a hash takes everything
		for _, v := range values {
			write(content, v)
		}
	}
	key := sha256.Sum256([]byte(signature))
	return Proof{
		AccountSID: account, SignatureKey: hex.EncodeToString(key[:16]),
		ContentKey: int64(binary.BigEndian.Uint64(content.Sum(nil))),
	}
}

// write tells where a text ends, which is what Twilio's signature does not.
func write(h hash.Hash, s string) {
	_ = binary.Write(h, binary.BigEndian, uint32(len(s)))
	_, _ = h.Write([]byte(s))
}

var messageSID = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// ValidMessageSID reports whether this can be the id of one of Twilio's messages.
func ValidMessageSID(sid string) bool { return messageSID.MatchString(sid) }

func spellings(full string) []string {
	out := []string{full}
	u, err := url.Parse(full)
	if err != nil {
		return out
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	authority := u.Scheme + "://" + u.Host
	switch {
	case u.Port() == "" && port != "":
		out = append(out, authority+":"+port+full[len(authority):])
	case u.Port() != "":
		out = append(out, u.Scheme+"://"+u.Hostname()+full[len(authority):])
	}
	if path, query, ok := strings.Cut(full, "?"); ok && strings.Contains(query, "'") {
		out = append(out, path+"?"+strings.ReplaceAll(query, "'", "%27"))
	}
	return out
}
