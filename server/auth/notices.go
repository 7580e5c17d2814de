package auth

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/jobs"
	"eventstream/server/say"

	"github.com/riverqueue/river"
	"github.com/uptrace/bun"
)

// Event is something that happened to somebody's account, which they are told by
// email: if it was not them, they can act.
type Event string

// The events. What each means to its reader stands in tellings.
const (
	EventSignIn        Event = "sign_in" // on a device or from a network that was not known
	EventPassword      Event = "password_change"
	EventPasswordSet   Event = "password_set"
	EventPasswordLink  Event = "password_link"
	EventFactorAdded   Event = "factor_add"
	EventFactorRemoved Event = "factor_remove"
	EventFactorsReset  Event = "factors_reset"
	EventRecoveryNew   Event = "recovery_codes"
	EventRecoveryUsed  Event = "recovery_code_used"
	EventToken         Event = "api_token"
	EventRole          Event = "role"
	EventActive        Event = "active"
	EventLockout       Event = "lockout"
	EventReset         Event = "reset"
	EventLinked        Event = "provider_link"
)

// tellings are what an email says of an event. %s is the detail, of those that have one.
var tellings = map[Event]struct{ subject, text say.Format }{
	EventSignIn:       {"New sign-in to your account", "Somebody signed in to your account %s."},
	EventPassword:     {"Your password was changed", "The password of your account was changed."},
	EventPasswordSet:  {"Your password was set", "A password was set for your account through a one-time link."},
	EventPasswordLink: {"A link for a new password was made", "A one-time link was made that sets a new password for your account."},
	EventFactorAdded:  {"A way to sign in was added", "This was added to the sign-in of your account: %s."},
	EventFactorRemoved: {
		"A way to sign in was removed", "This was removed from the sign-in of your account: %s.",
	},
	EventFactorsReset: {
		"Your two-step sign-in was reset", "All second factors of your account were removed, and you were signed out.",
	},
	EventRecoveryNew: {
		"New recovery codes were made", "New recovery codes were made for your account. Those before no longer work.",
	},
	EventRecoveryUsed: {"A recovery code was used", "Somebody signed in to your account with a recovery code. %s."},
	EventToken:        {"An API token was made", "An API token was made with your account: %s."},
	EventRole:         {"Your role was changed", "Your role is now %s."},
	EventActive:       {"Your access was changed", "Your account was %s."},
	EventLockout: {
		"Sign-in to your account has to wait",
		"Somebody tried several times in a row to sign in to your account, and failed. The next attempt has to wait.",
	},
	EventLinked: {
		"Your account was linked",
		"Your account was linked with yours at the provider where operators sign in. From now on you can sign in there.",
	},
	EventReset: {
		"Your account was reset",
		"Your account was reset on the server's command line: you are an active admin, second factors were removed, and a " +
			"link was made that sets a new password.",
	},
}

// How many emails somebody gets. What strangers can bring about is told once an
// hour; all else is not held back before there are so many that nobody reads them.
var (
	noticeLimit  = limit{free: 20, base: time.Hour, longest: time.Hour}
	lockoutLimit = limit{free: 1, base: time.Hour, longest: time.Hour}
)

// NoticeArgs is the job that tells an operator about an event. There is nothing
// secret in it.
type NoticeArgs struct {
	OperatorID int64     `json:"operator_id"`
	Event      Event     `json:"event"`
	Detail     string    `json:"detail,omitempty"`
	At         time.Time `json:"at"`
	ByID       int64     `json:"by_id,omitempty"` // another operator, who did it
	Address    string    `json:"address,omitempty"`
	Browser    string    `json:"browser,omitempty"`
	Last       bool      `json:"last,omitempty"` // more within the hour are not told
}

// Kind names the job.
func (NoticeArgs) Kind() string { return "security_notice" }

// InsertOpts names its queue. It is tried for some twenty hours.
func (NoticeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: jobs.QueueMaintenance, MaxAttempts: 14}
}

// tell has the operator told about an event, once the transaction commits. Without
// a server for emails nobody is told.
func (s *Service) tell(ctx context.Context, tx bun.Tx, operator int64, event Event, detail string, from Client) error {
	if s.mail == nil || s.jobs == nil {
		return nil
	}
	key, limit := fmt.Sprintf("notice:%d", operator), noticeLimit
	if event == EventLockout {
		key, limit = key+":lockout", lockoutLimit
	}
	n, wait, err := takeAttempt(ctx, tx, key, limit)
	if err != nil || wait > 0 {
		return err
	}
	args := NoticeArgs{
		OperatorID: operator, Event: event, Detail: detail, At: s.now().UTC(), Last: n >= limit.free,
		Address: addressText(from.Address), Browser: browserName(from.UserAgent),
	}
	if by := actor.From(ctx); by.Kind == actor.KindOperator && by.ID != operator {
		// Where an admin works is nobody else's business.
		args.ByID, args.Address, args.Browser = by.ID, "", ""
	}
	return s.jobs.Insert(ctx, tx, args)
}

// tellSelf is tell about what somebody who is signed in did.
func (s *Service) tellSelf(ctx context.Context, tx bun.Tx, operator int64, event Event, detail string) error {
	return s.tell(ctx, tx, operator, event, detail, Client{Address: actor.Address(ctx)})
}

