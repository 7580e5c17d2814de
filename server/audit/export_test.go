package audit

import (
	"maps"
	"slices"
)

// ReferringFields are the fields of changes that name things by their numbers.
func ReferringFields() []string { return slices.Collect(maps.Keys(refers)) }

// KindsWithNames are the kinds of things that have names.
func KindsWithNames() []string { return slices.Collect(maps.Keys(named)) }
