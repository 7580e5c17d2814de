package campaign

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/gate"
	"eventstream/server/hours"
	"eventstream/server/jobs"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/pause"
	"eventstream/server/portfolio"
	"eventstream/server/price"
	"eventstream/server/provider"
	"eventstream/server/pubsub"
	"eventstream/server/say"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// Service is what operators do with campaigns.
type Service struct {
	db        *db.DB
	hub       *pubsub.Hub
	jobs      *jobs.Enqueuer
	segments  *segment.Service
	templates *template.Service
	senders   *sender.Service
	topics    *topic.Service
	prices    *price.Service
	links     *link.Service
	portfolio *portfolio.Service
	now       func() time.Time
}

// Dependencies are the parts of a Service.
type Dependencies struct {
	DB        *db.DB
	Hub       *pubsub.Hub
	Jobs      *jobs.Enqueuer
	Segments  *segment.Service
	Templates *template.Service
	Senders   *sender.Service
	Topics    *topic.Service
	Prices    *price.Service
	Links     *link.Service
	Portfolio *portfolio.Service
	Now       func() time.Time
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, hub: d.Hub, jobs: d.Jobs, segments: d.Segments, templates: d.Templates, senders: d.Senders,
		topics: d.Topics, prices: d.Prices, links: d.Links, portfolio: d.Portfolio, now: d.Now,
	}
}

// defaultThreshold is the share of failures at which a campaign pauses itself,
// unless it says otherwise.
const defaultThreshold = 0.2

// Create saves a draft. Without a sender it takes the first one.
func (s *Service) Create(ctx context.Context, in Input) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	threshold := defaultThreshold
	c := &Campaign{Status: StatusDraft, ErrorThreshold: &threshold, TrackLinks: true, CreatedBy: actor.OperatorID(ctx), EditedBy: actor.Person(ctx)}
	if in.SenderID == nil && in.Senders == nil {
		all, err := s.senders.List(ctx)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			in.SenderID = &all[0].ID
		}
	}
	if in.QuietHours == nil && !in.ClearQuietHours {
		standing, err := db.Setting[hours.QuietHours](ctx, s.db, quietHoursSetting)
		if err != nil {
			return nil, err
		}
		c.QuietHours = standing
	}
	if in.FrequencyCap == nil && !in.ClearCap {
		standing, err := db.Setting[gate.FrequencyCap](ctx, s.db, capSetting)
		if err != nil {
			return nil, err
		}
		c.FrequencyCap = standing
	}
	if err := s.check(ctx, s.db, c, in); err != nil {
		return nil, err
	}
	if err := in.Variants.checkSenders(in.shares()); err != nil {
		return nil, err
	}
	return c, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, c); err != nil {
			return err
		}
		if err := saveShares(ctx, tx, c.ID, in.shares()); err != nil {
			return err
		}
		if err := saveVariants(ctx, tx, c.ID, in.Variants); err != nil {
			return err
		}
		return c.changed(ctx, tx, audit.CampaignCreate, nil)
	})
}

// Update changes a draft or a scheduled campaign; of one under way only its
// name, pace, threshold, budget and end: see spendsMore.
func (s *Service) Update(ctx context.Context, id int64, in Input) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var c *Campaign
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		was, err := c.audited(ctx, tx)
		if err != nil {
			return err
		}
		waits := c.Status == StatusDraft || c.Status == StatusScheduled
		fixed := in.TemplateID != nil || in.SegmentID != nil || in.Query != nil || in.SenderID != nil ||
			in.Senders != nil || in.TopicID != nil || in.ClearTopic || in.QuietHours != nil || in.ClearQuietHours ||
			in.FrequencyCap != nil || in.ClearCap || in.BestHour != nil || in.TrackLinks != nil || in.UTM != nil || in.Variants != nil || in.Test != nil ||
			in.HoldoutPercent != nil || in.Goals != nil || in.Pilot != nil || in.SendToTeam != nil
		switch {
		case c.ArchivedAt != nil:
			return errArchived
		case c.Status.Ended():
			return apperr.Conflict("the campaign is %s and cannot change any more", c.Status)
		case !waits && fixed:
			return apperr.Conflict("the campaign is %s: only its name, rate, error threshold, budget and end can still change", c.Status)
		}
		before := *c
		if err := s.check(ctx, tx, c, in); err != nil {
			return err
		}
		if !waits {
			if err := s.spendsMore(ctx, tx, &before, c); err != nil {
				return err
			}
		}
		if in.EndsAt != nil {
			if err := c.endsTooEarly("endsAt", "endsAt"); err != nil {
				return err
			}
		}
		if err := save(ctx, tx, c); err != nil {
			return err
		}
		if shares := in.shares(); len(shares) > 0 {
			if err := saveShares(ctx, tx, c.ID, shares); err != nil {
				return err
			}
		}
		if in.Variants != nil || in.TemplateID != nil {
			if err := saveVariants(ctx, tx, c.ID, in.Variants); err != nil {
				return err
			}
		}
		if in.Variants != nil || len(in.shares()) > 0 {
			if err := sendersOfVariants(ctx, tx, c.ID); err != nil {
				return err
			}
		}
		if !waits {
			if err := pace(ctx, tx, c); err != nil {
				return err
			}
		} else if err := s.noteEdit(ctx, tx, c, was); err != nil {
			return err
		}
		return c.changed(ctx, tx, audit.CampaignUpdate, was)
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicCampaign, c.ID)
	return c, nil
}

