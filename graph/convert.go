package graph

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/auth"
	"eventstream/server/bulk"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/conversation"
	"eventstream/server/dashboard"
	"eventstream/server/demo"
	"eventstream/server/doubleoptin"
	"eventstream/server/explain"
	"eventstream/server/gate"
	"eventstream/server/health"
	"eventstream/server/hold"
	"eventstream/server/hours"
	"eventstream/server/importer"
	"eventstream/server/link"
	"eventstream/server/media"
	"eventstream/server/message"
	"eventstream/server/optout"
	"eventstream/server/say"
	"eventstream/server/segment"
	"eventstream/server/sendcheck"
	"eventstream/server/sender"
	"eventstream/server/series"
	"eventstream/server/suppression"
	"eventstream/server/team"
	"eventstream/server/template"
	"eventstream/server/timeline"
	"eventstream/server/topic"
	"eventstream/server/twilio/sandbox"
	"eventstream/server/webhookevent"

	"github.com/99designs/gqlgen/graphql"
)

// GraphQL writes the domain's words in upper case.
func upper[E ~string, D ~string](d D) E { return E(strings.ToUpper(string(d))) }
func lower[D ~string, E ~string](e E) D { return D(strings.ToLower(string(e))) }

func lowerPtr[D ~string, E ~string](e *E) *D {
	if e == nil {
		return nil
	}
	d := lower[D](*e)
	return &d
}

// filled is nil for the empty text.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func yes(b *bool) bool { return b != nil && *b }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func rawJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}

func mapped[T, M any](rows []T, fn func(T) M) []M {
	out := make([]M, len(rows))
	for i, r := range rows {
		out[i] = fn(r)
	}
	return out
}

// toOperator shows everybody who an operator is, and their address, role and
// habits to admins and themselves only.
func toOperator(ctx context.Context, o *auth.Operator) *model.Operator {
	if o == nil {
		return nil
	}
	out := &model.Operator{
		ID: encode(kindOperator, o.ID), Kind: upper[model.OperatorKind](o.Kind), Name: o.Name, Active: o.Active,
		CreatedAt: o.CreatedAt,
	}
	who := actor.From(ctx)
	admin := who.Role.Includes(actor.RoleAdmin)
	if admin || who.Kind == actor.KindOperator && who.ID == o.ID {
		role := upper[model.Role](o.Role)
		out.Role, out.LastSignInAt, out.Invited = &role, o.LastSignInAt, admin && o.Invited()
		out.Provider = o.OIDCSubject != ""
		if o.Kind == auth.KindPerson {
			out.Email = &o.Email
		}
	}
	return out
}

func toToken(t *auth.Token) *model.APIToken {
	if t == nil {
		return nil
	}
	names := t.Scopes
	if names == nil {
		names = actor.AllScopes.Names()
	}
	return &model.APIToken{
		ID: encode(kindAPIToken, t.ID), Name: t.Name, Role: upper[model.Role](t.Role), Prefix: t.Prefix,
		Scopes: mapped(names, upper[model.Scope, string]), Owner: &model.Operator{ID: encode(kindOperator, t.OperatorID)},
		ExpiresAt: t.ExpiresAt, RevokedAt: t.RevokedAt, LastUsedAt: t.LastUsedAt, CreatedAt: t.CreatedAt,
	}
}

// scopeNames reads scopes; nil stays nil.
func scopeNames(scopes []model.Scope) []string {
	if scopes == nil {
		return nil
	}
	return mapped(scopes, lower[string, model.Scope])
}

func toSession(ctx context.Context, s *auth.Session) *model.Session {
	return &model.Session{
		ID: encode(kindSession, s.ID), UserAgent: s.UserAgent, Address: s.Address, Current: s.ID == actor.From(ctx).Session,
		CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
	}
}

