// Package actor says on whose behalf the code runs. Every use case takes it
// from the context, checks its role and writes it to the audit trail.
package actor

import (
	"context"

	"eventstream/server/apperr"
)

// Role is what an operator or API token may do; each includes the one before.
type Role string

// Roles, from the weakest.
const (
	RoleViewer   Role = "viewer"   // reads
	RoleMarketer Role = "marketer" // also changes contacts, segments, templates, campaigns
	RoleAdmin    Role = "admin"    // also operators, senders, tokens, settings
)

var rank = map[Role]int{RoleViewer: 1, RoleMarketer: 2, RoleAdmin: 3}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return rank[r] > 0 }

// Includes reports whether r may do what other may.
func (r Role) Includes(other Role) bool { return r.Valid() && rank[r] >= rank[other] }

// Kind is the sort of actor.
type Kind string

// Kinds of actor, as the audit trail names them.
const (
	KindOperator Kind = "operator"
	KindAPIToken Kind = "api_token"
	KindSystem   Kind = "system"
	KindContact  Kind = "contact"
)

// Actor is who acts.
type Actor struct {
	Kind Kind
	ID   int64 // operator, token or contact; 0 for the system
	Role Role  // empty for contacts
}

// System acts for the engine's own jobs.
var System = Actor{Kind: KindSystem, Role: RoleAdmin}

// Contact acts for a person who wrote to us.
func Contact(id int64) Actor { return Actor{Kind: KindContact, ID: id} }

type (
	actorKey   struct{}
	requestKey struct{}
)

// With puts a into the context.
func With(ctx context.Context, a Actor) context.Context { return context.WithValue(ctx, actorKey{}, a) }

// From gives the actor of the context; the zero Actor when nobody signed in.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// OperatorID is the acting operator's id, or nil.
func OperatorID(ctx context.Context) *int64 {
	if a := From(ctx); a.Kind == KindOperator {
		return &a.ID
	}
	return nil
}

// Require refuses an actor whose role does not include role.
func Require(ctx context.Context, role Role) error {
	a := From(ctx)
	if a.Kind == "" {
		return apperr.New(apperr.CodeUnauthenticated, "sign in first")
	}
	if !a.Role.Includes(role) {
		return apperr.New(apperr.CodeForbidden, "this needs the role %s", role)
	}
	return nil
}

// WithRequestID keeps the id that joins log lines, audit entries and answers.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID gives the id of the request, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