// noteEdit notes who changed a campaign that has not started, if they changed anything since was.
func (s *Service) noteEdit(ctx context.Context, tx bun.Tx, c *Campaign, was map[string]any) error {
	is, err := c.audited(ctx, tx)
	if err != nil {
		return err
	}
	if same, err := audit.Same(was, is); err != nil || same {
		return err
	}
	if err := s.edited(ctx, tx, c); err != nil {
		return err
	}
	return s.saveAsked(ctx, tx, c)
}

// check applies in and looks up what it points to.
func (s *Service) check(ctx context.Context, idb bun.IDB, c *Campaign, in Input) error {
	var errs apperr.List
	has, err := variantsOf(ctx, idb, c.ID)
	if err != nil {
		return err
	}
	if err := errs.Add(in.apply(c, has)); err != nil {
		return err
	}
	if in.TemplateID != nil {
		_, err := findTemplate(ctx, idb, *in.TemplateID)
		if err := errs.Add(apperr.Lacking("templateId", err)); err != nil {
			return err
		}
	}
	if err := errs.Add(checkVariants(ctx, idb, in.Variants)); err != nil {
		return err
	}
	if in.SegmentID != nil {
		_, err := segment.Find(ctx, idb, *in.SegmentID)
		if err := errs.Add(apperr.Lacking("segmentId", err)); err != nil {
			return err
		}
	}
	if in.TopicID != nil {
		_, err := topic.Find(ctx, idb, *in.TopicID)
		if err := errs.Add(apperr.Lacking("topicId", err)); err != nil {
			return err
		}
	}
	if in.Query != nil {
		_, err := s.segments.Compile(ctx, idb, in.Query)
		if err := errs.Add(err); err != nil {
			return err
		}
		if n, err := segment.Parse(in.Query); err == nil {
			c.Query = segment.Format(n)
		}
	}
	for _, x := range in.shares() {
		field := "senders"
		if in.SenderID != nil {
			field = "senderId"
		}
		snd, err := sender.Find(ctx, idb, x.SenderID)
		if err := errs.Add(apperr.Lacking(field, err)); err != nil {
			return err
		}
		if snd != nil && snd.Retired() {
			_ = errs.Add(apperr.Invalid(field, "the sender %s belongs to the sandbox, and Twilio is live: choose another", snd.DisplayName))
		}
	}
	if in.EndsAt != nil && in.EndsAt.Before(s.now()) {
		_ = errs.Add(apperr.Invalid("endsAt", "%s is in the past", in.EndsAt))
	}
	return errs.Err()
}

// audited is what a campaign is set to, for the trail.
func (c *Campaign) audited(ctx context.Context, tx bun.Tx) (map[string]any, error) {
	senders, err := sharesOf(ctx, tx, []int64{c.ID})
	if err != nil {
		return nil, err
	}
	variants, err := variantsOf(ctx, tx, c.ID)
	return map[string]any{
		"name": c.Name, "status": c.Status, "template": c.TemplateID, "segment": c.SegmentID, "query": c.Query, "sender": c.SenderID,
		"senders": senders[c.ID], "topic": c.TopicID, "rate": c.RateLimitPerSecond, "quiet_hours": c.QuietHours,
		"frequency_cap": c.FrequencyCap, "best_hour": c.BestHour, "ends_at": c.EndsAt, "error_threshold": c.ErrorThreshold, "budget": c.budgetText(),
		"track_links": c.TrackLinks, "utm": c.UTM, "schedule": c.Schedule, "variants": variants.audited(), "variant_test": c.VariantTest,
		"holdout_percent": c.HoldoutPercent, "goals": c.Goals, "pilot": c.Pilot, "send_to_team": c.SendToTeam,
		"next_run_at": c.NextRunAt, "approval": c.Approval,
	}, err
}

// budgetText is the budget for the trail; nil: none.
func (c *Campaign) budgetText() any {
	if c.Budget == nil {
		return nil
	}
	return c.Budget.String() + " " + c.BudgetCurrency
}

// changed writes what became of a campaign's settings since was.
func (c *Campaign) changed(ctx context.Context, tx bun.Tx, action audit.Action, was map[string]any) error {
	is, err := c.audited(ctx, tx)
	if err != nil {
		return err
	}
	return audit.RecordChange(ctx, tx, action, "campaign", c.ID, was, is)
}

// shares are the senders that in names; none: they stay as they are.
func (in Input) shares() Shares {
	if in.SenderID != nil {
		return Shares{{SenderID: *in.SenderID, Weight: 1}}
	}
	return in.Senders
}

// pace brings the campaign's own rate into force.
func pace(ctx context.Context, tx bun.Tx, c *Campaign) error {
	if c.RateLimitPerSecond == nil {
		return sender.ClearRate(ctx, tx, sender.CampaignKey(c.ID))
	}
	return sender.SetRate(ctx, tx, sender.CampaignKey(c.ID), *c.RateLimitPerSecond)
}

// MaxUndo is the longest that a launch may wait for being undone.
const MaxUndo = time.Minute

