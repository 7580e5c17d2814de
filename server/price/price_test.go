package price

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"eventstream/server/contact"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"
)

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

func card(t *testing.T, s Settings, own ...Rate) *Card {
	t.Helper()
	c, err := newCard(s, delivered, own)
	require.NoError(t, err)
	return c
}

func TestAmountsAreReadAndWrittenWithoutRounding(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Micros{
		"0.0618": 61_800, "0": 0, "1": unit, "12.5": 12_500_000, "0.000001": 1, "0.0050": 5_000, "1000000": maxRate,
	} {
		got, err := ParseMicros(text, maxRate)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseMicros(got.String(), maxRate)
		require.NoError(t, err)
		require.Equal(t, got, again, text)
	}
	for _, text := range []string{"", "-1", "1e3", "0,05", ".5", "5.", "0.0000001", "1000000.01", "99999999999999999999", "٣", "1.2.3", " 1", "NaN"} {
		_, err := ParseMicros(text, maxRate)
		require.Error(t, err, text)
	}
	require.Equal(t, "-0.0618", Micros(-61_800).String())
	require.Equal(t, "-9223372036854.775808", Micros(-1<<63).String())
}

// Every market has a price for every day since the card begins: nothing that arrives is without one.
func TestTheDeliveredCardHasAPriceForEveryMarketAndDay(t *testing.T) {
	t.Parallel()
	c := card(t, standard)
	unknown := map[string]bool{}
	for d := day(firstDay); d.Before(day("2027-01-01")); d = d.AddDate(0, 1, 0) {
		require.NotEmpty(t, Markets(d))
		for _, m := range Markets(d) {
			for _, category := range []Category{CategoryMarketing, CategoryUtility, CategoryAuthentication, CategoryService} {
				if category == CategoryService && d.Before(charged) {
					continue // free everywhere
				}
				if _, ok := c.rate(Key{Market: m.Name, Category: category, Currency: "USD"}, d); !ok {
					unknown[m.Name+" "+string(category)+" "+d.Format("2006-01")] = true
				}
			}
		}
		require.Equal(t, Micros(5_000), c.Fee(d))
	}
	for k := range unknown { // what the sources do not tell: UAE marketing and Saudi utility until 2025-09
		require.Contains(t, k, " 2025-0", "the card does not tell it")
		require.True(t, strings.HasPrefix(k, "UAE marketing") || strings.HasPrefix(k, "Saudi Arabia "), k)
	}
	require.Len(t, Markets(day("2026-10-01")), 47)
	require.Len(t, Markets(day("2026-01-01")), 32)
}

func TestTheMarketIsThatOfTheNumberOnTheDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ number, day, market string }{
		{"+12125552368", "2026-11-01", "North America"},
		{"+14165552368", "2026-11-01", "North America"},
		{"+18092345678", "2026-11-01", "Rest of Latin America"},
		{"+17872345678", "2026-11-01", "Rest of Latin America"},
		{"+18762101234", "2026-11-01", "Rest of Latin America"},
		{"+12423591234", "2026-11-01", Other},
		{"+18682911234", "2026-11-01", Other},
		{"+16713001234", "2026-11-01", "North America"},
		{"+447911123456", "2026-11-01", "UK"},
		{"+447781123456", "2026-11-01", "UK"},
		{"+77012345678", "2026-11-01", "Kazakhstan"},
		{"+77012345678", "2026-09-30", Other},
		{"+79161234567", "2026-11-01", "Russia"},
		{"+85251234567", "2026-06-30", "Rest of Asia Pacific"},
		{"+85251234567", "2026-07-01", "Hong Kong"},
		{"+212612345678", "2026-09-30", "Rest of Africa"},
		{"+212612345678", "2026-10-01", "Morocco"},
		{"+263712345678", "2025-09-30", Other},
		{"+263712345678", "2025-10-01", "Rest of Africa"},
		{"+821012345678", "2026-11-01", Other},
		{"+37251234567", "2026-11-01", Other},
		{"+491701234567", "2026-11-01", "Germany"},
	} {
		a, err := contact.ParseAddress(c.number, "")
		require.NoError(t, err, c.number)
		require.Equal(t, c.market, MarketOf(a.Region, day(c.day)), "%s in %s", c.number, a.Region)
	}
}

// Meta tells numbers apart by their calling code, and only those of +1 and +7 further.
func TestCountriesThatShareACallingCodeAreOneMarket(t *testing.T) {
	t.Parallel()
	for _, d := range []string{firstDay, "2026-01-01", "2026-07-01", "2026-10-01"} {
		of := map[int]string{}
		for region := range phonenumbers.GetSupportedRegions() {
			code := phonenumbers.GetCountryCodeForRegion(region)
			if code == 1 || code == 7 {
				continue
			}
			market := MarketOf(region, day(d))
			if other, ok := of[code]; ok {
				require.Equal(t, other, market, "+%d, %s on %s", code, region, d)
			}
			of[code] = market
		}
	}
	for region := range marketOf {
		require.True(t, phonenumbers.GetSupportedRegions()[region], region)
	}
}

