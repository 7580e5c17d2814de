package sandbox

import (
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Content is a content template.
type Content struct {
	SID       string            `json:"sid"`
	Name      string            `json:"name"`
	Language  string            `json:"lang"`
	Text      string            `json:"body,omitempty"` // of logs that an earlier version wrote, instead of Types
	Types     json.RawMessage   `json:"types"`          // as they were given
	Variables map[string]string `json:"vars"`
	Category  string            `json:"category,omitempty"`
	Status    string            `json:"status"` // unsubmitted, received, approved, rejected, paused, disabled
	Reason    string            `json:"reason,omitempty"`
	Approval  string            `json:"approval,omitempty"` // the name that approval was asked under
	Created   time.Time         `json:"at"`
	DecideAt  time.Time         `json:"decide"`

	body *contentType // of Types
}

// richness orders content types: of several in one template the last of these is sent and submitted (content/overview).
var richness = []string{
	"twilio/text", "twilio/media", "twilio/location", "twilio/quick-reply", "twilio/call-to-action", "twilio/list-picker",
	"twilio/card", "twilio/carousel", "twilio/catalog", "twilio/flows", "whatsapp/card", "whatsapp/flows", "whatsapp/authentication",
}

// contentType is the richest type of a template, with all fields that any of them has.
type contentType struct {
	Name string `json:"-"`

	Body          *string         `json:"body"`
	Media         json.RawMessage `json:"media"` // a list, or in cards of a carousel an address
	Title         *string         `json:"title"`
	Subtitle      *string         `json:"subtitle"`
	Footer        *string         `json:"footer"`
	HeaderText    *string         `json:"header_text"`
	Button        *string         `json:"button"`
	ButtonText    *string         `json:"button_text"`
	FlowID        *string         `json:"flow_id"`
	Latitude      *float64        `json:"latitude"`
	Longitude     *float64        `json:"longitude"`
	ID            *string         `json:"id"`
	Actions       []action        `json:"actions"`
	Items         []listItem      `json:"items"`
	Cards         []contentType   `json:"cards"`
	Expires       float64         `json:"code_expiration_minutes"`
	Security      *bool           `json:"add_security_recommendation"`
	FirstPageID   string          `json:"flow_first_page_id"`
	FirstEndpoint bool            `json:"is_flow_first_page_endpoint"`
}

type action struct {
	Type         string `json:"type"`
	Title        string `json:"title"`
	URL          string `json:"url"`
	Phone        string `json:"phone"`
	Code         string `json:"code"`
	ID           string `json:"id"`
	CopyCodeText string `json:"copy_code_text"`
}

type listItem struct {
	ID           string `json:"id"`
	Item         string `json:"item"`
	Description  string `json:"description"`
	SectionTitle string `json:"section_title"`
}

// contentError is a refusal with Twilio's code.
type contentError struct {
	code int
	text string
}

func (e contentError) Error() string { return e.text }

func badContent(format string, args ...any) error {
	return contentError{20001, "Invalid Parameter: " + fmt.Sprintf(format, args...)}
}

// read finds the richest type and refuses what Twilio refuses when a template is made.
func (c *Content) read() error {
	if c.Text != "" && len(c.Types) == 0 {
		c.Types, _ = json.Marshal(map[string]any{"twilio/text": map[string]string{"body": c.Text}})
		c.Text = ""
	}
	var types map[string]json.RawMessage
	if json.Unmarshal(c.Types, &types) != nil || len(types) == 0 {
		return badContent("types: at least one content type is required")
	}
	for name, raw := range types {
		if !slices.Contains(richness, name) {
			return badContent("types: %s is not a content type", name)
		}
		t := &contentType{Name: name}
		if err := json.Unmarshal(raw, t); err != nil {
			return badContent("types.%s: invalid input", name)
		}
		if err := t.check(); err != nil {
			return err
		}
		if c.body == nil || slices.Index(richness, name) > slices.Index(richness, c.body.Name) {
			c.body = t
		}
	}
	switch {
	case c.Language == "":
		return contentError{92003, "language is required"}
	case !languageCode.MatchString(c.Language):
		return contentError{92004, "language " + c.Language + " is not valid"}
	case len(c.Variables) > 100:
		return contentError{92002, "at most 100 variables are allowed"}
	}
	return nil
}

var languageCode = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2,3}|_[A-Z][a-z]{3}_[A-Z]{2})?$`)

func (t *contentType) check() error {
	need := func(field string, v *string, limit int) error {
		switch {
		case v == nil || *v == "":
			return badContent("types.%s.%s is required", t.Name, field)
		case utf8.RuneCountInString(*v) > limit:
			return badContent("types.%s.%s has more than %d characters", t.Name, field, limit)
		}
		return nil
	}
	media, err := t.media()
	if err != nil {
		return err
	}
	var errs []error
	switch t.Name {
	case "twilio/text":
		errs = append(errs, need("body", t.Body, 1600))
	case "twilio/media":
		if len(media) == 0 {
			errs = append(errs, badContent("types.twilio/media.media is required"))
		}
	case "twilio/location":
		if t.Latitude == nil || t.Longitude == nil {
			errs = append(errs, badContent("types.twilio/location: latitude and longitude are required"))
		}
	case "twilio/quick-reply":
		errs = append(errs, need("body", t.Body, 1024), t.checkActions(10, "", "QUICK_REPLY"))
	case "twilio/call-to-action":
		errs = append(errs, need("body", t.Body, 640), t.checkActions(10, "URL", "PHONE_NUMBER", "COPY_CODE", "VOICE_CALL", "VOICE_CALL_REQUEST"))
	case "twilio/list-picker":
		errs = append(errs, need("body", t.Body, 1024), need("button", t.Button, 20), t.checkItems())
	case "twilio/card":
		if t.Title == nil && t.Body == nil {
			errs = append(errs, badContent("types.twilio/card: one of title, body or media is required"))
		}
		errs = append(errs, t.checkActions(10, "URL", "PHONE_NUMBER", "QUICK_REPLY", "COPY_CODE", "VOICE_CALL"))
	case "whatsapp/card":
		errs = append(errs, need("body", t.Body, 1024), t.checkActions(10, "URL", "PHONE_NUMBER", "QUICK_REPLY", "COPY_CODE", "VOICE_CALL"))
		if t.HeaderText != nil && len(media) > 0 {
			errs = append(errs, badContent("types.whatsapp/card: header_text and media exclude each other"))
		}
		if t.HeaderText != nil && utf8.RuneCountInString(*t.HeaderText) > 60 || t.Footer != nil && utf8.RuneCountInString(*t.Footer) > 60 {
			errs = append(errs, badContent("types.whatsapp/card: header_text and footer have at most 60 characters"))
		}
	case "twilio/carousel":
		errs = append(errs, need("body", t.Body, 1024), t.checkCards())
	case "twilio/catalog":
		errs = append(errs, need("body", t.Body, 1024))
	case "whatsapp/flows", "twilio/flows":
		errs = append(errs, need("body", t.Body, 1024), need("button_text", t.ButtonText, 25))
		if t.Name == "whatsapp/flows" {
			errs = append(errs, need("flow_id", t.FlowID, 200))
		}
	case "whatsapp/authentication":
		if len(t.Actions) != 1 || t.Actions[0].Type != "COPY_CODE" || t.Actions[0].CopyCodeText == "" {
			errs = append(errs, badContent("types.whatsapp/authentication.actions: one COPY_CODE with copy_code_text is required"))
		}
		if t.Expires != 0 && (t.Expires < 1 || t.Expires > 90) {
			errs = append(errs, badContent("types.whatsapp/authentication.code_expiration_minutes: 1 to 90"))
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// media are the addresses of a type's files.
func (t *contentType) media() (list []string, err error) {
	if len(t.Media) == 0 || string(t.Media) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(t.Media, &one) == nil && t.Name == "card" {
		list = []string{one}
	} else if json.Unmarshal(t.Media, &list) != nil || t.Name == "card" {
		return nil, badContent("media: invalid input")
	}
	for _, address := range list {
		if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
			return nil, contentError{21620, "Invalid media URL: " + address}
		}
	}
	return list, nil
}

func (t *contentType) checkActions(most int, types ...string) error {
	if len(t.Actions) == 0 && (t.Name == "twilio/quick-reply" || t.Name == "twilio/call-to-action" || t.Name == "card") {
		return badContent("types.%s.actions is required", t.Name)
	}
	if len(t.Actions) > most {
		return badContent("types.%s.actions: at most %d", t.Name, most)
	}
	count := map[string]int{}
	for _, a := range t.Actions {
		count[a.Type]++
		switch {
		case !slices.Contains(types, a.Type):
			return badContent("types.%s.actions.type: %q is not allowed", t.Name, a.Type)
		case a.Type != "COPY_CODE" && (a.Title == "" || utf8.RuneCountInString(a.Title) > 25):
			return badContent("types.%s.actions.title: 1 to 25 characters", t.Name)
		case a.Type == "URL" && !urlWithVariable(a.URL):
			return badContent("types.%s.actions.url: a web address, with a variable only at its end", t.Name)
		case a.Type == "PHONE_NUMBER" && !e164.MatchString(a.Phone):
			return badContent("types.%s.actions.phone: not a number in E.164", t.Name)
		case a.Type == "COPY_CODE" && a.Code == "":
			return badContent("types.%s.actions.code is required", t.Name)
		}
	}
	if count["URL"] > 2 || count["PHONE_NUMBER"]+count["VOICE_CALL"] > 1 || count["COPY_CODE"] > 1 {
		return badContent("types.%s.actions: at most two URLs, one number and one code", t.Name)
	}
	return nil
}

func urlWithVariable(address string) bool {
	at := variableRef.FindAllStringIndex(address, -1)
	rest, ok := strings.CutPrefix(address, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(address, "http://")
	}
	if !ok || rest == "" || len(at) > 1 {
		return false
	}
	if len(at) == 0 {
		return true
	}
	return at[0][1] == len(address) && strings.Contains(rest[:len(rest)-(at[0][1]-at[0][0])], "/")
}

func (t *contentType) checkItems() error {
	if len(t.Items) < 1 || len(t.Items) > 10 {
		return badContent("types.%s.items: 1 to 10", t.Name)
	}
	for _, item := range t.Items {
		if item.Item == "" || item.ID == "" {
			return badContent("types.%s.items: item and id are required", t.Name)
		}
		if utf8.RuneCountInString(item.Item) > 24 || utf8.RuneCountInString(item.Description) > 72 || utf8.RuneCountInString(item.ID) > 200 {
			return contentError{21658, "types." + t.Name + ".items: item has at most 24 characters, description 72, id 200"}
		}
	}
	return nil
}

func (t *contentType) checkCards() error {
	if len(t.Cards) < 2 || len(t.Cards) > 10 {
		return badContent("types.twilio/carousel.cards: 2 to 10")
	}
	for i := range t.Cards {
		c := &t.Cards[i]
		c.Name = "card"
		media, err := c.media()
		switch {
		case err != nil:
			return err
		case len(media) == 0:
			return badContent("types.twilio/carousel.cards.media is required")
		case c.Body == nil || *c.Body == "":
			return badContent("types.twilio/carousel.cards.body is required")
		}
		length := utf8.RuneCountInString(*c.Body)
		if c.Title != nil {
			length += utf8.RuneCountInString(*c.Title)
		}
		if length > 160 {
			return badContent("types.twilio/carousel.cards: title and body have at most 160 characters")
		}
		if err := c.checkActions(2, "URL", "PHONE_NUMBER", "QUICK_REPLY"); err != nil {
			return err
		}
		same := slices.EqualFunc(c.Actions, t.Cards[0].Actions, func(a, b action) bool { return a.Type == b.Type })
		if !same {
			return badContent("types.twilio/carousel.cards: the same buttons in the same order")
		}
	}
	return nil
}

// text is what a message's Body shows.
func (t *contentType) text() string {
	switch {
	case t.Body != nil:
		return *t.Body
	case t.Name == "whatsapp/authentication":
		return "{{1}} is your verification code. For your security, do not share this code."
	case t.Title != nil:
		return *t.Title
	}
	return ""
}

// fill puts the variables in; like Twilio it falls back to the samples, quietly.
func (c *Content) fill(vars map[string]string) string { return c.put(c.body.text(), vars) }

func (c *Content) put(text string, vars map[string]string) string {
	return variableRef.ReplaceAllStringFunc(text, func(ref string) string {
		key := ref[2 : len(ref)-2]
		if v, ok := vars[key]; ok {
			return v
		}
		return c.Variables[key]
	})
}

// takes reports whether variables of a message are right: each is declared, and none is empty (error 21656).
func (c *Content) takes(vars map[string]string) bool {
	for key, v := range vars {
		if v == "" || !c.declares(key) {
			return false
		}
	}
	return true
}

func (c *Content) declares(key string) bool {
	_, sampled := c.Variables[key]
	return sampled || strings.Contains(string(c.Types), "{{"+key+"}}") || c.body.Name == "whatsapp/authentication" && key == "1"
}

// refusal is the error that the template's own state brings about, by whether the window is open.
func (c *Content) refusal(open bool) int {
	switch c.Status {
	case "approved":
		return 0
	case "rejected":
		return 63040
	case "paused":
		return 63041
	case "disabled":
		return 63042
	}
	if !open {
		return 63016
	}
	switch c.body.Name {
	case "twilio/carousel", "whatsapp/authentication", "twilio/flows", "whatsapp/flows": // never without approval
		return 63016
	}
	for _, a := range c.body.Actions {
		if utf8.RuneCountInString(a.Title) > 20 {
			return 63013
		}
	}
	if len(c.body.Actions) > 3 {
		return 63013
	}
	return 0
}

func (s *Sandbox) createContent(w http.ResponseWriter, r *http.Request) {
	var in struct {
		FriendlyName string            `json:"friendly_name"`
		Language     string            `json:"language"`
		Variables    map[string]string `json:"variables"`
		Types        json.RawMessage   `json:"types"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, 20001, "The request body is not JSON")
		return
	}
	c := &Content{
		SID: newSID("HX"), Name: in.FriendlyName, Language: in.Language, Types: in.Types, Variables: in.Variables,
		Status: "unsubmitted", Created: time.Now(),
	}
	if err := c.read(); err != nil {
		e := err.(contentError) //nolint:errorlint,forcetypeassert // read gives no other
		refuse(w, http.StatusBadRequest, e.code, e.text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contents[c.SID] = c
	s.store.content(c)
	answer(w, http.StatusCreated, contentView(c))
}

func contentView(c *Content) map[string]any {
	base := "https://content.twilio.com/v1/Content/" + c.SID
	return map[string]any{
		"sid": c.SID, "account_sid": AccountSID, "friendly_name": c.Name, "language": c.Language,
		"variables": c.Variables, "types": c.Types,
		"date_created": c.Created.UTC().Format(time.RFC3339),
		"date_updated": c.Created.UTC().Format(time.RFC3339), "url": base,
		"links": map[string]string{
			"approval_create": base + "/ApprovalRequests/whatsapp",
			"approval_fetch":  base + "/ApprovalRequests",
		},
	}
}

func (s *Sandbox) content(w http.ResponseWriter, r *http.Request) *Content {
	c := s.contents[r.PathValue("sid")]
	if c == nil {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
	}
	return c
}

func (s *Sandbox) fetchContent(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.content(w, r); c != nil {
		answer(w, http.StatusOK, contentView(c))
	}
}

// listContents gives templates with their approvals, newest first, by pages.
func (s *Sandbox) listContents(w http.ResponseWriter, r *http.Request) {
	size := 50
	if raw := r.URL.Query().Get("PageSize"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > largestPage {
			refuse(w, http.StatusBadRequest, 20001, "PageSize: 1 to 1000")
			return
		}
		size = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Content, 0, len(s.contents))
	for _, c := range s.contents {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool {
		if !all[i].Created.Equal(all[j].Created) {
			return all[i].Created.After(all[j].Created)
		}
		return all[i].SID > all[j].SID
	})
	from := 0
	if token := r.URL.Query().Get("PageToken"); token != "" {
		from = 1 + slices.IndexFunc(all, func(c *Content) bool { return c.SID == token })
	}
	list, next := []any{}, any(nil)
	for i := from; i < len(all); i++ {
		if len(list) == size {
			next = "https://content.twilio.com" + r.URL.Path + "?PageSize=" + strconv.Itoa(size) + "&PageToken=" + all[i-1].SID
			break
		}
		view := contentView(all[i])
		delete(view, "url")
		delete(view, "links")
		view["approval_requests"] = approvalView(all[i])
		list = append(list, view)
	}
	here := "https://content.twilio.com" + r.URL.Path + "?PageSize=" + strconv.Itoa(size) + "&Page=0"
	answer(w, http.StatusOK, map[string]any{
		"contents": list, "meta": map[string]any{
			"page": 0, "page_size": size, "first_page_url": here, "previous_page_url": nil, "url": here, "next_page_url": next, "key": "contents",
		},
	})
}

var contentName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)

