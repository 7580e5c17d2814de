package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/auth"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/demo"
	"eventstream/server/doubleoptin"
	"eventstream/server/globalid"
	"eventstream/server/hours"
	"eventstream/server/importer"
	"eventstream/server/link"
	"eventstream/server/message"
	"eventstream/server/portfolio"
	"eventstream/server/reconcile"
	"eventstream/server/say"
	"eventstream/server/template"
	"eventstream/server/topic"
	"eventstream/server/twilio/sandbox"
	"eventstream/server/workspace"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vikstrous/dataloadgen"
)

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// contactInput reads a contact's fields. Null empties a text.
func contactInput(name, locale, zone graphql.Omittable[*string],
	attributes graphql.Omittable[json.RawMessage],
) (contact.Input, error) {
	var in contact.Input
	for _, f := range []struct {
		from graphql.Omittable[*string]
		to   **string
	}{{name, &in.Name}, {locale, &in.Locale}, {zone, &in.TimeZone}} {
		*f.to = emptied(f.from)
	}
	if raw := attributes.Value(); !isNull(raw) {
		if err := json.Unmarshal(raw, &in.Attributes); err != nil {
			return in, apperr.Invalid("attributes", "attributes are an object such as {\"city\": \"Paris\"}, found %.60s", raw)
		}
	}
	return in, nil
}

// emptied reads a text of an update: absent leaves it, null empties it.
func emptied(o graphql.Omittable[*string]) *string {
	v, set := o.ValueOK()
	if !set {
		return nil
	}
	s := text(v)
	return &s
}

