// Package globalid makes the opaque ids that clients see: base64 of
// "Contact:42", as Relay wants them.
package globalid

import (
	"encoding/base64"
	"strconv"
	"strings"

	"eventstream/server/apperr"
)

// Encode makes the id of one thing.
func Encode(kind string, id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + strconv.FormatInt(id, 10)))
}

// historical is the kind that has ids below zero: messages from before this system was
// used, see message.Past.
const historical = "Message"

// Split gives kind and number of an id; ok is false when it is none.
func Split(s string) (kind string, id int64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return "", 0, false
	}
	kind, number, found := strings.Cut(string(raw), ":")
	id, err = strconv.ParseInt(number, 10, 64)
	return kind, id, found && err == nil && (id > 0 || id < 0 && kind == historical)
}

// Decode reads an id of the given kind; field names it in the error.
func Decode(field, kind, s string) (int64, error) {
	got, id, ok := Split(s)
	if !ok {
		return 0, apperr.Invalid(field, "%q is not an id", s)
	}
	if got != kind {
		return 0, apperr.Invalid(field, "%q is the id of a %s, want a %s", s, got, kind)
	}
	return id, nil
}