// Launch checks that everything is there and starts, or asks a second person for approval where that is needed: one transaction with the
// status, the audit entry and the job, so that a crash leaves all or nothing. Within
// undo, up to MaxUndo, UndoLaunch takes it back; 0 starts at once.
func (s *Service) Launch(ctx context.Context, id int64, undo time.Duration) (*Campaign, error) {
	if err := checkUndo(undo); err != nil {
		return nil, err
	}
	c, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Status == StatusScheduled && c.recurs() {
		return s.launchRun(ctx, c)
	}
	launched, err := s.move(ctx, id, audit.CampaignLaunch, StatusPreparing, s.launch(undo))
	if errors.Is(err, errUnapproved) {
		return s.askLaunch(ctx, id)
	}
	return launched, err
}

func checkUndo(undo time.Duration) error {
	if undo < 0 || undo > MaxUndo {
		return apperr.Invalid("undoSeconds", "%v seconds are not allowed: 0 to %v are", undo.Seconds(), MaxUndo.Seconds())
	}
	return nil
}

// launch starts a campaign by hand.
func (s *Service) launch(undo time.Duration) func(context.Context, bun.Tx, *Campaign) error {
	return func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if err := s.notBeforeItsTime(ctx, tx, c); err != nil {
			return err
		}
		if err := s.freeze(ctx, tx, c); err != nil {
			return err
		}
		if undo == 0 {
			return s.jobs.Insert(ctx, tx, PrepareArgs{CampaignID: c.ID})
		}
		until := c.StartedAt.Add(undo)
		c.UndoUntil = &until // maintenance enqueues the job then
		return nil
	}
}

// notBeforeItsTime refuses to launch a campaign earlier than it is planned, where a second person has to approve that plan.
func (s *Service) notBeforeItsTime(ctx context.Context, tx bun.Tx, c *Campaign) error {
	if c.Status != StatusScheduled || c.NextRunAt == nil {
		return nil
	}
	now, err := db.Now(ctx, tx)
	if err != nil || !c.NextRunAt.After(now) {
		return err
	}
	rule, err := s.needsApproval(ctx, tx, c)
	if err == nil && rule != nil {
		err = apperr.Conflict("a second person has to approve when the campaign starts: make it a draft again, and launch that to ask for a start at once")
	}
	return err
}

// UndoLaunch makes a draft again of a campaign whose launch has not begun to make
// messages.
func (s *Service) UndoLaunch(ctx context.Context, id int64) (*Campaign, error) {
	return s.move(ctx, id, audit.CampaignLaunchUndo, StatusDraft, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		now, err := db.Now(ctx, tx)
		if err != nil {
			return err
		}
		if c.Status != StatusPreparing || c.UndoUntil == nil || !c.UndoUntil.After(now) {
			return apperr.Conflict("the launch cannot be undone any more: cancel the campaign instead")
		}
		c.StandingHoldout, c.UsualHour, c.UsualHours = nil, nil, nil
		// A launch by hand has no local start. Whoever approves it anew has seen that it was taken back.
		c.AudienceQuery, c.TemplateVersionID, c.StartedAt, c.UndoUntil, c.Schedule = nil, nil, nil, nil, nil
		c.withdraw()
		return s.links.Thaw(ctx, tx, c.ID)
	})
}

// launchRun starts the run of a recurring campaign that is due, without waiting
// for the next try. The campaign itself only holds the plan and stays scheduled.
func (s *Service) launchRun(ctx context.Context, c *Campaign) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	now, err := db.Now(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if c.NextRunAt != nil && c.NextRunAt.After(now) {
		return nil, apperr.Conflict("the campaign recurs and starts by itself at %s; to send at once, duplicate it",
			c.NextRunAt)
	}
	if err := s.launchScheduled(ctx, c.ID); err != nil {
		return nil, err
	}
	return s.ByID(ctx, c.ID)
}

// started forgets why earlier tries to start it failed.
func (c *Campaign) started() { c.StartFailures, c.StartError, c.StartRetryAt = 0, "", nil }

func (c *Campaign) recurs() bool { return c.Schedule != nil && c.Schedule.Recurrence != nil }

// start freezes what goes out and has the audience taken, at the time of its schedule.
func (s *Service) start(ctx context.Context, tx bun.Tx, c *Campaign) error {
	if c.Schedule != nil {
		c.LocalStart = c.Schedule.Local // a run of a recurring one has its own already
	}
	if err := s.freeze(ctx, tx, c); err != nil {
		return err
	}
	return s.jobs.Insert(ctx, tx, PrepareArgs{CampaignID: c.ID})
}

// freeze keeps what goes out: the query with its segments written out, and the
// approved version of the template. Later changes to them do not matter.
func (s *Service) freeze(ctx context.Context, tx bun.Tx, c *Campaign) error {
	if c.recurs() && c.Status == StatusScheduled {
		return apperr.Conflict("the campaign recurs: its runs start, and not itself")
	}
	if c.ArchivedAt != nil {
		return errArchived
	}
	blockers, offered, query, err := s.blockers(ctx, tx, c)
	if err != nil {
		return err
	}
	if len(blockers) > 0 {
		return blockers
	}
	if c.AudienceQuery, err = s.segments.Freeze(ctx, tx, query); err != nil {
		return err
	}
	if cleared, err := s.cleared(ctx, tx, c, c.AudienceQuery); err != nil || !cleared { // of what is frozen, and of nothing read later
		return cmp.Or(err, error(errUnapproved))
	}
	c.endWait() // for what is not needed any more
	if c.StandingHoldout, err = standingHoldout(ctx, tx, offered[0].template.Category); err != nil {
		return err
	}
	c.TemplateVersionID = &offered[0].own.VersionID
	if err := saveWordings(ctx, tx, c.ID, offered.wordings()); err != nil {
		return err
	}
	for _, said := range offered {
		if err := s.freezeLinks(ctx, tx, c, said); err != nil {
			return err
		}
	}
	now, err := db.Now(ctx, tx)
	if err != nil {
		return err
	}
	c.StartedAt, c.NextRunAt = &now, nil
	if c.BestHour {
		if c.UsualHours, err = usualHours(ctx, tx, now); err != nil {
			return err
		}
		c.UsualHour = first(c.UsualHours)
	}
	c.started()
	return pace(ctx, tx, c)
}

