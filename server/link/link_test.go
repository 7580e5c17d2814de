package link

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/db/embedded"
	"eventstream/server/keys"
	"eventstream/server/retention"
	"eventstream/server/secret"
	"eventstream/server/spool"
	"eventstream/server/template"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

var (
	quiet        = slog.New(slog.DiscardHandler)
	installation = secret.New(firstKey)
)

const firstKey = "a secret of the test, thirty-two bytes"

const linkURL = "https://go.example.com" + Path

// env is a server with a template of two buttons, and three people who got it.
type env struct {
	*testing.T

	db      *db.DB
	signer  *Signer
	book    *Book
	counter *Counter
	opens   *Redirects
	links   []*Link
}

func start(t *testing.T, d *db.DB, dir string) *env {
	t.Helper()
	signer, err := OpenSigner(t.Context(), d, installation)
	require.NoError(t, err)
	return startWith(t, d, dir, signer)
}

func startWith(t *testing.T, d *db.DB, dir string, signer *Signer) *env {
	t.Helper()
	e := &env{T: t, db: d, signer: signer}
	var kept *spool.Spool
	var err error
	if dir != "" {
		kept, err = spool.Open(filepath.Join(dir, "clicks"), "clicks", spool.Limit, quiet)
		require.NoError(t, err)
		t.Cleanup(kept.Close)
	}
	e.book = NewBook(d, quiet)
	e.counter = NewCounter(CounterOptions{DB: d, Spool: kept, Log: quiet})
	e.opens = NewRedirects(d, signer, e.book, e.counter, time.Now)
	return e
}

// send makes a campaign whose message has these addresses on its buttons.
func (e *env) send(utm UTM, addresses ...string) {
	e.Helper()
	parts := template.Parts{LinkURL: linkURL}
	for i, a := range addresses {
		parts.Buttons = append(parts.Buttons, template.Button{Type: template.ButtonURL, Title: fmt.Sprint("Open ", i), URL: a, Track: true})
	}
	compiled, err := template.Compile("Hello, our sale has started.", parts)
	require.NoError(e, err)
	for _, sql := range []string{
		"INSERT INTO senders (address, display_name, rate_per_second) VALUES ('+14155238886', 'Shop', 80)",
		"INSERT INTO templates (name, language, category) VALUES ('Sale', 'en', 'marketing')",
		`INSERT INTO template_versions (template_id, version, kind, body, variables, content_sid, approval_status)
			VALUES (1, 1, 'call_to_action', 'Hello', '[]', 'HX00000000000000000000000000000000', 'approved')`,
		"INSERT INTO campaigns (name, template_id, template_version_id, sender_id, status) VALUES ('Sale', 1, 1, 1, 'sending')",
		`INSERT INTO contacts (address, match_key, kind, name) SELECT a, a, 'phone', 'Person ' || i
			FROM (SELECT i, '+4915100' || i AS a FROM generate_series(1001, 1003) i) x`,
		`INSERT INTO messages (direction, purpose, campaign_id, contact_id, sender_id, template_version_id, status, accepted_at)
			SELECT 'outbound', 'campaign', 1, id, 1, 1, 'delivered', now() FROM contacts ORDER BY id`,
	} {
		e.exec(sql)
	}
	s := NewService(e.db, e.signer)
	require.NoError(e, e.db.Tx(e.Context(), func(ctx context.Context, tx bun.Tx) error {
		_, err := s.Freeze(ctx, tx, 1, 1, compiled, utm)
		return err
	}))
	id := int64(1)
	e.links, err = s.Of(e.Context(), &id, 1, compiled, UTM{Source: "another"}) // what is frozen stays
	require.NoError(e, err)
	require.NoError(e, e.book.Refresh(e.Context()))
}

func (e *env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.db.NewRaw(sql, args...).Exec(e.Context())
	require.NoError(e, err)
}

func (e *env) number(sql string, args ...any) (n int) {
	e.Helper()
	require.NoError(e, e.db.NewRaw(sql, args...).Scan(e.Context(), &n))
	return n
}

