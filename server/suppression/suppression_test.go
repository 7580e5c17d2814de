package suppression_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"
	"eventstream/server/csvcell"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/pubsub"
	"eventstream/server/suppression"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

type env struct {
	*testing.T
	*db.DB
	ctx      context.Context
	consents *consent.Service
	lists    *suppression.Service
}

func start(t *testing.T) *env {
	t.Helper()
	d := dbtest.New(t)
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	consents := consent.NewService(d, hub, keys.Fixed("test"), time.Now)
	return &env{
		T: t, DB: d, ctx: actor.With(t.Context(), actor.System), consents: consents,
		lists: suppression.NewService(d, hub, consents, time.Now),
	}
}

func (e *env) known(address string, status contact.ConsentStatus) *contact.Contact {
	e.Helper()
	a, err := contact.ParseAddress(address, "")
	require.NoError(e, err)
	c := contact.New(a)
	contacttest.Insert(e, e.DB, c)
	require.NoError(e, e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := contact.ByIDForUpdate(ctx, tx, c.ID)
		require.NoError(e, err)
		return e.consents.Record(ctx, tx, locked, consent.Change{Status: status, Source: consent.SourceKeyword})
	}))
	return c
}

func (e *env) take(r suppression.Request, list string) *suppression.Result {
	e.Helper()
	r.FileName = "list.csv"
	out, err := e.lists.Import(e.ctx, r, strings.NewReader(list))
	require.NoError(e, err)
	return out
}

func (e *env) reasons(address string) consent.Reasons {
	e.Helper()
	found, err := e.consents.Suppressed(e.ctx, e.DB, []string{address})
	require.NoError(e, err)
	return found[address]
}

func (e *env) number(sql string) (n int) {
	e.Helper()
	require.NoError(e, e.NewRaw(sql).Scan(e.ctx, &n))
	return n
}

const mixed = "Phone;Reason;Until\n" +
	"+49 151 12345601;unsubscribed;\n" +
	"0151 12345602;complaint;2099-01-31\n" +
	"+4915112345602;spam;\n" + // the same number and reason again, without an end
	"+4915112345602;Hard bounce;2099-01-31T12:00:00Z\n" +
	"DE.1234567890;;\n" +
	"12;blocked;\n" +
	"+4915112345603;erased;\n" +
	"+4915112345603;because;\n" +
	"+4915112345603;operator;2001-01-01\n" +
	"+4915112345603;stop;2099-01-01\n" +
	"+4915112345603;operator;soon\n" +
	";complaint;\n"

