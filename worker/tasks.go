package worker

import (
	"time"

	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/dispatch"
	"eventstream/server/doubleoptin"
	"eventstream/server/erasure"
	"eventstream/server/golive"
	"eventstream/server/media"
	"eventstream/server/portfolio"
	"eventstream/server/reconcile"
	"eventstream/server/retention"
)

// Tasks are the engine's, in no order: each has its own goroutine.
func Tasks(s *Services) []Task {
	return []Task{
		{Name: "sending hold", Every: time.Second, Deadline: time.Hour, Run: Whole(s.Hold.Run)},
		{
			Name: "lost messages", Every: time.Second, Deadline: 30 * time.Second, Batch: dispatch.LostBatch,
			Run: s.Dispatcher.MarkLost,
		},
		{Name: "dispatch jobs", Every: time.Second, Deadline: 30 * time.Second, Run: Whole(s.Dispatcher.EnqueueLost)},
		{Name: "audiences", Every: time.Second, Deadline: 30 * time.Second, Run: Whole(s.Preparer.EnqueueLost)},
		{Name: "double opt-ins", Every: doubleoptin.Period, Deadline: time.Minute, Run: Whole(s.DoubleOptIns.Run)},
		{Name: "schedules", Every: time.Second, Deadline: time.Minute, Run: Whole(s.Campaigns.LaunchDue)},
		{Name: "winners of tests", Every: 5 * time.Second, Deadline: 5 * time.Minute, Run: Whole(s.Campaigns.DecideWinners)},
		{Name: "campaign ends", Every: time.Second, Deadline: 5 * time.Minute, Run: Whole(s.Campaigns.SettleDue)},
		{
			Name: "error rates", Every: time.Second, Deadline: 30 * time.Second,
			Run: Whole(s.Dispatcher.Breaker.CheckErrorRates),
		},
		{
			Name: "receipts that never came", Every: 5 * time.Second, Deadline: 5 * time.Minute, Batch: reconcile.AskBatch,
			Run: s.CatchUp.AskOutstanding,
		},
		{
			Name: "messages that never came", Every: 5 * time.Second, Deadline: 5 * time.Minute, Batch: 1,
			Run: s.CatchUp.ReadInbound,
		},
		{
			Name: "prices by Twilio", Every: 10 * time.Minute, Deadline: 5 * time.Minute, Batch: reconcile.PricesBatch,
			Run: s.CatchUp.ReadPrices,
		},
		{Name: "WhatsApp's limit of people", Every: 15 * time.Minute, Deadline: time.Minute, Run: Whole(s.ReadPortfolio)},
		{
			Name: "what waits for WhatsApp's limit of people", Every: 2 * time.Second, Deadline: 30 * time.Second,
			Batch: portfolio.WakeBatch, Run: s.Portfolio.Wake,
		},
		{
			Name: "marks on contacts", Every: time.Minute, Deadline: time.Minute, Batch: contact.MarksBatch,
			Run: s.Contacts.LiftMarks,
		},
		{
			Name: "snoozed conversations", Every: time.Second, Deadline: 30 * time.Second, Batch: conversation.WakeBatch,
			Run: s.Conversations.Wake,
		},
		{Name: "reconciliation", Every: time.Second, Deadline: 5 * time.Minute, Run: Whole(s.Reconciler.Run)},
		{Name: "webhooks", Every: time.Second, Deadline: 10 * time.Second, Run: Whole(s.Webhooks.Nudge)},
		{Name: "imports", Every: time.Second, Deadline: 10 * time.Second, Run: Whole(s.Imports.Forgotten)},
		{Name: "import files", Every: time.Minute, Deadline: time.Minute, Batch: 1, Run: s.Imports.DropOldFiles},
		{
			Name: "contact counts", Every: time.Second, Deadline: 30 * time.Second, Batch: contact.FoldBatch,
			Run: s.Contacts.FoldCounts,
		},
		{Name: "bulk actions", Every: time.Second, Deadline: 10 * time.Second, Run: Whole(s.Bulk.Forgotten)},
		{Name: "demo data", Every: time.Second, Deadline: 10 * time.Second, Run: Whole(s.Demo.Forgotten)},
		{Name: "what the sandbox left", Every: 5 * time.Second, Deadline: time.Minute, Batch: golive.ClearBatch, Run: s.ClearSandbox},
		{Name: "erasures", Every: time.Second, Deadline: time.Minute, Batch: erasure.ClearBatch, Run: s.Erasures.ClearDue},
		{Name: "redactions", Every: time.Second, Deadline: 2 * time.Minute, Batch: erasure.RedactBatch, Run: s.Redactor.Run},
		{Name: "retention", Every: time.Minute, Deadline: time.Minute, Batch: retention.Batch, Run: s.Retention.Run},
		{Name: "files of replies", Every: time.Minute, Deadline: time.Minute, Batch: media.ReplyBatch, Run: s.Media.RemoveUnshown},
		{Name: "deleted files in the bucket", Every: time.Minute, Deadline: 8 * time.Minute, Batch: media.SweepBatch, Run: s.Media.Sweep},
		// Twilio's Content API may hang: each question has its own limit, and a
		// version that got no answer waits longer each time.
		{Name: "templates", Every: time.Second, Deadline: 30 * time.Second, Batch: 20, Run: s.Templates.PollDecisions},
		{Name: "audit", Every: time.Second, Deadline: 30 * time.Second, Batch: audit.SealBatch, Run: s.Trail.SealBatch},
		// The first makes its checkpoint as soon as there is an entry; growing the tree of
		// an old installation takes a while, and goes on where it was.
		{Name: "audit checkpoints", Every: 5 * time.Second, Deadline: 10 * time.Minute, Run: Whole(s.Trail.KeepCheckpoints)},
	}
}
