package template

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
)

// extensions are the files that WhatsApp takes in templates, by the ending that their address must show (Twilio:
// content/send-templates-created-with-the-content-template-builder, whatsapp/guidance-whatsapp-media-messages).
var extensions = map[MediaKind][]string{
	MediaImage:    {".jpg", ".jpeg", ".png"},
	MediaVideo:    {".mp4", ".3gp"},
	MediaDocument: {".pdf", ".doc", ".docx", ".pptx", ".xlsx"},
}

// mediaWords are the kinds in words.
var mediaWords = map[MediaKind]say.Text{
	MediaImage: say.Of("medium", "image"), MediaVideo: say.Of("medium", "video"), MediaDocument: say.Of("medium", "document"),
}

// Said is the kind in words.
func (k MediaKind) Said() say.Text { return mediaWords[k] }

// LibraryPath begins the address of a file of the library here.
const LibraryPath = "/media/"

// complain notes what is wrong with a field.
type complain func(field string, format say.Format, args ...any)

// check finds what WhatsApp or Twilio would refuse about the form of a template: too much, too little, or what does
// not go together. A template with one of these cannot be saved.
func (c *Compiled) check(category Category) apperr.List {
	var errs apperr.List
	bad := func(field string, format say.Format, args ...any) {
		if field != "body" && field != "category" {
			field = strings.TrimSuffix("content."+field, ".")
		}
		_ = errs.Add(apperr.Invalid(field, format, args...))
	}
	p := &c.Parts
	if len(c.Body.Parts) == 0 {
		bad("body", "write something first")
	}
	if n := utf8.RuneCountInString(c.wire(c.Body)); n > MaxBody {
		bad("body", "the text has %d characters, WhatsApp takes at most %d: shorten it by %d", n, MaxBody, n-MaxBody)
	}
	for i, s := range c.slots {
		text := *s.text
		if b := c.bodies[i]; b != nil {
			text = c.wire(b)
		}
		n := utf8.RuneCountInString(text)
		switch {
		case s.required && n == 0:
			bad(s.field, "%s is missing", s.label)
		case s.max > 0 && n > s.max:
			bad(s.field, "%s has %d characters, WhatsApp takes at most %d: shorten it by %d", s.label, n, s.max, n-s.max)
		case !s.lined && strings.Contains(text, "\n"):
			bad(s.field, "%s takes no line breaks", s.label)
		}
	}
	if wholes := p.wholes(); len(wholes) > 1 {
		bad("", "a template is one of a list, cards, a catalog, an authentication code or a flow: this one has %s",
			say.And(wholes...))
	} else if len(wholes) == 1 && (p.Header != nil || p.Footer != "" || len(p.Buttons) > 0) {
		bad("", "header, footer and buttons do not go together with %s: take one of them out", wholes[0])
	}
	if h := p.Header; h != nil {
		c.checkHeader(bad, h)
	}
	checkButtons(bad, "buttons", p.Buttons)
	if p.List != nil {
		checkList(bad, p.List)
	}
	if p.Cards != nil {
		c.checkCards(bad, p.Cards)
		if category != CategoryMarketing {
			bad("category", "cards side by side are marketing: WhatsApp approves them in no other category")
		}
	}
	if k := p.Catalog; k != nil && len(k.Items) > maxProducts {
		bad("catalog.items", "a catalog message shows at most %d products, this one has %d", maxProducts, len(k.Items))
	}
	switch a := p.Authentication; {
	case a == nil && category == CategoryAuthentication && (c.Kind != KindText):
		bad("category", "an authentication template has no media and no buttons of its own: WhatsApp writes it")
	case a == nil:
	case category != CategoryAuthentication:
		bad("category", "a one-time code goes in the category authentication alone")
	case len(c.Exprs) == 0:
		bad("authentication.code", "the code is a placeholder, such as {{attributes.code}}: everybody gets their own")
	case a.ExpiresInMinutes < 0 || a.ExpiresInMinutes > maxExpiry:
		bad("authentication.expiresInMinutes", "%d is out of range: 1 to %d minutes, or 0 to say nothing", a.ExpiresInMinutes, maxExpiry)
	}
	return errs
}

