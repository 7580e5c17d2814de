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
	if k, rest := words.Command(body); k != consent.KeywordNone {
		about, err := s.topics.ByKeyword(ctx, s.db, rest)
		if err != nil {
			return Trial{}, err
		}
		if about != nil {
			t.Intent = topicIntent(words, k, body, locale)
			t.Topic, t.Answer = about.Name, topicAnswer(words, t.Intent, about, locale)
			return t, nil
		}
	}
	t.Intent.Words = words.Edition()
	t.Answer = words.AnswersFor(t.Intent.Language, locale).To(t.Intent.Keyword)
	return t, nil
}
