package keys_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/erasure"
	"eventstream/server/importer"
	"eventstream/server/jobs"
	"eventstream/server/keys"
	"eventstream/server/pubsub"
	"eventstream/server/secret"
	"eventstream/server/topic"
	"eventstream/server/twilio"
	"eventstream/worker"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
)

const first, second, third = "first-first-first-first-first-first", "second-second-second-second-second",
	"third-third-third-third-third-third"

type env struct {
	*testing.T
	*db.DB
}

func start(t *testing.T) env { return env{t, dbtest.New(t)} }

func (e env) exec(sql string, args ...any) {
	e.Helper()
	_, err := e.NewRaw(sql, args...).Exec(e.Context())
	require.NoError(e, err)
}

func (e env) text(sql string, args ...any) (s string) {
	e.Helper()
	require.NoError(e, e.NewRaw(sql, args...).Scan(e.Context(), &s))
	return s
}

// Columns whose name sounds like a secret, and why nobody who reads them can use
// them. A new column of the kind fails the test until it stands here, and among
// secret.Columns when it is encrypted.
var sounding = map[string]string{
	"address_keys.sealed":             "sealed",
	"address_keys.fingerprint":        "hash: eight bytes of a keyed hash",
	"api_tokens.token_hash":           "hash: of 256 random bits",
	"audit_entries.hash":              "hash: of an entry and its predecessor's",
	"audit_entries.prev_hash":         "hash: of an entry and its predecessor's",
	"audit_keys.sealed":               "sealed",
	"audit_tree.hash":                 "hash: of entries' hashes",
	"consent_events.address_hash":     "hash: keyed by an address key",
	"link_keys.sealed":                "sealed",
	"media.token":                     "plain: the address of a file that WhatsApp is told",
	"operators.passkey_handle":        "plain: a random name that authenticators tell",
	"operators.password_hash":         "hash: Argon2id",
	"operators.totp_seed":             "sealed",
	"passkeys.credential":             "plain: a public key and its counter",
	"passkeys.credential_id":          "plain: a name that browsers are told before a sign-in",
	"password_links.token_hash":       "hash: of 256 random bits",
	"provider_credentials.auth_token": "sealed",
	"provider_credentials.api_secret": "sealed",

	"provider_credentials.previous_auth_token": "sealed",
	"recovery_codes.code_hash":                 "hash: of a random code",
	"sender_webhooks.webhooks_sealed":          "sealed",
	"sessions.token_hash":                      "hash: of 256 random bits",
	"spent_steps.hash":                         "hash: of a token that is spent",
	"suppressed_addresses.address_hash":        "hash: keyed by an address key",
	"suppressions.address_hash":                "hash: keyed by an address key",
	"webhook_events.dedupe_key":                "plain: SID and status",
	"webhook_events.signature_key":             "hash: of a signature that counts once",

	"webhook_signatures.signature_key": "hash: of a signature that counts once",
}

var soundsSecret = regexp.MustCompile(`secret|token|seed|sealed|password|passwd|credential|passkey|fingerprint|private|signature|hash$|code|(content|dedupe|api|access|auth|signing|encryption)_?key`)

func TestNoSecretColumnIsReadable(t *testing.T) {
	t.Parallel()
	e := start(t)
	var columns []string
	require.NoError(t, e.NewRaw(`SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name NOT LIKE 'river%' AND table_name NOT LIKE 'bun%'
			AND data_type IN ('text', 'bytea', 'jsonb', 'json', 'uuid', 'ARRAY', 'character varying')`).Scan(t.Context(), &columns))
	found := map[string]bool{}
	for _, c := range columns {
		_, name, _ := strings.Cut(c, ".")
		if !soundsSecret.MatchString(name) {
			continue
		}
		found[c] = true
		require.Contains(t, sounding, c, "say in this test how the secret is kept, and add it to secret.Columns if it is encrypted")
	}
	sealed := map[string]bool{}
	for _, c := range secret.Columns {
		sealed[c.String()] = true
		require.Equal(t, "sealed", sounding[c.String()])
		require.Equal(t, "1", e.text(`SELECT count(*)::text FROM pg_constraint WHERE conname = ? AND contype = 'c' AND convalidated`,
			c.Table+"_"+c.Name+"_sealed"), "the database refuses what is not encrypted in "+c.String())
	}
	for c, how := range sounding {
		require.True(t, found[c], "%s is gone: take it out of this test", c)
		require.Equal(t, how == "sealed", sealed[c], c)
	}
	_, err := e.NewRaw("INSERT INTO operators (email, name, role, password_hash, totp_seed) VALUES ('a@b.example', 'A', 'viewer', '', 'JBSWY3DPEHPK3PXP')").Exec(t.Context())
	require.ErrorContains(t, err, "operators_totp_seed_sealed")
	_, err = e.NewRaw("INSERT INTO address_keys (id, sealed, fingerprint, active_from) VALUES (1, 'plain', '', now())").Exec(t.Context())
	require.ErrorContains(t, err, "address_keys_sealed_sealed")
}

