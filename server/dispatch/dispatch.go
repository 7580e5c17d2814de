// Package dispatch sends. It claims due messages in batches, asks the gate about
// each, calls the provider outside any transaction, and writes what came of it.
//
// A call to the provider cannot be taken back and cannot be repeated safely, so
// everything here serves two promises. Nobody gets a message twice: a message is
// claimed durably before its call, the claim has a number (the fence) without
// which no result is written, no call begins unless Postgres' clock said a moment
// ago that the claim still holds, and a call without an answer makes the message
// unknown instead of pending. Nobody is lost: a claim has a lease, after which
// reconciliation finds out what became of the call.
//
// Batches, not a job or a transaction for each message: two statements then carry
// hundreds of messages, and Postgres is what limits the rate.
package dispatch

import (
	"log/slog"
	"sync"
	"time"

	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/hold"
	"eventstream/server/jobs"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/portfolio"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Options are the parts of a Dispatcher.
type Options struct {
	DB        *db.DB
	Hub       *pubsub.Hub
	Jobs      *jobs.Enqueuer
	Campaigns *campaign.Service
	Consents  *consent.Service
	Templates *template.Service
	Senders   *sender.Service
	Topics    *topic.Service
	Prices    *price.Service
	Portfolio *portfolio.Service
	Links     *link.Service
	Hold      *hold.Service
	Breaker   *Breaker
	Provider  message.Provider
	Live      bool // Provider is Twilio, not the sandbox: each gets messages of its own senders only
	Log       *slog.Logger
	Registry  prometheus.Registerer // nil: no metrics are served
	Validity  time.Duration         // how long the provider may keep a message queued; see message.Outgoing

	// Hooks are called at the points at which races are decided; tests use them.
	Hooks Hooks
}

// Hooks let tests stop a batch where it matters. All may be nil.
type Hooks struct {
	Claimed    func([]message.Claimed) // after the claim has been committed
	BeforeLook func(message.Claimed)   // a call is ready to begin
	BeforeByte func(message.Claimed)   // a call was begun, and has a connection
	Answered   func([]message.Result)  // all calls are over, nothing is written yet
}

// Dispatcher sends. Several processes may each run one.
type Dispatcher struct {
	Options

	limiter *limiter // calls to the provider at once
	brake   brake    // of the whole account
	watch   *watch
	outs    sync.Map // sender → true: those whose outbox this process works
	metrics *metrics

	// Those used lately.
	texts *lru.Cache[int64, *content] // by version of a template
	links *lru.Cache[linked, []*link.Link]
}

// New makes a Dispatcher.
func New(o Options) *Dispatcher {
	d := &Dispatcher{Options: o, limiter: newLimiter(), watch: newWatch(o.DB), metrics: newMetrics()}
	d.texts, _ = lru.New[int64, *content](mostTexts) // it refuses no positive size
	d.links, _ = lru.New[linked, []*link.Link](mostTexts)
	if o.Registry != nil {
		d.metrics.register(o.Registry, d)
	}
	return d
}
