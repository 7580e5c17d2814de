package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// domains in the order in which they may know one another: each may import
// only those of the list behind its name.
var domains = map[string][]string{
	"contact":  {"audit"},
	"audit":    {},
	"auth":     {"audit"},
	"consent":  {"audit", "contact", "locale", "provider"},
	"segment":  {"audit", "consent", "contact"},
	"sender":   {"audit", "contact", "provider"},
	"provider": {},
	"golive": {
		"audit", "campaign", "consent", "contact", "conversation", "doubleoptin", "message", "portfolio", "provider", "sender", "template", "topic",
	},
	"topic":        {"audit", "consent", "contact"},
	"team":         {"audit", "contact"},
	"template":     {"audit", "contact", "locale", "provider"},
	"locale":       {},
	"price":        {"audit"},
	"portfolio":    {"audit", "gate", "message"},
	"message":      {"audit", "consent", "contact", "price", "provider", "sender", "template"},
	"media":        {"audit", "contact", "template"},
	"link":         {"contact", "message", "template"},
	"hours":        {"contact"},
	"gate":         {"consent", "contact", "hours", "message", "sender", "template"},
	"conversation": {"audit", "consent", "contact", "doubleoptin", "gate", "media", "merge", "message", "optout", "sender", "template", "topic"},
	"optout":       {"audit", "consent", "contact"},
	"doubleoptin":  {"audit", "consent", "contact", "hours", "message", "sender", "template"},
	"campaign":     {"audit", "consent", "contact", "conversation", "experiment", "gate", "hours", "link", "message", "portfolio", "price", "provider", "segment", "sender", "series", "template", "topic"},
	"dispatch": {
		"audit", "campaign", "consent", "contact", "conversation", "doubleoptin", "gate", "hold", "hours", "link", "message", "portfolio", "price",
		"provider", "sender", "template", "topic",
	},
	"hold":      {"audit", "campaign", "contact", "message"},
	"reconcile": {"audit", "contact", "message", "provider", "template", "webhookevent"},
	"importer":  {"audit", "consent", "contact", "conversation", "doubleoptin", "message", "optout", "topic"},
	"export":    {"audit", "contact", "message", "topic"},
	"erasure":   {"audit", "consent", "contact", "doubleoptin", "message", "team", "topic"},
	"merge":     {"audit", "consent", "contact", "doubleoptin", "message", "optout", "team", "topic"},
	"bulk":      {"audit", "consent", "contact", "erasure", "export", "segment", "topic"},
	"demo": {
		"audit", "campaign", "consent", "contact", "conversation", "erasure", "gate", "importer", "link", "message", "price",
		"provider", "segment", "template", "topic",
	},
	"webhookevent": {"consent", "contact", "conversation", "merge", "message", "provider"},
	"series":       {},
	"experiment":   {},
	"dashboard":    {"contact", "message", "series"},
	"health":       {"message"},
	"explain":      {"campaign", "consent", "contact", "gate", "hours", "message"},
	"proof":        {"audit", "consent", "contact", "explain", "message"},
	"sendcheck":    {"campaign", "consent", "contact", "conversation", "gate", "hours", "message", "portfolio", "template"},
	"suppression":  {"audit", "consent", "contact", "importer"},
	"timeline":     {},
	"retention":    {"audit", "message"},
	"disclosure":   {"audit", "consent", "contact"},
	"workspace":    {"audit", "contact"},
}

// shared is what every domain may use.
var shared = []string{"actor", "apperr", "config", "csvcell", "db", "durable", "globalid", "jobs", "keys", "localtime", "pause", "pubsub", "recent", "say", "secret", "spool"}

// transports never import one another, nor bun.
var transports = []string{
	"eventstream/graph", "eventstream/server/webhook", "eventstream/worker",
	"eventstream/server/web",
}

// TestWhoMayImportWhom reads the files themselves: asking the go command would
// be answered from the test cache after a violation.
func TestWhoMayImportWhom(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	seen := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := "eventstream/" + filepath.ToSlash(filepath.Dir(rel))
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			seen[pkg] = true
			if why := forbidden(pkg, imported); why != "" {
				t.Errorf("%s imports %s: %s", rel, imported, why)
			}
		}
		return checkSQL(t, rel, path)
	})
	require.NoError(t, err)
	for d := range domains {
		require.True(t, seen["eventstream/server/"+d], "the domain %s is gone: correct the table", d)
	}
}