func TestAListComesInOnce(t *testing.T) {
	t.Parallel()
	e := start(t)
	ada := e.known("+4915112345601", contact.ConsentOptedIn)
	got := e.take(suppression.Request{Region: "DE"}, mixed)
	require.EqualValues(t, 12, got.Rows)
	require.EqualValues(t, 4, got.Added)
	require.EqualValues(t, 1, got.Duplicates)
	require.EqualValues(t, 7, got.Rejected)
	require.Len(t, got.Rejects, 7)
	var whys []string
	for _, no := range got.Rejects {
		whys = append(whys, fmt.Sprintf("%d %s: %s", no.Line, no.Field, no.Reason))
	}
	for i, part := range []string{
		"7 address: ", "8 reason: erasing is done on the contact", `9 reason: "because" is not a reason: opted_out, complaint`,
		"10 until: 2001-01-01 is in the past", "11 until: an opt-out does not end", `12 until: "soon" is not a date`, "13 address: there is no number",
	} {
		require.Contains(t, whys[i], part)
	}
	require.Equal(t, consent.Reasons{consent.SuppressedOptedOut}, e.reasons("+4915112345601"))
	require.Equal(t, consent.Reasons{consent.SuppressedComplaint, consent.SuppressedInvalid}, e.reasons("+4915112345602"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM suppressed_addresses WHERE reason = 'complaint' AND until IS NULL"))
	require.Equal(t, consent.Reasons{consent.SuppressedOperator}, e.reasons("DE.1234567890"))

	// Who is a contact has it in the ledger, and comes back by their own word alone.
	people, err := contact.ByIDs(e.ctx, e.DB, []int64{ada.ID})
	require.NoError(t, err)
	require.Equal(t, contact.ConsentOptedOut, people[0].ConsentStatus)
	require.Equal(t, 1, e.number(`SELECT count(*) FROM consent_events WHERE source = 'import' AND evidence ->> 'file' = 'list.csv' AND evidence ->> 'row' = '2'`))
	require.Equal(t, 1, e.number(`SELECT count(*) FROM audit_entries WHERE action = 'suppression.import'
		AND changes ->> 'added' = '4' AND changes ->> 'file' = 'list.csv'`))

	again := e.take(suppression.Request{Region: "DE"}, mixed)
	require.Zero(t, again.Added)
	require.EqualValues(t, 4, again.Unchanged)
	require.Equal(t, 1, e.number("SELECT count(*) FROM consent_events WHERE source = 'import'"))

	require.NoError(t, e.Tx(e.ctx, func(ctx context.Context, tx bun.Tx) error {
		locked, err := contact.ByIDForUpdate(ctx, tx, ada.ID)
		require.NoError(t, err)
		return e.consents.Record(ctx, tx, locked, consent.Change{Status: contact.ConsentOptedIn, Source: consent.SourceKeyword})
	}))
	require.Empty(t, e.reasons("+4915112345601"))
}

func TestListsAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	e := start(t)
	soon := time.Now().Add(time.Hour)
	for name, list := range map[string]string{
		"one column, no header": "+4915112340001\r\n+4915112340002\r\n",
		"a header of another":   "name,mobile_number\nAda,+4915112340001\nBob,+4915112340002\n",
		"Excel's apostrophes":   "\ufeffwhatsapp\n'+4915112340001\n'+4915112340002\n",
		"tabs, national":        "0151 12340001\tOperator\n0151 12340002\tOperator\n",
	} {
		got := e.take(suppression.Request{Region: "DE", Until: &soon}, list)
		require.EqualValues(t, 2, got.Added+got.Unchanged, name)
		require.Equal(t, consent.Reasons{consent.SuppressedOperator}, e.reasons("+4915112340001"), name)
	}
	require.Equal(t, 2, e.number("SELECT count(*) FROM suppressed_addresses"))
	for text, bad := range map[string]struct {
		r    suppression.Request
		list string
	}{
		"names a column":       {suppression.Request{}, "name,mail\nAda,a@b.example\n"},
		"no row":               {suppression.Request{}, ""},
		"as CSV":               {suppression.Request{}, "PK\x03\x04\x00"},
		"on the contact":       {suppression.Request{Reason: consent.SuppressedErased}, "+4915112340001"},
		"not end by itself":    {suppression.Request{Reason: consent.SuppressedOptedOut, Until: &soon}, "+4915112340001"},
		"in parts":             {suppression.Request{}, strings.Repeat("+4915112340001\n", suppression.MaxRows+1)},
		"larger than 16 MiB":   {suppression.Request{}, strings.Repeat("+4915112340001,"+strings.Repeat("x", 900<<10)+"\n", 20)},
		"is not in the future": {suppression.Request{Until: &time.Time{}}, "+4915112340001"},
	} {
		_, err := e.lists.Import(e.ctx, bad.r, strings.NewReader(bad.list))
		require.ErrorContains(t, err, text)
	}
	_, err := e.lists.Import(actor.With(e.ctx, actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer}), suppression.Request{}, strings.NewReader(mixed))
	require.ErrorContains(t, err, "forbidden")
}

// Every header is taken that contactImport takes for one of numbers.
func TestHeadersAsContactImportTakesThem(t *testing.T) {
	t.Parallel()
	e := start(t)
	for _, header := range []string{
		"Telefonnummer", "Handy", "celular", "Número", "phone_number", "msisdn", "Recipient", "WhatsApp User ID", "號,電話",
	} {
		got := e.take(suppression.Request{}, header+"\n"+strings.Repeat(",", strings.Count(header, ","))+"+4915112340001\n")
		require.EqualValues(t, 1, got.Rows, header)
		require.Zero(t, got.Rejected, header)
	}
	got := e.take(suppression.Request{}, "number,Second phone,Reason\n+4915112340001,+4915112340002,Complaint\n")
	require.EqualValues(t, 1, got.Added)
	require.True(t, e.reasons("+4915112340001").Has(consent.SuppressedComplaint), "the name itself comes before what sounds like it")
	// What somebody wrote beside a number is no header.
	got = e.take(suppression.Request{}, "+4915112340003,spam,,blocked by phone\n")
	require.EqualValues(t, 1, got.Added)
}

// Dates that no interface could give out again are refused with what is allowed.
func TestAnEndLiesInTheYearsOfTheAPI(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.take(suppression.Request{Reason: consent.SuppressedComplaint}, "+4915112340001,,9999-12-31\n+4915112340002,,2200-12-31T23:59:59Z\n"+
		"+4915112340003,,2200-12-31\n+4915112340004,,2201-01-01T00:00:00Z\n+4915112340005,,2199-12-31\n")
	require.EqualValues(t, 2, got.Added)
	require.EqualValues(t, 3, got.Rejected)
	for _, no := range got.Rejects {
		require.Equal(t, "until", no.Field)
		require.Contains(t, no.Reason.String(), "1900 to 2200")
	}
}

