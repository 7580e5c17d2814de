package sendcheck_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/campaign"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/portfolio"
	"eventstream/server/pubsub"
	"eventstream/server/sendcheck"
	"eventstream/server/template"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

type env struct {
	*testing.T
	*db.DB
	ctx      context.Context
	consents *consent.Service
	checks   *sendcheck.Service
	now      time.Time
}

// start is an installation whose campaigns keep quiet hours from nine in the evening to eight, at noon.
func start(t *testing.T) *env {
	t.Helper()
	d := dbtest.New(t)
	tomorrow := time.Now().AddDate(0, 0, 1)
	e := &env{T: t, DB: d, ctx: actor.With(t.Context(), actor.System), now: time.Date(tomorrow.Year(), tomorrow.Month(), tomorrow.Day(), 11, 0, 0, 0, time.UTC)}
	e.consents = consent.NewService(d, pubsub.New(d.Pool, slog.New(slog.DiscardHandler)), keys.Fixed("test"), time.Now)
	now := func() time.Time { return e.now }
	e.checks = sendcheck.NewService(d, e.consents, campaign.NewService(campaign.Dependencies{DB: d, Now: now}), portfolio.NewService(d), now)
	e.exec(`INSERT INTO settings (key, value) VALUES ('default_quiet_hours', '{"start": "21:00", "end": "08:00"}')
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`)
	return e
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.NewRaw(sql, args...).Exec(e.ctx)
	require.NoError(e, err)
}

func (e *env) known(address string, status contact.ConsentStatus) *contact.Contact {
	e.Helper()
	a, err := contact.ParseAddress(address, "")
	require.NoError(e, err)
	c := contact.New(a)
	contacttest.Insert(e, e.DB, c)
	require.NoError(e, e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
		require.NoError(e, err)
		return e.consents.Record(ctx, tx, locked, consent.Change{Status: status, Source: consent.SourceKeyword})
	}))
	return c
}

func (e *env) suppress(address string, reason consent.SuppressionReason, until *time.Time) {
	e.Helper()
	_, err := e.consents.SuppressAddress(e.ctx, address, "", reason, until)
	require.NoError(e, err)
}

func (e *env) check(r sendcheck.Request) (check *sendcheck.Check, noes map[string]string) {
	e.Helper()
	check, err := e.checks.Check(e.ctx, r)
	require.NoError(e, err)
	noes = map[string]string{}
	for _, q := range check.Questions {
		require.NotEmpty(e, q.Rule)
		require.NotEmpty(e, q.Detail)
		if !q.Passed {
			noes[string(q.Check)] = q.Detail.String()
		}
	}
	require.Equal(e, check.Allowed, len(noes) == 0)
	return check, noes
}

