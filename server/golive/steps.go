package golive

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/provider"
	"eventstream/server/recent"
	"eventstream/server/say"
	"eventstream/server/template"
)

// Key names a step.
type Key string

// Steps, in their order.
const (
	StepCredentials Key = "credentials"
	StepAddress     Key = "address"
	StepDemo        Key = "demo_data"
	StepSwitch      Key = "switch"
	StepSenders     Key = "senders"
	StepTemplates   Key = "templates"
	StepTest        Key = "test"
)

// State is how far a step is.
type State string

// States.
const (
	Done    State = "done"
	Failed  State = "failed"
	Open    State = "open"    // somebody has to do it
	Waiting State = "waiting" // for a step before it
)

// Step is one on the way to real messages.
type Step struct {
	Key    Key
	State  State
	Found  say.Text
	Advice say.Text // what to do; empty: nothing
}

// Way is how far an installation is on the way to real messages.
type Way struct {
	Provider    provider.Name
	Since       *time.Time // nil: always
	Credentials Credentials
	Steps       []Step
	Left        Counts  // what going live would end; with Twilio: zero
	Ended       *Counts // what going live ended; nil: it did not happen here
	Test        *Test
}

// Way looks how far an installation is. With the steps it asks Twilio, and itself by its
// address; without it asks only the database. Admins only.
func (s *Service) Way(ctx context.Context, steps bool) (*Way, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	w := &Way{Provider: provider.Of(s.Live)}
	var err error
	if w.Since, err = provider.Since(ctx, s.DB); err != nil {
		return nil, err
	}
	if w.Credentials, err = s.Credentials(ctx); err != nil {
		return nil, err
	}
	if !s.Live {
		if w.Left, err = Left(ctx, s.DB); err != nil {
			return nil, err
		}
	}
	if w.Ended, err = db.Setting[Counts](ctx, s.DB, endedSetting); err != nil {
		return nil, err
	}
	if w.Test, err = s.LastTest(ctx); err != nil {
		return nil, err
	}
	if !steps {
		return w, nil
	}
	return w, s.steps(ctx, w)
}

func (s *Service) steps(ctx context.Context, w *Way) error {
	a, err := s.account(ctx)
	if err != nil {
		return err
	}
	var both sync.WaitGroup
	var credentials, address Finding
	if a != nil {
		look := func(into *Finding, at *recent.Answer[Finding], check func(context.Context, Account) Finding) {
			both.Go(func() {
				*into, _ = at.Get(ctx, fmt.Sprintf("%q", *a), func(ctx context.Context) (Finding, error) { return check(ctx, *a), nil })
			})
		}
		look(&credentials, &s.credentials, s.Check)
		look(&address, &s.address, s.Address)
	}
	both.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	add := func(k Key, state State, found, advice say.Text) {
		w.Steps = append(w.Steps, Step{k, state, found, advice})
	}
	if a == nil {
		add(StepCredentials, Open, say.New("There are no credentials yet."),
			say.New("Enter the account SID and the auth token, which stand on the first page of Twilio’s console."))
		add(StepAddress, Waiting, say.New("It is checked once there are credentials."), say.New("Enter the credentials first."))
	} else {
		add(StepCredentials, is(credentials.OK), credentials.Found, credentials.Advice)
		add(StepAddress, is(address.OK), address.Found, address.Advice)
	}
	ready := credentials.OK && address.OK
	blocked, err := s.Demo(ctx, s.DB)
	switch {
	case err != nil:
		return err
	case blocked:
		add(StepDemo, Failed, say.New("There is demo data, or it is being written, and its made-up numbers may belong to strangers."), say.New("Remove it under Settings, Developer."))
		ready = false
	default:
		add(StepDemo, Done, say.New("There is no demo data."), say.Text{})
	}
	switch {
	case s.Live:
		add(StepSwitch, Done, say.New("Messages go out over Twilio, account %s.", w.Credentials.AccountSID), say.Text{})
	case ready:
		add(StepSwitch, Open, say.New("Messages go to the sandbox."), say.New("Go live when you are ready: what was made while trying out ends then."))
	default:
		add(StepSwitch, Waiting, say.New("Messages go to the sandbox."), say.New("Put the steps before this one right first."))
	}
	if !s.Live {
		for _, k := range []Key{StepSenders, StepTemplates, StepTest} {
			add(k, Waiting, say.New("It is checked once Twilio is live."), say.New("Go live first."))
		}
		return nil
	}
	if err := s.sendersStep(ctx, credentials.OK, add); err != nil {
		return err
	}
	approved, err := template.Approved(ctx, s.DB)
	if err != nil {
		return err
	}
	if approved > 0 {
		add(StepTemplates, Done, say.New("%d <template is|templates are> approved.", approved), say.Text{})
	} else {
		add(StepTemplates, Open, say.New("WhatsApp has approved no template yet: without one only those who wrote within a day can be answered."),
			say.New("Import templates of the account, or submit one of yours."))
	}
	return s.testStep(ctx, w.Test, add)
}

