package template

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/jobs"
	"eventstream/server/provider"
	"eventstream/server/recent"
	"eventstream/server/say"

	"github.com/uptrace/bun"
)

// Dependencies are the parts of a Service.
type Dependencies struct {
	DB        *db.DB
	Jobs      *jobs.Enqueuer
	Content   Content
	Library   Library
	Live      bool    // Content is Twilio's, not the sandbox's: each is asked about its own versions only
	Files     Files   // nil: files of the library are not looked at
	Lost      Lost    // nil: nobody asks where files of the library are kept
	PublicURL string  // where WhatsApp reaches this server
	LinkURL   string  // where short links begin: see Parts.LinkURL
	Samples   Samples // nil: no template tracks clicks
	Hold      Hold    // nil: nothing sends with templates
	Log       *slog.Logger
}

// Hold stops whatever sends with a version, with the reason for people. committed is called once that is so.
type Hold func(ctx context.Context, tx bun.Tx, versionID int64, reason string) (committed func(), err error)

// Samples gives tokens for the reviewers of a version, by the names of their variables.
type Samples func(ctx context.Context, versionID int64, c *Compiled) (map[string]string, error)

// Files tells why WhatsApp would not show a medium; "" when it would.
type Files func(ctx context.Context, idb bun.IDB, m Media) (problem say.Text, err error)

// Lost tells that a medium of the library is not where it is kept; "" when it is, and an error where nobody knows. It asks over the network.
type Lost func(ctx context.Context, m Media) (problem say.Text, err error)

// Service keeps templates and brings them to WhatsApp.
type Service struct {
	db        *db.DB
	jobs      *jobs.Enqueuer
	content   Content
	library   Library
	contents  recent.Answer[contents] // of the library
	of        provider.Name           // whose content is
	files     Files
	lost      Lost
	publicURL string
	linkURL   string
	samples   Samples
	hold      Hold
	log       *slog.Logger
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, jobs: d.Jobs, content: d.Content, library: d.Library, contents: recent.Answer[contents]{For: trustContents}, of: provider.Of(d.Live), files: d.Files, lost: d.Lost, publicURL: d.PublicURL,
		linkURL: d.LinkURL, samples: d.Samples, hold: d.Hold, log: d.Log,
	}
}

// Create saves a template with its first version. With submit it goes on to
// WhatsApp at once, and breaking WhatsApp's rules is an error.
func (s *Service) Create(ctx context.Context, in Input, submit bool) (*Template, *Version, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, nil, err
	}
	t, v := &Template{Language: "en", Category: CategoryMarketing},
		&Version{Version: 1, ApprovalStatus: ApprovalDraft}
	if err := in.apply(t, v, s.linkURL); err != nil {
		return nil, nil, err
	}
	if err := submittable(v, submit); err != nil {
		return nil, nil, err
	}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := s.checkFiles(ctx, tx, v); err != nil {
			return err
		}
		if err := insertTemplate(ctx, tx, t); err != nil {
			return err
		}
		v.TemplateID = t.ID
		if err := insertVersion(ctx, tx, v); err != nil {
			return err
		}
		if err := s.enqueue(ctx, tx, v, submit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.TemplateCreate, "template", t.ID, map[string]any{"name": t.Name, "version": v.ID})
	})
	if db.IsUnique(err) {
		return nil, nil, apperr.Invalid("name", "there is a template named %q in %s already", t.Name, t.Language)
	}
	return t, v, err
}

