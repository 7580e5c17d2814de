// Package chaos breaks the engine while it sends, and counts afterwards: each
// recipient got exactly one message of each campaign at the sandbox; sandbox,
// messages and counters tell the same; nothing is left without a way forward; and
// nobody who wrote STOP got more than the confirmation. Replies, confirmations and
// STOPs go on beside each scenario.
//
// Chance finds what nobody thought of, and needs size and repetition for it: that is
// `make chaos`, which also writes docs/chaos.md. `make test` runs a short form, which
// keeps the suite itself alive; the races that are known are placed deliberately in
// the tests of dispatch.
package chaos

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// size of the suite.
var (
	full   = os.Getenv("CHAOS") == "full"
	people = pick(600, 20_000) // messages of a scenario's campaigns
	rate   = pick(400, 1_500)
)

func pick(short, whole int) int {
	if full {
		return whole
	}
	return short
}

// scenarios in the order of the table. Those that are long run in the full form only.
var scenarios = []struct {
	name string
	run  func(*testing.T, *report, string)
	long bool
}{
	{"kill -9", killed, false},
	{"Postgres crashes", crashed, false},
	{"Postgres away", away, true},
	{"Twilio's faults", faulty, false},
	{"Twilio silent", silent, false},
	{"answers and callbacks lost", lossy, true},
	{"no texts in the log", textless, true},
	{"workers stopped, then continued", stalled, false},
	{"STOPs into claimed batches", stops, false},
	{"two campaigns", two, true},
	{"two campaigns, one text", alike, false},
	{"five campaigns", five, true},
	{"workers' clocks apart", skewed, true},
	{"servers' clocks wrong", wrongServers, true},
	{"restart of all workers", restarted, false},
	{"rolling deploy from the previous version", deployed, true},
}

func TestChaos(t *testing.T) {
	t.Parallel()
	r := &report{rows: map[string]string{}}
	t.Cleanup(func() { t.Log("\n" + r.text()) })
	for _, s := range scenarios {
		if s.long && !full {
			continue
		}
		passed := t.Run(s.name, func(t *testing.T) {
			if !full {
				t.Parallel() // each alone when it is to be measured
			}
			s.run(t, r, s.name)
		})
		if path := os.Getenv("CHAOS_WRITE"); path != "" && passed {
			require.NoError(t, os.WriteFile(path, []byte(r.with(path)), 0o644))
		}
	}
}

// report collects a row for each scenario.
type report struct {
	mu   sync.Mutex
	rows map[string]string
}

const reportHead = `# Chaos

Written by ` + "`make chaos`" + `. Each row is an installation that was disturbed while it sent: a server and two workers, each a process of its own, over
the sandbox, which keeps its own log. Beside every scenario contacts write, operators reply, and contacts write STOP. Afterwards everything is healed, and
counted once all is at rest.

| column | what it is |
|---|---|
| messages | of the campaigns, those of contacts who wrote STOP in time included |
| log | what the sandbox accepted, replies and confirmations included |
| accepted, delivered | the messages table |
| counters | the kept number of what was accepted; all counters were recounted, too, and the audit chain was verified |
| twice, missing | the sandbox's log held against the messages, by contact and text: more than there are messages, fewer than should have gone |
| stuck | pending or unknown when all was healed, without a way forward |
| decided | unknown messages that needed a person: decided by the scenario, as the sandbox's log says |
| STOPs | contacts who wrote STOP; each was confirmed exactly once |
| after STOP | the longest time from a STOP's commit until a further call for that contact began at the sandbox, the confirmation excepted; – is none |

`

const tableHead = `| scenario | done to it | messages | log | accepted | counters | delivered | twice | missing | stuck | decided | STOPs | after STOP, ms | seconds |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
`

const reportFoot = `
## The window that no fence closes

A message is claimed with a number, the fence, and whoever holds an old number can write nothing. It could still *send*, if it was stopped after it had
made sure of its claim and went on after another had sent. So the last look is made when a connection is ready and the request lies in the transport's
buffer: the claim must be young by Postgres' clock, and the facts about the contact fresh. What remains:

- **While the process' clocks run** (SIGSTOP, a debugger, swapping, a frozen container): from that look's answer until the kernel has the request. Measured
  by ` + "`TestTheWindowBeforeTheFirstByte`" + `: 6 µs in the median, 87 µs at the 99th percentile of 1,000 calls, on two busy cores. A worker that makes
  750 calls a second is within it for about half a percent of the time. Stopping must begin there, and last until reconciliation has given the message to
  another: at least 20 s of lease, and then until Twilio can no longer have it queued (four hours; 11 s in the sandbox).
- **Where both clocks stand still with the process** (a virtual machine that is suspended and is not told the time): an answer of Postgres counts for
  50 ms (` + "`lookAge`" + ` in server/dispatch/watch.go), so the window is as long as that, under the same conditions.

What falls into it does not pass unseen: the late answer is written to the audit trail as ` + "`message.stale_accept`" + `, counted in the metric
` + "`campaign_stale_results_total{status=\"accepted\"}`" + ` and logged as an error. The scenario “workers stopped, then continued” fails if there is
one. That a stop at each of the other points sends nothing is shown by the tests of server/dispatch, which place it there.
`

func (r *report) add(scenario, row string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[scenario] = row
}

func (r *report) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	b.WriteString(reportHead + tableHead)
	for _, s := range scenarios {
		if row, ok := r.rows[s.name]; ok {
			b.WriteString(row + "\n")
		}
	}
	return b.String() + reportFoot
}

// with takes over the rows of scenarios that did not run this time.
func (r *report) with(path string) string {
	old, err := os.ReadFile(path)
	if err == nil {
		r.mu.Lock()
		for _, s := range scenarios {
			for line := range strings.SplitSeq(string(old), "\n") {
				if _, ran := r.rows[s.name]; !ran && strings.HasPrefix(line,
					"| "+s.name+" |") && strings.Count(line, "|") == strings.Count(tableHead, "|")/2 {
					r.rows[s.name] = line
				}
			}
		}
		r.mu.Unlock()
	}
	return r.text()
}

// done tells what was done to an installation, by what there is of it.
func (i *install) done() string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(i.tally)) {
		if n := i.tally[what]; n > 1 || strings.HasPrefix(what, "×") {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.TrimPrefix(what, "×")))
		} else {
			parts = append(parts, what)
		}
	}
	return strings.Join(append(parts, i.notes...), "; ")
}