// wholes names what a template can be instead of header, footer and buttons.
func (p *Parts) wholes() (all []say.Text) {
	for _, w := range []struct {
		is   bool
		name say.Format
	}{
		{p.List != nil, "a list"},
		{p.Cards != nil, "cards"},
		{p.Catalog != nil, "a catalog"},
		{p.Authentication != nil, "an authentication code"},
		{p.Flow != nil, "a flow"},
	} {
		if w.is {
			all = append(all, say.New(w.name))
		}
	}
	return all
}

func (c *Compiled) checkHeader(bad complain, h *Header) {
	switch {
	case h.Media != nil && h.Text != "":
		bad("header", "a header is a text or a medium, not both")
	case h.Media != nil:
		c.checkMedia(bad, "header.media", say.New("the header"), *h.Media)
	default:
		written := c.written("header.text", h.Text)
		if Emojis(written) > 0 {
			bad("header.text", "WhatsApp takes no emojis in a header")
		}
		if strings.ContainsAny(written, "*_~`") {
			bad("header.text", "WhatsApp formats no header: take the signs * _ ~ ` out")
		}
		for i, s := range c.slots {
			if b := c.bodies[i]; s.field == "header.text" && b != nil && len(b.Exprs) > 1 {
				bad("header.text", "a header takes one placeholder, this one has %d", len(b.Exprs))
			}
		}
	}
}

func (c *Compiled) checkMedia(bad complain, field string, label say.Text, m Media) {
	known := extensions[m.Kind]
	if known == nil {
		bad(field+".kind", "%q is no kind of medium: image, video or document", m.Kind)
		return
	}
	if m.URL == "" {
		return // it is missing, and that was said
	}
	plain, _, _ := strings.Cut(m.URL, "?")
	if !strings.HasPrefix(m.URL, LibraryPath) && !webAddress(strings.NewReplacer("{{", "", "}}", "").Replace(c.written(field+".url", m.URL))) {
		bad(field+".url", "%q is no address: begin it with https://", clip(m.URL))
		return
	}
	if !slices.Contains(known, strings.ToLower(path.Ext(plain))) {
		bad(field+".url", "the address of %s must end with one of %s: by it WhatsApp knows what it is", label, strings.Join(known, ", "))
	}
}

// written is a text of the parts with numbers in place of its placeholders: these count for little, and are not the reader's.
func (c *Compiled) written(field, text string) string {
	for i, s := range c.slots {
		if s.field == field && c.bodies[i] != nil {
			return c.wire(c.bodies[i])
		}
	}
	return text
}

// webAddress reports whether people outside can open it.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		!strings.ContainsAny(s, " \n\t")
}

func checkButtons(bad complain, field string, buttons []Button) {
	count, titles, changes := map[ButtonType]int{}, map[string]bool{}, 0
	for i, b := range buttons {
		at := fmt.Sprintf("%s.%d", field, i)
		switch b.Type {
		case ButtonQuickReply, ButtonURL, ButtonPhone, ButtonCopyCode:
		default:
			bad(at+".type", "%q is no type of a button: quick_reply, url, phone or copy_code", b.Type)
		}
		count[b.Type]++
		if i > 0 && (b.Type == ButtonQuickReply) != (buttons[i-1].Type == ButtonQuickReply) {
			changes++
		}
		if b.Type != ButtonCopyCode && b.Title != "" {
			if titles[strings.ToLower(b.Title)] {
				bad(at+".title", "two buttons are named %q: WhatsApp wants different names", b.Title)
			}
			titles[strings.ToLower(b.Title)] = true
			if Emojis(b.Title) > 0 {
				bad(at+".title", "WhatsApp takes no emojis on a button")
			}
		}
		switch b.Type {
		case ButtonURL:
			checkButtonURL(bad, at+".url", b.URL)
		case ButtonPhone:
			if b.Phone == "" {
				break
			}
			if a, err := contact.ParseAddress(b.Phone, ""); err != nil || a.Kind != contact.KindPhone || !strings.HasPrefix(b.Phone, "+") {
				bad(at+".phone", "%q is no number: write it with its country, such as +4930123456", clip(b.Phone))
			}
		case ButtonQuickReply, ButtonCopyCode:
		}
	}
	if len(buttons) > maxButtons {
		bad(field, "WhatsApp takes at most %d buttons, there are %d", maxButtons, len(buttons))
	}
	for _, limit := range []struct {
		of   ButtonType
		most int
		said say.Format
	}{
		{ButtonURL, maxURLButtons, "WhatsApp takes at most %d buttons with an address, there are %d"},
		{ButtonPhone, 1, "WhatsApp takes at most %d button with a number, there are %d"},
		{ButtonCopyCode, 1, "WhatsApp takes at most %d button that copies a code, there are %d"},
	} {
		if count[limit.of] > limit.most {
			bad(field, limit.said, limit.most, count[limit.of])
		}
	}
	if changes > 1 {
		bad(field, "buttons that answer stand together: put them all before or all behind the others")
	}
}

