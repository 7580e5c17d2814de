package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/say"
	"eventstream/server/template"

	"github.com/twilio/twilio-go/client"
	contentapi "github.com/twilio/twilio-go/rest/content/v1"
)

// Content templates of one page, and pages that are read at most: pages have about a
// megabyte (content/overview).
const (
	contentPage  = 500
	contentPages = 4
)

// Contents implements template.Library.
func (c *Client) Contents(ctx context.Context) (all []template.Found, more bool, err error) {
	token := ""
	for range contentPages {
		params := &contentapi.ListContentAndApprovalsParams{}
		params.SetPageSize(contentPage)
		page, err := c.contents(ctx).PageContentAndApprovals(params, token, "")
		if err != nil {
			return nil, false, contentError("list the content templates", err)
		}
		for _, x := range page.Contents {
			f := found(told(x.Sid), told(x.FriendlyName), told(x.Language), x.Types, x.Variables)
			f.CreatedAt = x.DateCreated
			decide(&f, x.ApprovalRequests)
			all = append(all, f)
		}
		if token = nextToken(page.Meta.NextPageUrl); token == "" {
			return all, false, nil
		}
	}
	return all, true, nil
}

// Found implements template.Library.
func (c *Client) Found(ctx context.Context, sid string) (*template.Found, error) {
	got, err := c.contents(ctx).FetchContent(sid)
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok && rest.Status == http.StatusNotFound {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, contentError("read the content template", err)
	}
	f := found(told(got.Sid), told(got.FriendlyName), told(got.Language), got.Types, got.Variables)
	f.CreatedAt = got.DateCreated
	approval, err := c.contents(ctx).FetchApprovalFetch(sid)
	switch rest, ok := errors.AsType[*client.TwilioRestError](err); {
	case ok && rest.Status == http.StatusNotFound: // it was never submitted
	case err != nil:
		return nil, contentError("read the approval", err)
	default:
		decide(&f, approval.Whatsapp)
		return &f, nil
	}
	f.Approval = template.ApprovalDraft
	return &f, nil
}

// decide reads where the approval stands: flat as in the specification, or under whatsapp as
// some accounts have it.
func decide(f *template.Found, raw *map[string]any) {
	f.Approval = template.ApprovalDraft
	if raw == nil {
		return
	}
	m := *raw
	if inner, ok := m["whatsapp"].(map[string]any); ok {
		m = inner
	}
	word, _ := m["status"].(string)
	if word == "" || word == "unsubmitted" {
		return
	}
	d, err := decisionOf(&m)
	if err != nil {
		f.Problem = problem(err)
		return
	}
	f.Approval, f.Reason, f.Category = d.Approval, d.Reason, d.Category
}

// richness orders content types: of several in one template Twilio sends the last of these
// that WhatsApp takes (content/overview).
var richness = []string{
	"twilio/text", "twilio/media", "twilio/location", "twilio/quick-reply", "twilio/call-to-action", "twilio/list-picker",
	"twilio/card", "twilio/carousel", "twilio/catalog", "twilio/pay", "twilio/schedule", "twilio/flows", "whatsapp/flows",
	"whatsapp/card", "whatsapp/authentication",
}

// found reads a content template. One that cannot be sent from here says why.
func found(sid, name, language string, types, variables *map[string]any) template.Found {
	f := template.Found{SID: sid, Name: name, Language: language}
	if types == nil || len(*types) == 0 {
		f.Problem = say.New("it has no content")
		return f
	}
	names := slices.SortedFunc(maps.Keys(*types), func(a, b string) int {
		return slices.Index(richness, a) - slices.Index(richness, b)
	})
	f.Type = names[len(names)-1]
	if unknown := slices.IndexFunc(names, func(n string) bool { return !slices.Contains(richness, n) }); unknown >= 0 {
		f.Type = names[unknown]
		f.Problem = say.New("%s is a type of content that is not known here", f.Type)
		return f
	}
	raw, err := json.Marshal((*types)[f.Type])
	if err == nil {
		err = readType(&f, raw)
	}
	if err != nil {
		f.Problem = problem(err)
	}
	text := string(raw)
	if f.Parts.Authentication != nil {
		text = f.Parts.Authentication.Code // its placeholder is WhatsApp's own
	}
	for _, key := range template.Placeholders(text) {
		v := template.FoundVariable{Key: key}
		if variables != nil {
			v.Sample, _ = (*variables)[key].(string)
		}
		f.Variables = append(f.Variables, v)
	}
	return f
}

func problem(err error) say.Text {
	if apperr.CodeOf(err) == apperr.CodeInternal {
		return say.Raw(err.Error())
	}
	return apperr.Text(err)
}

// anyType has the fields of all types of content.
type anyType struct {
	Body, Title, Subtitle, Footer, Button string
	HeaderText                            string          `json:"header_text"`
	ButtonText                            string          `json:"button_text"`
	FlowID                                string          `json:"flow_id"`
	FirstPageID                           string          `json:"flow_first_page_id"`
	Media                                 json.RawMessage // a list, or in cards of a carousel an address
	Actions                               []anyAction
	Items                                 []anyItem
	DynamicItems                          string `json:"dynamic_items"`
	Cards                                 []anyType
	ID                                    string
	Expires                               float64 `json:"code_expiration_minutes"`
}

