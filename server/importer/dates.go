package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
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

var namedLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/01/02 15:04:05", "2006/01/02 15:04",
	"2006/01/02", "2006.01.02", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "Jan 2 2006",
	"2 Jan 2006 15:04", "Jan 2, 2006 15:04", "Jan 2, 2006 3:04 PM", time.RFC1123, time.RFC1123Z,
}

var (
	numericDate = regexp.MustCompile(`^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?:,?[ T]+(\d{1,2}:\d{2}(?::\d{2})?)\s*([AaPp]\.?[Mm]\.?)?)?$`)
	spaces      = regexp.MustCompile(`[\s\p{Zs}]+`)
)

// dateError says why a text is no date.
type dateError string

func (e dateError) Error() string { return string(e) }

// parseDate reads a date, with or without a time; without a zone it is UTC.
func parseDate(text string, order DateOrder) (time.Time, error) {
	s := spaces.ReplaceAllString(strings.TrimSpace(text), " ")
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
	for _, layout := range namedLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, dateError("not a date such as 2026-11-23 or 2026-11-23T10:00:00Z")
}

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
		m := numericDate.FindStringSubmatch(spaces.ReplaceAllString(strings.TrimSpace(v), " "))
		if m == nil {
			return DateOrderOpen, false
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
