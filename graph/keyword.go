package graph

import (
	"context"

	"eventstream/graph/model"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/say"
)

func toKeywords(c consent.Changes) *model.Keywords {
	return &model.Keywords{Version: consent.Edition(c.Version), Changes: len(c.Added) + len(c.Off)}
}

func (r *Resolver) keywordPayload(c consent.Changes, err error) (*model.KeywordPayload, error) {
	errs, err := payloadErrors(err)
	if err != nil || len(errs) > 0 {
		return &model.KeywordPayload{UserErrors: errs}, err
	}
	return &model.KeywordPayload{Keywords: toKeywords(c), UserErrors: errs}, nil
}

func (r *Resolver) keywordLanguages(ctx context.Context, code *string) ([]*model.KeywordLanguage, error) {
	changes, err := r.Consents.Words.Changes(ctx)
	if err != nil {
		return nil, err
	}
	words, err := r.Consents.Words.Now(ctx)
	if err != nil {
		return nil, err
	}
	var all []*model.KeywordLanguage
	for _, l := range consent.Languages() {
		if code != nil && *code != l.Code {
			continue
		}
		off := map[string]bool{}
		for _, p := range changes.Off {
			if p.Language == l.Code {
				off[consent.PlainPhrase(l.Code, p.Text)] = true
			}
		}
		to := &model.KeywordLanguage{Code: l.Code, Name: l.Name, Source: l.Source}
		for _, p := range changes.Added {
			if p.Language == l.Code {
				to.Phrases = append(to.Phrases, &model.KeywordPhrase{
					Meaning: upper[model.KeywordMeaning](p.Meaning), Phrase: p.Text, On: true,
				})
			}
		}
		for _, p := range l.Phrases {
			to.Phrases = append(to.Phrases, &model.KeywordPhrase{
				Meaning: upper[model.KeywordMeaning](p.Meaning), Phrase: p.Text, BuiltIn: true,
				On: !off[consent.PlainPhrase(l.Code, p.Text)], Binding: p.Binding,
			})
		}
		own := changes.Answers[l.Code]
		a := words.AnswersFor(l.Code)
		to.Answers = &model.KeywordAnswers{Stop: a.Stop, Start: a.Start, Help: a.Help, Left: a.Left, Joined: a.Joined, Own: []string{}}
		for _, t := range []struct{ name, text string }{
			{"stop", own.Stop}, {"start", own.Start}, {"help", own.Help}, {"left", own.Left}, {"joined", own.Joined},
		} {
			if t.text != "" {
				to.Answers.Own = append(to.Answers.Own, t.name)
			}
		}
		all = append(all, to)
	}
	if code != nil && len(all) == 0 {
		return nil, apperr.Invalid("code", "%q is none of the languages of the words", *code)
	}
	return all, nil
}

func (r *Resolver) keywordTrial(ctx context.Context, said string, locale *string) (*model.KeywordTrial, error) {
	t, err := r.Conversations.Try(ctx, said, text(locale))
	if err != nil {
		return nil, err
	}
	out := &model.KeywordTrial{
		Version: t.Intent.Words, Matched: append([]string{}, t.Intent.Matched...), Effect: model.KeywordEffectNone,
		Language: filled(t.Intent.Language), Rule: filled(t.Intent.Rule), Answer: filled(t.Answer),
	}
	what := say.New("Nothing would happen: the message asks for nothing that the words know. It stands in the inbox.")
	switch {
	case t.Topic != "" && t.Intent.Keyword == consent.KeywordStart:
		out.Effect = model.KeywordEffectOptsIn
		what = say.New("The contact would be subscribed to “%s” and opted in.", t.Topic)
	case t.Topic != "":
		what = say.New("The contact would leave the topic “%s”, and nothing else.", t.Topic)
	case t.Intent.Review:
		out.Effect, what = model.KeywordEffectReview, say.New("Somebody would have to decide. Until then campaigns leave the contact out.")
	case t.Intent.Keyword == consent.KeywordStop:
		out.Effect, what = model.KeywordEffectOptsOut, say.New("The contact would be opted out of everything.")
	case t.Intent.Keyword == consent.KeywordStart:
		out.Effect, what = model.KeywordEffectOptsIn, say.New("The contact would be opted in.")
	case t.Intent.Keyword == consent.KeywordHelp:
		out.Effect, what = model.KeywordEffectHelp, say.New("The contact would get the text for help.")
	}
	out.Explanation = what
	if rule := why(t.Intent); !rule.Empty() {
		out.Explanation = say.New("%s %s", what, rule)
	}
	return out, nil
}

// why says by which rule a message was read.
func why(in consent.Intent) say.Text {
	switch in.Rule {
	case consent.RuleWord:
		return say.New("The whole message is a phrase that is known.")
	case consent.RulePhrase:
		return say.New("It is short, asks for this, and says little else.")
	case consent.RuleStopAnd:
		return say.New("STOP with one or two words that make no other sense of it means STOP.")
	case consent.RuleSentence:
		return say.New("These words in it may ask for an opt-out, among others.")
	case consent.RuleSwitchedOff:
		return say.New("The phrase was switched off, so that it does not act by itself.")
	}
	return say.Text{}
}
