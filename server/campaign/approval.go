package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/pubsub"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Approval is whether a second person agreed to a campaign.
type Approval string

// Approvals.
const (
	ApprovalNone     Approval = ""          // nobody was asked
	ApprovalWaiting  Approval = "waiting"   // it starts when somebody approves it, or at its time after that
	ApprovalApproved Approval = "approved"  // as it was then: see Campaign.ApprovalOf
	ApprovalSentBack Approval = "sent_back" // it is a draft, to be changed
)

// ApprovalRule says which campaigns a second person has to approve, and who may.
type ApprovalRule struct {
	Role  actor.Role `json:"role"`  // and all above it
	Above int64      `json:"above"` // only campaigns whose audience has more contacts; 0: all
}

const (
	approvalSetting  = "campaign_approval"
	maxApprovalAbove = 100_000_000
	maxReason        = 500
)

// Validate checks every part.
func (r *ApprovalRule) Validate() error {
	var errs apperr.List
	if !r.Role.Includes(actor.RoleMarketer) {
		_ = errs.Add(apperr.Invalid("campaignApproval.role", "the role %s may not approve campaigns: marketer and admin may", r.Role))
	}
	if r.Above < 0 || r.Above > maxApprovalAbove {
		_ = errs.Add(apperr.Invalid("campaignApproval.aboveRecipients", "%d is out of range: 0 to 100,000,000", r.Above))
	}
	return errs.Err()
}

// enoughPeople refuses a rule that holds every campaign for good: nobody could approve what the only person who may asks for.
func enoughPeople(ctx context.Context, tx bun.Tx, rule *ApprovalRule) error {
	if rule == nil {
		return nil
	}
	deciders, err := approvers(ctx, tx, rule.Role, 1)
	if err != nil {
		return err
	}
	askers, err := approvers(ctx, tx, actor.RoleMarketer, 2)
	if err == nil && (len(deciders) == 0 || len(askers) < 2) {
		err = apperr.Invalid("campaignApproval", "two people are needed, one of them with the role %s: invite somebody first", rule.Role)
	}
	return err
}

// errUnapproved is that a campaign cannot start because nobody has approved it as it is.
var errUnapproved = apperr.Conflict("the campaign must be approved by a second person before it starts")

// approvalRule is what the settings ask for; nil: nothing.
func approvalRule(ctx context.Context, idb bun.IDB) (*ApprovalRule, error) {
	return db.Setting[ApprovalRule](ctx, idb, approvalSetting)
}

// needsApproval gives the rule by which a campaign needs approval; nil: it needs none. One that cannot start for another reason
// needs none until that is mended: the launch says why.
func (s *Service) needsApproval(ctx context.Context, idb bun.IDB, c *Campaign) (*ApprovalRule, error) {
	rule, err := approvalRule(ctx, idb)
	if err != nil || rule == nil || rule.Above == 0 {
		return rule, err
	}
	query, err := audienceQuery(ctx, idb, c)
	if err != nil || query == nil {
		return nil, err
	}
	predicate, err := s.segments.Compile(ctx, idb, query)
	if err != nil {
		return nil, cannotStart(err)
	}
	if large, err := hasMoreThan(ctx, idb, predicate, rule.Above); err != nil || !large {
		return nil, err
	}
	return rule, nil
}

// cannotStart leaves out what a launch tells by itself.
func cannotStart(err error) error {
	if apperr.Is(err, apperr.CodeInvalid) || apperr.Is(err, apperr.CodeNotFound) {
		return nil
	}
	return err
}

