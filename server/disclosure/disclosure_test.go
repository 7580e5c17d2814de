package disclosure

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/consent"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/keys"
	"eventstream/server/pubsub"

	"github.com/stretchr/testify/require"
)

func service(t *testing.T) (*Service, *db.DB, context.Context) {
	t.Helper()
	d := dbtest.New(t)
	hub := pubsub.New(d.Pool, slog.New(slog.DiscardHandler))
	consents := consent.NewService(d, hub, keys.Fixed("0123456789abcdef"), time.Now)
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer})
	return NewService(d, consents, time.Now), d, ctx
}

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	_, err := d.NewRaw(sql, args...).Exec(context.Background())
	require.NoError(t, err)
}

// Every table of the database is told or is an exception with a reason, and so is every
// column of the tables that are told.
func TestEverythingIsToldOrSaidWhyNot(t *testing.T) {
	t.Parallel()
	_, d, _ := service(t)
	told := map[string]string{}
	for _, s := range sections {
		for _, table := range s.tables {
			told[table] = s.query
		}
	}
	var columns []struct{ TableName, ColumnName string }
	require.NoError(t, d.NewRaw(`SELECT table_name, column_name FROM information_schema.columns
		WHERE table_schema = current_schema() ORDER BY 1, 2`).Scan(t.Context(), &columns))
	require.Greater(t, len(columns), 100)
	seen := map[string]bool{}
	for _, c := range columns {
		table, column := c.TableName, c.TableName+"."+c.ColumnName
		seen[table], seen[column] = true, true
		query, isTold := told[table]
		if !isTold {
			require.NotEmpty(t, exceptions[table], "the table %s is neither told nor listed in exceptions.go with a reason", table)
			continue
		}
		require.Empty(t, exceptions[table], "%s is told and an exception", table)
		selected := selects(query, table, c.ColumnName)
		require.True(t, selected || exceptColumns[column] != "",
			"the column %s is neither told nor listed in exceptions.go with a reason", column)
	}
	for name := range exceptions {
		require.True(t, seen[name], "the exception %s is gone", name)
	}
	for name := range exceptColumns {
		require.True(t, seen[name], "the exception %s is gone", name)
	}
}

var (
	tablesRead = regexp.MustCompile(`\b(?:FROM|JOIN)\s+(\w+)(?:\s+(\w+))?`)
	// What only finds or orders rows is not told. It ends where its subquery does, or
	// where another part of the query begins.
	notTold = regexp.MustCompile(`\b(?:ON|WHERE|GROUP BY|ORDER BY|LIMIT)\b(?:[^()]|\([^()]*\))*?(\bJOIN\b|\bLEFT\b|\)|$)`)
	quoted  = regexp.MustCompile(`'[^']*'|"[^"]*"`)
)

// selects reports whether a query gives a column of a table: under the table's own alias
// where it has one, so that no column of the same name in another table passes for it.
func selects(query, table, column string) bool {
	name := ""
	for _, m := range tablesRead.FindAllStringSubmatch(query, -1) {
		if m[1] == table && m[2] != "" && strings.ToUpper(m[2]) != m[2] {
			name = m[2] + `\.`
		}
	}
	told := quoted.ReplaceAllString(query, "")
	for before := ""; before != told; {
		before, told = told, notTold.ReplaceAllString(told, "$1")
	}
	return regexp.MustCompile(`(?:^|[^.\w])` + name + column + `\b`).MatchString(told)
}

