package audit_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/secret"

	"github.com/stretchr/testify/require"
)

// shelf is a place for checkpoints outside of the database.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte
	fail  error
}

func (s *shelf) Name() string { return "shelf" }

func (s *shelf) Put(_ context.Context, name string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.files == nil {
		s.files = map[string][]byte{}
	}
	s.files[name] = content
	return nil
}

func (s *shelf) ReadAll(context.Context) (map[string][]byte, error) { return s.files, nil }

type env struct {
	*testing.T
	ctx   context.Context
	d     *db.DB
	shelf *shelf
	trail *audit.Trail
	now   time.Time
}

const entries = 10

var keys = secret.New("0123456789abcdef0123456789abcdef")

func start(t *testing.T) *env {
	t.Helper()
	e := &env{T: t, d: dbtest.New(t), shelf: &shelf{}, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	e.ctx = actor.With(context.Background(), actor.Actor{Kind: actor.KindOperator, ID: 7, Role: actor.RoleAdmin})
	e.trail = e.trailWith(e.shelf)
	return e
}

func (e *env) trailWith(sinks ...audit.Sink) *audit.Trail {
	return audit.NewTrail(audit.Options{
		DB: e.d, Secret: keys, Now: func() time.Time { return e.now },
		Log: slog.New(slog.DiscardHandler), Sinks: sinks,
	})
}

func (e *env) write(n int) {
	e.Helper()
	for i := range n {
		require.NoError(e, audit.Record(e.ctx, e.d, audit.ConversationNote, "thing", int64(i+1), map[string]any{"n": i}))
	}
	e.seal()
}

func (e *env) seal() {
	e.Helper()
	_, err := e.trail.Seal(e.ctx)
	require.NoError(e, err)
}

func (e *env) checkpoint() *audit.Checkpoint {
	e.Helper()
	c, err := e.trail.Checkpoint(e.ctx)
	require.NoError(e, err)
	require.NoError(e, e.trail.Deliver(e.ctx))
	e.now = e.now.Add(time.Hour)
	return c
}

func (e *env) verify() audit.Verification {
	e.Helper()
	v, err := e.trail.Verify(e.ctx, audit.Against{})
	require.NoError(e, err)
	return v
}

// sql runs as somebody who has the database, past all triggers.
func (e *env) sql(sql string) {
	e.Helper()
	conn, err := e.d.Pool.Acquire(e.ctx)
	require.NoError(e, err)
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(e.ctx, "SET session_replication_role = replica; "+sql+"; RESET session_replication_role").ReadAll()
	require.NoError(e, err, sql)
}

// rehash is what an attacker does who knows how the chain is made and has no key: every
// hash from a place on is made anew, by the database itself.
const rehash = `
	DO $$ DECLARE e audit_entries; prev bytea; n bigint := 0; h bytea;
	BEGIN
		FOR e IN SELECT * FROM audit_entries WHERE seq IS NOT NULL ORDER BY seq LOOP
			n := n + 1;
			h := pg_temp.digest(prev, n, e);
			UPDATE audit_entries SET seq = -n, prev_hash = prev, hash = h WHERE id = e.id;
			prev := h;
		END LOOP;
		UPDATE audit_entries SET seq = -seq WHERE seq < 0;
	END $$`

const rehasher = `
	CREATE OR REPLACE FUNCTION pg_temp.part(b bytea) RETURNS bytea LANGUAGE sql AS $$
		SELECT int8send(coalesce(length(b), 0)::bigint) || coalesce(b, '') $$;
	CREATE OR REPLACE FUNCTION pg_temp.digest(prev bytea, n bigint, e audit_entries) RETURNS bytea LANGUAGE sql AS $$
		SELECT sha256(pg_temp.part(prev) || pg_temp.part(n::text::bytea) || pg_temp.part(e.id::text::bytea) ||
			pg_temp.part(e.actor_kind::bytea) || pg_temp.part(e.actor_id::text::bytea) || pg_temp.part(e.action::bytea) ||
			pg_temp.part(e.entity::bytea) || pg_temp.part(e.entity_id::text::bytea) || pg_temp.part(e.changes::text::bytea) ||
			pg_temp.part(e.request_id::bytea) ||
			pg_temp.part(to_char(e.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')::bytea)) $$; `

func TestTheDatabaseItselfRefusesChanges(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.write(entries)
	e.checkpoint()
	for _, sql := range []string{
		"UPDATE audit_entries SET action = 'x' WHERE id = 3", "DELETE FROM audit_entries WHERE id = 3",
		"TRUNCATE audit_entries", "UPDATE audit_entries SET hash = NULL, seq = NULL WHERE id = 3",
		"UPDATE audit_entries SET mac = NULL WHERE id = 3", "DELETE FROM audit_checkpoints",
		"UPDATE audit_checkpoints SET size = 1", "DELETE FROM audit_keys",
	} {
		_, err := e.d.ExecContext(context.Background(), sql)
		require.ErrorContains(t, err, "append-only", sql)
	}
	require.NoError(t, audit.Record(e.ctx, e.d, audit.ConversationNote, "x", 1, nil))
	_, err := e.d.ExecContext(context.Background(), "UPDATE audit_entries SET seq = 11, hash = 'x' WHERE seq IS NULL")
	require.ErrorContains(t, err, "sealed with an HMAC", "the previous version's sealer")
}

// Whoever has the database, and no key, changes it in every way; the first place that is
// not what it was is named, and in what way.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.write(5)
	e.checkpoint()
	e.write(5)
	e.checkpoint()
	save, restore := "", ""
	for _, table := range []string{"audit_entries", "audit_tree", "audit_checkpoints", "audit_deliveries"} {
		save += "CREATE TABLE saved_" + table + " AS SELECT * FROM " + table + "; "
		restore += "DELETE FROM " + table + "; INSERT INTO " + table + " OVERRIDING SYSTEM VALUE SELECT * FROM saved_" + table + "; "
	}
	e.sql(save)
	const swap = "UPDATE audit_entries SET seq = -seq WHERE seq IN (4, 5); UPDATE audit_entries SET seq = 9 + seq WHERE seq < 0; "
	const insert = `UPDATE audit_entries SET seq = -seq WHERE seq >= 4; UPDATE audit_entries SET seq = 1 - seq WHERE seq < 0;
		INSERT INTO audit_entries (actor_kind, action, entity, seq, mac, key_id)
			SELECT 'system', 'forged', 'thing', 4, mac, key_id FROM audit_entries WHERE seq = 3; `
	const closeGap = "DELETE FROM audit_entries WHERE seq = 4; UPDATE audit_entries SET seq = -seq WHERE seq > 4; UPDATE audit_entries SET seq = -seq - 1 WHERE seq < 0; "
	for name, c := range map[string]struct {
		sql  string
		kind audit.BreakKind
		seq  int64
		says string
	}{
		"a changed entry":                      {`UPDATE audit_entries SET changes = '{"n": 99}' WHERE seq = 4`, audit.BreakChanged, 4, ""},
		"another actor":                        {"UPDATE audit_entries SET actor_id = 8 WHERE seq = 4", audit.BreakChanged, 4, ""},
		"a changed entry, the chain made anew": {`UPDATE audit_entries SET changes = '{"n": 99}' WHERE seq = 4; ` + rehash, audit.BreakChanged, 4, "without the key"},
		"the whole chain made anew, without HMACs": {
			rehash + "; UPDATE audit_entries SET mac = NULL, key_id = NULL", audit.BreakUnkeyed, 1, "no HMAC",
		},
		"one HMAC missing":                       {"UPDATE audit_entries SET mac = NULL WHERE seq = 6", audit.BreakUnkeyed, 6, "no HMAC"},
		"a removed entry":                        {"DELETE FROM audit_entries WHERE seq = 4", audit.BreakRemoved, 4, ""},
		"a removed entry, the gap closed":        {closeGap, audit.BreakRemoved, 4, "entry 4 was removed"},
		"a removed entry, the chain made anew":   {closeGap + rehash, audit.BreakChanged, 4, "without the key"},
		"two that change places":                 {swap, audit.BreakReordered, 4, "reordered"},
		"two that change places, the chain anew": {swap + rehash, audit.BreakReordered, 4, "reordered"},
		"an inserted entry":                      {insert, audit.BreakInserted, 4, "inserted at place 4"},
		"an inserted entry, the chain made anew": {insert + rehash, audit.BreakInserted, 4, "inserted at place 4"},
		"the last entry gone":                    {"DELETE FROM audit_entries WHERE seq = 10", audit.BreakCut, 10, "covers 10 entries, and there are 9"},
		"the end gone, checkpoints too":          {"DELETE FROM audit_entries WHERE seq > 3; DELETE FROM audit_deliveries; DELETE FROM audit_checkpoints; DELETE FROM audit_tree", audit.BreakCut, 4, "covers 10 entries, and there are 3"},
		"everything gone":                        {"DELETE FROM audit_entries; DELETE FROM audit_deliveries; DELETE FROM audit_checkpoints; DELETE FROM audit_tree", audit.BreakCut, 1, "there are 0"},
		"a checkpoint that says less":            {"UPDATE audit_checkpoints SET note = replace(note, E'\n10\n', E'\n9\n')", audit.BreakCheckpoint, 0, "was changed"},
		"HMACs and checkpoints gone, old, it says": {
			rehash + "; UPDATE audit_entries SET mac = NULL, key_id = NULL; DELETE FROM audit_deliveries; DELETE FROM audit_checkpoints; DELETE FROM audit_tree", audit.BreakUnkeyed, 1, "no HMAC",
		},
	} {
		e.sql(rehasher + c.sql)
		b := e.verify().Break
		require.NotNil(t, b, name)
		require.Equal(t, c.kind, b.Kind, name+": "+b.Reason.String())
		require.Equal(t, c.seq, b.Seq, name+": "+b.Reason.String())
		require.Contains(t, b.Reason.String(), c.says, name)
		e.sql(restore)
		require.Nil(t, e.verify().Break, name)
	}
}

