package graph

import (
	"context"
	"time"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/auth"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/price"
	"eventstream/server/say"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vikstrous/dataloadgen"
)

type templateWithVersion struct {
	template *template.Template
	version  *template.Version
}

// loaders join the look-ups of one response, or of one subscription event.
type loaders struct {
	contacts      *dataloadgen.Loader[int64, *contact.Contact]
	campaigns     *dataloadgen.Loader[int64, *campaign.Campaign]
	progress      *dataloadgen.Loader[int64, *campaign.Progress]
	waiting       *dataloadgen.Loader[int64, campaign.Waiting]
	throughput    *dataloadgen.Loader[int64, campaign.Throughput]
	segments      *dataloadgen.Loader[int64, *segment.Segment]
	senders       *dataloadgen.Loader[int64, *sender.Sender]
	templates     *dataloadgen.Loader[int64, templateWithVersion]
	templateUsers *dataloadgen.Loader[int64, int64]
	reported      *dataloadgen.Loader[int64, *price.Reported]       // by message
	budgets       *dataloadgen.Loader[int64, *price.CampaignBudget] // by campaign
	charged       *dataloadgen.Loader[int64, []price.Charged]       // by campaign
	versions      *dataloadgen.Loader[int64, []*template.Version]   // by template
	translations  *dataloadgen.Loader[int64, []template.Text]
	variants      *dataloadgen.Loader[int64, campaign.Variants]
	reached       *dataloadgen.Loader[int64, campaign.Reached] // goals, by campaign
	shares        *dataloadgen.Loader[int64, campaign.Shares]
	lastOutbound  *dataloadgen.Loader[int64, *time.Time]
	links         *dataloadgen.Loader[int64, []*link.Counted] // by campaign
	countsClicks  *dataloadgen.Loader[int64, bool]            // by campaign
	clicks        *dataloadgen.Loader[int64, []*link.Opening] // by message
	messages      *dataloadgen.Loader[int64, *message.Message]
	events        *dataloadgen.Loader[int64, []*message.DeliveryEvent]
	attempts      *dataloadgen.Loader[int64, []*message.Attempt]
	undecided     *dataloadgen.Loader[int64, *time.Time]
	lastSaid      *dataloadgen.Loader[int64, *message.Message]
	conversations *dataloadgen.Loader[int64, *conversation.Conversation]
	operators     *dataloadgen.Loader[int64, *auth.Operator]
	duplicates    *dataloadgen.Loader[int64, []*contact.Contact]
	addresses     *dataloadgen.Loader[int64, []*contact.Known]
	suppressions  *dataloadgen.Loader[int64, []*model.Suppression] // by contact
	besides       *dataloadgen.Loader[int64, []*model.Suppression] // by suppression
	topics        *dataloadgen.Loader[int64, *topic.Topic]
	topicCounts   *dataloadgen.Loader[int64, topic.Counts]
	subscriptions *dataloadgen.Loader[int64, map[int64]*topic.Subscription]
	topicUsers    *dataloadgen.Loader[int64, []say.Text]
	segmentUsers  *dataloadgen.Loader[int64, []say.Text]
	optOutReviews *dataloadgen.Loader[int64, *optout.Review]
	optInRequests *dataloadgen.Loader[int64, *doubleoptin.Request]
	revisions     *dataloadgen.Loader[audit.Thing, int64]
	names         *dataloadgen.Loader[audit.Thing, *audit.Name]
	messagesOf    *dataloadgen.Loader[pageOf, db.Slice[*message.Message]]
	consentsOf    *dataloadgen.Loader[pageOf, db.Slice[*consent.Event]]
	notesOf       *dataloadgen.Loader[pageOf, db.Slice[*conversation.Note]] // by conversation
	labels        *dataloadgen.Loader[int64, []*conversation.Label]         // by conversation
	standings     *dataloadgen.Loader[standingAt, *consent.Standings]
}

// pageOf is a page of a list that belongs to a contact, or to a conversation.
type pageOf struct {
	of   int64
	page pageKey
	said bool // of messages: only what was written or sent
}

// standingAt asks where a contact stands, or stood at a moment.
type standingAt struct {
	contact int64
	moment
}

type moment struct {
	at   time.Time
	past bool // else now
}

// pageKey is what pages that are read together have in common.
type pageKey struct {
	first int
	given bool // first
	after string
}

func keyOf(of int64, first *int, after *string, said bool) pageOf {
	key := pageKey{after: text(after)}
	if first != nil {
		key.first, key.given = *first, true
	}
	return pageOf{of: of, page: key, said: said}
}

func (k pageKey) page() db.Page {
	p := db.Page{After: k.after}
	if k.given {
		p.First = &k.first
	}
	return p
}