func forbidden(pkg, imported string) string {
	domain := strings.TrimPrefix(pkg, "eventstream/server/")
	if allowed, ok := domains[domain]; ok {
		switch {
		case imported == "net/http" || strings.HasPrefix(imported, "github.com/99designs/gqlgen"):
			return "a domain knows no transport"
		case strings.HasPrefix(imported, "github.com/twilio"):
			return "only server/twilio knows Twilio's words"
		case strings.HasPrefix(imported, "eventstream/"):
			other := strings.TrimPrefix(imported, "eventstream/server/")
			if !slices.Contains(allowed, other) && !slices.Contains(shared, other) {
				return "not in its list"
			}
		}
	}
	for _, transport := range transports {
		if pkg != transport && (transport != "eventstream/graph" || !strings.HasPrefix(pkg, "eventstream/graph/")) {
			continue
		}
		if strings.HasPrefix(imported, "github.com/uptrace/bun") {
			return "a transport never touches the database"
		}
		for _, other := range transports {
			if other != transport && imported == other {
				return "transports never import one another"
			}
		}
	}
	if imported == "eventstream/server/app" && pkg != "eventstream/server" {
		return "only main sees app"
	}
	return ""
}

// writers of the messages table that are not its owner: rigs that fill databases to
// measure on them, where no engine runs yet.
var fillers = []string{"server/rig/", "server/bench/"}

var writesMessages = regexp.MustCompile(`(?i)\b(UPDATE(\s+ONLY)?|INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(\s+TABLE)?|COPY)\s+"?messages\b`)

// checkOwner: package message alone writes its table, so that no write can forget
// the fence, and the moves of a message stand in one place.
func checkOwner(t *testing.T, rel string, raw []byte) {
	t.Helper()
	if strings.HasPrefix(rel, "server/message/") || slices.ContainsFunc(fillers,
		func(f string) bool { return strings.HasPrefix(rel, f) }) {
		return
	}
	if found := writesMessages.Find(raw); found != nil {
		t.Errorf("%s writes the table of another package: %q belongs into server/message", rel, found)
	}
	for _, write := range []string{".NewInsert(", ".NewUpdate(", ".NewDelete("} {
		for _, line := range strings.Split(string(raw), "\n") {
			if strings.Contains(line, write) && strings.Contains(line, "message.") {
				t.Errorf("%s writes messages: %s belongs into server/message", rel, strings.TrimSpace(line))
			}
		}
	}
}

func TestTheOwnerOfMessagesIsFound(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"UPDATE messages m SET x = 1", "insert into messages (id)", "DELETE FROM messages",
		"UPDATE ONLY messages SET", "WITH a AS (UPDATE\n\t\tmessages SET x = 1)",
	} {
		require.True(t, writesMessages.MatchString(sql), sql)
	}
	for _, sql := range []string{
		"SELECT * FROM messages", "UPDATE message_attempts SET", "INSERT INTO messages_old",
		"LOCK messages",
	} {
		require.False(t, writesMessages.MatchString(sql), sql)
	}
}

var (
	datesInZones = regexp.MustCompile(`\btime\.(Date\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|ParseInLocation\()`)
	inUTC        = regexp.MustCompile(`,\s*time\.UTC\)$`)
)

// checkClocks: package localtime alone turns what clocks of a zone show into an instant, so
// that one rule holds where they are changed.
func checkClocks(t *testing.T, rel string, raw []byte) {
	t.Helper()
	if strings.HasPrefix(rel, "server/localtime/") {
		return
	}
	for _, found := range datesInZones.FindAllString(string(raw), -1) {
		if !inUTC.MatchString(found) {
			t.Errorf("%s calls %s: times by the clocks of a zone come from server/localtime", rel, found)
		}
	}
}

func TestDatesInZonesAreFound(t *testing.T) {
	t.Parallel()
	for code, forbidden := range map[string]bool{
		"time.Date(y, m, d, 0, 0, 0, 0, zone)": true, "time.Date(at.Year(), at.Month(), 1, (h(2)), 0, 0, 0, at.Location())": true,
		"time.ParseInLocation(form, text, zone)": true, "time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)": false, "time.DateOnly": false,
	} {
		found := datesInZones.FindString(code)
		require.Equal(t, forbidden, found != "" && !inUTC.MatchString(found), code)
	}
}

// checkSQL: only db and store.go files write SQL.
func checkSQL(t *testing.T, rel, path string) error {
	t.Helper()
	rel = filepath.ToSlash(rel)
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	checkOwner(t, rel, raw)
	checkClocks(t, rel, raw)
	if strings.HasSuffix(rel, "/store.go") || strings.HasSuffix(rel, "_store.go") ||
		strings.HasPrefix(rel, "server/db/") || rel == "server/segment/compile.go" || rel == "server/pubsub/pubsub.go" {
		return nil
	}
	for _, call := range []string{
		".NewRaw(", ".NewSelect(", ".NewInsert(", ".NewUpdate(", ".NewDelete(",
		".ExecContext(",
	} {
		if strings.Contains(string(raw), call) {
			t.Errorf("%s calls %s: SQL belongs into a store.go", rel, call)
		}
	}
	return nil
}
