package sandbox

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SenderSID is the SID of the one WhatsApp sender there is.
const SenderSID = "XE5a4db0f5a4db0f5a4db0f5a4db0f5a4d"

// Webhook is where what concerns the sender goes, as Twilio's Senders API has it; nil: nowhere.
type Webhook struct {
	CallbackURL          *string `json:"callback_url"`
	CallbackMethod       *string `json:"callback_method"`
	FallbackURL          *string `json:"fallback_url"`
	FallbackMethod       *string `json:"fallback_method"`
	StatusCallbackURL    *string `json:"status_callback_url"`
	StatusCallbackMethod *string `json:"status_callback_method"`
}

// webhookOf is the sender's webhook: the one that was set, or that the sandbox was started with.
// The caller holds the lock.
func (s *Sandbox) webhookOf() Webhook {
	if s.webhook != nil {
		return *s.webhook
	}
	if s.opts.InboundURL == "" {
		return Webhook{}
	}
	inbound, post := s.opts.InboundURL, http.MethodPost
	return Webhook{CallbackURL: &inbound, CallbackMethod: &post}
}

// inboundURLs are where a message that comes in goes: to the first, and to the second where that did not take it.
func (s *Sandbox) inboundURLs() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.webhookOf()
	for _, u := range []*string{w.CallbackURL, w.FallbackURL} {
		if u != nil && *u != "" {
			all = append(all, *u)
		}
	}
	return all
}

// senderView is the sender as the API tells of it; the caller holds the lock.
func (s *Sandbox) senderView(status string) map[string]any {
	return map[string]any{
		"sid": SenderSID, "sender_id": channel + PhoneNumber, "status": status, "friendly_name": nil,
		"configuration": map[string]any{
			"waba_id": "100000000000001", "verification_method": nil, "verification_code": nil, "voice_application_sid": nil, "account_type": nil,
		},
		"webhook": s.webhookOf(),
		"profile": map[string]any{
			"name": "Sandbox", "about": nil, "description": nil, "address": nil, "vertical": nil, "logo_url": nil, "banner_url": nil,
			"privacy_url": nil, "terms_of_service_url": nil, "accent_color": nil, "emails": nil, "phone_numbers": nil, "websites": nil,
		},
		"properties": map[string]any{
			"quality_rating": "HIGH", "messaging_limit": s.messagingLimit(),
		},
		"offline_reasons": nil, "compliance": nil, "url": "https://messaging.twilio.com/v2/Channels/Senders/" + SenderSID,
	}
}

// messagingLimit is the limit of people a day, as Twilio tells it.
func (s *Sandbox) messagingLimit() string {
	switch n := s.settings.Load().PortfolioLimit; {
	case n == 0:
		return "Unlimited"
	case n%1000 == 0:
		return fmt.Sprintf("%dK Customers/24hr", n/1000)
	default:
		return fmt.Sprintf("%d Customers/24hr", n)
	}
}

// listSenders gives the one there is.
func (s *Sandbox) listSenders(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	size := 20 // of WhatsApp; else 50
	if raw := q.Get("PageSize"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > 1000 {
			refuse(w, http.StatusBadRequest, 63100, "PageSize: 1 to 1000")
			return
		}
		size = n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []any
	switch q.Get("Channel") {
	case "whatsapp":
		list = []any{s.senderView("ONLINE")}
	case "rcs":
		list = []any{}
	default:
		refuse(w, http.StatusBadRequest, 63100, "Channel: whatsapp or rcs")
		return
	}
	here := "https://messaging.twilio.com/v2/Channels/Senders?PageSize=" + strconv.Itoa(size) + "&Page=0&Channel=" + q.Get("Channel")
	answer(w, http.StatusOK, map[string]any{
		"senders": list, "meta": map[string]any{
			"page": 0, "page_size": size, "first_page_url": here, "previous_page_url": nil, "url": here, "next_page_url": nil, "key": "senders",
		},
	})
}

func (s *Sandbox) noSender(w http.ResponseWriter, r *http.Request) bool {
	if r.PathValue("sid") == SenderSID {
		return false
	}
	refuse(w, http.StatusNotFound, 20404, "The requested resource "+r.URL.Path+" was not found")
	return true
}

func (s *Sandbox) fetchSender(w http.ResponseWriter, r *http.Request) {
	if s.noSender(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, http.StatusOK, s.senderView("ONLINE"))
}

// updateSender changes the webhook: fields that are given, null takes one away, and those that are absent stay.
func (s *Sandbox) updateSender(w http.ResponseWriter, r *http.Request) {
	if s.noSender(w, r) {
		return
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, 20422, "Content-Type: want application/json")
		return
	}
	var in struct {
		Webhook map[string]*string `json:"webhook"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		refuse(w, http.StatusBadRequest, 63100, "The request body is not JSON as it should be")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.webhookOf()
	fields := map[string]**string{
		"callback_url": &next.CallbackURL, "callback_method": &next.CallbackMethod, "fallback_url": &next.FallbackURL,
		"fallback_method": &next.FallbackMethod, "status_callback_url": &next.StatusCallbackURL,
		"status_callback_method": &next.StatusCallbackMethod,
	}
	for name, value := range in.Webhook {
		at, known := fields[name]
		if !known {
			refuse(w, http.StatusBadRequest, 63100, "webhook."+name+" is not known")
			return
		}
		if value != nil {
			if err := checkWebhook(name, *value); err != nil {
				refuse(w, http.StatusBadRequest, 63100, err.Error())
				return
			}
		}
		*at = value
	}
	s.webhook = &next
	s.store.write(line{Webhook: &next})
	answer(w, http.StatusAccepted, s.senderView("ONLINE:UPDATING"))
}

func checkWebhook(name, value string) error {
	if strings.HasSuffix(name, "_method") {
		allowed := []string{http.MethodPost, http.MethodPut}
		if !slices.Contains(allowed, value) {
			return fmt.Errorf("webhook.%s: %q is not POST or PUT", name, value)
		}
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Contains(u.Hostname(), "_") {
		return fmt.Errorf("webhook.%s: %q is not a web address", name, value)
	}
	return nil
}