func (s *Sandbox) submitContent(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Category string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, 20001, "The request body is not JSON")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.content(w, r)
	if c == nil {
		return
	}
	switch {
	case !contentName.MatchString(in.Name):
		refuse(w, http.StatusBadRequest, 20001, "name: only lower case letters, digits and underscores")
		return
	case in.Category != "UTILITY" && in.Category != "MARKETING" && in.Category != "AUTHENTICATION":
		refuse(w, http.StatusBadRequest, 20001, "category: UTILITY, MARKETING or AUTHENTICATION")
		return
	case c.body.Name == "twilio/list-picker" || c.body.Name == "twilio/location":
		refuse(w, http.StatusBadRequest, 20001, c.body.Name+" is not eligible for WhatsApp approval")
		return
	case utf8.RuneCountInString(c.body.text()) > 1024:
		refuse(w, http.StatusBadRequest, 21658, "The body has more than 1024 characters")
		return
	case c.Status != "unsubmitted":
		refuse(w, http.StatusBadRequest, 92009, "The content was submitted already")
		return
	}
	c.Category, c.Status, c.Approval = in.Category, "received", in.Name
	c.DecideAt = time.Now().Add(time.Duration(s.settings.Load().ApprovalMS) * time.Millisecond)
	s.store.content(c)
	answer(w, http.StatusCreated, approvalView(c))
}