// cleared tells whether a campaign may start: no approval is asked for, or somebody approved what it sends now, to whom it
// does. It is the one rule for all ways in which campaigns start. A run of a recurring campaign stands on the approval of that.
// audience is the query with its segments written out that is about to be frozen; nil: as it is now.
func (s *Service) cleared(ctx context.Context, tx bun.Tx, c *Campaign, audience json.RawMessage) (bool, error) {
	c, err := asked(ctx, tx, c) // a run is made under the lock of its campaign
	if err != nil || c == nil {
		return false, err
	}
	rule, err := s.needsApproval(ctx, tx, c)
	if err != nil || rule == nil {
		return rule == nil, err
	}
	if agreed, err := rule.agreedTo(ctx, tx, c); err != nil || !agreed {
		return false, err
	}
	now, err := s.subject(ctx, tx, c, audience)
	return slices.Equal(now, c.ApprovalOf), err
}

// asked is the campaign whose approval another one stands on: that of which it is a run, or itself; nil: that is gone.
func asked(ctx context.Context, idb bun.IDB, c *Campaign) (*Campaign, error) {
	if c.ParentID == nil {
		return c, nil
	}
	found, err := byIDs(ctx, idb, []int64{*c.ParentID})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// agreedTo tells whether somebody approved a campaign who may do so by the rule as it is now: one that was raised to a higher
// role asks for another look at what is approved already.
func (r *ApprovalRule) agreedTo(ctx context.Context, idb bun.IDB, c *Campaign) (bool, error) {
	if c.Approval != ApprovalApproved || c.ApprovalDecidedBy == nil {
		return false, nil
	}
	role, err := roleOf(ctx, idb, *c.ApprovalDecidedBy)
	return role.Includes(r.Role), err
}

// subject is a hash of what would be sent to whom and when: of all that a person sets of the campaign, of its audience with
// segments written out (nil: as they are now), and of the versions of its templates. A change of any of them is not what was
// approved.
func (s *Service) subject(ctx context.Context, tx bun.Tx, c *Campaign, audience json.RawMessage) ([]byte, error) {
	is, err := c.audited(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, part := range []string{"status", "next_run_at", "approval"} {
		delete(is, part)
	}
	for _, setting := range []string{"best_hour", "send_to_team"} { // younger than some approvals, which are of campaigns without them
		if is[setting] == false {
			delete(is, setting)
		}
	}
	if c.EndsAt != nil {
		is["ends_at"] = c.EndsAt.UTC()
	}
	if audience == nil {
		query, err := audienceQuery(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		if query != nil {
			if audience, err = s.segments.Freeze(ctx, tx, query); err != nil {
				return nil, err
			}
		}
	}
	is["audience"] = audience
	if is["versions"], err = versionsToSend(ctx, tx, c); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(is)
	sum := sha256.Sum256(raw)
	return sum[:], err
}

// versionsToSend are the versions that a launch would freeze of each template and its translations; of one that WhatsApp has
// not approved yet, the newest, which it would freeze once that is done.
func versionsToSend(ctx context.Context, idb bun.IDB, c *Campaign) (map[int64]int64, error) {
	variants, err := variantsOf(ctx, idb, c.ID)
	if err != nil {
		return nil, err
	}
	var own []int64
	for _, v := range variants {
		own = append(own, v.TemplateID)
	}
	if len(own) == 0 && c.TemplateID != nil {
		own = []int64{*c.TemplateID}
	}
	versions := map[int64]int64{}
	add := func(text template.Text) {
		switch {
		case text.Approved != nil:
			versions[text.Template.ID] = text.Approved.ID
		case text.Newest != nil:
			versions[text.Template.ID] = text.Newest.ID
		}
	}
	texts, err := template.Newest(ctx, idb, own)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		add(text)
	}
	for _, id := range own {
		others, err := template.Translations(ctx, idb, id)
		if err != nil {
			return nil, err
		}
		for _, text := range others {
			add(text)
		}
	}
	return versions, nil
}

// ask has a campaign wait for a second person, as whoever acts asks for it.
func (c *Campaign) ask(ctx context.Context, tx bun.Tx) error {
	now, err := db.Now(ctx, tx)
	c.Approval, c.ApprovalAskedBy, c.ApprovalAskedAt = ApprovalWaiting, actor.Person(ctx), &now
	c.undecided()
	return err
}

// withdraw takes away that somebody asked for approval, or gave it.
func (c *Campaign) withdraw() {
	c.Approval, c.ApprovalAskedBy, c.ApprovalAskedAt = ApprovalNone, nil, nil
	c.undecided()
}

func (c *Campaign) undecided() {
	c.ApprovalDecidedBy, c.ApprovalDecidedAt, c.ApprovalReason, c.ApprovalOf = nil, nil, "", nil
}

// endWait withdraws what is asked for where nobody has to decide any more.
func (c *Campaign) endWait() {
	if c.Approval == ApprovalWaiting {
		c.withdraw()
	}
}

// saveAsked saves a campaign and, where it waits, what a second person is asked about, so that nothing else is approved: see
// Approve.
func (s *Service) saveAsked(ctx context.Context, tx bun.Tx, c *Campaign) error {
	if err := save(ctx, tx, c); err != nil || c.Approval != ApprovalWaiting {
		return err
	}
	found, err := byIDs(ctx, tx, []int64{c.ID}) // as Approve will read it
	if err != nil {
		return err
	}
	c.ApprovalOf, err = s.subject(ctx, tx, found[0], nil) // none of one that cannot start as it is
	if err = cannotStart(err); err != nil {
		return err
	}
	return save(ctx, tx, c)
}

// edited notes who changed a campaign that has not started. What was approved is not what it is now: one with a plan asks
// again, of a draft the launch will.
func (s *Service) edited(ctx context.Context, tx bun.Tx, c *Campaign) error {
	c.EditedBy = actor.Person(ctx)
	if c.Status != StatusScheduled {
		if c.Approval != ApprovalSentBack { // why it was sent back is read until it is asked for anew
			c.withdraw()
		}
		return nil
	}
	rule, err := s.needsApproval(ctx, tx, c)
	if err != nil {
		return err
	}
	if rule != nil {
		c.waitAgain()
	} else {
		c.Approval = ApprovalNone
	}
	return nil
}

// waitAgain has a planned campaign wait, as whoever planned it asked. Who approved it before it changed is told meanwhile.
func (c *Campaign) waitAgain() { c.Approval, c.ApprovalOf = ApprovalWaiting, nil }

// holdForApproval keeps a campaign whose time has come from starting until somebody approves it. It looks at it once: a
// campaign that waits is not due.
func (s *Service) holdForApproval(ctx context.Context, tx bun.Tx, c *Campaign) error {
	return s.changeApproval(ctx, tx, c, audit.CampaignApprovalAsk, func() error {
		c.waitAgain()
		if c.ApprovalAskedAt == nil { // it was planned before anybody asked for approvals
			now, err := db.Now(ctx, tx)
			c.ApprovalAskedAt = &now
			return err
		}
		return nil
	})
}

// askLaunch asks for approval of a launch that nobody has approved.
func (s *Service) askLaunch(ctx context.Context, id int64) (*Campaign, error) {
	return s.decide(ctx, id, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if c.Status != StatusDraft && c.Status != StatusScheduled {
			return apperr.Conflict("the campaign is %s and cannot become %s", c.Status, StatusPreparing)
		}
		return s.changeApproval(ctx, tx, c, audit.CampaignApprovalAsk, func() error { return c.ask(ctx, tx) })
	})
}

// decide changes the approval of a locked campaign.
func (s *Service) decide(ctx context.Context, id int64, fn func(context.Context, bun.Tx, *Campaign) error) (*Campaign, error) {
	var c *Campaign
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		return fn(ctx, tx, c)
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicCampaign, id)
	return s.ByID(ctx, id)
}

