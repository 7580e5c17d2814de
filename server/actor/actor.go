// Package actor says on whose behalf the code runs. Every use case takes it
// from the context, checks its role and writes it to the audit trail.
package actor

import (
	"context"
	"net/netip"

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

// Lesser is the weaker of two roles.
func (r Role) Lesser(other Role) Role {
	if rank[r] < rank[other] {
		return r
	}
	return other
}

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
	Kind    Kind
	ID      int64  // operator, token or contact; 0 for the system
	Role    Role   // empty for contacts
	Owner   int64  // the operator whose token it is
	Scopes  Scopes // of a token
	Session int64  // the operator's session; 0 where there is none
	Recent  bool   // the operator proved a short while ago who they are
	Lacking bool   // the operator's role asks for a second factor, and they have none yet
}

// SameAccess reports whether a and b are the same actor and may do the same.
func (a Actor) SameAccess(b Actor) bool {
	a.Recent, b.Recent = false, false
	return a == b
}

// System acts for the engine's own jobs.
var System = Actor{Kind: KindSystem, Role: RoleAdmin}

// Contact acts for a person who wrote to us.
func Contact(id int64) Actor { return Actor{Kind: KindContact, ID: id} }

type (
	actorKey   struct{}
	requestKey struct{}
	addressKey struct{}
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

// Person is the operator who answers for what is done: the acting one, or the owner of
// the acting API token; nil when the engine acts.
func Person(ctx context.Context) *int64 {
	switch a := From(ctx); a.Kind {
	case KindOperator:
		return &a.ID
	case KindAPIToken:
		return &a.Owner
	default:
		return nil
	}
}

// TokenID is the acting API token's id, or nil.
func TokenID(ctx context.Context) *int64 {
	if a := From(ctx); a.Kind == KindAPIToken {
		return &a.ID
	}
	return nil
}

// Starter is who started what a job works on later: the operator or the token,
// with the role that starting it took; the system when neither did.
func Starter(operator, token *int64, role Role) Actor {
	switch {
	case operator != nil:
		return Actor{Kind: KindOperator, ID: *operator, Role: role}
	case token != nil:
		return Actor{Kind: KindAPIToken, ID: *token, Role: role, Scopes: AllScopes}
	}
	return System
}

// Require refuses an actor whose role does not include role, and one whose sign-in
// lacks what their role asks for.
func Require(ctx context.Context, role Role) error {
	a := From(ctx)
	if a.Kind == "" {
		return apperr.New(apperr.CodeUnauthenticated, "sign in first")
	}
	if a.Lacking {
		return apperr.New(apperr.CodeSecondFactor,
			"your role asks for a second step at sign-in: set one up under Account")
	}
	if !a.Role.Includes(role) {
		return apperr.New(apperr.CodeForbidden, "this needs the role %s", role)
	}
	return nil
}

// RequirePerson refuses everybody but people whose role includes role, and the
// system: it guards what no machine may do, whatever its role.
func RequirePerson(ctx context.Context, role Role) error {
	if err := Require(ctx, role); err != nil {
		return err
	}
	if kind := From(ctx).Kind; kind != KindOperator && kind != KindSystem {
		return apperr.New(apperr.CodeForbidden, "only people do this: API tokens cannot")
	}
	return nil
}

// RequireSignedIn refuses everybody but operators: it guards what concerns oneself,
// which is allowed whatever one's role still asks for.
func RequireSignedIn(ctx context.Context) error {
	switch From(ctx).Kind {
	case KindOperator:
		return nil
	case "":
		return apperr.New(apperr.CodeUnauthenticated, "sign in first")
	}
	return apperr.New(apperr.CodeForbidden, "only people do this: API tokens cannot")
}

// RequireRecent refuses an operator who signed in too long ago for an act that
// cannot be undone. Tokens and the system, which cannot sign in again, pass.
func RequireRecent(ctx context.Context) error {
	if a := From(ctx); a.Kind == KindOperator && !a.Recent {
		return apperr.New(apperr.CodeConfirm, "confirm that it is you: enter your password again")
	}
	return nil
}

// WithAddress keeps the network address that the request came from.
func WithAddress(ctx context.Context, address netip.Addr) context.Context {
	return context.WithValue(ctx, addressKey{}, address)
}

// Address gives the network address that the request came from; the zero Addr
// outside of requests.
func Address(ctx context.Context) netip.Addr {
	address, _ := ctx.Value(addressKey{}).(netip.Addr)
	return address
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