// A checkpoint is never signed over what does not follow from the one before.
func TestWhatWasChangedIsNotSigned(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"the covered end replaced": "DELETE FROM audit_entries WHERE seq > 8",
		"the last one changed":     `UPDATE audit_entries SET changes = '{}' WHERE seq = 10; ` + rehash,
		"one that came since":      `UPDATE audit_entries SET changes = '{"n": 5}' WHERE seq = 12; ` + rehash,
	} {
		e := start(t)
		e.write(entries)
		e.checkpoint()
		if name == "one that came since" {
			e.write(3)
		}
		e.sql(rehasher + sql)
		if name == "the covered end replaced" {
			e.write(1) // takes place 9
		}
		_, err := e.trail.Checkpoint(e.ctx)
		require.Error(t, err, name)
		p, err := e.trail.Protection(e.ctx)
		require.NoError(t, err)
		require.NotEmpty(t, p.Problem, name)
	}
}

// Entries from before there were keys verify by the old rule, up to the first checkpoint.
func TestEntriesFromBeforeTheKeys(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.write(6)
	e.sql("UPDATE audit_entries SET mac = NULL, key_id = NULL WHERE seq <= 4; DELETE FROM audit_tree")
	v := e.verify()
	require.Nil(t, v.Break)
	require.EqualValues(t, 4, v.Unkeyed)
	require.EqualValues(t, 4, e.checkpoint().Unkeyed)
	require.Nil(t, e.verify().Break)
	e.sql(`UPDATE audit_entries SET mac = NULL, key_id = NULL WHERE seq = 5`)
	require.Equal(t, audit.BreakUnkeyed, e.verify().Break.Kind)
	e.sql(rehasher + `UPDATE audit_entries SET changes = '{}' WHERE seq = 2; ` + rehash)
	require.NotNil(t, e.verify().Break, "also the old ones are under the checkpoint")
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.write(3)
	first := e.checkpoint()
	public, err := e.trail.Keys(e.ctx)
	require.NoError(t, err)
	require.Len(t, public, 1)
	noted, err := audit.ParseKeys(public[0].Public)
	require.NoError(t, err)

	_, err = e.trail.Rotate(e.ctx)
	require.NoError(t, err)
	e.seal()
	e.write(3)
	second := e.checkpoint()
	require.NotEqual(t, first.KeyHash, second.KeyHash)
	v := e.verify()
	require.Nil(t, v.Break)
	require.EqualValues(t, 7, v.Entries, "the rotation is an entry")
	require.Equal(t, 2, v.Checkpoints, "old checkpoints stay valid")
	public, err = e.trail.Keys(e.ctx)
	require.NoError(t, err)
	require.Len(t, public, 2)
	require.EqualValues(t, 4, *public[1].Entry)

	// Whoever noted the first key follows to the second, since the first signed it.
	v, err = e.trail.Verify(e.ctx, audit.Against{Keys: noted})
	require.NoError(t, err)
	require.Nil(t, v.Break)
	// Whoever noted another installation's key is told.
	other := start(t)
	other.write(1)
	others, err := other.trail.Keys(other.ctx)
	require.NoError(t, err)
	strange, err := audit.ParseKeys(others[0].Public)
	require.NoError(t, err)
	v, err = e.trail.Verify(e.ctx, audit.Against{Keys: strange})
	require.NoError(t, err)
	require.Equal(t, audit.BreakCheckpoint, v.Break.Kind)
	require.Contains(t, v.Break.Reason.String(), "none of the keys")
	// Without SECRET_KEY nothing verifies.
	blind := audit.NewTrail(audit.Options{DB: e.d, Secret: secret.New("another")})
	_, err = blind.Verify(e.ctx, audit.Against{})
	require.ErrorContains(t, err, "SECRET_KEY")
	_, err = audit.ParseKeys("nonsense")
	require.ErrorContains(t, err, "nonsense")
}

