package app_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type money struct{ Amount, Currency string }

// rateFile sends a card as a file, and gives the answer.
func (e *env) rateFile(content string, dryRun bool) (changed, unchanged int, faults []string, problems string) {
	e.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	ops, err := json.Marshal(map[string]any{
		"query": `mutation($f: Upload!, $d: Boolean!) { rateCardUpdate(input: {file: $f, dryRun: $d}) {
			changed unchanged faults { line column reason } faultCount userErrors { field message } } }`,
		"variables": map[string]any{"f": nil, "d": dryRun},
	})
	require.NoError(e.t, err)
	require.NoError(e.t, w.WriteField("operations", string(ops)))
	require.NoError(e.t, w.WriteField("map", `{"0": ["variables.f"]}`))
	part, err := w.CreateFormFile("0", "card.csv")
	require.NoError(e.t, err)
	_, err = part.Write([]byte(content))
	require.NoError(e.t, err)
	require.NoError(e.t, w.Close())
	resp, err := e.http.Post(e.URL+"/graphql", w.FormDataContentType(), &body)
	require.NoError(e.t, err)
	data, errs := decode(e.t, resp)
	require.Empty(e.t, errs)
	var out struct {
		RateCardUpdate struct {
			Changed, Unchanged int
			Faults             []struct {
				Line           int
				Column, Reason string
			}
			UserErrors []struct{ Message string }
		}
	}
	require.NoError(e.t, json.Unmarshal(data, &out))
	for _, f := range out.RateCardUpdate.Faults {
		faults = append(faults, f.Column+": "+f.Reason)
	}
	for _, u := range out.RateCardUpdate.UserErrors {
		problems += u.Message
	}
	return out.RateCardUpdate.Changed, out.RateCardUpdate.Unchanged, faults, problems
}

