package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
)

// queries are ten typical segments beside what somebody who knows the data
// would write by hand.
var queries = []struct{ name, query, byHand string }{
	{"city is", `{"field":"attributes.city","op":"eq","value":"Köln"}`, `c.attributes @> '{"city": "Köln"}'`},
	{
		"plan is one of, opted in", `{"all":[{"field":"attributes.plan","op":"in","value":["pro","enterprise"]},{"field":"consent_status","op":"eq","value":"opted_in"}]}`,
		`c.attributes->>'plan' IN ('pro', 'enterprise') AND c.consent_status = 'opted_in'`,
	},
	{"points at least", `{"field":"attributes.points","op":"gte","value":4000}`, `(c.attributes->>'points')::numeric >= 4000`},
	{
		"points between, in a city", `{"all":[{"field":"attributes.points","op":"between","value":[1000,2000]},{"field":"attributes.city","op":"eq","value":"Berlin"}]}`,
		`(c.attributes->>'points')::numeric BETWEEN 1000 AND 2000 AND c.attributes @> '{"city": "Berlin"}'`,
	},
	{"signed up after", `{"field":"attributes.signed_up","op":"after","value":"2025-06-01"}`, `(c.attributes->>'signed_up')::timestamptz > '2025-06-01'`},
	{"has a tag", `{"field":"attributes.tags","op":"has","value":"vip"}`, `jsonb_exists(c.attributes->'tags', 'vip')`},
	{"name contains", `{"field":"name","op":"contains","value":"müller"}`, `c.name ILIKE '%müller%'`},
	{"wrote in the last 30 days", `{"field":"last_inbound_at","op":"within_last","value":"30d"}`, `c.last_inbound_at > now() - interval '30 days'`},
	{
		"groups in groups", `{"all":[{"any":[{"field":"attributes.city","op":"eq","value":"Berlin"},{"field":"attributes.city","op":"eq","value":"Hamburg"}]},{"not":{"field":"attributes.plan","op":"eq","value":"free"}},{"field":"reachable","op":"eq","value":true}]}`,
		`(c.attributes @> '{"city": "Berlin"}' OR c.attributes @> '{"city": "Hamburg"}') AND c.attributes->>'plan' <> 'free' AND c.reachable`,
	},
	{"read in the last 30 days", `{"event":"read","within_last":"30d"}`, `c.id IN (SELECT m.contact_id FROM messages m WHERE m.read_at >= now() - interval '30 days')`},
}

// searches are what people type into the search field of the contacts.
var searches = []struct{ what, text string }{
	{"a name", "anna müller"},
	{"part of a rare name", "ulz 4321"},
	{"two letters", "an"},
	{"a number as dialled", "0049 151 00777777"},
	{"its last digits", "777777"},
	{"an e-mail address", "person777777@"},
	{"a common attribute", "enterprise"},
	{"what nobody has", "zzzqq"},
}

const rounds = 5

// Audience measures previews and audiences of typical segments, and the search,
// on that many contacts.
func (b *Bench) Audience(ctx context.Context, contacts int) ([]Table, error) {
	r, release, err := b.fresh(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := r.DB.MigrateUp(ctx, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if err := r.SeedBook(ctx, contacts); err != nil {
		return nil, err
	}
	b.log("audience: %d contacts written", contacts)
	segs := Table{
		Title: "Segments",
		Intro: fmt.Sprintf("Ten typical queries over %d contacts: the count preview that the builder shows (with consent and reach), and the ids of the audience, read in slices by id as prepare must, with either predicate. "+
			"The ceiling is SQL written by hand for these data, which need not withstand attributes of another type; the median of %d, taken in turns.", contacts, rounds),
		Head: []string{"query", "contacts", "preview, ms", "by hand, ms", "ratio", "audience, ms", "by hand, ms", "ratio"},
	}
	service := segment.NewService(r.DB)
	for _, q := range queries {
		row, err := b.compare(ctx, r.DB, service, q.query, q.byHand)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		segs.Rows = append(segs.Rows, append([]string{q.name}, row...))
		b.log("segment: %s: %v", q.name, row)
	}
	found := Table{
		Title: "Search",
		Intro: fmt.Sprintf("The first page of 50 and its count over %d contacts, as the directory asks for them; counting ends at %d. Median and slowest of %d.", contacts, contact.MaxCount, rounds),
		Head:  []string{"search for", "found", "page, ms", "slowest", "count, ms", "slowest"},
	}
	list := contact.NewService(r.DB, pubsub.New(r.DB.Pool, slog.New(slog.DiscardHandler)))
	for _, s := range searches {
		f := contact.Filter{Search: s.text}
		var n int64
		page, err := timed(func() error {
			_, err := list.List(ctx, f, contact.OrderNewest, db.Page{First: new(50)})
			return err
		})
		if err != nil {
			return nil, err
		}
		count, err := timed(func() (err error) {
			n, err = list.Count(ctx, f)
			return err
		})
		if err != nil {
			return nil, err
		}
		found.Rows = append(found.Rows, []string{s.what, fmt.Sprint(n), ms(median(page)), ms(slices.Max(page)), ms(median(count)), ms(slices.Max(count))})
		b.log("search: %v", found.Rows[len(found.Rows)-1])
	}
	return []Table{segs, found}, nil
}

// compare takes our way and the hand-written one in turns.
func (b *Bench) compare(ctx context.Context, d *db.DB, s *segment.Service, query, byHand string) ([]string, error) {
	p, err := s.Compile(ctx, d, json.RawMessage(query))
	if err != nil {
		return nil, err
	}
	var took [4][]time.Duration
	var counts [4]int64
	for i := range rounds + 1 {
		for k, run := range []func() (int64, error){
			func() (int64, error) {
				pre, err := s.Preview(ctx, json.RawMessage(query), 0)
				if err != nil {
					return 0, err
				}
				return pre.Count, nil
			},
			func() (int64, error) { return countByHand(ctx, d, byHand) },
			func() (int64, error) { return members(ctx, d, p.SQL, p.Args) },
			func() (int64, error) { return members(ctx, d, byHand, nil) },
		} {
			began := time.Now()
			if counts[k], err = run(); err != nil {
				return nil, err
			}
			if i > 0 { // the first warms the caches
				took[k] = append(took[k], time.Since(began))
			}
		}
	}
	for _, n := range counts[1:] {
		if n != counts[0] {
			return nil, fmt.Errorf("the ways disagree about who belongs to it: %v", counts)
		}
	}
	out := []string{fmt.Sprint(counts[0])}
	for _, pair := range [][2][]time.Duration{{took[0], took[1]}, {took[2], took[3]}} {
		ours, hand := median(pair[0]), median(pair[1])
		out = append(out, ms(ours), ms(hand), fmt.Sprintf("%.2f", float64(ours)/float64(hand)))
	}
	return out, nil
}

func timed(fn func() error) (took []time.Duration, err error) {
	for i := range rounds + 1 {
		began := time.Now()
		if err := fn(); err != nil {
			return nil, err
		}
		if i > 0 {
			took = append(took, time.Since(began))
		}
	}
	return took, nil
}

func median(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

func ms(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprint(d.Milliseconds())
}
