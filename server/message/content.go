package message

// ContentKind is what a message is.
type ContentKind string

// Kinds of content.
const (
	ContentText     ContentKind = "text"
	ContentImage    ContentKind = "image"
	ContentVideo    ContentKind = "video"
	ContentAudio    ContentKind = "audio"
	ContentDocument ContentKind = "document"
	ContentSticker  ContentKind = "sticker"
	ContentContacts ContentKind = "contacts" // cards of other people
	ContentLocation ContentKind = "location"
	ContentButton   ContentKind = "button" // of a template or a quick reply
	ContentList     ContentKind = "list"   // picked out of a list
	ContentForm     ContentKind = "form"   // the answers of a flow
	ContentReaction ContentKind = "reaction"
	ContentEdited   ContentKind = "edited"  // the new text of an earlier message
	ContentDeleted  ContentKind = "deleted" // an earlier message was taken back
	ContentOther    ContentKind = "other"   // a kind that is not known
)

// Content is what a message holds beside its text and the addresses of its media: of
// an inbound one as the provider told it, of ours the file of a reply. What is unknown
// is left out.
type Content struct {
	Kind      ContentKind `json:"kind"`
	Location  *Location   `json:"location,omitempty"`
	Files     []File      `json:"files,omitempty"`  // by the places of Message.Media
	Choice    *Choice     `json:"choice,omitempty"` // of a button or list
	Form      string      `json:"form,omitempty"`   // JSON
	Quoted    *Quoted     `json:"quoted,omitempty"`
	Forwarded bool        `json:"forwarded,omitempty"`
	Often     bool        `json:"often,omitempty"` // forwarded many times
}

// Tapped reports whether somebody tapped a button of a message, or chose an entry of its list.
func (c *Content) Tapped() bool {
	return c != nil && (c.Kind == ContentButton || c.Kind == ContentList) && c.Quoted != nil
}

// Location is a place on the earth.
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Label     string  `json:"label,omitempty"`
	Address   string  `json:"address,omitempty"`
}

// File is what is known of a medium beside its address.
type File struct {
	Type string `json:"type,omitempty"` // of its content, such as image/jpeg
	Name string `json:"name,omitempty"`
}

// Choice is a button or an entry of a list.
type Choice struct {
	Text string `json:"text,omitempty"`
	ID   string `json:"id,omitempty"`
}

// Quoted is the message that this one is about: answers, edits, or reacts to.
type Quoted struct {
	SID       string `json:"sid"`
	Sender    string `json:"sender,omitempty"`
	MessageID int64  `json:"messageId,omitempty"` // where it is one of ours with this contact
	Body      string `json:"body,omitempty"`      // its beginning
}