func TestAColumnIsToldUnderItsOwnTable(t *testing.T) {
	t.Parallel()
	for query, told := range map[string]bool{
		`SELECT a.id, a.status FROM ones a WHERE a.id > 1`:                                                            true,
		`SELECT status FROM ones WHERE id > 1`:                                                                        true,
		`SELECT a.id, b.status FROM ones a JOIN others b ON b.id = a.status`:                                          false,
		`SELECT a.id, 'status' AS "a.status" FROM ones a WHERE a.status = ANY (?) ORDER BY a.status`:                  false,
		`SELECT b.id, (SELECT json_agg(a.status ORDER BY a.id) FROM ones a WHERE a.b = b.id) FROM others b`:           true,
		`SELECT b.id, (SELECT json_agg(a.id ORDER BY a.status) FROM ones a WHERE a.b = b.id), b.status FROM others b`: false,
	} {
		require.Equal(t, told, selects(query, "ones", "status"), query)
	}
}

// fill makes contact 1, into whom 2 was merged, with something of every kind, and a
// stranger, 3, who has as much.
func fill(t *testing.T, d *db.DB, s *Service, messages int) {
	t.Helper()
	exec(t, d, `INSERT INTO operators (email, name, role, password_hash) VALUES ('secret-operator@shop.example', 'Secret Operator', 'admin', 'x')`)
	exec(t, d, `INSERT INTO contacts (id, address, match_key, kind, name, attributes) OVERRIDING SYSTEM VALUE VALUES
		(1, '+4915111', '+4915111', 'phone', '<script>alert(1)</script>', '{"tags": ["vip"], "<b>city</b>": "Köln & \"Bonn\"", "customerID": 7,
			"lastOrder": {"VIPPrice": true}, "attributes": {"firstSeenAt": "x"}}'),
		(2, '+4915122', '+4915122', 'phone', 'Old name', '{}'),
		(3, '+4915133', '+4915133', 'phone', 'Stranger', '{"tags": ["stranger"]}')`)
	exec(t, d, "UPDATE contacts SET merged_into = 1, erased_at = now() WHERE id = 2")
	exec(t, d, "INSERT INTO topics (name, keyword, keyword_folded) VALUES ('News', 'NEWS', 'news')")
	exec(t, d, "INSERT INTO labels (name, color) VALUES ('Regular', 'green')")
	exec(t, d, "INSERT INTO imports (file_name, options, status) VALUES ('people.csv', '{}', 'completed')")
	for _, id := range []int64{1, 3} {
		exec(t, d, "INSERT INTO contact_topics (topic_id, contact_id, status, source) VALUES (1, ?, 'subscribed', 'operator')", id)
		exec(t, d, "INSERT INTO team_contacts (contact_id, added_by) VALUES (?, 1)", id)
		exec(t, d, "INSERT INTO import_contacts VALUES (1, ?)", id)
		exec(t, d, "INSERT INTO conversations (contact_id, assignee_id) VALUES (?, 1)", id)
		exec(t, d, `INSERT INTO conversation_notes (conversation_id, operator_id, body)
			SELECT id, 1, 'noted of ' || ?0 FROM conversations WHERE contact_id = ?0`, id)
		exec(t, d, "INSERT INTO conversation_labels SELECT id, 1 FROM conversations WHERE contact_id = ?", id)
		exec(t, d, `INSERT INTO audit_entries (actor_kind, actor_id, action, entity, entity_id, changes)
			VALUES ('operator', 1, 'contact.update', 'contact', ?, '{"fields": ["name"]}')`, id)
		exec(t, d, `INSERT INTO messages (direction, purpose, contact_id, status, body, sid)
			SELECT 'outbound', 'reply', ?0, 'delivered', 'text <i>' || g || '</i> of ' || ?0, 'SM' || ?0 || '-' || g FROM generate_series(1, ?1) g`, id, messages)
		exec(t, d, `INSERT INTO delivery_events (message_id, sid, status, occurred_at, received_at)
			SELECT id, sid, 'delivered', now(), now() FROM messages WHERE contact_id = ?`, id)
	}
	exec(t, d, "INSERT INTO opt_out_reviews (contact_id, message_id, language) SELECT 1, min(id), 'en' FROM messages WHERE contact_id = 1")
	exec(t, d, `INSERT INTO opt_in_requests (contact_id, source, evidence, expires_at) VALUES (1, 'form', '{}', now())`)
	exec(t, d, `INSERT INTO message_attempts (sid, message_id, attempt, status) SELECT 'SMearlier', min(id), 1, 'failed' FROM messages WHERE contact_id = 1`)
	for id, who := range map[int64]string{1: "+4915111", 2: "+4915122", 3: "+4915133"} {
		hashes, err := s.consents.Hashes(t.Context(), d, []string{who})
		require.NoError(t, err)
		exec(t, d, `INSERT INTO consent_events (contact_id, address_hash, status, source, evidence, occurred_at, operator_id)
			VALUES (?, ?, 'opted_out', 'keyword', ?::jsonb, now(), 1)`, id, hashes[0], `{"text": "STOP by `+who+`"}`)
		if id != 1 {
			exec(t, d, "INSERT INTO suppressed_addresses (address_hash, reason) VALUES (?, 'opted_out')", hashes[0])
		}
	}
}