// run counts until stop is called.
func (e *env) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { e.counter.Run(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
}

// TestForgedAndAlteredTokensLeadNowhere: each bit of a token, tokens of other links and messages, and what is no token.
func TestForgedAndAlteredTokensLeadNowhere(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/a", "https://shop.example/b")
	genuine := e.links[0].Token(2)
	require.Less(t, len(genuine), 32, "it is short")
	at, err := e.opens.Follow(t.Context(), genuine, true)
	require.NoError(t, err)
	require.Equal(t, "https://shop.example/a", at)

	raw, err := base64.RawURLEncoding.DecodeString(genuine)
	require.NoError(t, err)
	var bad []string
	for bit := range 8 * len(raw) {
		altered := append([]byte{}, raw...)
		altered[bit/8] ^= 1 << (bit % 8)
		bad = append(bad, base64.RawURLEncoding.EncodeToString(altered))
	}
	forged := *e.links[0]
	forged.signer = &Signer{[]byte("another key")}
	other, err := base64.RawURLEncoding.DecodeString(e.links[1].Token(2))
	require.NoError(t, err)
	swapped := append(append([]byte{}, raw[:len(raw)-macLength]...), other[len(other)-macLength:]...) // another link's sum
	bad = append(bad, forged.Token(2), base64.RawURLEncoding.EncodeToString(swapped), genuine+"A", genuine+"=", genuine[1:], "", "example",
		"..", "%2e", genuine+genuine, base64.StdEncoding.EncodeToString(make([]byte, 64)))
	// A number that is written longer than it needs to be is another text, whose sum nobody made.
	long := append([]byte{raw[0], raw[1] | 0x80, 0}, raw[2:]...)
	bad = append(bad, base64.RawURLEncoding.EncodeToString(long))
	for id := range int64(2 * mostAsked) { // of links that no server knows
		bad = append(bad, forged.signer.write(token{linkID: 1000 + id, messageID: 2}))
	}
	for _, token := range bad {
		at, err := e.opens.Follow(t.Context(), token, true)
		require.True(t, apperr.Is(err, apperr.CodeNotFound), "%q: %v", token, err)
		require.Empty(t, at)
	}
	require.Zero(t, e.book.asked.n, "Postgres is asked about none of them")
	require.Len(t, e.counter.queue, 1, "nothing of it counts")
}

// TestTokensOutliveARotation of SECRET_KEY, also when the earlier one is gone.
func TestTokensOutliveARotation(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/a")
	token := e.links[0].Token(1)
	const newer = "another secret of the test, of thirty-two bytes"
	n, err := keys.Renew(t.Context(), e.db, secret.New(newer, firstKey))
	require.NoError(t, err)
	require.Equal(t, 1, n, "however many links there are")
	signer, err := OpenSigner(t.Context(), e.db, secret.New(newer))
	require.NoError(t, err)
	for _, e := range []*env{e, startWith(t, e.db, "", signer)} {
		at, err := e.opens.Follow(t.Context(), token, true)
		require.NoError(t, err)
		require.Equal(t, "https://shop.example/a", at)
	}
	_, err = OpenSigner(t.Context(), e.db, installation)
	require.ErrorContains(t, err, "SECRET_KEY_PREVIOUS")
}

// TestAnIdThatIsGivenAgainIsAnotherLink: a restored database gives ids a second time.
func TestAnIdThatIsGivenAgainIsAnotherLink(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/before")
	before := e.links[0].Token(1)
	e.exec("UPDATE links SET tag = (tag + 1) % 4294967296, destination = 'https://shop.example/after'")
	again := *e.links[0]
	again.Tag = (again.Tag + 1) % (1 << 32)
	for _, e := range []*env{e, start(t, e.db, "")} { // one that knew the link, and one that did not
		at, err := e.opens.Follow(t.Context(), again.Token(1), true)
		require.NoError(t, err)
		require.Equal(t, "https://shop.example/after", at)
		for range 2 * mostAsked {
			_, err = e.opens.Follow(t.Context(), before, true)
			require.True(t, apperr.Is(err, apperr.CodeNotFound), "%v", err)
		}
		require.LessOrEqual(t, e.book.asked.n, 2, "what is gone is asked for once")
	}
}

// TestALinkThatIsAskedForHidesNoOtherOne: a server reads all links, whatever somebody opened before it did.
func TestALinkThatIsAskedForHidesNoOtherOne(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/a")
	e.exec(`INSERT INTO links (template_version_id, part, title, destination, tag)
		SELECT 1, 'made.' || i, 'Open', 'https://shop.example/' || i, i FROM generate_series(1, ?) i`, readAtOnce+overlap)
	all := e.number("SELECT count(*) FROM links")
	late := start(t, e.db, "")
	newest := int64(e.number("SELECT max(id) FROM links"))
	_, err := late.book.find(t.Context(), newest, readAtOnce+overlap)
	require.NoError(t, err)
	require.NoError(t, late.book.Refresh(t.Context()))
	require.Len(t, late.book.links, all)

	// Then only what is new is read, also when its id was given before those that are known.
	e.exec("DELETE FROM links WHERE id = ?", newest-3)
	e.exec("INSERT INTO links (id, template_version_id, part, title, destination, tag) VALUES (?, 1, 'late', 'Open', 'https://shop.example/', 0)", newest+2)
	require.NoError(t, late.book.Refresh(t.Context()))
	e.exec("INSERT INTO links (id, template_version_id, part, title, destination, tag) VALUES (?, 1, 'later', 'Open', 'https://shop.example/', 7)", newest+1)
	found, err := after(t.Context(), e.db, newest-overlap, late.book.known(newest-overlap, newest+2), readAtOnce)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, late.book.Refresh(t.Context()))
	require.NotNil(t, late.book.get(newest+1, 7))
}

