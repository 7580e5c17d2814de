package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"eventstream/server/apperr"
	"eventstream/server/template"

	"github.com/twilio/twilio-go/client"
	contentapi "github.com/twilio/twilio-go/rest/content/v1"
)

// typesOf is a template in Twilio's words: one content type, since of several Twilio sends the richest (content/overview).
func typesOf(spec template.ContentSpec) (types contentapi.Types) {
	p, header := spec.Parts, template.Header{}
	if p.Header != nil {
		header = *p.Header
	}
	switch spec.Kind {
	case template.KindText:
		types.TwilioText = &contentapi.TwilioText{Body: spec.Body}
	case template.KindMedia:
		types.TwilioMedia = &contentapi.TwilioMedia{Body: spec.Body, Media: addresses(header.Media)}
	case template.KindQuickReply:
		quick := &contentapi.TwilioQuickReply{Body: spec.Body}
		for i, b := range p.Buttons {
			quick.Actions = append(quick.Actions, contentapi.QuickReplyAction{
				Type: contentapi.QUICKREPLYACTIONTYPE_QUICK_REPLY, Title: b.Title, Id: idOf(b.ID, i),
			})
		}
		types.TwilioQuickReply = quick
	case template.KindCallToAction:
		call := &contentapi.TwilioCallToAction{Body: spec.Body}
		for i, b := range p.Buttons {
			call.Actions = append(call.Actions, contentapi.CallToActionAction{
				Type: contentapi.CallToActionActionType(actions[b.Type]), Title: titleOf(b), Url: b.URL, Phone: b.Phone,
				Code: b.Code, Id: idOf(b.ID, i),
			})
		}
		types.TwilioCallToAction = call
	case template.KindCard:
		card := &contentapi.WhatsappCard{
			Body: spec.Body, Footer: p.Footer, HeaderText: header.Text, Media: addresses(header.Media),
		}
		for i, b := range p.Buttons {
			card.Actions = append(card.Actions, contentapi.CardAction{
				Type: contentapi.CardActionType(actions[b.Type]), Title: titleOf(b), Url: b.URL, Phone: b.Phone, Code: b.Code,
				Id: idOf(b.ID, i),
			})
		}
		types.WhatsappCard = card
	case template.KindListPicker:
		list := &contentapi.TwilioListPicker{Body: spec.Body, Button: p.List.Button}
		for i, item := range p.List.Items {
			list.Items = append(list.Items, contentapi.ListItem{
				Id: idOf(item.ID, i), Item: item.Title, Description: item.Description,
			})
		}
		types.TwilioListPicker = list
	case template.KindCarousel:
		carousel := &contentapi.TwilioCarousel{Body: spec.Body}
		for i, c := range p.Cards {
			card := contentapi.CarouselCard{Title: c.Title, Body: c.Body, Media: c.Media.URL}
			for j, b := range c.Buttons {
				card.Actions = append(card.Actions, contentapi.CarouselAction{
					Type: contentapi.CarouselActionType(actions[b.Type]), Title: b.Title, Url: b.URL, Phone: b.Phone,
					Id: idOf(b.ID, i*10+j),
				})
			}
			carousel.Cards = append(carousel.Cards, card)
		}
		types.TwilioCarousel = carousel
	case template.KindCatalog:
		catalog := &contentapi.TwilioCatalog{
			Body: spec.Body, Id: p.Catalog.ID, Title: p.Catalog.Title, Subtitle: p.Catalog.Subtitle,
		}
		for _, item := range p.Catalog.Items {
			catalog.Items = append(catalog.Items, contentapi.CatalogItem{Id: item.ID, SectionTitle: item.Section})
		}
		types.TwilioCatalog = catalog
	case template.KindAuthentication:
		types.WhatsappAuthentication = &contentapi.WhatsappAuthentication{
			AddSecurityRecommendation: true, CodeExpirationMinutes: float32(p.Authentication.ExpiresInMinutes),
			Actions: []contentapi.AuthenticationAction{{
				Type: contentapi.AUTHENTICATIONACTIONTYPE_COPY_CODE, CopyCodeText: p.Authentication.Button,
			}},
		}
	case template.KindFlow:
		types.WhatsappFlows = &contentapi.WhatsappFlows{
			Body: spec.Body, ButtonText: p.Flow.Button, FlowId: p.Flow.ID, FlowFirstPageId: p.Flow.FirstScreen,
		}
	}
	return types
}