// paged makes a loader of a function that reads the same page of many lists. A cursor
// that is none spoils only the lists that it was given for.
func paged[T any](read func(context.Context, bool, db.Page, []int64) (map[int64]db.Slice[T], error),
) *dataloadgen.Loader[pageOf, db.Slice[T]] {
	find := func(ctx context.Context, keys []pageOf) (map[pageOf]db.Slice[T], error) {
		together := map[pageOf][]int64{} // by what they have in common
		for _, k := range keys {
			alike := pageOf{page: k.page, said: k.said}
			together[alike] = append(together[alike], k.of)
		}
		found, failed := map[pageOf]db.Slice[T]{}, dataloadgen.MappedFetchError[pageOf]{}
		for alike, contacts := range together {
			pages, err := read(ctx, alike.said, alike.page.page(), contacts)
			for _, id := range contacts {
				alike.of = id
				if found[alike] = pages[id]; err != nil {
					failed[alike] = err
				}
			}
		}
		if len(failed) > 0 {
			return found, failed
		}
		return found, nil
	}
	return dataloadgen.NewMappedLoader(find, dataloadgen.WithWait(time.Millisecond), dataloadgen.WithBatchCapacity(500))
}

type loadersKey struct{}

func injectLoaders(s Services) graphql.ResponseMiddleware {
	return func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		if !graphql.HasOperationContext(ctx) { // protocol errors come through here too
			return next(ctx)
		}
		return next(context.WithValue(ctx, loadersKey{}, newLoaders(s)))
	}
}

func load(ctx context.Context) *loaders { return ctx.Value(loadersKey{}).(*loaders) }

// batched makes a loader of a function that finds many, in whatever order.
func batched[K comparable, V any](find func(context.Context, []K) (map[K]V, error)) *dataloadgen.Loader[K, V] {
	return dataloadgen.NewMappedLoader(find, dataloadgen.WithWait(time.Millisecond), dataloadgen.WithBatchCapacity(500))
}

func indexed[V any](find func(context.Context, []int64) ([]V, error), id func(V) int64) func(context.Context,
	[]int64) (map[int64]V, error) {
	return func(ctx context.Context, ids []int64) (map[int64]V, error) {
		rows, err := find(ctx, ids)
		byID := make(map[int64]V, len(rows))
		for _, r := range rows {
			byID[id(r)] = r
		}
		return byID, err
	}
}

// orNone gives nil for those that have none, which is no error.
func orNone[V any](fetch func(context.Context, []int64) (map[int64]*V, error)) func(context.Context, []int64) (map[int64]*V, error) {
	return func(ctx context.Context, ids []int64) (map[int64]*V, error) {
		found, err := fetch(ctx, ids)
		all := make(map[int64]*V, len(ids))
		for _, id := range ids {
			all[id] = found[id]
		}
		return all, err
	}
}

// listed fills in the empty list where nothing was found.
func listed[V any](find func(context.Context, []int64) (map[int64][]V, error)) func(context.Context,
	[]int64) (map[int64][]V, error) {
	return func(ctx context.Context, ids []int64) (map[int64][]V, error) {
		found, err := find(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if found[id] == nil {
				found[id] = []V{}
			}
		}
		return found, nil
	}
}

