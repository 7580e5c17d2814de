package template

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
)

func TestPartsChooseTheKind(t *testing.T) {
	t.Parallel()
	quick, page := Button{Type: ButtonQuickReply, Title: "Yes"}, Button{Type: ButtonURL, Title: "Open", URL: "https://example.com"}
	image := &Header{Media: &Media{Kind: MediaImage, URL: "https://example.com/a.jpg"}}
	for _, c := range []struct {
		parts Parts
		body  string
		want  Kind
	}{
		{Parts{}, "Hello", KindText},
		{Parts{Header: image}, "Hello", KindMedia},
		{Parts{Buttons: []Button{quick}}, "Hello", KindQuickReply},
		{Parts{Buttons: []Button{page}}, "Hello", KindCallToAction},
		{Parts{Buttons: []Button{page}}, strings.Repeat("a", 641), KindCard}, // call to action has 640 characters at most
		{Parts{Buttons: []Button{page, quick}}, "Hello", KindCard},
		{Parts{Header: image, Buttons: []Button{quick}}, "Hello", KindCard},
		{Parts{Header: &Header{Text: "News"}}, "Hello", KindCard},
		{Parts{Footer: "Reply STOP to end"}, "Hello", KindCard},
		{Parts{List: &List{Button: "Choose", Items: []ListItem{{Title: "One"}}}}, "Hello", KindListPicker},
		{Parts{Catalog: &Catalog{ID: "1"}}, "Hello", KindCatalog},
		{Parts{Flow: &Flow{ID: "1", Button: "Open"}}, "Hello", KindFlow},
		{Parts{Authentication: &Authentication{Code: "{{attributes.code}}", Button: "Copy"}}, "", KindAuthentication},
	} {
		compiled, err := Compile(c.body, c.parts)
		require.NoError(t, err)
		require.Equal(t, c.want, compiled.Kind)
	}
}

func TestPlaceholdersAreNumberedOverAllParts(t *testing.T) {
	t.Parallel()
	c, err := Compile("Hi {{name | there}}, see {{attributes.city}} today", Parts{
		Header: &Header{Text: "For {{name | there}}"},
		Buttons: []Button{
			{Type: ButtonURL, Title: "Open", URL: "https://example.com/c/{{attributes.city}}"},
			{Type: ButtonCopyCode, Code: "{{attributes.code}}"},
		},
	})
	require.NoError(t, err)
	require.Empty(t, c.check(CategoryMarketing))
	body, parts := c.Wire()
	require.Equal(t, "Hi {{1}}, see {{2}} today", body)
	require.Equal(t, "For {{1}}", parts.Header.Text)
	require.Equal(t, "https://example.com/c/{{3}}", parts.Buttons[0].URL, "an address takes its value escaped: a variable of its own")
	require.Equal(t, "{{4}}", parts.Buttons[1].Code)

	person := &contact.Contact{Name: "Max", Attributes: map[string]any{"city": "Bad Tölz/Süd", "code": "A1"}}
	shown, filled := c.Show(person)
	require.Equal(t, "Hi Max, see Bad Tölz/Süd today", shown.Text)
	require.Equal(t, map[string]string{"1": "Max", "2": "Bad Tölz/Süd", "3": "Bad%20T%C3%B6lz%2FS%C3%BCd", "4": "A1"}, shown.Variables)
	require.Equal(t, "https://example.com/c/Bad%20T%C3%B6lz%2FS%C3%BCd", filled.Buttons[0].URL)
	require.Empty(t, shown.TooLong)
	require.Equal(t, "https://example.com/c/{{attributes.city}}", c.Parts.Buttons[0].URL, "what is shared stays as it is")

	person.Name, person.Attributes = strings.Repeat("a", 60), map[string]any{"city": "Ulm"}
	shown = c.Render(person)
	require.Equal(t, []say.Text{say.New("the header")}, shown.TooLong)
	require.Equal(t, []string{"attributes.code"}, shown.Missing)
}