// What every campaign must have.
var (
	errNoTemplate = apperr.Invalid("templateId", "the campaign has no template: choose one")
	errNoAudience = apperr.Invalid("segmentId", "the campaign has no audience: choose a segment")
	errNoSender   = apperr.Invalid("senderId", "the campaign has no sender: add one under Settings")
)

// blockers lists all that keeps a campaign from being launched. It also gives what
// it read: what would be sent, and the audience's query; nil
// where there is none.
func (s *Service) blockers(ctx context.Context, idb bun.IDB, c *Campaign) (
	list apperr.List, offered offers, query json.RawMessage, err error,
) {
	now, err := provider.Current(ctx, idb)
	if err != nil {
		return nil, nil, nil, err
	}
	if now != nil && c.Provider != now.Provider {
		_ = list.Add(apperr.Conflict("the campaign was made while trying out, under the sandbox: duplicate it to send it for real"))
	}
	variants, err := variantsOf(ctx, idb, c.ID)
	if err != nil {
		return nil, nil, nil, err
	}
	offered, problems, err := s.offered(ctx, idb, c, variants)
	if err != nil {
		return nil, nil, nil, err
	}
	_ = list.Add(problems.Err())
	switch {
	case c.SegmentID == nil && c.Query == nil:
		_ = list.Add(errNoAudience)
	default:
		query, err = audienceQuery(ctx, idb, c)
		if err != nil {
			return nil, nil, nil, err
		}
		anybody, err := s.segments.MatchesAny(ctx, idb, query)
		if err != nil {
			if err := list.Add(err); err != nil {
				return nil, nil, nil, err
			}
		} else if !anybody {
			_ = list.Add(apperr.Invalid("segmentId", "the segment matches nobody"))
		}
	}
	senders, err := s.sendersOf(ctx, idb, c.ID)
	if err != nil {
		return nil, nil, nil, err
	}
	active := 0
	for _, snd := range senders {
		if snd.Status == sender.StatusActive {
			active++
		}
	}
	switch {
	case len(senders) == 0:
		_ = list.Add(errNoSender)
	case len(senders) == 1 && active == 0:
		_ = list.Add(apperr.Invalid("senderId", "the sender %s is %s", senders[0].DisplayName, senders[0].Status))
	case active == 0:
		none := say.New("none of the campaign's %d senders is active", len(senders))
		if len(senders) == 1 {
			none = say.New("the campaign's sender is not active")
		}
		_ = list.Add(apperr.Blame("senders", none))
	}
	if c.Pilot > 0 && len(variants) > 0 {
		_ = list.Add(apperr.Invalid("pilot", "a campaign that compares variants has no pilot: the test is one; take the pilot or the variants away"))
	}
	for i, id := range variants.senders() {
		for _, snd := range senders {
			if snd.ID == id && snd.Status != sender.StatusActive {
				_ = list.Add(apperr.Invalid("variants", "the sender %s of variant %s is %s: resume it first, or choose another", snd.DisplayName, Label(i), snd.Status))
			}
		}
	}
	if c.EndsAt != nil && c.EndsAt.Before(s.now()) {
		_ = list.Add(apperr.Invalid("endsAt", "the campaign's end is in the past"))
	}
	return list, offered, query, nil
}

// offered reads what would be sent, and what keeps it from being sent; nothing where something is not approved.
func (s *Service) offered(ctx context.Context, idb bun.IDB, c *Campaign, variants Variants) (all offers, list apperr.List, err error) {
	if c.TemplateID == nil {
		return nil, apperr.List{errNoTemplate}, nil
	}
	field, templates := "templateId", []int64{*c.TemplateID}
	if len(variants) > 0 {
		field, templates = "variants", nil
		for _, v := range variants {
			templates = append(templates, v.TemplateID)
		}
	}
	missing := false
	for i, id := range templates {
		said, problems, err := s.sayingsOf(ctx, idb, field, id)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range problems {
			if len(variants) > 0 {
				p = apperr.Invalid(field, "variant %s: %s", Label(i), p.Message)
			}
			_ = list.Add(p)
		}
		if said == nil {
			missing = true
			continue
		}
		if len(all) > 0 && said.template.Category != all[0].template.Category {
			_ = list.Add(errCategories(i, said.template.Category, all[0].template.Category))
		}
		all = append(all, said)
	}
	if missing {
		return nil, list, nil
	}
	return all, list, nil
}