func TestMayIWriteToThisNumber(t *testing.T) {
	t.Parallel()
	e := start(t)
	const in, out, stranger = "+4915112345601", "+4915112345602", "+4915112345603"
	ada := e.known(in, contact.ConsentOptedIn)
	check, noes := e.check(sendcheck.Request{Address: "0049 151 12345601"})
	require.Empty(t, noes)
	require.Equal(t, ada.ID, check.Contact.ID)
	require.Nil(t, check.Possible)
	require.Equal(t, template.CategoryMarketing, check.Category)

	// At night: the morning.
	night := e.now.Add(11 * time.Hour)
	check, noes = e.check(sendcheck.Request{ContactID: &ada.ID, At: &night})
	require.Len(t, noes, 1)
	require.Contains(t, noes["Hours"], "quiet hours")
	require.Equal(t, 7, check.Possible.UTC().Hour(), "08:00 in Berlin")

	// A suppression that ends at night: the morning after. A second reason without an end: never.
	ends := e.now.Add(36 * time.Hour)
	e.suppress(in, consent.SuppressedOperator, &ends)
	check, noes = e.check(sendcheck.Request{ContactID: &ada.ID})
	require.Contains(t, noes["Not suppressed"], "Operator since")
	require.Equal(t, e.now.Add(44*time.Hour), check.Possible.UTC())
	after := ends.Add(12 * time.Hour)
	_, noes = e.check(sendcheck.Request{ContactID: &ada.ID, At: &after})
	require.Empty(t, noes, "what ends by then does not count")
	e.suppress(in, consent.SuppressedComplaint, nil)
	check, noes = e.check(sendcheck.Request{ContactID: &ada.ID})
	require.Contains(t, noes["Not suppressed"], "Complaint since")
	require.Contains(t, noes["Not suppressed"], "Operator since")
	require.Nil(t, check.Possible)

	// Who opted out: each question that forbids it, and not only the first.
	e.known(out, contact.ConsentOptedOut)
	_, noes = e.check(sendcheck.Request{Address: out, Category: template.CategoryUtility})
	require.Len(t, noes, 3)
	require.Contains(t, noes["Not opted out"], "Opted out since")
	require.Contains(t, noes["Not suppressed"], "Opted out since")
	require.Contains(t, noes["Consent"], "keyword")

	// Nobody known: there is no consent, and suppressions are found all the same.
	check, noes = e.check(sendcheck.Request{Address: stranger})
	require.Nil(t, check.Contact)
	require.Equal(t, map[string]string{"Consent": "No consent of theirs is recorded."}, noes)
	e.suppress(stranger, consent.SuppressedBlocked, nil)
	_, noes = e.check(sendcheck.Request{Address: stranger})
	require.Contains(t, noes["Not suppressed"], "Blocked since")

	// Had enough: nobody knows until when.
	e.exec(`INSERT INTO settings (key, value) VALUES ('default_frequency_cap', '{"messages": 1, "days": 7}')`)
	grace := e.known("+4915112345604", contact.ConsentOptedIn)
	e.exec(`INSERT INTO campaigns (id, name, status) OVERRIDING SYSTEM VALUE VALUES (7, 'x', 'completed')`)
	e.exec(`INSERT INTO messages (direction, purpose, campaign_id, contact_id, status, accepted_at)
		VALUES ('outbound', 'campaign', 7, ?, 'delivered', now())`, grace.ID)
	check, noes = e.check(sendcheck.Request{ContactID: &grace.ID})
	require.Equal(t, map[string]string{"Frequency": "They had 1 message of campaigns in the last 7 days; new campaigns allow 1."}, noes)
	require.Nil(t, check.Possible)

	// A number of the US gets no marketing, and authentication needs a number.
	_, noes = e.check(sendcheck.Request{Address: "+1 415 555 2671"})
	require.Contains(t, noes, "Eligible")
	_, noes = e.check(sendcheck.Request{Address: "+1 415 555 2671", Category: template.CategoryUtility})
	require.NotContains(t, noes, "Eligible")
	_, noes = e.check(sendcheck.Request{Address: "DE.1234567890", Category: template.CategoryAuthentication})
	require.Contains(t, noes, "Number")
}

// Who refused utility messages alone is told so, and not what they said of marketing.
func TestTheRefusalIsOfItsPurpose(t *testing.T) {
	t.Parallel()
	e := start(t)
	c := e.known("+4915112345601", contact.ConsentOptedIn)
	decide := func(purpose consent.Purpose, status contact.ConsentStatus, source consent.Source) {
		require.NoError(t, e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
			locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
			require.NoError(t, err)
			return e.consents.Record(ctx, tx, locked, consent.Change{Purpose: purpose, Status: status, Source: source})
		}))
	}
	decide(consent.PurposeUtility, contact.ConsentOptedOut, consent.SourceOperator)
	_, noes := e.check(sendcheck.Request{ContactID: &c.ID, Category: template.CategoryUtility})
	require.Len(t, noes, 1)
	require.Contains(t, noes["Not opted out"], "Opted out of utility messages since ")
	require.Contains(t, noes["Not opted out"], "by operator.")
	check, noes := e.check(sendcheck.Request{ContactID: &c.ID})
	require.Empty(t, noes)
	for _, q := range check.Questions {
		if q.Check == "Not opted out" || q.Check == "Consent" {
			require.Contains(t, q.Detail.String(), "Opted in since ")
			require.Contains(t, q.Detail.String(), "by keyword.", "by what was said of marketing")
		}
	}

	// The newest word of the ledger is one on utility messages, and says nothing of marketing.
	decide(consent.PurposeUtility, contact.ConsentOptedIn, consent.SourceForm)
	check, _ = e.check(sendcheck.Request{ContactID: &c.ID})
	for _, q := range check.Questions {
		if q.Check == "Consent" {
			require.Contains(t, q.Detail.String(), "by keyword.")
		}
	}

	// STOP ends both, and is what refuses.
	decide(consent.PurposeMarketing, contact.ConsentOptedOut, consent.SourceKeyword)
	_, noes = e.check(sendcheck.Request{ContactID: &c.ID, Category: template.CategoryUtility})
	require.Regexp(t, `^Opted out since .*, by keyword\.$`, noes["Not opted out"])
}

