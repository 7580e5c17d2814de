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
		"10 until: 2001-01-01 is over", "11 until: an opt-out does not end", `12 until: "soon" is not a date`, "13 address: there is no number",
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
