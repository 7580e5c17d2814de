package migrations_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"eventstream/migrations"

	"github.com/stretchr/testify/require"
)

// policyBegins is the first day whose migrations follow docs/migrations.md.
// Those before it ran on installations that were stopped.
const policyBegins = "20261126"

// large are the tables that grow with use, to millions of rows.
var large = []string{
	"audit_entries", "consent_events", "contact_topics", "contacts", "conversations", "delivery_events",
	"message_attempts", "messages", "suppressed_addresses", "suppressions", "opt_in_requests", "webhook_events",
}

// allowed are rules that a migration may break, each with its reason.
var allowed = map[string]map[rule]string{
	"20261126100000_claims.tx.up.sql": {
		backfill: "rows in the engine's hands without a lease: few, and found by messages_watch_idx",
	},
	"20261126300000_contact_counts.tx.up.sql": {
		backfill: "the first count must see what the triggers do not: it reads contacts once, under the lock that makes the triggers, and writes a few rows",
	},
	"20261126300200_erasures.tx.up.sql": {
		backfill: "contacts erased in the last seven days, found by contacts_erased_idx, go into a new table; no large table is written",
	},
}

type rule string

const (
	inTransaction  rule = "CONCURRENTLY does not work in a transaction: use a plain .up.sql file"
	indexBlocks    rule = "an index on a large table is built CONCURRENTLY, in a plain .up.sql file"
	notRepeatable  rule = "a plain file may be repeated after it failed half way: write IF NOT EXISTS or IF EXISTS"
	oneStatement   rule = "a plain file with several statements separates them by --bun:split"
	validates      rule = "a constraint on a large table is added NOT VALID, and validated in a later plain file"
	validatesInTx  rule = "VALIDATE CONSTRAINT belongs in a plain file: in a transaction it keeps the locks of what stands beside it"
	rewrites       rule = "this rewrites or reads through a large table while it is locked"
	breaksPrevious rule = "the previous version still uses what this drops or renames: do it one release later"
	breaksInserts  rule = "the previous version does not know this column: give it a default, or allow null"
	backfill       rule = "rows of a large table are changed in batches that commit, by a job or a plain file, not by a migration's one statement"
	oneTable       rule = "a transaction that locks one large table must not wait for another: one large table in a file"
	noPair         rule = "a migration has an up and a down file"
	ownLimits      rule = "the limits of statements and locks are the migrator's"
)