func newLoaders(s Services) *loaders {
	return &loaders{
		contacts:      batched(indexed(s.Contacts.ByIDs, func(c *contact.Contact) int64 { return c.ID })),
		campaigns:     batched(indexed(s.Campaigns.ByIDs, func(c *campaign.Campaign) int64 { return c.ID })),
		progress:      batched(s.Campaigns.ProgressOf),
		waiting:       batched(s.Campaigns.WaitingOf),
		throughput:    batched(s.Campaigns.ThroughputOf),
		segments:      batched(indexed(s.Segments.ByIDs, func(x *segment.Segment) int64 { return x.ID })),
		senders:       batched(indexed(s.Senders.ByIDs, func(x *sender.Sender) int64 { return x.ID })),
		templateUsers: batched(s.Templates.CampaignsOf),
		reported:      batched(s.Prices.ReportedOf),
		budgets:       batched(s.Prices.Budgets),
		charged:       batched(s.Prices.Of),
		links:         batched(s.Links.OfCampaigns),
		countsClicks:  batched(s.Campaigns.CountsClicks),
		clicks:        batched(s.Links.OfMessages),
		shares:        batched(s.Campaigns.SharesOf),
		variants:      batched(s.Campaigns.VariantsOf),
		reached:       batched(s.Campaigns.ReachedOf),
		lastOutbound:  batched(s.Messages.LastOutbound),
		messages:      batched(indexed(s.Messages.ByIDs, func(m *message.Message) int64 { return m.ID })),
		versions:      batched(s.Templates.VersionsOf),
		translations: batched(func(ctx context.Context, ids []int64) (map[int64][]template.Text, error) {
			found, err := s.Templates.TranslationsOf(ctx, ids)
			for _, id := range ids {
				if _, ok := found[id]; !ok && err == nil {
					found[id] = nil
				}
			}
			return found, err
		}),
		lastSaid: batched(func(ctx context.Context, ids []int64) (map[int64]*message.Message, error) {
			rows, err := s.Messages.LastSaid(ctx, ids)
			found := make(map[int64]*message.Message, len(ids))
			for _, id := range ids {
				found[id] = nil
			}
			for _, m := range rows {
				found[m.ContactID] = m
			}
			return found, err
		}),
		conversations: batched(indexed(s.Conversations.ByContacts,
			func(c *conversation.Conversation) int64 { return c.ContactID })),
		duplicates: batched(listed(s.Contacts.Duplicates)),
		addresses:  batched(listed(s.Contacts.AddressesOf)),
		events:     batched(listed(s.Messages.Events)),
		revisions:  batched(s.Trail.Revisions),
		names:      batched(s.Trail.Names),
		messagesOf: paged(func(ctx context.Context, said bool, p db.Page,
			contacts []int64,
		) (map[int64]db.Slice[*message.Message], error) {
			return s.Messages.ListOfContacts(ctx, message.Filter{Said: said}, p, contacts)
		}),
		consentsOf: paged(func(ctx context.Context, _ bool, p db.Page,
			contacts []int64,
		) (map[int64]db.Slice[*consent.Event], error) {
			return s.Consents.EventsOfContacts(ctx, p, contacts)
		}),
		notesOf: paged(func(ctx context.Context, _ bool, p db.Page,
			conversations []int64,
		) (map[int64]db.Slice[*conversation.Note], error) {
			return s.Conversations.NotesOf(ctx, p, conversations)
		}),
		labels: batched(listed(s.Conversations.LabelsOf)),
		standings: batched(func(ctx context.Context, keys []standingAt) (map[standingAt]*consent.Standings, error) {
			byMoment := map[moment][]int64{}
			for _, k := range keys {
				byMoment[k.moment] = append(byMoment[k.moment], k.contact)
			}
			out := make(map[standingAt]*consent.Standings, len(keys))
			for m, ids := range byMoment { // as many as the document has aliases
				var at *time.Time
				if m.past {
					at = &m.at
				}
				found, err := s.Consents.StatesOf(ctx, ids, at)
				if err != nil {
					return nil, err
				}
				for id, standings := range found {
					out[standingAt{id, m}] = standings
				}
			}
			return out, nil
		}),
		attempts: batched(listed(s.Messages.Attempts)),
		undecided: batched(func(ctx context.Context, ids []int64) (map[int64]*time.Time, error) {
			found, err := s.Messages.UndecidedSince(ctx, ids)
			out := make(map[int64]*time.Time, len(ids))
			for _, id := range ids {
				out[id] = nil
				if at, ok := found[id]; ok {
					out[id] = &at
				}
			}
			return out, err
		}),
		suppressions: batched(func(ctx context.Context, ids []int64) (map[int64][]*model.Suppression, error) {
			found, err := s.Consents.SuppressionsOf(ctx, ids)
			return toSuppressionsBy(found, ids), err
		}),
		besides: batched(func(ctx context.Context, ids []int64) (map[int64][]*model.Suppression, error) {
			found, err := s.Consents.Beside(ctx, ids)
			return toSuppressionsBy(found, ids), err
		}),
		optOutReviews: batched(orNone(s.OptOuts.OfContacts)),
		optInRequests: batched(orNone(s.DoubleOptIns.OfContacts)),
		topics:        batched(orNone(indexed(s.Topics.ByIDs, func(t *topic.Topic) int64 { return t.ID }))),
		topicCounts:   batched(s.Topics.CountsOf),
		subscriptions: batched(s.Topics.OfContacts),
		topicUsers:    batched(listed(s.Topics.UsedBy)),
		segmentUsers:  batched(listed(s.Segments.UsedBy)),
		operators: batched(func(ctx context.Context, ids []int64) (map[int64]*auth.Operator, error) {
			found := map[int64]*auth.Operator{}
			for _, id := range ids { // a handful
				o, err := s.Auth.Operator(actor.With(ctx, actor.System), id)
				if err != nil {
					return nil, err
				}
				found[id] = o
			}
			return found, nil
		}),
		templates: batched(func(ctx context.Context, ids []int64) (map[int64]templateWithVersion, error) {
			rows, err := s.Templates.ByIDs(ctx, ids)
			if err != nil {
				return nil, err
			}
			versions, err := s.Templates.NewestVersions(ctx, ids)
			found := make(map[int64]templateWithVersion, len(rows))
			for _, t := range rows {
				found[t.ID] = templateWithVersion{t, versions[t.ID]}
			}
			return found, err
		}),
	}
}
