package consent

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheCorpusIsUnderstood measures, and prints the rates and what was not understood.
// All parts of the corpus were written without a look at the word lists; the lists have
// learned from them since. docs/compliance.md has the rates of each part as it was read
// for the first time. What is noticed in vain costs a person a glance.
func TestTheCorpusIsUnderstood(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/corpus.tsv")
	require.NoError(t, err)
	total, right := map[string]int{}, map[string]int{}
	falseStops := 0
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.SplitN(line, "\t", 3)
		require.Len(t, cells, 3, line)
		language, want, phrase := cells[0], cells[1], cells[2]
		got := builtIn().Understand(Said{Body: phrase})
		label := string(got.Keyword)
		switch {
		case label == "" && got.Review:
			label = "review"
		case label == "":
			label = "none"
		}
		// A sentence that acts at once asked for it too; a person who looks at what was
		// nothing loses a moment.
		good := label == want || want == "review" && label == "stop"
		if want == "none" && label == "stop" {
			falseStops++
		}
		total[want]++
		if good {
			right[want]++
		} else {
			t.Logf("%s: %q is %s, not %s", language, phrase, label, want)
		}
	}
	for _, want := range []string{"stop", "review", "none", "start", "help"} {
		t.Logf("%-6s %4d of %4d = %.1f %%", want, right[want], total[want], 100*float64(right[want])/float64(total[want]))
	}
	require.Zero(t, falseStops, "nobody is opted out who did not ask for it")
	require.GreaterOrEqual(t, float64(right["stop"]), 0.95*float64(total["stop"]))
	require.GreaterOrEqual(t, float64(right["review"]), 0.90*float64(total["review"]))
	require.GreaterOrEqual(t, float64(right["none"]), 0.90*float64(total["none"]))
}
