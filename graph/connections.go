package graph

import (
	"context"

	"eventstream/graph/model"
	"eventstream/server/audit"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/importer"
	"eventstream/server/media"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/segment"
	"eventstream/server/template"
	"eventstream/server/webhookevent"
)

// by makes the cursor of a list sorted by id.
func by[T any](id func(T) int64) func(T) string {
	return func(v T) string { return db.Cursor("", id(v)) }
}

func (r *Resolver) messageConnection(ctx context.Context, f message.Filter,
	p db.Page,
) (*model.MessageConnection, error) {
	s, err := r.Services.Messages.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	return r.messagePage(f, s), nil
}

// messagesOf is a page of one contact's messages, read together with those of others.
func (r *Resolver) messagesOf(ctx context.Context, contact int64, first *int, after *string,
	said bool,
) (*model.MessageConnection, error) {
	s, err := load(ctx).messagesOf.Load(ctx, keyOf(contact, first, after, said))
	if err != nil {
		return nil, err
	}
	return r.messagePage(message.Filter{ContactID: &contact, Said: said}, s), nil
}

func (r *Resolver) messagePage(f message.Filter, s db.Slice[*message.Message]) *model.MessageConnection {
	edges, nodes, info := connect(s, toMessage, f.CursorOf,
		func(c string, n *model.Message) *model.MessageEdge { return &model.MessageEdge{Cursor: c, Node: n} })
	return &model.MessageConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Services.Messages.Count(ctx, f) },
	}
}

func (r *Resolver) conversationConnection(ctx context.Context, f conversation.Filter,
	p db.Page,
) (*model.ConversationConnection, error) {
	s, err := r.Conversations.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, r.toConversation, conversation.CursorOf,
		func(c string, n *model.Conversation) *model.ConversationEdge {
			return &model.ConversationEdge{Cursor: c, Node: n}
		})
	return &model.ConversationConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Conversations.Count(ctx, f) },
	}, nil
}

func (r *Resolver) contactConnection(ctx context.Context, f contact.Filter, o contact.Order,
	p db.Page,
) (*model.ContactConnection, error) {
	s, err := r.Services.Contacts.List(ctx, f, o, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toContact, func(c *contact.Contact) string { return contact.CursorOf(c, o) },
		func(c string, n *model.Contact) *model.ContactEdge { return &model.ContactEdge{Cursor: c, Node: n} })
	return &model.ContactConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Services.Contacts.Count(ctx, f) },
	}, nil
}

func (r *Resolver) campaignConnection(ctx context.Context, f campaign.Filter,
	p db.Page,
) (*model.CampaignConnection, error) {
	s, err := r.Services.Campaigns.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toCampaign, by(func(c *campaign.Campaign) int64 { return c.ID }),
		func(c string, n *model.Campaign) *model.CampaignEdge { return &model.CampaignEdge{Cursor: c, Node: n} })
	return &model.CampaignConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Services.Campaigns.Count(ctx, f) },
	}, nil
}

func (r *Resolver) segmentConnection(ctx context.Context, search string, p db.Page) (*model.SegmentConnection, error) {
	s, err := r.Services.Segments.List(ctx, search, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toSegment, by(func(x *segment.Segment) int64 { return x.ID }),
		func(c string, n *model.Segment) *model.SegmentEdge { return &model.SegmentEdge{Cursor: c, Node: n} })
	return &model.SegmentConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Services.Segments.Count(ctx, search) },
	}, nil
}

func (r *Resolver) templateConnection(ctx context.Context, f template.Filter,
	p db.Page,
) (*model.TemplateConnection, error) {
	s, err := r.Services.Templates.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	ids := mapped(s.Items, func(t *template.Template) int64 { return t.ID })
	versions, err := r.Services.Templates.NewestVersions(ctx, ids)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, func(t *template.Template) *model.Template { return toTemplate(t, versions[t.ID]) },
		by(func(t *template.Template) int64 { return t.ID }),
		func(c string, n *model.Template) *model.TemplateEdge { return &model.TemplateEdge{Cursor: c, Node: n} })
	return &model.TemplateConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Services.Templates.Count(ctx, f) },
	}, nil
}

func (r *Resolver) mediaFileConnection(ctx context.Context, f media.Filter, p db.Page) (*model.MediaFileConnection, error) {
	s, err := r.Services.Media.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toMediaFile, by(func(f *media.File) int64 { return f.ID }),
		func(c string, n *model.MediaFile) *model.MediaFileEdge {
			return &model.MediaFileEdge{Cursor: c, Node: n}
		})
	return &model.MediaFileConnection{
		Edges: edges, Nodes: nodes, PageInfo: info,
		Counter: func(ctx context.Context) (int64, error) { return r.Services.Media.Count(ctx, f) },
	}, nil
}

func (r *Resolver) importConnection(ctx context.Context, p db.Page) (*model.ImportConnection, error) {
	s, err := r.Services.Imports.List(ctx, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toImport, by(func(i *importer.Import) int64 { return i.ID }),
		func(c string, n *model.Import) *model.ImportEdge { return &model.ImportEdge{Cursor: c, Node: n} })
	return &model.ImportConnection{Edges: edges, Nodes: nodes, PageInfo: info, Counter: r.Services.Imports.Count}, nil
}

