package golive

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
)

// Webhook is where Twilio sends what concerns a sender. The texts are as Twilio has them.
type Webhook struct {
	CallbackURL          string `json:"callbackUrl"` // what people write
	CallbackMethod       string `json:"callbackMethod"`
	FallbackURL          string `json:"fallbackUrl"` // when the first did not answer
	FallbackMethod       string `json:"fallbackMethod"`
	StatusCallbackURL    string `json:"statusCallbackUrl"` // receipts of messages that name no address of their own; ours do
	StatusCallbackMethod string `json:"statusCallbackMethod"`
}

// ChannelSender is a WhatsApp sender as Twilio has it.
type ChannelSender struct {
	SID            string // XE…
	Address        string // E.164
	Name           string // "": Twilio tells none
	Status         string // in Twilio's words; ONLINE sends
	OfflineReasons []string
	Quality        string // in Meta's words; "": not told
	Limit          string // messages to new people a day, in Meta's words; "": not told
	Webhook        Webhook
}

// Online reports whether it sends.
func (s *ChannelSender) Online() bool { return strings.HasPrefix(strings.ToUpper(s.Status), "ONLINE") }

// Senders reads and changes what Twilio knows of an account's WhatsApp senders.
type Senders interface {
	// ChannelSenders lists them.
	ChannelSenders(ctx context.Context) ([]ChannelSender, error)
	// ChannelSender reads one by its SID; nil: there is none.
	ChannelSender(ctx context.Context, sid string) (*ChannelSender, error)
	// SetWebhook changes where Twilio sends what concerns one, and gives it as it is then.
	SetWebhook(ctx context.Context, sid string, w Webhook) (*ChannelSender, error)
}

// Known is a sender of the account, and what is known of it here.
type Known struct {
	ChannelSender

	ID     int64   // of the sender here; 0: it is none here
	Ours   bool    // what people write comes here
	Would  Webhook // what setting would make of its webhooks
	Change *Change // the newest change that can be put back; nil: there is none
}

// ListSenders reads the senders of the account from Twilio. Admins only.
func (s *Service) ListSenders(ctx context.Context) ([]Known, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	api, err := s.api(ctx)
	if err != nil || api == nil {
		return nil, err
	}
	rows, err := api.ChannelSenders(ctx)
	if err != nil {
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "Twilio does not tell its senders: try again, and look at the credentials")
	}
	here, err := sendersHere(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	sids := make([]string, len(rows))
	for i, r := range rows {
		sids[i] = r.SID
	}
	changes, err := lastChanges(ctx, s.DB, s.Keys, sids)
	if err != nil {
		return nil, err
	}
	out := make([]Known, len(rows))
	for i, r := range rows {
		out[i] = s.known(r, here[r.Address], changes[r.SID])
	}
	return out, nil
}

// MessagingLimits are what Twilio tells of how many people the senders of the account may write to first, in its words.
func (s *Service) MessagingLimits(ctx context.Context) (told []string, err error) {
	api, err := s.api(ctx)
	if err != nil || api == nil {
		return nil, err
	}
	rows, err := api.ChannelSenders(ctx)
	for _, r := range rows {
		told = append(told, r.Limit)
	}
	return told, err
}

func (s *Service) known(c ChannelSender, id int64, change *Change) Known {
	return Known{ChannelSender: c, ID: id, Ours: s.ours(c.Webhook), Would: s.would(c.Webhook), Change: change}
}

func (s *Service) api(ctx context.Context) (Senders, error) {
	a, err := s.account(ctx)
	if err != nil || a == nil {
		return nil, err
	}
	return s.Senders(*a)
}

// post is the method by which messages come here.
const post = "POST"

// ours reports whether what people write comes here.
func (s *Service) ours(w Webhook) bool {
	return s.leadsHere(w) && (w.CallbackMethod == "" || strings.EqualFold(w.CallbackMethod, post))
}

// leadsHere reports whether it names this server, by whatever method.
func (s *Service) leadsHere(w Webhook) bool {
	want, _, _ := strings.Cut(s.Inbound(), "#")
	is, _, _ := strings.Cut(w.CallbackURL, "#")
	return strings.TrimSuffix(is, "/") == want
}

// would is what setting makes of webhooks: all that people write comes here, also what did
// not at once. Receipts that name no address of their own are left to whoever gets them.
func (s *Service) would(w Webhook) Webhook {
	w.CallbackURL, w.CallbackMethod = s.Inbound(), post
	w.FallbackURL, w.FallbackMethod = s.Inbound(), post
	return w
}

const versionPurpose = "version of a sender's webhook"