// changeApproval saves and audits what fn does to a campaign's approval.
func (s *Service) changeApproval(ctx context.Context, tx bun.Tx, c *Campaign, action audit.Action, fn func() error) error {
	was, err := c.audited(ctx, tx)
	if err != nil {
		return err
	}
	was["approval_reason"] = c.ApprovalReason
	if err := fn(); err != nil {
		return err
	}
	if err := s.saveAsked(ctx, tx, c); err != nil {
		return err
	}
	is, err := c.audited(ctx, tx)
	if err != nil {
		return err
	}
	is["approval_reason"] = c.ApprovalReason
	return audit.RecordChange(ctx, tx, action, "campaign", c.ID, was, is)
}

// mayDecide refuses whoever may not decide about a campaign that waits: API tokens, roles below the rule's, and those who
// asked for it or changed it last.
func mayDecide(ctx context.Context, idb bun.IDB, c *Campaign) error {
	rule, err := approvalRule(ctx, idb)
	if err != nil {
		return err
	}
	role := actor.RoleMarketer
	if rule != nil {
		role = rule.Role
	}
	if err := actor.RequirePerson(ctx, role); err != nil {
		return err
	}
	if c.Approval != ApprovalWaiting {
		return apperr.Conflict("the campaign does not wait for approval")
	}
	return another(ctx, c)
}

