package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"eventstream/server/experiment"
	"eventstream/server/globalid"
	"eventstream/server/message"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type variantFigures struct {
	Label                                                           string
	Recipients, Waiting, Tried, Read, Replied, OptedOut, Goal, Sent int
	Value                                                           *struct{ Amount, Currency string }
	DrivesAway                                                      bool
}

// compared is what a campaign tells of its variants and of those held out.
type compared struct {
	Node struct {
		Status         string
		WaitingReason  *string
		WaitingUntil   *time.Time
		HoldoutPercent float64
		Counts         counts
		SkipReasons    []struct {
			Reason string
			Count  int
		}
		Variants []struct {
			Label    string
			Weight   int
			Template struct{ ID string }
		}
		VariantComparison *struct {
			Figures                []variantFigures
			Leader                 *string
			Difference, Low, High  float64
			Shown                  bool
			Left, WaitingForWinner int
			DecidesAt              *time.Time
		}
		VariantWinner *struct {
			Label      string
			ByOperator bool
		}
		Goals []struct {
			Event   string
			Reached int
			Total   *struct{ Amount string }
		}
		Lift *struct {
			Treated, TreatedWrote, HeldOut, HeldOutWrote int
			Difference, Low, High                        float64
		}
	}
}

func (e *env) compared(campaign string) (c compared) {
	e.t.Helper()
	e.do(&c, `query($id: ID!) { node(id: $id) { ... on Campaign { status waitingReason waitingUntil holdoutPercent
		counts { audience pending accepted skipped delivered read replied }
		skipReasons { reason count } variants { label weight template { id } }
		variantComparison { figures { label recipients waiting tried sent read replied optedOut goal value { amount currency } drivesAway }
			leader difference low high shown left waitingForWinner decidesAt }
		variantWinner { label byOperator } goals { event reached total { amount } }
		lift { treated treatedWrote heldOut heldOutWrote difference low high } } } }`, map[string]any{"id": campaign})
	return c
}

// firstSender is the one that there is from the beginning.
func (e *env) firstSender() string {
	e.t.Helper()
	var out struct{ Senders []struct{ ID string } }
	e.do(&out, `{ senders { id } }`, nil)
	return out.Senders[0].ID
}

// experimented is what became of a message of a campaign with a test.
type experimented struct {
	ContactID       int64
	Variant         *int
	TemplateID      int64
	Status          string
	SkipReason      string
	NotBeforeReason string
}

func (e *env) experimented(campaign string) (rows []experimented) {
	e.t.Helper()
	id, err := globalid.Decode("id", "Campaign", campaign)
	require.NoError(e.t, err)
	require.NoError(e.t, e.DB().NewRaw(`SELECT m.contact_id, m.variant, v.template_id, m.status, m.skip_reason, m.not_before_reason
		FROM messages m JOIN template_versions v ON v.id = m.template_version_id WHERE m.campaign_id = ? ORDER BY m.contact_id`, id).
		Scan(e.t.Context(), &rows))
	return rows
}

func (e *env) drawKey(campaign string) (key []byte) {
	e.t.Helper()
	id, err := globalid.Decode("id", "Campaign", campaign)
	require.NoError(e.t, err)
	require.NoError(e.t, e.DB().NewRaw("SELECT draw FROM campaigns WHERE id = ?", id).Scan(e.t.Context(), &key))
	return key
}