// TestNoTokenLeadsElsewhere: whatever a contact is called, the host of an address is the template's.
func TestNoTokenLeadsElsewhere(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{Source: "whatsapp", Medium: "summer sale"}, "https://shop.example/{{name | friend}}", "https://shop.example/a?for={{name}}#top")
	for _, name := range []string{
		"//evil.example", "@evil.example", `\\evil.example`, "/\\evil.example", "javascript:alert(1)", "..//evil.example", "../../..",
		"a&utm_source=x&next=https://evil.example", "#https://evil.example", "?x", "\t//evil.example", "https://evil.example", "%2f%2fevil.example",
		"é ü 漢字", "a b",
	} {
		e.exec("UPDATE contacts SET name = ? WHERE id = 1", name)
		e.opens.people = newPeople(e.db) // it remembers for a minute
		for i, start := range []string{"https://shop.example/", "https://shop.example/a?for="} {
			at, err := e.opens.Follow(t.Context(), e.links[i].Token(1), true)
			require.NoError(t, err)
			value, ok := cutBetween(at, start, []string{"?utm_source=whatsapp&utm_medium=summer%20sale", "&utm_source=whatsapp&utm_medium=summer%20sale#top"}[i])
			require.True(t, ok, at)
			require.Regexp(t, `^[A-Za-z0-9._~%-]*$`, value, "nothing of it has a meaning in an address")
		}
	}
	// Nor does a value choose another directory of it.
	directory, err := template.ParseAddress("https://shop.example/for/{{name | friend}}/{{attributes.page}}/index?back={{name}}")
	require.NoError(t, err)
	for name, want := range map[string]string{
		"..": "friend", ".": "friend", "...": "friend", "../..": "friend", `..\admin`: "friend", "a/../..": "friend",
		"v1..2": "v1..2", ".well": ".well", "/": "%2F", "": "friend",
	} {
		at, ok := directory.For(&contact.Contact{Name: name, Attributes: map[string]any{"page": name}})
		require.True(t, ok)
		page := map[bool]string{true: "", false: want}[want == "friend"]
		require.Equal(t, "https://shop.example/for/"+want+"/"+page+"/index?back="+url.QueryEscape(name), at, name)
	}
	for _, bad := range []string{
		"https://{{name}}/", "https://shop.example{{name}}", "{{name}}", "https://shop.example.{{name}}/", "https://{{name}}@shop.example/",
		"//shop.example/{{name}}", "javascript:alert('{{name}}')", `https://shop.example\@evil.example/{{name}}`, "https://a:b@shop.example/{{name}}",
	} {
		_, err := template.Compile("Hello", template.Parts{LinkURL: linkURL, Buttons: []template.Button{
			{Type: template.ButtonURL, Title: "Open", URL: bad, Track: true},
		}})
		_, later := template.ParseAddress(bad)
		require.True(t, err != nil || later != nil, bad)
	}
}

