package twilio

import (
	"time"

	"eventstream/server/message"
)

// Codes is what every known error code of Twilio's means for us. Source:
// Twilio's error dictionary (twilio.com/docs/api/errors/<code>, read 2026-04);
// classes, scopes and effects are ours. Order: sender and account first.
var Codes = []message.CodeInfo{
	{Code: 20003, Title: "Credentials refused", Advice: "Check TWILIO_ACCOUNT_SID and the token or API key, and that the account is active.", Class: message.ClassFixFirst, Scope: message.ScopeAccount},
	{Code: 20404, Title: "Not found at Twilio", Advice: "The account or resource does not exist. Check the account SID.", Class: message.ClassPermanentMessage},
	{Code: 20429, Title: "Too many requests at once", Advice: "Nothing to do: sending slows down by itself.", Class: message.ClassRetry, Scope: message.ScopeAccount, Delay: 200 * time.Millisecond, Overload: true},
	{Code: 20500, Title: "Twilio server error", Advice: "Nothing to do: the engine asks Twilio's log whether the message was taken.", Class: message.ClassAmbiguous},
	{Code: 21211, Title: "Invalid number", Advice: "The number cannot receive messages. Correct the contact.", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable},
	{Code: 21408, Title: "Region not enabled", Advice: "Enable the country in Twilio's geo permissions.", Class: message.ClassFixFirst, Scope: message.ScopeAccount},
	{Code: 21610, Title: "Recipient unsubscribed", Advice: "The contact opted out at Twilio; only their START brings them back.", Class: message.ClassPermanentContact, Effect: message.EffectOptOut},
	{Code: 21614, Title: "Not a mobile number", Advice: "Correct the contact's number.", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable},
	{Code: 21617, Title: "Text too long", Advice: "Shorten the template: Twilio takes 1,600 characters.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 21620, Title: "Media URL invalid", Advice: "Correct the media URL of the template.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 21656, Title: "Template variables malformed", Advice: "Check the placeholders of the template.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 30001, Title: "Queue overflow", Advice: "Lower the sender's rate: its queue at Twilio is full.", Class: message.ClassRetry, Scope: message.ScopeSender, Delay: time.Minute},
	{Code: 30002, Title: "Account suspended", Advice: "Contact Twilio's support: nothing is sent until the account is restored.", Class: message.ClassFixFirst, Scope: message.ScopeAccount},
	{Code: 30003, Title: "Handset unreachable", Advice: "The phone was off or out of reach.", Class: message.ClassPermanentMessage},
	{Code: 30004, Title: "Blocked by recipient", Advice: "Do not write to this contact again.", Class: message.ClassPermanentContact, Effect: message.EffectOptOut},
	{Code: 30005, Title: "Unknown handset", Advice: "The number is not in use any more.", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable},
	{Code: 30006, Title: "Landline or unreachable carrier", Advice: "Correct the contact's number.", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable},
	{Code: 30007, Title: "Filtered", Advice: "Review the text: carriers or Twilio held it for spam.", Class: message.ClassPermanentMessage},
	{Code: 30008, Title: "Unknown delivery error", Advice: "Nothing is known about the reason.", Class: message.ClassPermanentMessage},
	{Code: 30036, Title: "Validity expired", Advice: "The message waited too long at Twilio.", Class: message.ClassPermanentMessage},
	{Code: 30047, Title: "Rescheduling failed", Advice: "Plan the message again.", Class: message.ClassPermanentMessage},
	{Code: 35115, Title: "Scheduled time out of range", Advice: "Plan the message again.", Class: message.ClassPermanentMessage},
	{Code: 63001, Title: "Channel refused our credentials", Advice: "Reconnect the WhatsApp sender in Twilio's console.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
	{Code: 63003, Title: "No WhatsApp at this number", Advice: "The contact is set unreachable; they may be tried again after some weeks.", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable},
	{Code: 63005, Title: "Content refused by the channel", Advice: "Review the template.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63007, Title: "Sender is no WhatsApp sender", Advice: "Register the number as a WhatsApp sender at Twilio, or pick another sender.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
	{Code: 63008, Title: "Channel misconfigured", Advice: "Check the sender in Twilio's console.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
	{Code: 63010, Title: "Twilio internal error", Advice: "A call refused with it is made again by itself; a message that failed with it later is not: send to those who failed.", Class: message.ClassRetry, Delay: 30 * time.Second},
	{Code: 63012, Title: "WhatsApp internal error", Advice: "A call refused with it is made again by itself; a message that failed with it later is not: send to those who failed.", Class: message.ClassRetry, Delay: 30 * time.Second},
	{Code: 63013, Title: "Against WhatsApp's policy", Advice: "Review the template: WhatsApp found it against its policy.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63014, Title: "Blocked by the recipient", Advice: "The contact blocked or left you; they are opted out.", Class: message.ClassPermanentContact, Effect: message.EffectOptOut},
	{Code: 63015, Title: "Not joined to Twilio's sandbox", Advice: "Twilio's sandbox number only writes to phones that joined it.", Class: message.ClassPermanentMessage},
	{Code: 63016, Title: "Outside the 24-hour window", Advice: "Only an approved template may go there.", Class: message.ClassPermanentMessage},
	{Code: 63017, Title: "Account above 2,000 messages a second", Advice: "Lower the account's rate under Settings.", Class: message.ClassRetry, Scope: message.ScopeAccount, Delay: time.Second},
	{Code: 63018, Title: "Sender's rate or daily limit reached", Advice: "Lower the sender's rate, or wait until its daily limit allows more.", Class: message.ClassRetry, Scope: message.ScopeSender, Delay: 5 * time.Second},
	{Code: 63019, Title: "Media not readable", Advice: "Check that the media URL is public.", Class: message.ClassPermanentMessage},
	{Code: 63020, Title: "Meta invitation open", Advice: "Accept Twilio's invitation in Meta Business Manager.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
	{Code: 63021, Title: "Content invalid or over 1,024 characters", Advice: "Shorten the template or its values.", Class: message.ClassPermanentMessage},
	{Code: 63022, Title: "Name certificate invalid", Advice: "Have the sender's display name approved again.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
	{Code: 63024, Title: "Recipient cannot receive", Advice: "No WhatsApp, an old version, or terms not accepted.", Class: message.ClassPermanentContact, Effect: message.EffectUnreachable},
	{Code: 63027, Title: "Template does not exist", Advice: "Submit the template again.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63028, Title: "Wrong number of variables", Advice: "Submit the template again.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63030, Title: "Unsupported parameter", Advice: "Submit the template again.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63032, Title: "Recipient in a Meta experiment", Advice: "About one in a hundred gets no marketing for a while.", Class: message.ClassPermanentMessage},
	{Code: 63033, Title: "Blocked by the recipient", Advice: "The contact blocked you.", Class: message.ClassPermanentContact, Effect: message.EffectOptOut},
	{Code: 63038, Title: "Account's daily limit reached", Advice: "Sending goes on after 24 hours, or have the limit raised.", Class: message.ClassFixFirst, Scope: message.ScopeAccount},
	{Code: 63040, Title: "Template rejected", Advice: "Change the template and submit it again.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63041, Title: "Template paused by WhatsApp", Advice: "Too many people disliked it: wait, or use another.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63042, Title: "Template disabled by WhatsApp", Advice: "Use another template.", Class: message.ClassFixFirst, Scope: message.ScopeTemplate},
	{Code: 63049, Title: "Meta declined marketing to this contact", Advice: "US numbers get no marketing templates; others have had enough for now.", Class: message.ClassPermanentMessage, Effect: message.EffectIneligible},
	{Code: 63051, Title: "Sender locked", Advice: "Unlock the sender at Meta or Twilio.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
	{Code: 63062, Title: "Marketing terms not accepted", Advice: "Accept Meta's marketing terms for this sender.", Class: message.ClassFixFirst, Scope: message.ScopeSender},
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
	return message.CodeInfo{Code: code, Title: "Unknown error", Advice: "Look it up in Twilio's error dictionary.", Class: message.ClassPermanentMessage}
}

// statusOf reads Twilio's words. ok is false for a word we do not know.
func statusOf(word string) (message.Status, bool) {
	switch s := message.Status(word); s {
	case message.StatusAccepted, message.StatusQueued, message.StatusSending, message.StatusSent, message.StatusDelivered,
		message.StatusRead, message.StatusUndelivered, message.StatusFailed, message.StatusCanceled:
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
