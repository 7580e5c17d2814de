package campaign

import (
	"context"
	"fmt"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/server/segment"
	"eventstream/server/sender"
	"eventstream/server/template"

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
	now       func() time.Time
}

// NewService makes the service.
func NewService(d *db.DB, hub *pubsub.Hub, j *jobs.Enqueuer, segments *segment.Service, templates *template.Service, senders *sender.Service, now func() time.Time) *Service {
	return &Service{db: d, hub: hub, jobs: j, segments: segments, templates: templates, senders: senders, now: now}
}

// Create saves a draft. Without a sender it takes the first one.
func (s *Service) Create(ctx context.Context, in Input) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	c := &Campaign{Status: StatusDraft, CreatedBy: actor.OperatorID(ctx)}
	if in.SenderID == nil {
		all, err := s.senders.List(ctx)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			in.SenderID = &all[0].ID
		}
	}
	if err := s.check(ctx, c, in); err != nil {
		return nil, err
	}
	return c, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "campaign.create", "campaign", c.ID, in.audited())
	})
}

// Update changes a draft; of a campaign under way only its pace and its end.
func (s *Service) Update(ctx context.Context, id int64, in Input) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var c *Campaign
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if c, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		fixed := in.TemplateID != nil || in.SegmentID != nil || in.Query != nil || in.SenderID != nil || in.QuietHours != nil || in.ClearQuietHours
		switch {
		case c.Status.Ended():
			return apperr.Conflict("the campaign is %s and cannot change any more", c.Status)
		case c.Status != StatusDraft && fixed:
			return apperr.Conflict("the campaign is %s: only its name, rate and end can still change", c.Status)
		}
		if err := s.check(ctx, c, in); err != nil {
			return err
		}
		if err := save(ctx, tx, c); err != nil {
			return err
		}
		if c.Status != StatusDraft && c.RateLimitPerSecond != nil {
			if err := sender.SetRate(ctx, tx, rateKey(c.ID), *c.RateLimitPerSecond); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, "campaign.update", "campaign", c.ID, in.audited())
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicCampaign, c.ID)
	return c, nil
}

// check applies in and looks up what it points to.
func (s *Service) check(ctx context.Context, c *Campaign, in Input) error {
	var errs apperr.List
	if err := errs.Add(in.apply(c)); err != nil {
		return err
	}
	if in.TemplateID != nil {
		t, err := s.templates.ByID(ctx, *in.TemplateID)
		if err == nil && t.DeletedAt != nil {
			err = apperr.NotFound("template", t.ID)
		}
		if err := errs.Add(missing("templateId", err)); err != nil {
			return err
		}
	}
	if in.SegmentID != nil {
		_, err := s.segments.ByID(ctx, *in.SegmentID)
		if err := errs.Add(missing("segmentId", err)); err != nil {
			return err
		}
	}
	if in.Query != nil {
		_, err := s.segments.Compile(ctx, s.db, in.Query)
		if err := errs.Add(err); err != nil {
			return err
		}
		if n, err := segment.Parse(in.Query); err == nil {
			c.Query = segment.Format(n)
		}
	}
	if in.SenderID != nil {
		_, err := s.senders.ByID(ctx, *in.SenderID)
		if err := errs.Add(missing("senderId", err)); err != nil {
			return err
		}
	}
	if in.EndsAt != nil && in.EndsAt.Before(s.now()) {
		_ = errs.Add(apperr.Invalid("endsAt", "%s is in the past", in.EndsAt.UTC().Format(time.RFC3339)))
	}
	return errs.Err()
}

func missing(field string, err error) error {
	if apperr.Is(err, apperr.CodeNotFound) {
		return apperr.Invalid(field, "it does not exist")
	}
	return err
}

func (in Input) audited() map[string]any {
	changes := map[string]any{}
	for key, v := range map[string]*int64{"template": in.TemplateID, "segment": in.SegmentID, "sender": in.SenderID} {
		if v != nil {
			changes[key] = *v
		}
	}
	if in.Name != nil {
		changes["name"] = *in.Name
	}
	if in.Query != nil {
		changes["query"] = in.Query
	}
	if in.RateLimitPerSecond != nil {
		changes["rate"] = *in.RateLimitPerSecond
	}
	if in.QuietHours != nil {
		changes["quiet_hours"] = in.QuietHours.String()
	}
	if in.EndsAt != nil {
		changes["ends_at"] = in.EndsAt
	}
	return changes
}