// Update changes what in names. A new body makes a new version; the versions
// before it stay as they are, and campaigns under way keep theirs.
func (s *Service) Update(ctx context.Context, id int64, in Input, submit bool) (*Template, *Version, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, nil, err
	}
	var t *Template
	var v *Version
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if t, err = templateForUpdate(ctx, tx, id); err != nil {
			return err
		}
		if v, err = newestVersion(ctx, tx, id); err != nil {
			return err
		}
		before, was := *v, t.audited(v.ID)
		language, category := t.Language, t.Category
		if err := in.apply(t, v, s.linkURL); err != nil {
			return err
		}
		if t.Language != language || t.Category != category {
			if err := changeable(ctx, tx, id, &before, v); err != nil {
				return err
			}
		}
		if err := submittable(v, submit); err != nil {
			return err
		}
		if err := s.checkFiles(ctx, tx, v); err != nil {
			return err
		}
		if err := saveTemplate(ctx, tx, t); err != nil {
			return err
		}
		if !v.says(&before) {
			*v = Version{
				TemplateID: id, Version: before.Version + 1, Kind: v.Kind, Body: v.Body, Parts: v.Parts, Variables: v.Variables,
				ApprovalStatus: ApprovalDraft,
			}
			if err := insertVersion(ctx, tx, v); err != nil {
				return err
			}
		}
		if err := s.enqueue(ctx, tx, v, submit); err != nil {
			return err
		}
		return audit.RecordChange(ctx, tx, audit.TemplateUpdate, "template", id, was, t.audited(v.ID))
	})
	if db.IsUnique(err) {
		return nil, nil, apperr.Invalid("name", "there is a template of this name in this language already")
	}
	return t, v, err
}

// changeable refuses another language or category where WhatsApp has taken a version under the present ones: campaigns may
// send it. What WhatsApp only rejected may be tried again with another text.
func changeable(ctx context.Context, tx bun.Tx, id int64, before, v *Version) error {
	taken, err := newestVersions(ctx, tx, []int64{id}, ApprovalApproved, ApprovalPaused, ApprovalDisabled, ApprovalWindowOnly)
	switch {
	case err != nil:
		return err
	case len(taken) > 0:
		return apperr.Conflict("WhatsApp has taken this template in its language and category, which stay: make another template")
	case v.says(before) && v.ApprovalStatus != ApprovalDraft:
		return apperr.Conflict("language and category of a submitted template cannot change: change its text too, or make another template")
	}
	return nil
}

// Submit brings the newest version to WhatsApp.
func (s *Service) Submit(ctx context.Context, id int64) (*Template, *Version, error) {
	return s.Update(ctx, id, Input{}, true)
}

func submittable(v *Version, submit bool) error {
	if !submit {
		return nil
	}
	c, err := v.Compile()
	if err != nil {
		return err
	}
	var errs apperr.List
	for _, rule := range c.rules() {
		_ = errs.Add(apperr.Blame("body", rule))
	}
	return errs.Err()
}

// checkFiles refuses a version that shows a file which WhatsApp would not get.
func (s *Service) checkFiles(ctx context.Context, idb bun.IDB, v *Version) error {
	problems, err := s.FileProblems(ctx, idb, v)
	if err != nil {
		return err
	}
	return problems.Err()
}

// FileProblems tells which media of a version WhatsApp would not show, by their field.
func (s *Service) FileProblems(ctx context.Context, idb bun.IDB, v *Version) (apperr.List, error) {
	var list apperr.List
	if s.files == nil {
		return nil, nil
	}
	for _, m := range v.Parts.media() {
		problem, err := s.files(ctx, idb, m.Media)
		if err != nil {
			return nil, err
		}
		if !problem.Empty() {
			_ = list.Add(apperr.Blame("content."+m.field, problem))
		}
	}
	return list, nil
}

// LostFiles tells which media of a version are not where the library keeps them. An error: nobody knows.
func (s *Service) LostFiles(ctx context.Context, v *Version) (problems []say.Text, err error) {
	if s.lost == nil {
		return nil, nil
	}
	for _, m := range v.Parts.media() {
		problem, err := s.lost(ctx, m.Media)
		if err != nil {
			return nil, err
		}
		if !problem.Empty() {
			problems = append(problems, problem)
		}
	}
	return problems, nil
}

func (s *Service) enqueue(ctx context.Context, tx bun.Tx, v *Version, submit bool) error {
	if !submit || v.ApprovalStatus != ApprovalDraft {
		return nil
	}
	v.ApprovalStatus = ApprovalSubmitted
	if err := markSubmitting(ctx, tx, v.ID); err != nil {
		return err
	}
	return s.jobs.Insert(ctx, tx, SubmitArgs{VersionID: v.ID})
}