func checkButtonURL(bad complain, field, address string) {
	if address == "" {
		return
	}
	plain, _, _ := strings.Cut(address, "{{")
	u, err := url.Parse(plain)
	switch {
	case err != nil || !webAddress(plain):
		bad(field, "%q is no address: begin it with https://", clip(address))
	case strings.EqualFold(u.Hostname(), "wa.me") || strings.EqualFold(u.Hostname(), "api.whatsapp.com"):
		bad(field, "WhatsApp takes no links to itself (wa.me) on a button")
	}
}

func checkList(bad complain, l *List) {
	if n := len(l.Items); n < 1 || n > maxListItems {
		bad("list.items", "a list has 1 to %d entries, this one has %d", maxListItems, n)
	}
	seen := map[string]bool{}
	for i, item := range l.Items {
		if id := item.id(i); seen[id] {
			bad(fmt.Sprintf("list.items.%d.id", i), "two entries have the id %q", id)
		} else {
			seen[id] = true
		}
	}
}

// id of an entry comes back with the answer; one without has its place.
func (item *ListItem) id(place int) string {
	if item.ID != "" {
		return item.ID
	}
	return fmt.Sprintf("%d", place+1)
}

func (c *Compiled) checkCards(bad complain, cards []Card) {
	if n := len(cards); n < minCards || n > maxCards {
		bad("cards", "there are %d to %d cards side by side, here %d", minCards, maxCards, n)
	}
	for i, card := range cards {
		at, label := fmt.Sprintf("cards.%d", i), say.New("card %d", i+1)
		if card.Media.Kind == MediaDocument {
			bad(at+".media.kind", "a card shows an image or a video")
		} else {
			c.checkMedia(bad, at+".media", label, card.Media)
		}
		if card.Media.Kind != cards[0].Media.Kind {
			bad(at+".media.kind", "all cards show the same kind of medium, as the first one: %s", mediaWords[cards[0].Media.Kind])
		}
		if n := utf8.RuneCountInString(c.written(at+".title", card.Title)) + utf8.RuneCountInString(c.written(at+".body", card.Body)); n > maxCardText {
			bad(at+".body", "title and text of %s have %d characters together, WhatsApp takes at most %d", label, n, maxCardText)
		}
		if n := len(card.Buttons); n < 1 || n > maxCardButtons {
			bad(at+".buttons", "%s needs 1 or %d buttons, it has %d", label, maxCardButtons, n)
		}
		checkButtons(bad, at+".buttons", card.Buttons)
		for j, b := range card.Buttons {
			if b.Type == ButtonCopyCode {
				bad(fmt.Sprintf("%s.buttons.%d.type", at, j), "a card takes no button that copies a code")
			}
			if j < len(cards[0].Buttons) && b.Type != cards[0].Buttons[j].Type || len(card.Buttons) != len(cards[0].Buttons) {
				bad(at+".buttons", "all cards have the same buttons in the same order: change %s or card 1", label)
				break
			}
		}
	}
}

// rules are WhatsApp's rules for the texts that its reviewers read.
func (c *Compiled) rules() (broken []say.Text) {
	if !c.Kind.NeedsApproval() || c.Kind == KindAuthentication {
		return nil
	}
	broken = c.Body.Rules()
	for i, s := range c.slots {
		if b := c.bodies[i]; b != nil && s.fill == fillAnywhere && strings.HasPrefix(s.field, "cards.") {
			for _, rule := range b.Rules() {
				broken = append(broken, say.New("%s: %s", s.label, rule))
			}
		}
	}
	return broken
}