func TestWhatIsCharged(t *testing.T) {
	t.Parallel()
	c := card(t, standard)
	at := func(s string) time.Time { return day(s).Add(12 * time.Hour) }
	for name, x := range map[string]struct {
		sent         Sent
		meta, twilio Micros
		market       string
		category     Category
	}{
		"marketing":                      {Sent{End: EndDelivered, At: at("2026-11-02"), Region: "DE", Category: CategoryMarketing}, 136_500, 5_000, "Germany", CategoryMarketing},
		"marketing in an open window":    {Sent{End: EndDelivered, At: at("2026-09-02"), Region: "DE", Category: CategoryMarketing, WindowOpen: true}, 136_500, 5_000, "Germany", CategoryMarketing},
		"utility in a window, then":      {Sent{End: EndDelivered, At: at("2026-09-30"), Region: "DE", Category: CategoryUtility, WindowOpen: true}, 0, 5_000, "Germany", CategoryUtility},
		"utility in a window, since":     {Sent{End: EndDelivered, At: at("2026-10-01"), Region: "DE", Category: CategoryUtility, WindowOpen: true}, 55_000, 5_000, "Germany", CategoryUtility},
		"a reply, then":                  {Sent{End: EndDelivered, At: at("2026-09-30"), Region: "FR", Category: CategoryService}, 0, 5_000, "France", CategoryService},
		"a reply, since":                 {Sent{End: EndDelivered, At: at("2026-10-01"), Region: "FR", Category: CategoryService}, 30_000, 5_000, "France", CategoryService},
		"one of the free replies":        {Sent{End: EndDelivered, At: at("2026-10-01"), Region: "FR", Category: CategoryService, Free: true}, 0, 5_000, "France", CategoryService},
		"India before its rise":          {Sent{End: EndDelivered, At: at("2025-12-31"), Region: "IN", Category: CategoryMarketing}, 10_700, 5_000, "India", CategoryMarketing},
		"India after its rise":           {Sent{End: EndDelivered, At: at("2026-01-01"), Region: "IN", Category: CategoryMarketing}, 11_800, 5_000, "India", CategoryMarketing},
		"no country":                     {Sent{End: EndDelivered, At: at("2026-11-02"), Region: "", Category: CategoryMarketing}, 60_400, 5_000, Other, CategoryMarketing},
		"failed":                         {Sent{End: EndFailed, At: at("2026-11-02"), Region: "DE", Category: CategoryMarketing}, 0, 1_000, "Germany", CategoryTwilioFailed},
		"undelivered":                    {Sent{End: EndUndelivered, At: at("2026-11-02"), Region: "DE", Category: CategoryMarketing}, 0, 5_000, "Germany", CategoryTwilioMessage},
		"arrived after two that had not": {Sent{End: EndDelivered, At: at("2026-11-02"), Region: "DE", Category: CategoryMarketing, Earlier: []End{EndFailed, EndUndelivered}}, 136_500, 11_000, "Germany", CategoryMarketing},
	} {
		got := c.Charge(x.sent)
		require.Equal(t, Charge{Market: x.market, Category: x.category, Meta: x.meta, Twilio: x.twilio, Known: true}, got, name)
	}
}

// A rate begins at midnight of the business account, wherever the server is.
func TestADayIsThatOfTheBusinessAccount(t *testing.T) {
	t.Parallel()
	c := card(t, Settings{Currency: "USD", TimeZone: "America/Los_Angeles"})
	midnight := time.Date(2026, 10, 1, 7, 0, 0, 0, time.UTC) // in summer time
	reply := Sent{End: EndDelivered, Region: "DE", Category: CategoryService, At: midnight.Add(-time.Second)}
	require.Zero(t, c.Charge(reply).Meta)
	require.Equal(t, day("2026-09-01"), c.Month(reply.At))
	reply.At = midnight
	require.Equal(t, Micros(55_000), c.Charge(reply).Meta)
	require.Equal(t, day("2026-10-01"), c.Month(reply.At))
	require.True(t, c.Begins(day("2026-10-01")).Equal(midnight))
	c = card(t, Settings{Currency: "USD", TimeZone: "America/Santiago"}) // 6 September 2026 begins at 01:00 there
	begins := c.Begins(day("2026-09-06"))
	require.Equal(t, day("2026-09-06"), c.Day(begins))
	require.Equal(t, day("2026-09-05"), c.Day(begins.Add(-time.Second)))
}

