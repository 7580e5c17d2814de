package graph

import (
	"context"

	"eventstream/graph/model"
	"eventstream/server/golive"
	"eventstream/server/template"
)

func (r *Resolver) setCredentials(ctx context.Context, in model.ProviderCredentialsSetInput) (*golive.Credentials, error) {
	err := r.Services.GoLive.SetCredentials(ctx, golive.Account{
		AccountSID: in.AccountSid, AuthToken: in.AuthToken, APIKey: text(in.APIKeySid.Value()), APISecret: text(in.APIKeySecret.Value()),
	})
	if err != nil {
		return nil, err
	}
	c, err := r.Services.GoLive.Credentials(ctx)
	return &c, err
}

func (r *Resolver) forgetCredentials(ctx context.Context) (*golive.Credentials, error) {
	if err := r.Services.GoLive.ForgetCredentials(ctx); err != nil {
		return nil, err
	}
	c, err := r.Services.GoLive.Credentials(ctx)
	return &c, err
}

func toCredentials(c *golive.Credentials) *model.ProviderCredentials {
	if c == nil {
		return nil
	}
	out := &model.ProviderCredentials{
		Source: upper[model.CredentialsSource](c.Source), AccountSid: filled(c.AccountSID), APIKeySid: filled(c.APIKey), SetAt: c.SetAt,
	}
	out.PreviousTokenUntil = c.PreviousUntil
	if c.SetBy != nil {
		out.SetBy = &model.Operator{ID: encode(kindOperator, *c.SetBy)}
	}
	return out
}

func toGoingLiveCounts(c *golive.Counts) *model.GoingLiveCounts {
	if c == nil {
		return nil
	}
	return &model.GoingLiveCounts{
		Campaigns: c.Campaigns, Messages: c.Messages, Questions: c.Questions, Consents: c.Consents, Subscriptions: c.Subscriptions,
		Windows: c.Windows, Marks: c.Marks, Templates: c.Templates, Senders: c.Senders,
	}
}

func toGoingLive(w *golive.Way, inbound string) *model.GoingLive {
	return &model.GoingLive{
		Provider: upper[model.Provider](w.Provider), Since: w.Since, Credentials: toCredentials(&w.Credentials),
		Steps: mapped(w.Steps, func(s golive.Step) *model.GoingLiveStep {
			return &model.GoingLiveStep{
				Key: upper[model.GoingLiveStepKey](s.Key), State: upper[model.GoingLiveStepState](s.State), Found: s.Found,
				Advice: said(s.Advice),
			}
		}),
		Ends: toGoingLiveCounts(&w.Left), Ended: toGoingLiveCounts(w.Ended), Test: toLiveTest(w.Test), InboundURL: inbound,
	}
}

func toLiveTest(t *golive.Test) *model.LiveTest {
	if t == nil {
		return nil
	}
	return &model.LiveTest{Message: &model.Message{ID: encode(kindMessage, t.MessageID)}, AnsweredAt: t.AnsweredAt}
}

func (r *Resolver) toSenderWebhook(w golive.Webhook) *model.SenderWebhook {
	return &model.SenderWebhook{
		CallbackURL: filled(golive.Shown(w.CallbackURL)), CallbackMethod: filled(w.CallbackMethod), FallbackURL: filled(golive.Shown(w.FallbackURL)),
		FallbackMethod: filled(w.FallbackMethod), StatusCallbackURL: filled(golive.Shown(w.StatusCallbackURL)),
		StatusCallbackMethod: filled(w.StatusCallbackMethod), Version: r.Services.GoLive.Version(w),
	}
}

func (r *Resolver) toChannelSender(k *golive.Known) *model.ChannelSender {
	if k == nil {
		return nil
	}
	out := &model.ChannelSender{
		Sid: k.SID, Address: k.Address, Name: filled(k.Name), Status: k.Status, OfflineReasons: mapped(k.OfflineReasons, same),
		Quality: filled(k.Quality), MessagingLimit: filled(k.Limit), Webhook: r.toSenderWebhook(k.Webhook), Ours: k.Ours,
		WouldBe: r.toSenderWebhook(k.Would),
	}
	if k.ID != 0 {
		out.Sender = &model.Sender{ID: encode(kindSender, k.ID)}
	}
	if c := k.Change; c != nil {
		out.Changed = &model.SenderWebhookChange{
			ID: encode(kindWebhookChange, c.ID), Before: r.toSenderWebhook(c.Before), After: r.toSenderWebhook(c.After), CreatedAt: c.CreatedAt,
		}
		if c.OperatorID != nil {
			out.Changed.Operator = &model.Operator{ID: encode(kindOperator, *c.OperatorID)}
		}
	}
	return out
}

func same(s string) string { return s }

func toImportable(f template.Found) *model.ImportableTemplate {
	out := &model.ImportableTemplate{
		ContentSid: f.SID, Name: f.Name, Language: f.Language, Type: f.Type, Body: f.Body, Content: toTemplateContent(f.Parts),
		Variables: mapped(f.Variables, func(v template.FoundVariable) *model.ImportableVariable {
			return &model.ImportableVariable{Key: v.Key, Sample: v.Sample, KeptAs: template.KeptAs(v.Key)}
		}),
		ApprovalStatus: upper[model.TemplateApproval](f.Approval), RejectionReason: filled(f.Reason), CreatedAt: f.CreatedAt,
		Problem: said(f.Problem),
	}
	if f.Category != "" {
		out.Category = new(upper[model.TemplateCategory](f.Category))
	}
	if f.TemplateID != 0 {
		out.Template = &model.Template{ID: encode(kindTemplate, f.TemplateID)}
	}
	return out
}

func templateImport(in model.TemplateImportInput) template.ImportInput {
	out := template.ImportInput{
		ContentSID: in.ContentSid, Name: text(in.Name.Value()), Category: lowerPtr[template.Category](in.Category.Value()),
		Variables: map[string]string{},
	}
	for _, v := range in.Variables.Value() {
		out.Variables[v.Key] = v.Expression
	}
	return out
}