func cutBetween(s, before, after string) (string, bool) {
	if len(s) < len(before)+len(after) || s[:len(before)] != before || s[len(s)-len(after):] != after {
		return "", false
	}
	return s[len(before) : len(s)-len(after)], true
}

// TestWhoOpensALinkCountsOnce however often they do, and in how many servers at the same time.
func TestWhoOpensALinkCountsOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := start(t, d, "")
	e.send(UTM{}, "https://shop.example/a", "https://shop.example/b")
	servers := []*env{e, start(t, d, ""), start(t, d, "")}
	var stops []func()
	for _, s := range servers {
		stops = append(stops, s.run())
		for range 4 {
			for message := range int64(3) {
				_, err := s.opens.Follow(t.Context(), e.links[0].Token(message+1), true)
				require.NoError(t, err)
			}
		}
		_, err := s.opens.Follow(t.Context(), e.links[1].Token(2), false)
		require.NoError(t, err, "a program is led on, too")
		_, err = s.opens.Follow(t.Context(), e.links[1].Token(0), true)
		require.NoError(t, err, "so is who opens what counts nobody")
	}
	for _, stop := range stops {
		stop() // stores what waits
	}
	found, err := NewService(d, e.signer).OfCampaigns(t.Context(), []int64{1})
	require.NoError(t, err)
	require.Equal(t, []int64{3, 36, 0, 0}, []int64{found[1][0].People, found[1][0].Clicks, found[1][1].People, found[1][1].Clicks})
	require.Equal(t, 3, e.number("SELECT n FROM message_counts WHERE campaign_id = 1 AND measure = 'at:clicked'"))
	require.Equal(t, 3, e.number("SELECT sum(n) FROM message_series WHERE campaign_id = 1 AND measure = 'at:clicked'"))
	opened, err := NewService(d, e.signer).OfMessages(t.Context(), []int64{2})
	require.NoError(t, err)
	require.Len(t, opened[2], 12)
	require.Equal(t, "Open 0", opened[2][0].Title)

	// Whoever opens one without end fills nothing.
	clicks := make([]Click, 300)
	for i := range clicks {
		clicks[i] = NewClick(e.links[1].ID, 3, time.Now())
	}
	require.NoError(t, e.counter.store(t.Context(), clicks, storeLimit))
	require.NoError(t, e.counter.store(t.Context(), clicks[:50], storeLimit), "and a second time it changes nothing")
	require.Equal(t, MostOpened, e.number("SELECT clicks FROM link_counts WHERE link_id = ?", e.links[1].ID))
	for range 2 * mostPerMinute {
		_, err := e.opens.Follow(t.Context(), e.links[1].Token(1), true)
		require.NoError(t, err)
	}
	require.Len(t, e.counter.queue, mostPerMinute)
}

// TestWhoOpensALinkAgainAfterYearsIsNobodyElse: retention takes single clicks away, but not that by which a person is known.
func TestWhoOpensALinkAgainAfterYearsIsNobodyElse(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := start(t, d, "")
	e.send(UTM{}, "https://shop.example/a", "https://shop.example/b")
	open := func(link int, at time.Time) {
		require.NoError(t, e.counter.store(t.Context(), []Click{NewClick(e.links[link].ID, 1, at)}, storeLimit))
	}
	open(0, time.Now())
	open(0, time.Now().Add(-time.Minute)) // known late
	open(0, time.Now().Add(time.Second))
	open(1, time.Now())
	e.exec("UPDATE clicks SET received_at = now() - interval '100 days'")
	keep := retention.NewService(d)
	admin := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleAdmin})
	require.NoError(t, keep.Set(admin, retention.Rules{retention.Clicks: 30}))
	_, err := keep.Run(t.Context(), retention.Batch)
	require.NoError(t, err)
	require.Equal(t, 2, e.number("SELECT count(*) FROM clicks"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM clicks WHERE clicked_at < now() - interval '30 seconds'"), "the first of each link")
	open(0, time.Now())
	open(1, time.Now())
	found, err := NewService(d, e.signer).OfCampaigns(t.Context(), []int64{1})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 4, 1, 2}, []int64{found[1][0].People, found[1][0].Clicks, found[1][1].People, found[1][1].Clicks})
}