func TestWhatACampaignCostsIsToldBeforeAndAfter(t *testing.T) {
	t.Parallel()
	e := start(t)
	id, problems := e.upload("some.csv", []byte("phone,name,opt-in\n+4915112345671,A,yes\n+4915112345672,B,yes\n+33612345678,C,yes\n+81312345678,D,no\n"), "")
	require.Empty(t, problems)
	require.Equal(t, 4, e.imported(id).Created)
	camp := e.draft("Dear", nil)
	var before struct {
		CampaignPreflight struct {
			WillSend int
			Cost     struct {
				Low, High money
				Lines     []struct {
					Country, Market, Category string
					Recipients                int
					Each, High                money
				}
				Notes []string
			}
		}
	}
	e.do(&before, `query($id: ID!) { campaignPreflight(id: $id) { willSend cost { low { amount currency } high { amount currency } notes
		lines { country market category recipients each { amount currency } high { amount currency } } } } }`, map[string]any{"id": camp})
	cost := before.CampaignPreflight.Cost
	require.Equal(t, 3, before.CampaignPreflight.WillSend)
	require.Equal(t, money{"0.3739", "USD"}, cost.High, "2 × (0.1365 + 0.005) + 0.0859 + 0.005")
	require.Equal(t, cost.High, cost.Low, "marketing has one price")
	require.Len(t, cost.Lines, 2)
	require.Equal(t, "DE", cost.Lines[0].Country)
	require.Equal(t, money{"0.1415", "USD"}, cost.Lines[0].Each)
	require.NotEmpty(t, cost.Notes)

	var none struct {
		Node struct{ Price struct{ Totals []money } }
	}
	e.do(&none, `query($id: ID!) { node(id: $id) { ... on Campaign { price { totals { amount currency } } } } }`, map[string]any{"id": camp})
	require.Empty(t, none.Node.Price.Totals, "a draft has cost nothing")

	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	e.await(camp, "COMPLETED")
	type lines []struct {
		Market, Category      string
		Messages, WithoutRate int
		Meta, Twilio, Total   money
	}
	var after struct {
		Node struct {
			Price struct {
				Totals []money
				Lines  lines
			}
			Messages struct {
				Nodes []struct {
					Status string
					Price  *struct {
						Total, Meta, Twilio money
						Market, Category    string
					}
				}
			}
		}
		Spending []struct {
			Month  string
			Totals []money
			Lines  lines
		}
	}
	require.Eventually(t, func() bool {
		e.do(&after, `query($id: ID!) { node(id: $id) { ... on Campaign { price { totals { amount currency } lines { market category messages withoutRate
			meta { amount currency } twilio { amount currency } total { amount currency } } }
			messages(first: 10) { nodes { status price { total { amount currency } meta { amount currency } twilio { amount currency } market category } } } } }
			spending(months: 2) { month totals { amount currency } lines { market category messages withoutRate
			meta { amount currency } twilio { amount currency } total { amount currency } } } }`, map[string]any{"id": camp})
		// The fields of one answer are read one after the other, while receipts come in.
		return len(after.Node.Price.Totals) > 0 && after.Node.Price.Totals[0].Amount == "0.3739" &&
			len(after.Spending) == 1 && slices.Equal(after.Spending[0].Totals, after.Node.Price.Totals)
	}, patience, 50*time.Millisecond)
	require.Equal(t, "Germany", after.Node.Price.Lines[0].Market)
	require.Equal(t, 2, after.Node.Price.Lines[0].Messages)
	require.Len(t, after.Spending, 1)
	require.Equal(t, after.Node.Price.Totals, after.Spending[0].Totals)
	priced := 0
	for _, m := range after.Node.Messages.Nodes {
		if m.Price != nil {
			priced++
			require.Equal(t, "0.005", m.Price.Twilio.Amount)
			require.Equal(t, "MARKETING", m.Price.Category)
		}
	}
	require.Equal(t, 3, priced, "the fourth was skipped, and costs nothing")

	// A reply: among the free ones it costs Twilio's fee alone, and what came in costs it, too.
	e.says("+4915112345671", "Hello")
	var inbox struct {
		Conversations struct {
			Nodes []struct {
				ID         string
				ReplyPrice struct {
					Total, Free money
					FreeLeft    int
					Market      string
				}
			}
		}
	}
	ask := func() {
		e.do(&inbox, `{ conversations(first: 1) { nodes { id replyPrice { total { amount currency } free { amount currency } freeLeft market } } } }`, nil)
	}
	require.Eventually(t, func() bool {
		ask()
		return len(inbox.Conversations.Nodes) == 1
	}, patience, 50*time.Millisecond)
	c := inbox.Conversations.Nodes[0]
	require.Equal(t, money{"0.06", "USD"}, c.ReplyPrice.Total)
	require.Equal(t, money{"0.005", "USD"}, c.ReplyPrice.Free)
	require.Equal(t, 1000, c.ReplyPrice.FreeLeft)
	e.must("conversationReply", "message", map[string]any{"id": c.ID, "body": "Hi"})
	require.Eventually(t, func() bool {
		ask()
		return inbox.Conversations.Nodes[0].ReplyPrice.FreeLeft == 999
	}, patience, 50*time.Millisecond)
	require.Equal(t, 1, e.query("SELECT count(*) FROM messages WHERE purpose = 'reply' AND price_meta = 0 AND price_twilio = 5000"))
	e.do(&after, `{ spending(months: 1) { lines { market category messages total { amount currency } } } }`, nil)
	require.Contains(t, after.Spending[0].Lines[len(after.Spending[0].Lines)-1].Category, "INBOUND")
}