// Delete takes a template out of the lists. Campaigns that used it keep it;
// one that still needs it forbids it.
func (s *Service) Delete(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := templateForUpdate(ctx, tx, id); err != nil {
			return err
		}
		users, err := openCampaigns(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return apperr.Conflict("this template is used by the campaign %s", strings.Join(users, ", "))
		}
		if asks, err := asksForOptIns(ctx, tx, id); err != nil {
			return err
		} else if asks {
			return apperr.Conflict("this template asks the questions of double opt-in: choose another under Settings first")
		}
		if err := markDeleted(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.TemplateDelete, "template", id, nil)
	})
}

// Bring makes the version at Twilio and asks for its approval. Safe to repeat.
func (s *Service) Bring(ctx context.Context, versionID int64) error {
	v, err := s.Version(ctx, versionID)
	if err != nil {
		return err
	}
	if v.ApprovalStatus != ApprovalSubmitted || v.SubmittedAt != nil || v.Provider != s.of {
		return nil
	}
	t, err := s.ByID(ctx, v.TemplateID)
	if err != nil {
		return err
	}
	name := contentName(t, v)
	if v.ContentSID == "" {
		spec, err := s.spec(ctx, t, v)
		if err != nil {
			return err
		}
		sid, err := s.content.Create(ctx, spec)
		if err != nil {
			return s.refused(ctx, v, err)
		}
		// A second run of this job may have made another meanwhile: the first that
		// is kept counts, and the other stays unused at Twilio.
		if v.ContentSID, err = keepContent(ctx, s.db, v.ID, sid); err != nil {
			return err
		}
	}
	if !v.Kind.NeedsApproval() {
		return s.decide(ctx, v, Decision{Approval: ApprovalWindowOnly})
	}
	if err := s.content.Submit(ctx, v.ContentSID, name, t.Category); err != nil {
		return s.refused(ctx, v, err)
	}
	return markSubmitted(ctx, s.db, v.ID)
}

// spec is a version as Twilio is to keep it.
func (s *Service) spec(ctx context.Context, t *Template, v *Version) (ContentSpec, error) {
	c, err := v.Compile()
	if err != nil {
		return ContentSpec{}, err
	}
	body, parts := c.Wire()
	if h := parts.Header; h != nil && h.Media != nil {
		h.Media.URL = s.address(h.Media.URL)
	}
	for i := range parts.Cards {
		parts.Cards[i].Media.URL = s.address(parts.Cards[i].Media.URL)
	}
	spec := ContentSpec{
		Name: contentName(t, v), Language: t.Language, Kind: v.Kind, Body: body, Parts: parts, Variables: samples(v.Variables),
	}
	if len(c.Links) == 0 || s.samples == nil {
		return spec, nil
	}
	tokens, err := s.samples(ctx, v.ID, c)
	maps.Copy(spec.Variables, tokens)
	return spec, err
}

// address is where WhatsApp finds a file: those of the library are served here.
func (s *Service) address(file string) string {
	if strings.HasPrefix(file, LibraryPath) {
		return s.publicURL + file
	}
	return file
}

// says reports whether two versions say the same.
func (v *Version) says(other *Version) bool {
	return v.Body == other.Body && reflect.DeepEqual(v.Parts, other.Parts)
}

// refused keeps what Twilio found wrong with the template itself; any other
// failure is tried again by the job.
func (s *Service) refused(ctx context.Context, v *Version, err error) error {
	if !apperr.Is(err, apperr.CodeInvalid) {
		return err
	}
	s.log.WarnContext(ctx, "template refused", "version", v.ID, "error", err)
	return s.decide(ctx, v, Decision{Approval: ApprovalRejected, Reason: err.Error()})
}

// contentName is lower case with underscores, as WhatsApp wants it, and unique.
func contentName(t *Template, v *Version) string {
	slug := strings.Trim(strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, t.Name), "_")
	return fmt.Sprintf("%.60s_t%d_v%d", slug, t.ID, v.Version)
}

// decisionWait is how long one question about a decision may take. Twilio's
// Content API answers within a second, or hangs.
const decisionWait = 5 * time.Second

