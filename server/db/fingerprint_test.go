package db

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFingerprintsHoldNoValues(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT * FROM t1 WHERE name = 'O''Brien' AND n=12": "SELECT * FROM t1 WHERE name = ? AND n=?",
		"SELECT 'a' 'never ends":                            "SELECT ? ?",
		`SELECT e'it\'s private' || E'\\', 'x'`:             "SELECT ? || ?…",
		"SELECT 1, $x$ private $y$ private $x$":             "SELECT ?…",
		"VALUES (1, 'a'), (2, 'b'),\n\t(3, 'c')":            "VALUES (?…)…",
		`SELECT "a""1b", t2.c3, 1.5e10::float8`:             `SELECT "a""1b", t2.c3, ?::float8`,
		"SELECT like'x', müller4 IN (1,2,3)":                "SELECT like?, müller4 IN (?…)",
		"SELECT '{\"a\",\"b\\\\\"}'::text[]":                "SELECT ?::text[]",
	} {
		_, got := fingerprint(query)
		require.Equal(t, want, got, query)
	}
	one, _ := fingerprint("SELECT 1 WHERE x = 'a'")
	other, _ := fingerprint("SELECT 22  WHERE x =\n'b'")
	require.Equal(t, one, other)
	third, _ := fingerprint("SELECT 1 WHERE y = 'a'")
	require.NotEqual(t, one, third)
}

func FuzzFingerprint(f *testing.F) {
	f.Add("O'Brien", int64(7))
	f.Add(`\'; SELECT $$`, int64(-1))
	f.Fuzz(func(t *testing.T, value string, n int64) {
		if strings.ContainsRune(value, 0) {
			t.Skip()
		}
		quoted := strings.ReplaceAll(value, "'", "''")
		_, got := fingerprint("SELECT name FROM people WHERE name = '" + quoted + "' AND id = 42")
		if got != "SELECT name FROM people WHERE name = ? AND id = ?" {
			t.Fatalf("%q: %s", value, got)
		}
	})
}
