package graph

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"eventstream/graph/model"
	"eventstream/server/campaign"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/segment"
	"eventstream/server/template"
)

// search asks each kind for as many as there are places in all, so that one that finds much can fill what others leave.
func (r *Resolver) search(ctx context.Context, text string, places int) ([]*model.SearchResult, error) {
	text = contact.CleanText(text)
	if text == "" {
		return []*model.SearchResult{}, nil
	}
	p := db.Page{First: &places}
	contacts, err := r.Services.Contacts.List(ctx, contact.Filter{Search: text}, contact.OrderNewest, p)
	if err != nil {
		return nil, err
	}
	campaigns, err := r.Services.Campaigns.List(ctx, campaign.Filter{Search: text}, p)
	if err != nil {
		return nil, err
	}
	segments, err := r.Services.Segments.List(ctx, text, p)
	if err != nil {
		return nil, err
	}
	templates, err := r.templateConnection(ctx, template.Filter{Search: text}, p)
	if err != nil {
		return nil, err
	}
	return shared(places,
		mapped(contacts.Items, func(c *contact.Contact) *model.SearchResult {
			return &model.SearchResult{Node: toContact(c), Title: cmp.Or(c.Name, c.Address), Detail: contact.Spaced(c.Address)}
		}),
		mapped(campaigns.Items, func(c *campaign.Campaign) *model.SearchResult {
			return &model.SearchResult{Node: toCampaign(c), Title: c.Name, Detail: strings.ToUpper(string(c.Status))}
		}),
		mapped(segments.Items, func(s *segment.Segment) *model.SearchResult {
			found := &model.SearchResult{Node: toSegment(s), Title: s.Name}
			if s.LastCount != nil {
				found.Detail = fmt.Sprint(*s.LastCount)
			}
			return found
		}),
		mapped(templates.Nodes, func(t *model.Template) *model.SearchResult {
			return &model.SearchResult{Node: t, Title: t.Name, Detail: t.Language}
		}),
	), nil
}

// shared gives each list its share of the places, in turns, and what one does not need to the others. They stay in
// their order.
func shared[T any](places int, lists ...[]T) []T {
	take, left := make([]int, len(lists)), places
	for given := true; given && left > 0; {
		given = false
		for i, list := range lists {
			if left > 0 && take[i] < len(list) {
				take[i]++
				left--
				given = true
			}
		}
	}
	out := make([]T, 0, places-left)
	for i, list := range lists {
		out = append(out, list[:take[i]]...)
	}
	return out
}
