package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's scheme
	"encoding/base64"
	"net/url"
	"slices"
	"sort"
	"strings"
)

// Sign computes X-Twilio-Signature: base64 of HMAC-SHA1, keyed by the auth
// token, over the URL and every parameter in order of name, its values sorted
// and without repeats. Source: twilio.com/docs/usage/security and Twilio's SDKs.
func Sign(token, fullURL string, params url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(fullURL))
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		values := slices.Compact(slices.Sorted(slices.Values(params[name])))
		for _, v := range values {
			mac.Write([]byte(name + v))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// ValidSignature checks a webhook against each of the tokens (two during
// rotation). Twilio signs with or without the default port, and escapes ' in
// the query, so each spelling is tried.
func ValidSignature(tokens []string, fullURL string, params url.Values, signature string) bool {
	if signature == "" {
		return false
	}
	for _, token := range tokens {
		if token == "" {
			continue
		}
		for _, spelling := range spellings(fullURL) {
			if hmac.Equal([]byte(Sign(token, spelling, params)), []byte(signature)) {
				return true
			}
		}
	}
	return false
}

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