func (s *Service) file(ctx context.Context, t *testing.T, id int64, format Format) string {
	t.Helper()
	who, err := s.Open(ctx, id)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, s.Write(ctx, who, format, &out))
	return out.String()
}

func TestAllAboutOnePersonAndNobodyElse(t *testing.T) {
	t.Parallel()
	s, d, ctx := service(t)
	fill(t, d, s, slice+1) // more than a slice
	for _, asked := range []int64{1, 2} {
		var got struct {
			Format         string
			Contact, Asked int64
			ErasedAt       *time.Time
			LeftOut        []string
			Data           map[string][]map[string]any
		}
		raw := s.file(ctx, t, asked, JSON)
		require.NoError(t, json.Unmarshal([]byte(raw), &got), raw)
		require.Equal(t, formatName, got.Format)
		require.Equal(t, int64(1), got.Contact, "who they are now")
		require.Nil(t, got.ErasedAt, "merged is not erased")
		for _, sec := range sections {
			want := 1
			switch sec.name {
			case "contact", "addresses", "consents":
				want = 2 // of both that are one person now
			case "messages":
				want = slice + 1
			case "erasure":
				want = 0
			}
			require.Len(t, got.Data[sec.name], want, sec.name)
		}
		require.Equal(t, "vip", got.Data["contact"][0]["attributes"].(map[string]any)["tags"].([]any)[0])
		require.Equal(t, "opted_out", got.Data["suppressions"][0]["reason"])
		require.Equal(t, "Regular", got.Data["labels"][0]["label"])
		require.Equal(t, "noted of 1", got.Data["notes"][0]["text"])
		require.Equal(t, "an operator", got.Data["notes"][0]["by"])
		first := got.Data["messages"][0]
		require.Equal(t, "text <i>1</i> of 1", first["text"])
		require.Equal(t, "delivered", first["events"].([]any)[0].(map[string]any)["status"])
		require.Equal(t, "SMearlier", first["earlierAttempts"].([]any)[0].(map[string]any)["sid"])
		require.Equal(t, "an operator", got.Data["changes"][0]["by"])
		require.Equal(t, "STOP by +49151", got.Data["consents"][0]["evidence"].(map[string]any)["text"].(string)[:14])
		page := s.file(ctx, t, asked, HTML)
		for _, text := range []string{raw, page} {
			for _, others := range []string{"+4915133", "Stranger", "stranger", "of 3<", "secret-operator", "Secret Operator"} {
				require.NotContains(t, text, others)
			}
		}
	}
	_, err := s.Open(ctx, 4)
	require.True(t, apperr.Is(err, apperr.CodeNotFound))
	var n int
	require.NoError(t, d.NewRaw("SELECT count(*) FROM audit_entries WHERE action = 'contact_data.download' AND entity_id = 1").Scan(ctx, &n))
	require.Equal(t, 4, n, "every download is in the trail")
}