// check reads one up file and names the rules that it breaks.
func check(name, text string) (broken []rule) {
	text = regexp.MustCompile(`--bun:split[^\n]*`).ReplaceAllString(text, "\x00")
	text = regexp.MustCompile(`--[^\n]*`).ReplaceAllString(text, "")
	parts := strings.Split(text, "\x00")
	tx := strings.Contains(name, ".tx.")
	made := map[string]bool{} // tables that this file creates: nobody uses them yet
	touched := map[string]bool{}
	breaks := func(r rule) {
		if !slices.Contains(broken, r) {
			broken = append(broken, r)
		}
	}
	for _, part := range parts {
		list := statements(part)
		if !tx && len(list) > 1 {
			breaks(oneStatement)
		}
		for _, s := range list {
			if m := match(s, `^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\w+)`); m != "" {
				made[m] = true
			}
			isLarge := func(table string) bool { return slices.Contains(large, table) && !made[table] }
			if match(s, `(\bCONCURRENTLY\b)`) != "" && tx {
				breaks(inTransaction)
			}
			if !tx && match(s, `^(CREATE (?:UNIQUE )?INDEX|CREATE TABLE|DROP INDEX)`) != "" &&
				match(s, `(IF NOT EXISTS|IF EXISTS)`) == "" {
				breaks(notRepeatable)
			}
			if table := match(s, `^CREATE (?:UNIQUE )?INDEX .*?\bON (?:ONLY )?(\w+)`); isLarge(table) &&
				match(s, `(\bCONCURRENTLY\b)`) == "" {
				breaks(indexBlocks)
			}
			if match(s, `^(REINDEX|CLUSTER|VACUUM FULL|LOCK TABLE|TRUNCATE|REFRESH)`) != "" {
				breaks(rewrites)
			}
			// What a function sets, it sets when it is called, and not while the migration runs.
			isFunction := match(s, `^CREATE (?:OR REPLACE )?(FUNCTION|PROCEDURE)\b`) != ""
			if match(s, `^(SET|RESET)\b`) != "" || match(s, `(set_config)`) != "" && !isFunction {
				breaks(ownLimits)
			}
			if match(s, `^(DROP (?:TABLE|FUNCTION|TRIGGER|TYPE|VIEW)|ALTER TABLE \w+ RENAME|ALTER (?:TYPE|FUNCTION|INDEX) .* RENAME)`) != "" {
				breaks(breaksPrevious)
			}
			if table := match(s, `^(?:UPDATE (?:ONLY )?|DELETE FROM (?:ONLY )?|MERGE INTO )(\w+)`); isLarge(table) {
				breaks(backfill)
			}
			if table := match(s, `^INSERT INTO .*\bSELECT .*\bFROM (\w+)`); isLarge(table) {
				breaks(backfill)
			}
			// A block in a plain file may commit after each of its batches.
			if table := match(s, `^DO\b.*\b(?:UPDATE|DELETE FROM) (\w+)`); isLarge(table) &&
				(tx || match(s, `\b(COMMIT)\b`) == "") {
				breaks(backfill)
			}
			if table := match(s, `^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)`); table != "" && !made[table] {
				if isLarge(table) {
					touched[table] = true
				}
				alter(s, isLarge(table), tx, breaks)
			}
			if table := match(s, `^CREATE (?:CONSTRAINT )?TRIGGER .*?\bON (\w+)`); isLarge(table) {
				touched[table] = true
			}
		}
	}
	if tx && len(touched) > 1 {
		breaks(oneTable)
	}
	return broken
}

// alter reads the actions of one ALTER TABLE of a table that exists already.
func alter(s string, isLarge, tx bool, breaks func(rule)) {
	if match(s, `\b(DROP COLUMN|RENAME)\b`) != "" {
		breaks(breaksPrevious)
	}
	if tx && match(s, `\b(VALIDATE CONSTRAINT)\b`) != "" {
		breaks(validatesInTx)
	}
	for _, action := range topLevel(strings.SplitN(s, " ", 4)[3]) {
		column := match(action, `^ADD (?:COLUMN )?(?:IF NOT EXISTS )?(\w+)`)
		constraint := match(action, `^(?i:ADD )((?:CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY|EXCLUDE)\b.*)`)
		switch {
		case constraint != "":
			if isLarge && match(constraint, `(NOT VALID|USING INDEX)`) == "" {
				breaks(validates)
			}
		case column != "":
			if match(action, `\b(NOT NULL)\b`) != "" && match(action, `\b(DEFAULT|GENERATED|SERIAL|BIGSERIAL)\b`) == "" {
				breaks(breaksInserts)
			}
			computed := match(action, `\b(GENERATED|SERIAL|BIGSERIAL)\b`) + match(action, `\bDEFAULT (\w+\()`)
			if isLarge && computed != "" && match(action, `\bDEFAULT (now\()`) == "" {
				breaks(rewrites)
			}
			if isLarge && match(action, `\b(REFERENCES|CHECK|UNIQUE|PRIMARY KEY)\b`) != "" {
				breaks(validates)
			}
		case isLarge && match(action, `^ALTER (?:COLUMN )?\w+ ((?:SET DATA )?TYPE|SET NOT NULL)\b`) != "":
			breaks(rewrites)
		case match(action, `^ALTER (?:COLUMN )?\w+ (SET NOT NULL|DROP DEFAULT)\b`) != "":
			breaks(breaksInserts)
		case isLarge && match(action, `^(SET (?:UN)?LOGGED|SET TABLESPACE|SET ACCESS METHOD)\b`) != "":
			breaks(rewrites)
		}
	}
}

