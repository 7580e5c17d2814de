package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"eventstream/server/contact"
)

// DateOrder is in which order a column writes the day, month and year of a date
// such as 03/04/2025.
type DateOrder string

// Orders.
const (
	DateOrderOpen DateOrder = "" // the file does not tell
	DateOrderDMY  DateOrder = "dmy"
	DateOrderMDY  DateOrder = "mdy"
)

// Layouts of dates that name their month, or begin with the year. What namedDate does
// to a text, it does to all of them: one space between the parts and no commas.
var (
	dayLayouts = []string{
		"2006-01-02", "2006/01/02", "2006.01.02", "2 January 2006", "January 2 2006", "2-January-2006",
		"2-January-06", "2 January 06", "2/January/2006", // plainDate spells months out
	}
	clockLayouts = []string{"15:04:05", "15:04", "3:04:05 PM", "3:04 PM", "3 PM"}
	zoneLayouts  = []string{"Z07:00", "Z0700", "Z07", " -0700", " Z07:00", " MST"}
	layouts      = func() (all []string) {
		all = []string{"January 2 15:04:05 2006", "January 2 15:04:05 MST 2006", "January 2 15:04:05 -0700 2006"}
		for _, day := range dayLayouts {
			all = append(all, day)
			for _, joint := range []string{" ", "T"} {
				for _, clock := range clockLayouts {
					all = append(all, day+joint+clock)
					for _, zone := range zoneLayouts {
						all = append(all, day+joint+clock+zone)
					}
				}
			}
		}
		return all
	}()
)

var (
	numericDate = regexp.MustCompile(`^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?:,?[ T]+(\d{1,2}:\d{2}(?::\d{2})?)\s*([AaPp]\.?[Mm]\.?)?)?$`)
	spaces      = regexp.MustCompile(`[\s\p{Zs}]+`)

	noDate    = regexp.MustCompile(`^0{1,4}[-/.]0{1,2}[-/.]0{1,4}(?:[ T].*)?$`)
	inside    = regexp.MustCompile(`\s*\([^)]*\)$`) // GMT+0100 (Central European Time)
	offset    = regexp.MustCompile(`\b(?:GMT|UTC) ?([+-]\d{2}:?\d{2})`)
	ordinal   = regexp.MustCompile(`(?i)\b(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)(\s)`)
	oClock    = regexp.MustCompile(`(?i)\s*\b(?:uhr|hrs?|h)\.?$`)
	dayOfWeek = regexp.MustCompile(`^\p{L}+\.?,? (.*\d.*)$`)
	word      = regexp.MustCompile(`\p{L}+\.?`)
	seconds   = regexp.MustCompile(`^1\d{9}(?:\d{3})?(?:\.0+)?$`) // of Unix, 2001 to 2033, or its milliseconds
	compact   = regexp.MustCompile(`^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$`)
)