// TestWhatWhatsAppRefusesNamesItsField: everything that would come back as an error of Twilio or as a rejection of Meta.
func TestWhatWhatsAppRefusesNamesItsField(t *testing.T) {
	t.Parallel()
	quick := func(titles ...string) (all []Button) {
		for _, title := range titles {
			all = append(all, Button{Type: ButtonQuickReply, Title: title})
		}
		return all
	}
	page := func(address string) Button { return Button{Type: ButtonURL, Title: "Open", URL: address} }
	image := Media{Kind: MediaImage, URL: "https://example.com/a.jpg"}
	card := func(buttons ...Button) Card { return Card{Body: "One", Media: image, Buttons: buttons} }
	header := func(text string) Parts { return Parts{Header: &Header{Text: text}} }
	medium := func(kind MediaKind, address string) Parts {
		return Parts{Header: &Header{Media: &Media{kind, address}}}
	}
	for name, c := range map[string]struct {
		parts Parts
		field string // "": it is taken
		says  string
	}{
		"a header of 60":                     {header(strings.Repeat("a", 60)), "", ""},
		"a header of 61":                     {header(strings.Repeat("a", 61)), "content.header.text", "shorten it by 1"},
		"an empty header":                    {header(""), "content.header.text", "missing"},
		"an emoji in a header":               {header("Sale 🎉"), "content.header.text", "emojis"},
		"formatting in a header":             {header("*Sale*"), "content.header.text", "formats no header"},
		"two placeholders in a header":       {header("{{name}} in {{region}}"), "content.header.text", "takes one placeholder"},
		"lines in a header":                  {header("a\nb"), "content.header.text", "line breaks"},
		"an unknown placeholder in a header": {header("{{city}}"), "content.header.text", "attributes.city"},
		"a placeholder in a footer":          {Parts{Footer: "For {{name}}"}, "content.footer", "takes no placeholder"},
		"an image":                           {medium(MediaImage, "https://example.com/a.PNG?v=1"), "", ""},
		"an image of the library":            {medium(MediaImage, "/media/abc/a.jpg"), "", ""},
		"an image for each":                  {medium(MediaImage, "https://example.com/{{attributes.sku}}.jpg"), "", ""},
		"any host":                           {medium(MediaImage, "https://{{attributes.host}}/a.jpg"), "content.header.media.url", "behind the host"},
		"a webp":                             {medium(MediaImage, "https://example.com/a.webp"), "content.header.media.url", ".jpg"},
		"a video as image":                   {medium(MediaImage, "https://example.com/a.mp4"), "content.header.media.url", ".jpg"},
		"a pdf":                              {medium(MediaDocument, "https://example.com/a.pdf"), "", ""},
		"no web address":                     {medium(MediaImage, "file:///etc/passwd.jpg"), "content.header.media.url", "https://"},
		"a password in an address":           {medium(MediaImage, "https://me:secret@example.com/a.jpg"), "content.header.media.url", "https://"},
		"no address":                         {medium(MediaImage, ""), "content.header.media.url", "missing"},
		"an unknown kind":                    {medium("audio", "https://example.com/a.ogg"), "content.header.media.kind", "image, video or document"},
		"ten answers":                        {Parts{Buttons: quick("1", "2", "3", "4", "5", "6", "7", "8", "9", "0")}, "", ""},
		"eleven answers":                     {Parts{Buttons: quick("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "x")}, "content.buttons", "at most 10"},
		"a button without title":             {Parts{Buttons: quick("")}, "content.buttons.0.title", "missing"},
		"a long title":                       {Parts{Buttons: quick(strings.Repeat("a", 26))}, "content.buttons.0.title", "at most 25"},
		"an emoji on a button":               {Parts{Buttons: quick("Yes 👍")}, "content.buttons.0.title", "emojis"},
		"a placeholder on a button":          {Parts{Buttons: quick("{{name}}")}, "content.buttons.0.title", "no placeholder"},
		"the same title twice":               {Parts{Buttons: quick("Yes", "yes")}, "content.buttons.1.title", "different names"},
		"answers apart": {
			Parts{Buttons: append(append(quick("Yes"), page("https://example.com")), quick("No")...)},
			"content.buttons", "stand together",
		},
		"three addresses": {Parts{Buttons: []Button{
			{Type: ButtonURL, Title: "a", URL: "https://a.example"},
			{Type: ButtonURL, Title: "b", URL: "https://b.example"},
			{Type: ButtonURL, Title: "c", URL: "https://c.example"},
		}}, "content.buttons", "at most 2"},
		"an address for each":           {Parts{Buttons: []Button{page("https://example.com/{{attributes.sku}}")}}, "", ""},
		"a placeholder within":          {Parts{Buttons: []Button{page("https://example.com/{{attributes.sku}}/x")}}, "content.buttons.0.url", "at its end"},
		"a placeholder as host":         {Parts{Buttons: []Button{page("https://{{attributes.host}}")}}, "content.buttons.0.url", "behind the host"},
		"a script":                      {Parts{Buttons: []Button{page("javascript:alert(1)")}}, "content.buttons.0.url", "https://"},
		"a link to WhatsApp":            {Parts{Buttons: []Button{page("https://wa.me/4915112345678")}}, "content.buttons.0.url", "wa.me"},
		"a number":                      {Parts{Buttons: []Button{{Type: ButtonPhone, Title: "Call", Phone: "+4930123456"}}}, "", ""},
		"signs in a placeholder's name": {header("Order {{attributes.order_id}}"), "", ""},
		"a medium with a fallback":      {medium(MediaImage, "https://example.com/{{attributes.pic | none}}.jpg"), "", ""},
		"a code that is the same for all": {
			Parts{Authentication: &Authentication{Code: "123456", Button: "Copy"}}, "content.authentication.code", "a placeholder",
		},
		"a hundred buttons":              {Parts{Buttons: make([]Button, 100)}, "content.buttons", "too many"},
		"a number without country":       {Parts{Buttons: []Button{{Type: ButtonPhone, Title: "Call", Phone: "030 123456"}}}, "content.buttons.0.phone", "country"},
		"an unknown type":                {Parts{Buttons: []Button{{Type: "voice", Title: "Call"}}}, "content.buttons.0.type", "quick_reply"},
		"an empty list":                  {Parts{List: &List{Button: "Choose"}}, "content.list.items", "1 to 10"},
		"a long entry":                   {Parts{List: &List{Button: "Choose", Items: []ListItem{{Title: strings.Repeat("a", 25)}}}}, "content.list.items.0.title", "at most 24"},
		"an id twice":                    {Parts{List: &List{Button: "Choose", Items: []ListItem{{Title: "a"}, {Title: "b", ID: "1"}}}}, "content.list.items.1.id", "two entries"},
		"one card":                       {Parts{Cards: []Card{card(quick("Yes")...)}}, "content.cards", "2 to 10"},
		"two cards":                      {Parts{Cards: []Card{card(quick("Yes")...), card(quick("Yes")...)}}, "", ""},
		"cards with different buttons":   {Parts{Cards: []Card{card(quick("Yes")...), card(page("https://example.com"))}}, "content.cards.1.buttons", "same buttons"},
		"a card without buttons":         {Parts{Cards: []Card{card(), card()}}, "content.cards.0.buttons", "needs 1 or 2"},
		"cards and a header":             {Parts{Cards: []Card{card(quick("Yes")...), card(quick("Yes")...)}, Footer: "Bye"}, "content", "do not go together"},
		"a list and cards":               {Parts{List: &List{Button: "Choose", Items: []ListItem{{Title: "a"}}}, Cards: []Card{card(quick("Yes")...), card(quick("Yes")...)}}, "content", "a list and cards"},
		"a code in marketing":            {Parts{Authentication: &Authentication{Code: "{{attributes.code}}", Button: "Copy"}}, "category", "authentication alone"},
		"a code with words":              {Parts{Authentication: &Authentication{Code: "is {{attributes.code}}", Button: "Copy"}}, "content.authentication.code", "one placeholder alone"},
		"a flow without id":              {Parts{Flow: &Flow{Button: "Open"}}, "content.flow.id", "missing"},
		"a product for each":             {Parts{Catalog: &Catalog{Items: []Product{{ID: "{{attributes.sku}}"}}}}, "", ""},
		"more products than are allowed": {Parts{Catalog: &Catalog{Items: make([]Product, 31)}}, "content.catalog.items", "at most 30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := Version{Body: "Something to read here", Parts: c.parts}
			v.Parts.clean()
			category := CategoryMarketing
			if c.field == "content.authentication.code" {
				category = CategoryAuthentication
			}
			err := v.compile(category)
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			list, ok := errors.AsType[apperr.List](err)
			require.True(t, ok, "%v", err)
			var all []string
			for _, e := range list {
				if strings.Join(e.Field, ".") == c.field && strings.Contains(e.Message.String(), c.says) {
					return
				}
				all = append(all, strings.Join(e.Field, ".")+": "+e.Message.String())
			}
			t.Fatalf("no error of %s that says %q, but %q", c.field, c.says, all)
		})
	}
}

func TestTheTextMayNotBeFilledBeyondWhatButtonsAllow(t *testing.T) {
	t.Parallel()
	page := []Button{{Type: ButtonURL, Title: "Open", URL: "https://example.com"}}
	c, err := Compile(strings.Repeat("a", 600)+" {{name}} b", Parts{Buttons: page})
	require.NoError(t, err)
	require.Equal(t, KindCard, c.Kind, "640 characters would not hold a long name")
}

// TestCardsAndCodesAreMeasuredOnceFilledIn: what is too long for WhatsApp is not sent.
func TestCardsAndCodesAreMeasuredOnceFilledIn(t *testing.T) {
	t.Parallel()
	card := Card{
		Title: "For {{name}}", Body: "{{attributes.offer}}", Media: Media{Kind: MediaImage, URL: "https://example.com/a.jpg"},
		Buttons: []Button{{Type: ButtonQuickReply, Title: "Yes"}},
	}
	c, err := Compile("Two offers", Parts{Cards: []Card{card, card}})
	require.NoError(t, err)
	require.Empty(t, c.check(CategoryMarketing))
	person := &contact.Contact{Name: strings.Repeat("n", 60), Attributes: map[string]any{"offer": strings.Repeat("o", 90)}}
	require.Empty(t, c.Render(person).TooLong)
	person.Attributes["offer"] = strings.Repeat("o", 100)
	require.Equal(t, "the text of card 1; the text of card 2", say.All(c.Render(person).TooLong...).String(), "160 characters together")

	c, err = Compile("", Parts{Authentication: &Authentication{Code: "{{attributes.code}}", Button: "Copy"}})
	require.NoError(t, err)
	person.Attributes = map[string]any{"code": "123456789012345"}
	require.Equal(t, []say.Text{say.New("the code")}, c.Render(person).TooLong)
}

// TestANewVersionHasThePresentHostOfLinks, and one that says what was said keeps the host under which it was approved.
func TestANewVersionHasThePresentHostOfLinks(t *testing.T) {
	t.Parallel()
	const before, now = "https://old.example/l/", "https://new.example/l/"
	parts := Parts{LinkURL: before, Buttons: []Button{{Type: ButtonURL, Title: "Open", URL: "https://shop.example/a", Track: true}}}
	others := Parts{Buttons: []Button{{Type: ButtonURL, Title: "Look", URL: "https://shop.example/a", Track: true}}}
	same, changed, name := "Our sale has started.", "Our sale ends today.", "Sale"
	for _, c := range []struct {
		says   string
		in     Input
		status Approval
		want   string
	}{
		{"another name", Input{Name: &name}, ApprovalApproved, before},
		{"the same", Input{Body: &same, Parts: &parts}, ApprovalApproved, before},
		{"another text", Input{Body: &changed}, ApprovalApproved, now},
		{"another button", Input{Parts: &others}, ApprovalApproved, now},
		{"a draft", Input{Name: &name}, ApprovalDraft, now},
	} {
		v := &Version{Body: same, Parts: parts.clone(), ApprovalStatus: c.status}
		require.NoError(t, c.in.apply(&Template{Name: "Sale", Language: "en", Category: CategoryMarketing}, v, now), c.says)
		require.Equal(t, c.want, v.Parts.LinkURL, c.says)
	}
}
