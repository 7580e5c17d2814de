// Package graph is the GraphQL transport: it reads requests, calls one service
// each, and maps the answer. It holds no rules and no SQL.
package graph

import (
	"log/slog"
	"time"

	"eventstream/server/audit"
	"eventstream/server/auth"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/dashboard"
	"eventstream/server/demo"
	"eventstream/server/doctor"
	"eventstream/server/doubleoptin"
	"eventstream/server/explain"
	"eventstream/server/export"
	"eventstream/server/golive"
	"eventstream/server/health"
	"eventstream/server/hold"
	"eventstream/server/importer"
	"eventstream/server/link"
	"eventstream/server/media"
	"eventstream/server/merge"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/portfolio"
	"eventstream/server/price"
	"eventstream/server/pubsub"
	"eventstream/server/reconcile"
	"eventstream/server/retention"
	"eventstream/server/say"
	"eventstream/server/segment"
	"eventstream/server/sendcheck"
	"eventstream/server/sender"
	"eventstream/server/suppression"
	"eventstream/server/team"
	"eventstream/server/template"
	"eventstream/server/timeline"
	"eventstream/server/topic"
	"eventstream/server/twilio/sandbox"
	"eventstream/server/webhookevent"
	"eventstream/server/workspace"
)

// Services are what the resolvers call.
type Services struct {
	Auth           *auth.Service
	Contacts       *contact.Service
	Consents       *consent.Service
	Segments       *segment.Service
	Workspace      *workspace.Service
	Topics         *topic.Service
	Team           *team.Service
	Retention      *retention.Service
	Templates      *template.Service
	Links          *link.Service
	Media          *media.Service
	Senders        *sender.Service
	Messages       *message.Store
	Campaigns      *campaign.Service
	Conversations  *conversation.Service
	OptOuts        *optout.Service
	DoubleOptIns   *doubleoptin.Service
	Prices         *price.Service
	Portfolio      *portfolio.Service
	Unknowns       *reconcile.Service
	Hold           *hold.Service
	GoLive         *golive.Service
	Imports        *importer.Service
	Bulk           *bulk.Service
	Merges         *merge.Service
	Exports        *export.Service
	Dashboard      *dashboard.Service
	Health         *health.Service
	Explanations   *explain.Service
	SendChecks     *sendcheck.Service
	Suppressions   *suppression.Service
	Timelines      *timeline.Service
	Webhooks       *webhookevent.Applier
	Trail          *audit.Trail
	Hub            *pubsub.Hub
	Sandbox        *sandbox.Sandbox // nil while Twilio is live
	Demo           *demo.Service    // as Sandbox
	Codes          func(int) message.CodeInfo
	Now            func() time.Time
	Log            *slog.Logger
	Version        string
	Provider       say.Text // what sends, for people
	SetupToken     string   // stands in the link that the start prints; without one nobody becomes the first admin
	Doctor         *doctor.Doctor
	SignInProvider *SignInProvider // nil: operators sign in here alone
}

// Resolver is the root of all resolvers.
type Resolver struct{ Services }
