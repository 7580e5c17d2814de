package webhookevent

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"eventstream/server/contact"
	"eventstream/server/db/dbtest"

	"github.com/stretchr/testify/require"
)

// written is what somebody writes, by the addresses that the webhook names: the first
// one is From.
func written(sid, body string, addresses ...string) *Event {
	e := says(sid, addresses[0], body)
	for _, a := range addresses[1:] {
		name := "ExternalUserId"
		if strings.Contains(a, ".ENT.") {
			name = "ParentExternalUserId"
		}
		e.Params[name] = a
	}
	return e
}

// owner gives the contact who has the address.
func (e *engine) owner(address string) *contact.Contact {
	e.t.Helper()
	c, err := contact.ByMatchKey(e.ctx, e.DB, address)
	require.NoError(e.t, err, address)
	return c
}

// TestOnePersonAllTheWay is the way of somebody whom WhatsApp shows with their number,
// with number and id, by the id alone, and with a new number.
func TestOnePersonAllTheWay(t *testing.T) {
	t.Parallel()
	const number, id, parent, other = "+4915112345678", "DE.1000000000000001", "DE.ENT.7700", "+4915187654321"
	steps := [][]string{{number}, {number, id}, {id}, {id, parent}, {other, id}, {parent}, {other}, {number}}
	for stop := -1; stop < len(steps); stop++ {
		t.Run(fmt.Sprintf("STOP at step %d", stop), func(t *testing.T) {
			t.Parallel()
			e := newEngine(t, dbtest.New(t))
			for i, addresses := range steps {
				body := "hello"
				if i == stop {
					body = "STOP"
				}
				e.store(written(fmt.Sprintf("SM%d", i), body, addresses...))
				require.NoError(t, e.Apply(e.ctx))
			}
			require.Equal(t, 1, e.number("SELECT count(*) FROM contacts"), "nobody was made who had to be merged")
			require.Equal(t, 4, e.number("SELECT count(*) FROM contact_addresses"))
			require.Equal(t, len(steps), e.number("SELECT count(*) FROM messages WHERE direction = 'inbound'"))
			c := e.owner(id)
			require.Equal(t, other, c.Address, "written to at the number that WhatsApp named last with the id")
			if stop >= 0 {
				require.Equal(t, contact.ConsentOptedOut, c.ConsentStatus)
			}
		})
	}
}

// TestTwoWhoAreOne are known as two contacts before a webhook names both addresses.
func TestTwoWhoAreOne(t *testing.T) {
	t.Parallel()
	const number, id = "+4915112345678", "DE.1000000000000001"
	for name, c := range map[string]struct {
		ofNumber, ofID string
		want           contact.ConsentStatus
	}{
		"the number's opt-out":          {"STOP", "hello", contact.ConsentOptedOut},
		"the id's opt-out":              {"hello", "STOP", contact.ConsentOptedOut},
		"an opt-in, then an opt-out":    {"START", "STOP", contact.ConsentOptedOut},
		"an opt-in of the id":           {"hello", "START", contact.ConsentOptedIn},
		"an opt-out, then their opt-in": {"STOP", "START", contact.ConsentOptedIn},
		"nothing":                       {"hello", "hello", contact.ConsentUnknown},
	} {
		for _, joined := range [][]string{{number, id}, {id, "DE.ENT.5"}} {
			t.Run(name+" "+joined[0], func(t *testing.T) {
				t.Parallel()
				e := newEngine(t, dbtest.New(t))
				e.store(written("SM1", c.ofNumber, number))
				if joined[0] == id { // they are joined by the parent's id, which both came with
					e.store(written("SM1b", "hello", number, "DE.ENT.5"))
				}
				e.store(written("SM2", c.ofID, id))
				require.NoError(t, e.Apply(e.ctx))
				require.Equal(t, 2, e.number("SELECT count(*) FROM contacts WHERE erased_at IS NULL"))
				e.store(written("SM3", "and I am both", joined...))
				require.NoError(t, e.Apply(e.ctx))
				require.Equal(t, 1, e.number("SELECT count(*) FROM contacts WHERE erased_at IS NULL"))
				one := e.owner(id)
				require.Equal(t, one.ID, e.owner(number).ID)
				require.Equal(t, number, one.Address)
				require.Equal(t, c.want, one.ConsentStatus)
				require.Equal(t, 1, e.number("SELECT count(*) FROM conversations"))
				require.Zero(t, e.number("SELECT count(*) FROM messages WHERE contact_id <> ?", one.ID))
				require.Equal(t, 1, e.number("SELECT count(*) FROM audit_entries WHERE action = 'contact.merge'"))
				if c.want == contact.ConsentOptedIn {
					require.Zero(t, e.number("SELECT count(*) FROM suppressed_addresses"), "what their START lifted is lifted for all addresses")
				}
			})
		}
	}
}

