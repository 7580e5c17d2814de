// Package provider knows who carries messages: the sandbox on this machine, which
// reaches nobody, or Twilio. One of them is live at a time. Senders, campaigns, versions
// of templates and consents are marked with the one under which they were made, and
// messages belong to their sender's. A process works only what belongs to the provider
// that it speaks with, so that nothing that was made while trying out is ever sent, retried
// or looked for at Twilio.
package provider

import (
	"context"
	"time"

	"eventstream/server/db"

	"github.com/uptrace/bun"
)

// Name is a provider.
type Name string

// The providers.
const (
	Sandbox Name = "sandbox"
	Twilio  Name = "twilio"
)

// SandboxAccount is the account that the sandbox says it is.
const SandboxAccount = "AC5a4db0f5a4db0f5a4db0f5a4db0f5a4d"

// Of gives the provider of a process that is live at Twilio, or not.
func Of(live bool) Name {
	if live {
		return Twilio
	}
	return Sandbox
}

// Live reports whether messages reach people.
func (n Name) Live() bool { return n == Twilio }

// Period is since when an account of a provider is in use.
type Period struct {
	Provider Name
	Account  string
	BeganAt  time.Time // of the first one the beginning of time
}

// Current gives the period that goes on; nil before the first start.
func Current(ctx context.Context, idb bun.IDB) (*Period, error) { return current(ctx, idb) }

// Since gives when the provider in use began, whatever its accounts were; nil before the
// first start, and where it was always the same.
func Since(ctx context.Context, idb bun.IDB) (*time.Time, error) { return since(ctx, idb) }

// Begin notes that an account is in use from now on, unless it is already. The first one
// also gets what an older version made, which did not note who was in use.
func Begin(ctx context.Context, tx bun.Tx, n Name, account string) error {
	return begin(ctx, tx, n, account)
}

// Lock keeps others from changing the provider until the transaction ends.
func Lock(ctx context.Context, tx bun.Tx) error { return lock(ctx, tx) }

// Hold keeps the provider as it is until the transaction ends, and tells which one it is.
// Several may hold it. It comes before the locks of contacts.
func Hold(ctx context.Context, tx bun.Tx) (Name, error) {
	var now Name
	p := new(db.Pipeline)
	AddHold(p, &now)
	return now, p.Send(ctx, tx)
}

// AddHold makes Hold part of a pipeline.
func AddHold(p *db.Pipeline, now *Name) { addHold(p, now) }