// sayingsOf reads what would be sent of a template; nil where WhatsApp has not approved it.
func (s *Service) sayingsOf(ctx context.Context, idb bun.IDB, field string, templateID int64) (*sayings, apperr.List, error) {
	v, err := template.ApprovedVersion(ctx, idb, templateID)
	if err != nil {
		return nil, nil, err
	}
	if v != nil {
		t, err := template.Find(ctx, idb, templateID)
		if err != nil {
			return nil, nil, err
		}
		said, err := sayingsNow(ctx, idb, t, v)
		if err != nil {
			return nil, nil, err
		}
		problems, err := s.fileProblems(ctx, idb, field, said)
		return said, problems, err
	}
	newest, err := template.NewestVersion(ctx, idb, templateID)
	if err != nil {
		return nil, nil, err
	}
	state := template.ApprovalDraft
	if newest != nil {
		state = newest.ApprovalStatus
	}
	if state == template.ApprovalWindowOnly {
		return nil, apperr.List{apperr.Invalid(field, "the template is a list, which WhatsApp takes in replies alone: choose another")}, nil
	}
	return nil, apperr.List{apperr.Invalid(field, "the template is %s: WhatsApp must approve it first", state)}, nil
}

func (s *Service) sendersOf(ctx context.Context, idb bun.IDB, id int64) ([]*sender.Sender, error) {
	shares, err := sharesOf(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	return sender.FindAll(ctx, idb, shares[id].senders())
}

// SharesOf gives the senders of many campaigns, with their weights.
func (s *Service) SharesOf(ctx context.Context, ids []int64) (map[int64]Shares, error) {
	return sharesOf(ctx, s.db, ids)
}

// audienceQuery is the campaign's own query, or that of its segment; nil when it
// has neither.
func audienceQuery(ctx context.Context, idb bun.IDB, c *Campaign) (json.RawMessage, error) {
	if c.SegmentID == nil {
		return c.Query, nil
	}
	seg, err := segment.Find(ctx, idb, *c.SegmentID)
	if err != nil {
		return nil, err
	}
	return seg.Query, nil
}

// Pause stops sending. When it answers, the last call to Twilio has been made
// and its result is known; only a call that hangs can make it answer earlier.
func (s *Service) Pause(ctx context.Context, id int64, reason string) (*Campaign, error) {
	c, err := s.move(ctx, id, audit.CampaignPause, StatusPaused, func(_ context.Context, _ bun.Tx, c *Campaign) error {
		c.PausedBy, c.PausedReason = PausedByOperator, reason
		return nil
	})
	if err == nil {
		err = s.awaitIdle(ctx, id)
	}
	return c, err
}

const (
	idleLimit = 3 * time.Second
	idleStep  = 20 * time.Millisecond
)

// awaitIdle waits until no message of the campaign is being sent.
func (s *Service) awaitIdle(ctx context.Context, id int64) error {
	for end := time.Now().Add(idleLimit); time.Now().Before(end) && ctx.Err() == nil; _ = pause.For(ctx, idleStep) {
		if n, err := inFlight(ctx, s.db, id); err != nil || n == 0 {
			return err
		}
	}
	return nil
}

// PauseByEngine stops sending because somebody has to correct something first. A
// campaign that is not sending stays as it is.
func (s *Service) PauseByEngine(ctx context.Context, id int64, reason string) error {
	return s.PauseForFault(ctx, id, reason, nil)
}

// PauseForFault is the same for what a call met that began then. Somebody who has resumed
// the campaign since has corrected it: a call that ends late does not take that back.
func (s *Service) PauseForFault(ctx context.Context, id int64, reason string, began *time.Time) error {
	_, err := s.move(actor.With(ctx, actor.System), id, audit.CampaignPause, StatusPaused,
		func(_ context.Context, _ bun.Tx, c *Campaign) error {
			if began != nil && c.ResumedAt != nil && c.ResumedAt.After(*began) {
				return errResumedSince
			}
			c.PausedBy, c.PausedReason = PausedByEngine, reason
			return nil
		})
	if errors.Is(err, errResumedSince) || apperr.Is(err, apperr.CodeConflict) {
		return nil
	}
	return err
}

// errResumedSince leaves a campaign as it is.
var errResumedSince = errors.New("the campaign was resumed after that call began")

// HoldTemplate pauses every campaign that sends with a version which WhatsApp has withdrawn or moved, until somebody
// resumes it.
func (s *Service) HoldTemplate(ctx context.Context, tx bun.Tx, versionID int64, reason string) (committed func(), err error) {
	ctx = actor.With(ctx, actor.System)
	ids, err := sendingVersion(ctx, tx, versionID)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if preparing, err := warn(ctx, tx, id, reason); err != nil {
			return nil, err
		} else if preparing { // its last slice pauses it
			continue
		}
		_, err := moveTx(ctx, tx, id, audit.CampaignPause, StatusPaused, func(_ context.Context, _ bun.Tx, c *Campaign) error {
			c.PausedBy, c.PausedReason = PausedByEngine, reason
			return nil
		})
		if err != nil && !apperr.Is(err, apperr.CodeConflict) {
			return nil, err
		}
	}
	return func() { s.hub.Publish(pubsub.TopicCampaign, ids...) }, nil
}