// seeds gives n operators a seed each, sealed by k.
func (e env) seeds(k *secret.Keys, n int) {
	for i := range n {
		id := int64(0)
		require.NoError(e, e.NewRaw(`INSERT INTO operators (email, name, role, password_hash) VALUES (?, 'A', 'viewer', '') RETURNING id`,
			fmt.Sprintf("a%d-%s@b.example", i, k.IDs()[0])).Scan(e.Context(), &id))
		sealed, err := k.Seal(secret.TOTPSeed.Purpose(id), []byte("the seed"))
		require.NoError(e, err)
		e.exec("UPDATE operators SET totp_seed = ? WHERE id = ?", sealed, id)
	}
}

func TestARotationGoesOnWhereItWasBrokenOff(t *testing.T) {
	t.Parallel()
	e := start(t)
	before := secret.New(first)
	require.NoError(t, keys.Ensure(t.Context(), e.DB, before))
	e.seeds(before, 450)
	e.seeds(secret.New(third), 1) // sealed by a key that is gone

	after := secret.New(second, first)
	broken, stop := context.WithCancel(t.Context())
	e.exec(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.0005); RETURN NEW; END $$`)
	e.exec(`CREATE TRIGGER slow BEFORE UPDATE ON operators FOR EACH ROW EXECUTE FUNCTION slow()`)
	go func() { // as soon as the first batch is there
		defer stop()
		for n := "0"; n == "0" && t.Context().Err() == nil; {
			n = e.text("SELECT count(*)::text FROM operators WHERE split_part(totp_seed, '.', 2) = ?", after.IDs()[0])
		}
	}()
	_, err := keys.Renew(broken, e.DB, after)
	require.Error(t, err)
	uses, err := keys.Uses(t.Context(), e.DB, after)
	require.NoError(t, err)
	require.Greater(t, len(uses), 3, "some lie under each key: %v", uses)

	_, err = keys.Renew(t.Context(), e.DB, after)
	require.ErrorContains(t, err, secret.ID(third), "what none of the keys reads is named")
	uses, err = keys.Uses(t.Context(), e.DB, after)
	require.NoError(t, err)
	require.ElementsMatch(t, []keys.Use{
		{Column: "operators.totp_seed", Key: secret.ID(second), Rows: 450, Known: true},
		{Column: "operators.totp_seed", Key: secret.ID(third), Rows: 1},
		{Column: "address_keys.sealed", Key: secret.ID(second), Rows: 1, Known: true},
	}, uses)
	var rows []struct {
		ID   int64
		Seed string
	}
	require.NoError(t, e.NewRaw("SELECT id, totp_seed AS seed FROM operators WHERE email LIKE ?", "%"+before.IDs()[0]+"%").Scan(t.Context(), &rows))
	require.Len(t, rows, 450)
	for _, row := range rows {
		plain, err := secret.New(second).Open(secret.TOTPSeed.Purpose(row.ID), row.Seed)
		require.NoError(t, err, "the earlier key may go")
		require.Equal(t, "the seed", string(plain))
	}
}

// shop is who erases and imports.
type shop struct {
	env
	consents *consent.Service
	erasures *erasure.Service
	imports  *importer.Service
}

// open starts as a process does: with the keys that lie in the database.
func (e env) open(k *secret.Keys) *shop {
	e.Helper()
	require.NoError(e, keys.Ensure(e.Context(), e.DB, k))
	log := slog.New(slog.DiscardHandler)
	hub := pubsub.New(e.Pool, log)
	s := &shop{env: e, consents: consent.NewService(e.DB, hub, keys.NewAddresses(k), time.Now)}
	topics := topic.NewService(e.DB, hub)
	client, err := worker.NewClient(e.DB, log, nil, "test")
	require.NoError(e, err)
	s.erasures = erasure.NewService(e.DB, s.consents, topics)
	s.imports = importer.NewService(importer.Dependencies{
		DB: e.DB, Hub: hub, Jobs: &jobs.Enqueuer{Client: client}, Consents: s.consents, Topics: topics, Log: log, Now: time.Now, Owner: "test",
		Words: importer.LogWords{Status: twilio.Status, Code: twilio.Code},
	})
	return s
}

func (s *shop) status(key string) string {
	s.Helper()
	return s.text("SELECT consent_status FROM contacts WHERE match_key = ?", key)
}

func (s *shop) take(file string) {
	s.Helper()
	ctx := actor.With(s.Context(), actor.System)
	imp, err := s.imports.Start(ctx, importer.Request{
		FileName: "f.csv", Mode: importer.ModeUpsert, Consent: importer.ConsentChoice{Source: "all", Text: "they agreed in the shop"},
	}, strings.NewReader(file))
	require.NoError(s, err)
	require.NoError(s, s.imports.Run(ctx, imp.ID))
	imp, err = s.imports.ByID(ctx, imp.ID)
	require.NoError(s, err)
	require.Equal(s, importer.StatusCompleted, imp.Status, imp.Failure)
}

func (s *shop) erase(key string) {
	s.Helper()
	ctx := actor.With(s.Context(), actor.System)
	var id int64
	require.NoError(s, s.NewRaw("SELECT id FROM contacts WHERE match_key = ?", key).Scan(ctx, &id))
	require.NoError(s, s.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		family, err := contact.LockFamily(ctx, tx, []int64{id})
		if err != nil {
			return err
		}
		return s.erasures.Erase(ctx, tx, family, 0)
	}))
}

func (s *shop) suppress(key string, reason consent.SuppressionReason) {
	s.Helper()
	require.NoError(s, s.Tx(actor.With(s.Context(), actor.System), func(ctx context.Context, tx bun.Tx) error {
		_, err := s.consents.Suppress(ctx, tx, []string{key}, reason, nil)
		return err
	}))
}

func (s *shop) why(key string) consent.Reasons {
	s.Helper()
	found, err := s.consents.Suppressed(s.Context(), s.DB, []string{key, "+4915112349999"})
	require.NoError(s, err)
	require.NotContains(s, found, "+4915112349999")
	return found[key]
}

const ada, bob = "+4915112340001", "+4915112340002"

func TestWhoWasErasedStaysSoAfterEveryRotation(t *testing.T) {
	t.Parallel()
	e := start(t)
	s := e.open(secret.New(first))
	s.take("phone\n" + ada + "\n")
	s.erase(ada)

	// Both kinds of keys are rotated, one after the other.
	added, err := keys.Rotate(t.Context(), e.DB, secret.New(first), false)
	require.NoError(t, err)
	require.EqualValues(t, 2, added.ID)
	require.False(t, added.InForce, "it begins to write when every process has read it")
	e.exec("UPDATE address_keys SET active_from = now() - interval '1 second' WHERE id = 2")
	_, err = keys.Renew(t.Context(), e.DB, secret.New(second, first))
	require.NoError(t, err)

	s = e.open(secret.New(second))
	require.Equal(t, consent.Reasons{consent.SuppressedErased}, s.why(ada))
	s.take("phone\n" + ada + "\n" + bob + "\n")
	require.Equal(t, "unknown", s.status(ada), "the list's consent counts for nothing, and campaigns skip the number")
	require.Equal(t, "opted_in", s.status(bob))
	require.Equal(t, consent.Reasons{consent.SuppressedErased}, s.why(ada))

	// Who is suppressed is not suppressed a second time under the new key; who is new, under that.
	s.erase(bob)
	s.suppress(ada, consent.SuppressedOperator)
	s.suppress(bob, consent.SuppressedOperator)
	for _, key := range []string{ada, bob} {
		require.Equal(t, consent.Reasons{consent.SuppressedErased, consent.SuppressedOperator}, s.why(key))
		s.suppress(key, consent.SuppressedErased)
		s.suppress(key, consent.SuppressedOperator)
	}
	require.Equal(t, "4", e.text("SELECT count(*)::text FROM suppressed_addresses"), "each reason once, by whatever key")
	require.Equal(t, "2", e.text("SELECT count(DISTINCT address_hash)::text FROM suppressed_addresses"), "all of an address by one key")
	// A process that has not read the new key yet is refused nothing that the old one hashed,
	// and reads the new one within the time before it writes.
	require.Greater(t, keys.Delay, 20*time.Second)

	require.Error(t, keys.Ensure(t.Context(), e.DB, secret.New(first)), "who has an old SECRET_KEY alone does not start")
	_, err = e.NewRaw("DELETE FROM address_keys WHERE id = 1").Exec(t.Context())
	require.Error(t, err, "no key is ever taken away")
}

// The previous version hashed with SECRET_KEY itself.
func TestAnInstallationGoesOnWithTheKeyThatItHad(t *testing.T) {
	t.Parallel()
	e := start(t)
	s := e.open(secret.New(first))
	s.take("phone\n" + ada + "\n" + bob + "\n")
	s.erase(ada)
	// As the previous version would have left it.
	before := keys.Fixed(first)
	ring, err := before.Ring(t.Context(), e.DB)
	require.NoError(t, err)
	e.exec("ALTER TABLE address_keys DISABLE TRIGGER USER; DELETE FROM address_keys; ALTER TABLE consent_events DISABLE TRIGGER USER")
	e.exec("UPDATE suppressed_addresses SET address_hash = ?", ring.Hash(ada))
	e.exec("UPDATE consent_events SET address_hash = ? WHERE contact_id = (SELECT id FROM contacts WHERE match_key = ?)", ring.Hash(bob), bob)

	require.ErrorContains(t, keys.Ensure(t.Context(), e.DB, secret.New(second)), "SECRET_KEY_PREVIOUS")
	s = e.open(secret.New(second, first))
	require.Equal(t, consent.Reasons{consent.SuppressedErased}, s.why(ada))
	s.take("phone\n" + ada + "\n")
	require.Equal(t, "unknown", s.status(ada))

	// Whoever lost that key may say so, and goes on without.
	e.exec("DELETE FROM address_keys")
	_, err = keys.Rotate(t.Context(), e.DB, secret.New(second), false)
	require.Error(t, err)
	_, err = keys.Rotate(t.Context(), e.DB, secret.New(second), true)
	require.NoError(t, err)
	require.Empty(t, e.open(secret.New(second)).why(ada))
}

func TestTheFirstKeyOfANewInstallationIsItsOwn(t *testing.T) {
	t.Parallel()
	e := start(t)
	k := secret.New(first)
	require.NoError(t, keys.Ensure(t.Context(), e.DB, k))
	require.NoError(t, keys.Ensure(t.Context(), e.DB, k))
	ring, err := keys.NewAddresses(k).Ring(t.Context(), e.DB)
	require.NoError(t, err)
	old, err := keys.Fixed(first).Ring(t.Context(), e.DB)
	require.NoError(t, err)
	require.NotEqual(t, old.Hash(ada), ring.Hash(ada), "SECRET_KEY tells no hash")
	require.Equal(t, [][]byte{ring.Hash(ada)}, ring.All(ada))
}

// A server that runs follows the file in which its key is kept.
func TestAServerFollowsItsKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	_, err := secret.EnsureFile(path, secret.Generate)
	require.NoError(t, err)
	k, err := secret.Follow(path)
	require.NoError(t, err)
	before := k.IDs()
	sealed, err := k.Seal("p", []byte("x"))
	require.NoError(t, err)
	earlier, err := secret.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, secret.WriteFile(path, append([]string{secret.Generate()}, earlier...)))
	require.Eventually(t, func() bool { return len(k.IDs()) == 2 }, time.Minute, 20*time.Millisecond)
	require.Equal(t, before[0], k.IDs()[1])
	plain, err := k.Open("p", sealed)
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))
}

// Who waits for a connection to read the keys keeps nobody waiting who has one: a webhook
// hashes addresses while a pool is used up.
func TestWhoWaitsToReadTheKeysKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	k := secret.New(first)
	require.NoError(t, keys.Ensure(t.Context(), d, k))
	addresses := keys.NewAddresses(k)
	slow := usedUp{d, make(chan struct{}), make(chan struct{})}
	read := make(chan error, 1)
	go func() {
		_, err := addresses.Ring(context.Background(), slow)
		read <- err
	}()
	<-slow.asked
	_, err := addresses.Ring(t.Context(), d)
	require.NoError(t, err)
	close(slow.free)
	require.NoError(t, <-read)
}

// usedUp gives its first connection when it is free again.
type usedUp struct {
	bun.IDB
	asked, free chan struct{}
}

func (u usedUp) NewRaw(query string, args ...any) *bun.RawQuery {
	close(u.asked)
	<-u.free
	return u.IDB.NewRaw(query, args...)
}
