package template

import (
	"strings"

	"eventstream/server/say"
)

// advice tells what to change, by what WhatsApp's reasons say: codes such as INVALID_FORMAT, and Meta's own
// sentences. The first that fits counts.
var advice = []struct {
	says string
	do   say.Format
}{
	{"tag_content_mismatch", "The text does not fit its category or language. Texts that advertise anything belong " +
		"in Marketing; what concerns an order or an appointment belongs in Utility; and all of it has to be in the " +
		"template's language. Change the category or the text and submit it again."},
	{"invalid_format", "The form of the text is not as WhatsApp wants it. Look for a placeholder at the beginning or " +
		"the end, two of them side by side, or too few words around them; change that and submit it again."},
	{"abusive_content", "WhatsApp found the text threatening or abusive. Write it in another way and submit it again."},
	{"scam", "WhatsApp took the text for a fraud. Name your business, and leave out shortened links and questions for " +
		"money or passwords; then submit it again."},
	{"incorrect_category", "The text belongs in another category, by WhatsApp's reading. Change the category, or take " +
		"out what advertises, and submit it again."},
	{"promotional", "WhatsApp found something promotional in it. Make it a Marketing template, or take that out, and " +
		"submit it again."},
	{"already", "WhatsApp has this text or name already. Change the text and submit it again."},
	{"duplicate", "WhatsApp has the same text under another name. Use that template, or change this text and submit " +
		"it again."},
	{"language", "The text is not in the language that was chosen. Choose its language, or translate it, and submit " +
		"it again."},
	{"variable", "Something is wrong with the placeholders: they must not stand first or last or side by side, and " +
		"need words around them. Change that and submit it again."},
	{"policy", "The text is against WhatsApp's rules for businesses, such as those on alcohol, gambling or medicines. " +
		"Take out what they forbid and submit it again."},
}

const plainAdvice = "Change the text so that the reason no longer holds, and submit it again: it goes to WhatsApp as a new version."

// Advice tells in words what to change in a text that WhatsApp rejected; "" when nothing was.
func (v *Version) Advice() say.Text {
	switch v.ApprovalStatus {
	case ApprovalRejected:
		reason := strings.ToLower(v.RejectionReason)
		for _, a := range advice {
			if strings.Contains(reason, a.says) {
				return say.New(a.do)
			}
		}
		return say.New(plainAdvice)
	case ApprovalPaused:
		return say.New("People blocked or reported it too often. WhatsApp pauses a template for three hours, the second time for " +
			"six, and takes it away the third time. Write to fewer and more interested people, or change the text.")
	case ApprovalDisabled:
		return say.New("WhatsApp has taken it away for good. Write another text: it goes to WhatsApp as a new version.")
	}
	return say.Text{}
}