func approvalView(c *Content) map[string]any {
	return map[string]any{
		"category": c.Category, "status": c.Status, "rejection_reason": c.Reason, "name": c.Approval,
		"content_type": c.body.Name, "allow_category_change": true,
	}
}

// fetchApproval decides when the time has come: WhatsApp's rules are the only reasons to reject.
func (s *Sandbox) fetchApproval(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.content(w, r)
	if c == nil {
		s.mu.Unlock()
		return
	}
	due, reason := c.Status == "received" && time.Now().After(c.DecideAt), ""
	if due {
		reason = c.faults()
	}
	s.mu.Unlock()
	if due { // files are fetched without the lock
		if reason == "" {
			reason = s.sampleFault(r.Context(), c)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if due && c.Status == "received" {
		c.Status = "approved"
		if c.Reason = reason; reason != "" {
			c.Status = "rejected"
		}
		s.store.content(c)
	}
	view := approvalView(c)
	view["type"] = "whatsapp"
	answer(w, http.StatusOK, map[string]any{
		"sid": c.SID, "account_sid": AccountSID, "whatsapp": view,
		"url": "https://content.twilio.com/v1/Content/" + c.SID + "/ApprovalRequests",
	})
}

// Decide changes what WhatsApp thinks of a template, as Meta does at any time: approved, rejected, paused or disabled,
// and its category.
func (s *Sandbox) Decide(sid, status, reason, category string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.contents[sid]
	if c == nil || !slices.Contains([]string{"approved", "rejected", "paused", "disabled"}, status) {
		return false
	}
	c.Status, c.Reason = status, reason
	if category != "" {
		c.Category = category
	}
	s.store.content(c)
	return true
}

func (c *Content) faults() string {
	if c.body.Name == "whatsapp/authentication" {
		if c.Category != "AUTHENTICATION" {
			return "INVALID_FORMAT: a one-time code needs the category AUTHENTICATION"
		}
		return ""
	}
	if c.body.Name == "twilio/carousel" && c.Category != "MARKETING" {
		return "INVALID_FORMAT: carousels are approved as MARKETING only"
	}
	texts := []string{c.body.text()}
	for i := range c.body.Cards {
		texts = append(texts, c.body.Cards[i].text())
	}
	for _, text := range texts {
		if reason := c.faultsOf(strings.TrimSpace(text)); reason != "" {
			return reason
		}
	}
	if c.body.Name == "twilio/media" && c.body.text() == "" {
		return "INVALID_FORMAT: media need a text to be approved"
	}
	var numbers []int
	for _, ref := range variableRef.FindAllStringSubmatch(string(c.Types), -1) {
		n, err := strconv.Atoi(ref[1])
		if err != nil {
			continue // named variables need no order
		}
		numbers = append(numbers, n)
		if c.Variables[ref[1]] == "" {
			return "INVALID_FORMAT: a variable has no sample"
		}
	}
	sort.Ints(numbers)
	last := 0
	for _, n := range numbers {
		if n > last+1 {
			return "INVALID_FORMAT: the variables are not numbered one by one"
		}
		last = n
	}
	return ""
}

func (c *Content) faultsOf(text string) string {
	spots := variableRef.FindAllStringIndex(text, -1)
	for i, spot := range spots {
		if spot[0] == 0 || strings.Trim(text[spot[1]:], " .!?,") == "" {
			return "INVALID_FORMAT: a variable stands first or last"
		}
		if i > 0 && strings.TrimSpace(text[spots[i-1][1]:spot[0]]) == "" {
			return "INVALID_FORMAT: two variables stand side by side"
		}
	}
	return ""
}

// answer is what a contact writes after a message: a button of it, an entry of its list, or something kind.
func (s *Sandbox) answer(m *Message) (text string, more map[string]string) {
	text = answers[mathrand.IntN(len(answers))] //nolint:gosec // simulated behavior
	c := s.contents[m.Content]
	if c == nil || chance(0.3) {
		return text, nil
	}
	kind := "button"
	if c.Status != "approved" {
		kind = "interactive"
	}
	quick := c.body.Actions
	if len(c.body.Cards) > 0 {
		quick = c.body.Cards[mathrand.IntN(len(c.body.Cards))].Actions //nolint:gosec // simulated behavior
	}
	quick = slices.DeleteFunc(slices.Clone(quick), func(a action) bool { return a.Type != "QUICK_REPLY" && c.body.Name != "twilio/quick-reply" })
	if len(quick) > 0 {
		return quick[mathrand.IntN(len(quick))].tapped(m, kind) //nolint:gosec // simulated behavior
	}
	if c.body.Name == "twilio/list-picker" {
		item := c.body.Items[mathrand.IntN(len(c.body.Items))] //nolint:gosec // simulated behavior
		title := c.put(item.Item, m.Variables)
		return title, map[string]string{
			"MessageType": "interactive", "ListId": item.ID, "ListTitle": title, "OriginalRepliedMessageSid": m.SID,
			"OriginalRepliedMessageSender": m.From,
		}
	}
	return text, nil
}

// tapped is what the webhook tells of a button that was tapped.
func (a action) tapped(m *Message, kind string) (text string, more map[string]string) {
	return a.Title, map[string]string{
		"MessageType": kind, "ButtonText": a.Title, "ButtonPayload": a.ID, "OriginalRepliedMessageSid": m.SID,
		"OriginalRepliedMessageSender": m.From,
	}
}