// Resume goes on where it stopped. Failures so far no longer count against the
// threshold: who resumes has looked at them.
func (s *Service) Resume(ctx context.Context, id int64) (*Campaign, error) {
	return s.move(ctx, id, audit.CampaignResume, StatusSending, func(ctx context.Context, tx bun.Tx,
		c *Campaign,
	) (err error) {
		if c.Status != StatusPaused {
			return apperr.Conflict("the campaign is %s, not paused", c.Status)
		}
		if c.TemplateVersionID != nil {
			v, err := unsendable(ctx, tx, c)
			if err != nil {
				return err
			}
			if v != nil {
				t, err := template.Find(ctx, tx, v.TemplateID)
				if err != nil {
					return err
				}
				return apperr.Conflict("the template “%s” is %s at WhatsApp (%s): it must be approved before the campaign goes on",
					t.Name, v.ApprovalStatus, template.LanguageName(t.Language))
			}
		}
		now, err := db.Now(ctx, tx)
		if err != nil {
			return err
		}
		c.PausedBy, c.PausedReason, c.ResumedAt = PausedByNobody, "", &now
		if c.ErrorsBefore, c.TriedBefore, err = tried(ctx, tx, id); err != nil {
			return err
		}
		if err := message.RecountReserved(ctx, tx, id); err != nil {
			return err
		}
		shares, err := activeShares(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(shares) == 0 {
			return apperr.Conflict("none of the campaign's senders is active: resume a sender first")
		}
		// All senders: those that do not send give their messages to the others.
		all, err := sharesOf(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		return WakeWorkers(ctx, tx, s.jobs, all[id].senders()...)
	})
}

// Cancel ends it: what is pending is canceled; what Twilio has is out. The
// status stops everything at once, the messages follow in batches; should this
// process die between them, maintenance goes on.
func (s *Service) Cancel(ctx context.Context, id int64) (*Campaign, error) {
	c, err := s.move(ctx, id, audit.CampaignCancel, StatusCanceled, nil)
	if err != nil {
		return nil, err
	}
	if err := inBatches(func() (int, error) { return message.Cancel(ctx, s.db, id, endBatch) }); err != nil {
		return nil, err
	}
	return c, s.awaitIdle(ctx, id)
}

// move is the one way a status changes: locked, checked against the table of
// moves, saved and audited.
func (s *Service) move(ctx context.Context, id int64, action audit.Action, to Status,
	fn func(context.Context, bun.Tx, *Campaign) error,
) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var c *Campaign
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		c, err = moveTx(ctx, tx, id, action, to, fn)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicCampaign, id)
	return c, nil
}

func moveTx(ctx context.Context, tx bun.Tx, id int64, action audit.Action, to Status,
	fn func(context.Context, bun.Tx, *Campaign) error,
) (*Campaign, error) {
	c, err := forUpdate(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	from := c.Status
	if !from.CanBecome(to) {
		return nil, apperr.Conflict("the campaign is %s and cannot become %s", from, to)
	}
	if fn != nil {
		if err := fn(ctx, tx, c); err != nil {
			return nil, err
		}
	}
	c.Status = to
	if to.Ended() {
		c.endWait()
	}
	if to.Ended() {
		now, err := db.Now(ctx, tx)
		if err != nil {
			return nil, err
		}
		c.FinishedAt, c.NextRunAt = &now, nil
	}
	if err := save(ctx, tx, c); err != nil {
		return nil, err
	}
	changes := map[string]any{"from": from, "to": to}
	if c.PausedReason != "" {
		changes["reason"] = c.PausedReason
	}
	if c.Failure != "" {
		changes["failure"] = c.Failure
	}
	return c, audit.Record(ctx, tx, action, "campaign", id, changes)
}

// another is a campaign that is set to the same, but for when it starts and ends.
func (c *Campaign) another(name string) *Campaign {
	return &Campaign{
		Name: name, Labels: c.Labels, TemplateID: c.TemplateID, SegmentID: c.SegmentID, Query: c.Query, SenderID: c.SenderID, TopicID: c.TopicID,
		RateLimitPerSecond: c.RateLimitPerSecond, QuietHours: c.QuietHours, FrequencyCap: c.FrequencyCap, BestHour: c.BestHour, ErrorThreshold: c.ErrorThreshold,
		Budget: c.Budget, BudgetCurrency: c.BudgetCurrency, TrackLinks: c.TrackLinks, UTM: c.UTM, HoldoutPercent: c.HoldoutPercent, Pilot: c.Pilot,
		VariantTest: c.VariantTest, Goals: c.Goals, SendToTeam: c.SendToTeam,
	}
}

// Duplicate makes a draft like it. Senders of a provider that was left are chosen anew.
func (s *Service) Duplicate(ctx context.Context, id int64) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	old, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	name := []rune("Copy of " + old.Name)
	c := old.another(string(name[:min(len(name), 150)]))
	c.Status, c.CreatedBy, c.EditedBy = StatusDraft, actor.OperatorID(ctx), actor.Person(ctx)
	return c, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		shares, err := sharesOf(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		chosen := shares[id].senders()
		if c.SenderID != nil {
			chosen = append(chosen, *c.SenderID)
		}
		senders, err := sender.InUse(ctx, tx, chosen...)
		if err != nil {
			return err
		}
		if c.SenderID != nil && !slices.Contains(senders, *c.SenderID) {
			c.SenderID = nil
		}
		variants, err := variantsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if variants = variants.among(senders); len(variants) == 0 {
			c.VariantTest = nil
		}
		if err := insert(ctx, tx, c); err != nil {
			return err
		}
		kept := slices.DeleteFunc(shares[id], func(s Share) bool { return !slices.Contains(senders, s.SenderID) })
		if err := saveShares(ctx, tx, c.ID, kept); err != nil {
			return err
		}
		if err := saveVariants(ctx, tx, c.ID, variants); err != nil {
			return err
		}
		is, err := c.audited(ctx, tx)
		if err != nil {
			return err
		}
		is["of"] = id
		return audit.RecordChange(ctx, tx, audit.CampaignDuplicate, "campaign", c.ID, nil, is)
	})
}