func match(s, pattern string) string {
	m := regexp.MustCompile(`(?i)` + pattern).FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1])
}

// statements splits at semicolons outside of quotes and of bodies in $…$, and
// makes each statement one line.
func statements(text string) (list []string) {
	add := func(s string) {
		if s = strings.Join(strings.Fields(s), " "); s != "" {
			list = append(list, s)
		}
	}
	from, quote := 0, ""
	for i := 0; i < len(text); i++ {
		switch rest := text[i:]; {
		case quote != "":
			if strings.HasPrefix(rest, quote) {
				i += len(quote) - 1
				quote = ""
			}
		case rest[0] == '\'' || rest[0] == '"':
			quote = rest[:1]
		case rest[0] == '$':
			if tag := regexp.MustCompile(`^\$\w*\$`).FindString(rest); tag != "" {
				quote = tag
				i += len(tag) - 1
			}
		case rest[0] == ';':
			add(text[from:i])
			from = i + 1
		}
	}
	add(text[from:])
	return list
}

// topLevel splits the actions of ALTER TABLE at commas outside of parentheses.
func topLevel(s string) (list []string) {
	depth, from := 0, 0
	for i, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				list = append(list, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	return append(list, strings.TrimSpace(s[from:]))
}

func TestMigrationsFollowThePolicy(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.FS, "*.up.sql")
	require.NoError(t, err)
	for _, name := range files {
		_, err := fs.Stat(migrations.FS, strings.Replace(name, ".up.", ".down.", 1))
		require.NoError(t, err, "%s: %s", name, noPair)
		if name < policyBegins {
			continue
		}
		raw, err := fs.ReadFile(migrations.FS, name)
		require.NoError(t, err)
		broken := check(name, string(raw))
		for _, r := range broken {
			require.Contains(t, allowed[name], r, "%s (docs/migrations.md)", name)
		}
		for r, why := range allowed[name] {
			require.Contains(t, broken, r, "%s is allowed to break a rule that it keeps: take the exception out", name)
			require.NotEmpty(t, why)
		}
	}
	for name := range allowed {
		require.Contains(t, files, name, "an exception for a file that is gone")
	}
}