// another refuses those who asked for approval of a campaign or changed it last.
func another(ctx context.Context, c *Campaign) error {
	is := func(id *int64) bool { me := actor.Person(ctx); return me != nil && id != nil && *me == *id }
	switch {
	case is(c.ApprovalAskedBy):
		return apperr.Conflict("you asked for it: another person has to decide")
	case is(c.EditedBy):
		return apperr.Conflict("you changed it last: another person has to decide")
	}
	return nil
}

// spendsMore refuses to raise the budget of a campaign that has started, or to put off its end, to whoever could not have
// approved these: its approval was of both as they were. Whoever may does so by raising them.
func (s *Service) spendsMore(ctx context.Context, tx bun.Tx, was, c *Campaign) error {
	more := was.Budget != nil && (c.Budget == nil || *c.Budget > *was.Budget || c.BudgetCurrency != was.BudgetCurrency)
	later := was.EndsAt != nil && (c.EndsAt == nil || c.EndsAt.After(*was.EndsAt))
	if !more && !later {
		return nil
	}
	parent, err := asked(ctx, tx, c)
	if err != nil {
		return err
	}
	// A run keeps what it was started on, whatever becomes of its campaign meanwhile.
	approved := slices.DeleteFunc([]*Campaign{c, parent}, func(of *Campaign) bool { return of == nil || of.Approval != ApprovalApproved })
	if len(approved) == 0 {
		return nil
	}
	rule, err := approvalRule(ctx, tx)
	if err != nil || rule == nil {
		return err
	}
	if err := actor.RequirePerson(ctx, rule.Role); err != nil {
		return err
	}
	for _, of := range approved {
		if err := another(ctx, of); err != nil {
			return err
		}
	}
	return nil
}

// Approve agrees to a campaign as it is now. One that somebody launched starts at once, and within undo UndoLaunch takes that
// back; a scheduled one starts at its time, or at once where that has passed.
func (s *Service) Approve(ctx context.Context, id int64, undo time.Duration) (*Campaign, error) {
	if err := checkUndo(undo); err != nil {
		return nil, err
	}
	return s.decide(ctx, id, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if err := mayDecide(ctx, tx, c); err != nil {
			return err
		}
		err := s.changeApproval(ctx, tx, c, audit.CampaignApprove, func() error {
			of, err := s.subject(ctx, tx, c, nil)
			if err != nil {
				return err
			}
			if c.ApprovalOf != nil && !slices.Equal(of, c.ApprovalOf) {
				return apperr.Conflict("a segment or a template of the campaign has changed since approval was asked for: " +
					"it has to be launched or scheduled again, which asks for what it is now")
			}
			now, err := db.Now(ctx, tx)
			c.Approval, c.ApprovalDecidedBy, c.ApprovalDecidedAt, c.ApprovalOf = ApprovalApproved, actor.Person(ctx), &now, of
			return err
		})
		if err != nil || c.Status != StatusDraft {
			return err
		}
		_, err = moveTx(ctx, tx, c.ID, audit.CampaignLaunch, StatusPreparing, s.launch(undo))
		return err
	})
}