func TestTheCardOfRatesIsChangedAsAWhole(t *testing.T) {
	t.Parallel()
	e := start(t)
	var card struct {
		RateCard struct {
			Revision            int
			Day, Currency, File string
			Rates               []struct {
				Market, Category, Since string
				Own                     bool
				Price                   money
				Next                    *struct {
					Since string
					Price money
				}
			}
		}
	}
	read := func(at string) {
		e.do(&card, `query($at: DateTime) { rateCard(at: $at) { revision day currency file rates { market category since own price { amount currency }
			next { since price { amount currency } } } } }`, map[string]any{"at": at})
	}
	germany := func() (string, bool, string) {
		for _, r := range card.RateCard.Rates {
			if r.Market == "Germany" && r.Category == "MARKETING" && r.Price.Currency == "USD" {
				next := ""
				if r.Next != nil {
					next = r.Next.Price.Amount + " " + r.Next.Since
				}
				return r.Price.Amount, r.Own, next
			}
		}
		return "", false, ""
	}
	read("2026-11-02T00:00:00Z")
	amount, own, next := germany()
	require.Equal(t, []any{"0.1365", false, ""}, []any{amount, own, next})

	// Unreadable lines leave all as it is, and are told.
	_, _, faults, problems := e.rateFile("market,category,currency,price,valid_from\nGermany,marketing,USD,0.15,2090-01-01\nNarnia,marketing,USD,x,2090-01-01\n", false)
	require.Empty(t, problems)
	require.Equal(t, []string{`price: "x" is not an amount: digits with a point, such as 0.0618`, `market: "Narnia" is no market of Meta's card`}, faults)
	require.Zero(t, e.query("SELECT count(*) FROM price_rates"))
	_, _, _, problems = e.rateFile("who,what\n", false)
	require.Contains(t, problems, "names no column market")

	changed, unchanged, faults, problems := e.rateFile(card.RateCard.File, false)
	require.Empty(t, problems)
	require.Empty(t, faults)
	require.Zero(t, changed, "what was exported comes back and changes nothing")
	require.Greater(t, unchanged, 500)

	changed, _, _, problems = e.rateFile("market,category,currency,price,valid_from\ngermany,marketing,usd,0.15,2090-01-01\n", true)
	require.Empty(t, problems)
	require.Equal(t, 1, changed)
	require.Zero(t, e.query("SELECT count(*) FROM price_rates"), "it was only tried")
	_, _, _, problems = e.rateFile("market,category,currency,price,valid_from\ngermany,marketing,usd,0.15,2090-01-01\n", false)
	require.Empty(t, problems)
	read("2026-11-02T00:00:00Z")
	amount, own, next = germany()
	require.Equal(t, []any{"0.1365", false, "0.15 2090-01-01"}, []any{amount, own, next})
	read("2090-01-01T00:00:00Z")
	amount, own, _ = germany()
	require.Equal(t, []any{"0.15", true}, []any{amount, own})

	set := func(input map[string]any) string {
		var out struct {
			RateCardUpdate struct {
				UserErrors []struct{ Message string }
			}
		}
		e.do(&out, `mutation($i: RateCardUpdateInput!) { rateCardUpdate(input: $i) { userErrors { message } } }`, map[string]any{"i": input})
		problems := ""
		for _, u := range out.RateCardUpdate.UserErrors {
			problems += u.Message
		}
		return problems
	}
	rate := map[string]any{"market": "Germany", "category": "MARKETING", "price": "0.15", "since": "2090-01-01"}
	for field, bad := range map[string]string{"price": "-1", "since": "soon", "market": "Narnia", "currency": "dollars"} {
		wrong := map[string]any{}
		for k, v := range rate {
			wrong[k] = v
		}
		wrong[field] = bad
		require.Contains(t, set(map[string]any{"set": []any{wrong}}), bad, field)
	}
	require.Contains(t, set(map[string]any{"timeZone": "Mars/Olympus"}), "no time zone")
	require.Contains(t, set(map[string]any{"expectedVersion": 1, "currency": "EUR"}), "changed", "somebody changed it since")
	delete(rate, "price")
	require.Empty(t, set(map[string]any{"remove": []any{rate}}))
	read("2090-01-01T00:00:00Z")
	amount, own, _ = germany()
	require.Equal(t, []any{"0.1365", false}, []any{amount, own})
	require.Contains(t, set(map[string]any{"remove": []any{rate}}), "was set here")
	require.Equal(t, 2, e.query("SELECT count(*) FROM audit_entries WHERE action = 'rate_card.update' AND changes::text LIKE '%Germany marketing USD since 2090-01-01%'"))
}

