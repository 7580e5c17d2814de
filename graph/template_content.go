package graph

import (
	"eventstream/graph/model"
	"eventstream/server/template"
)

func toTemplateContent(p template.Parts) *model.TemplateContent {
	out := &model.TemplateContent{
		Footer: filled(p.Footer), Buttons: mapped(p.Buttons, toTemplateButton), Cards: mapped(p.Cards, toTemplateCard),
	}
	if h := p.Header; h != nil {
		out.Header = &model.TemplateHeader{Text: filled(h.Text)}
		if h.Media != nil {
			out.Header.Media = toTemplateMedia(*h.Media)
		}
	}
	if l := p.List; l != nil {
		out.List = &model.TemplateList{Button: l.Button, Items: mapped(l.Items, func(i template.ListItem) *model.TemplateListItem {
			return &model.TemplateListItem{Title: i.Title, Description: filled(i.Description), ID: filled(i.ID)}
		})}
	}
	if c := p.Catalog; c != nil {
		out.Catalog = &model.TemplateCatalog{
			ID: filled(c.ID), Title: filled(c.Title), Subtitle: filled(c.Subtitle),
			Items: mapped(c.Items, func(i template.Product) *model.TemplateProduct {
				return &model.TemplateProduct{ID: i.ID, Section: filled(i.Section)}
			}),
		}
	}
	if a := p.Authentication; a != nil {
		out.Authentication = &model.TemplateAuthentication{Code: a.Code, Button: a.Button}
		if a.ExpiresInMinutes != 0 {
			out.Authentication.ExpiresInMinutes = &a.ExpiresInMinutes
		}
	}
	if f := p.Flow; f != nil {
		out.Flow = &model.TemplateFlow{ID: f.ID, Button: f.Button, FirstScreen: filled(f.FirstScreen)}
	}
	return out
}

func toTemplateMedia(m template.Media) *model.TemplateMedia {
	return &model.TemplateMedia{Kind: upper[model.TemplateMediaKind](m.Kind), URL: m.URL}
}

func toTemplateButton(b template.Button) *model.TemplateButton {
	return &model.TemplateButton{
		Type: upper[model.TemplateButtonType](b.Type), Title: b.Title, URL: filled(b.URL), Phone: filled(b.Phone),
		Code: filled(b.Code), ID: filled(b.ID), Track: b.Track,
	}
}

func toTemplateCard(c template.Card) *model.TemplateCard {
	return &model.TemplateCard{
		Title: filled(c.Title), Body: c.Body, Media: toTemplateMedia(c.Media), Buttons: mapped(c.Buttons, toTemplateButton),
	}
}

// partsOf reads what a client set; nil where it set nothing.
func partsOf(in *model.TemplateContentInput) *template.Parts {
	if in == nil {
		return nil
	}
	p := &template.Parts{
		Footer: text(in.Footer.Value()), Buttons: buttonsOf(in.Buttons.Value()),
	}
	if h := in.Header.Value(); h != nil {
		p.Header = &template.Header{Text: text(h.Text.Value())}
		if m := h.Media.Value(); m != nil {
			media := mediaOf(m)
			p.Header.Media = &media
		}
	}
	if l := in.List.Value(); l != nil {
		p.List = &template.List{Button: l.Button}
		for _, i := range l.Items {
			p.List.Items = append(p.List.Items, template.ListItem{
				Title: i.Title, Description: text(i.Description.Value()), ID: text(i.ID.Value()),
			})
		}
	}
	for _, c := range in.Cards.Value() {
		p.Cards = append(p.Cards, template.Card{
			Title: text(c.Title.Value()), Body: c.Body, Media: mediaOf(c.Media), Buttons: buttonsOf(c.Buttons),
		})
	}
	if c := in.Catalog.Value(); c != nil {
		p.Catalog = &template.Catalog{
			ID: text(c.ID.Value()), Title: text(c.Title.Value()), Subtitle: text(c.Subtitle.Value()),
		}
		for _, i := range c.Items.Value() {
			p.Catalog.Items = append(p.Catalog.Items, template.Product{ID: i.ID, Section: text(i.Section.Value())})
		}
	}
	if a := in.Authentication.Value(); a != nil {
		p.Authentication = &template.Authentication{Code: a.Code, Button: a.Button}
		if n := a.ExpiresInMinutes.Value(); n != nil {
			p.Authentication.ExpiresInMinutes = *n
		}
	}
	if f := in.Flow.Value(); f != nil {
		p.Flow = &template.Flow{ID: f.ID, Button: f.Button, FirstScreen: text(f.FirstScreen.Value())}
	}
	return p
}

func mediaOf(in *model.TemplateMediaInput) template.Media {
	return template.Media{Kind: lower[template.MediaKind](in.Kind), URL: in.URL}
}

func buttonsOf(in []*model.TemplateButtonInput) (out []template.Button) {
	for _, b := range in {
		out = append(out, template.Button{
			Type: lower[template.ButtonType](b.Type), Title: text(b.Title.Value()), URL: text(b.URL.Value()),
			Phone: text(b.Phone.Value()), Code: text(b.Code.Value()), ID: text(b.ID.Value()), Track: b.Track.Value() != nil && *b.Track.Value(),
		})
	}
	return out
}