// PollDecisions asks Twilio about up to limit versions that are due, longest due first. Those that wait for WhatsApp: each
// second or so in the first minute, then every minute. Those with which a campaign sends: every 20 seconds, because WhatsApp
// may withdraw them at any time. Other approved and paused ones: every hour.
// One that gets no answer waits longer each time, up to half an hour, so that it
// holds no other up. It says how many it asked about.
func (s *Service) PollDecisions(ctx context.Context, limit int) (int, error) {
	waiting, err := dueForDecision(ctx, s.db, s.of, limit)
	if err != nil {
		return 0, err
	}
	for i, v := range waiting {
		one, cancel := context.WithTimeout(ctx, decisionWait)
		err := s.poll(one, v)
		cancel()
		if ctx.Err() != nil { // the next run begins with this one
			return i, ctx.Err()
		}
		if err == nil {
			continue
		}
		s.log.WarnContext(ctx, "template approval not read", "version", v.ID, "failures", v.CheckFailures+1, "error", err)
		if err := postpone(ctx, s.db, v.ID); err != nil {
			return i, err
		}
	}
	return len(waiting), nil
}

func (s *Service) poll(ctx context.Context, v *Version) error {
	d, err := s.content.Decision(ctx, v.ContentSID)
	if err != nil {
		return err
	}
	return s.decide(ctx, v, d)
}

// decide keeps what WhatsApp says of a version. Where it withdraws one, or moves the template to another category,
// whatever sends with it is held in the same transaction.
func (s *Service) decide(ctx context.Context, v *Version, d Decision) error {
	committed := func() {}
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		t, err := templateForDecision(ctx, tx, v.TemplateID)
		if err != nil {
			return err
		}
		before, err := keepDecision(ctx, tx, v, d)
		if err != nil || before == nil {
			return err
		}
		reason := ""
		if *before == ApprovalApproved && d.Approval != ApprovalApproved {
			reason = withdrawn(t, d)
		}
		// Of several approved versions the newest speaks for the template.
		newest, err := ApprovedVersion(ctx, tx, t.ID)
		if err != nil {
			return err
		}
		if newest != nil && newest.ID == v.ID && d.Category != "" && d.Category != t.Category {
			was := t.Category
			if err := moveCategory(ctx, tx, t.ID, d.Category); err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.TemplateCategory, "template", t.ID, map[string]any{"from": was, "to": d.Category}); err != nil {
				return err
			}
			reason = fmt.Sprintf("WhatsApp moved the template “%s” from %s to %s, which changes consent and price. Resume to go on as %s.",
				t.Name, was, d.Category, d.Category)
		}
		if reason == "" || s.hold == nil {
			return nil
		}
		committed, err = s.hold(ctx, tx, v.ID, reason)
		return err
	})
	if err == nil {
		committed()
	}
	return err
}

func withdrawn(t *Template, d Decision) string {
	gone := Version{ApprovalStatus: d.Approval, RejectionReason: d.Reason}
	text := fmt.Sprintf("WhatsApp has %s the template “%s”.", d.Approval, t.Name)
	if d.Approval == ApprovalSubmitted {
		text = fmt.Sprintf("WhatsApp looks at the template “%s” again.", t.Name)
	}
	if d.Reason != "" {
		text += " It says: " + d.Reason + "."
	}
	if advice := gone.Advice(); !advice.Empty() {
		text += " " + advice.String()
	}
	return text
}

// Ask asks Twilio about one version now, and gives it with its template as they stand then.
func (s *Service) Ask(ctx context.Context, versionID int64) (*Template, *Version, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, nil, err
	}
	v, err := s.Version(ctx, versionID)
	if err != nil {
		return nil, nil, err
	}
	if v.Provider != s.of {
		return nil, nil, apperr.Conflict("this version went to the sandbox, and Twilio is live: submit the newest one")
	}
	if err := s.poll(ctx, v); err != nil {
		return nil, nil, err
	}
	if v, err = s.Version(ctx, versionID); err != nil {
		return nil, nil, err
	}
	t, err := s.ByID(ctx, v.TemplateID)
	return t, v, err
}