// The page holds nothing that runs or loads, whatever people wrote.
func TestThePageIsOnlyText(t *testing.T) {
	t.Parallel()
	s, d, ctx := service(t)
	fill(t, d, s, 3)
	page := s.file(ctx, t, 1, HTML)
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var text strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			require.NotContains(t, []string{"script", "img", "iframe", "link", "a", "object", "form", "i", "b"}, token.Name.Local,
				"made of what somebody wrote")
			for _, a := range token.Attr {
				require.NotContains(t, []string{"src", "href", "style"}, a.Name.Local)
				require.False(t, strings.HasPrefix(a.Name.Local, "on"))
			}
		case xml.CharData:
			text.Write(token)
		}
	}
	for _, want := range []string{
		"<script>alert(1)</script>", `Köln & "Bonn"`, "<b>city</b>", "text <i>3</i> of 1", "customerID", "lastOrder", "VIPPrice",
		"firstSeenAt", "First seen at", "Known since",
	} {
		require.Contains(t, text.String(), want)
	}
	require.NotContains(t, text.String(), "Opted out at", "what is empty is left out")
}

func TestOfAnErasedContactTheFileSaysSo(t *testing.T) {
	t.Parallel()
	s, d, ctx := service(t)
	fill(t, d, s, 1)
	exec(t, d, `UPDATE contacts SET address = 'erased:3', match_key = 'erased:3', name = '', attributes = '{}', erased_at = '2026-01-02T03:04:05Z' WHERE id = 3`)
	exec(t, d, "UPDATE messages SET body = '' WHERE contact_id = 3")
	exec(t, d, "INSERT INTO erasures (contact_id, erased_at, watch_from, watch_until, next_look) VALUES (3, now(), 0, now(), now())")
	var got struct {
		ErasedAt *time.Time
		Data     map[string][]map[string]any
	}
	raw := s.file(ctx, t, 3, JSON)
	require.NoError(t, json.Unmarshal([]byte(raw), &got))
	require.NotNil(t, got.ErasedAt)
	require.Len(t, got.Data["consents"], 1, "the proof stays")
	require.Len(t, got.Data["erasure"], 1)
	require.Empty(t, got.Data["addresses"])
	require.Contains(t, s.file(ctx, t, 3, HTML), "This contact was erased on 2 January 2026, 03:04 UTC")
}

func TestWhoMayHaveThem(t *testing.T) {
	t.Parallel()
	s, d, _ := service(t)
	fill(t, d, s, 1)
	for _, a := range []actor.Actor{
		{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer},
		{Kind: actor.KindAPIToken, ID: 1, Role: actor.RoleAdmin},
	} {
		_, err := s.Open(actor.With(t.Context(), a), 1)
		require.True(t, apperr.Is(err, apperr.CodeForbidden), a)
	}
}

// What is held at a time does not grow with the messages: 20 slices take no
// more than a few slices.
func TestMemoryDoesNotGrowWithMessages(t *testing.T) { //nolint:paralleltest // it measures the process
	s, d, ctx := service(t)
	fill(t, d, s, 20*slice)
	who, err := s.Open(ctx, 1)
	require.NoError(t, err)
	w := &watching{}
	require.NoError(t, s.Write(ctx, who, JSON, w))
	require.Greater(t, w.bytes, int64(20*slice*300))
	require.Less(t, w.most, uint64(w.bytes)/4, "of %d bytes written", w.bytes)
}

// watching counts what is written, and looks at the heap now and then.
type watching struct {
	bytes int64
	calls int
	least uint64
	most  uint64 // above the least
}

func (w *watching) Write(p []byte) (int, error) {
	if w.calls%(4*slice) == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if w.least == 0 || m.HeapAlloc < w.least {
			w.least = m.HeapAlloc
		}
		w.most = max(w.most, m.HeapAlloc-w.least)
	}
	w.calls++
	w.bytes += int64(len(p))
	return io.Discard.Write(p)
}
