package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"

	"eventstream/server/actor"
)

// How much of a body is read before anything is made of it.
const (
	StrangersBody = 64 << 10 // of who has neither session nor token; JSON only
	MembersBody   = 1 << 20  // of who has; files have limits of their own, see Uploads
)

// Bodies reads a request's body, as far as the caller may send one, and hands it on whole. Who has neither session nor
// token is refused before the first byte of anything but JSON is read. A member's multipart request goes on unread: its
// reader first finds out whether this member may send a file there.
func Bodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		member := actor.From(r.Context()).Kind != ""
		limit := int64(MembersBody)
		switch {
		case member && kind == "multipart/form-data":
			next.ServeHTTP(w, r)
			return
		case !member && kind != "application/json":
			Refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED",
				"sign in first, or send a token: signed out, only JSON is read")
			return
		case !member:
			limit = StrangersBody
		}
		body, ok := readAll(w, r, limit)
		if !ok {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	if r.ContentLength > limit {
		tooLarge(w, limit)
		return nil, false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		Refuse(w, http.StatusRequestTimeout, "TIMEOUT", "the request's body came too slowly")
		return nil, false
	case err != nil:
		Refuse(w, http.StatusBadRequest, "INVALID", "the request's body broke off")
		return nil, false
	case int64(len(body)) > limit:
		tooLarge(w, limit)
		return nil, false
	}
	return body, true
}

func tooLarge(w http.ResponseWriter, limit int64) {
	Refuse(w, http.StatusRequestEntityTooLarge, "TOO_LARGE",
		fmt.Sprintf("the request's body is larger than %d bytes", limit))
}

// Refuse answers as GraphQL does, with one error, and ends the connection: what the client still sends is not read.
func Refuse(w http.ResponseWriter, status int, code, text string) {
	_ = http.NewResponseController(w).EnableFullDuplex() // else the server reads on before it answers; HTTP/1 only
	body, _ := json.Marshal(map[string]any{              // texts always marshal
		"errors": []any{map[string]any{"message": text, "extensions": map[string]any{"code": code}}},
	})
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