// Launch checks that everything is there and starts: one transaction with the
// status, the audit entry and the job, so that a crash leaves all or nothing.
func (s *Service) Launch(ctx context.Context, id int64) (*Campaign, error) {
	return s.move(ctx, id, "campaign.launch", StatusPreparing, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		blockers, version, err := s.blockers(ctx, tx, c)
		if err != nil {
			return err
		}
		if len(blockers) > 0 {
			return blockers
		}
		query := c.Query
		if c.SegmentID != nil {
			seg, err := s.segments.ByID(ctx, *c.SegmentID)
			if err != nil {
				return err
			}
			query = seg.Query
		}
		if c.AudienceQuery, err = s.segments.Freeze(ctx, tx, query); err != nil {
			return err
		}
		c.TemplateVersionID = &version.ID
		now := s.now()
		c.StartedAt = &now
		if c.RateLimitPerSecond != nil {
			if err := sender.SetRate(ctx, tx, rateKey(c.ID), *c.RateLimitPerSecond); err != nil {
				return err
			}
		}
		return s.jobs.Insert(ctx, tx, PrepareArgs{CampaignID: c.ID})
	})
}

// blockers lists all that keeps a campaign from being launched.
func (s *Service) blockers(ctx context.Context, idb bun.IDB, c *Campaign) (apperr.List, *template.Version, error) {
	var list apperr.List
	var version *template.Version
	if c.TemplateID == nil {
		_ = list.Add(apperr.Invalid("templateId", "the campaign has no template: choose one"))
	} else {
		v, err := template.ApprovedVersion(ctx, idb, *c.TemplateID)
		if err != nil {
			return nil, nil, err
		}
		if version = v; v == nil {
			newest, err := s.templates.NewestVersions(ctx, []int64{*c.TemplateID})
			if err != nil {
				return nil, nil, err
			}
			state := template.ApprovalDraft
			if n := newest[*c.TemplateID]; n != nil {
				state = n.ApprovalStatus
			}
			_ = list.Add(apperr.Invalid("templateId", "the template is %s: WhatsApp must approve it first", state))
		}
	}
	switch {
	case c.SegmentID == nil && c.Query == nil:
		_ = list.Add(apperr.Invalid("segmentId", "the campaign has no audience: choose a segment"))
	default:
		n, err := s.audience(ctx, c)
		if err != nil {
			if err := list.Add(err); err != nil {
				return nil, nil, err
			}
		} else if n.Count == 0 {
			_ = list.Add(apperr.Invalid("segmentId", "the segment matches nobody"))
		}
	}
	if c.SenderID == nil {
		_ = list.Add(apperr.Invalid("senderId", "the campaign has no sender: add one under Settings"))
	} else {
		snd, err := s.senders.ByID(ctx, *c.SenderID)
		if err != nil {
			return nil, nil, err
		}
		if snd.Status != sender.StatusActive {
			_ = list.Add(apperr.Invalid("senderId", "the sender %s is %s", snd.DisplayName, snd.Status))
		}
	}
	if c.EndsAt != nil && c.EndsAt.Before(s.now()) {
		_ = list.Add(apperr.Invalid("endsAt", "the campaign's end is in the past"))
	}
	return list, version, nil
}

func (s *Service) audience(ctx context.Context, c *Campaign) (*segment.Preview, error) {
	query := c.Query
	if c.SegmentID != nil {
		seg, err := s.segments.ByID(ctx, *c.SegmentID)
		if err != nil {
			return nil, err
		}
		query = seg.Query
	}
	return s.segments.Preview(ctx, query, 0)
}

// Pause stops sending; slices under way end within a second.
func (s *Service) Pause(ctx context.Context, id int64, reason string) (*Campaign, error) {
	return s.move(ctx, id, "campaign.pause", StatusPaused, func(_ context.Context, _ bun.Tx, c *Campaign) error {
		c.PausedBy, c.PausedReason = PausedByOperator, reason
		return nil
	})
}

// PauseByEngine stops sending because something has to be mended first. A
// campaign that is not sending stays as it is.
func (s *Service) PauseByEngine(ctx context.Context, id int64, reason string) error {
	_, err := s.move(actor.With(ctx, actor.System), id, "campaign.pause", StatusPaused, func(_ context.Context, _ bun.Tx, c *Campaign) error {
		c.PausedBy, c.PausedReason = PausedByEngine, reason
		return nil
	})
	if apperr.Is(err, apperr.CodeConflict) {
		return nil
	}
	return err
}

// Resume goes on where it stopped.
func (s *Service) Resume(ctx context.Context, id int64) (*Campaign, error) {
	return s.move(ctx, id, "campaign.resume", StatusSending, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		if c.Status != StatusPaused {
			return apperr.Conflict("the campaign is %s, not paused", c.Status)
		}
		c.PausedBy, c.PausedReason = PausedByNobody, ""
		return s.jobs.Insert(ctx, tx, DispatchArgs{CampaignID: c.ID})
	})
}

// Cancel ends it: what is pending is canceled; what Twilio has is out.
func (s *Service) Cancel(ctx context.Context, id int64) (*Campaign, error) {
	return s.move(ctx, id, "campaign.cancel", StatusCanceled, func(ctx context.Context, tx bun.Tx, c *Campaign) error {
		now := s.now()
		c.FinishedAt = &now
		return cancelPending(ctx, tx, c.ID)
	})
}

