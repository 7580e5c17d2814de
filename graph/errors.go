package graph

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// payloadErrors splits an error: what a person can fix goes into the payload, all
// else stays an error.
func payloadErrors(err error) ([]*model.UserError, error) {
	out := []*model.UserError{}
	if err == nil {
		return out, nil
	}
	list, many := errors.AsType[apperr.List](err)
	if !many {
		one, ok := errors.AsType[*apperr.Error](err)
		if !ok {
			return nil, err
		}
		list = apperr.List{one}
	}
	for _, e := range list {
		switch e.Code {
		case apperr.CodeInvalid, apperr.CodeNotFound, apperr.CodeConflict:
			out = append(out, toUserError(e))
		default:
			return nil, err
		}
	}
	return out, nil
}

func toUserError(e *apperr.Error) *model.UserError {
	return &model.UserError{Field: e.Field, Code: string(e.Code), Message: e.Message}
}

// kept is v when the payload has no errors, else nil.
func kept[T any](errs []*model.UserError, v *T) *T {
	if len(errs) > 0 {
		return nil
	}
	return v
}

// presentError decides what a client sees: a safe text with a code. What has
// none is for a person to fix: it goes to the log, with the request's id.
func presentError(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		shown := graphql.DefaultErrorPresenter(ctx, err)
		defer func() { shown.Message = shortened(shown.Message) }()
		code := func(c string) {
			if shown.Extensions == nil {
				shown.Extensions = map[string]any{}
			}
			shown.Extensions["code"] = c
		}
		if list, ok := errors.AsType[apperr.List](err); ok && len(list) > 0 {
			shown.Message = say.From(ctx).Say(apperr.Text(list))
			code(strings.ToUpper(string(list[0].Code)))
			return shown
		}
		if e, ok := errors.AsType[*apperr.Error](err); ok {
			shown.Message = say.From(ctx).Say(e.Message)
			if e.Code == apperr.CodeInternal {
				log.ErrorContext(ctx, "graphql", "path", shown.Path.String(), "error", err)
			}
			code(strings.ToUpper(string(e.Code)))
			if len(e.Field) > 0 {
				shown.Extensions["field"] = e.Field
			}
			if e.Code == apperr.CodeRateLimited {
				shown.Extensions["retryAfter"] = 1 // seconds: a connection of theirs is free soon
			}
			return shown
		}
		if errors.Is(err, context.DeadlineExceeded) {
			shown.Message = say.From(ctx).Say(say.New("this took too long and was stopped: ask for less at once"))
			code("UNAVAILABLE")
			return shown
		}
		var own *gqlerror.Error
		// gqlgen's own words: syntax, validation, limits
		if errors.As(err, &own) && errors.Unwrap(own) == nil || shown.Extensions["code"] != nil {
			if shown.Extensions["code"] == nil { // of a transport
				code("INVALID")
				if strings.Contains(shown.Message, "body") {
					shown.Message = "the request is not a GraphQL request in JSON" // gqlgen would repeat all of it
				}
			}
			return shown
		}
		if errors.Is(err, context.Canceled) {
			shown.Message = "canceled"
			code("CANCELED")
			return shown
		}
		log.ErrorContext(ctx, "graphql", "path", shown.Path.String(), "request_id", actor.RequestID(ctx), "error", err)
		shown.Message = say.From(ctx).Say(say.New("internal error; it is in the log under request %s", actor.RequestID(ctx)))
		code("INTERNAL")
		return shown
	}
}

// longestMessage keeps an answer from repeating all of what was wrong, in bytes.
const longestMessage = 1000

func shortened(text string) string {
	if len(text) <= longestMessage {
		return text
	}
	return strings.ToValidUTF8(text[:longestMessage], "") + "…"
}

func init() { // once: the table is the package's own
	errcode.RegisterErrorType("COMPLEXITY_LIMIT_EXCEEDED", errcode.KindProtocol)
}
