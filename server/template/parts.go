package template

import (
	"fmt"
	"slices"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
)

// Kind is the form in which a version goes to WhatsApp. Nobody chooses it: it follows from the parts.
type Kind string

// Kinds.
const (
	KindText           Kind = "text"
	KindMedia          Kind = "media"          // a picture, video or document above the text
	KindQuickReply     Kind = "quick_reply"    // buttons that answer
	KindCallToAction   Kind = "call_to_action" // buttons that open a page, call, or copy a code
	KindCard           Kind = "card"           // any mix of header, text, footer and buttons
	KindListPicker     Kind = "list_picker"    // one choice out of a list
	KindCarousel       Kind = "carousel"       // cards side by side
	KindCatalog        Kind = "catalog"        // products of the account's catalog
	KindAuthentication Kind = "authentication" // a one-time code in WhatsApp's own words
	KindFlow           Kind = "flow"           // opens a form made at Meta
)

// NeedsApproval reports whether WhatsApp approves this kind. It takes lists only within 24 hours after a contact's
// last message, and approves none (Twilio: content/twiliolist-picker).
func (k Kind) NeedsApproval() bool { return k != KindListPicker }

// Parts are what a version holds beside its text. Every text in them may hold placeholders where slots says so.
type Parts struct {
	Header         *Header         `json:"header,omitempty"`
	Footer         string          `json:"footer,omitempty"`
	Buttons        []Button        `json:"buttons,omitempty"`
	List           *List           `json:"list,omitempty"`
	Cards          []Card          `json:"cards,omitempty"`
	Catalog        *Catalog        `json:"catalog,omitempty"`
	Authentication *Authentication `json:"authentication,omitempty"`
	Flow           *Flow           `json:"flow,omitempty"`
	// LinkURL is where the short links of buttons that track clicks begin, such as https://go.example.com/l/. It is part
	// of what WhatsApp approves, so that it stays with a version when the product moves to another address.
	LinkURL string `json:"linkUrl,omitempty"`
}

// Header stands above the text: a line of text or a medium.
type Header struct {
	Text  string `json:"text,omitempty"`
	Media *Media `json:"media,omitempty"`
}

// MediaKind is what a medium is; WhatsApp locks an approved template to the kind of its sample.
type MediaKind string

// Kinds of media.
const (
	MediaImage    MediaKind = "image"
	MediaVideo    MediaKind = "video"
	MediaDocument MediaKind = "document"
)

// Media is a file that WhatsApp fetches: at its URL, or, where that begins with /media/, from the library here.
type Media struct {
	Kind MediaKind `json:"kind"`
	URL  string    `json:"url"`
}

// ButtonType is what a button does.
type ButtonType string

// Types of buttons.
const (
	ButtonQuickReply ButtonType = "quick_reply"
	ButtonURL        ButtonType = "url"
	ButtonPhone      ButtonType = "phone"
	ButtonCopyCode   ButtonType = "copy_code"
)

// Button stands below the text.
type Button struct {
	Type  ButtonType `json:"type"`
	Title string     `json:"title,omitempty"` // none of copy_code: WhatsApp writes it
	URL   string     `json:"url,omitempty"`
	Phone string     `json:"phone,omitempty"`
	Code  string     `json:"code,omitempty"`
	ID    string     `json:"id,omitempty"` // of a quick reply: comes back with the answer
	// Track: WhatsApp gets a short link, which leads to URL and tells who tapped it.
	Track bool `json:"track,omitempty"`
}

// List is one choice out of up to ten.
type List struct {
	Button string     `json:"button"`
	Items  []ListItem `json:"items"`
}

// ListItem is one entry of a list.
type ListItem struct {
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	ID          string `json:"id,omitempty"` // comes back with the answer
}

// Card is one of those that stand side by side.
type Card struct {
	Title   string   `json:"title,omitempty"`
	Body    string   `json:"body"`
	Media   Media    `json:"media"`
	Buttons []Button `json:"buttons"`
}