// SendBack refuses a campaign that waits: it is a draft again, with the reason.
func (s *Service) SendBack(ctx context.Context, id int64, reason string) (*Campaign, error) {
	reason = contact.CleanText(reason)
	if reason == "" || utf8.RuneCountInString(reason) > maxReason {
		return nil, apperr.Invalid("reason", "say in 1 to %d characters what has to change", maxReason)
	}
	return s.decide(ctx, id, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if err := mayDecide(ctx, tx, c); err != nil {
			return err
		}
		return s.changeApproval(ctx, tx, c, audit.CampaignSendBack, func() error {
			now, err := db.Now(ctx, tx)
			c.Approval, c.ApprovalDecidedBy, c.ApprovalDecidedAt, c.ApprovalReason = ApprovalSentBack, actor.Person(ctx), &now, reason
			c.unplan()
			return err
		})
	})
}

// WithdrawApproval takes back that approval was asked for: what was launched or scheduled is a draft that nobody looks at.
func (s *Service) WithdrawApproval(ctx context.Context, id int64) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	return s.decide(ctx, id, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if c.Approval != ApprovalWaiting {
			return apperr.Conflict("the campaign does not wait for approval")
		}
		return s.changeApproval(ctx, tx, c, audit.CampaignApprovalWithdraw, func() error {
			c.withdraw()
			c.unplan()
			return nil
		})
	})
}

// unplan makes a draft of a campaign that was scheduled.
func (c *Campaign) unplan() {
	if c.Status == StatusScheduled {
		c.Status, c.Schedule, c.NextRunAt = StatusDraft, nil, nil
		c.started()
	}
}

// MayDecide tells whether whoever asks may decide about a campaign that waits.
func (s *Service) MayDecide(ctx context.Context, id int64) (bool, error) {
	c, err := s.ByID(ctx, id)
	if err != nil {
		return false, err
	}
	err = mayDecide(ctx, s.db, c)
	if _, refused := errors.AsType[*apperr.Error](err); refused {
		return false, nil
	}
	return err == nil, err
}

// maxApprovers is how many people a page names who may approve.
const maxApprovers = 20

// Approvers are the operators who may decide about a campaign that waits, at most twenty; of others nobody.
func (s *Service) Approvers(ctx context.Context, id int64) ([]int64, error) {
	c, err := s.ByID(ctx, id)
	if err != nil || c.Approval != ApprovalWaiting {
		return nil, err
	}
	rule, err := approvalRule(ctx, s.db)
	if err != nil || rule == nil {
		return nil, err
	}
	return approvers(ctx, s.db, rule.Role, maxApprovers, c.ApprovalAskedBy, c.EditedBy)
}

// reconsider brings campaigns that have not started in line with a rule that has just changed, and gives those that it changed:
// scheduled ones that need approval now wait for it, and those that need none any more wait no longer.
func (s *Service) reconsider(ctx context.Context, tx bun.Tx) (changed []int64, err error) {
	rows, err := unstarted(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		rule, err := s.needsApproval(ctx, tx, c)
		if err != nil {
			return nil, err
		}
		if (rule != nil) == (c.Approval == ApprovalWaiting) {
			continue
		}
		if rule != nil {
			if agreed, err := rule.agreedTo(ctx, tx, c); err != nil {
				return nil, err
			} else if agreed {
				continue
			}
			err = s.holdForApproval(ctx, tx, c)
		} else {
			err = s.changeApproval(ctx, tx, c, audit.CampaignApprovalWithdraw, func() error { c.Approval = ApprovalNone; return nil })
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, c.ID)
	}
	return changed, nil
}