func TestThePolicyRefuses(t *testing.T) {
	t.Parallel()
	const tx, plain = "20270101000000_x.tx.up.sql", "20270101000000_x.up.sql"
	for i, c := range []struct {
		name, sql string
		broken    []rule
	}{
		{tx, "CREATE INDEX a ON messages (sid);", []rule{indexBlocks}},
		{tx, "create unique index a\n  on contacts using btree (name)", []rule{indexBlocks}},
		{tx, "CREATE INDEX ON webhook_events (id)", []rule{indexBlocks}},
		{plain, "CREATE INDEX IF NOT EXISTS a ON audit_entries (id)", []rule{indexBlocks}},
		{tx, "CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON messages (sid)", []rule{inTransaction}},
		{tx, "DROP INDEX CONCURRENTLY a", []rule{inTransaction}},
		{plain, "CREATE INDEX CONCURRENTLY a ON messages (sid)", []rule{notRepeatable}},
		{plain, "CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON messages (sid); CREATE INDEX CONCURRENTLY IF NOT EXISTS b ON messages (sid)", []rule{oneStatement}},
		{tx, "ALTER TABLE messages ADD CONSTRAINT c CHECK (fence > 0)", []rule{validates}},
		{tx, "ALTER TABLE messages ADD COLUMN a int, ADD CHECK (a > 0)", []rule{validates}},
		{tx, "ALTER TABLE consent_events ADD FOREIGN KEY (contact_id) REFERENCES contacts", []rule{validates}},
		{tx, "ALTER TABLE messages ADD UNIQUE (sid)", []rule{validates}},
		{tx, "ALTER TABLE messages ADD COLUMN parent bigint REFERENCES messages", []rule{validates}},
		{tx, "ALTER TABLE messages VALIDATE CONSTRAINT c", []rule{validatesInTx}},
		{tx, "ALTER TABLE contacts ALTER COLUMN name TYPE varchar(10)", []rule{rewrites}},
		{tx, "ALTER TABLE contacts ALTER name SET NOT NULL", []rule{rewrites}},
		{tx, "ALTER TABLE contacts ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid()", []rule{rewrites}},
		{tx, "ALTER TABLE contacts ADD seen timestamptz NOT NULL DEFAULT clock_timestamp()", []rule{rewrites}},
		{tx, "ALTER TABLE messages ADD COLUMN a text GENERATED ALWAYS AS (status) STORED", []rule{rewrites}},
		{tx, "ALTER TABLE campaigns ADD COLUMN a text NOT NULL", []rule{breaksInserts}},
		{tx, "ALTER TABLE campaigns ALTER COLUMN name SET NOT NULL", []rule{breaksInserts}},
		{tx, "ALTER TABLE campaigns DROP COLUMN name", []rule{breaksPrevious}},
		{tx, "ALTER TABLE campaigns RENAME COLUMN name TO title", []rule{breaksPrevious}},
		{tx, "ALTER TABLE campaigns RENAME TO mailings", []rule{breaksPrevious}},
		{tx, "DROP TABLE topics", []rule{breaksPrevious}},
		{tx, "UPDATE messages SET fence = 1", []rule{backfill}},
		{tx, "DELETE FROM delivery_events WHERE id < 5", []rule{backfill}},
		{plain, "UPDATE messages SET fence = 1", []rule{backfill}},
		{plain, "DO $$ BEGIN UPDATE messages SET fence = 1; END $$", []rule{backfill}},
		{tx, "DO $$ BEGIN DELETE FROM webhook_events; END $$", []rule{backfill}},
		{tx, "CREATE TABLE a (id bigint); INSERT INTO a SELECT id FROM contacts", []rule{backfill}},
		{tx, "ALTER TABLE messages ADD COLUMN a int; ALTER TABLE contacts ADD COLUMN a int", []rule{oneTable}},
		{tx, "TRUNCATE messages", []rule{rewrites}},
		{tx, "LOCK TABLE campaigns", []rule{rewrites}},
		{plain, "SET lock_timeout = 0", []rule{ownLimits}},
		{plain, "SELECT set_config('lock_timeout', '0', false)", []rule{ownLimits}},
		{tx, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('synchronous_commit', 'off', true); END $$", nil},

		{tx, "-- CREATE INDEX a ON messages (sid);\nSELECT 1", nil},
		{tx, "CREATE TABLE a (id bigint PRIMARY KEY, c bigint REFERENCES contacts); CREATE INDEX ON a (c); ALTER TABLE a ADD CHECK (id > 0)", nil},
		{tx, "ALTER TABLE messages ADD COLUMN a int NOT NULL DEFAULT 0, ADD COLUMN b text NOT NULL DEFAULT 'x, y'", nil},
		{tx, "ALTER TABLE messages ADD COLUMN a timestamptz NOT NULL DEFAULT now()", nil},
		{tx, "ALTER TABLE messages ADD CONSTRAINT c CHECK (a IN (1, 2)) NOT VALID", nil},
		{tx, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE messages SET fence = 1; RETURN NULL; END $$", nil},
		{tx, "CREATE INDEX a ON campaigns (status)", nil},
		{plain, "ALTER TABLE messages VALIDATE CONSTRAINT c", nil},
		{plain, "DO $$ BEGIN LOOP UPDATE messages SET fence = 1 WHERE id < 5; EXIT WHEN NOT FOUND; COMMIT; END LOOP; END $$", nil},
		{plain, "CREATE INDEX CONCURRENTLY IF NOT EXISTS a ON messages (sid);\n--bun:split\nDROP INDEX CONCURRENTLY IF EXISTS b", nil},
	} {
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.broken, check(c.name, c.sql), "%s", c.sql)
		})
	}
}