func toContact(c *contact.Contact) *model.Contact {
	if c == nil {
		return nil
	}
	attrs, now := c.Attributes, time.Now()
	if attrs == nil {
		attrs = map[string]any{}
	}
	out := &model.Contact{
		ID: encode(kindContact, c.ID), Address: c.Address, Name: c.Name, Locale: c.Locale, Region: c.Region,
		TimeZone:       filled(c.TimeZone),
		TimeZoneSource: upper[model.TimeZoneSource](c.TimeZoneSource), Tags: append([]string{}, c.Tags()...),
		Attributes: rawJSON(attrs), ConsentStatus: upper[model.ConsentStatus](c.ConsentStatus),
		ConsentAt: c.ConsentAt, Reachable: gate.Reachable(c, now), MarketingEligible: gate.Marketable(c, now),
		LastInboundAt: c.LastInboundAt, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	// A mark whose time is over is none, though it is taken back only later.
	if !out.Reachable {
		out.UnreachableReason, out.UnreachableUntil = said(say.Recall(c.UnreachableReason)), c.UnreachableUntil
	}
	if gate.Marked(c, now) {
		out.IneligibleReason, out.IneligibleUntil = said(say.Recall(c.IneligibleReason)), c.IneligibleUntil
	}
	return out
}

func (r *Resolver) toConversation(c *conversation.Conversation) *model.Conversation {
	if c == nil {
		return nil
	}
	out := &model.Conversation{
		ID: encode(kindConversation, c.ID), Contact: &model.Contact{ID: encode(kindContact, c.ContactID)},
		Status:           upper[model.ConversationStatus](c.Status),
		SessionExpiresAt: c.SessionExpiresAt, WindowOpen: c.Open(r.Now()), Unread: c.Unread, LastMessageAt: c.LastMessageAt,
		SnoozedUntil: c.SnoozedUntil,
	}
	if c.AssigneeID != nil {
		out.Assignee = &model.Operator{ID: encode(kindOperator, *c.AssigneeID)}
	}
	return out
}

func toNote(n *conversation.Note) *model.Note {
	if n == nil {
		return nil
	}
	out := &model.Note{ID: encode(kindNote, n.ID), Body: n.Body, CreatedAt: n.CreatedAt}
	if n.OperatorID != nil {
		out.Author = &model.Operator{ID: encode(kindOperator, *n.OperatorID)}
	}
	return out
}

func toLabel(l *conversation.Label) *model.Label {
	if l == nil {
		return nil
	}
	return &model.Label{
		ID: encode(kindLabel, l.ID), Name: l.Name, Color: upper[model.LabelColor](l.Color),
		CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt,
	}
}

func toCannedReply(c *conversation.Canned) *model.CannedReply {
	if c == nil {
		return nil
	}
	return &model.CannedReply{
		ID: encode(kindCannedReply, c.ID), Name: c.Name, Body: c.Body, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

func toConsentEvent(e *consent.Event) *model.ConsentEvent {
	out := &model.ConsentEvent{
		ID: encode(kindConsentEvent, e.ID), Contact: &model.Contact{ID: encode(kindContact, e.ContactID)},
		Purpose: upper[model.ConsentPurpose](e.Purpose), Status: upper[model.ConsentStatus](e.Status),
		Source: upper[model.ConsentSource](e.Source), Text: toConsentText(e.Shown), Provider: upper[model.Provider](e.Provider),
		OccurredAt: e.OccurredAt, CreatedAt: e.CreatedAt,
	}
	out.Evidence = rawJSON(shownEvidence(e))
	if e.OperatorID != nil {
		out.Operator = &model.Operator{ID: encode(kindOperator, *e.OperatorID)}
	}
	return out
}

// shownEvidence has the text that was shown in the place where the ledger points to it, and
// its id as it is given to ConsentEvidenceInput.
func shownEvidence(e *consent.Event) any {
	if e.Shown == nil {
		return e.Evidence
	}
	evidence := e.Evidence
	evidence.Text = e.Shown.Content
	return struct {
		consent.Evidence
		TextID string `json:"textId"`
	}{evidence, encode(kindConsentText, e.Shown.ID)}
}

func toConsentText(t *consent.Text) *model.ConsentText {
	if t == nil {
		return nil
	}
	out := &model.ConsentText{
		ID: encode(kindConsentText, t.ID), Version: t.ID, Content: t.Content, Locale: t.Locale,
		Sha256: hex.EncodeToString(t.SHA256), CreatedAt: t.CreatedAt,
	}
	if t.OperatorID != nil {
		out.CreatedBy = &model.Operator{ID: encode(kindOperator, *t.OperatorID)}
	}
	return out
}

func toConsentStates(s *consent.Standings) []*model.ConsentState {
	return mapped(s.States, func(state consent.State) *model.ConsentState {
		out := &model.ConsentState{
			Purpose: upper[model.ConsentPurpose](state.Purpose), Status: upper[model.ConsentStatus](state.Status), Since: state.Since,
		}
		if e := s.Events[state.Seq]; e != nil {
			out.Event = toConsentEvent(e)
		}
		return out
	})
}

func toImport(i *importer.Import) *model.Import {
	if i == nil {
		return nil
	}
	out := &model.Import{
		ID: encode(kindImport, i.ID), FileName: i.FileName, Status: upper[model.ImportStatus](i.Status),
		Failure: said(say.Recall(i.Failure)), SizeBytes: i.SizeBytes, BytesDone: i.BytesDone,
		RowsTotal: i.RowsTotal, RowsDone: i.RowsDone, Created: i.Created, Updated: i.Updated, Unchanged: i.Unchanged,
		Duplicates: i.Duplicates, Rejected: i.Rejected,
		Columns: mapped(i.Options.Columns, func(c importer.Column) *model.ImportColumn {
			return &model.ImportColumn{Name: c.Name, Field: string(c.Field), Samples: append([]string{}, c.Samples...)}
		}),
		Source: filled(i.Options.Source), Sheet: filled(i.Options.Sheet), Sheets: append([]string{}, i.Options.Sheets...),
		Warnings: mapped(i.Options.Warnings, say.Recall), NumbersOpen: i.Options.NumbersOpen,
		DatesOpen: i.Options.DatesOpen, ConsentOpen: i.Options.ConsentOpen,
		Questions: mapped(i.Options.Questions, func(q importer.Question) *model.ImportQuestion {
			return &model.ImportQuestion{
				About: upper[model.ImportQuestionTopic](q.About), Column: filled(q.Column), Text: say.Recall(q.Text),
				Example: filled(q.Example), Readings: append([]string{}, q.Readings...),
			}
		}),
		DoubleOptIn: i.Options.DoubleOptIn, OptInRequests: i.OptInRequests,
		DryRun: i.Options.DryRun, Mode: upper[model.ImportMode](i.Options.Mode), Mapped: i.Options.Mapped,
		DefaultRegion: filled(i.Options.DefaultRegion), ConsentText: filled(i.Options.ConsentText),
		TopicIds:  mapped(i.Options.TopicIDs, func(id int64) string { return encode(kindTopic, id) }),
		CreatedAt: i.CreatedAt, StartedAt: i.StartedAt, FinishedAt: i.FinishedAt,
	}
	if source := consentSource(i.Options); source != "" {
		out.ConsentSource = &source
	}
	if i.Options.Messages {
		out.Messages = &model.ImportMessages{}
		if m := i.Messages; m != nil {
			out.Messages = &model.ImportMessages{Sent: m.Sent, Received: m.Received, OptOuts: m.OptOuts, Contacts: m.Contacts}
		}
	}
	if n := i.Options.Numbers; n != contact.ReadingOpen {
		numbers := upper[model.ImportNumbers](n)
		out.Numbers = &numbers
	}
	switch order := model.ImportDateOrderDayFirst; i.Options.DateOrder {
	case importer.DateOrderOpen:
	case importer.DateOrderMDY:
		order = model.ImportDateOrderMonthFirst
		fallthrough
	case importer.DateOrderDMY:
		out.DateOrder = &order
	}
	if i.Rejected > 0 {
		out.RejectsURL = filled("/downloads/imports/" + out.ID + "/rejects.csv")
	}
	return out
}

// consentSource is what the operator said of consent; "" is nothing.
func consentSource(o importer.Options) model.ImportConsentSource {
	switch {
	case o.ConsentForAll:
		return model.ImportConsentSourceAll
	case o.IgnoreConsents:
		return model.ImportConsentSourceNone
	case o.ConsentText != "":
		return model.ImportConsentSourceColumns
	}
	return ""
}

func toBulkAction(a *bulk.Action) *model.BulkAction {
	if a == nil {
		return nil
	}
	options := map[string]any{}
	o := a.Options
	for key, v := range map[string][]string{"addTags": o.AddTags, "removeTags": o.RemoveTags} {
		if len(v) > 0 {
			options[key] = v
		}
	}
	if o.Status != "" {
		options["status"] = upper[model.TopicStatus](o.Status)
	}
	if o.Consent != nil {
		options["status"] = upper[model.ConsentStatus](o.Consent.Status)
		options["purpose"] = upper[model.ConsentPurpose](cmp.Or(o.Consent.Purpose, consent.PurposeMarketing))
	}
	if o.Reason != "" {
		options["reason"] = upper[model.SuppressionReason](o.Reason)
	}
	if o.Until != nil {
		options["until"] = o.Until
	}
	if o.Format != "" {
		options["format"] = upper[model.ExportFormat](o.Format)
	}
	out := &model.BulkAction{
		ID: encode(kindBulkAction, a.ID), Kind: upper[model.BulkActionKind](a.Kind),
		Status: upper[model.BulkActionStatus](a.Status), Failure: said(say.Recall(a.Failure)),
		Total: a.Total, Done: a.Done, Changed: a.Changed, Options: rawJSON(options), CreatedAt: a.CreatedAt,
		StartedAt: a.StartedAt, FinishedAt: a.FinishedAt,
	}
	if o.TopicID != 0 {
		out.Topic = &model.Topic{ID: encode(kindTopic, o.TopicID)}
	}
	if len(a.Redactions) > 0 {
		r := &model.ProviderRedaction{Refused: []*model.RedactionRefusal{}}
		for _, of := range a.Redactions {
			switch of.Outcome {
			case "done":
				r.Done += of.N
			case "gone":
				r.Gone += of.N
			case "waiting":
				r.Waiting += of.N
			default:
				r.Refused = append(r.Refused, &model.RedactionRefusal{Reason: of.Reason, Count: of.N})
			}
		}
		out.Redaction = r
	}
	if a.Kind == bulk.KindExport {
		out.DownloadURL = filled("/downloads/exports/" + out.ID + "/contacts." + string(o.Format))
	}
	if a.OperatorID != nil {
		out.Operator = &model.Operator{ID: encode(kindOperator, *a.OperatorID)}
	}
	return out
}

func toContactView(v *contact.View) *model.ContactView {
	if v == nil {
		return nil
	}
	f := v.Filter
	out := &model.ContactView{
		ID: encode(kindContactView, v.ID), Name: v.Name, Search: v.Search, OrderBy: upper[model.ContactOrder](v.Sort),
		Filter: &model.ContactViewFilter{Reachable: f.Reachable, Region: filled(f.Region), Query: f.Query},
	}
	if f.ConsentStatus != nil {
		status := upper[model.ConsentStatus](*f.ConsentStatus)
		out.Filter.ConsentStatus = &status
	}
	return out
}

func toOptOutReview(r *optout.Review) *model.OptOutReview {
	if r == nil {
		return nil
	}
	return &model.OptOutReview{
		ID: encode(kindOptOutReview, r.ID), Contact: &model.Contact{ID: encode(kindContact, r.ContactID)},
		Message: &model.Message{ID: encode(kindMessage, r.MessageID)}, Language: filled(r.Language), CreatedAt: r.CreatedAt,
		DecidedAt: r.DecidedAt, OptedOut: r.OptedOut,
	}
}

func toOptInRequest(r *doubleoptin.Request) *model.OptInRequest {
	if r == nil {
		return nil
	}
	out := &model.OptInRequest{
		ID: encode(kindOptInRequest, r.ID), Contact: &model.Contact{ID: encode(kindContact, r.ContactID)},
		Status: upper[model.OptInRequestStatus](r.Status), Source: upper[model.ConsentSource](r.Source), Evidence: rawJSON(r.Evidence),
		CreatedAt: r.CreatedAt, AskedAt: r.AskedAt, ExpiresAt: r.ExpiresAt, EndedAt: r.EndedAt,
	}
	if r.MessageID != nil {
		out.Message = &model.Message{ID: encode(kindMessage, *r.MessageID)}
	}
	return out
}

func fromDoubleOptIn(set *doubleoptin.Settings) *model.DoubleOptIn {
	if set == nil {
		return nil
	}
	return &model.DoubleOptIn{
		Templates: mapped(set.Templates, func(id int64) *model.Template { return &model.Template{ID: encode(kindTemplate, id)} }),
		Sender:    &model.Sender{ID: encode(kindSender, set.Sender)}, ExpiresAfterHours: set.ExpiresAfter,
	}
}

func toSuppression(su *consent.Suppression) *model.Suppression {
	if su == nil {
		return nil
	}
	return &model.Suppression{
		ID: encode(kindSuppression, su.ID), Reason: upper[model.SuppressionReason](su.Reason),
		Until: su.Until, CreatedAt: su.CreatedAt,
	}
}

func toSuppressions(rows []*consent.Suppression) []*model.Suppression {
	return mapped(rows, toSuppression)
}

func toSuppressionsBy(found map[int64][]*consent.Suppression, ids []int64) map[int64][]*model.Suppression {
	out := make(map[int64][]*model.Suppression, len(ids))
	for _, id := range ids {
		out[id] = toSuppressions(found[id])
	}
	return out
}

func toSuppressionImport(r *suppression.Result) *model.SuppressionImport {
	if r == nil {
		return nil
	}
	return &model.SuppressionImport{
		Rows: r.Rows, Added: r.Added, Unchanged: r.Unchanged, Duplicates: r.Duplicates, Rejected: r.Rejected,
		Rejects: mapped(r.Rejects, func(no suppression.Reject) *model.SuppressionReject {
			return &model.SuppressionReject{Line: no.Line, Field: no.Field, Value: no.Value, Reason: no.Reason}
		}),
	}
}

func toSendCheck(c *sendcheck.Check) *model.SendCheck {
	if c == nil {
		return nil
	}
	return &model.SendCheck{
		Allowed: c.Allowed, At: c.At, Category: upper[model.TemplateCategory](c.Category), Address: c.Address, Contact: toContact(c.Contact),
		PossibleAt: c.Possible, Questions: mapped(c.Questions, func(q sendcheck.Question) *model.SendQuestion {
			return &model.SendQuestion{Check: say.New(q.Check), Passed: q.Passed, Detail: q.Detail, Rule: say.New(q.Rule), Until: q.Until}
		}),
	}
}

func toDecision(d *explain.Decision) *model.MessageDecision {
	if d == nil {
		return nil
	}
	return &model.MessageDecision{At: d.At, Verdict: d.Verdict, Steps: mapped(d.Steps, func(s explain.Step) *model.DecisionStep {
		return &model.DecisionStep{Check: s.Check, Passed: s.Passed, Detail: s.Detail}
	})}
}

func toTimelineEntry(h timeline.Entry) *model.TimelineEntry {
	out := &model.TimelineEntry{At: h.At, Kind: upper[model.TimelineKind](h.Kind)}
	if h.Message != 0 {
		out.Message = &model.Message{ID: encode(kindMessage, h.Message)}
	}
	if h.Actor != nil {
		out.Operator = &model.Operator{ID: encode(kindOperator, *h.Actor)}
	}
	switch h.Kind {
	case "delivery":
		out.DeliveryStatus = filled(h.Status)
		if h.Code != 0 {
			out.ErrorCode = &h.Code
		}
	case "click":
		out.Button, out.Destination = filled(h.Action), filled(h.Source)
	case "change":
		out.Action = filled(h.Action)
	case "consent":
		status, source := upper[model.ConsentStatus](h.Status), upper[model.ConsentSource](h.Source)
		purpose := upper[model.ConsentPurpose](h.Purpose)
		out.ConsentPurpose, out.ConsentStatus, out.ConsentSource = &purpose, &status, &source
	}
	return out
}

func toReasons(rs []segment.Reason) *model.SegmentReasons {
	return &model.SegmentReasons{Conditions: mapped(rs, func(x segment.Reason) *model.SegmentReason {
		return &model.SegmentReason{Path: x.Path, Matches: x.Matches, Value: x.Value}
	})}
}

func toSegment(s *segment.Segment) *model.Segment {
	if s == nil {
		return nil
	}
	return &model.Segment{
		ID: encode(kindSegment, s.ID), Name: s.Name, Description: s.Description, Query: s.Query, LastCount: s.LastCount,
		CountedAt: s.CountedAt,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
}

func toTopic(t *topic.Topic) *model.Topic {
	if t == nil {
		return nil
	}
	return &model.Topic{
		ID: encode(kindTopic, t.ID), Name: t.Name, Description: t.Description, Keyword: t.Keyword,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
}

func toTeamContact(m *team.Member) *model.TeamContact {
	if m == nil {
		return nil
	}
	return &model.TeamContact{Contact: &model.Contact{ID: encode(kindContact, m.ContactID)}, AddedAt: m.AddedAt}
}

func toAttributeKey(k *contact.AttributeKey) *model.AttributeKey {
	if k == nil {
		return nil
	}
	return &model.AttributeKey{
		Row: k.ID, Key: k.Key, Name: k.Name, Type: upper[model.AttributeType](k.Type), Description: k.Description,
		Types: filledList(k.Types), Coverage: k.Coverage, Samples: filledList(k.Samples),
	}
}

// said is null where nothing is said.
func said(t say.Text) *say.Text {
	if t.Empty() {
		return nil
	}
	return &t
}

// filledList is an empty list instead of none.
func filledList(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func toTemplate(t *template.Template, v *template.Version) *model.Template {
	if t == nil || v == nil {
		return nil
	}
	return &model.Template{
		ID: encode(kindTemplate, t.ID), Name: t.Name, Language: t.Language, LanguageName: template.LanguageName(t.Language),
		Category: upper[model.TemplateCategory](t.Category), Body: v.Body, Version: v.Version,
		Kind: upper[model.TemplateKind](v.Kind), Content: toTemplateContent(v.Parts),
		ApprovalStatus: upper[model.TemplateApproval](v.ApprovalStatus), RejectionReason: filled(v.RejectionReason),
		Advice: said(v.Advice()), ContentSid: filled(v.ContentSID), Provider: upper[model.Provider](v.Provider),
		Variables: mapped(template.Written(v.Variables), toVariable), CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
	}
}

func toTemplateVersion(v *template.Version) *model.TemplateVersion {
	return &model.TemplateVersion{
		Number: v.Version, Kind: upper[model.TemplateKind](v.Kind), Body: v.Body, Content: toTemplateContent(v.Parts),
		ApprovalStatus: upper[model.TemplateApproval](v.ApprovalStatus), RejectionReason: filled(v.RejectionReason), CreatedAt: v.CreatedAt,
		DecidedAt: v.DecidedAt,
	}
}

func toCampaignLanguage(l campaign.InLanguage) *model.CampaignLanguage {
	return &model.CampaignLanguage{
		Language: l.Language, LanguageName: template.LanguageName(l.Language), Contacts: l.Contacts,
		ApprovalStatus: upper[model.TemplateApproval](l.Approval), OtherCategory: l.OtherCategory,
	}
}

func toMediaFile(f *media.File) *model.MediaFile {
	if f == nil {
		return nil
	}
	out := &model.MediaFile{
		ID: encode(kindMediaFile, f.ID), Name: f.Name, Kind: upper[model.TemplateMediaKind](f.Kind), ContentType: f.ContentType,
		Size: f.Size, URL: f.Path(), CreatedAt: f.CreatedAt,
	}
	if f.Kind == template.MediaImage {
		out.Width, out.Height = &f.Width, &f.Height
	}
	return out
}

func toVariable(v template.Variable) *model.TemplateVariable {
	return &model.TemplateVariable{Expression: v.Expression, Sample: v.Sample}
}

func toSender(s *sender.Sender) *model.Sender {
	if s == nil {
		return nil
	}
	return &model.Sender{
		ID: encode(kindSender, s.ID), Address: s.Address, DisplayName: s.DisplayName, RatePerSecond: s.RatePerSecond,
		Status: upper[model.SenderStatus](s.Status), Provider: upper[model.Provider](s.Provider),
		PausedReason: said(say.Recall(s.PausedReason)), CreatedAt: s.CreatedAt,
	}
}

// toCampaign leaves what it points to as stubs with ids; resolvers load them.
func toCampaign(c *campaign.Campaign) *model.Campaign {
	if c == nil {
		return nil
	}
	out := &model.Campaign{
		ID: encode(kindCampaign, c.ID), Name: c.Name, Status: upper[model.CampaignStatus](c.Status),
		Provider:     upper[model.Provider](c.Provider),
		PausedReason: said(say.Recall(c.PausedReason)), Failure: said(say.Recall(c.Failure)),
		Query: c.Query, RateLimitPerSecond: c.RateLimitPerSecond, EndsAt: c.EndsAt, CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt, StartedAt: c.StartedAt,
		PreparedAt: c.PreparedAt, FinishedAt: c.FinishedAt, ErrorThreshold: c.ErrorThreshold,
		Schedule: toSchedule(c.Schedule), NextRunAt: c.NextRunAt, LocalStart: fromLocalMoment(c.LocalStart), RunsDone: c.Runs,
		BestHour: c.BestHour, UsualHour: c.UsualHour,
		QuietHours: fromQuietHours(c.QuietHours), FrequencyCap: fromCap(c.FrequencyCap), StartError: said(say.Recall(c.StartError)),
		ArchivedAt: c.ArchivedAt, Labels: append([]string{}, c.Labels...),
		StartRetryAt: c.StartRetryAt, TrackLinks: c.TrackLinks, Utm: fromUTM(c.UTM),
		Pilot: c.Pilot, PilotEndedAt: c.PilotEndedAt, SendToTeam: c.SendToTeam, HoldoutPercent: c.HoldoutPercent, VariantTest: fromTest(c.VariantTest), VariantWinner: toWinner(c),
	}
	out.Approval = toApproval(c)
	if c.Status == campaign.StatusPreparing {
		out.UndoableUntil = c.UndoUntil
	}
	if c.ParentID != nil {
		out.Parent = &model.Campaign{ID: encode(kindCampaign, *c.ParentID)}
	}
	if c.PausedBy != campaign.PausedByNobody {
		by := upper[model.PausedBy](c.PausedBy)
		out.PausedBy = &by
	}
	if c.TemplateID != nil {
		out.Template = &model.Template{ID: encode(kindTemplate, *c.TemplateID)}
	}
	if c.TopicID != nil {
		out.Topic = &model.Topic{ID: encode(kindTopic, *c.TopicID)}
	}
	if c.SegmentID != nil {
		out.Segment = &model.Segment{ID: encode(kindSegment, *c.SegmentID)}
	}
	if c.SenderID != nil {
		out.Sender = &model.Sender{ID: encode(kindSender, *c.SenderID)}
	}
	return out
}

func toApproval(c *campaign.Campaign) *model.CampaignApproval {
	if c.Approval == campaign.ApprovalNone || c.ApprovalAskedAt == nil {
		return nil
	}
	person := func(id *int64) *model.Operator {
		if id == nil {
			return nil
		}
		return &model.Operator{ID: encode(kindOperator, *id)}
	}
	return &model.CampaignApproval{
		CampaignID: c.ID,
		State:      upper[model.CampaignApprovalState](c.Approval), AskedBy: person(c.ApprovalAskedBy), AskedAt: *c.ApprovalAskedAt,
		StartsAtOnce: c.Approval == campaign.ApprovalWaiting && c.Status == campaign.StatusDraft,
		DecidedBy:    person(c.ApprovalDecidedBy), DecidedAt: c.ApprovalDecidedAt, Reason: filled(c.ApprovalReason),
	}
}

func fromUTM(u *link.UTM) *model.CampaignUtm {
	if u == nil {
		return nil
	}
	return &model.CampaignUtm{Source: filled(u.Source), Medium: filled(u.Medium), Campaign: filled(u.Campaign)}
}

func toCampaignLink(l *link.Counted) *model.CampaignLink {
	return &model.CampaignLink{
		Part: l.Part, Title: l.Title, TemplateName: l.Template, Language: l.Language, Destination: l.Destination, People: l.People, Clicks: l.Clicks,
	}
}

func toClick(o *link.Opening) *model.Click {
	return &model.Click{At: o.At, Part: o.Part, Title: o.Title, Destination: o.Destination}
}

func toDays(days []string) []model.Weekday {
	return mapped(days, func(d string) model.Weekday { return upper[model.Weekday](d) })
}

// shownRuns is how many runs a recurring campaign shows.
const shownRuns = 50

func toSchedule(s *campaign.Schedule) *model.CampaignSchedule {
	if s == nil {
		return nil
	}
	out := &model.CampaignSchedule{At: s.At, Local: fromLocalMoment(s.Local)}
	if r := s.Recurrence; r != nil {
		out.Recurrence = &model.Recurrence{
			Frequency: upper[model.Frequency](r.Frequency), Time: r.Time, Zone: r.Zone, Local: r.Local,
			Days: toDays(r.Days), Until: r.Until,
		}
		if r.DayOfMonth > 0 {
			out.Recurrence.DayOfMonth = &r.DayOfMonth
		}
		if r.Runs > 0 {
			out.Recurrence.Runs = &r.Runs
		}
	}
	return out
}

func toCampaignStart(s campaign.Start) *model.CampaignStart {
	return &model.CampaignStart{At: s.At, Planned: s.Planned, Local: fromLocalMoment(s.Local), Campaign: toCampaign(s.Campaign)}
}

func fromLocalMoment(l *hours.LocalMoment) *model.LocalMoment {
	if l == nil {
		return nil
	}
	return &model.LocalMoment{Date: l.Date, Time: l.Time}
}

func toLegalHours(h *hours.LegalHours) *model.LegalHours {
	out := &model.LegalHours{
		ID: h.ID, Country: h.Country, State: filled(h.State), Name: say.New(h.Name), Binding: h.Basis == "law", Source: say.New(h.Source),
		Checked: h.Checked, Note: said(say.New(h.Note)),
	}
	for _, a := range h.Allowed {
		out.Allowed = append(out.Allowed, &model.AllowedHours{Days: toDays(a.Days), From: a.From, To: a.To})
	}
	return out
}

func fromQuietHours(q *hours.QuietHours) *model.QuietHours {
	if q == nil {
		return nil
	}
	return &model.QuietHours{Start: q.Start, End: q.End, Zone: filled(q.Zone), Days: toDays(q.Days)}
}

func fromCap(f *gate.FrequencyCap) *model.FrequencyCap {
	if f == nil {
		return nil
	}
	return &model.FrequencyCap{Messages: f.Messages, Days: f.Days}
}

func toCap(in *model.FrequencyCapInput) *gate.FrequencyCap {
	if in == nil {
		return nil
	}
	return &gate.FrequencyCap{Messages: in.Messages, Days: in.Days}
}

func toQuietHours(in *model.QuietHoursInput) *hours.QuietHours {
	if in == nil {
		return nil
	}
	return &hours.QuietHours{
		Start: in.Start, End: in.End, Zone: text(in.Zone.Value()),
		Days: mapped(in.Days.Value(), func(d model.Weekday) string { return lower[string](d) }),
	}
}

func toCounts(c campaign.Counts) *model.CampaignCounts {
	return &model.CampaignCounts{
		Audience: c.Audience, Pending: c.Pending, Submitting: c.Submitting, Accepted: c.Accepted, Sent: c.Sent,
		Delivered: c.Delivered, Read: c.Read, Failed: c.Failed,
		Undelivered: c.Undelivered, Canceled: c.Canceled, Expired: c.Expired, Skipped: c.Skipped, Unknown: c.Unknown,
		Clicked: c.Clicked, Replied: c.Replied, OptedOut: c.OptedOut,
		Undecided: c.Undecided, Redelivering: c.Redelivering, Tried: c.Tried,
	}
}

func toSeriesPoint(p series.Point) *model.CampaignSeriesPoint {
	return &model.CampaignSeriesPoint{
		At: p.At, Seconds: p.Length.Seconds(), Accepted: p.Accepted, Delivered: p.Delivered, Read: p.Read, Clicked: p.Clicked,
		Failed: p.Failed,
	}
}

// waitingOf tells whether all that a campaign has to send waits; only of one that is
// under way.
func waitingOf(ctx context.Context, c *model.Campaign) (campaign.Waiting, error) {
	if c.Status != model.CampaignStatusSending && c.Status != model.CampaignStatusPaused {
		return campaign.Waiting{}, nil
	}
	return load(ctx).waiting.Load(ctx, own(c.ID))
}

func toMessage(m *message.Message) *model.Message {
	if m == nil {
		return nil
	}
	out := &model.Message{
		ID: encode(kindMessage, m.ID), Direction: upper[model.MessageDirection](m.Direction),
		Purpose: upper[model.MessagePurpose](m.Purpose),
		Status:  upper[model.MessageStatus](m.Status), Contact: &model.Contact{ID: encode(kindContact, m.ContactID)},
		Sid: m.SID, Body: m.Body, Media: m.Media,
		ErrorMessage: said(say.Recall(m.ErrorMessage)), SkipReason: filled(string(m.SkipReason)),
		NotBeforeReason: filled(m.NotBeforeReason), Attempts: m.Attempts,
		CreatedAt: m.CreatedAt, AcceptedAt: m.AcceptedAt, SentAt: m.SentAt, DeliveredAt: m.DeliveredAt, ReadAt: m.ReadAt,
		ClickedAt: m.ClickedAt, Redeliveries: m.Redeliveries, SenderID: idOf(m.SenderID),
	}
	out.Content, out.Price = toContent(m.Content), toMessagePrice(m.Price)
	if m.NeedsDecision() {
		out.DecisionSince = m.DecisionSince
	}
	if out.Media == nil {
		out.Media = []string{}
	}
	if m.CampaignID != nil {
		out.Campaign = &model.Campaign{ID: encode(kindCampaign, *m.CampaignID)}
	}
	if m.OperatorID != nil {
		out.SentBy = &model.Operator{ID: encode(kindOperator, *m.OperatorID)}
	}
	if m.ErrorCode != 0 {
		out.ErrorCode = &m.ErrorCode
	}
	if m.Status == message.StatusPending && m.NotBefore.After(time.Unix(0, 0)) && !message.Undated(m.NotBeforeReason) {
		out.NotBefore = &m.NotBefore
	}
	return out
}

func toContent(c *message.Content) *model.MessageContent {
	if c == nil {
		return nil
	}
	out := &model.MessageContent{
		Kind: upper[model.MessageContentKind](c.Kind), Form: filled(c.Form), Forwarded: c.Forwarded, FrequentlyForwarded: c.Often,
		Files: mapped(c.Files, func(f message.File) *model.MessageFile {
			return &model.MessageFile{ContentType: filled(f.Type), Name: filled(f.Name)}
		}),
	}
	if l := c.Location; l != nil {
		out.Location = &model.MessageLocation{Latitude: l.Latitude, Longitude: l.Longitude, Label: filled(l.Label), Address: filled(l.Address)}
	}
	if ch := c.Choice; ch != nil {
		out.Choice = &model.MessageChoice{Text: filled(ch.Text), ID: filled(ch.ID)}
	}
	if q := c.Quoted; q != nil {
		out.Quoted = &model.QuotedMessage{Sid: q.SID, Sender: filled(q.Sender), Body: filled(q.Body)}
		if q.MessageID != 0 {
			out.Quoted.MessageID = filled(encode(kindMessage, q.MessageID))
		}
	}
	return out
}

func (r *Resolver) toDeliveryEvent(e *message.DeliveryEvent) *model.DeliveryEvent {
	out := &model.DeliveryEvent{
		ID: encode(kindDeliveryEvent, e.ID), Sid: e.SID, Status: upper[model.MessageStatus](e.Status),
		OccurredAt: e.OccurredAt,
		Message:    &model.Message{ID: encode(kindMessage, e.MessageID)},
	}
	if e.ErrorCode != 0 {
		out.ErrorCode = &e.ErrorCode
		out.ErrorTitle = said(say.New(r.Codes(e.ErrorCode).Title))
	}
	return out
}

func (r *Resolver) toAttempt(a *message.Attempt) *model.MessageAttempt {
	out := &model.MessageAttempt{
		Sid: a.SID, Status: upper[model.MessageStatus](a.Status), SubmittedAt: a.SubmittedAt, AcceptedAt: a.OwnAcceptedAt(),
		EndedAt: a.EndedAt,
	}
	if a.ErrorCode != 0 {
		out.ErrorCode, out.ErrorTitle = &a.ErrorCode, said(say.New(r.Codes(a.ErrorCode).Title))
	}
	return out
}

func toDemoRun(r *demo.Run) *model.DemoRun {
	if r == nil {
		return nil
	}
	return &model.DemoRun{
		Kind: upper[model.DemoRunKind](r.Kind), Status: upper[model.DemoRunStatus](r.Status), Progress: r.Progress,
		Contacts: r.Contacts, Campaigns: r.Campaigns, Messages: r.Messages, Failure: said(say.Recall(r.Failure)),
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
	}
}

// dashboardParts are those that are asked for; each is a query of its own.
func dashboardParts(ctx context.Context) dashboard.Parts {
	asked := graphql.CollectAllFields(ctx)
	return dashboard.Parts{Before: slices.Contains(asked, "before"), Series: slices.Contains(asked, "series")}
}

func toDashboard(d *dashboard.Overview) *model.Dashboard {
	return &model.Dashboard{
		Contacts: d.Contacts, OptedIn: d.OptedIn, OptedOut: d.OptedOut, Unreachable: d.Unreachable,
		CampaignsActive: d.CampaignsActive, CampaignsTotal: d.CampaignsTotal, CountsClicks: d.CountsClicks,
		From: d.From, To: d.To, Period: toPeriod(d.Now), Before: toPeriod(d.Before),
		Series: mapped(d.Series, func(p series.Point) *model.DashboardPoint {
			return &model.DashboardPoint{
				At: p.At, Seconds: p.Length.Seconds(), Accepted: p.Accepted, Delivered: p.Delivered, Read: p.Read,
				Clicked: p.Clicked, Failed: p.Failed, Received: p.Received,
			}
		}),
	}
}

func toPeriod(p dashboard.Period) *model.DashboardPeriod {
	return &model.DashboardPeriod{
		Accepted: p.Accepted, Tried: p.Tried, Delivered: p.Delivered, Read: p.Read, Failed: p.Failed, Replied: p.Replied,
		Clicked: p.Clicked, OptedOut: p.OptedOut, Received: p.Received,
		DeliveryRate: dashboard.Rate(p.Delivered, p.Accepted), ReadRate: dashboard.Rate(p.Read, p.Delivered),
		ClickRate: dashboard.Rate(p.Clicked, p.Delivered), ReplyRate: dashboard.Rate(p.Replied, p.Delivered), OptOutRate: dashboard.Rate(p.OptedOut, p.Delivered),
	}
}

func toHealth(h *health.Health) *model.SystemHealth {
	return &model.SystemHealth{
		Checks: mapped(h.Checks, func(c health.Check) *model.HealthCheck {
			return &model.HealthCheck{
				Name: say.New(c.Name), Level: upper[model.HealthLevel](c.Level), Detail: c.Detail,
				Advice: said(c.Advice),
			}
		}),
		Queues: mapped(h.Queues, func(q health.Queue) *model.QueueHealth {
			return &model.QueueHealth{Name: q.Name, Available: q.Available, Running: q.Running, Failed: q.Failed}
		}),
		Workers: h.Workers, WebhookLagSeconds: h.WebhookLagSeconds, DispatchLagSeconds: h.DispatchLagSeconds,
		WebhooksPerMinute: h.WebhooksPerMinute,
		WebhooksParked:    h.WebhooksParked, SpoolBytes: h.SpoolBytes, SpoolOldestAt: h.SpoolOldestAt,
		MessagesUndecided: h.MessagesUndecided,
	}
}

func toVerification(v audit.Verification) *model.AuditVerification {
	out := &model.AuditVerification{
		Valid: v.Break == nil, Entries: v.Entries, Unsealed: v.Unsealed, Unkeyed: v.Unkeyed, Head: hex.EncodeToString(v.Head),
		Checkpoints: v.Checkpoints,
	}
	if b := v.Break; b != nil {
		kind := model.AuditBreakKind(strings.ToUpper(string(b.Kind)))
		out.Kind, out.Reason, out.BrokenSeq = &kind, said(b.Reason), &b.Seq
		if b.EntryID != 0 {
			out.BrokenID = filled(encode(kindAuditEntry, b.EntryID))
		}
	}
	return out
}

func toProtection(p audit.Protection) *model.AuditProtection {
	out := &model.AuditProtection{
		Waiting: p.Waiting, EntriesSince: p.Since, Problem: said(say.Recall(p.Problem)), PublicKey: filled(p.Key),
		Places: mapped(p.Deliveries, func(d audit.Delivery) *model.AuditCheckpointPlace {
			return &model.AuditCheckpointPlace{
				Name: d.Destination, DeliveredAt: d.DeliveredAt, FailedAt: d.FailedAt, Error: filled(d.Error),
			}
		}),
	}
	if c := p.Last; c != nil {
		out.LastCheckpoint = &model.AuditCheckpoint{Entries: c.Size, CreatedAt: c.Time, Note: c.Note}
	}
	return out
}

// entityKinds are the audit trail's entities that have global ids.
var entityKinds = map[string]string{
	"api_token": kindAPIToken, "campaign": kindCampaign, "canned_reply": kindCannedReply, "contact": kindContact,
	"conversation": kindConversation, "import": kindImport, "label": kindLabel, "message": kindMessage, "operator": kindOperator,
	"segment": kindSegment, "sender": kindSender, "template": kindTemplate, "topic": kindTopic,
}

func toAuditEntry(e *audit.Entry) *model.AuditEntry {
	out := &model.AuditEntry{
		ID: encode(kindAuditEntry, e.ID), ActorKind: e.ActorKind, Action: e.Action, Entity: e.Entity, Changes: e.Changes,
		RequestID: e.RequestID, CreatedAt: e.CreatedAt, Seq: e.Seq,
		Actor: toThing(e.ActorKind, e.ActorID), Subject: toThing(e.Entity, e.EntityID),
		References: mapped(e.References(), func(r audit.Reference) *model.AuditReference {
			return toReference(r.Field, r.Thing)
		}),
		Sentences: []*model.AuditSentence{},
	}
	for _, s := range e.Sentences() {
		if text := say.Recall(s); !text.IsRaw() {
			out.Sentences = append(out.Sentences, &model.AuditSentence{Recorded: s, Text: text})
		}
	}
	if kind := entityKinds[e.ActorKind]; e.ActorID != nil && kind != "" {
		out.ActorID = filled(encode(kind, *e.ActorID))
	}
	if kind := entityKinds[e.Entity]; e.EntityID != nil && kind != "" {
		out.EntityID = filled(encode(kind, *e.EntityID))
	}
	if e.Hash != nil {
		out.Hash = filled(hex.EncodeToString(e.Hash))
	}
	return out
}

// toThing is what an entry names without a field; nil: nothing that has a name.
func toThing(entity string, id *int64) *model.AuditReference {
	if id == nil || !audit.HasName(entity) {
		return nil
	}
	return toReference("", audit.Thing{Entity: entity, ID: *id})
}

func toReference(field string, of audit.Thing) *model.AuditReference {
	out := &model.AuditReference{Field: field, Entity: of.Entity, Number: of.ID}
	if kind := entityKinds[of.Entity]; kind != "" {
		out.ID = filled(encode(kind, of.ID))
	}
	return out
}

// nameOf is what a thing of the trail is called; nil where who asks may not see things of its kind.
func (r *Resolver) nameOf(ctx context.Context, x *model.AuditReference) (*audit.Name, error) {
	if kind := entityKinds[x.Entity]; kind != "" {
		if err := nodeKinds[kind].allow(ctx, kind, x.Number); err != nil {
			return nil, nil //nolint:nilerr,nilnil // who may see the entry sees it without the name
		}
	}
	return load(ctx).names.Load(ctx, audit.Thing{Entity: x.Entity, ID: x.Number})
}

func toWebhookEvent(e *webhookevent.Event) *model.WebhookEvent {
	if e == nil {
		return nil
	}
	return &model.WebhookEvent{
		ID: encode(kindWebhookEvent, e.ID), Kind: upper[model.WebhookEventKind](e.Kind), Sid: e.SID,
		Params: rawJSON(e.Params), DisplayAddress: filled(contact.Spaced(e.Who())), SignatureValid: e.SignatureValid,
		Source: upper[model.WebhookEventSource](e.Source), ReceivedAt: e.ReceivedAt, RecordedAt: e.ReceivedAt,
		ArrivedAt:  e.Arrived(),
		HappenedAt: e.HappenedAt, AppliedAt: e.AppliedAt, Attempts: e.Attempts, NextAttemptAt: e.NextAttemptAt,
		Error: said(say.Recall(e.Error)), Notice: said(say.Recall(e.Notice)),
	}
}

func toSandboxSettings(s sandbox.Settings) *model.SandboxSettings {
	return &model.SandboxSettings{
		LatencyMs: s.LatencyMS, ApprovalMs: s.ApprovalMS, QueueMs: s.QueueMS, LogLagMs: s.LogLagMS, DeliveryMs: s.DeliveryMS,
		ReadRate: s.ReadRate, ClickRate: s.ClickRate, ReplyRate: s.ReplyRate, UndeliveredRate: s.UndeliveredRate, UndeliveredCode: s.UndeliveredCode,
		TooManyRate: s.TooManyRate, ServerErrorRate: s.ServerErrorRate, CutRate: s.CutRate, EmptyRate: s.EmptyRate,
		HangRate: s.HangRate, DropAnswerRate: s.DropAnswerRate, RepeatRate: s.RepeatRate, ReorderRate: s.ReorderRate,
		CallbackLossRate: s.CallbackLossRate, InboundLossRate: s.InboundLossRate, ConcurrencyLimit: s.ConcurrencyLimit,
		PortfolioLimit: s.PortfolioLimit,
		RedactBodies:   s.RedactBodies, Silent: s.Silent,
	}
}

func toEvidence(field string, in *model.ConsentEvidenceInput) (consent.Evidence, error) {
	if in == nil {
		return consent.Evidence{}, nil
	}
	textID, err := optional(field+".textId", kindConsentText, in.TextID.Value())
	out := consent.Evidence{
		Text: text(in.Text.Value()), Language: text(in.Language.Value()), IP: text(in.IP.Value()),
		Note: text(in.Note.Value()),
	}
	if textID != nil {
		out.TextID = *textID
	}
	return out, err
}

// sourceSaid is where a caller says that a consent came from; "" when they do not.
func sourceSaid(s *model.ConsentSource) consent.Source {
	if s == nil {
		return ""
	}
	return lower[consent.Source](*s)
}

func sendingHold(h *hold.Hold) *model.SendingHold {
	if h == nil {
		return nil
	}
	return &model.SendingHold{
		HeldAt: h.HeldAt, BackupAt: h.BackupAt, OriginalStoppedAt: h.StoppedAt, EndsAt: h.EndsAt, Notice: say.Recall(h.Notice),
	}
}

// idOf is 0 for none.
func idOf(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}