// TestVariantsAreComparedAndTheWinnerGoesToTheRest with a part of the audience held out, by hand.
func TestVariantsAreComparedAndTheWinnerGoesToTheRest(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.faults(func(s *sandbox.Settings) { s.ReadRate = 1 })
	const people, holdout, test = 600, 10.0, 40.0
	e.small(people)
	a, b := e.approved("Hello {{name | you}}, this is A."), e.approved("Good day {{name | you}}, this is B.")
	variants := []map[string]any{{"templateId": a, "weight": 1}, {"templateId": b, "weight": 3}}
	camp := e.draft("compared", map[string]any{
		"templateId": nil, "variants": variants, "holdoutPercent": holdout,
		"variantTest": map[string]any{"percent": test, "metric": "READ"},
		"goals":       []map[string]any{{"event": "REPLY", "withinHours": 24, "value": "2.50"}},
	})
	key := e.drawKey(camp)

	var pre struct {
		CampaignPreflight struct {
			Audience, WillSend, WaitForWinner int
			Variants                          []int
			Skips                             []struct {
				Reason string
				Count  int
			}
			Blockers []struct{ Message string }
		}
	}
	e.do(&pre, `query($id: ID!) { campaignPreflight(id: $id) { audience willSend waitForWinner variants skips { reason count } blockers { message } } }`,
		map[string]any{"id": camp})
	require.Empty(t, pre.CampaignPreflight.Blockers)

	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	held, rest, drawn := 0, 0, []int{0, 0}
	require.Eventually(t, func() bool {
		c := e.compared(camp).Node
		return c.VariantComparison != nil && c.VariantComparison.Left == 0 && c.Counts.Audience == people &&
			c.Counts.Read == c.VariantComparison.Figures[0].Recipients+c.VariantComparison.Figures[1].Recipients
	}, patience, 50*time.Millisecond)
	for _, m := range e.experimented(camp) {
		n := experiment.Draw(key, m.ContactID)
		switch {
		case n.HeldOut(holdout):
			held++
			require.Equal(t, string(message.SkipHoldout), m.SkipReason)
			require.Nil(t, m.Variant)
		case !n.InTest(test):
			rest++
			require.Equal(t, "pending", m.Status)
			require.Equal(t, message.WaitsForWinner, m.NotBeforeReason)
			require.Nil(t, m.Variant)
		default:
			want := n.Variant([]int{1, 3})
			drawn[want]++
			require.Equal(t, want, *m.Variant)
			templates := []string{a, b}
			id, err := globalid.Decode("id", "Template", templates[want])
			require.NoError(t, err)
			require.Equal(t, id, m.TemplateID)
		}
	}
	require.Positive(t, held)
	require.Positive(t, rest)
	require.Greater(t, drawn[1], drawn[0])
	require.Equal(t, people, pre.CampaignPreflight.Audience)
	require.Equal(t, people-held, pre.CampaignPreflight.WillSend)
	require.Equal(t, rest, pre.CampaignPreflight.WaitForWinner)
	require.Equal(t, drawn, pre.CampaignPreflight.Variants)

	c := e.compared(camp).Node
	require.Equal(t, "SENDING", c.Status)
	require.Equal(t, message.WaitsForWinner, *c.WaitingReason)
	require.Nil(t, c.WaitingUntil, "nothing but an operator decides")
	require.Equal(t, rest, c.VariantComparison.WaitingForWinner)
	for i, f := range c.VariantComparison.Figures {
		require.Equal(t, drawn[i], f.Recipients)
		require.Equal(t, drawn[i], f.Tried)
		require.Equal(t, drawn[i], f.Read)
	}
	require.False(t, c.VariantComparison.Shown)
	require.Equal(t, held, c.Lift.HeldOut)
	require.Equal(t, people-held, c.Lift.Treated)

	// An answer of somebody who got it, and one of somebody who did not.
	wrote := map[bool]bool{}
	for i := 0; len(wrote) < 2; i++ {
		address := fmt.Sprintf("+4915%09d", 100000000+i)
		var who struct{ Contact struct{ ID string } }
		e.do(&who, `query($a: String!) { contact(address: $a) { id } }`, map[string]any{"a": address})
		id, err := globalid.Decode("id", "Contact", who.Contact.ID)
		require.NoError(t, err)
		n := experiment.Draw(key, id)
		if out := n.HeldOut(holdout); !wrote[out] && (out || n.InTest(test)) {
			wrote[out] = true
			e.says(address, "Do you have it in blue?")
		}
	}
	// Who asks for an end has answered, and reached nothing.
	for i := 0; ; i++ {
		address := fmt.Sprintf("+4915%09d", 100000500+i)
		var who struct{ Contact struct{ ID string } }
		e.do(&who, `query($a: String!) { contact(address: $a) { id } }`, map[string]any{"a": address})
		id, err := globalid.Decode("id", "Contact", who.Contact.ID)
		require.NoError(t, err)
		if n := experiment.Draw(key, id); !n.HeldOut(holdout) && n.InTest(test) {
			e.says(address, "STOP")
			break
		}
	}
	require.Eventually(t, func() bool { return e.compared(camp).Node.Counts.Replied == 2 }, patience, 50*time.Millisecond)
	require.Eventually(t, func() bool {
		c := e.compared(camp).Node
		return c.Lift.TreatedWrote == 1 && c.Lift.HeldOutWrote == 1 && c.Goals[0].Reached == 1 && c.Goals[0].Total.Amount == "2.50"
	}, patience, 50*time.Millisecond)

	_, problems := e.mutate("campaignWinnerChoose", "campaign", map[string]any{"id": camp, "variant": "C"})
	require.Contains(t, problems, `no variant "C"`)
	e.must("campaignWinnerChoose", "campaign", map[string]any{"id": camp, "variant": "B"})
	_, problems = e.mutate("campaignWinnerChoose", "campaign", map[string]any{"id": camp, "variant": "A"})
	require.Contains(t, problems, "B has won already")
	e.await(camp, "COMPLETED")
	e.settled(camp)
	e.exact(camp)
	winner, err := globalid.Decode("id", "Template", b)
	require.NoError(t, err)
	for _, m := range e.experimented(camp) {
		if n := experiment.Draw(key, m.ContactID); !n.HeldOut(holdout) && !n.InTest(test) {
			require.Equal(t, winner, m.TemplateID)
			require.NotContains(t, []string{"pending", "skipped"}, m.Status)
		}
	}
	c = e.compared(camp).Node
	require.Equal(t, people-held, c.Counts.Accepted)
	require.Equal(t, drawn[1], c.VariantComparison.Figures[1].Recipients, "the rest takes no part in the comparison")
	require.Equal(t, "B", c.VariantWinner.Label)
	require.True(t, c.VariantWinner.ByOperator)
	require.Zero(t, c.VariantComparison.WaitingForWinner)
}