// TestAnErasedPersonIsLedOnAndNotCounted: their values are gone, and nothing new is kept of them.
func TestAnErasedPersonIsLedOnAndNotCounted(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/{{name | friend}}")
	e.exec("UPDATE contacts SET erased_at = now() WHERE id = 1")
	at, err := e.opens.Follow(t.Context(), e.links[0].Token(1), true)
	require.NoError(t, err)
	require.Equal(t, "https://shop.example/friend", at)
	e.run()()
	require.Zero(t, e.number("SELECT count(*) FROM clicks"))
	require.Zero(t, e.number("SELECT count(*) FROM messages WHERE clicked_at IS NOT NULL"))
}

// TestWhatIsNotCountedLeadsToTheSame: the address of this contact, also where it has no fallback for others. Where the address is
// the same for everybody, the token names nobody.
func TestWhatIsNotCountedLeadsToTheSame(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/order/{{attributes.order}}", "https://shop.example/all")
	e.exec(`UPDATE contacts SET attributes = '{"order": "A 17"}' WHERE id = 1`)
	require.Equal(t, e.links[1].Token(0), e.links[1].Uncounted(1))
	require.NotEqual(t, e.links[0].Token(1), e.links[0].Uncounted(1))
	for token, want := range map[string]string{
		e.links[0].Token(1): "https://shop.example/order/A%2017", e.links[0].Uncounted(1): "https://shop.example/order/A%2017",
		e.links[1].Uncounted(1): "https://shop.example/all",
	} {
		at, err := e.opens.Follow(t.Context(), token, true)
		require.NoError(t, err)
		require.Equal(t, want, at)
	}
	require.Len(t, e.counter.queue, 1)

	// One kind of token cannot be turned into the other.
	raw, err := base64.RawURLEncoding.DecodeString(e.links[0].Uncounted(1))
	require.NoError(t, err)
	raw[0] = tokenCounted
	_, err = e.opens.Follow(t.Context(), base64.RawURLEncoding.EncodeToString(raw), true)
	require.True(t, apperr.Is(err, apperr.CodeNotFound), "%v", err)
}

// TestALinkOpenedWithoutEndAsksPostgresOnce, and those of many messages ask two at a time and for a second at most.
func TestALinkOpenedWithoutEndAsksPostgresOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := start(t, d, "")
	e.send(UTM{}, "https://shop.example/{{name}}", "https://shop.example/{{name | friend}}")
	follow := func(i int, message int64) (string, error) {
		return e.opens.Follow(t.Context(), e.links[i].Token(message), false)
	}
	at, err := follow(0, 1)
	require.NoError(t, err)
	require.Equal(t, "https://shop.example/Person%201001", at)

	tx, err := d.BeginTx(t.Context(), nil) // questions wait from here on
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.NewRaw("LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").Exec(t.Context())
	require.NoError(t, err)
	for range 100 {
		at, err = follow(0, 1)
		require.NoError(t, err)
		require.Equal(t, "https://shop.example/Person%201001", at)
	}
	began := time.Now()
	var asking sync.WaitGroup
	for message := range int64(20) {
		asking.Go(func() {
			_, err := follow(0, 100+message)
			if !apperr.Is(err, apperr.CodeUnavailable) {
				t.Errorf("message %d: %v", message, err)
			}
		})
	}
	require.Eventually(t, func() bool { return len(e.opens.people.turn) == valuesAtOnce }, time.Minute, time.Millisecond)
	waiting := 0
	require.NoError(t, tx.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).
		Scan(t.Context(), &waiting))
	require.LessOrEqual(t, waiting, valuesAtOnce)
	asking.Wait()
	require.Less(t, time.Since(began), 10*valuesLimit)
	at, err = follow(1, 2) // where there is a fallback, it stands in
	require.NoError(t, err)
	require.Equal(t, "https://shop.example/friend", at)
}