// The region is checked once, and blamed itself; and what is wrong with a row is told in few
// words, however long the row is.
func TestWhatIsWrongIsBlamedByItsName(t *testing.T) {
	t.Parallel()
	e := start(t)
	_, err := e.lists.Import(e.ctx, suppression.Request{Region: "Germany"}, strings.NewReader("0151 12345601\n"))
	require.ErrorContains(t, err, `region: `)
	require.ErrorContains(t, err, `"Germany" is not a country code such as DE`)
	got := e.take(suppression.Request{Region: "de"}, "0151 12345601\n")
	require.Zero(t, got.Rejected)
	long := strings.Repeat("x", 100_000)
	got = e.take(suppression.Request{}, "phone,until\n"+long+",\n+4915112340001,2001-01-01T00:00:00."+strings.Repeat("1", 100_000)+"Z\n")
	require.EqualValues(t, 2, got.Rejected)
	for _, no := range got.Rejects {
		require.Less(t, len(no.Value)+len(no.Reason.String()), 2000)
	}
}

// A file's name is kept as the importer keeps it: without a path, NUL or any length.
func TestNamesOfFilesAreKeptInShort(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.known("+4915112345601", contact.ConsentOptedIn)
	_, err := e.lists.Import(e.ctx, suppression.Request{FileName: "/home/ada/a\x00b" + strings.Repeat("x", 5000) + ".csv", Reason: consent.SuppressedOptedOut},
		strings.NewReader("+4915112345601\n"))
	require.NoError(t, err)
	for _, sql := range []string{
		"SELECT changes ->> 'file' FROM audit_entries WHERE action = 'suppression.import'",
		"SELECT evidence ->> 'file' FROM consent_events WHERE source = 'import'",
	} {
		var name string
		require.NoError(t, e.NewRaw(sql).Scan(e.ctx, &name))
		require.True(t, strings.HasPrefix(name, "abxxx"), name)
		require.LessOrEqual(t, len(name), 200)
	}
}

// Who is merged while the list waits for them is found again as who they are now.
func TestAnOptOutReachesWhoSomebodyIsNow(t *testing.T) {
	t.Parallel()
	e := start(t)
	gone, kept := e.known("+4915112345601", contact.ConsentOptedIn), e.known("+4915112345602", contact.ConsentOptedIn)
	merge, err := e.BeginTx(e.ctx, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = merge.Rollback() })
	require.NoError(t, contact.LockAll(e.ctx, merge, []int64{gone.ID, kept.ID}))
	type answer struct {
		out *suppression.Result
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		out, err := e.lists.Import(e.ctx, suppression.Request{Reason: consent.SuppressedOptedOut}, strings.NewReader("+4915112345601\n"))
		answers <- answer{out, err}
	}()
	require.Eventually(t, func() bool {
		return e.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	}, time.Minute, 5*time.Millisecond)
	for _, sql := range []string{
		"UPDATE contact_addresses SET contact_id = ?0, preferred = false WHERE contact_id = ?1",
		"UPDATE contacts SET merged_into = ?0, erased_at = now(), address = 'merged:' || id, match_key = 'merged:' || id WHERE id = ?1",
	} {
		_, err := merge.NewRaw(sql, kept.ID, gone.ID).Exec(e.ctx)
		require.NoError(t, err)
	}
	require.NoError(t, merge.Commit())
	got := <-answers
	require.NoError(t, got.err)
	require.EqualValues(t, 1, got.out.Added)
	people, err := contact.ByIDs(e.ctx, e.DB, []int64{kept.ID})
	require.NoError(t, err)
	require.Equal(t, contact.ConsentOptedOut, people[0].ConsentStatus)
}

func TestTheListIsGivenOutAndComesBack(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.known("+4915112345601", contact.ConsentOptedOut)
	e.take(suppression.Request{}, "+4915112345601,complaint,2099-01-01\n+4915112345602,blocked\n")
	var file bytes.Buffer
	require.NoError(t, e.lists.Open(e.ctx))
	require.NoError(t, e.lists.Export(e.ctx, csvcell.CSV, &file))
	lines := strings.Split(strings.TrimSpace(file.String()), "\n")
	require.Len(t, lines, 4)
	require.Regexp(t, `^\x{feff}address,reason,until,since,address_hash`, lines[0])
	require.Regexp(t, `^\+4915112345601,opted_out,,20[0-9TZ:-]+,[0-9a-f]{64}`, lines[1])
	require.Regexp(t, `^\+4915112345601,complaint,2099-01-02T00:00:00Z,20`, lines[2])
	require.Regexp(t, `^,blocked,,20[0-9TZ:-]+,[0-9a-f]{64}`, lines[3], "whose number no contact has, nobody can tell")
	require.Equal(t, 1, e.number("SELECT count(*) FROM audit_entries WHERE action = 'suppressions.download'"))

	again := e.take(suppression.Request{}, file.String())
	require.EqualValues(t, 2, again.Unchanged)
	require.EqualValues(t, 1, again.Rejected)
}
