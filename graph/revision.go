package graph

import (
	"context"
	"strings"

	"eventstream/server/audit"
	"eventstream/server/globalid"
)

// theSettings are those of the whole engine.
var theSettings = audit.Thing{Entity: "settings", ID: 1}

// thingOf is what the audit trail calls a node; nothing, where it is none.
func thingOf(id string) audit.Thing {
	kind, n, _ := globalid.Split(id)
	for entity, of := range entityKinds {
		if of == kind {
			return audit.Thing{Entity: entity, ID: n}
		}
	}
	return audit.Thing{Entity: strings.ToLower(kind), ID: n}
}

func revisionOf(ctx context.Context, thing audit.Thing) (int, error) {
	n, err := load(ctx).revisions.Load(ctx, thing)
	return int(n), err
}

// expecting has an update refused that was made on an older revision than there is.
func expecting(ctx context.Context, thing audit.Thing, revision *int) context.Context {
	if revision == nil {
		return ctx
	}
	return audit.Expecting(ctx, thing, int64(*revision))
}