func TestAMarkEndsByItself(t *testing.T) {
	t.Parallel()
	e := start(t)
	c := e.known("+4915112345601", contact.ConsentOptedIn)
	e.exec("UPDATE contacts SET reachable = false, unreachable_until = ? WHERE id = ?", e.now.AddDate(0, 0, 3), c.ID)
	check, noes := e.check(sendcheck.Request{ContactID: &c.ID})
	require.Len(t, noes, 1)
	require.Equal(t, e.now.AddDate(0, 0, 3), check.Possible.UTC())
}

func TestWhatIsAskedIsChecked(t *testing.T) {
	t.Parallel()
	e := start(t)
	past, far, nobody := e.now.Add(-time.Hour), e.now.AddDate(2, 0, 0), int64(404)
	for field, r := range map[string]sendcheck.Request{
		"address":   {},
		"at":        {Address: "+4915112345601", At: &past},
		"contactId": {ContactID: &nobody},
	} {
		_, err := e.checks.Check(e.ctx, r)
		require.True(t, apperr.Is(err, apperr.CodeInvalid), "%s: %v", field, err)
		require.ErrorContains(t, err, field+": ", "it names the field")
	}
	for text, r := range map[string]sendcheck.Request{
		`"Q29udGFjdDo0MDQ" is the id of no contact`: {ContactID: &nobody},
		"nonsense":                {Address: "nonsense"},
		"not both":                {Address: "+4915112345601", ContactID: &nobody},
		"a year ahead":            {Address: "+4915112345601", At: &far},
		"country code":            {Address: "0151 12345601"},
		"is in the past: why a m": {Address: "+4915112345601", At: &past},
	} {
		_, err := e.checks.Check(e.ctx, r)
		require.ErrorContains(t, err, text)
	}
}

// TestTheStandingHoldoutIsOneOfTheQuestions, of marketing alone: a campaign would leave them out.
func TestTheStandingHoldoutIsOneOfTheQuestions(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.exec(`INSERT INTO settings (key, value) VALUES ('standing_holdout', '{"percent": 50, "draw": "AAECAwQFBgcICQoLDA0ODw=="}')`)
	held, others := 0, 0
	for i := range 40 {
		c := e.known(fmt.Sprintf("+4915112345%03d", i), contact.ConsentOptedIn)
		check, noes := e.check(sendcheck.Request{ContactID: &c.ID})
		if check.Allowed {
			others++
			require.Empty(t, noes)
			continue
		}
		held++
		require.Equal(t, map[string]string{"Not held out": "They belong to the standing holdout of 50% of all contacts."}, noes)
		require.Nil(t, check.Possible)
		check, _ = e.check(sendcheck.Request{ContactID: &c.ID, Category: template.CategoryUtility})
		require.True(t, check.Allowed)
	}
	require.Positive(t, held)
	require.Positive(t, others)
	check, _ := e.check(sendcheck.Request{Address: "+4915199999999"}) // nobody knows them: which side would be drawn follows from an id
	for _, q := range check.Questions {
		require.NotEqual(t, "Not held out", q.Check)
	}
}
