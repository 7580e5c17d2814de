package conversation

import (
	"context"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/consent"
)

// Trial is what a message would do.
type Trial struct {
	Intent consent.Intent
	Topic  string // which it is about; "": everything
	Answer string // that would be sent; "": none
}

const longestTrial = 4096 // characters; what WhatsApp allows

// Try reads a message as Receive would, and does nothing.
func (s *Service) Try(ctx context.Context, body, locale string) (Trial, error) {
	if n := utf8.RuneCountInString(body); n > longestTrial {
		return Trial{}, apperr.Invalid("text", "a message has at most %d characters, not %d", longestTrial, n)
	}
	words, err := s.consents.Words.Now(ctx)
	if err != nil {
		return Trial{}, err
	}
	t := Trial{Intent: words.Understand(consent.Said{Body: body, Locale: locale})}
	answers, _ := words.AnswersFor(t.Intent.Language, locale)
	if k, rest := words.Command(body); k != consent.KeywordNone {
		about, err := s.topics.ByKeyword(ctx, s.db, rest)
		if err != nil {
			return Trial{}, err
		}
		if about != nil {
			first := words.Understand(consent.Said{Body: firstWord(body), Locale: locale})
			answers, _ := words.AnswersFor(first.Language, locale)
			t.Intent = consent.Intent{
				Keyword: k, Rule: consent.RuleWord, Language: first.Language, Words: words.Edition(), Matched: []string{firstWord(body)},
			}
			t.Topic, t.Answer = about.Name, consent.About(answers.Left, about.Name, about.Keyword)
			if k == consent.KeywordStart {
				t.Answer = consent.About(answers.Joined, about.Name, about.Keyword)
			}
			return t, nil
		}
	}
	t.Intent.Words = words.Edition()
	switch t.Intent.Keyword {
	case consent.KeywordStop:
		t.Answer = answers.Stop
	case consent.KeywordStart:
		t.Answer = answers.Start
	case consent.KeywordHelp:
		t.Answer = answers.Help
	case consent.KeywordNone:
	}
	return t, nil
}