// Redraft gives each template that went to the sandbox another version, a draft, which
// Twilio can get, and tells how many. Twilio is live already.
func Redraft(ctx context.Context, tx bun.Tx) (int64, error) { return redraft(ctx, tx) }

// Sync asks Twilio about every version that it knows, whatever its state.
func (s *Service) Sync(ctx context.Context) (int, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return 0, err
	}
	all, err := atTwilio(ctx, s.db, s.of)
	if err != nil {
		return 0, err
	}
	for _, v := range all {
		if err := s.poll(ctx, v); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// Preview is a template tried out on a contact.
type Preview struct {
	Rendered
	Kind     Kind
	Parts    Parts       // as the contact would see them
	Problems apperr.List // what keeps it from being saved, by field
	Warnings []say.Text  // what WhatsApp would refuse, and what looks wrong
	Used     []Variable
}

// Preview renders a template, saved or not. Without a contact the samples fill in.
func (s *Service) Preview(ctx context.Context, body string, parts Parts, category Category, contactID *int64) (*Preview, error) {
	parts = parts.clone()
	parts.clean()
	parts.track(s.linkURL)
	c, err := Compile(cleanText(body), parts)
	if err != nil {
		return nil, err
	}
	p := &Preview{Kind: c.Kind, Warnings: c.rules(), Used: c.Variables(), Problems: c.check(category)}
	for _, old := range OldPlaceholders(body) {
		p.Warnings = append(p.Warnings, say.New("{%s} is sent as it stands; write {{%s}} to fill it in", old,
			placeholderFor(old)))
	}
	if contactID == nil {
		p.Variables = samples(p.Used)
		p.Text, p.Parts = c.Sample()
	} else {
		found, err := contact.ByIDs(ctx, s.db, []int64{*contactID})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, apperr.NotFound("contact %v does not exist", *contactID)
		}
		p.Rendered, p.Parts = c.Show(found[0])
		for _, part := range p.TooLong {
			p.Warnings = append(p.Warnings, say.New("%s is longer than WhatsApp takes with these values", part))
		}
	}
	if n := utf8.RuneCountInString(p.Text); n > MaxBody {
		p.Warnings = append(p.Warnings, say.New("the text has %d characters with these values, WhatsApp takes at most %d: shorten it by %d", n,
			MaxBody, n-MaxBody))
	}
	if len(c.WebAddresses()) > 0 {
		p.Warnings = append(p.Warnings, say.New("clicks on an address in the text are not counted, because WhatsApp sends the text as it approved it: "+
			"put the address on a button that tracks clicks"))
	}
	return p, nil
}

func placeholderFor(old string) string {
	if plainFields[old] != nil {
		return old
	}
	return "attributes." + old
}

// CampaignsOf counts the campaigns that use each of the templates.
func (s *Service) CampaignsOf(ctx context.Context, ids []int64) (map[int64]int64, error) {
	return campaignsOf(ctx, s.db, ids)
}

// ByID finds one, also a deleted one.
func (s *Service) ByID(ctx context.Context, id int64) (*Template, error) { return Find(ctx, s.db, id) }

// Find finds one in the caller's transaction.
func Find(ctx context.Context, idb bun.IDB, id int64) (*Template, error) {
	found, err := templatesByIDs(ctx, idb, []int64{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apperr.NotFound("template %v does not exist", id)
	}
	return found[0], nil
}

// ByIDs finds many; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]*Template, error) {
	return templatesByIDs(ctx, s.db, ids)
}

// Version finds one version.
func (s *Service) Version(ctx context.Context, id int64) (*Version, error) {
	return VersionByID(ctx, s.db, id)
}

// NewestVersions gives the newest version of each template.
func (s *Service) NewestVersions(ctx context.Context, templateIDs []int64) (map[int64]*Version, error) {
	return newestVersions(ctx, s.db, templateIDs)
}

// NewestVersion gives the newest version of a template in the caller's transaction;
// nil when there is none.
func NewestVersion(ctx context.Context, idb bun.IDB, templateID int64) (*Version, error) {
	found, err := newestVersions(ctx, idb, []int64{templateID})
	return found[templateID], err
}