func TestWhatIsExpectedIsARange(t *testing.T) {
	t.Parallel()
	c := card(t, standard)
	for name, x := range map[string]struct {
		region    string
		category  Category
		on        string
		low, high Micros
	}{
		"marketing has one price":       {"DE", CategoryMarketing, "2026-11-02", 141_500, 141_500},
		"the last tier of volume":       {"SA", CategoryUtility, "2026-11-02", 13_000, 15_700},
		"the window, while it was free": {"DE", CategoryUtility, "2026-09-02", 5_000, 60_000},
		"free replies":                  {"DE", CategoryService, "2026-11-02", 5_000, 60_000},
		"authentication from abroad":    {"ZA", CategoryAuthentication, "2026-09-02", 12_600, 25_000},
	} {
		_, got := c.Expected(x.region, x.category, day(x.on))
		require.Equal(t, Range{x.low, x.high}, got, name)
	}
}

func TestARateOfOnesOwnCountsFromItsDay(t *testing.T) {
	t.Parallel()
	key := Key{Market: "Germany", Category: CategoryMarketing, Currency: "USD"}
	c := card(t, standard, Rate{Key: key, Since: day("2026-12-01"), Price: 150_000, Own: true}, Rate{Key: key, Since: day("2026-10-01"), Price: 140_000, Own: true})
	price := func(on string) Micros {
		return c.Charge(Sent{End: EndDelivered, At: day(on), Region: "DE", Category: CategoryMarketing}).Meta
	}
	require.Equal(t, Micros(136_500), price("2026-09-30"))
	require.Equal(t, Micros(140_000), price("2026-10-01"), "in the place of what was delivered for that day")
	require.Equal(t, Micros(150_000), price("2026-12-01"))
	_, next := c.Valid(day("2026-11-15"))
	require.Equal(t, Micros(150_000), next[key].Price)
}

func TestACurrencyWithoutARateIsNotGuessed(t *testing.T) {
	t.Parallel()
	c := card(t, Settings{Currency: "EUR", TimeZone: "UTC"})
	got := c.Charge(Sent{End: EndDelivered, At: day("2026-11-02"), Region: "NP", Category: CategoryMarketing})
	require.False(t, got.Known)
	require.Zero(t, got.Total(), "nothing is taken from another currency's card")
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	c := card(t, standard)
	var file bytes.Buffer
	require.NoError(t, WriteFile(&file, c.All()))
	got, faults, err := readFile(&file, "")
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Len(t, got, len(delivered))
	for _, r := range got {
		require.True(t, c.has(r), r)
	}
}

func TestEveryLineThatCannotBeReadIsTold(t *testing.T) {
	t.Parallel()
	_, faults, err := readFile(strings.NewReader("market;category;currency;price;valid_from\n"+
		"germany;Marketing;usd;0.15;2027-01-01\n"+
		"Narnia;marketing;USD;0.15;2027-01-01\n"+
		"Germany;banter;USD;0,15;1.1.2027\n"+
		"Germany;marketing;USD;0.16;2027-01-01\n"+
		"Germany;twilio-message;USD;0.16;2027-01-01\n"), "")
	require.NoError(t, err)
	type fault struct {
		line           int
		column, reason string
	}
	told := []fault{}
	for _, f := range faults {
		told = append(told, fault{f.Line, f.Column, f.Reason.String()})
	}
	require.Equal(t, []fault{
		{3, "market", `"Narnia" is no market of Meta's card`},
		{4, "price", `"0,15" is not an amount: digits with a point, such as 0.0618`},
		{4, "valid_from", `"1.1.2027" is no day: year-month-day, such as 2026-10-01`},
		{4, "category", `"banter" is no category: ` + categoryNames},
		{5, "valid_from", "line 2 sets the same rate from the same day"},
		{6, "market", `"Germany": Twilio's fees are the same in every market, leave it empty`},
	}, told)
	for text, want := range map[string]string{
		"":                             "no header",
		"market,category\nGermany,x\n": "names no column currency",
		"\x00\x01":                     "no text",
		"market,category,currency,price,valid_from\n": "no line below",
	} {
		_, _, err := readFile(strings.NewReader(text), "")
		require.ErrorContains(t, err, want)
	}
	_, faults, err = readFile(strings.NewReader("market,category,currency,price,valid_from\nGermany,\"marketing,USD,0.1,2027-01-01\n"), "")
	require.NoError(t, err)
	require.Len(t, faults, 1, "a quote that does not end")
}

func FuzzFile(f *testing.F) {
	f.Add("market,category,currency,price,valid_from\nGermany,marketing,USD,0.1,2027-01-01\n")
	f.Fuzz(func(t *testing.T, text string) {
		rates, _, err := readFile(strings.NewReader(text), "x")
		for _, r := range rates {
			require.NoError(t, err)
			require.NoError(t, r.check())
		}
	})
}
