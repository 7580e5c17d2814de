package graph

import (
	"context"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/globalid"
)

// Kinds of global ids.
const (
	kindAPIToken      = "ApiToken"
	kindAuditEntry    = "AuditEntry"
	kindBulkAction    = "BulkAction"
	kindCampaign      = "Campaign"
	kindCannedReply   = "CannedReply"
	kindConsentEvent  = "ConsentEvent"
	kindConsentText   = "ConsentText"
	kindContact       = "Contact"
	kindContactView   = "ContactView"
	kindConversation  = "Conversation"
	kindDeliveryEvent = "DeliveryEvent"
	kindImport        = "Import"
	kindLabel         = "Label"
	kindMediaFile     = "MediaFile"
	kindMessage       = "Message"
	kindOperator      = "Operator"
	kindPasskey       = "Passkey"
	kindSegment       = "Segment"
	kindSender        = "Sender"
	kindSession       = "Session"
	kindSuppression   = "Suppression"
	kindOptOutReview  = "OptOutReview"        // has ids, and is no Node
	kindWebhookChange = "SenderWebhookChange" // likewise
	kindOptInRequest  = "OptInRequest"        // the same
	kindNote          = "Note"                // the same
	kindTopic         = "Topic"
	kindTemplate      = "Template"
	kindWebhookEvent  = "WebhookEvent"
)

func encode(kind string, id int64) string { return globalid.Encode(kind, id) }

// own reads the id of an object we made ourselves.
func own(id string) int64 {
	_, n, _ := globalid.Split(id)
	return n
}

// optional reads an id that may be absent.
func optional(field, kind string, id *string) (*int64, error) {
	if id == nil || *id == "" {
		return nil, nil //nolint:nilnil // absent is a value here
	}
	n, err := globalid.Decode(field, kind, *id)
	if err != nil {
		return nil, err
	}
	return &n, nil
}

// decoded reads a list of ids.
func decoded(field, kind string, ids []string) ([]int64, error) {
	var errs apperr.List
	out := make([]int64, len(ids))
	for i, id := range ids {
		n, err := globalid.Decode(field, kind, id)
		_ = errs.Add(err)
		out[i] = n
	}
	return out, errs.Err()
}

func page(first *int, after *string) db.Page { return fullPage(first, after, nil, nil) }

func fullPage(first *int, after *string, last *int, before *string) db.Page {
	p := db.Page{First: first, Last: last}
	if after != nil {
		p.After = *after
	}
	if before != nil {
		p.Before = *before
	}
	return p
}

// connect makes the parts of a connection.
func connect[T, N, E any](s db.Slice[T], node func(T) N, cursor func(T) string,
	edge func(string, N) E,
) ([]E, []N, *model.PageInfo) {
	edges, nodes := make([]E, len(s.Items)), make([]N, len(s.Items))
	info := &model.PageInfo{HasNextPage: s.HasNext, HasPreviousPage: s.HasPrior}
	for i, item := range s.Items {
		c := cursor(item)
		nodes[i] = node(item)
		edges[i] = edge(c, nodes[i])
		if i == 0 {
			info.StartCursor = &c
		}
		if i == len(s.Items)-1 {
			info.EndCursor = &c
		}
	}
	return edges, nodes, info
}

// nodeKind says who may ask for a node of a type, and how it is found. The role
// is that of the root field which lists the type.
type nodeKind struct {
	role   actor.Role
	people bool // not for API tokens
	find   func(context.Context, *Resolver, int64) (model.Node, error)
}