// move is the one way a status changes: locked, checked against the table of
// moves, saved and audited.
func (s *Service) move(ctx context.Context, id int64, action string, to Status, fn func(context.Context, bun.Tx, *Campaign) error) (*Campaign, error) {
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

func moveTx(ctx context.Context, tx bun.Tx, id int64, action string, to Status, fn func(context.Context, bun.Tx, *Campaign) error) (*Campaign, error) {
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

// Duplicate makes a draft like it.
func (s *Service) Duplicate(ctx context.Context, id int64) (*Campaign, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	old, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	name := []rune("Copy of " + old.Name)
	c := &Campaign{
		Name: string(name[:min(len(name), 150)]), TemplateID: old.TemplateID, SegmentID: old.SegmentID, Query: old.Query, SenderID: old.SenderID, Status: StatusDraft,
		RateLimitPerSecond: old.RateLimitPerSecond, QuietHours: old.QuietHours, CreatedBy: actor.OperatorID(ctx),
	}
	return c, s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, "campaign.duplicate", "campaign", c.ID, map[string]any{"of": id})
	})
}

// Delete removes a draft; a campaign that was launched stays for the record.
func (s *Service) Delete(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
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
		return audit.Record(ctx, tx, "campaign.delete", "campaign", id, map[string]any{"name": c.Name})
	})
}

// Preflight tells before a launch what it would do.
type Preflight struct {
	Audience  int64
	WillSend  int64            // of Audience, as the contacts stand now
	Skips     map[string]int64 // reason → contacts
	Deferred  int64            // estimate: contacts inside quiet hours now
	RateLimit float64          // messages a second that apply
	Seconds   float64          // to send WillSend at that rate
	Blockers  apperr.List      // what forbids the launch
	Warnings  []string         //
}

// Preflight looks at a draft without changing anything.
func (s *Service) Preflight(ctx context.Context, id int64) (*Preflight, error) {
	c, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	p := &Preflight{Skips: map[string]int64{}}
	var version *template.Version
	if p.Blockers, version, err = s.blockers(ctx, s.db, c); err != nil {
		return nil, err
	}
	query := c.Query
	if c.SegmentID != nil {
		seg, err := s.segments.ByID(ctx, *c.SegmentID)
		if err != nil {
			return nil, err
		}
		query = seg.Query
	}
	if query == nil {
		return p, nil
	}
	predicate, err := s.segments.Compile(ctx, s.db, query)
	if err != nil {
		return p, nil //nolint:nilerr // it stands among the blockers
	}
	category := template.CategoryMarketing
	if c.TemplateID != nil {
		t, err := s.templates.ByID(ctx, *c.TemplateID)
		if err != nil {
			return nil, err
		}
		category = t.Category
	}
	counts, err := audienceCounts(ctx, s.db, predicate, category)
	if err != nil {
		return nil, err
	}
	for reason, n := range counts {
		p.Audience += n
		if reason == "" {
			p.WillSend = n
		} else {
			p.Skips[reason] = n
		}
	}
	if err := s.estimate(ctx, c, predicate, version, category, p); err != nil {
		return nil, err
	}
	p.RateLimit = sender.DefaultRate
	if c.SenderID != nil {
		snd, err := s.senders.ByID(ctx, *c.SenderID)
		if err != nil {
			return nil, err
		}
		p.RateLimit = snd.RatePerSecond
	}
	if c.RateLimitPerSecond != nil {
		p.RateLimit = min(p.RateLimit, *c.RateLimitPerSecond)
	}
	p.Seconds = float64(p.WillSend) / p.RateLimit
	return p, nil
}

// estimateSample is how many recipients preflight runs through the gate.
const estimateSample = 2000

// estimate runs a sample of those who would get it through the real gate.
func (s *Service) estimate(ctx context.Context, c *Campaign, p segment.Predicate, version *template.Version, category template.Category, out *Preflight) error {
	if version == nil || out.WillSend == 0 {
		return nil
	}
	body, err := template.Parse(version.Body)
	if err != nil {
		return err
	}
	sample, err := audienceSample(ctx, s.db, p, estimateSample)
	if err != nil {
		return err
	}
	var eligible, missingVar, deferred int64
	for _, person := range sample {
		v := Gate(Candidate{Contact: person, Category: category, Body: body, QuietHours: c.QuietHours, EndsAt: c.EndsAt}, s.now())
		if v.Skip != "" && v.Skip != "missing_variable" {
			continue
		}
		eligible++
		switch {
		case v.Skip == "missing_variable":
			missingVar++
		case v.Status == "pending":
			deferred++
		}
	}
	if eligible == 0 {
		return nil
	}
	if missingVar > 0 {
		n := missingVar * out.WillSend / eligible
		out.Skips["missing_variable"] = n
		out.WillSend -= n
		out.Warnings = append(out.Warnings, fmt.Sprintf("about %d contacts lack a value that the template needs, and it has no fallback", n))
	}
	if out.Deferred = deferred * (out.WillSend + out.Skips["missing_variable"]) / eligible; out.Deferred > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("about %d contacts are inside quiet hours now and wait for their morning", out.Deferred))
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
		return nil, apperr.NotFound("campaign", id)
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
