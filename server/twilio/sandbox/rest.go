package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/contact"
	"eventstream/server/twilio"
)

var (
	contentSID = regexp.MustCompile(`^HX[0-9a-f]{32}$`)
	serviceSID = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
	bareNumber = regexp.MustCompile(`\{\{(\d+)\}\}`)
)

func (s *Sandbox) handler() http.Handler {
	mux := http.NewServeMux()
	const account = "/2010-04-01/Accounts/{account}"
	mux.HandleFunc("POST "+account+"/Messages.json", s.createMessage)
	mux.HandleFunc("GET "+account+"/Messages.json", s.listMessages)
	mux.HandleFunc("GET "+account+"/Messages/{file}", s.fetchMessage)
	mux.HandleFunc("POST /v1/Content", s.createContent)
	mux.HandleFunc("GET /v1/Content/{sid}", s.fetchContent)
	mux.HandleFunc("POST /v1/Content/{sid}/ApprovalRequests/whatsapp", s.submitContent)
	mux.HandleFunc("GET /v1/Content/{sid}/ApprovalRequests", s.fetchApproval)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Twilio-Request-Id", newSID("RQ"))
		user, password, ok := r.BasicAuth()
		if !ok || user != AccountSID || password != AuthToken {
			refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
			return
		}
		if _, pattern := mux.Handler(r); pattern == "" {
			refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter, status, code int, text string) {
	answer(w, status, map[string]any{"code": code, "message": text, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Sandbox) createMessage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	cfg := s.settings
	s.inFlight++
	crowded := cfg.ConcurrencyLimit > 0 && s.inFlight > cfg.ConcurrencyLimit
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.mu.Unlock()
	}()
	if cfg.LatencyMS > 0 {
		time.Sleep(time.Duration(cfg.LatencyMS) * time.Millisecond)
	}
	if crowded || chance(cfg.TooManyRate) {
		refuse(w, http.StatusTooManyRequests, 20429, "Too Many Requests")
		return
	}
	if r.PathValue("account") != AccountSID {
		refuse(w, http.StatusNotFound, 20404, "The requested resource was not found")
		return
	}
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, 21604, "The request body is not a form")
		return
	}
	m, status, code, text := s.checkMessage(r)
	if code != 0 {
		refuse(w, status, code, text)
		return
	}
	serverError := chance(cfg.ServerErrorRate)
	if serverError && chance(0.5) {
		refuse(w, http.StatusInternalServerError, 20500, "An internal server error has occurred")
		return
	}
	s.mu.Lock()
	s.add(m)
	s.plan(m)
	view := messageView(m)
	s.mu.Unlock()
	switch {
	case serverError:
		refuse(w, http.StatusInternalServerError, 20500, "An internal server error has occurred")
	case chance(cfg.CutRate):
		panic(http.ErrAbortHandler)
	case chance(cfg.EmptyRate):
		w.WriteHeader(http.StatusCreated)
	default:
		answer(w, http.StatusCreated, view)
	}
}

