package template

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"eventstream/server/say"
)

func TestRulesOfWhatsAppSayWhatToDo(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"Hi {{name | there}}, our autumn sale has started.": "",
		"{{name}} is here now today":                        "{{name}} stands first: write a word before it, such as “Hi”",
		"*{{name}}* is here now today":                      "{{name}} stands first: write a word before it, such as “Hi”",
		"this is for you {{name}}!":                         "{{name}} stands last: write a word after it; a full stop does not count",
		"we say {{name}} {{region}} to all of you here": "{{region}} follows another placeholder directly: " +
			"write a word between the two",
		"a {{name}} b":                             "a placeholder needs at least 3 words of plain text around it, and here is 2: write 1 more",
		"Hi {{name}} - , . ! there":                "a placeholder needs at least 3 words of plain text around it, and here is 2: write 1 more", // signs are no words
		"Dear {{name}}, yes {{name}} you there":    "",                                                                                          // the same placeholder twice is one variable
		"您好{{name}}，我们的秋季促销开始了":                    "",                                                                                          // no spaces between the words of Chinese
		"Our sale\thas started":                    "WhatsApp takes no tabs, and the text has 1: replace each with a space",
		"Our sale     has started":                 "there are 5 spaces in a row, WhatsApp takes at most 4: take 1 out",
		"Our sale    has started":                  "",
		"Sale " + strings.Repeat("🎉", 12) + " now": "there are 12 emojis, WhatsApp takes at most 10 in a template: take 2 out",
		"Sale " + strings.Repeat("🎉", 10) + " now": "",
	} {
		b, err := Parse(body)
		require.NoError(t, err)
		require.Equal(t, want, say.All(b.Rules()...).String(), body)
	}
}

func TestEmojisAreCountedAsPeopleCountThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"no emoji, 3 digits # * © ✓ ☎ é": 0,
		"🎉":                              1,
		"❤️ ✔️ ©️":                       3,  // signs that the selector makes pictures
		"👍🏽👩🏿‍🚀":                         2,  // skin tones
		"👨‍👩‍👧‍👦 🏳️‍🌈":                   2,  // joined
		"🇩🇪🇫🇷":                           2,  // flags are pairs
		"🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣ #️⃣":                3,  // a flag of tags, keycaps
		strings.Repeat("⭐", 11):          11, // without a selector
	} {
		require.Equal(t, want, Emojis(text), text)
	}
}

func TestLanguagesAreThoseOfWhatsApp(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"de": "de", "pt-br": "pt_BR", "EN_us": "en_US", "zh_CN": "zh_CN"} {
		got, err := readLanguage(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got)
	}
	_, err := readLanguage("pt")
	require.ErrorContains(t, err, `"pt" is not a language in which WhatsApp takes templates: of this language it takes `+
		`pt_BR (Portuguese (Brazil)), pt_PT (Portuguese (Portugal))`)
	_, err = readLanguage("tlh")
	require.ErrorContains(t, err, `"tlh"`)
	require.ErrorContains(t, err, "such as en, de or pt_BR")
	require.Equal(t, "German (Austria)", LanguageName("de_AT"))
	require.Equal(t, "tlh", LanguageName("tlh"), "one that was taken before")
	seen := map[string]bool{}
	for _, l := range Languages() {
		require.NotEmpty(t, l.Name, l.Code)
		require.False(t, seen[l.Code], l.Code)
		seen[l.Code] = true
	}
}

func TestARejectionSaysWhatToChange(t *testing.T) {
	t.Parallel()
	rejected := func(reason string) string {
		return (&Version{ApprovalStatus: ApprovalRejected, RejectionReason: reason}).Advice().String()
	}
	require.Contains(t, rejected("TAG_CONTENT_MISMATCH: the category does not match"), "category or language")
	require.Contains(t, rejected("INVALID_FORMAT"), "placeholder at the beginning")
	require.Equal(t, plainAdvice, rejected("something new"))
	require.Empty(t, (&Version{ApprovalStatus: ApprovalApproved}).Advice())
	require.Contains(t, (&Version{ApprovalStatus: ApprovalPaused}).Advice().String(), "three hours")
}