// Catalog shows products of the catalog that the WhatsApp account has at Meta.
type Catalog struct {
	ID       string    `json:"id,omitempty"` // of the catalog
	Title    string    `json:"title,omitempty"`
	Subtitle string    `json:"subtitle,omitempty"`
	Items    []Product `json:"items,omitempty"`
}

// Product is one of a catalog.
type Product struct {
	ID      string `json:"id"`
	Section string `json:"section,omitempty"`
}

// Authentication is a one-time code. WhatsApp writes the text, with its advice to share the code with nobody; only the
// code and the button are ours.
type Authentication struct {
	Code             string `json:"code"` // a placeholder
	Button           string `json:"button"`
	ExpiresInMinutes int    `json:"expiresInMinutes,omitempty"` // 0: not said
}

// Flow opens a form that was made and published at Meta.
type Flow struct {
	ID          string `json:"id"`
	Button      string `json:"button"`
	FirstScreen string `json:"firstScreen,omitempty"`
}

// fill says where a text may hold placeholders.
type fill int

const (
	fillNowhere  fill = iota
	fillAnywhere      // as in the body
	fillEnd           // one at the end of an address, its value escaped
	fillPath          // behind the host of an address, its values escaped
	fillWhole         // the text is one placeholder or none
	fillLink          // as fillPath, and WhatsApp gets a short link in its place
)

// slot is one text of the parts.
type slot struct {
	field    string   // as the API names it: buttons.0.title
	label    say.Text // in words: the title of button 1
	text     *string
	max      int // characters, 0: other rules bound it
	fill     fill
	required bool
	lined    bool // may have several lines
	card     int  // its length counts with that of the card's other text; 0: it counts alone
}

// Limits of Twilio's Content API and of Meta: see docs/templates.md.
const (
	maxHeader       = 60
	maxFooter       = 60
	maxTitle        = 25 // of a button
	maxURL          = 2000
	maxPhone        = 20
	maxCode         = 20
	maxButtonID     = 128
	maxListButton   = 20
	maxListTitle    = 24
	maxListText     = 72
	maxListID       = 200
	maxCardText     = 160 // title and body together
	maxCatalogTitle = 60
	maxProductID    = 100
	maxSection      = 24
	maxButtons      = 10
	maxURLButtons   = 2
	maxListItems    = 10
	minCards        = 2
	maxCards        = 10
	maxCardButtons  = 2
	maxProducts     = 30
	maxExpiry       = 90 // minutes
	maxOneTimeCode  = 14 // characters, once filled in
	maxActionBody   = 640
)