func (r *Resolver) consentConnection(ctx context.Context, f consent.EventFilter,
	p db.Page,
) (*model.ConsentEventConnection, error) {
	s, err := r.Services.Consents.Events(ctx, f, p)
	if err != nil {
		return nil, err
	}
	return consentPage(s), nil
}

func consentPage(s db.Slice[*consent.Event]) *model.ConsentEventConnection {
	edges, nodes, info := connect(s, toConsentEvent, by(func(e *consent.Event) int64 { return e.ID }),
		func(c string, n *model.ConsentEvent) *model.ConsentEventEdge {
			return &model.ConsentEventEdge{Cursor: c, Node: n}
		})
	return &model.ConsentEventConnection{Edges: edges, Nodes: nodes, PageInfo: info}
}

func (r *Resolver) consentTextConnection(ctx context.Context, p db.Page) (*model.ConsentTextConnection, error) {
	s, err := r.Services.Consents.Texts(ctx, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toConsentText, by(func(t *consent.Text) int64 { return t.ID }),
		func(c string, n *model.ConsentText) *model.ConsentTextEdge {
			return &model.ConsentTextEdge{Cursor: c, Node: n}
		})
	return &model.ConsentTextConnection{Edges: edges, Nodes: nodes, PageInfo: info}, nil
}

func (r *Resolver) optOutReviewConnection(ctx context.Context, p db.Page) (*model.OptOutReviewConnection, error) {
	s, err := r.OptOuts.Open(ctx, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toOptOutReview, by(func(v *optout.Review) int64 { return v.ID }),
		func(c string, n *model.OptOutReview) *model.OptOutReviewEdge {
			return &model.OptOutReviewEdge{Cursor: c, Node: n}
		})
	return &model.OptOutReviewConnection{Edges: edges, Nodes: nodes, PageInfo: info, Counter: r.OptOuts.CountOpen}, nil
}

func (r *Resolver) optInRequestConnection(ctx context.Context, of *model.OptInRequestStatus, p db.Page) (*model.OptInRequestConnection,
	error,
) {
	var status doubleoptin.Status
	if of != nil {
		status = lower[doubleoptin.Status](*of)
	}
	s, err := r.DoubleOptIns.List(ctx, status, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toOptInRequest, by(func(v *doubleoptin.Request) int64 { return v.ID }),
		func(c string, n *model.OptInRequest) *model.OptInRequestEdge {
			return &model.OptInRequestEdge{Cursor: c, Node: n}
		})
	count := func(ctx context.Context) (int64, error) { return r.DoubleOptIns.Count(ctx, status) }
	return &model.OptInRequestConnection{Edges: edges, Nodes: nodes, PageInfo: info, Counter: count}, nil
}

func (r *Resolver) suppressionConnection(ctx context.Context, f consent.SuppressionFilter,
	p db.Page,
) (*model.SuppressionConnection, error) {
	s, err := r.Services.Consents.Suppressions(ctx, f, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toSuppression, by(func(su *consent.Suppression) int64 { return su.ID }),
		func(c string, n *model.Suppression) *model.SuppressionEdge {
			return &model.SuppressionEdge{Cursor: c, Node: n}
		})
	return &model.SuppressionConnection{Edges: edges, Nodes: nodes, PageInfo: info}, nil
}

func (r *Resolver) auditConnection(ctx context.Context, f audit.Filter,
	p db.Page,
) (*model.AuditEntryConnection, error) {
	s, err := r.Services.Trail.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toAuditEntry, f.CursorOf,
		func(c string, n *model.AuditEntry) *model.AuditEntryEdge {
			return &model.AuditEntryEdge{Cursor: c, Node: n}
		})
	return &model.AuditEntryConnection{Edges: edges, Nodes: nodes, PageInfo: info}, nil
}

func (r *Resolver) deliveryEventConnection(ctx context.Context, p db.Page) (*model.DeliveryEventConnection, error) {
	s, err := r.Services.Messages.RecentEvents(ctx, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, r.toDeliveryEvent, by(func(e *message.DeliveryEvent) int64 { return e.ID }),
		func(c string, n *model.DeliveryEvent) *model.DeliveryEventEdge {
			return &model.DeliveryEventEdge{Cursor: c, Node: n}
		})
	return &model.DeliveryEventConnection{Edges: edges, Nodes: nodes, PageInfo: info}, nil
}

func (r *Resolver) webhookConnection(ctx context.Context, f webhookevent.Filter,
	p db.Page,
) (*model.WebhookEventConnection, error) {
	s, err := r.Services.Webhooks.List(ctx, f, p)
	if err != nil {
		return nil, err
	}
	edges, nodes, info := connect(s, toWebhookEvent, by(func(e *webhookevent.Event) int64 { return e.ID }),
		func(c string, n *model.WebhookEvent) *model.WebhookEventEdge {
			return &model.WebhookEventEdge{Cursor: c, Node: n}
		})
	return &model.WebhookEventConnection{Edges: edges, Nodes: nodes, PageInfo: info}, nil
}
