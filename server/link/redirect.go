package link

import (
	"context"
	"sync"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/db"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/uptrace/bun"
)

const (
	// How often one token counts in a minute, in one server. It leads on all the same.
	mostPerMinute = 20
	mostTokens    = 50_000 // of which that is known
)

// Redirects leads whoever opens a link to its address.
type Redirects struct {
	signer *Signer
	book   *Book
	clicks *Counter
	people *people
	now    func() time.Time
	opened *prometheus.CounterVec

	mu     sync.Mutex
	recent *lru.LRU[string, *recent]
}

// recent is how often a token counted in a minute.
type recent struct {
	since time.Time
	n     int
}

// NewRedirects makes it.
func NewRedirects(idb bun.IDB, signer *Signer, book *Book, clicks *Counter, now func() time.Time) *Redirects {
	r := &Redirects{
		signer: signer, book: book, clicks: clicks, people: newPeople(idb), now: now,
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "links_opened_total", Help: "Links that were opened: counted, fetched (by a program), uncounted, repeated, unknown or failed.",
		}, []string{"outcome"}),
	}
	r.recent, _ = lru.NewLRU[string, *recent](mostTokens, nil) // it refuses no positive size
	return r
}

// Register adds its metrics.
func (r *Redirects) Register(to prometheus.Registerer) { to.MustRegister(r.opened) }

// errUnknown is why a token leads nowhere. It tells nobody whether there is such a link.
var errUnknown = apperr.New(apperr.CodeNotFound, "there is no such link")

// Follow gives the address to which a token leads, and counts that a person opened it. Not found: nobody made this token.
func (r *Redirects) Follow(ctx context.Context, text string, person bool) (address string, err error) {
	outcome := "failed"
	defer func() { r.opened.WithLabelValues(outcome).Inc() }()
	t, ok := r.signer.read(text)
	if !ok {
		outcome = "unknown"
		return "", errUnknown
	}
	e, err := r.book.find(ctx, t.linkID, t.tag)
	if apperr.Is(err, apperr.CodeNotFound) {
		outcome = "unknown"
		return "", errUnknown
	}
	if err != nil {
		return "", err
	}
	if address = e.fixed; address == "" {
		who, err := r.people.of(ctx, t.messageID)
		if err != nil && e.address.Needs() {
			return "", err
		}
		if address, ok = e.address.For(who); !ok {
			return "", errUnknown
		}
		address = InASCII(address)
	}
	switch {
	case !person:
		outcome = "fetched"
	case t.messageID == 0 || t.uncounted:
		outcome = "uncounted"
	case !r.within(text):
		outcome = "repeated"
	default:
		outcome = "counted"
		r.clicks.Count(NewClick(t.linkID, t.messageID, r.now()))
	}
	return address, nil
}

// within reports whether a token may count once more: whoever repeats it without end fills nothing.
func (r *Redirects) within(token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.recent.Get(token)
	if !ok || !db.Fresh(known.since, time.Minute) {
		known = &recent{since: time.Now()}
		r.recent.Add(token, known)
	}
	known.n++
	return known.n <= mostPerMinute
}