// Approved gives the newest version that WhatsApp approved; conflict when
// there is none.
func (s *Service) Approved(ctx context.Context, templateID int64) (*Version, error) {
	return sendable(ApprovedVersion(ctx, s.db, templateID))
}

// sendable refuses where there is no version to send.
func sendable(v *Version, err error) (*Version, error) {
	if err == nil && v == nil {
		err = apperr.Conflict("WhatsApp has not approved this template yet")
	}
	return v, err
}

// Sendable gives the newest version that may be tried out on somebody; conflict when there is none.
func (s *Service) Sendable(ctx context.Context, templateID int64) (*Version, error) {
	return sendable(ReplyVersion(ctx, s.db, templateID))
}

// Shown gives the newest version that may be sent, or else the newest.
func (s *Service) Shown(ctx context.Context, templateID int64) (*Version, error) {
	v, err := ReplyVersion(ctx, s.db, templateID)
	if err == nil && v == nil {
		v, err = NewestVersion(ctx, s.db, templateID)
	}
	if err == nil && v == nil {
		err = apperr.NotFound("template %v does not exist", templateID)
	}
	return v, err
}

// MissingFor counts the contacts who would be skipped because a value without
// fallback is missing.
func (s *Service) MissingFor(ctx context.Context, body string, parts Parts) (int64, error) {
	c, err := Compile(strings.TrimSpace(body), parts)
	if err != nil {
		return 0, err
	}
	var required [][]string
	exprs := slices.DeleteFunc(slices.Clone(c.Exprs), func(e *Expression) bool { return e.Link != nil })
	for _, l := range c.Links {
		exprs = append(exprs, l.body.Exprs...)
	}
	for _, e := range exprs {
		fallback := false
		for _, f := range e.Filters {
			fallback = fallback || f.Name == "default"
		}
		if !fallback {
			required = append(required, e.Path)
		}
	}
	return countMissing(ctx, s.db, required)
}

// ApprovedVersion gives the newest version that WhatsApp approved, or nil.
func ApprovedVersion(ctx context.Context, idb bun.IDB, templateID int64) (*Version, error) {
	found, err := newestVersions(ctx, idb, []int64{templateID}, ApprovalApproved)
	return found[templateID], err
}

// ReplyVersion gives the newest version that may go as a reply, or nil: one that WhatsApp approved, or that needs no approval
// within the window.
func ReplyVersion(ctx context.Context, idb bun.IDB, templateID int64) (*Version, error) {
	found, err := newestVersions(ctx, idb, []int64{templateID}, ApprovalApproved, ApprovalWindowOnly)
	return found[templateID], err
}

// Text is a template with its newest version, and the newest that WhatsApp approved.
type Text struct {
	Template *Template
	Newest   *Version
	Approved *Version // nil: none is
}

// Newest reads templates with their texts, deleted ones too, by their ids.
func Newest(ctx context.Context, idb bun.IDB, ids []int64) (map[int64]Text, error) {
	rows, err := templatesByIDs(ctx, idb, ids)
	if err != nil {
		return nil, err
	}
	newest, err := newestVersions(ctx, idb, ids)
	if err != nil {
		return nil, err
	}
	approved, err := newestVersions(ctx, idb, ids, ApprovalApproved)
	texts := make(map[int64]Text, len(rows))
	for _, t := range rows {
		texts[t.ID] = Text{Template: t, Newest: newest[t.ID], Approved: approved[t.ID]}
	}
	return texts, err
}

// Filter narrows a list of templates.
type Filter struct {
	Approval *Approval
	Sendable []Approval // of any version; none: whatever they are
	Search   string
}

// List gives a page, newest first.
func (s *Service) List(ctx context.Context, f Filter, p db.Page) (db.Slice[*Template], error) {
	return list(ctx, s.db, f, p)
}

// Count tells how many templates f matches.
func (s *Service) Count(ctx context.Context, f Filter) (int64, error) { return count(ctx, s.db, f) }

// audited is what a template is set to, for the trail; its text is the version's.
func (t *Template) audited(version int64) map[string]any {
	return map[string]any{"name": t.Name, "language": t.Language, "category": t.Category, "version": version}
}