func (s *Service) sendersStep(ctx context.Context, asked bool, add func(Key, State, say.Text, say.Text)) error {
	if !asked {
		add(StepSenders, Waiting, say.New("Twilio does not take the credentials."), say.New("Change the credentials first."))
		return nil
	}
	known, err := s.ListSenders(ctx)
	if apperr.Is(err, apperr.CodeUnavailable) {
		add(StepSenders, Failed, apperr.Text(err), say.New("Look at status.twilio.com."))
		return nil
	}
	if err != nil {
		return err
	}
	here, away, offline := 0, []string{}, []string{}
	for _, k := range known {
		switch {
		case k.ID == 0:
			continue
		case !k.Ours:
			away = append(away, k.Address)
		case !k.Online():
			offline = append(offline, k.Address)
		}
		here++
	}
	switch {
	case len(known) == 0:
		add(StepSenders, Failed, say.New("The account has no WhatsApp sender."), say.New("Register one in Twilio’s console, under Messaging, Senders."))
	case here == 0:
		add(StepSenders, Open, say.New("The account has %d WhatsApp <sender, which does not send|senders, none of which sends> from here yet.",
			len(known)), say.New("Choose those that are to send."))
	case len(away) > 0:
		add(StepSenders, Failed, say.New("What people write to %s goes somewhere else.", strings.Join(away, ", ")), say.New("Set the webhook."))
	case len(offline) > 0:
		add(StepSenders, Failed, say.New("Twilio says that these senders cannot send at the moment: %s.", strings.Join(offline, ", ")), say.New("See the reason below, and Twilio’s console."))
	default:
		add(StepSenders, Done, say.New("%d <sender is|senders are> ready; what people write comes here.", here), say.Text{})
	}
	return nil
}

func (s *Service) testStep(ctx context.Context, t *Test, add func(Key, State, say.Text, say.Text)) error {
	if t == nil {
		add(StepTest, Open, say.New("Nothing was sent to your own number yet."), say.New("Write from your phone to a sender, and have it answered."))
		return nil
	}
	m, err := s.Messages.ByID(ctx, t.MessageID)
	if err != nil {
		return err
	}
	switch {
	case m.Status == message.StatusFailed || m.Status == message.StatusUndelivered || m.Status == message.StatusSkipped:
		add(StepTest, Failed, say.New("The test message did not arrive."), say.New("Open the message to see why, and try again."))
	case t.AnsweredAt == nil:
		add(StepTest, Open, say.New("The test message is under way or arrived; no answer was seen yet."), say.New("Answer it on your phone."))
	default:
		add(StepTest, Done, say.New("The test message arrived, and the answer to it was seen."), say.Text{})
	}
	return nil
}

func is(ok bool) State {
	if ok {
		return Done
	}
	return Failed
}
