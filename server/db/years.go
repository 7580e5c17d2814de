package db

import "time"

// Years of moments that the API takes and gives: what Postgres, Go, JSON and people agree
// about.
const (
	FirstYear = 1900
	LastYear  = 2200
)

// InYears holds for a moment within them, in UTC.
func InYears(t time.Time) bool { return t.UTC().Year() >= FirstYear && t.UTC().Year() <= LastYear }