// checkMessage refuses what Twilio refuses at once; what it refuses later is
// the message's fate.
func (s *Sandbox) checkMessage(r *http.Request) (m *Message, status, code int, text string) {
	f := r.PostForm
	to, from, service := f.Get("To"), f.Get("From"), f.Get("MessagingServiceSid")
	bad := func(code int, format string, args ...any) (*Message, int, int, string) {
		return nil, http.StatusBadRequest, code, fmt.Sprintf(format, args...)
	}
	if to == "" {
		return bad(21604, "A 'To' phone number is required.")
	}
	a, err := contact.ParseAddress(strings.TrimPrefix(to, channel), "")
	if err != nil || !strings.HasPrefix(to, channel) {
		return bad(21211, "The 'To' number %s is not a valid phone number.", to)
	}
	switch {
	case service != "" && !serviceSID.MatchString(service):
		return bad(21701, "The Messaging Service %s does not exist.", service)
	case service == "" && from == "":
		return bad(21603, "A 'From' phone number is required.")
	case service == "" && (!strings.HasPrefix(from, channel+"+") || from == channel+notASender):
		return bad(63007, "Twilio could not find a Channel with the specified From address")
	case service != "":
		from = channel + PhoneNumber
	}
	m = &Message{
		SID: newSID("SM"), Direction: "outbound-api", From: from, To: channel + a.Wire, Service: service, Body: f.Get("Body"),
		Content: f.Get("ContentSid"), Callback: f.Get("StatusCallback"), Status: "queued", Created: time.Now(),
	}
	if m.Content == "" {
		if m.Body == "" && f.Get("MediaUrl") == "" {
			return bad(21602, "Message body is required.")
		}
		if utf8.RuneCountInString(m.Body) > 1600 {
			return bad(21617, "The concatenated message body exceeds the 1600 character limit.")
		}
		return m, 0, 0, ""
	}
	if !contentSID.MatchString(m.Content) {
		return bad(21654, "ContentSid %s is not valid.", m.Content)
	}
	if m.Body != "" || f.Get("MediaUrl") != "" {
		return bad(63030, "Body and MediaUrl are not supported together with ContentSid.")
	}
	if raw := f.Get("ContentVariables"); raw != "" {
		if json.Unmarshal([]byte(raw), &m.Variables) != nil {
			return bad(21656, "The ContentVariables parameter is invalid.")
		}
	}
	s.mu.Lock()
	content := s.contents[m.Content]
	s.mu.Unlock()
	if content != nil {
		m.Body = content.fill(m.Variables)
	}
	for _, v := range m.Variables {
		if strings.Contains(v, "     ") || strings.ContainsAny(v, "\n\t") {
			return bad(63013, "A variable holds line breaks, tabs or more than four spaces in a row.")
		}
	}
	return m, 0, 0, ""
}

// fill puts the variables in; like Twilio it falls back to the samples, quietly.
func (c *Content) fill(vars map[string]string) string {
	return bareNumber.ReplaceAllStringFunc(c.Body, func(ref string) string {
		key := ref[2 : len(ref)-2]
		if v, ok := vars[key]; ok {
			return v
		}
		return c.Variables[key]
	})
}

func messageView(m *Message) map[string]any {
	stamp := func(t *time.Time) any {
		if t == nil {
			return nil
		}
		return t.UTC().Format(time.RFC1123Z)
	}
	var code, text any
	if m.Code != 0 {
		code, text = m.Code, twilio.Code(m.Code).Title
	}
	var from, service any = m.From, nil
	if m.Service != "" {
		from, service = nil, m.Service
	}
	return map[string]any{
		"sid": m.SID, "account_sid": AccountSID, "status": m.Status, "direction": m.Direction, "from": from, "to": m.To, "body": m.Body,
		"num_segments": "1", "num_media": "0", "price": nil, "price_unit": nil, "error_code": code, "error_message": text,
		"messaging_service_sid": service, "date_created": stamp(&m.Created), "date_updated": stamp(&m.Created), "date_sent": stamp(m.Sent),
		"api_version": "2010-04-01", "uri": "/2010-04-01/Accounts/" + AccountSID + "/Messages/" + m.SID + ".json", "subresource_uris": map[string]string{},
	}
}

func (s *Sandbox) fetchMessage(w http.ResponseWriter, r *http.Request) {
	sid, isJSON := strings.CutSuffix(r.PathValue("file"), ".json")
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[sid]
	if m == nil || !isJSON {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	answer(w, http.StatusOK, messageView(m))
}

func (s *Sandbox) listMessages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size := 50
	if v, err := strconv.Atoi(q.Get("PageSize")); err == nil && v >= 1 && v <= 1000 {
		size = v
	}
	page, _ := strconv.Atoi(q.Get("Page"))
	var after, before time.Time
	for key, into := range map[string]*time.Time{"DateSent>": &after, "DateSent<": &before} {
		v := q.Get(key)
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			*into = t
		} else if t, err := time.Parse(time.DateOnly, v); err == nil {
			*into = t
		}
	}
	s.mu.Lock()
	var rows []map[string]any
	skipped, more := 0, false
	for i := len(s.order) - 1; i >= 0; i-- {
		m := s.order[i]
		if to := q.Get("To"); to != "" && m.To != to {
			continue
		}
		if from := q.Get("From"); from != "" && m.From != from {
			continue
		}
		if (!after.IsZero() && m.Created.Before(after)) || (!before.IsZero() && m.Created.After(before)) {
			continue
		}
		if skipped < page*size {
			skipped++
			continue
		}
		if len(rows) == size {
			more = true
			break
		}
		rows = append(rows, messageView(m))
	}
	s.mu.Unlock()
	if rows == nil {
		rows = []map[string]any{}
	}
	var next any
	if more {
		q.Set("Page", strconv.Itoa(page+1))
		q.Set("PageToken", "PA"+strconv.Itoa(page+1))
		next = r.URL.Path + "?" + q.Encode()
	}
	answer(w, http.StatusOK, map[string]any{"messages": rows, "page": page, "page_size": size, "uri": r.URL.RequestURI(), "next_page_uri": next})
}

