// Package apperr carries errors that people may see. Message is safe to show;
// the cause is for the log only.
package apperr

import (
	"errors"
	"strings"

	"eventstream/server/say"
)

// Code tells a client what kind of error it got. Transports map it to theirs.
type Code string

// The codes, lower case; GraphQL shows them in upper case.
const (
	CodeInvalid         Code = "invalid"         // the input breaks a rule that the message names
	CodeNotFound        Code = "not_found"       // no such thing, or not for this caller
	CodeConflict        Code = "conflict"        // the thing's present state forbids it
	CodeUnauthenticated Code = "unauthenticated" // sign in first
	CodeForbidden       Code = "forbidden"       // the role does not allow it
	CodeConfirm         Code = "confirm"         // signed in too long ago for this: confirm who you are, then try again
	CodeRateLimited     Code = "rate_limited"    // too often; try later
	CodeUnavailable     Code = "unavailable"     // a part we need is away; try later
	CodeSecondFactor    Code = "second_factor"   // the role asks for a second factor: set one up
	CodeInternal        Code = "internal"        // our fault; see the log
)

// Error is an error with a safe text.
type Error struct {
	Code    Code
	Message say.Text
	Field   []string // path into the input, when one field is to blame
	cause   error
}

// Error is for logs: it holds the cause.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message.String()
	if len(e.Field) > 0 {
		s = strings.Join(e.Field, ".") + ": " + s
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// New makes an error with a safe text.
func New(code Code, format say.Format, args ...any) *Error {
	for i, arg := range args {
		// What an error says within another is said in the reader's language too.
		if err, ok := arg.(error); ok {
			args[i] = err.Error()
			if CodeOf(err) != CodeInternal {
				args[i] = Text(err)
			}
		}
	}
	return Saying(code, say.New(format, args...))
}

// Saying makes an error of a text that is there already.
func Saying(code Code, text say.Text) *Error { return &Error{Code: code, Message: text} }

// Invalid blames one field of the input; field is dotted ("quietHours.start").
func Invalid(field string, format say.Format, args ...any) *Error {
	return New(CodeInvalid, format, args...).at(field)
}

// Blame blames one field of the input by a text that is there already.
func Blame(field string, text say.Text) *Error { return Saying(CodeInvalid, text).at(field) }

func (e *Error) at(field string) *Error {
	if field != "" {
		e.Field = strings.Split(field, ".")
	}
	return e
}

// NotFound says that there is no such thing: "campaign %v does not exist".
func NotFound(format say.Format, id any) *Error { return New(CodeNotFound, format, id) }

// Lacking blames the field of the input that named something when err says that
// there is no such thing; other errors stay.
func Lacking(field string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code == CodeNotFound {
		return Blame(field, e.Message)
	}
	return err
}

// Conflict says that the present state forbids it.
func Conflict(format say.Format, args ...any) *Error { return New(CodeConflict, format, args...) }

// Wrap keeps the cause for the log and shows the safe text.
func Wrap(cause error, code Code, format say.Format, args ...any) *Error {
	e := New(code, format, args...)
	e.cause = cause
	return e
}

// List is several errors at once, so that a form can show them all.
type List []*Error //nolint:errname // it reads as what it is: apperr.List

func (l List) Error() string {
	texts := make([]string, len(l))
	for i, e := range l {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// Add appends err, flattening lists; a nil err is nothing. An error that is
// not an *Error is returned to the caller, who must stop.
func (l *List) Add(err error) error {
	if err == nil {
		return nil
	}
	if many, ok := errors.AsType[List](err); ok {
		*l = append(*l, many...)
		return nil
	}
	if one, ok := errors.AsType[*Error](err); ok {
		*l = append(*l, one)
		return nil
	}
	return err
}

// Err is nil when the list is empty.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Text is what err says to people: without code and cause.
func Text(err error) say.Text {
	var list List
	var e *Error
	switch {
	case errors.As(err, &list) && len(list) > 0:
		texts := make([]say.Text, len(list))
		for i, e := range list {
			texts[i] = e.Message
		}
		return say.All(texts...)
	case errors.As(err, &e):
		return e.Message
	}
	return say.New("something went wrong on our side; the log knows more")
}

// CodeOf gives the code of err; internal when it has none.
func CodeOf(err error) Code {
	if list, ok := errors.AsType[List](err); ok && len(list) > 0 {
		return list[0].Code
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Is reports whether err carries code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