var nodeKinds = map[string]nodeKind{
	kindAPIToken: {actor.RoleAdmin, true, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		t, err := r.Auth.Token(ctx, id)
		return orNil(toToken(t), err)
	}},
	kindAuditEntry: {actor.RoleAdmin, false, findNothing},
	kindBulkAction: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		a, err := r.Bulk.ByID(ctx, id)
		return orNil(toBulkAction(a), err)
	}},
	kindCampaign: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		c, err := r.Campaigns.ByID(ctx, id)
		return orNil(toCampaign(c), err)
	}},
	kindCannedReply: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		c, err := r.Conversations.CannedByID(ctx, id)
		return orNil(toCannedReply(c), err)
	}},
	kindConsentEvent: {actor.RoleViewer, false, findNothing},
	kindConsentText: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		t, err := r.Consents.TextByID(ctx, id)
		return orNil(toConsentText(t), err)
	}},
	kindContact: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		c, err := r.Contacts.ByID(ctx, id)
		return orNil(toContact(c), err)
	}},
	kindContactView: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		v, err := r.Contacts.ViewByID(ctx, id)
		return orNil(toContactView(v), err)
	}},
	kindConversation: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		c, err := r.Conversations.ByID(ctx, id)
		return orNil(r.toConversation(c), err)
	}},
	kindDeliveryEvent: {actor.RoleViewer, false, findNothing},
	kindImport: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		i, err := r.Imports.ByID(ctx, id)
		return orNil(toImport(i), err)
	}},
	kindLabel: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		l, err := r.Conversations.LabelByID(ctx, id)
		return orNil(toLabel(l), err)
	}},
	kindMediaFile: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		f, err := r.Services.Media.ByID(ctx, id)
		return orNil(toMediaFile(f), err)
	}},
	kindMessage: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		m, err := r.Messages.ByID(ctx, id)
		return orNil(toMessage(m), err)
	}},
	kindOperator: {actor.RoleAdmin, true, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		o, err := r.Auth.Operator(ctx, id)
		if err != nil {
			return nil, err
		}
		return toOperator(ctx, o), nil
	}},
	kindSegment: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		s, err := r.Segments.ByID(ctx, id)
		return orNil(toSegment(s), err)
	}},
	kindSender: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		s, err := r.Senders.ByID(ctx, id)
		return orNil(toSender(s), err)
	}},
	kindSuppression: {actor.RoleViewer, false, findNothing},
	kindTemplate: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		t, err := r.Templates.ByID(ctx, id)
		if err != nil {
			return nil, err
		}
		versions, err := r.Templates.NewestVersions(ctx, []int64{id})
		return orNil(toTemplate(t, versions[id]), err)
	}},
	kindTopic: {actor.RoleViewer, false, func(ctx context.Context, r *Resolver, id int64) (model.Node, error) {
		t, err := r.Topics.ByID(ctx, id)
		return orNil(toTopic(t), err)
	}},
	kindWebhookEvent: {actor.RoleMarketer, false, findNothing},
}

// findNothing is for types that are only ever listed.
func findNothing(context.Context, *Resolver, int64) (model.Node, error) { return nil, nil } //nolint:nilnil // null

// node finds anything by its global id; nil when there is none. Who may not have
// the type is refused before anything is looked up.
func (r *Resolver) node(ctx context.Context, id string) (model.Node, error) {
	kind, n, ok := globalid.Split(id)
	if !ok {
		return nil, apperr.Invalid("id", "%q is not an id", id)
	}
	k, ok := nodeKinds[kind]
	if !ok {
		return nil, nil //nolint:nilnil // null, as Relay wants it
	}
	if err := k.allow(ctx, kind, n); err != nil {
		return nil, err
	}
	v, err := k.find(ctx, r, n)
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, nil //nolint:nilnil // null, as Relay wants it
	}
	return v, err
}

func (k nodeKind) allow(ctx context.Context, kind string, id int64) error {
	who := actor.From(ctx)
	switch {
	case kind == kindOperator && who.Kind == actor.KindOperator && who.ID == id:
		return nil // oneself
	case k.people:
		return actor.RequirePerson(ctx, k.role)
	}
	return actor.Require(ctx, k.role)
}

// orNil keeps a typed nil out of the interface.
func orNil[T any, P interface {
	*T
	model.Node
}](v P, err error) (model.Node, error) {
	if err != nil || v == nil {
		return nil, err
	}
	return v, nil
}