func (s *Sandbox) createContent(w http.ResponseWriter, r *http.Request) {
	var in struct {
		FriendlyName string            `json:"friendly_name"`
		Language     string            `json:"language"`
		Variables    map[string]string `json:"variables"`
		Types        map[string]struct {
			Body string `json:"body"`
		} `json:"types"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, 20001, "The request body is not JSON")
		return
	}
	body := in.Types["twilio/text"].Body
	if in.Language == "" || body == "" {
		refuse(w, http.StatusBadRequest, 20001, "language and types.twilio/text.body are required")
		return
	}
	c := &Content{SID: newSID("HX"), Name: in.FriendlyName, Language: in.Language, Body: body, Variables: in.Variables, Status: "unsubmitted", Created: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contents[c.SID] = c
	s.store.content(c)
	answer(w, http.StatusCreated, contentView(c))
}

func contentView(c *Content) map[string]any {
	base := "https://content.twilio.com/v1/Content/" + c.SID
	return map[string]any{
		"sid": c.SID, "account_sid": AccountSID, "friendly_name": c.Name, "language": c.Language, "variables": c.Variables,
		"types": map[string]any{"twilio/text": map[string]string{"body": c.Body}}, "date_created": c.Created.UTC().Format(time.RFC3339),
		"date_updated": c.Created.UTC().Format(time.RFC3339), "url": base,
		"links": map[string]string{"approval_create": base + "/ApprovalRequests/whatsapp", "approval_fetch": base + "/ApprovalRequests"},
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
	case c.Status != "unsubmitted":
		refuse(w, http.StatusBadRequest, 20001, "the content was submitted already")
		return
	}
	c.Category, c.Status = in.Category, "received"
	c.DecideAt = time.Now().Add(time.Duration(s.settings.ApprovalMS) * time.Millisecond)
	s.store.content(c)
	answer(w, http.StatusCreated, approvalView(c, in.Name))
}

func approvalView(c *Content, name string) map[string]any {
	return map[string]any{"category": c.Category, "status": c.Status, "rejection_reason": c.Reason, "name": name, "content_type": "twilio/text"}
}

// fetchApproval decides when the time has come: WhatsApp's rules on variables
// are the only reasons to reject.
func (s *Sandbox) fetchApproval(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.content(w, r)
	if c == nil {
		return
	}
	if c.Status == "received" && time.Now().After(c.DecideAt) {
		c.Status = "approved"
		if c.Reason = c.faults(); c.Reason != "" {
			c.Status = "rejected"
		}
		s.store.content(c)
	}
	answer(w, http.StatusOK, map[string]any{
		"sid": c.SID, "account_sid": AccountSID, "whatsapp": approvalView(c, c.Name), "url": "https://content.twilio.com/v1/Content/" + c.SID + "/ApprovalRequests",
	})
}

func (c *Content) faults() string {
	text := strings.TrimSpace(c.Body)
	spots := bareNumber.FindAllStringIndex(text, -1)
	var numbers []int
	for i, spot := range spots {
		n, _ := strconv.Atoi(text[spot[0]+2 : spot[1]-2])
		numbers = append(numbers, n)
		if spot[0] == 0 || strings.Trim(text[spot[1]:], " .!?,") == "" {
			return "INVALID_FORMAT: a variable stands first or last"
		}
		if i > 0 && strings.TrimSpace(text[spots[i-1][1]:spot[0]]) == "" {
			return "INVALID_FORMAT: two variables stand side by side"
		}
		if c.Variables[strconv.Itoa(n)] == "" {
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
