package sandbox

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"eventstream/server/twilio"
)

var (
	contentSID  = regexp.MustCompile(`^HX[0-9a-f]{32}$`)
	serviceSID  = regexp.MustCompile(`^MG[0-9a-f]{32}$`)
	variableRef = regexp.MustCompile(`\{\{([0-9A-Za-z_]{1,16})\}\}`)
)

func (s *Sandbox) handler() http.Handler {
	mux := http.NewServeMux()
	const account = "/2010-04-01/Accounts/{account}"
	mux.HandleFunc("GET /2010-04-01/Accounts/{file}", s.fetchAccount)
	mux.HandleFunc("GET /v2/Channels/Senders", s.listSenders)
	mux.HandleFunc("GET /v2/Channels/Senders/{sid}", s.fetchSender)
	mux.HandleFunc("POST /v2/Channels/Senders/{sid}", s.updateSender)
	mux.HandleFunc("POST "+account+"/Messages.json", s.createMessage)
	mux.HandleFunc("GET "+account+"/Messages.json", s.listMessages)
	mux.HandleFunc("GET "+account+"/Messages/{file}", s.fetchMessage)
	mux.HandleFunc("POST "+account+"/Messages/{file}", s.updateMessage)
	mux.HandleFunc("GET "+account+"/Messages/{sid}/Media.json", s.listMedia)
	mux.HandleFunc("GET "+account+"/Messages/{sid}/Media/{file}", s.fetchMedia)
	mux.HandleFunc("DELETE "+account+"/Messages/{sid}/Media/{file}", s.deleteMedia)
	mux.HandleFunc("POST /v1/Content", s.createContent)
	mux.HandleFunc("GET /v1/Content/{sid}", s.fetchContent)
	mux.HandleFunc("GET /v1/ContentAndApprovals", s.listContents)
	mux.HandleFunc("POST /v1/Content/{sid}/ApprovalRequests/whatsapp", s.submitContent)
	mux.HandleFunc("GET /v1/Content/{sid}/ApprovalRequests", s.fetchApproval)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.settings.Load().Silent {
			hang(r)
		}
		w.Header().Set("Twilio-Request-Id", newSID("RQ"))
		user, password, ok := r.BasicAuth()
		if !ok || user != AccountSID || password != s.token {
			refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Sandbox) fetchAccount(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("file") != AccountSID+".json" {
		refuse(w, http.StatusNotFound, 20404, "The requested resource was not found")
		return
	}
	const uri = "/2010-04-01/Accounts/" + AccountSID
	born := time.Unix(0, 0).UTC().Format(time.RFC1123Z)
	answer(w, http.StatusOK, map[string]any{ // without the token: who asks has it, and nobody reads it here
		"sid": AccountSID, "owner_account_sid": AccountSID, "status": "active", "friendly_name": "Sandbox", "type": "Trial",
		"date_created": born, "date_updated": born, "uri": uri + ".json",
		"subresource_uris": map[string]string{"messages": uri + "/Messages.json"},
	})
}

// hang keeps the connection and answers nothing until the caller gives up.
func hang(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // without it net/http does not see the caller go
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func refuse(w http.ResponseWriter, status, code int, text string) {
	answer(w, status, map[string]any{
		"code": code, "message": text,
		"more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status,
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Sandbox) createMessage(w http.ResponseWriter, r *http.Request) {
	asked := time.Now()
	cfg := s.settings.Load()
	crowded := int(s.inFlight.Add(1)) > cfg.ConcurrencyLimit && cfg.ConcurrencyLimit > 0
	defer s.inFlight.Add(-1)
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
	if chance(cfg.HangRate) {
		hang(r)
	}
	serverError := chance(cfg.ServerErrorRate)
	if serverError && chance(0.5) {
		refuse(w, http.StatusInternalServerError, 20500, "An internal server error has occurred")
		return
	}
	m.Asked = asked
	view := s.view(m)
	s.store.message(m) // before anything else is written of it, and before the answer
	s.mu.Lock()
	s.add(m)
	s.plan(m)
	s.mu.Unlock()
	switch {
	case serverError:
		refuse(w, http.StatusInternalServerError, 20500, "An internal server error has occurred")
	case chance(cfg.DropAnswerRate):
		hang(r)
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
	address, ok := checkAddress(to)
	if !ok {
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
		SID: newSID("SM"), Direction: "outbound-api", From: from, To: channel + address, Service: service,
		Body:    f.Get("Body"),
		Content: f.Get("ContentSid"), Callback: f.Get("StatusCallback"), Status: "queued", Created: time.Now(),
	}
	if service != "" {
		m.Status = "accepted"
	}
	if raw := f.Get("ValidityPeriod"); raw != "" {
		seconds, err := strconv.Atoi(raw)
		if err != nil || seconds < 1 || seconds > int(defaultValidity/time.Second) {
			return bad(20001, "ValidityPeriod must be 1 to 36000 seconds.")
		}
		m.Validity = time.Duration(seconds) * time.Second
	}
	if m.Content == "" {
		if f.Get("ContentVariables") != "" {
			return bad(21654, "ContentVariables are given without ContentSid.")
		}
		if m.Body == "" && f.Get("MediaUrl") == "" {
			return bad(21602, "Message body is required.")
		}
		if address := f.Get("MediaUrl"); address != "" { // WhatsApp honours one
			if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				return bad(21620, "Invalid media URL(s).")
			}
			m.SID, m.Media, m.fault = newSID("MM"), []string{newSID("ME")}, s.fetchFile(r.Context(), address)
		}
		if utf8.RuneCountInString(m.Body) > 1600 {
			return bad(21617, "The concatenated message body exceeds the 1600 character limit.")
		}
		return m, 0, 0, ""
	}
	s.mu.Lock()
	content := s.contents[m.Content]
	s.mu.Unlock()
	if !contentSID.MatchString(m.Content) || content == nil {
		return bad(21655, "The ContentSid %s is invalid.", m.Content)
	}
	if m.Body != "" || f.Get("MediaUrl") != "" {
		return bad(63030, "Body and MediaUrl are not supported together with ContentSid.")
	}
	if raw := f.Get("ContentVariables"); raw != "" {
		if json.Unmarshal([]byte(raw), &m.Variables) != nil || !content.takes(m.Variables) {
			return bad(21656, "The Content Variables parameter is invalid.")
		}
	}
	m.Body = content.fill(m.Variables)
	m.fault = s.contentFault(r.Context(), content, m.Variables)
	for _, v := range m.Variables {
		if strings.Contains(v, "     ") || strings.ContainsAny(v, "\n\t") {
			return bad(63013, "A variable holds line breaks, tabs or more than four spaces in a row.")
		}
	}
	return m, 0, 0, ""
}

// view is an entry of the log, or the answer to a create, as Twilio shows it.
type view struct {
	SID        string            `json:"sid"`
	Account    string            `json:"account_sid"`
	Status     string            `json:"status"`
	Direction  string            `json:"direction"`
	From       *string           `json:"from"`
	To         string            `json:"to"`
	Body       string            `json:"body"`
	Segments   string            `json:"num_segments"`
	Media      string            `json:"num_media"`
	Price      *string           `json:"price"`
	PriceUnit  *string           `json:"price_unit"`
	Code       *int              `json:"error_code"`
	Error      *string           `json:"error_message"`
	Service    *string           `json:"messaging_service_sid"`
	Created    string            `json:"date_created"`
	Updated    string            `json:"date_updated"`
	Sent       *string           `json:"date_sent"`
	APIVersion string            `json:"api_version"`
	URI        string            `json:"uri"`
	Resources  map[string]string `json:"subresource_uris"`
}

// view shows a message that nobody changes meanwhile: a new one, or a copy.
func (s *Sandbox) view(m *Message) view {
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }
	uri := "/2010-04-01/Accounts/" + AccountSID + "/Messages/" + m.SID
	v := view{
		SID: m.SID, Account: AccountSID, Status: m.Status, Direction: m.Direction, To: m.To, Body: m.Body,
		Segments: "1", Media: strconv.Itoa(len(m.Media)),
		Created: stamp(m.Created), Updated: stamp(m.Created), APIVersion: "2010-04-01", URI: uri + ".json",
		Resources: map[string]string{"media": uri + "/Media.json"},
	}
	if from := m.listedFrom(); from != "" {
		v.From = &from
	} else {
		v.Service = &m.Service
	}
	if m.Service != "" || s.settings.Load().RedactBodies {
		v.Body = ""
	}
	if m.Code != 0 {
		title := string(twilio.Code(m.Code).Title)
		v.Code, v.Error = &m.Code, &title
	}
	if m.Sent != nil {
		sent := stamp(*m.Sent)
		v.Sent = &sent
	}
	if m.final() { // Twilio's own fee: whether Meta's is in it, its documentation does not say
		fee, unit := "-0.00500", "USD"
		if m.Status == "failed" {
			fee = "-0.00100"
		}
		v.Price, v.PriceUnit = &fee, &unit
	}
	return v
}

func (s *Sandbox) message(sid string) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.messages[sid]; m != nil {
		return *m, true
	}
	return Message{}, false
}

// fetchMessage reads one entry. The list may lag behind, a SID does not.
func (s *Sandbox) fetchMessage(w http.ResponseWriter, r *http.Request) {
	sid, isJSON := strings.CutSuffix(r.PathValue("file"), ".json")
	m, ok := s.message(sid)
	if !ok || !isJSON {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	answer(w, http.StatusOK, s.view(&m))
}

// updateMessage empties a text, which is all that Twilio changes about a message that was
// sent; until its delivery is over it refuses that (errors/20009, errors/30400).
func (s *Sandbox) updateMessage(w http.ResponseWriter, r *http.Request) {
	if s.settings.Load().busy(w) {
		return
	}
	sid, isJSON := strings.CutSuffix(r.PathValue("file"), ".json")
	m, ok := s.message(sid)
	body, given := []string(nil), false
	if r.ParseForm() == nil {
		body, given = r.PostForm["Body"]
	}
	switch {
	case !ok || !isJSON || r.PathValue("account") != AccountSID:
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	case !given || len(body) != 1 || body[0] != "":
		refuse(w, http.StatusBadRequest, 30400, "Parameters are not valid")
		return
	case !m.final():
		refuse(w, http.StatusConflict, 20009,
			"Unable to update record: Cannot delete message because delivery has not been completed.")
		return
	}
	s.redact(redaction{SID: sid, Text: true})
	m, _ = s.message(sid)
	answer(w, http.StatusOK, s.view(&m))
}

// busy answers as a Twilio that is too busy or broken, as often as the settings say.
func (s Settings) busy(w http.ResponseWriter) bool {
	switch {
	case chance(s.TooManyRate):
		refuse(w, http.StatusTooManyRequests, 20429, "Too Many Requests")
	case chance(s.ServerErrorRate):
		refuse(w, http.StatusInternalServerError, 20500, "An internal server error has occurred")
	default:
		return false
	}
	return true
}

// redact takes something away for good: it is written before anybody is told.
func (s *Sandbox) redact(what redaction) {
	s.store.write(line{Redact: &what})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(what)
}

// forget changes the log; the caller holds the lock, or is the only one.
func (s *Sandbox) forget(what redaction) {
	m := s.messages[what.SID]
	if m == nil {
		return
	}
	if what.Text {
		m.Body, m.Variables = "", nil
	}
	m.Media = slices.DeleteFunc(slices.Clone(m.Media), func(sid string) bool { return sid == what.Media })
}

// listMedia lists those of a message.
func (s *Sandbox) listMedia(w http.ResponseWriter, r *http.Request) {
	m, ok := s.message(r.PathValue("sid"))
	if !ok {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	list, at := []any{}, m.Created.UTC().Format(time.RFC1123Z)
	for _, sid := range m.Media {
		list = append(list, map[string]any{
			"sid": sid, "parent_sid": m.SID, "account_sid": AccountSID, "content_type": "image/png", "date_created": at, "date_updated": at,
			"uri": "/2010-04-01/Accounts/" + AccountSID + "/Messages/" + m.SID + "/Media/" + sid + ".json",
		})
	}
	answer(w, http.StatusOK, listed(r, "media_list", list, len(list), 0, mediaPage, nil))
}

// fetchMedia gives a picture of one colour, another for each file.
func (s *Sandbox) fetchMedia(w http.ResponseWriter, r *http.Request) {
	m, _ := s.message(r.PathValue("sid"))
	sid := r.PathValue("file")
	if !slices.Contains(m.Media, sid) {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	sum := crc32.ChecksumIEEE([]byte(sid))
	fill := color.NRGBA{R: byte(sum), G: byte(sum >> 8), B: byte(sum >> 16), A: 0xff}
	picture := image.NewPaletted(image.Rect(0, 0, 640, 480), color.Palette{fill})
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, picture)
}

func (s *Sandbox) deleteMedia(w http.ResponseWriter, r *http.Request) {
	m, _ := s.message(r.PathValue("sid"))
	sid, _ := strings.CutSuffix(r.PathValue("file"), ".json")
	if !slices.Contains(m.Media, sid) {
		refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
		return
	}
	s.redact(redaction{SID: m.SID, Media: sid})
	w.WriteHeader(http.StatusNoContent)
}

// listMessages lists newest first, as far as the log has got: what is younger
// than its lag is not in it yet.
func (s *Sandbox) listMessages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, err := readFilter(q)
	if err != nil {
		refuse(w, http.StatusBadRequest, 20001, err.Error())
		return
	}
	f.until = time.Now().Add(-time.Duration(s.settings.Load().LogLagMS) * time.Millisecond)
	found, more := s.find(f)
	rows := make([]view, len(found))
	for i := range found {
		rows[i] = s.view(&found[i])
	}
	page, _ := strconv.Atoi(q.Get("Page"))
	var next *string
	if more {
		q.Set("Page", strconv.Itoa(page+1))
		q.Set("PageToken", "PA"+rows[len(rows)-1].SID)
		uri := r.URL.Path + "?" + q.Encode()
		next = &uri
	}
	answer(w, http.StatusOK, listed(r, "messages", rows, len(rows), page, f.size, next))
}

const mediaPage = 50 // a message has ten at most

// listed is a page of a list, of which pages follow one another forwards only.
func listed(r *http.Request, key string, rows any, count, page, size int, next *string) map[string]any {
	first := r.URL.Query()
	first.Set("Page", "0")
	first.Set("PageSize", strconv.Itoa(size))
	first.Del("PageToken")
	return map[string]any{
		key: rows, "page": page, "page_size": size, "start": page * size, "end": page*size + max(count-1, 0),
		"uri": r.URL.RequestURI(), "first_page_uri": r.URL.Path + "?" + first.Encode(), "previous_page_uri": nil, "next_page_uri": next,
	}
}

const largestPage = 1000 // of every list

// filter is what a list is asked for.
type filter struct {
	to, from      string    // exact, as the log shows them
	after, before time.Time // date_sent, both counted in; an entry without one is in no answer that asks for it
	until         time.Time // created
	behind        string    // the SID that ended the page before
	size          int
}

func readFilter(q url.Values) (f filter, err error) {
	f = filter{to: q.Get("To"), from: q.Get("From"), behind: strings.TrimPrefix(q.Get("PageToken"), "PA"), size: 50}
	if raw := q.Get("PageSize"); raw != "" {
		if f.size, err = strconv.Atoi(raw); err != nil || f.size < 1 || f.size > largestPage {
			return f, fmt.Errorf("PageSize: %q is not 1 to %d", raw, largestPage)
		}
	}
	if f.after, _, err = readDate(q, "DateSent>"); err != nil {
		return f, err
	}
	if _, f.before, err = readDate(q, "DateSent<"); err != nil {
		return f, err
	}
	if q.Get("DateSent") != "" {
		f.after, f.before, err = readDate(q, "DateSent")
	}
	return f, err
}

// readDate reads a day in GMT, or a moment.
func readDate(q url.Values, name string) (first, last time.Time, err error) {
	raw := q.Get(name)
	if raw == "" {
		return first, last, nil
	}
	if day, err := time.Parse(time.DateOnly, raw); err == nil {
		return day, day.Add(24*time.Hour - time.Second), nil
	}
	moment, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		return first, last, fmt.Errorf("%s: %q is no date", name, raw)
	}
	return moment.Truncate(time.Second), moment.Truncate(time.Second), nil
}

// find gives a page of copies, and whether there is another.
func (s *Sandbox) find(f filter) (page []Message, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.order
	if f.to != "" {
		log = s.to[f.to]
	}
	if from := s.from[f.from]; f.from != "" && (f.to == "" || len(from) < len(log)) {
		log = from
	}
	end := len(log)
	if last := s.messages[f.behind]; last != nil {
		end = sort.Search(len(log), func(i int) bool { return log[i].place >= last.place })
	}
	for i := end - 1; i >= 0; i-- {
		m := log[i]
		if f.to != "" && m.To != f.to || f.from != "" && m.listedFrom() != f.from || m.Created.After(f.until) {
			continue
		}
		if !f.after.IsZero() && (m.Sent == nil || m.Sent.Truncate(time.Second).Before(f.after)) ||
			!f.before.IsZero() && (m.Sent == nil || m.Sent.Truncate(time.Second).After(f.before)) {
			continue
		}
		if len(page) == f.size {
			return page, true
		}
		page = append(page, *m)
	}
	return page, false
}