// months are the names of months and their short forms as people write them, to their
// number; what stands here is lower-cased and without a point.
var months = func() map[string]time.Month {
	known := map[string]time.Month{}
	for _, names := range [][12]string{
		{
			"january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
			"september sep sept", "october oct", "november nov", "december dec",
		},
		{
			"januar jän jänner", "februar", "märz mär mrz maerz", "april", "mai", "juni", "juli", "august", "september",
			"oktober okt", "november", "dezember dez",
		},
		{
			"janvier janv", "février févr fév fevrier", "mars", "avril avr", "mai", "juin", "juillet juil", "août aout", "septembre",
			"octobre", "novembre", "décembre déc",
		},
		{
			"enero ene", "febrero", "marzo", "abril abr", "mayo", "junio", "julio", "agosto ago", "septiembre setiembre",
			"octubre", "noviembre", "diciembre dic",
		},
		{
			"gennaio gen", "febbraio", "marzo", "aprile", "maggio mag", "giugno giu", "luglio lug", "agosto", "settembre set",
			"ottobre ott", "novembre", "dicembre",
		},
		{
			"janeiro", "fevereiro fev", "março marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro out",
			"novembro", "dezembro",
		},
		{"januari", "februari", "maart mrt", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"},
		{"ocak", "şubat", "mart", "nisan", "mayıs", "haziran", "temmuz", "ağustos", "eylül", "ekim", "kasım", "aralık"},
	} {
		for i, spellings := range names {
			for _, name := range strings.Fields(spellings) {
				known[name] = time.Month(i + 1)
			}
		}
	}
	return known
}()

var dateWords = strings.NewReplacer("年", "-", "月", "-", "日", "", " de ", " ", " del ", " ")

// plainDate undoes what locales do to a date: digits of other scripts, names of months
// in other languages, ordinals, days of the week, words such as Uhr.
func plainDate(text string) string {
	s := spaces.ReplaceAllString(strings.TrimSpace(contact.PlainDigits(text)), " ")
	if s == "" || len(s) > longestDate || s[0] >= '0' && s[0] <= '9' && strings.IndexFunc(s, unicode.IsLetter) < 0 {
		return s
	}
	s = offset.ReplaceAllString(inside.ReplaceAllString(s, ""), "$1")
	s = oClock.ReplaceAllString(ordinal.ReplaceAllString(s, "$1$2"), "")
	if m := dayOfWeek.FindStringSubmatch(s); m != nil {
		first, _, _ := strings.Cut(s, " ")
		if months[strings.ToLower(strings.TrimRight(first, ".,"))] == 0 {
			s = m[1]
		}
	}
	s = dateWords.Replace(s)
	s = word.ReplaceAllStringFunc(s, func(w string) string {
		if m := months[strings.ToLower(strings.TrimSuffix(w, "."))]; m != 0 {
			return m.String()
		}
		return strings.ToUpper(w)
	})
	return spaces.ReplaceAllString(strings.ReplaceAll(s, ",", " "), " ")
}

const longestDate = 80

// isNoDate holds for what databases write where there is none.
func isNoDate(text string) bool { return noDate.MatchString(strings.TrimSpace(text)) }

// dateError says why a text is no date.
type dateError string

func (e dateError) Error() string { return string(e) }

// parseDate reads a date, with or without a time; without a zone it is UTC.
func parseDate(text string, order DateOrder) (time.Time, error) {
	s := plainDate(text)
	if m := numericDate.FindStringSubmatch(s); m != nil {
		if m[2] == "." {
			order = DateOrderDMY // nobody writes the month first with dots
		}
		dayFirst, ok1 := dateOf(m, DateOrderDMY)
		monthFirst, ok2 := dateOf(m, DateOrderMDY)
		switch {
		case order == DateOrderDMY && ok1:
			return dayFirst, nil
		case order == DateOrderMDY && ok2:
			return monthFirst, nil
		case order != DateOrderOpen:
			return time.Time{}, dateError(fmt.Sprintf("not a date with the %s first, as the others of this column", map[DateOrder]string{
				DateOrderDMY: "day", DateOrderMDY: "month",
			}[order]))
		case ok1 && ok2 && !dayFirst.Equal(monthFirst):
			return time.Time{}, dateError(fmt.Sprintf("can be %s or %s: say whether dates have the day or the month first",
				dayFirst.Format("2 January 2006"), monthFirst.Format("2 January 2006")))
		case ok1:
			return dayFirst, nil
		case ok2:
			return monthFirst, nil
		}
	}
	if t, ok := namedDate(s); ok {
		return t, nil
	}
	return time.Time{}, dateError("not a date such as 2026-11-23 or 2026-11-23T10:00:00Z")
}

// namedDate reads the dates that can be read in one way only.
func namedDate(s string) (time.Time, bool) {
	switch {
	case len(s) > longestDate || len(s) < len("1/1/25"):
		return time.Time{}, false
	case seconds.MatchString(s):
		whole, _, _ := strings.Cut(s, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if len(whole) == len("1767139200000") {
			return time.UnixMilli(n).UTC(), err == nil
		}
		return time.Unix(n, 0).UTC(), err == nil
	case compact.MatchString(s):
		t, err := time.Parse("20060102", s)
		return t, err == nil
	}
	if s[0] >= '0' && s[0] <= '9' && (len(s) < len("2006-1-2") || !strings.ContainsAny(s, "-/. ")) {
		return time.Time{}, false
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, t.Year() > 0 && t.Year() <= lastYear
		}
	}
	return time.Time{}, false
}

// lastYear is the last that dates are written in everywhere.
const lastYear = 9999

// dateOf makes a date of the parts that numericDate found.
func dateOf(m []string, order DateOrder) (time.Time, bool) {
	day, month, year := number(m[1]), number(m[3]), number(m[4])
	if order == DateOrderMDY {
		day, month = month, day
	}
	if len(m[4]) == 2 {
		if year += 2000; year > time.Now().Year()+20 {
			year -= 100
		}
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || int(t.Month()) != month || month == 0 {
		return t, false
	}
	if m[5] == "" {
		return t, true
	}
	layout := "15:04"
	if strings.Count(m[5], ":") == 2 {
		layout += ":05"
	}
	clock, half := m[5], strings.ToUpper(strings.ReplaceAll(m[6], ".", ""))
	if half != "" {
		layout, clock = strings.Replace(layout, "15", "3", 1)+" PM", clock+" "+half
	}
	at, err := time.Parse(layout, clock)
	return t.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute +
		time.Duration(at.Second())*time.Second), err == nil
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// orderOf tells in which order a column's values write dates, and whether all of
// them are such dates.
func orderOf(values []string) (order DateOrder, all bool) {
	day, month, found := true, true, false
	for _, v := range values {
		if isNoDate(v) {
			continue
		}
		s := plainDate(v)
		m := numericDate.FindStringSubmatch(s)
		if m == nil {
			if _, one := namedDate(s); !one || compact.MatchString(s) || seconds.MatchString(s) {
				return DateOrderOpen, false
			}
			continue
		}
		_, dayFirst := dateOf(m, DateOrderDMY)
		_, monthFirst := dateOf(m, DateOrderMDY)
		found, day, month = true, day && dayFirst, month && monthFirst && m[2] != "."
	}
	switch {
	case !found || !day && !month:
		return DateOrderOpen, false
	case !month:
		return DateOrderDMY, true
	case !day:
		return DateOrderMDY, true
	}
	return DateOrderOpen, true
}

// isoDate writes a date as segments compare it, with its time where it has one.
func isoDate(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02T15:04:05Z07:00")
}