// TestAMergedContactIsLedOnAndCounted as who they are now.
func TestAMergedContactIsLedOnAndCounted(t *testing.T) {
	t.Parallel()
	e := start(t, dbtest.New(t), "")
	e.send(UTM{}, "https://shop.example/{{name}}")
	// Both got the campaign, so that each message stays with the contact it was written to.
	e.exec("UPDATE contacts SET merged_into = 2, erased_at = now(), name = '' WHERE id = 1")
	at, err := e.opens.Follow(t.Context(), e.links[0].Token(1), true)
	require.NoError(t, err)
	require.Equal(t, "https://shop.example/Person%201002", at)
	e.run()()
	require.Equal(t, 1, e.number("SELECT count(*) FROM clicks WHERE message_id = 1"))
	require.Equal(t, 1, e.number("SELECT count(*) FROM messages WHERE clicked_at IS NOT NULL AND id = 1"))
	require.Equal(t, 1, e.number("SELECT people FROM link_counts"))
}

// TestLinksGoOnWhilePostgresIsAway: they lead where they led, and each click counts once afterwards, also by another process.
func TestLinksGoOnWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	require.NoError(t, l.Close())
	data, err := os.MkdirTemp("", "eventstream-link-pg-") // not t.TempDir: Postgres runs as somebody else
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	o := embedded.Options{DataDir: data, Port: port, Log: quiet}
	pg, err := embedded.Start(t.Context(), o)
	require.NoError(t, err)
	d, err := db.Open(t.Context(), pg.URL, 5, quiet)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.NoError(t, d.MigrateUp(t.Context(), quiet))

	dir := t.TempDir()
	e := start(t, d, dir)
	e.send(UTM{}, "https://shop.example/a", "https://shop.example/{{name | friend}}", "https://shop.example/{{name}}")
	stop := e.run()
	_, err = e.opens.Follow(t.Context(), e.links[0].Token(1), true)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return e.number("SELECT count(*) FROM clicks") == 1 }, time.Minute, 20*time.Millisecond)

	require.NoError(t, pg.Stop())
	slowest := time.Duration(0)
	follow := func(e *env, i int, message int64, want string) {
		t.Helper()
		began := time.Now()
		at, err := e.opens.Follow(t.Context(), e.links[i].Token(message), true)
		require.NoError(t, err)
		require.Equal(t, want, at)
		if i == 0 {
			slowest = max(slowest, time.Since(began))
		}
	}
	for range 10 {
		for message := range int64(3) {
			follow(e, 0, message+1, "https://shop.example/a")
		}
	}
	follow(e, 1, 1, "https://shop.example/friend") // nobody can say what they are called
	at, err := e.opens.Follow(t.Context(), e.links[2].Token(1), true)
	require.True(t, apperr.Is(err, apperr.CodeUnavailable), "it would lead to another page: %s %v", at, err)
	require.Eventually(t, func() bool { return !e.counter.Spool.Empty() }, time.Minute, 20*time.Millisecond)
	for message := range int64(3) {
		follow(e, 0, message+1, "https://shop.example/a")
	}
	stop()
	e.counter.Spool.Close() // the process ends
	t.Logf("the slowest answer while Postgres was away took %s", slowest)
	again := startWith(t, d, dir, e.signer)
	stop = again.run()

	pg, err = embedded.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = pg.Stop() })
	require.Eventually(t, func() bool {
		var n int
		err := d.NewRaw("SELECT sum(clicks) FROM link_counts").Scan(t.Context(), &n)
		return err == nil && n == 1+30+1+3
	}, time.Minute, 50*time.Millisecond, "each counts")
	stop()
	require.Equal(t, 35, e.number("SELECT count(*) FROM clicks"), "and none twice")
	require.Equal(t, 3, e.number("SELECT people FROM link_counts WHERE link_id = ?", e.links[0].ID))
	require.True(t, again.counter.Spool.Empty())
}

