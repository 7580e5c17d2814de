package twilio

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"eventstream/server/consent"
	"eventstream/server/conversation"
	"eventstream/server/message"
)

// Reader reads the parameters of Twilio's webhooks; it implements
// webhookevent.Reader.
type Reader struct{}

// Status reads a status callback.
func (Reader) Status(p map[string]string) (message.Event, message.CodeInfo, bool) {
	word := p["MessageStatus"]
	if word == "" {
		word = p["SmsStatus"]
	}
	if p["EventType"] == "READ" {
		word = "read"
	}
	status, ok := statusOf(word)
	e := message.Event{Status: status}
	var info message.CodeInfo
	if code, err := strconv.Atoi(p["ErrorCode"]); err == nil && code != 0 {
		info = Code(code)
		e.ErrorCode, e.ErrorText = code, info.Title
		if text := p["ChannelStatusMessage"]; text != "" {
			e.ErrorText = text
		}
	}
	return e, info, ok
}

// Inbound reads an inbound message. The sender's address is the phone number
// where Twilio shows one, else the BSUID.
func (Reader) Inbound(p map[string]string) conversation.InboundMessage {
	in := conversation.InboundMessage{
		From: p["From"], UserIDs: userIDs(p), To: strings.TrimPrefix(p["To"], channelPrefix), Body: p["Body"], ProfileName: p["ProfileName"],
		QuotedSID: p["OriginalRepliedMessageSid"], ButtonText: p["ButtonText"], ButtonPayload: cmp.Or(p["ButtonPayload"], p["ListId"]),
		OptOut: consent.Keyword(strings.ToLower(p["OptOutType"])),
	}
	if in.Body == "" && p["ButtonText"] != "" {
		in.Body = p["ButtonText"]
	}
	n, _ := strconv.Atoi(p["NumMedia"])
	for i := range min(n, 10) {
		if u, err := url.Parse(p["MediaUrl"+strconv.Itoa(i)]); err == nil && u.Scheme == "https" {
			in.Media = append(in.Media, u.String())
		}
	}
	if p["Latitude"] != "" && in.Body == "" {
		in.Body = "📍 " + p["Latitude"] + ", " + p["Longitude"]
	}
	return in
}

// To gives the address that a status callback is about, and the ids beside it.
func (Reader) To(p map[string]string) (to string, ids []string) { return p["To"], userIDs(p) }

// userIDs are the ids under which WhatsApp knows the contact (BSUID): towards this
// business, and towards the parent of linked ones. Twilio's changelog calls the
// parameter ExternalUserIdentifier, its webhooks ExternalUserId; either is taken,
// but of two that disagree neither.
func userIDs(p map[string]string) (ids []string) {
	for _, name := range []string{"ExternalUserId", "ParentExternalUserId"} {
		id, other := p[name], p[name+"entifier"]
		if id != "" && other != "" && strings.TrimPrefix(id, channelPrefix) != strings.TrimPrefix(other, channelPrefix) {
			continue
		}
		if id = cmp.Or(id, other); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Params are the parameters that the webhook of an entry of the log would have had.
func (Reader) Params(e message.Logged) map[string]string {
	p := map[string]string{"MessageSid": e.SID, "From": channelPrefix + e.From, "To": channelPrefix + e.To}
	if e.Direction == message.Inbound {
		p["Body"], p["NumMedia"] = e.Body, strconv.Itoa(len(e.Media))
		for i, u := range e.Media {
			p["MediaUrl"+strconv.Itoa(i)] = u
		}
		return p
	}
	p["MessageStatus"] = string(e.Status)
	if e.Code != 0 {
		p["ErrorCode"] = strconv.Itoa(e.Code)
	}
	return p
}