// slots are all texts of the parts, in the order in which their placeholders are numbered behind those of the body.
func (p *Parts) slots() []slot {
	var all []slot
	if h := p.Header; h != nil {
		if h.Media != nil {
			all = append(all, slot{"header.media.url", say.New("the address of the medium"), &h.Media.URL, maxURL, fillPath, true, false, 0})
		} else {
			all = append(all, slot{"header.text", say.New("the header"), &h.Text, maxHeader, fillAnywhere, true, false, 0})
		}
	}
	if p.Footer != "" {
		all = append(all, slot{"footer", say.New("the footer"), &p.Footer, maxFooter, fillNowhere, false, false, 0})
	}
	all = append(all, buttonSlots("buttons", nil, p.Buttons)...)
	if l := p.List; l != nil {
		all = append(all, slot{"list.button", say.New("the button of the list"), &l.Button, maxListButton, fillAnywhere, true, false, 0})
		for i := range l.Items {
			item, at, what := &l.Items[i], fmt.Sprintf("list.items.%d.", i), say.New("entry %d", i+1)
			all = append(all,
				slot{at + "title", say.New("the title of %s", what), &item.Title, maxListTitle, fillAnywhere, true, false, 0},
				slot{at + "description", say.New("the description of %s", what), &item.Description, maxListText, fillAnywhere, false, false, 0},
				slot{at + "id", say.New("the id of %s", what), &item.ID, maxListID, fillNowhere, false, false, 0})
		}
	}
	for i := range p.Cards {
		card, at, what := &p.Cards[i], fmt.Sprintf("cards.%d.", i), say.New("card %d", i+1)
		all = append(all,
			slot{at + "media.url", say.New("the address of the medium of %s", what), &card.Media.URL, maxURL, fillPath, true, false, 0},
			slot{at + "title", say.New("the title of %s", what), &card.Title, maxCardText, fillAnywhere, false, false, i + 1},
			slot{at + "body", say.New("the text of %s", what), &card.Body, maxCardText, fillAnywhere, true, true, i + 1})
		all = append(all, buttonSlots(at+"buttons", &what, card.Buttons)...)
	}
	if c := p.Catalog; c != nil {
		all = append(all,
			slot{"catalog.id", say.New("the id of the catalog"), &c.ID, maxProductID, fillNowhere, false, false, 0},
			slot{"catalog.title", say.New("the title of the catalog"), &c.Title, maxCatalogTitle, fillAnywhere, false, false, 0},
			slot{"catalog.subtitle", say.New("the subtitle of the catalog"), &c.Subtitle, maxCatalogTitle, fillAnywhere, false, false, 0})
		for i := range c.Items {
			item, at, what := &c.Items[i], fmt.Sprintf("catalog.items.%d.", i), say.New("product %d", i+1)
			all = append(all,
				slot{at + "id", say.New("the id of %s", what), &item.ID, maxProductID, fillWhole, true, false, 0},
				slot{at + "section", say.New("the section of %s", what), &item.Section, maxSection, fillAnywhere, false, false, 0})
		}
	}
	if a := p.Authentication; a != nil {
		all = append(all,
			slot{"authentication.code", say.New("the code"), &a.Code, maxOneTimeCode, fillWhole, true, false, 0},
			slot{"authentication.button", say.New("the text of the button"), &a.Button, maxTitle, fillNowhere, true, false, 0})
	}
	if f := p.Flow; f != nil {
		all = append(all,
			slot{"flow.id", say.New("the id of the flow"), &f.ID, maxProductID, fillNowhere, true, false, 0},
			slot{"flow.button", say.New("the text of the button"), &f.Button, maxTitle, fillNowhere, true, false, 0},
			slot{"flow.firstScreen", say.New("the first screen of the flow"), &f.FirstScreen, maxProductID, fillNowhere, false, false, 0})
	}
	return all
}

func buttonSlots(field string, card *say.Text, buttons []Button) (all []slot) {
	for i := range buttons {
		b, at, what := &buttons[i], fmt.Sprintf("%s.%d.", field, i), say.New("button %d", i+1)
		if card != nil {
			what = say.New("button %d of %s", i+1, *card)
		}
		if b.Type != ButtonCopyCode {
			all = append(all, slot{at + "title", say.New("the title of %s", what), &b.Title, maxTitle, fillNowhere, true, false, 0})
		}
		switch b.Type {
		case ButtonURL:
			address := slot{at + "url", say.New("the address of %s", what), &b.URL, maxURL, fillEnd, true, false, 0}
			if b.Track {
				address.fill = fillLink
			}
			all = append(all, address)
		case ButtonPhone:
			all = append(all, slot{at + "phone", say.New("the number of %s", what), &b.Phone, maxPhone, fillNowhere, true, false, 0})
		case ButtonCopyCode:
			all = append(all, slot{at + "code", say.New("the code of %s", what), &b.Code, maxCode, fillWhole, true, false, 0})
		case ButtonQuickReply:
			all = append(all, slot{at + "id", say.New("the id of %s", what), &b.ID, maxButtonID, fillNowhere, false, false, 0})
		}
	}
	return all
}

// bounded refuses more parts than anything takes, before anything is done with them.
func (p *Parts) bounded() error {
	var errs apperr.List
	most := func(field string, n, limit int) {
		if n > 2*limit { // check says the rest, beside what else is wrong
			_ = errs.Add(apperr.Invalid("content."+field, "%d are too many: at most %d", n, limit))
		}
	}
	most("buttons", len(p.Buttons), maxButtons)
	most("cards", len(p.Cards), maxCards)
	for i, c := range p.Cards {
		most(fmt.Sprintf("cards.%d.buttons", i), len(c.Buttons), maxCardButtons)
	}
	if p.List != nil {
		most("list.items", len(p.List.Items), maxListItems)
	}
	if p.Catalog != nil {
		most("catalog.items", len(p.Catalog.Items), maxProducts)
	}
	return errs.Err()
}

