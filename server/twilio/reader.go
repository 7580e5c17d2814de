package twilio

import (
	"cmp"
	"math"
	"net/url"
	"strconv"
	"strings"

	"eventstream/server/consent"
	"eventstream/server/contact"
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
	status, ok := Status(word)
	e := message.Event{Status: status}
	var info message.CodeInfo
	if code, err := strconv.Atoi(p["ErrorCode"]); err == nil && code != 0 {
		info = Code(code)
		e.ErrorCode, e.ErrorText = code, string(info.Title)
		if text := p["ChannelStatusMessage"]; text != "" {
			e.ErrorText = text
		}
	}
	return e, info, ok
}

// Inbound reads an inbound message. The sender's address is the phone number
// where Twilio shows one, else the BSUID.
func (r Reader) Inbound(p map[string]string) conversation.InboundMessage {
	in := conversation.InboundMessage{
		To: strings.TrimPrefix(p["To"], channelPrefix), Body: p["Body"], ProfileName: p["ProfileName"],
		QuotedSID: p["OriginalRepliedMessageSid"], ButtonText: p["ButtonText"], ButtonPayload: cmp.Or(p["ButtonPayload"], p["ListId"]),
		OptOut: consent.Keyword(strings.ToLower(p["OptOutType"])),
	}
	in.From, in.UserIDs = r.From(p)
	if in.Body == "" && p["ButtonText"] != "" {
		in.Body = p["ButtonText"]
	}
	media, types := mediaOf(p)
	in.Media = media
	if in.Body == "" && p["ListTitle"] != "" {
		in.Body = p["ListTitle"]
	}
	in.Content = contentOf(p, types)
	if l := in.Content; l != nil && l.Location != nil && in.Body == "" {
		in.Body = "📍 " + cmp.Or(l.Location.Label, l.Location.Address, p["Latitude"]+", "+p["Longitude"])
	}
	return in
}

// From reads who wrote.
func (Reader) From(p map[string]string) (from string, ids []string) { return p["From"], userIDs(p) }

// mediaOf reads the addresses of the media, and of which type each is.
func mediaOf(p map[string]string) (urls, types []string) {
	n, _ := strconv.Atoi(p["NumMedia"])
	for i := range min(n, mostMedia) {
		if u, err := url.Parse(p["MediaUrl"+strconv.Itoa(i)]); err == nil && u.Scheme == "https" {
			urls, types = append(urls, u.String()), append(types, p["MediaContentType"+strconv.Itoa(i)])
		}
	}
	return urls, types
}

// contentOf reads what a message holds beside text and media of these types; nil: nothing.
func contentOf(p map[string]string, media []string) *message.Content {
	plain := func(text string) string { return clipped(contact.CleanText(text)) }
	clean := func(key string) string { return plain(p[key]) }
	c := &message.Content{
		Kind: kindOf(p), Forwarded: p["Forwarded"] == "true" || p["FrequentlyForwarded"] == "true", Often: p["FrequentlyForwarded"] == "true",
	}
	if lat, lon, ok := place(p["Latitude"], p["Longitude"]); ok {
		c.Location = &message.Location{Latitude: lat, Longitude: lon, Label: clean("Label"), Address: clean("Address")}
	}
	for _, kind := range media {
		f := message.File{Type: plain(kind)}
		if c.Kind == message.ContentDocument && p["NumMedia"] == "1" { // Twilio tells the name in place of a text
			f.Name = clean("Body")
		}
		c.Files = append(c.Files, f)
	}
	if choice := (message.Choice{
		Text: cmp.Or(clean("ButtonText"), clean("ListTitle")), ID: cmp.Or(clean("ButtonPayload"), clean("ListId")),
	}); choice != (message.Choice{}) {
		c.Choice = &choice
	}
	if c.Kind == message.ContentForm {
		c.Form = cmp.Or(contact.CleanText(p["InteractiveData"]), contact.CleanText(p["FlowData"]))
	}
	if sid := p["OriginalRepliedMessageSid"]; sid != "" {
		sender := strings.TrimPrefix(clean("OriginalRepliedMessageSender"), channelPrefix)
		c.Quoted = &message.Quoted{SID: clean("OriginalRepliedMessageSid"), Sender: sender}
	}
	if c.Kind == message.ContentText && !c.Forwarded && c.Quoted == nil {
		return nil
	}
	return c
}

const (
	mostMedia   = 10
	longestPart = 1000 // of a label, an address or a choice, in bytes
)

func clipped(s string) string {
	if len(s) > longestPart {
		return strings.ToValidUTF8(s[:longestPart], "")
	}
	return s
}

func place(latitude, longitude string) (lat, lon float64, ok bool) {
	lat, err1 := strconv.ParseFloat(latitude, 64)
	lon, err2 := strconv.ParseFloat(longitude, 64)
	return lat, lon, err1 == nil && err2 == nil && math.Abs(lat) <= 90 && math.Abs(lon) <= 180
}

// kindOf tells what a message is by what it carries, and by its MessageType where that
// says more.
func kindOf(p map[string]string) message.ContentKind {
	kind := strings.ToLower(p["MessageType"])
	switch {
	case p["ListId"] != "" || p["ListTitle"] != "":
		return message.ContentList
	case p["ButtonText"] != "" || p["ButtonPayload"] != "" || kind == "button":
		return message.ContentButton
	case p["FlowData"] != "" || p["InteractiveData"] != "":
		return message.ContentForm
	case p["Latitude"] != "":
		return message.ContentLocation
	}
	if known, ok := kinds[kind]; ok {
		return known
	}
	media, _, _ := strings.Cut(p["MediaContentType0"], ";")
	switch family, _, _ := strings.Cut(media, "/"); {
	case media == "text/vcard", media == "text/x-vcard":
		return message.ContentContacts
	case family == "image":
		return message.ContentImage
	case family == "video":
		return message.ContentVideo
	case family == "audio":
		return message.ContentAudio
	case media != "", p["MediaUrl0"] != "":
		return message.ContentDocument
	case kind == "", kind == "text", kind == "interactive":
		return message.ContentText
	}
	return message.ContentOther
}

var kinds = map[string]message.ContentKind{
	"image": message.ContentImage, "video": message.ContentVideo, "audio": message.ContentAudio, "voice": message.ContentAudio,
	"document": message.ContentDocument, "sticker": message.ContentSticker, "contacts": message.ContentContacts,
	"location": message.ContentLocation, "reaction": message.ContentReaction, "edit": message.ContentEdited,
	"edited": message.ContentEdited, "revoke": message.ContentDeleted, "revoked": message.ContentDeleted, "deleted": message.ContentDeleted,
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
