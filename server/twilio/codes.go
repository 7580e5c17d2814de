package twilio

import (
	"time"

	"eventstream/server/message"
)

const day = 24 * time.Hour

// Messages that were accepted and then failed are sent again only where pacing
// or a limit was the reason, so that the same message may well go later. What
// failed inside Twilio or WhatsApp (63010, 63012) may have reached the phone.
var (
	// Meta limits how much marketing one person gets from all businesses. It asks
	// not to try again at once but with growing delays; in the US marketing
	// templates are off since 2025-04-01, and trying again never helps
	// (docs/api/errors/63049). The contact is marked, for declinedFor, where no
	// further attempt follows; while one is planned, that attempt is the test.
	declined = message.Redelivery{
		Delays: []time.Duration{4 * time.Hour, 16 * time.Hour, 36 * time.Hour}, Within: 72 * time.Hour,
		NotRegion: []string{"US"},
	}
	declinedFor = 3 * time.Hour

	// A sender's rate is free again within seconds, the messaging limit within a
	// rolling day (docs/api/errors/63018; Meta's messaging-limits).
	limited = message.Redelivery{
		Delays: []time.Duration{15 * time.Minute, 6 * time.Hour, 25 * time.Hour}, Within: 72 * time.Hour,
	}

	// Twilio's queue of a sender holds four hours at its rate
	// (docs/api/errors/30001; whatsapp/best-practices-and-faqs).
	overflown = message.Redelivery{
		Delays: []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour}, Within: 24 * time.Hour,
	}
)

