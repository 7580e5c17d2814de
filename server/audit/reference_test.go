package audit_test

import (
	"os"
	"strings"
	"testing"

	"eventstream/server/audit"

	"github.com/stretchr/testify/require"
)

func TestChangesTellWhichThingsTheyName(t *testing.T) {
	t.Parallel()
	e := &audit.Entry{Changes: []byte(`{
		"template": {"from": 3, "to": 4}, "segment": 7, "rate": 12, "name": "5", "assignee": null,
		"senders": {"from": [], "to": [{"SenderID": 2, "Weight": 1}]}, "variants": [{"template": 4, "sender": 2, "weight": 1}],
		"add": [8, 9, 8], "contacts": 20, "messages": 30}`)}
	of := func(field, entity string, id int64) audit.Reference {
		return audit.Reference{Field: field, Thing: audit.Thing{Entity: entity, ID: id}}
	}
	require.Equal(t, []audit.Reference{
		of("add", "label", 8), of("add", "label", 9), of("segment", "segment", 7), of("SenderID", "sender", 2),
		of("template", "template", 3), of("template", "template", 4), of("sender", "sender", 2),
	}, e.References(), "each once, and no counts")
	e.Changes = []byte(`{"messages": [30, 31]}`)
	require.Len(t, e.References(), 2, "a list of messages is one of numbers")
	e.Changes = []byte(`{"messages": [` + strings.Repeat("1,", 100) + "2" + strings.Repeat(",3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23", 3) + `]}`)
	require.Len(t, e.References(), audit.MostReferences)
	for _, changes := range []string{"", "{}", "null", "[]", `{"template": "x"}`, `{"template": 1.5}`, `{"template": 99999999999999999999}`} {
		e.Changes = []byte(changes)
		require.Empty(t, e.References(), changes)
	}
}

// A field that is renamed would lose its names in the pages without a word.
func TestReferencesAreFieldsThatEntriesHave(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/fields.txt")
	require.NoError(t, err)
	fields := strings.Fields(string(raw))
	require.Subset(t, fields, audit.ReferringFields())
}

func TestSentencesAreWhatIsTold(t *testing.T) {
	t.Parallel()
	e := &audit.Entry{Changes: []byte(`{"reason": {"from": "", "to": "Too many failed."}, "failure": "No sender.", "name": "Not one"}`)}
	require.Equal(t, []string{"No sender.", "Too many failed."}, e.Sentences())
}

// Each kind's look-up is right by the database's tables, and what is not there is gone.
func TestNamesAreReadOfEveryKind(t *testing.T) {
	t.Parallel()
	e := start(t)
	var things []audit.Thing
	for _, kind := range audit.KindsWithNames() {
		things = append(things, audit.Thing{Entity: kind, ID: 1 << 40})
	}
	found, err := e.trail.Names(e.ctx, append(things, audit.Thing{Entity: "settings", ID: 1}))
	require.NoError(t, err)
	for _, thing := range things {
		require.Equal(t, &audit.Name{Gone: true}, found[thing], thing.Entity)
	}
}