// TestTheTestChoosesItsWinner by time, and as soon as one is shown to be better.
func TestTheTestChoosesItsWinner(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(400)
	a, b := e.approved("Hello {{name | you}}, this is A."), e.approved("Good day {{name | you}}, this is B.")
	variants := []map[string]any{{"templateId": a}, {"templateId": b}}
	launched := func(name string, test map[string]any) string {
		camp := e.draft(name, map[string]any{"templateId": nil, "variants": variants, "variantTest": test})
		e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
		require.Eventually(t, func() bool {
			c := e.compared(camp).Node
			return c.VariantComparison != nil && c.VariantComparison.Left == 0 && c.Counts.Pending == c.VariantComparison.WaitingForWinner
		}, patience, 50*time.Millisecond)
		return camp
	}
	number := func(camp string) int64 {
		id, err := globalid.Decode("id", "Campaign", camp)
		require.NoError(t, err)
		return id
	}

	byTime := launched("by time", map[string]any{"percent": 30, "metric": "CLICKED", "afterMinutes": 60})
	require.Eventually(t, func() bool { return e.compared(byTime).Node.VariantComparison.DecidesAt != nil }, patience, 50*time.Millisecond)
	c := e.compared(byTime).Node
	require.Equal(t, c.VariantComparison.DecidesAt.UTC(), c.WaitingUntil.UTC())
	// One of B's recipients clicked: more than any of A's.
	e.exec(`UPDATE messages SET clicked_at = clock_timestamp() WHERE id = (SELECT min(id) FROM messages WHERE campaign_id = ? AND variant = 1)`, number(byTime))
	require.NoError(t, e.Services.Campaigns.DecideWinners(t.Context()))
	require.Nil(t, e.compared(byTime).Node.VariantWinner, "its hour is not over")
	e.exec("UPDATE campaigns SET tested_at = tested_at - interval '1 hour' WHERE id = ?", number(byTime))
	e.await(byTime, "COMPLETED")
	c = e.compared(byTime).Node
	require.Equal(t, "B", c.VariantWinner.Label)
	require.False(t, c.VariantWinner.ByOperator)
	require.Equal(t, 400, c.Counts.Accepted)

	sure := launched("when sure", map[string]any{"percent": 60, "metric": "CLICKED", "whenSure": true})
	require.Nil(t, e.compared(sure).Node.VariantWinner)
	e.exec(`UPDATE messages SET clicked_at = clock_timestamp() WHERE campaign_id = ? AND variant = 0`, number(sure))
	e.await(sure, "COMPLETED")
	c = e.compared(sure).Node
	require.Equal(t, "A", c.VariantWinner.Label)
	require.True(t, c.VariantComparison.Shown)
	require.Positive(t, c.VariantComparison.Low)

	// A variant that WhatsApp withdraws holds the campaign, until another one has won: then nobody needs it any more.
	lost := launched("withdrawn", map[string]any{"percent": 50})
	version := e.query("SELECT max(template_version_id) FROM campaign_variants WHERE campaign_id = ? AND position = 1", number(lost))
	e.exec("UPDATE template_versions SET approval_status = 'paused', check_at = now() + interval '1 day', checked_at = now() + interval '1 day' WHERE id = ?", version)
	e.must("campaignPause", "campaign", map[string]any{"id": lost})
	_, refused := e.mutate("campaignResume", "campaign", map[string]any{"id": lost})
	require.Contains(t, refused, "must be approved before the campaign goes on")
	e.must("campaignWinnerChoose", "campaign", map[string]any{"id": lost, "variant": "A"})
	e.must("campaignResume", "campaign", map[string]any{"id": lost})
	require.Equal(t, 400, e.await(lost, "COMPLETED").Accepted)
	e.exec("UPDATE template_versions SET approval_status = 'approved' WHERE id = ?", version)

	// One that ends chooses before its end, and who waits is not left out.
	ends := launched("ends", map[string]any{"percent": 50})
	require.Nil(t, e.compared(ends).Node.VariantComparison.DecidesAt)
	e.must("campaignUpdate", "campaign", map[string]any{"id": ends, "endsAt": time.Now().Add(59 * time.Minute)})
	e.exec("UPDATE campaigns SET prepared_at = prepared_at - interval '10 hours' WHERE id = ?", number(ends))
	require.Equal(t, 400, e.await(ends, "COMPLETED").Accepted)

	// Senders are compared as wordings are: what each variant sends comes from its own number, and so does what the winner sends.
	other := e.newSender("+4930901820", 80)
	first := e.firstSender()
	bySender := []map[string]any{{"templateId": a, "senderId": first}, {"templateId": a, "senderId": other}}
	_, refusal := e.mutate("campaignCreate", "campaign", map[string]any{
		"name": "senders", "query": map[string]any{"all": []any{}}, "senderId": first, "variants": bySender,
	})
	require.Contains(t, refusal, "sender of variant B is not one of the campaign's")
	camp := e.draft("senders", map[string]any{
		"templateId": nil, "senders": []map[string]any{{"senderId": first}, {"senderId": other}}, "variants": bySender,
		"variantTest": map[string]any{"percent": 50},
	})
	_, refusal = e.mutate("campaignUpdate", "campaign", map[string]any{"id": camp, "variantTest": map[string]any{"percent": 50, "whenSure": true}})
	require.Contains(t, refusal, "go out at the paces of their senders")
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	require.Eventually(t, func() bool {
		c := e.compared(camp).Node
		return c.VariantComparison != nil && c.VariantComparison.Left == 0
	}, patience, 50*time.Millisecond)
	e.must("campaignWinnerChoose", "campaign", map[string]any{"id": camp, "variant": "B"})
	e.await(camp, "COMPLETED")
	from := map[string]int64{}
	for _, id := range []string{first, other} {
		n, err := globalid.Decode("id", "Sender", id)
		require.NoError(t, err)
		from[id] = n
	}
	require.Zero(t, e.query("SELECT count(*) FROM messages WHERE campaign_id = ? AND sender_id <> CASE WHEN variant = 0 THEN ?::bigint ELSE ? END",
		number(camp), from[first], from[other]))
	require.Positive(t, e.query("SELECT count(*) FROM messages WHERE campaign_id = ? AND variant = 0", number(camp)))

	// A standing holdout of all marketing: the same people in every campaign.
	require.Empty(t, e.settings(map[string]any{"standingHoldoutPercent": 20}))
	out := map[int64]int{}
	for _, name := range []string{"first", "second"} {
		camp = e.draft(name, nil)
		e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
		e.await(camp, "COMPLETED")
		for _, m := range e.experimented(camp) {
			if m.SkipReason == string(message.SkipStandingHoldout) {
				out[m.ContactID]++
			}
		}
	}
	require.NotEmpty(t, out)
	for _, n := range out {
		require.Equal(t, 2, n)
	}

	// What they did together, beside the holdout: who writes counts once, and asking for an end is no success.
	var held, treated []int64
	for _, m := range e.experimented(camp) {
		if _, isHeld := out[m.ContactID]; isHeld {
			held = append(held, m.ContactID)
		} else {
			treated = append(treated, m.ContactID)
		}
	}
	address := func(id int64) (to string) {
		require.NoError(t, e.DB().NewRaw("SELECT address FROM contacts WHERE id = ?", id).Scan(t.Context(), &to))
		return to
	}
	for _, id := range append([]int64{held[0]}, treated[:3]...) {
		e.says(address(id), "Hello")
		e.says(address(id), "Hello again")
	}
	e.says(address(treated[4]), "STOP")
	type lift struct{ Campaigns, Treated, TreatedWrote, HeldOut, HeldOutWrote int64 }
	want := lift{2, int64(len(treated)), 3, int64(len(held)), 1}
	const query = `query($range: DateRange) { standingHoldoutLift(range: $range) { campaigns treated treatedWrote heldOut heldOutWrote } }`
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var got struct{ StandingHoldoutLift *lift }
		e.do(&got, query, nil)
		require.Equal(c, &want, got.StandingHoldoutLift)
	}, patience, 50*time.Millisecond)
	var before struct{ StandingHoldoutLift *lift }
	e.do(&before, query, map[string]any{"range": map[string]any{"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}})
	require.Nil(t, before.StandingHoldoutLift)
}

// TestWhatCannotBeComparedIsRefused with the field and what is allowed.
func TestWhatCannotBeComparedIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t)
	a, b := e.approved("Hello {{name | you}}, this is A."), e.approved("Good day {{name | you}}, this is B.")
	utility := e.must("templateCreate", "template", map[string]any{"name": "Parcel", "body": "Your parcel is here.", "category": "UTILITY"})
	var first struct{ Node struct{ Name string } }
	e.do(&first, `query($id: ID!) { node(id: $id) { ... on Template { name } } }`, map[string]any{"id": a})
	german := e.must("templateCreate", "template", map[string]any{"name": first.Node.Name, "language": "de", "body": "Hallo {{name | Sie}}, das ist A."})
	two := []map[string]any{{"templateId": a}, {"templateId": b}}
	for want, more := range map[string]map[string]any{
		"give 2 to 5":                        {"variants": two[:1]},
		"not both":                           {"variants": two, "templateId": a},
		"template and the sender of another": {"variants": []map[string]any{two[0], two[0]}},
		"weight 0":                           {"variants": []map[string]any{two[0], {"templateId": b, "weight": 0}}},
		"of one category":                    {"variants": []map[string]any{two[0], {"templateId": utility}}},
		"0.5 is out of range":                {"variants": two, "variantTest": map[string]any{"percent": 0.5}},
		"9 is out of range":                  {"variants": two, "variantTest": map[string]any{"afterMinutes": 9}},
		"has no goal":                        {"variants": two, "variantTest": map[string]any{"metric": "GOAL"}},
		"no variants to compare":             {"templateId": a, "variantTest": map[string]any{"percent": 50}},
		"51 is out of range":                 {"holdoutPercent": 51},
		"-1 is out of range":                 {"holdoutPercent": -1},
		"169 is out of range":                {"goals": []map[string]any{{"event": "CLICK", "withinHours": 169}}},
		"is a translation of another":        {"variants": []map[string]any{two[0], {"templateId": german}}},
		"one of each is allowed":             {"goals": []map[string]any{{"event": "CLICK", "withinHours": 1}, {"event": "CLICK", "withinHours": 2}}},
		`"much" is not an amount`:            {"goals": []map[string]any{{"event": "CLICK", "withinHours": 1, "value": "much"}}},
	} {
		input := map[string]any{"name": "refused", "query": map[string]any{"all": []any{}}}
		for k, v := range more {
			input[k] = v
		}
		_, problems := e.mutate("campaignCreate", "campaign", input)
		require.Contains(t, problems, want)
	}
	camp := e.draft("plain", nil)
	_, problems := e.mutate("campaignWinnerChoose", "campaign", map[string]any{"id": camp, "variant": "A"})
	require.Contains(t, problems, "has no variants")
	require.Contains(t, e.settings(map[string]any{"standingHoldoutPercent": 60}), "60 is out of range")

	// Variants take the place of a template, and the other way round; a duplicate has them too.
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "variants": two, "variantTest": map[string]any{"percent": 25}})
	require.Len(t, e.compared(e.must("campaignDuplicate", "campaign", map[string]any{"id": camp})).Node.Variants, 2)
	require.Contains(t, e.problems(`mutation($id: ID!) { templateDelete(input: {id: $id}) { userErrors { message } } }`, map[string]any{"id": b}), "plain")
	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "templateId": a})
	require.Empty(t, e.compared(camp).Node.Variants)
}