// TestWhoRecordedAnOptInLiftsNoOptOut: an import's opt-in of the number, later than
// the STOP that came from the id.
func TestWhoRecordedAnOptInLiftsNoOptOut(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.store(written("SM1", "STOP", "DE.1"))
	require.NoError(t, e.Apply(e.ctx))
	_, err := e.DB.NewRaw(`WITH c AS (INSERT INTO contacts (address, match_key, kind, name, consent_status, consent_at)
			VALUES ('+4915112345678', '+4915112345678', 'phone', 'Ada', 'opted_in', clock_timestamp()) RETURNING id, consent_at)
		INSERT INTO consent_events (contact_id, address_hash, status, source, occurred_at) SELECT id, '', 'opted_in', 'import', consent_at FROM c`).Exec(e.ctx)
	require.NoError(t, err)
	e.store(written("SM2", "hello", "+4915112345678", "DE.1"))
	require.NoError(t, e.Apply(e.ctx))
	c := e.owner("DE.1")
	require.Equal(t, "Ada", c.Name)
	require.Equal(t, contact.ConsentOptedOut, c.ConsentStatus)
}

// TestReceiptsJoin: a receipt names the number that was written to and the id.
func TestReceiptsJoin(t *testing.T) {
	t.Parallel()
	e := newEngine(t, dbtest.New(t))
	e.outbound(3)
	receipt := func(sid string, signed bool, to, id string) *Event {
		r := status(sid, "delivered")
		r.SignatureValid, r.Params["To"], r.Params["ExternalUserId"] = signed, "whatsapp:"+to, id
		return r
	}
	forged := receipt("SM0", false, "+4915100000000", "DE.9")
	news := receipt("SM1", true, "+4915100000000", "whatsapp:DE.1")
	garbled := receipt("SM2", true, "+4915100000000", "DE 1")
	stranger := receipt("SMx", true, "+4915100000001", "DE.2")
	e.store(written("SMin", "STOP", "DE.3"), forged, news, garbled, stranger)
	require.NoError(t, e.Apply(e.ctx))
	join := func(events ...*Event) {
		t.Helper()
		var ids []int64
		for _, ev := range events {
			ids = append(ids, ev.ID)
		}
		require.NoError(t, e.Join(e.ctx, ids))
	}
	join(forged, news, garbled, stranger, news)
	require.Equal(t, []string{"+4915100000000", "DE.1", "DE.3"}, e.addresses())
	require.Equal(t, e.owner("+4915100000000").ID, e.owner("DE.1").ID)
	both := receipt("SM2", true, "+4915100000000", "DE.3")
	both.DedupeKey += "again"
	e.store(both)
	join(both)
	require.Equal(t, contact.ConsentOptedOut, e.owner("+4915100000000").ConsentStatus)
	require.Equal(t, 1, e.number("SELECT count(*) FROM contacts WHERE erased_at IS NULL"))
}

func (e *engine) addresses() (all []string) {
	e.t.Helper()
	require.NoError(e.t, e.DB.NewRaw("SELECT match_key FROM contact_addresses ORDER BY 1").Scan(e.ctx, &all))
	return all
}