// clean takes control characters out of every text, and what belongs to another type out of buttons. An empty list is none.
func (p *Parts) clean() {
	if len(p.Buttons) == 0 {
		p.Buttons = nil
	}
	if len(p.Cards) == 0 {
		p.Cards = nil
	}
	for i := range p.Buttons {
		p.Buttons[i].clean()
	}
	for i := range p.Cards {
		for j := range p.Cards[i].Buttons {
			p.Cards[i].Buttons[j].clean()
		}
	}
	for _, s := range p.slots() {
		*s.text = cleanText(*s.text)
	}
}

func (b *Button) clean() {
	kept := Button{Type: b.Type}
	if b.Type != ButtonCopyCode {
		kept.Title = b.Title
	}
	switch b.Type {
	case ButtonURL:
		kept.URL, kept.Track = b.URL, b.Track
	case ButtonPhone:
		kept.Phone = b.Phone
	case ButtonCopyCode:
		kept.Code = b.Code
	case ButtonQuickReply:
		kept.ID = b.ID
	}
	*b = kept
}

func cleanText(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(contact.CleanText(s), "\r\n", "\n"))
}

// track marks the parts as tracking clicks by links that begin with url, if they do.
func (p *Parts) track(url string) {
	p.LinkURL = ""
	if slices.ContainsFunc(p.slots(), func(s slot) bool { return s.fill == fillLink }) {
		p.LinkURL = url
	}
}

// clone copies the parts, so that their texts can be replaced.
func (p *Parts) clone() Parts {
	c := *p
	if p.Header != nil {
		h := *p.Header
		if h.Media != nil {
			m := *h.Media
			h.Media = &m
		}
		c.Header = &h
	}
	c.Buttons = slices.Clone(p.Buttons)
	if p.List != nil {
		c.List = &List{p.List.Button, slices.Clone(p.List.Items)}
	}
	c.Cards = slices.Clone(p.Cards)
	for i := range c.Cards {
		c.Cards[i].Buttons = slices.Clone(c.Cards[i].Buttons)
	}
	if p.Catalog != nil {
		k := *p.Catalog
		k.Items = slices.Clone(k.Items)
		c.Catalog = &k
	}
	if p.Authentication != nil {
		a := *p.Authentication
		c.Authentication = &a
	}
	if p.Flow != nil {
		f := *p.Flow
		c.Flow = &f
	}
	return c
}

// kind is the form that these parts take with a text of that many characters.
func (p *Parts) kind(bodyLength int) Kind {
	switch {
	case p.Authentication != nil:
		return KindAuthentication
	case p.List != nil:
		return KindListPicker
	case len(p.Cards) > 0:
		return KindCarousel
	case p.Catalog != nil:
		return KindCatalog
	case p.Flow != nil:
		return KindFlow
	}
	plain := p.Header == nil && p.Footer == ""
	quick := 0
	for _, b := range p.Buttons {
		if b.Type == ButtonQuickReply {
			quick++
		}
	}
	switch {
	case plain && len(p.Buttons) == 0:
		return KindText
	case plain && quick == len(p.Buttons):
		return KindQuickReply
	case plain && quick == 0 && bodyLength <= maxActionBody:
		return KindCallToAction
	case p.Header != nil && p.Header.Media != nil && p.Footer == "" && len(p.Buttons) == 0:
		return KindMedia
	}
	return KindCard
}

// shown is a medium at its place.
type shown struct {
	Media
	field string
}

func (p *Parts) media() (all []shown) {
	if p.Header != nil && p.Header.Media != nil {
		all = append(all, shown{*p.Header.Media, "header.media.url"})
	}
	for i, c := range p.Cards {
		all = append(all, shown{c.Media, fmt.Sprintf("cards.%d.media.url", i)})
	}
	return all
}
