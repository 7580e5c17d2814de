package consent

import (
	"context"
	"slices"
	"strings"

	"eventstream/server/actor"
	"eventstream/server/apperr"
)

// told are the sources that a program may name: it knows where it has a consent from.
var told = []Source{SourceAPI, SourceForm, SourceImport}

// sourceFor is the source of what the caller records. An operator records as one. A
// token may say where it has the consent from. That a person wrote a keyword, or that
// Twilio reported something, is known to the engine alone.
func sourceFor(ctx context.Context, field string, said Source) (Source, error) {
	if said == "" {
		return SourceOf(ctx), nil
	}
	switch actor.From(ctx).Kind {
	case actor.KindOperator:
		return "", apperr.Invalid(field, "%q cannot be said by an operator: what you record has the source OPERATOR; "+
			"leave it out", strings.ToUpper(string(said)))
	case actor.KindAPIToken:
		if !slices.Contains(told, said) {
			return "", apperr.Invalid(field, "%q cannot be said by a program: API, FORM or IMPORT", strings.ToUpper(string(said)))
		}
	case actor.KindSystem, actor.KindContact:
	}
	return said, nil
}
