// Package graph is the GraphQL transport: it reads requests, calls one service
// each, and maps the answer. It holds no rules and no SQL.
package graph

import (
	"log/slog"
	"time"

	"eventstream/server/audience"
	"eventstream/server/audit"
	"eventstream/server/auth"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/demo"
	"eventstream/server/importer"
	"eventstream/server/message"
	"eventstream/server/pubsub"
	"eventstream/server/reconcile"
	"eventstream/server/report"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"
	"eventstream/server/twilio/sandbox"
	"eventstream/server/webhookevent"
)

// Services are what the resolvers call.
type Services struct {
	Auth          *auth.Service
	Contacts      *contact.Service
	Consents      *consent.Service
	Segments      *segment.Service
	Topics        *topic.Service
	Templates     *template.Service
	Senders       *sender.Service
	Messages      *message.Store
	Campaigns     *campaign.Service
	Conversations *conversation.Service
	Unknowns      *reconcile.Service
	Imports       *importer.Service
	Audience      *audience.Service
	Reports       *report.Service
	Webhooks      *webhookevent.Applier
	Trail         *audit.Trail
	Hub           *pubsub.Hub
	Sandbox       *sandbox.Sandbox // nil while Twilio is live
	Demo          *demo.Service    // as Sandbox
	Codes         func(int) message.CodeInfo
	Now           func() time.Time
	Log           *slog.Logger
	Version       string
	Provider      string // what sends, for people
	SetupToken    string // "" when the first admin needs none
}

// Resolver is the root of all resolvers.
type Resolver struct{ Services }