// text is all that a version is made of.
func (w Webhook) text() string {
	raw, _ := json.Marshal(w) // strings always can be
	return string(raw)
}

// Version is another whenever anything of a webhook is. It tells nothing of it.
func (s *Service) Version(w Webhook) string { return s.Keys.Sign(versionPurpose, w.text()) }

// SetWebhook has Twilio send here what people write to a sender, and keeps what was so
// before. seen is the version that stood there when the question was answered. Admins
// only, with Twilio live: before, what people write would be refused.
func (s *Service) SetWebhook(ctx context.Context, sid, seen string) (*Known, error) {
	return s.change(ctx, sid, seen, s.would)
}

// RestoreWebhook puts back where messages went before a change. Where receipts go was not
// changed here, and stays.
func (s *Service) RestoreWebhook(ctx context.Context, changeID int64, seen string) (*Known, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	was, err := changeByID(ctx, s.DB, s.Keys, changeID)
	if errors.Is(err, secret.ErrUnreadable) {
		return nil, apperr.Conflict("%s", err.Error())
	}
	if err != nil {
		return nil, err
	}
	if was == nil {
		return nil, apperr.NotFound("change of a webhook %v does not exist", changeID)
	}
	return s.change(ctx, was.SenderSID, seen, func(w Webhook) Webhook {
		w.CallbackURL, w.CallbackMethod = was.Before.CallbackURL, was.Before.CallbackMethod
		w.FallbackURL, w.FallbackMethod = was.Before.FallbackURL, was.Before.FallbackMethod
		return w
	})
}

func (s *Service) change(ctx context.Context, sid, seen string, to func(Webhook) Webhook) (*Known, error) {
	if err := actor.Require(ctx, actor.RoleAdmin); err != nil {
		return nil, err
	}
	if !s.Live {
		return nil, apperr.Conflict("go live first: until then this server refuses what Twilio sends")
	}
	api, err := s.api(ctx)
	if err != nil {
		return nil, err
	}
	now, err := api.ChannelSender(ctx, sid)
	if err != nil {
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "Twilio does not tell about this sender: try again")
	}
	if now == nil {
		return nil, apperr.Invalid("senderSid", "%q is no WhatsApp sender of this account", clipped(sid))
	}
	if !s.Keys.Signed(versionPurpose, now.Webhook.text(), seen) {
		return nil, apperr.Conflict("the webhook of %s is not what was shown any more: look again", now.Address)
	}
	if next := to(now.Webhook); next != now.Webhook {
		if now, err = s.put(ctx, api, now, next); err != nil {
			return nil, err
		}
	}
	here, err := sendersHere(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	changes, err := lastChanges(ctx, s.DB, s.Keys, []string{sid})
	if err != nil {
		return nil, err
	}
	k := s.known(*now, here[now.Address], changes[sid])
	return &k, nil
}

// put has Twilio change a webhook. What was there is kept before it is changed, as it must
// not be lost with the answer.
func (s *Service) put(ctx context.Context, api Senders, now *ChannelSender, next Webhook) (*ChannelSender, error) {
	c := &Change{
		SenderSID: now.SID, Address: now.Address, Before: now.Webhook, After: next, State: ChangeAsked, FromHere: s.leadsHere(now.Webhook),
		OperatorID: actor.OperatorID(ctx),
	}
	err := s.DB.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := insertChange(ctx, tx, s.Keys, c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.SenderWebhook, "sender_webhook", c.ID, map[string]any{
			"sender": now.Address, "from": hostOf(now.Webhook.CallbackURL), "to": hostOf(next.CallbackURL),
		})
	})
	if err != nil {
		return nil, err
	}
	is, err := api.SetWebhook(ctx, now.SID, next)
	switch {
	case err == nil:
		return is, settleChange(ctx, s.DB, c.ID, ChangeDone)
	case apperr.Is(err, apperr.CodeInvalid): // Twilio says why it did not
		return nil, errors.Join(err, settleChange(ctx, s.DB, c.ID, ChangeFailed))
	}
	return nil, apperr.Wrap(err, apperr.CodeUnavailable, "Twilio may or may not have set the webhook of %s: look again", now.Address)
}

// hostOf is what of an address may stand in the trail: paths and queries can hold tokens
// of other systems.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return ""
	}
	return u.Host
}

// Shown is an address as people may see it: without the name and the password with which
// Twilio signs in there.
func Shown(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return address
	}
	return scheme + "://…" + rest[at:]
}

// Test is the message to one's own number.
type Test struct {
	ContactID int64 `json:"contactId"`
	MessageID int64 `json:"messageId"`

	AnsweredAt *time.Time `json:"-"` // nil: not yet
}