type anyAction struct {
	Type, Title, URL, Phone, Code, ID string
	PhoneNumber                       string `json:"phone_number"` // as some answers have it
	CopyCodeText                      string `json:"copy_code_text"`
}

type anyItem struct {
	ID, Item, Description string
	SectionTitle          string `json:"section_title"`
}

// readType reads a type of content into the parts that a template has here.
func readType(f *template.Found, raw []byte) error {
	var t anyType
	if err := json.Unmarshal(raw, &t); err != nil {
		return apperr.Invalid("", "its %s cannot be read", f.Type)
	}
	f.Body = t.Body
	p := &f.Parts
	media, err := mediumOf(t.Media)
	if err != nil {
		return err
	}
	switch f.Type {
	case "twilio/text":
	case "twilio/media":
		p.Header = &template.Header{Media: media}
	case "twilio/quick-reply", "twilio/call-to-action":
		p.Buttons, err = buttonsOf(t.Actions, f.Type == "twilio/quick-reply")
	case "whatsapp/card", "twilio/card":
		if f.Type == "twilio/card" { // its title is what WhatsApp shows as the text, its subtitle as the footer
			f.Body, t.Footer = t.Title, t.Subtitle
		}
		p.Footer = t.Footer
		switch {
		case media != nil:
			p.Header = &template.Header{Media: media}
		case t.HeaderText != "":
			p.Header = &template.Header{Text: t.HeaderText}
		}
		p.Buttons, err = buttonsOf(t.Actions, false)
	case "twilio/list-picker":
		p.List = &template.List{Button: t.Button}
		for _, i := range t.Items {
			p.List.Items = append(p.List.Items, template.ListItem{Title: i.Item, Description: i.Description, ID: i.ID})
		}
	case "twilio/carousel":
		for _, c := range t.Cards {
			m, err := mediumOf(c.Media)
			if err != nil {
				return err
			}
			if m == nil {
				return apperr.Invalid("", "a card has no medium")
			}
			buttons, err := buttonsOf(c.Actions, false)
			if err != nil {
				return err
			}
			p.Cards = append(p.Cards, template.Card{Title: c.Title, Body: c.Body, Media: *m, Buttons: buttons})
		}
	case "twilio/catalog":
		if t.DynamicItems != "" {
			return apperr.Invalid("", "its products are chosen anew for each message (dynamic_items), which is not done here")
		}
		p.Catalog = &template.Catalog{ID: t.ID, Title: t.Title, Subtitle: t.Subtitle}
		for _, i := range t.Items {
			p.Catalog.Items = append(p.Catalog.Items, template.Product{ID: i.ID, Section: i.SectionTitle})
		}
	case "whatsapp/authentication":
		p.Authentication = &template.Authentication{Code: "{{1}}", Button: "Copy code", ExpiresInMinutes: int(t.Expires)}
		if len(t.Actions) > 0 && t.Actions[0].CopyCodeText != "" {
			p.Authentication.Button = t.Actions[0].CopyCodeText
		}
	case "whatsapp/flows":
		p.Flow = &template.Flow{ID: t.FlowID, Button: t.ButtonText, FirstScreen: t.FirstPageID}
	default:
		return apperr.Invalid("", "%s is a type of content that cannot be sent from here", f.Type)
	}
	return err
}

// mediumOf is the one medium that WhatsApp shows; nil: there is none.
func mediumOf(raw json.RawMessage) (*template.Media, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil //nolint:nilnil // there is none
	}
	var list []string
	var one string
	if json.Unmarshal(raw, &one) == nil {
		list = []string{one}
	} else if json.Unmarshal(raw, &list) != nil {
		return nil, apperr.Invalid("", "its media cannot be read")
	}
	if len(list) == 0 || list[0] == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	m := &template.Media{Kind: template.MediaImage, URL: list[0]}
	file, _, _ := strings.Cut(list[0], "?")
	switch strings.ToLower(path.Ext(file)) {
	case ".mp4", ".3gp":
		m.Kind = template.MediaVideo
	case ".pdf", ".doc", ".docx", ".pptx", ".xlsx":
		m.Kind = template.MediaDocument
	}
	return m, nil
}

// buttonsOf reads buttons; those of a quick reply need not say that they answer.
func buttonsOf(all []anyAction, answers bool) (list []template.Button, err error) {
	for _, a := range all {
		b := template.Button{Title: a.Title, ID: a.ID}
		switch kind := strings.ToUpper(a.Type); {
		case kind == "QUICK_REPLY", kind == "" && answers:
			b.Type = template.ButtonQuickReply
		case kind == "URL":
			b.Type, b.URL = template.ButtonURL, a.URL
		case kind == "PHONE_NUMBER", kind == "PHONE":
			b.Type, b.Phone = template.ButtonPhone, a.Phone
			if b.Phone == "" {
				b.Phone = a.PhoneNumber
			}
		case kind == "COPY_CODE":
			b.Type, b.Code = template.ButtonCopyCode, a.Code
		default:
			return nil, apperr.Invalid("", "a button of the type %s cannot be sent from here", kind)
		}
		list = append(list, b)
	}
	return list, nil
}
