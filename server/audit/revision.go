package audit

import (
	"context"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Thing is what an entry is about.
type Thing struct {
	Entity string
	ID     int64
}

// firstRevision is the revision of a thing that nobody has changed.
const firstRevision = 1

// Revisions tells how often what is set of each thing was changed, from 1 on. It grows
// with every entry of RecordChange and RecordFields that tells of a difference.
func (t *Trail) Revisions(ctx context.Context, things []Thing) (map[Thing]int64, error) {
	rows, err := revisions(ctx, t.db, things)
	found := make(map[Thing]int64, len(things))
	for _, thing := range things {
		found[thing] = firstRevision
	}
	for _, r := range rows {
		found[Thing{r.Entity, r.EntityID}] = r.Revision
	}
	return found, err
}

type expectedKey struct{}

type expected struct {
	thing    Thing
	revision int64
}

// Expecting has changes of a thing refused unless it stands at this revision: whoever
// asked for them saw that one. The refusal is a conflict of the field expectedVersion,
// and rolls the change back, since every change is recorded in its own transaction.
func Expecting(ctx context.Context, thing Thing, revision int64) context.Context {
	return context.WithValue(ctx, expectedKey{}, &expected{thing, revision})
}

// revise counts a change of a thing, whose row the caller has locked.
func revise(ctx context.Context, idb bun.IDB, thing Thing) error {
	e, _ := ctx.Value(expectedKey{}).(*expected)
	if e == nil || e.thing != thing {
		return countRevision(ctx, idb, thing, actor.From(ctx))
	}
	last, err := lastRevision(ctx, idb, thing)
	if err != nil {
		return err
	}
	if last.Revision != e.revision {
		refused := apperr.Conflict("%s changed this %s", last.who(), ago(time.Duration(last.Age*float64(time.Second))))
		refused.Field = []string{"expectedVersion"}
		return refused
	}
	if err := countRevision(ctx, idb, thing, actor.From(ctx)); err != nil {
		return err
	}
	e.revision++ // of one request with several changes, the next one builds on this one
	return nil
}

// who names whoever changed a thing last.
func (r *revisionRow) who() say.Text {
	switch actor.Kind(r.ActorKind) {
	case actor.KindOperator, actor.KindAPIToken:
		if r.Name != "" {
			return say.Raw(r.Name)
		}
	case actor.KindContact:
		return say.New("The contact")
	case actor.KindSystem:
	}
	return say.New("The engine")
}

// Named is how a campaign or a segment is called within a sentence.
func Named(entity, name string) say.Text {
	switch entity {
	case "campaign":
		return say.New("the campaign %q", name)
	case "segment":
		return say.New("the segment %q", name)
	}
	return say.New("%q", name)
}

// ago says how long ago something was, as people say it.
func ago(d time.Duration) say.Text {
	switch {
	case d < time.Minute:
		return say.New("just now")
	case d < time.Hour:
		return say.New("%d <minute|minutes> ago", int(d/time.Minute))
	case d < 24*time.Hour:
		return say.New("%d <hour|hours> ago", int(d/time.Hour))
	}
	return say.New("%d <day|days> ago", int(d/(24*time.Hour)))
}