func TestABudgetIsSetByTheAPIAndStopsTheCampaign(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(20) // in Germany: 0.1415 for each marketing message
	type state struct {
		Node struct {
			Status, PausedBy, PausedReason string
			Budget                         *struct{ Limit, Charged, Reserved money }
			Counts                         struct{ Accepted, Pending int }
		}
	}
	for bad, want := range map[string]string{"-1": "not an amount", "much": "not an amount", "0": "more than 0", "999999999999": "out of range"} {
		_, problems := e.mutate("campaignCreate", "campaign", map[string]any{"name": "x", "budget": bad})
		require.Contains(t, problems, "budget: ")
		require.Contains(t, problems, want)
	}
	camp := e.draft("Budgeted", map[string]any{"budget": "1"})
	var flight struct{ CampaignPreflight struct{ Warnings []string } }
	e.do(&flight, `query($id: ID!) { campaignPreflight(id: $id) { warnings } }`, map[string]any{"id": camp})
	require.Contains(t, flight.CampaignPreflight.Warnings, "it may cost up to 2.83 USD, and its budget leaves 1.00: it will pause when that is used up")
	e.must("campaignLaunch", "campaign", map[string]any{"id": camp})
	e.await(camp, "PAUSED")
	var now state
	read := func() {
		e.do(&now, `query($id: ID!) { node(id: $id) { ... on Campaign { status pausedBy pausedReason counts { accepted pending }
			budget { limit { amount currency } charged { amount currency } reserved { amount currency } } } } }`, map[string]any{"id": camp})
	}
	require.Eventually(t, func() bool { // the receipts of the seven
		read()
		return now.Node.Budget.Charged.Amount == "0.9905"
	}, patience, 50*time.Millisecond)
	require.Equal(t, "ENGINE", now.Node.PausedBy)
	require.Contains(t, now.Node.PausedReason, "The campaign's budget of 1.00 USD is used up")
	require.Equal(t, 7, now.Node.Counts.Accepted)
	require.Equal(t, 13, now.Node.Counts.Pending)
	require.Equal(t, "0.00", now.Node.Budget.Reserved.Amount)

	e.must("campaignUpdate", "campaign", map[string]any{"id": camp, "budget": "2.9"})
	require.Equal(t, 1, e.query(`SELECT count(*) FROM audit_entries WHERE action = 'campaign.update' AND changes -> 'budget' = '{"from": "1.00 USD", "to": "2.90 USD"}'`))
	e.must("campaignResume", "campaign", map[string]any{"id": camp})
	require.Equal(t, 20, e.settled(camp).Accepted)

	// The month's budget holds for all campaigns, whatever they were given.
	require.Contains(t, e.settings(map[string]any{"monthlyBudget": "none"}), "not an amount")
	require.Empty(t, e.settings(map[string]any{"monthlyBudget": "3"}))
	other := e.draft("Other", nil)
	e.must("campaignLaunch", "campaign", map[string]any{"id": other})
	e.await(other, "PAUSED")
	var month struct {
		Settings struct{ MonthlyBudget *struct{ Limit money } }
		Node     struct{ PausedReason string }
	}
	e.do(&month, `query($id: ID!) { settings { monthlyBudget { limit { amount currency } } } node(id: $id) { ... on Campaign { pausedReason } } }`, map[string]any{"id": other})
	require.Equal(t, money{"3.00", "USD"}, month.Settings.MonthlyBudget.Limit)
	require.Contains(t, month.Node.PausedReason, "The budget of "+time.Now().UTC().Format("January 2006")+" of 3.00 USD is used up")
	require.Empty(t, e.settings(map[string]any{"monthlyBudget": nil}))
	e.must("campaignResume", "campaign", map[string]any{"id": other})
	require.Equal(t, 20, e.settled(other).Accepted)
}