// Delete removes a draft; a campaign that was launched stays for the record.
func (s *Service) Delete(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		c, err := forUpdate(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.Status != StatusDraft {
			return apperr.Conflict("the campaign is %s: only drafts can be deleted", c.Status)
		}
		if err := remove(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.CampaignDelete, "campaign", id, map[string]any{"name": c.Name})
	})
	if err == nil {
		s.hub.Publish(pubsub.TopicCampaign, id) // whoever looks at it learns that it is gone
	}
	return err
}

// Preflight tells before a launch what it would do.
type Preflight struct {
	Audience  int64
	WillSend  int64            // of Audience, as the contacts stand now
	Skips     map[string]int64 // reason → contacts
	Deferred  int64            // estimate: contacts inside quiet hours now
	RateLimit float64          // messages a second that apply
	Seconds   float64          // to send WillSend at that rate, and within WhatsApp's limit of people a day
	Portfolio *PortfolioOutlook
	BestHours *BestHours
	Cost      *Cost        // nil: nothing is known of it yet
	Approval  bool         // a launch asks a second person for approval
	Blockers  apperr.List  // what forbids the launch
	Warnings  []say.Text   //
	Zones     []InZone     // of WillSend, by their clocks; nil where it is not known what would be sent
	Windows   int64        // of WillSend, who wrote within the last 24 hours
	Languages []InLanguage // of WillSend, by the language that they get; nil where the template has one

	Variants []int64 // how many draw each variant of the test, as the contacts stand now
	Waiting  int64   // who waits for the winner of the test
}

// Preflight looks at a draft without changing anything.
func (s *Service) Preflight(ctx context.Context, id int64) (*Preflight, error) {
	c, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	p := &Preflight{Skips: map[string]int64{}}
	blockers, offered, query, err := s.blockers(ctx, s.db, c)
	if err != nil {
		return nil, err
	}
	p.Blockers = blockers
	if p.Approval, err = s.asksFirst(ctx, c); err != nil {
		return nil, err
	}
	if err := offered.warnOfLinks(c, p); err != nil {
		return nil, err
	}
	s.warnOfLostFiles(ctx, offered, p)
	if query == nil {
		return p, nil
	}
	predicate, err := s.segments.Compile(ctx, s.db, query)
	if err != nil {
		return p, nil //nolint:nilerr // it stands among the blockers
	}
	category := template.CategoryMarketing
	if len(offered) > 0 {
		category = offered[0].template.Category
	} else if c.TemplateID != nil {
		if category, err = template.CategoryOf(ctx, s.db, *c.TemplateID); err != nil {
			return nil, err
		}
	}
	by := screen{category, c.TopicID}
	variants, err := variantsOf(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	drawn, err := drawsOf(ctx, s.db, c, category, variants)
	if err != nil {
		return nil, err
	}
	version := contact.Predicate{SQL: "0"}
	if len(offered) > 0 {
		version = choose(offered.wordings())
	}
	rows, err := countAudience(ctx, s.db, predicate, by, drawn, version)
	if err != nil {
		return nil, err
	}
	regions, versions := map[string]int64{}, map[int64]int64{}
	p.Variants = make([]int64, len(variants))
	for _, r := range rows {
		p.Audience += r.N
		if r.Reason != "" {
			p.Skips[r.Reason] += r.N
			continue
		}
		p.WillSend += r.N
		regions[r.Region] += r.N
		versions[r.Version] += r.N
		if r.Waits {
			p.Waiting += r.N
		} else if len(variants) > 0 {
			p.Variants[r.Variant] += r.N
		}
	}
	p.Languages = offered.languages(versions)
	through := p.WillSend
	if err := s.estimate(ctx, c, predicate, offered, drawn, by, p); err != nil {
		return nil, err
	}
	if c.TemplateID != nil {
		if p.Cost, err = s.cost(ctx, c, category, regions, through, p.WillSend); err != nil {
			return nil, err
		}
	}
	if p.Cost != nil {
		if err := s.warnOfBudgets(ctx, c, p); err != nil {
			return nil, err
		}
	}
	if p.RateLimit, err = s.rate(ctx, c); err != nil {
		return nil, err
	}
	if c.RateLimitPerSecond != nil {
		p.RateLimit = min(p.RateLimit, *c.RateLimitPerSecond)
	}
	p.Seconds = float64(p.WillSend) / p.RateLimit
	if p.Portfolio != nil {
		p.Seconds = max(p.Seconds, p.Portfolio.WaitsFor.Seconds())
	}
	return p, nil
}

// asksFirst tells whether a launch would ask a second person for approval.
func (s *Service) asksFirst(ctx context.Context, c *Campaign) (asks bool, err error) {
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		cleared, err := s.cleared(ctx, tx, c, nil)
		asks = !cleared
		return cannotStart(err)
	})
	return asks, err
}

