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
	Found  string
	Advice string // what to do; "": nothing
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
	add := func(k Key, state State, found, advice string) {
		w.Steps = append(w.Steps, Step{k, state, found, advice})
	}
	if a == nil {
		add(StepCredentials, Open, "There are no credentials yet.",
			"Enter the account SID and the auth token, which stand on the first page of Twilio’s console.")
		add(StepAddress, Waiting, "It is checked once there are credentials.", "Enter the credentials first.")
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
		add(StepDemo, Failed, "There is demo data, or it is being written, and its made-up numbers may belong to strangers.", "Remove it under Settings, Developer.")
		ready = false
	default:
		add(StepDemo, Done, "There is no demo data.", "")
	}
	switch {
	case s.Live:
		add(StepSwitch, Done, "Messages go out over Twilio, account "+w.Credentials.AccountSID+".", "")
	case ready:
		add(StepSwitch, Open, "Messages go to the sandbox.", "Go live when you are ready: what was made while trying out ends then.")
	default:
		add(StepSwitch, Waiting, "Messages go to the sandbox.", "Put the steps before this one right first.")
	}
	if !s.Live {
		for _, k := range []Key{StepSenders, StepTemplates, StepTest} {
			add(k, Waiting, "It is checked once Twilio is live.", "Go live first.")
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
		add(StepTemplates, Done, counted(approved, "template is", "templates are")+" approved.", "")
	} else {
		add(StepTemplates, Open, "WhatsApp has approved no template yet: without one only those who wrote within a day can be answered.",
			"Import templates of the account, or submit one of yours.")
	}
	return s.testStep(ctx, w.Test, add)
}

func (s *Service) sendersStep(ctx context.Context, asked bool, add func(Key, State, string, string)) error {
	if !asked {
		add(StepSenders, Waiting, "Twilio does not take the credentials.", "Change the credentials first.")
		return nil
	}
	known, err := s.ListSenders(ctx)
	if apperr.Is(err, apperr.CodeUnavailable) {
		add(StepSenders, Failed, apperr.Text(err), "Look at status.twilio.com.")
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
		add(StepSenders, Failed, "The account has no WhatsApp sender.", "Register one in Twilio’s console, under Messaging, Senders.")
	case here == 0:
		add(StepSenders, Open, fmt.Sprintf("The account has %s, none of which sends from here yet.",
			counted(int64(len(known)), "WhatsApp sender", "WhatsApp senders")), "Choose those that are to send.")
	case len(away) > 0:
		add(StepSenders, Failed, "What people write to "+strings.Join(away, " and ")+" goes somewhere else.", "Set the webhook.")
	case len(offline) > 0:
		add(StepSenders, Failed, strings.Join(offline, " and ")+" cannot send at the moment, Twilio says.", "See the reason below, and Twilio’s console.")
	default:
		add(StepSenders, Done, fmt.Sprintf("%s; what people write comes here.", counted(int64(here), "sender is ready", "senders are ready")), "")
	}
	return nil
}

func (s *Service) testStep(ctx context.Context, t *Test, add func(Key, State, string, string)) error {
	if t == nil {
		add(StepTest, Open, "Nothing was sent to your own number yet.", "Write from your phone to a sender, and have it answered.")
		return nil
	}
	m, err := s.Messages.ByID(ctx, t.MessageID)
	if err != nil {
		return err
	}
	switch {
	case m.Status == message.StatusFailed || m.Status == message.StatusUndelivered || m.Status == message.StatusSkipped:
		add(StepTest, Failed, "The test message did not arrive.", "Open the message to see why, and try again.")
	case t.AnsweredAt == nil:
		add(StepTest, Open, "The test message is "+string(m.Status)+"; no answer was seen yet.", "Answer it on your phone.")
	default:
		add(StepTest, Done, "The test message arrived, and the answer to it was seen.", "")
	}
	return nil
}

func is(ok bool) State {
	if ok {
		return Done
	}
	return Failed
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
