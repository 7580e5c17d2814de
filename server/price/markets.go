package price

import (
	"maps"
	"slices"
	"strings"
	"time"

	"eventstream/server/say"
)

// Market is what Meta has one price for: a country, or the rest of a region.
type Market struct {
	Name    string
	Regions []string   // countries whose numbers belong to it on the day that was asked for; none: all that are left
	Note    say.Format // what the sources leave open
}

// Other is the market of whatever is in no other.
const Other = "Other"

// members are the countries of each market, by the state of 2026-10-01, with those that have
// no calling code of their own beside the one whose code they share: what decides is the
// recipient's calling code (Meta, "Pricing on the WhatsApp Business Platform", read 2026-07).
var members = map[say.Format]string{
	"Argentina": "AR", "Bangladesh": "BD", "Brazil": "BR", "Chile": "CL", "Colombia": "CO", "Egypt": "EG", "France": "FR",
	"Germany": "DE", "Hong Kong": "HK", "Hungary": "HU", "India": "IN", "Indonesia": "ID", "Iraq": "IQ", "Israel": "IL",
	"Italy": "IT VA", "Kazakhstan": "KZ", "Kuwait": "KW", "Malaysia": "MY", "Mexico": "MX", "Morocco": "MA EH", "Nepal": "NP",
	"Netherlands": "NL", "Nigeria": "NG", "Oman": "OM", "Pakistan": "PK", "Peru": "PE", "Poland": "PL", "Qatar": "QA",
	"Romania": "RO", "Russia": "RU", "Saudi Arabia": "SA", "Singapore": "SG", "South Africa": "ZA", "Spain": "ES",
	"Sri Lanka": "LK", "Turkey": "TR", "Ukraine": "UA", "UAE": "AE", "UK": "GB GG IM JE",
	"North America": "US CA AS GU MP VI",
	"Rest of Africa": "DZ AO BJ BW BF BI CM TD CG CI ER SZ ET GA GM GH GW KE LS LR LY MG MW ML MR MZ NA NE RW SN SL SO SS SD TZ TG " +
		"TN UG ZM ZW",
	"Rest of Asia Pacific":             "AF AU CC CX KH CN JP LA MN NZ PG PH TW TJ TH TM UZ VN",
	"Rest of Central & Eastern Europe": "AL AM AZ BY BG HR CZ GE GR LV LT MD MK RS SK SI",
	"Rest of Western Europe":           "AT BE DK FI AX IE NO SJ PT SE CH",
	"Rest of Latin America":            "BO CR DO EC SV GT HT HN JM NI PA PY PR UY VE",
	"Rest of Middle East":              "BH JO LB YE",
	Other:                              "",
}

// moved is where a country belonged before a day.
type moved struct {
	until  string // the day on which it came into its market of members
	market string
}

var before = map[string]moved{
	"ZW": {"2025-10-01", Other},
	"HK": {"2026-07-01", "Rest of Asia Pacific"}, "SG": {"2026-07-01", "Rest of Asia Pacific"},
	"HU": {"2026-07-01", "Rest of Central & Eastern Europe"}, "PL": {"2026-07-01", "Rest of Central & Eastern Europe"},
	"RO": {"2026-07-01", "Rest of Central & Eastern Europe"}, "QA": {"2026-07-01", "Rest of Middle East"},
	"BD": {"2026-10-01", "Rest of Asia Pacific"}, "NP": {"2026-10-01", "Rest of Asia Pacific"},
	"LK": {"2026-10-01", "Rest of Asia Pacific"}, "UA": {"2026-10-01", "Rest of Central & Eastern Europe"},
	"IQ": {"2026-10-01", "Rest of Middle East"}, "KW": {"2026-10-01", "Rest of Middle East"},
	"OM": {"2026-10-01", "Rest of Middle East"},
	"MA": {"2026-10-01", "Rest of Africa"}, "EH": {"2026-10-01", "Rest of Africa"},
	"KZ": {"2026-10-01", Other},
}

// notes are what the sources leave open about who belongs to a market.
var notes = map[string]say.Format{
	"Kazakhstan": "Before 1 October 2026 one source counts it to Russia, another to Other; Other is taken, since Meta names it " +
		"among those whose price rose.",
	"North America": "Meta names the United States and Canada. American Samoa, Guam, the Northern Mariana Islands and the US " +
		"Virgin Islands share the code +1 and stand in no list; they are counted here.",
	"Rest of Central & Eastern Europe": "One source counts Estonia here; Meta's list does not have it, so that it is in Other.",
	Other: "Every country that is in no other list, such as South Korea, Myanmar, Estonia or Luxembourg, the rest of the " +
		"Caribbean under +1, and numbers of no country.",
}

// titles are the markets by their names.
var titles = func() map[string]say.Format {
	of := map[string]say.Format{}
	for name := range members {
		of[string(name)] = name
	}
	return of
}()

// Title is what a market is called; one that an older card had is called by its name.
func Title(market string) say.Text {
	if title, ok := titles[market]; ok {
		return say.New(title)
	}
	return say.Raw(market)
}

var marketOf = func() map[string]string {
	of := map[string]string{}
	for name, regions := range members {
		for _, r := range strings.Fields(regions) {
			of[r] = string(name)
		}
	}
	return of
}()

// IsMarket reports whether Meta has such a market.
func IsMarket(name string) bool {
	_, ok := titles[name]
	return ok
}

// MarketOf is the market of a number on a day, by the country of the number (ISO 3166-1 alpha-2), "" for none. The
// countries that share a calling code are told apart only where Meta does: those of +1 and +7.
func MarketOf(region string, day time.Time) string {
	market, ok := marketOf[region]
	if !ok {
		return Other
	}
	if was, ok := before[region]; ok && day.Format(time.DateOnly) < was.until {
		return was.market
	}
	return market
}

// inMarket reports whether a market has anybody on a day: later it may have become one.
func inMarket(name string, day time.Time) bool {
	regions := strings.Fields(members[titles[name]])
	return len(regions) == 0 || slices.ContainsFunc(regions, func(r string) bool { return MarketOf(r, day) == name })
}

// Markets are those that there are on a day, by name, with who belongs to them.
func Markets(day time.Time) []Market {
	of := map[string][]string{}
	for _, r := range slices.Sorted(maps.Keys(marketOf)) {
		of[MarketOf(r, day)] = append(of[MarketOf(r, day)], r)
	}
	var all []Market
	for _, name := range slices.Sorted(maps.Keys(titles)) {
		if inMarket(name, day) {
			m := Market{Name: name, Regions: of[name], Note: notes[name]}
			if name == Other {
				m.Regions = nil
			}
			all = append(all, m)
		}
	}
	return all
}