// either is v, or what stands for it when it is absent.
func either[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

func contactFilter(in *model.ContactFilter) (f contact.Filter) {
	if in == nil {
		return f
	}
	f.ConsentStatus = lowerPtr[contact.ConsentStatus](in.ConsentStatus.Value())
	f.Reachable = in.Reachable.Value()
	f.Region = text(in.Region.Value())
	if raw := in.Query.Value(); !isNull(raw) {
		f.Query = raw
	}
	return f
}

// selection reads which contacts a bulk action is for.
func selection(in *model.ContactSelection) (f contact.Filter, err error) {
	ids, some := in.Ids.Value(), in.Filter.Value() != nil || text(in.Search.Value()) != ""
	if (ids != nil) == some {
		return f, apperr.Invalid("contacts",
			"say which contacts: either ids, or filter and search; {filter: {}} is everybody")
	}
	f = contactFilter(in.Filter.Value())
	f.Search = text(in.Search.Value())
	if ids != nil {
		f.IDs = make([]int64, len(ids))
	}
	for i, id := range ids {
		if f.IDs[i], err = globalid.Decode("contacts.ids", kindContact, id); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (r *Resolver) bulk(ctx context.Context, kind bulk.Kind, contacts *model.ContactSelection, o bulk.Options,
	expected *int64,
) (*model.BulkActionPayload, error) {
	var a *bulk.Action
	f, err := selection(contacts)
	if err == nil {
		a, err = r.Services.Bulk.Start(ctx, kind, f, o, expected)
	}
	errs, err := payloadErrors(err)
	return &model.BulkActionPayload{Action: toBulkAction(kept(errs, a)), UserErrors: errs}, err
}

// subscriptions lists where a contact stands with topics, by the topics' names.
func (r *Resolver) subscriptions(ctx context.Context,
	standing map[int64]*topic.Subscription,
) ([]*model.TopicSubscription, error) {
	topics, err := load(ctx).topics.LoadAll(ctx, slices.Collect(maps.Keys(standing)))
	if err != nil {
		return nil, err
	}
	topics = slices.DeleteFunc(topics, func(t *topic.Topic) bool { return t == nil }) // deleted meanwhile
	slices.SortFunc(topics, func(a, b *topic.Topic) int {
		return strings.Compare(strings.ToLower(a.Name),
			strings.ToLower(b.Name))
	})
	return mapped(topics, func(t *topic.Topic) *model.TopicSubscription {
		sub := standing[t.ID]
		return &model.TopicSubscription{
			Topic: toTopic(t), Status: upper[model.TopicStatus](sub.Status),
			Source: upper[model.ConsentSource](sub.Source), Since: sub.Since,
		}
	}), nil
}

func (r *Resolver) operatorOf(ctx context.Context, o *model.Operator) (*model.Operator, error) {
	if o == nil {
		return nil, nil //nolint:nilnil // nobody did
	}
	found, err := load(ctx).operators.Load(ctx, own(o.ID))
	return toOperator(ctx, found), err
}

// topicOf loads the topic that is named; nil where it was deleted since.
func topicOf(ctx context.Context, t *model.Topic) (*model.Topic, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // none is named
	}
	found, err := load(ctx).topics.Load(ctx, own(t.ID))
	return toTopic(found), err
}

// campaignInput reads a campaign's fields; null clears what may be empty.
func toUTM(in *model.CampaignUtmInput) *link.UTM {
	if in == nil {
		return &link.UTM{}
	}
	return &link.UTM{
		Source: contact.CleanText(text(in.Source.Value())), Medium: contact.CleanText(text(in.Medium.Value())),
		Campaign: contact.CleanText(text(in.Campaign.Value())),
	}
}

func campaignInput(in model.CampaignUpdateInput) (campaign.Input, error) {
	rate, threshold, quiet, ends := in.RateLimitPerSecond, in.ErrorThreshold, in.QuietHours, in.EndsAt
	out := campaign.Input{
		Name: in.Name.Value(), RateLimitPerSecond: rate.Value(), ClearRateLimit: rate.IsSet() && rate.Value() == nil,
		ErrorThreshold: threshold.Value(), ClearThreshold: threshold.IsSet() && threshold.Value() == nil,
		QuietHours: toQuietHours(quiet.Value()), ClearQuietHours: quiet.IsSet() && quiet.Value() == nil,
		FrequencyCap: toCap(in.FrequencyCap.Value()), ClearCap: in.FrequencyCap.IsSet() && in.FrequencyCap.Value() == nil,
		ClearTopic: in.TopicID.IsSet() && text(in.TopicID.Value()) == "", EndsAt: ends.Value(), ClearEndsAt: ends.IsSet() &&
			ends.Value() == nil,
	}
	out.Pilot, out.SendToTeam, out.BestHour = in.Pilot.Value(), in.SendToTeam.Value(), in.BestHour.Value()
	out.TrackLinks, out.HoldoutPercent, out.Test = in.TrackLinks.Value(), in.HoldoutPercent.Value(), toTest(in.VariantTest.Value())
	if in.Utm.IsSet() {
		out.UTM = toUTM(in.Utm.Value())
	}
	if raw := in.Query.Value(); !isNull(raw) {
		out.Query = raw
	}
	var errs apperr.List
	for _, ref := range []struct {
		field, kind string
		id          *string
		to          **int64
	}{
		{"templateId", kindTemplate, in.TemplateID.Value(), &out.TemplateID},
		{"segmentId", kindSegment, in.SegmentID.Value(), &out.SegmentID},
		{"senderId", kindSender, in.SenderID.Value(), &out.SenderID},
		{"topicId", kindTopic, in.TopicID.Value(), &out.TopicID},
	} {
		id, err := optional(ref.field, ref.kind, ref.id)
		_ = errs.Add(err)
		*ref.to = id
	}
	if list, set := in.Variants.ValueOK(); set && list != nil {
		out.Variants = campaign.Variants{}
		for _, v := range list {
			id, err := globalid.Decode("variants", kindTemplate, v.TemplateID)
			_ = errs.Add(err)
			from, err := optional("variants", kindSender, v.SenderID.Value())
			_ = errs.Add(err)
			out.Variants = append(out.Variants, campaign.Variant{TemplateID: id, SenderID: from, Weight: v.Weight})
		}
	}
	if list, set := in.Senders.ValueOK(); set && list != nil {
		out.Senders = []campaign.Share{}
		for _, x := range list {
			id, err := globalid.Decode("senders", kindSender, x.SenderID)
			_ = errs.Add(err)
			weight := 1
			if w := x.Weight.Value(); w != nil {
				weight = *w
			}
			out.Senders = append(out.Senders, campaign.Share{SenderID: id, Weight: weight})
		}
	}
	return out, errs.Err()
}

func importRequest(input model.ContactImportConfirmInput) (importer.Request, error) {
	req := importer.Request{
		Mapping: map[string]importer.Field{}, DefaultRegion: text(input.DefaultRegion.Value()),
		Consent: importer.ConsentChoice{Text: text(input.ConsentText.Value()), Confirmed: either(input.DoubleOptIn.Value(), false)},
	}
	textID, err := optional("consentTextId", kindConsentText, input.ConsentTextID.Value())
	if err != nil {
		return req, err
	}
	if textID != nil {
		req.Consent.TextID = *textID
	}
	for _, c := range input.Mapping.Value() {
		req.Mapping[c.Name] = importer.Field(c.Field)
	}
	if mode := input.Mode.Value(); mode != nil {
		req.Mode = lower[importer.Mode](*mode)
	}
	if source := input.ConsentSource.Value(); source != nil {
		req.Consent.Source = lower[string](*source)
	}
	if numbers := input.Numbers.Value(); numbers != nil {
		req.Numbers = lower[contact.Reading](*numbers)
	}
	if order := input.DateOrder.Value(); order != nil {
		req.DateOrder = importer.DateOrderDMY
		if *order == model.ImportDateOrderMonthFirst {
			req.DateOrder = importer.DateOrderMDY
		}
	}
	if dry := input.DryRun.Value(); dry != nil {
		req.DryRun = *dry
	}
	var errs apperr.List
	for _, t := range input.TopicIds.Value() {
		id, err := globalid.Decode("topicIds", kindTopic, t)
		_ = errs.Add(err)
		req.TopicIDs = append(req.TopicIDs, id)
	}
	return req, errs.Err()
}

func scheduleInput(in model.CampaignScheduleInput) campaign.Schedule {
	plan := campaign.Schedule{At: in.At.Value()}
	if l := in.Local.Value(); l != nil {
		plan.Local = &hours.LocalMoment{Date: l.Date, Time: l.Time}
	}
	if r := in.Recurrence.Value(); r != nil {
		plan.Recurrence = &campaign.Recurrence{
			Frequency: lower[campaign.Frequency](r.Frequency), Time: r.Time, Zone: r.Zone, Local: r.Local, Until: r.Until.Value(),
			Days: mapped(r.Days.Value(), func(d model.Weekday) string { return lower[string](d) }),
		}
		if d := r.DayOfMonth.Value(); d != nil {
			plan.Recurrence.DayOfMonth = *d
		}
		if n := r.Runs.Value(); n != nil {
			if plan.Recurrence.Runs = *n; *n == 0 {
				plan.Recurrence.Runs = -1 // 0 would mean no limit, which nobody asked for
			}
		}
	}
	return plan
}

// testSend finds the approved version and a sender for a test.
func (r *Resolver) testSend(ctx context.Context, input model.TemplateTestSendInput) (*message.Message, error) {
	id, err := globalid.Decode("id", kindTemplate, input.ID)
	if err != nil {
		return nil, err
	}
	contactID, err := globalid.Decode("contactId", kindContact, input.ContactID)
	if err != nil {
		return nil, err
	}
	senderID, err := r.senderOrFirst(ctx, input.SenderID.Value())
	if err != nil {
		return nil, err
	}
	version, err := r.Templates.Sendable(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.Conversations.TestSend(ctx, contactID, senderID, version.ID)
}

// tried is what a preview is asked for: what somebody writes, or a saved template.
func (r *Resolver) tried(ctx context.Context, input model.TemplatePreviewInput) (*template.Version, template.Category, error) {
	category := template.CategoryMarketing
	if c := lowerPtr[template.Category](input.Category.Value()); c != nil {
		category = *c
	}
	id, err := optional("templateId", kindTemplate, input.TemplateID.Value())
	if err != nil {
		return nil, "", err
	}
	if id == nil {
		v := &template.Version{Body: text(input.Body.Value())}
		if parts := partsOf(input.Content.Value()); parts != nil {
			v.Parts = *parts
		}
		return v, category, nil
	}
	t, err := r.Templates.ByID(ctx, *id)
	if err != nil {
		return nil, "", err
	}
	v, err := r.Templates.Shown(ctx, *id)
	return v, t.Category, err
}

const mostLabels = 20 // of a filter; a conversation has no more

func conversationFilter(in *model.ConversationFilter) (f conversation.Filter, err error) {
	if in == nil {
		return f, nil
	}
	if s := in.Status.Value(); s != nil {
		f.Status = lower[string](*s)
	}
	f.Snoozed, f.Unread, f.Search = in.Snoozed.Value(), yes(in.Unread.Value()), text(in.Search.Value())
	labels := in.LabelIds.Value()
	if len(labels) > mostLabels {
		return f, apperr.Invalid("labelIds", "at most %d labels can be asked for at once, these are %d", mostLabels, len(labels))
	}
	if f.Labels, err = decoded("labelIds", kindLabel, labels); err != nil {
		return f, err
	}
	if f.AssigneeID, err = optional("assigneeId", kindOperator, in.AssigneeID.Value()); err == nil &&
		yes(in.Unassigned.Value()) {
		f.AssigneeID = new(int64)
	}
	return f, err
}

func (r *Resolver) reply(ctx context.Context, input model.ConversationReplyInput) (*message.Message, error) {
	id, err := globalid.Decode("id", kindConversation, input.ID)
	if err != nil {
		return nil, err
	}
	tmpl, err := optional("templateId", kindTemplate, input.TemplateID.Value())
	if err != nil {
		return nil, err
	}
	file, err := optional("mediaId", kindMediaFile, input.MediaID.Value())
	if err != nil {
		return nil, err
	}
	return r.Conversations.Answer(ctx, conversation.Reply{
		ConversationID: id, Body: text(input.Body.Value()), MediaID: file, TemplateID: tmpl,
	})
}

func (r *Resolver) conversationChange(ctx context.Context, id string,
	change func(context.Context, int64) (*conversation.Conversation, error),
) (*model.ConversationPayload, error) {
	n, err := globalid.Decode("id", kindConversation, id)
	var c *conversation.Conversation
	if err == nil {
		c, err = change(ctx, n)
	}
	errs, err := payloadErrors(err)
	return &model.ConversationPayload{Conversation: r.toConversation(c), UserErrors: errs}, err
}

// filledFor is a canned reply as it reads for a contact; nil: there is none.
func filledFor(ctx context.Context, id int64, body string, contactID int64) (*model.FilledReply, error) {
	c, err := load(ctx).contacts.Load(ctx, contactID)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil //nolint:nilnil // null, as the schema says
	}
	if err != nil {
		return nil, err
	}
	text, missing, err := (&conversation.Canned{ID: id, Body: body}).For(c)
	if err != nil {
		return nil, err
	}
	if missing == nil {
		missing = []string{}
	}
	return &model.FilledReply{Body: text, Missing: missing}, nil
}

func (r *Resolver) inboxCounts(ctx context.Context) (*model.InboxCounts, error) {
	n, err := r.Conversations.CountUnread(ctx)
	return &model.InboxCounts{Unread: n}, err
}

// campaignTest sends the campaign's template, or that of a variant, from its first sender or that of the variant.
func (r *Resolver) campaignTest(ctx context.Context, input model.CampaignTestSendInput) (*message.Message, error) {
	id, err := globalid.Decode("id", kindCampaign, input.ID)
	if err != nil {
		return nil, err
	}
	contactID, err := globalid.Decode("contactId", kindContact, input.ContactID)
	if err != nil {
		return nil, err
	}
	c, err := r.Campaigns.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.TemplateID == nil || c.SenderID == nil {
		return nil, apperr.Invalid("id", "the campaign needs a template and a sender for a test")
	}
	templateID, senderID := *c.TemplateID, *c.SenderID
	all, err := r.Campaigns.VariantsOf(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	variants, label := all[id], input.Variant.Value()
	if label != nil || len(variants) > 0 {
		at := 0
		if label != nil {
			if at, err = variants.Position(*label); err != nil {
				return nil, err
			}
		}
		templateID = variants[at].TemplateID
		if own := variants[at].SenderID; own != nil {
			senderID = *own
		}
	}
	version, err := r.Templates.Approved(ctx, templateID)
	if err != nil {
		return nil, err
	}
	return r.Conversations.TestSend(ctx, contactID, senderID, version.ID)
}

func (r *Resolver) resolve(ctx context.Context, input model.MessageResolveInput) (int, error) {
	var errs apperr.List
	campaignID, err := optional("campaignId", kindCampaign, input.CampaignID.Value())
	_ = errs.Add(err)
	var ids []int64
	for _, id := range input.Ids.Value() {
		n, err := globalid.Decode("ids", kindMessage, id)
		_ = errs.Add(err)
		ids = append(ids, n)
	}
	if err := errs.Err(); err != nil {
		return 0, err
	}
	return r.Unknowns.Resolve(ctx, campaignID, ids, lower[reconcile.Resolution](input.Resolution))
}

func (r *Resolver) settings(ctx context.Context) (*model.Settings, error) {
	rate, err := r.Senders.AccountRate(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.Campaigns.Defaults(ctx)
	if err != nil {
		return nil, err
	}
	optIns, err := r.DoubleOptIns.Settings(ctx)
	if err != nil {
		return nil, err
	}
	space, err := r.Workspace.Settings(ctx)
	if err != nil {
		return nil, err
	}
	security, err := r.Auth.Security(ctx)
	return &model.Settings{
		Workspace:            &model.Workspace{Name: space.Name, TimeZone: space.TimeZone},
		DoubleOptIn:          fromDoubleOptIn(optIns),
		SecondFactorRoles:    mapped(security.SecondFactorRoles, upper[model.Role, actor.Role]),
		SessionIdleHours:     security.SessionIdleHours,
		AccountRatePerSecond: rate, DefaultQuietHours: fromQuietHours(d.QuietHours),
		DefaultFrequencyCap: fromCap(d.FrequencyCap), StandingHoldoutPercent: d.HoldoutPercent(),
		CampaignApproval: fromApprovalRule(d.Approval),
	}, err
}

// portfolioChange is what an input asks for; nil: what Twilio tells.
func portfolioChange(in *model.PortfolioLimitInput) portfolio.Change {
	switch {
	case in == nil:
		return portfolio.Change{}
	case in.People.Value() == nil:
		return portfolio.Change{Unlimited: true}
	default:
		return portfolio.Change{People: in.People.Value()}
	}
}

func (r *Resolver) updateSettings(ctx context.Context, input model.SettingsUpdateInput) error {
	var change campaign.DefaultsChange
	if hours, named := input.DefaultQuietHours.ValueOK(); named {
		v := toQuietHours(hours)
		change.QuietHours = &v
	}
	if most, named := input.DefaultFrequencyCap.ValueOK(); named {
		v := toCap(most)
		change.FrequencyCap = &v
	}
	if rule, named := input.CampaignApproval.ValueOK(); named {
		v := toApprovalRule(rule)
		change.Approval = &v
	}
	change.HoldoutPercent = input.StandingHoldoutPercent.Value()
	if input.MonthlyBudget.IsSet() {
		v, _, err := r.budgetInput(ctx, "monthlyBudget", input.MonthlyBudget)
		if err != nil {
			return err
		}
		change.MonthlyBudget = &v
	}
	asks, asksNamed := input.DoubleOptIn.ValueOK()
	optIns, err := toDoubleOptIn(asks)
	if err != nil {
		return err
	}
	security := auth.SecurityChange{SessionIdleHours: input.SessionIdleHours.Value()}
	if roles := input.SecondFactorRoles.Value(); roles != nil {
		asked := mapped(roles, lower[actor.Role, model.Role])
		security.SecondFactorRoles = &asked
	}
	var errs apperr.List
	_ = errs.Add(change.Validate()) // before anything is changed
	_ = errs.Add(security.Validate())
	_ = errs.Add(portfolioChange(input.PortfolioLimit.Value()).Validate())
	space := workspaceChange(input.Workspace.Value())
	_ = errs.Add(space.Validate())
	if err := errs.Add(r.DoubleOptIns.Check(ctx, optIns)); err != nil {
		return err
	}
	if err := errs.Err(); err != nil {
		return err
	}
	if security != (auth.SecurityChange{}) {
		if err := r.Auth.SetSecurity(ctx, security); err != nil {
			return err
		}
	}
	if space != (workspace.Change{}) {
		if err := r.Workspace.Set(ctx, space); err != nil {
			return err
		}
	}
	if v := input.AccountRatePerSecond.Value(); v != nil {
		if err := r.Senders.SetAccountRate(ctx, *v); err != nil {
			return err
		}
	}
	if limit, named := input.PortfolioLimit.ValueOK(); named {
		if err := r.Portfolio.Set(ctx, portfolioChange(limit)); err != nil {
			return err
		}
	}
	if asksNamed {
		if err := r.DoubleOptIns.Set(ctx, optIns); err != nil {
			return err
		}
	}
	if change == (campaign.DefaultsChange{}) {
		return nil
	}
	return r.Campaigns.SetDefaults(ctx, change)
}

func toApprovalRule(in *model.CampaignApprovalRuleInput) *campaign.ApprovalRule {
	if in == nil {
		return nil
	}
	return &campaign.ApprovalRule{Role: lower[actor.Role](in.Role), Above: int64(in.AboveRecipients)}
}

func fromApprovalRule(r *campaign.ApprovalRule) *model.CampaignApprovalRule {
	if r == nil {
		return nil
	}
	return &model.CampaignApprovalRule{Role: upper[model.Role](r.Role), AboveRecipients: int(r.Above)}
}

func workspaceChange(in *model.WorkspaceInput) workspace.Change {
	if in == nil {
		return workspace.Change{}
	}
	return workspace.Change{Name: in.Name.Value(), TimeZone: in.TimeZone.Value()}
}

func toDoubleOptIn(in *model.DoubleOptInInput) (*doubleoptin.Settings, error) {
	if in == nil {
		return nil, nil //nolint:nilnil // nobody is asked
	}
	set := &doubleoptin.Settings{ExpiresAfter: either(in.ExpiresAfterHours.Value(), doubleoptin.DefaultExpiry)}
	var errs apperr.List
	sender, err := globalid.Decode("doubleOptIn.senderId", kindSender, in.SenderID)
	_ = errs.Add(err)
	set.Sender = sender
	for _, t := range in.TemplateIds {
		id, err := globalid.Decode("doubleOptIn.templateIds", kindTemplate, t)
		_ = errs.Add(err)
		set.Templates = append(set.Templates, id)
	}
	return set, errs.Err()
}

// recorder is what a consent that comes with a new contact is recorded by.
func (r *Resolver) recorder(doubleOptIn *bool) consent.Recorder {
	if either(doubleOptIn, false) {
		return r.DoubleOptIns.Take
	}
	return r.Services.Consents.Record
}

func (r *Resolver) senderOrFirst(ctx context.Context, id *string) (int64, error) {
	n, err := optional("senderId", kindSender, id)
	if err != nil {
		return 0, err
	}
	if n != nil {
		_, err := r.Senders.ByID(ctx, *n)
		return *n, err
	}
	all, err := r.Senders.List(ctx)
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, apperr.Invalid("senderId", "there is no sender: add one first")
	}
	return all[0].ID, nil
}

var errNoSandbox = apperr.Conflict("Twilio is live here, not the sandbox")

func (r *Resolver) sandboxInbound(ctx context.Context, input model.SandboxInboundSendInput) (string, error) {
	if r.Sandbox == nil {
		return "", errNoSandbox
	}
	from, err := contact.DeliveredAddress(input.From)
	if err != nil {
		return "", apperr.Invalid("from", "%q is not a phone number with country code", input.From)
	}
	userID := text(input.UserID.Value())
	if userID != "" {
		ids := contact.ReadIDs([]string{userID})
		if len(ids) == 0 || from.Kind != contact.KindPhone {
			return "", apperr.Invalid("userId", "%q is not an id such as DE.1000000000000001 beside a number", userID)
		}
		userID = ids[0].Wire
	}
	more, err := sandboxParameters(input.Parameters.Value())
	if err != nil {
		return "", err
	}
	if n := len([]rune(input.Body)); n < 1 && len(more) == 0 || n > 1600 {
		return "", apperr.Invalid("body", "a message has 1 to 1,600 characters, this one has %d", n)
	}
	id, err := r.senderOrFirst(ctx, input.SenderID.Value())
	if err != nil {
		return "", err
	}
	snd, err := r.Senders.ByID(ctx, id)
	if err != nil {
		return "", err
	}
	return r.Sandbox.SendInboundWith(ctx, from.Wire, userID, snd.Address, input.Body, text(input.ProfileName.Value()), more)
}

var sandboxParameter = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// sandboxParameters checks what a webhook of the sandbox shall have beside its usual
// parameters.
func sandboxParameters(in []*model.SandboxParameter) (map[string]string, error) {
	const most, longest = 30, 4000
	own := []string{
		"MessageSid", "SmsSid", "SmsMessageSid", "AccountSid", "From", "To", "Body", "ProfileName", "ExternalUserId", "WaId", "ApiVersion",
	}
	if len(in) > most {
		return nil, apperr.Invalid("parameters", "there are %d parameters, at most %d are taken", len(in), most)
	}
	more := make(map[string]string, len(in))
	for _, p := range in {
		switch {
		case !sandboxParameter.MatchString(p.Name):
			return nil, apperr.Invalid("parameters", "%.80q is not the name of a parameter: letters and digits, at most 64", p.Name)
		case slices.Contains(own, p.Name):
			return nil, apperr.Invalid("parameters", "%s is set by the sandbox", p.Name)
		case len(p.Value) > longest:
			return nil, apperr.Invalid("parameters", "%s has at most %d characters", p.Name, longest)
		}
		more[p.Name] = p.Value
	}
	return more, nil
}

func (r *Resolver) sandboxSeed(ctx context.Context, contacts int) (*demo.Run, error) {
	if r.Demo == nil {
		return nil, errNoSandbox
	}
	return r.Demo.Start(ctx, contacts)
}

func (r *Resolver) sandboxSeedRemove(ctx context.Context, contacts int) (*demo.Run, error) {
	if r.Demo == nil {
		return nil, errNoSandbox
	}
	return r.Demo.StartRemoval(ctx, int64(contacts))
}

// sandboxDecide has the sandbox's WhatsApp change its mind about a template, and asks it at once what it thinks now.
func (r *Resolver) sandboxDecide(ctx context.Context, input model.SandboxTemplateDecideInput) (*template.Template, *template.Version, error) {
	if r.Sandbox == nil {
		return nil, nil, errNoSandbox
	}
	id, err := globalid.Decode("id", kindTemplate, input.ID)
	if err != nil {
		return nil, nil, err
	}
	reason := text(input.Reason.Value())
	if utf8.RuneCountInString(reason) > 500 {
		return nil, nil, apperr.Invalid("reason", "a reason has at most 500 characters")
	}
	versions, err := r.Templates.NewestVersions(ctx, []int64{id})
	if err != nil {
		return nil, nil, err
	}
	v := versions[id]
	if v == nil {
		return nil, nil, apperr.NotFound("template %v does not exist", id)
	}
	category := ""
	if c := input.Category.Value(); c != nil {
		category = string(*c)
	}
	switch {
	case v.SubmittedAt == nil:
		return nil, nil, apperr.Invalid("id", "the template was not submitted")
	case !r.Sandbox.Decide(v.ContentSID, strings.ToLower(string(input.Approval)), reason, category):
		return nil, nil, apperr.Invalid("approval", "%s is no decision: APPROVED, REJECTED, PAUSED or DISABLED", input.Approval)
	}
	return r.Templates.Ask(ctx, v.ID)
}

func (r *Resolver) sandboxUpdate(_ context.Context, input model.SandboxSettingsUpdateInput) (sandbox.Settings, error) {
	if r.Sandbox == nil {
		return sandbox.Settings{}, errNoSandbox
	}
	s := r.Sandbox.Settings()
	for _, f := range []struct {
		from graphql.Omittable[*int]
		to   *int
	}{
		{input.LatencyMs, &s.LatencyMS},
		{input.ApprovalMs, &s.ApprovalMS},
		{input.QueueMs, &s.QueueMS},
		{input.LogLagMs, &s.LogLagMS},
		{input.DeliveryMs, &s.DeliveryMS},
		{input.UndeliveredCode, &s.UndeliveredCode},
		{input.ConcurrencyLimit, &s.ConcurrencyLimit},
		{input.PortfolioLimit, &s.PortfolioLimit},
	} {
		if v := f.from.Value(); v != nil {
			*f.to = *v
		}
	}
	for _, f := range []struct {
		from graphql.Omittable[*float64]
		to   *float64
	}{
		{input.ReadRate, &s.ReadRate},
		{input.ClickRate, &s.ClickRate},
		{input.ReplyRate, &s.ReplyRate},
		{input.UndeliveredRate, &s.UndeliveredRate},
		{input.TooManyRate, &s.TooManyRate},
		{input.ServerErrorRate, &s.ServerErrorRate},
		{input.CutRate, &s.CutRate},
		{input.EmptyRate, &s.EmptyRate},
		{input.HangRate, &s.HangRate},
		{input.DropAnswerRate, &s.DropAnswerRate},
		{input.RepeatRate, &s.RepeatRate},
		{input.ReorderRate, &s.ReorderRate},
		{input.CallbackLossRate, &s.CallbackLossRate},
		{input.InboundLossRate, &s.InboundLossRate},
	} {
		if v := f.from.Value(); v != nil {
			*f.to = *v
		}
	}
	for _, f := range []struct {
		from graphql.Omittable[*bool]
		to   *bool
	}{
		{input.RedactBodies, &s.RedactBodies},
		{input.Silent, &s.Silent},
	} {
		if v := f.from.Value(); v != nil {
			*f.to = *v
		}
	}
	if err := r.Sandbox.SetSettings(s); err != nil {
		return s, apperr.Blame("", say.Raw(err.Error()))
	}
	return s, nil
}

// zoneArgument reads the time zone by whose clock steps of time begin.
func zoneArgument(name string) (*time.Location, error) {
	zone, err := contact.Zone(name)
	if err != nil {
		return nil, apperr.Invalid("zone", "“%s” is not a time zone; an IANA name such as Europe/Berlin is", name)
	}
	return zone, nil
}

// workIn makes the zone of whoever signed up that of the workspace, when it is known here.
func (r *Resolver) workIn(ctx context.Context, admin *auth.Operator, zone *string) error {
	change := workspace.Change{TimeZone: zone}
	if zone == nil || change.Validate() != nil {
		return nil //nolint:nilerr // an unknown zone leaves it at UTC
	}
	ctx = actor.With(ctx, actor.Actor{Kind: actor.KindOperator, ID: admin.ID, Role: actor.RoleAdmin})
	return r.Workspace.Set(ctx, change)
}

// dateRange is what is asked for, or the time before now.
func (r *Resolver) dateRange(in *model.DateRange, otherwise time.Duration) (from, to time.Time, err error) {
	if in == nil {
		now := r.Now()
		return now.Add(-otherwise), now, nil
	}
	if !in.To.After(in.From) || in.To.Sub(in.From) > 92*24*time.Hour {
		return from, to, apperr.Invalid("range", "to lies after from, at most 92 days")
	}
	return in.From, in.To, nil
}