// rate is what a campaign's senders can do together. Each sends its share, so
// the one with the most to do for its rate is the last.
func (s *Service) rate(ctx context.Context, c *Campaign) (float64, error) {
	shares, err := sharesOf(ctx, s.db, []int64{c.ID})
	if err != nil {
		return 0, err
	}
	account, err := s.senders.AccountRate(ctx)
	if err != nil {
		return 0, err
	}
	senders, err := s.senders.ByIDs(ctx, shares[c.ID].senders())
	if err != nil {
		return 0, err
	}
	rates, weights, slowest := map[int64]float64{}, 0, account
	for _, snd := range senders {
		rates[snd.ID] = snd.RatePerSecond
	}
	for _, x := range shares[c.ID] {
		weights += x.Weight
	}
	for _, x := range shares[c.ID] {
		slowest = min(slowest, rates[x.SenderID]*float64(weights)/float64(x.Weight))
	}
	return slowest, nil
}

// estimateSample is how many recipients preflight runs through the gate.
const estimateSample = 2000

// estimate runs a sample of those who would get it through the real gate.
func (s *Service) estimate(ctx context.Context, c *Campaign, p segment.Predicate, offered offers, drawn draws,
	by screen, out *Preflight,
) error {
	if len(offered) == 0 || out.WillSend == 0 {
		return nil
	}
	compiled := map[int64]*template.Compiled{}
	for _, said := range offered {
		of, err := said.compiled()
		if err != nil {
			return err
		}
		maps.Copy(compiled, of)
	}
	sample, err := audienceSample(ctx, s.db, p, by, estimateSample)
	if err != nil {
		return err
	}
	sample = slices.DeleteFunc(sample, func(person *contact.Contact) bool {
		held, _, _ := drawn.of(person.ID)
		return held != ""
	})
	if len(sample) == 0 {
		return nil
	}
	ids := contact.IDs(sample)
	recent, err := RecentOf(ctx, s.db, c, ids)
	if err != nil {
		return err
	}
	windows, err := conversation.OpenWindows(ctx, s.db, ids, s.now())
	if err != nil {
		return err
	}
	if err := s.foreseePortfolio(ctx, ids, windows, out); err != nil {
		return err
	}
	best, err := s.foreseeHours(ctx, c, sample)
	if err != nil {
		return err
	}
	var deferred, open int64
	zones := map[string]int64{}
	skipped := map[message.SkipReason]int64{}
	untimely := map[*hours.LegalHours]int64{}
	for _, person := range sample {
		_, variant, _ := drawn.of(person.ID)
		said := offered[variant]
		preferred, hour := best.of(person)
		v := gate.Decide(gate.Candidate{
			Preferred: preferred,
			Purpose:   message.PurposeCampaign, Contact: person, Category: by.category,
			Template: compiled[template.Choose(said.own, said.others, person.Locale).VersionID], Cap: c.FrequencyCap, Recent: recent[person.ID], QuietHours: c.QuietHours, EndsAt: c.EndsAt,
		}, s.now())
		switch {
		case v.Skip != "":
			skipped[v.Skip]++
			continue
		case v.Status == message.StatusPending && v.Reason != hours.BestHour:
			deferred++
		default:
			at := s.now()
			if v.Status == message.StatusPending {
				at = v.NotBefore
			}
			if custom := hours.Against(person, at); custom != nil {
				untimely[custom]++
			}
		}
		best.count(person, preferred, hour)
		zones[zoneOf(person)]++
		if windows[person.ID] {
			open++
		}
	}
	through := out.WillSend // whom the sample stands for
	projected := func(n int64) int64 { return n * through / int64(len(sample)) }
	out.BestHours, out.Zones, out.Windows = best.projected(projected), byZone(zones, projected), projected(open)
	for custom, n := range untimely {
		out.Warnings = append(out.Warnings,
			say.New("about %d <contact|contacts> in %s would get it at an hour that is not customary there: %s", projected(n),
				custom.Name, custom.Source))
	}
	for reason, n := range skipped {
		n = projected(n)
		out.Skips[string(reason)] = n
		out.WillSend -= n
	}
	if n := out.Skips[string(message.SkipMissingVariable)]; n > 0 {
		out.Warnings = append(out.Warnings,
			say.New("about %d <contact lacks|contacts lack> a value that the template needs, and it has no fallback", n))
	}
	if out.Deferred = projected(deferred); out.Deferred > 0 {
		out.Warnings = append(out.Warnings,
			say.New("about %d <contact is|contacts are> inside quiet hours now; their message is sent when quiet hours end", out.Deferred))
	}
	return nil
}

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Campaign, error) {
	found, err := byIDs(ctx, s.db, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("campaign %v does not exist", id)
	}
	return found[0], nil
}

// ByIDs finds many; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Campaign, error) {
	return byIDs(ctx, s.db, ids)
}

// List gives a page, newest first, or by name.
func (s *Service) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Campaign], error) {
	return list(ctx, s.db, f, p)
}

// Count tells how many campaigns f matches.
func (s *Service) Count(ctx context.Context, f Filter) (int64, error) { return count(ctx, s.db, f) }

// RunsOf gives the newest runs of a recurring campaign.
func (s *Service) RunsOf(ctx context.Context, parent int64, n int) ([]*Campaign, error) {
	return runsOf(ctx, s.db, parent, n)
}