// An old key that leaked signs nothing that counts after its time.
func TestAReplacedKeySignsNothingNew(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.write(3)
	_, err := e.trail.Rotate(e.ctx)
	require.NoError(t, err)
	e.seal()
	e.checkpoint()
	// Whoever has SECRET_KEY and the old key lets it sign once more.
	var old, sealed string
	require.NoError(t, e.d.NewRaw("SELECT public_key, sealed FROM audit_keys WHERE id = 1").Scan(e.ctx, &old, &sealed))
	plain, err := keys.Open(secret.AuditKey.Purpose(1), sealed)
	require.NoError(t, err)
	again, err := keys.Seal(secret.AuditKey.Purpose(3), plain)
	require.NoError(t, err)
	e.sql("UPDATE audit_keys SET public_key = 'x' || public_key WHERE id = 1; INSERT INTO audit_keys (id, public_key, sealed) VALUES (3, '" + old + "', '" + again + "')")
	_, err = e.trail.Checkpoint(e.ctx)
	require.ErrorContains(t, err, "somebody changed it", "a public key that does not belong to its secret half")
	e.sql("ALTER TABLE audit_keys DROP CONSTRAINT audit_keys_public_key_key; UPDATE audit_keys SET public_key = '" + old + "' WHERE id = 1")
	e.checkpoint()
	e.sql("DELETE FROM audit_keys WHERE id = 3")
	b := e.verify().Break
	require.NotNil(t, b)
	require.Equal(t, audit.BreakCheckpoint, b.Kind)
	require.Contains(t, b.Reason.String(), "had replaced")
}

