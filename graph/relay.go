package graph

import (
	"eventstream/graph/model"
	"eventstream/server/db"
	"eventstream/server/globalid"
)

// Kinds of global ids.
const (
	kindAPIToken      = "ApiToken"
	kindAuditEntry    = "AuditEntry"
	kindBulkAction    = "BulkAction"
	kindCampaign      = "Campaign"
	kindConsentEvent  = "ConsentEvent"
	kindContact       = "Contact"
	kindContactView   = "ContactView"
	kindConversation  = "Conversation"
	kindDeliveryEvent = "DeliveryEvent"
	kindImport        = "Import"
	kindMessage       = "Message"
	kindOperator      = "Operator"
	kindSegment       = "Segment"
	kindSender        = "Sender"
	kindSuppression   = "Suppression"
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