// TestATestSendIsOfTheVariantThatIsAsked for; of A where none is.
func TestATestSendIsOfTheVariantThatIsAsked(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(1)
	a, b := e.approved("Hello {{name | you}}, this is A."), e.approved("Good day {{name | you}}, this is B.")
	camp := e.draft("tried", map[string]any{"templateId": nil, "variants": []map[string]any{{"templateId": a}, {"templateId": b}}})
	var who struct{ Contact struct{ ID string } }
	e.contact("+4915100000000", "id", &who)
	input := func(of, variant any) map[string]any {
		return map[string]any{"id": of, "contactId": who.Contact.ID, "variant": variant}
	}
	for variant, text := range map[any]string{nil: "this is A", "b": "this is B"} {
		id := e.must("campaignTestSend", "message", input(camp, variant))
		require.Eventually(t, func() bool {
			var m struct{ Node struct{ Body string } }
			e.do(&m, `query($id: ID!) { node(id: $id) { ... on Message { body } } }`, map[string]any{"id": id})
			return strings.Contains(m.Node.Body, text)
		}, patience, 50*time.Millisecond)
	}
	_, problems := e.mutate("campaignTestSend", "message", input(camp, "C"))
	require.Contains(t, problems, `variant: the campaign has no variant "C": A to B are compared`)
	one := e.draft("one", map[string]any{"templateId": a})
	_, problems = e.mutate("campaignTestSend", "message", input(one, "A"))
	require.Contains(t, problems, "it has one wording")
}