func TestCheckpointsLeaveTheDatabase(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.NoError(t, e.trail.KeepCheckpoints(e.ctx))
	require.Empty(t, e.shelf.files, "an empty trail has nothing to sign")
	e.write(2)
	e.shelf.fail = errors.New("the disk is full")
	require.NoError(t, e.trail.KeepCheckpoints(e.ctx))
	require.NoError(t, e.trail.KeepCheckpoints(e.ctx))
	p, err := e.trail.Protection(e.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, p.Last.Size)
	require.EqualValues(t, 1, p.Waiting, "one is enough for an hour")
	require.Len(t, p.Deliveries, 1)
	require.Equal(t, "the disk is full", p.Deliveries[0].Error)
	require.Equal(t, 1, p.Deliveries[0].Attempts, "it rests before the next attempt")
	e.shelf.fail = nil
	e.sql("UPDATE audit_deliveries SET next_try = now(); UPDATE audit_checkpoints SET created_at = now() - interval '61 minutes'")
	e.now = e.now.Add(61 * time.Minute)
	require.NoError(t, e.trail.KeepCheckpoints(e.ctx))
	require.Len(t, e.shelf.files, 2, "an hour later there is another one, and both arrived")
	p, err = e.trail.Protection(e.ctx)
	require.NoError(t, err)
	require.Zero(t, p.Waiting)
	require.Empty(t, p.Deliveries[0].Error)
	for name, raw := range e.shelf.files {
		require.Regexp(t, `^checkpoint-000000000002-\d{8}T\d{6}Z\.txt$`, name)
		lines := strings.Split(string(raw), "\n")
		require.Equal(t, "2", lines[1], "C2SP tlog-checkpoint: origin, size, root")
	}
}

// Every byte of a checkpoint counts, its signature's too.
func TestAnyChangedByteOfACheckpointIsFound(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.write(2)
	c := e.checkpoint()
	public, err := e.trail.Keys(e.ctx)
	require.NoError(t, err)
	noted, err := audit.ParseKeys(public[0].Public)
	require.NoError(t, err)
	_, err = audit.ParseCheckpoint(c.Note, noted)
	require.NoError(t, err)
	raw := []byte(c.Note)
	for i := range raw {
		for bit := range 8 {
			changed := slices.Clone(raw)
			changed[i] ^= 1 << bit
			_, err := audit.ParseCheckpoint(string(changed), noted)
			require.Error(t, err, "byte %d, bit %d", i, bit)
		}
		_, err := audit.ParseCheckpoint(string(raw[:i])+string(raw[i+1:]), noted)
		require.Error(t, err, "byte %d removed", i)
	}
}

// The tree that grows in the database and the one that verification builds are one,
// whatever the sizes.
func TestTheTreeGrowsInAnySteps(t *testing.T) {
	t.Parallel()
	e := start(t)
	for _, n := range []int{1, 1, 2, 3, 7, 1, 13} {
		e.write(n)
		e.checkpoint()
	}
	v := e.verify()
	require.Nil(t, v.Break)
	require.Equal(t, 7, v.Checkpoints)
	require.EqualValues(t, 28, v.Entries)
	e.sql(rehasher + rehash)
	require.Nil(t, e.verify().Break, "made anew without a change it is the same: the attacker's hash is ours")
}