// SendNotice emails what a job says.
func (s *Service) SendNotice(ctx context.Context, n NoticeArgs) error {
	if s.mail == nil {
		return apperr.New(apperr.CodeUnavailable, "SMTP_URL is not set where this job is worked")
	}
	o, err := operatorByID(ctx, s.db, n.OperatorID)
	if apperr.Is(err, apperr.CodeNotFound) || err == nil && o.Kind != KindPerson {
		return nil
	}
	if err != nil {
		return err
	}
	by := ""
	if n.ByID != 0 {
		who, err := operatorByID(ctx, s.db, n.ByID)
		if err != nil {
			return err
		}
		by = who.Name
	}
	subject, text := n.email(readerOf(o), o.Name, by, s.publicURL())
	return s.mail(ctx, o.Email, subject, text)
}

// readerOf is who reads an email: the operator, in the language that they chose. What their browser prefers is not known
// here, and who brought an email about may be a stranger.
func readerOf(o *Operator) say.Reader { return say.Reader{Language: cmp.Or(o.Language, "en")} }

// details are those that are one word.
var details = map[string]say.Text{
	"reactivated": say.Of("account", "reactivated"), "deactivated": say.Of("account", "deactivated"),
	string(actor.RoleAdmin): say.Of("role", "admin"), string(actor.RoleMarketer): say.Of("role", "marketer"),
	string(actor.RoleViewer): say.Of("role", "viewer"),
}

// email writes what the operator reads.
func (n NoticeArgs) email(reader say.Reader, name, by, url string) (subject, text string) {
	telling, known := tellings[n.Event]
	detail, said := details[n.Detail]
	if !said {
		detail = say.Recall(oneLine(n.Detail))
	}
	if !known { // of a newer version
		telling.subject, telling.text = "Your account was changed", "Your account was changed: %s."
		detail = say.Raw(string(n.Event))
	}
	var b strings.Builder
	line := func(format say.Format, values ...any) { b.WriteString(reader.Say(say.New(format, values...)) + "\n") }
	part := func() { b.WriteString("\n") }
	line("Hello %s,", oneLine(name))
	part()
	if strings.Contains(string(telling.text), "%s") {
		line(telling.text, detail)
	} else {
		line(telling.text)
	}
	part()
	line("When: %s", n.At)
	if by != "" {
		line("By: %s", oneLine(by))
	}
	if n.Address != "" {
		line("Network address: %s", n.Address)
	}
	if n.Browser != "" {
		line("Browser: %s", say.Recall(n.Browser))
	}
	part()
	switch {
	case by != "":
		line("If you do not expect this, ask them, or another admin.")
	case n.Event == EventLockout:
		line("If it was you, wait a little and try again. If not, nothing was given away: your password was not found out.")
	default:
		line("If it was you, there is nothing to do. If not, change your password, sign out everywhere else and tell an admin:")
		b.WriteString(url + "/account\n")
	}
	if n.Last {
		part()
		line("More of this within the next hour is not told by email. The audit trail has all of it.")
	}
	return reader.Say(say.New(telling.subject)), b.String()
}

// oneLine keeps names from writing lines of their own into an email.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// browsers and systems are what browserName knows; the first that fits counts.
var (
	browsers = names("Edg/=Edge", "OPR/=Opera", "Firefox/=Firefox", "Chrome/=Chrome", "Safari/=Safari", "curl/=curl")
	systems  = names("iPhone|iPad=iOS", "Android=Android", "Windows=Windows", "Mac OS=macOS", "CrOS=ChromeOS",
		"Linux=Linux")
)

type named struct {
	pattern *regexp.Regexp
	name    string
}

func names(pairs ...string) (list []named) {
	for _, pair := range pairs {
		pattern, name, _ := strings.Cut(pair, "=")
		list = append(list, named{regexp.MustCompile(pattern), name})
	}
	return list
}

// browserName gives "Chrome on macOS" of what a browser calls itself. Other words of
// it do not get into an email: whoever signs in chooses them.
func browserName(userAgent string) string {
	if userAgent == "" {
		return ""
	}
	find := func(list []named) string {
		for _, n := range list {
			if n.pattern.MatchString(userAgent) {
				return n.name
			}
		}
		return ""
	}
	browser, system := find(browsers), find(systems)
	if browser == "" {
		browser = say.New("an unknown one").String()
	}
	if system != "" {
		return say.New("%s on %s", browser, system).String()
	}
	return browser
}

// network is the place that an address stands for: people keep it for a while, and
// a stolen password is used from another one.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// tellSignIn has the operator told about a sign-in that is not like those before.
func (s *Service) tellSignIn(ctx context.Context, tx bun.Tx, o *Operator, from Client, by string) error {
	place := network(from.Address)
	first, here, err := seePlace(ctx, tx, o.ID, place)
	if err != nil || first {
		return err
	}
	device := s.knownDevice(o.Email, from.Device) != ""
	var what say.Text
	switch {
	case !device && !here:
		what = say.New("on a device and from a network that were not known (by %s)", by)
	case !device:
		what = say.New("on a device that was not known (by %s)", by)
	case !here && place != "":
		what = say.New("from a network that was not known (by %s)", by)
	}
	if !what.Empty() {
		err = s.tell(ctx, tx, o.ID, EventSignIn, what.String(), from)
	}
	return err
}

func recoveryLeft(n int) say.Text {
	switch n {
	case 0:
		return say.New("None is left: make new ones under Account")
	case 1:
		return say.New("One is left: make new ones under Account")
	}
	return say.New("%d of them are left", n)
}