// actions are the types of buttons in Twilio's words.
var actions = map[template.ButtonType]string{
	template.ButtonQuickReply: "QUICK_REPLY", template.ButtonURL: "URL", template.ButtonPhone: "PHONE_NUMBER",
	template.ButtonCopyCode: "COPY_CODE",
}

// titleOf a button. WhatsApp writes that of a code in the reader's language, but Twilio wants one.
func titleOf(b template.Button) string {
	if b.Type == template.ButtonCopyCode {
		return "Copy code"
	}
	return b.Title
}

// idOf comes back with the answer; what has none of its own has its place, counted from 1.
func idOf(id string, place int) string {
	if id == "" {
		return strconv.Itoa(place + 1)
	}
	return id
}

func addresses(m *template.Media) []string {
	if m == nil {
		return nil
	}
	return []string{m.URL}
}

// Create implements template.Content.
func (c *Client) Create(ctx context.Context, spec template.ContentSpec) (string, error) {
	params := &contentapi.CreateContentParams{}
	params.SetContentCreateRequest(contentapi.ContentCreateRequest{
		FriendlyName: spec.Name, Language: spec.Language, Variables: spec.Variables,
		Types: typesOf(spec),
	})
	made, err := c.contents(ctx).CreateContent(params)
	if err != nil {
		return "", contentError("make the content template", err)
	}
	if made.Sid == nil {
		return "", errors.New("make the content template: an answer without a SID")
	}
	return *made.Sid, nil
}

// submittedBefore is Twilio's code of a second submission.
const submittedBefore = 92009

// Submit implements template.Content.
func (c *Client) Submit(ctx context.Context, sid, name string, category template.Category) error {
	params := &contentapi.CreateApprovalCreateParams{}
	params.SetContentApprovalRequest(contentapi.ContentApprovalRequest{
		Name:     name,
		Category: strings.ToUpper(string(category)),
	})
	_, err := c.contents(ctx).CreateApprovalCreate(sid, params)
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok && rest.Code == submittedBefore {
		return nil // by a try whose answer was lost: a template can be submitted once, ever
	}
	if err != nil {
		return contentError("ask for approval", err)
	}
	return nil
}

// Decision implements template.Content.
func (c *Client) Decision(ctx context.Context, sid string) (template.Decision, error) {
	got, err := c.contents(ctx).FetchApprovalFetch(sid)
	if err != nil {
		return template.Decision{}, contentError("read the approval", err)
	}
	return decisionOf(got.Whatsapp)
}

// decisionOf reads what WhatsApp says of a version.
func decisionOf(m *map[string]any) (template.Decision, error) {
	word, d := "", template.Decision{Approval: template.ApprovalSubmitted}
	if m != nil {
		word, _ = (*m)["status"].(string)
		d.Reason, _ = (*m)["rejection_reason"].(string)
		category, _ := (*m)["category"].(string)
		d.Category = template.CategoryOfWhatsApp(category)
	}
	switch word {
	case "approved":
		d.Approval, d.Reason = template.ApprovalApproved, ""
	case "rejected":
		d.Approval = template.ApprovalRejected
	case "paused":
		d.Approval = template.ApprovalPaused
	case "disabled":
		d.Approval = template.ApprovalDisabled
	case "unsubmitted", "received", "pending":
	default: // nothing is concluded from a word that is not known, or from none
		return template.Decision{}, fmt.Errorf("read the approval: %q is no status that is known", word)
	}
	return d, nil
}

// contentError tells what Twilio found wrong with the template from failures
// that may pass.
func contentError(doing string, err error) error {
	if rest, ok := errors.AsType[*client.TwilioRestError](err); ok && rest.Status < 500 {
		switch rest.Status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		default:
			return apperr.Wrap(err, apperr.CodeInvalid, "Twilio: %s", rest.Message)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