// Codes is what every known error code of Twilio's means for us. Source:
// Twilio's error dictionary (twilio.com/docs/api/errors/<code>, read 2026-04);
// classes, scopes, effects and times are ours. Order: account first.
//
// How long a mark on a contact lasts: who has no WhatsApp may have it next month
// (63003, 63024); a number that is no mobile number seldom becomes one (21211,
// 21614, 30006); one that is not in use is given to somebody else in the course
// of months (30005). Nothing ends an opt-out but the contact.
var Codes = []message.CodeInfo{
	{
		Code: 20003, Class: message.ClassFixFirst, Scope: message.ScopeAccount,
		Title:  "Credentials refused",
		Advice: "Check TWILIO_ACCOUNT_SID and the token or API key, and that the account is active.",
	},
	{
		Code: 20404, Class: message.ClassPermanentMessage,
		Title:  "Not found at Twilio",
		Advice: "The account or resource does not exist. Check the account SID.",
	},
	{
		Code: 20429, Class: message.ClassRetry, Scope: message.ScopeAccount, Delay: 200 * time.Millisecond, Overload: true,
		Title:  "Too many requests at once",
		Advice: "Nothing to do: sending slows down by itself.",
	},
	{
		Code: 20500, Class: message.ClassAmbiguous,
		Title:  "Twilio server error",
		Advice: "Nothing to do: the engine asks Twilio's log whether the message was taken.",
	},
	{
		Code: 21211, Class: message.ClassPermanentContact, Effect: message.EffectUnreachable, EffectFor: 180 * day,
		Title:  "Invalid number",
		Advice: "The number cannot receive messages: correct the contact. It counts as unreachable for 180 days.",
	},
	{
		Code: 21408, Class: message.ClassFixFirst, Scope: message.ScopeAccount,
		Title:  "Region not enabled",
		Advice: "Enable the country in Twilio's geo permissions.",
	},
	{
		Code: 21610, Class: message.ClassPermanentContact, Effect: message.EffectOptOut,
		Title:  "Recipient unsubscribed",
		Advice: "The contact opted out at Twilio; only their START brings them back.",
	},
	{
		Code: 21614, Class: message.ClassPermanentContact, Effect: message.EffectUnreachable, EffectFor: 180 * day,
		Title:  "Not a mobile number",
		Advice: "Correct the contact's number. It counts as unreachable for 180 days.",
	},
	{
		Code: 21617, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Text too long",
		Advice: "Shorten the template: Twilio takes 1,600 characters.",
	},
	{
		Code: 21620, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Media URL invalid",
		Advice: "Correct the media URL of the template, or attach the file of the reply once more.",
	},
	{
		Code: 21654, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Variables without a template",
		Advice: "Submit the template again: it goes to WhatsApp as a new version.",
	},
	{
		Code: 21655, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title: "Template unknown at Twilio",
		Advice: "The template was deleted at Twilio, or belongs to another account. Change and submit it again: it goes to " +
			"WhatsApp as a new version.",
	},
	{
		Code: 21656, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Template variables malformed",
		Advice: "Check the placeholders of the template.",
	},
	{
		Code: 30001, Class: message.ClassRetry, Scope: message.ScopeSender, Delay: time.Minute, Redeliver: &overflown,
		Title: "Queue overflow",
		Advice: "Lower the sender's rate: its queue at Twilio is full. What failed with it is sent again by " +
			"itself, at most three times within a day.",
	},
	{
		Code: 30002, Class: message.ClassFixFirst, Scope: message.ScopeAccount,
		Title:  "Account suspended",
		Advice: "Contact Twilio's support: nothing is sent until the account is restored.",
	},
	{
		Code: 30003, Class: message.ClassPermanentMessage,
		Title:  "Handset unreachable",
		Advice: "The phone was off or out of reach.",
	},
	{
		Code: 30004, Class: message.ClassPermanentContact, Effect: message.EffectOptOut,
		Title:  "Blocked by recipient",
		Advice: "The contact blocked you; they are opted out.",
	},
	{
		Code: 30005, Class: message.ClassPermanentContact, Effect: message.EffectUnreachable, EffectFor: 90 * day,
		Title: "Unknown handset",
		Advice: "The number is not in use any more. It counts as unreachable for 90 days: numbers are given to " +
			"new people.",
	},
	{
		Code: 30006, Class: message.ClassPermanentContact, Effect: message.EffectUnreachable, EffectFor: 180 * day,
		Title:  "Landline or unreachable carrier",
		Advice: "Correct the contact's number. It counts as unreachable for 180 days.",
	},
	{
		Code: 30007, Class: message.ClassPermanentMessage,
		Title:  "Filtered",
		Advice: "Review the text: carriers or Twilio held it for spam.",
	},
	{
		Code: 30008, Class: message.ClassPermanentMessage,
		Title:  "Unknown delivery error",
		Advice: "Nothing is known about the reason.",
	},
	{
		Code: 30036, Class: message.ClassPermanentMessage,
		Title:  "Validity expired",
		Advice: "The message waited too long at Twilio.",
	},
	{
		Code: 30047, Class: message.ClassPermanentMessage,
		Title:  "Rescheduling failed",
		Advice: "Plan the message again.",
	},
	{
		Code: 35115, Class: message.ClassPermanentMessage,
		Title:  "Scheduled time out of range",
		Advice: "Plan the message again.",
	},
	{
		Code: 63001, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Channel refused our credentials",
		Advice: "Reconnect the WhatsApp sender in Twilio's console.",
	},
	{
		Code: 63003, Class: message.ClassPermanentContact, Effect: message.EffectUnreachable, EffectFor: 30 * day,
		Title:  "No WhatsApp at this number",
		Advice: "The contact counts as unreachable for 30 days, and is tried again after that.",
	},
	{
		Code: 63005, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Content refused by the channel",
		Advice: "Review the template.",
	},
	{
		Code: 63007, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Sender is no WhatsApp sender",
		Advice: "Register the number as a WhatsApp sender at Twilio, or pick another sender.",
	},
	{
		Code: 63008, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Channel misconfigured",
		Advice: "Check the sender in Twilio's console.",
	},
	{
		Code: 63010, Class: message.ClassRetry, Delay: 30 * time.Second,
		Title: "Twilio internal error",
		Advice: "A refused call is made again by itself. A message that failed with it later is not: send to " +
			"those who failed.",
	},
	{
		Code: 63012, Class: message.ClassRetry, Delay: 30 * time.Second,
		Title: "WhatsApp internal error",
		Advice: "A refused call is made again by itself. A message that failed with it later is not: send to " +
			"those who failed.",
	},
	{
		Code: 63013, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Against WhatsApp's policy",
		Advice: "Review the template: WhatsApp found it against its policy.",
	},
	{
		Code: 63014, Class: message.ClassPermanentContact, Effect: message.EffectOptOut,
		Title:  "Blocked by the recipient",
		Advice: "The contact blocked or left you; they are opted out.",
	},
	{
		Code: 63015, Class: message.ClassPermanentMessage,
		Title:  "Not joined to Twilio's sandbox",
		Advice: "Twilio's sandbox number only writes to phones that joined it.",
	},
	{
		Code: 63016, Class: message.ClassPermanentMessage,
		Title:  "Outside the 24-hour window",
		Advice: "Only an approved template may go there.",
	},
	{
		Code: 63017, Class: message.ClassRetry, Scope: message.ScopeAccount, Delay: time.Second,
		Title:  "Account above 2,000 messages a second",
		Advice: "Lower the account's rate under Settings.",
	},
	{
		Code: 63018, Class: message.ClassRetry, Scope: message.ScopeSender, Delay: 5 * time.Second, Redeliver: &limited,
		Title: "Sender's rate or daily limit reached",
		Advice: "Lower the sender's rate, or wait until its daily limit allows more. What failed with it after it " +
			"was accepted is sent again by itself, at most three times within three days.",
	},
	{
		Code: 63019, Class: message.ClassPermanentMessage,
		Title:  "Media not readable",
		Advice: "Check that the media URL is public.",
	},
	{
		Code: 63020, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Meta invitation open",
		Advice: "Accept Twilio's invitation in Meta Business Manager.",
	},
	{
		Code: 63021, Class: message.ClassPermanentMessage,
		Title:  "Content invalid or over 1,024 characters",
		Advice: "Shorten the template or its values.",
	},
	{
		Code: 63022, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Name certificate invalid",
		Advice: "Have the sender's display name approved again.",
	},
	{
		Code: 63024, Class: message.ClassPermanentContact, Effect: message.EffectUnreachable, EffectFor: 30 * day,
		Title: "Recipient cannot receive",
		Advice: "No WhatsApp, an old version, or terms not accepted. The contact counts as unreachable for 30 " +
			"days, and is tried again after that.",
	},
	{
		Code: 63027, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Template does not exist",
		Advice: "Submit the template again.",
	},
	{
		Code: 63028, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Wrong number of variables",
		Advice: "Submit the template again.",
	},
	{
		Code: 63030, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Unsupported parameter",
		Advice: "Submit the template again.",
	},
	{
		Code: 63032, Class: message.ClassPermanentMessage, Effect: message.EffectIneligible, EffectFor: 7 * day,
		Title: "Recipient in a Meta experiment",
		Advice: "About one in a hundred gets no marketing while Meta runs an experiment, for how long is not " +
			"known. The contact gets none from us for a week; the message is not sent again.",
	},
	{
		Code: 63033, Class: message.ClassPermanentContact, Effect: message.EffectOptOut,
		Title:  "Blocked by the recipient",
		Advice: "The contact blocked you; they are opted out.",
	},
	{
		Code: 63038, Class: message.ClassFixFirst, Scope: message.ScopeAccount,
		Title:  "Account's daily limit reached",
		Advice: "Sending goes on after 24 hours, or have the limit raised.",
	},
	{
		Code: 63040, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Template rejected",
		Advice: "Change the template and submit it again.",
	},
	{
		Code: 63041, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Template paused by WhatsApp",
		Advice: "Too many people disliked it: wait, or use another.",
	},
	{
		Code: 63042, Class: message.ClassFixFirst, Scope: message.ScopeTemplate,
		Title:  "Template disabled by WhatsApp",
		Advice: "Use another template.",
	},
	{
		Code: 63049, Class: message.ClassPermanentMessage,
		Effect: message.EffectIneligible, EffectFor: declinedFor, Redeliver: &declined,
		Title: "Meta declined marketing to this contact",
		Advice: "US numbers get no marketing templates and are not tried again. Others have had enough marketing " +
			"for now: the message is sent again by itself, at most three times within three days, with " +
			"growing delays.",
	},
	{
		Code: 63051, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Sender locked",
		Advice: "Unlock the sender at Meta or Twilio.",
	},
	{
		Code: 63062, Class: message.ClassFixFirst, Scope: message.ScopeSender,
		Title:  "Marketing terms not accepted",
		Advice: "Accept Meta's marketing terms for this sender.",
	},
}

var byCode = func() map[int]message.CodeInfo {
	m := make(map[int]message.CodeInfo, len(Codes))
	for _, c := range Codes {
		m[c.Code] = c
	}
	return m
}()

// Code gives what is known about a code. Unknown ones are permanent for the
// message, as Twilio adds codes without notice.
func Code(code int) message.CodeInfo {
	if info, ok := byCode[code]; ok {
		return info
	}
	return message.CodeInfo{
		Code: code, Class: message.ClassPermanentMessage,
		Title: "Unknown error", Advice: "Look it up in Twilio's error dictionary.",
	}
}

// Status reads Twilio's word for where a message stands; ok is false for a word we do
// not know.
func Status(word string) (message.Status, bool) {
	switch s := message.Status(word); s {
	case message.StatusAccepted, message.StatusQueued, message.StatusSending, message.StatusSent,
		message.StatusDelivered, message.StatusRead, message.StatusUndelivered, message.StatusFailed,
		message.StatusCanceled:
		return s, true
	}
	switch word {
	case "scheduled":
		return message.StatusAccepted, true
	case "partially_delivered":
		return message.StatusDelivered, true
	}
	return "", false
}