// TestParametersAreAddedWhereTheyBelong behind what an address has itself.
func TestParametersAreAddedWhereTheyBelong(t *testing.T) {
	t.Parallel()
	u := UTM{Source: "whatsapp", Campaign: "Ünter 1"}
	for address, want := range map[string]string{
		"https://shop.example":                    "https://shop.example/?utm_source=whatsapp&utm_campaign=%C3%9Cnter%201",
		"https://shop.example/a":                  "https://shop.example/a?utm_source=whatsapp&utm_campaign=%C3%9Cnter%201",
		"https://shop.example/a?b=c#d":            "https://shop.example/a?b=c&utm_source=whatsapp&utm_campaign=%C3%9Cnter%201#d",
		"https://shop.example?":                   "https://shop.example?utm_source=whatsapp&utm_campaign=%C3%9Cnter%201",
		`https://shop.example/{{name | "?"}}`:     `https://shop.example/{{name | "?"}}?utm_source=whatsapp&utm_campaign=%C3%9Cnter%201`,
		"https://shop.example/a?utm%5Fsource=x":   "https://shop.example/a?utm%5Fsource=x&utm_campaign=%C3%9Cnter%201",
		"https://shop.example/a?utm_source":       "https://shop.example/a?utm_source&utm_campaign=%C3%9Cnter%201",
		"https://shop.example/a?my_utm_source=x":  "https://shop.example/a?my_utm_source=x&utm_source=whatsapp&utm_campaign=%C3%9Cnter%201",
		"https://shop.example/a?utm_source=x":     "https://shop.example/a?utm_source=x&utm_campaign=%C3%9Cnter%201",
		`https://shop.example/{{name | "?#"}}?`:   `https://shop.example/{{name | "?#"}}?utm_source=whatsapp&utm_campaign=%C3%9Cnter%201`,
		`https://shop.example/{{name | "#"}}#top`: `https://shop.example/{{name | "#"}}?utm_source=whatsapp&utm_campaign=%C3%9Cnter%201#top`,
	} {
		require.Equal(t, want, u.Into(address))
		require.Equal(t, address, UTM{}.Into(address))
	}
	for value, ok := range map[string]bool{"": true, "summer-sale": true, "a&b": false, "=": false, "a#b": false, " a": false, "Ä 1": true} {
		require.Equal(t, ok, UTM{Source: value}.Validate() == nil, value)
	}
}

func TestAddressesAreWrittenInASCII(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.example/a%20b?c=d#e":   "https://shop.example/a%20b?c=d#e",
		"https://shop.example/größe?q=é#ü":   "https://shop.example/gr%C3%B6%C3%9Fe?q=%C3%A9#%C3%BC",
		"https://bücher.example:8443/bücher": "https://xn--bcher-kva.example:8443/b%C3%BCcher",
		"https://例え.example/":                "https://xn--r8jz45g.example/",
	} {
		require.Equal(t, want, InASCII(address))
	}
}

// TestAClickThatCannotBeStoredKeepsNoOtherWaiting, on disk and in memory.
func TestAClickThatCannotBeStoredKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"on disk": t.TempDir(), "in memory": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, dbtest.New(t), dir)
			e.send(UTM{}, "https://shop.example/a")
			clicks := make([]Click, 40)
			for i := range clicks {
				clicks[i] = NewClick(e.links[0].ID, 1, time.Now())
			}
			clicks[17].Key = "no hexadecimal digits"
			if dir != "" {
				require.NoError(t, e.counter.spool(clicks))
			} else {
				for _, c := range clicks {
					e.counter.Count(c)
				}
			}
			stop := e.run()
			require.Eventually(t, func() bool { return e.number("SELECT count(*) FROM clicks") == len(clicks)-1 }, time.Minute, 20*time.Millisecond)
			if dir != "" {
				require.Eventually(t, e.counter.Spool.Empty, time.Minute, 20*time.Millisecond)
			}
			stop()
		})
	}
}

// TestClicksWaitInMemoryWithoutADisk: more of them than there is room in the queue.
func TestClicksWaitInMemoryWithoutADisk(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	e := start(t, d, "")
	e.send(UTM{}, "https://shop.example/a")
	tx, err := d.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.NewRaw("LOCK TABLE clicks IN ACCESS EXCLUSIVE MODE").Exec(t.Context())
	require.NoError(t, err)
	stop := e.run()
	const many = 30_000
	for i := range many {
		for len(e.counter.queue) == cap(e.counter.queue) { // it is taken from while Postgres does not answer
			time.Sleep(time.Millisecond)
		}
		e.counter.Count(NewClick(e.links[0].ID, int64(1+i%3), time.Now()))
	}
	require.NoError(t, tx.Rollback())
	require.Eventually(t, func() bool { return len(e.counter.queue) == 0 }, time.Minute, 20*time.Millisecond)
	stop()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(e.counter.lost)
	gathered, err := metrics.Gather()
	require.NoError(t, err)
	require.Zero(t, gathered[0].GetMetric()[0].GetCounter().GetValue(), "clicks are lost")
}