// TestPeopleAreWhatTheEvidenceSays sends messages of some people in any order, some of
// them twice, and applies them while they come, by two appliers at once. In the end there
// are as many contacts as the addresses that were ever named together make, and the last
// word of each of them counts, whatever address it came from.
func TestPeopleAreWhatTheEvidenceSays(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	a, b := newEngine(t, d), newEngine(t, d)
	for round := range 12 {
		address := func(kind string, n int) string { return fmt.Sprintf(kind, round*10+n) }
		var numbers, ids, parents []string
		for n := range 3 {
			numbers = append(numbers, address("+4915112%06d", n))
			ids = append(ids, address("DE.%d", n))
			parents = append(parents, address("DE.ENT.%d", n))
		}
		pick := func(of []string) string { return of[dice.IntN(len(of))] }
		var events []*Event
		for n := range 14 {
			named := [][]string{{pick(numbers)}, {pick(ids)}, {pick(numbers), pick(ids)}, {pick(ids), pick(parents)}}[dice.IntN(4)]
			body := []string{"hello", "hello", "STOP", "START"}[dice.IntN(4)]
			ev := written(fmt.Sprintf("SM%d.%d", round, n), body, named...)
			ev.classify(t.Context(), ev.Provider, reader{}, nil)
			events = append(events, ev)
			if dice.IntN(4) == 0 {
				again := *ev
				events = append(events, &again)
			}
		}
		dice.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		var applying sync.WaitGroup
		for i, ev := range events {
			a.store(ev)
			if i%5 == 4 {
				for _, e := range []*engine{a, b} {
					applying.Go(func() { _ = e.Apply(e.ctx) })
				}
			}
		}
		applying.Wait()
		a.due()
		require.NoError(t, a.Apply(a.ctx))
		require.Zero(t, a.number("SELECT count(*) FROM webhook_events WHERE applied_at IS NULL"))

		group := map[string]string{} // union of what was named together
		find := func(x string) string {
			for group[x] != "" {
				x = group[x]
			}
			return x
		}
		used := map[string]bool{}
		for _, ev := range events {
			from := strings.TrimPrefix(ev.Params["From"], "whatsapp:")
			used[from] = true
			for _, id := range idsOf(ev) {
				used[id] = true
				if x, y := find(from), find(id); x != y {
					group[x] = y
				}
			}
		}
		word := map[string]string{}
		for _, ev := range events { // in the order of their arrival
			if ev.Params["Body"] != "hello" && ev.ID != 0 {
				word[find(strings.TrimPrefix(ev.Params["From"], "whatsapp:"))] = ev.Params["Body"]
			}
		}
		people := map[string]int64{}
		for x := range used {
			c := a.owner(x)
			if known, ok := people[find(x)]; ok {
				require.Equal(t, known, c.ID, "%s is of one person", x)
			}
			people[find(x)] = c.ID
			want := map[string]contact.ConsentStatus{"": contact.ConsentUnknown, "STOP": contact.ConsentOptedOut, "START": contact.ConsentOptedIn}
			require.Equal(t, want[word[find(x)]], c.ConsentStatus, "round %d: %s", round, x)
		}
		ofPeople := make([]int64, 0, len(people))
		for _, id := range people {
			require.NotContains(t, ofPeople, id, "two people are not one")
			ofPeople = append(ofPeople, id)
		}
	}
	a.consistent()
}

func idsOf(e *Event) []string { return ids(e.Params) }

// consistent checks what holds of all contacts at any time.
func (e *engine) consistent() {
	e.t.Helper()
	for what, sql := range map[string]string{
		"live contacts without exactly one preferred address": `SELECT count(*) FROM contacts c WHERE erased_at IS NULL AND (SELECT count(*)
			FROM contact_addresses a WHERE a.contact_id = c.id AND a.preferred AND a.match_key = c.match_key AND a.address = c.address) <> 1`,
		"preferred addresses that are not their contact's": `SELECT count(*) FROM contact_addresses a JOIN contacts c ON c.id = a.contact_id
			WHERE a.preferred <> (a.match_key = c.match_key)`,
		"addresses of contacts that are gone":     `SELECT count(*) FROM contact_addresses a JOIN contacts c ON c.id = a.contact_id WHERE c.erased_at IS NOT NULL`,
		"chains of merges":                        `SELECT count(*) FROM contacts c JOIN contacts i ON i.id = c.merged_into WHERE i.merged_into IS NOT NULL`,
		"conversations of contacts that are gone": `SELECT count(*) FROM conversations v JOIN contacts c ON c.id = v.contact_id WHERE c.erased_at IS NOT NULL`,
		"messages of contacts that are gone":      `SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE c.erased_at IS NOT NULL`,
		"numbers that are not written to, of contacts that are written to by an id": `SELECT count(*) FROM contacts c WHERE kind = 'bsuid'
			AND erased_at IS NULL AND EXISTS (SELECT 1 FROM contact_addresses a WHERE a.contact_id = c.id AND a.kind = 'phone')`,
	} {
		require.Zero(e.t, e.number(sql), what)
	}
}
