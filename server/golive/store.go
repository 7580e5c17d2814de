package golive

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"eventstream/server/db"
	"eventstream/server/secret"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// credentialsID is the id of the one row there is.
const credentialsID = 1

// credentials are as they lie in the database, the secrets encrypted.
type credentials struct {
	bun.BaseModel `bun:"table:provider_credentials,alias:pc"`

	ID         int64     `bun:",pk"`
	AccountSID string    `bun:"account_sid"`
	AuthToken  string    //
	APISID     string    `bun:"api_sid"`
	APISecret  string    `bun:"api_secret"`
	OperatorID *int64    //
	UpdatedAt  time.Time `bun:",nullzero"`

	PreviousAuthToken string
	PreviousUntil     *time.Time
}

// previous is until when the token before signs; nil: it does not.
func (c *credentials) previous() *time.Time {
	if c.PreviousUntil == nil || !c.PreviousUntil.After(time.Now()) {
		return nil
	}
	return c.PreviousUntil
}

func readCredentials(ctx context.Context, idb bun.IDB) (*credentials, error) {
	row := new(credentials)
	err := idb.NewSelect().Model(row).Where("pc.id = ?", credentialsID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // nobody entered any
	}
	return row, db.Err(err)
}

func saveCredentials(ctx context.Context, tx bun.Tx, row *credentials) error {
	_, err := tx.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE").Set("account_sid = excluded.account_sid").
		Set("auth_token = excluded.auth_token").Set("api_sid = excluded.api_sid").Set("api_secret = excluded.api_secret").
		Set("operator_id = excluded.operator_id").Set("previous_auth_token = excluded.previous_auth_token").
		Set("previous_until = excluded.previous_until").Set("updated_at = clock_timestamp()").Exec(ctx)
	return db.Err(err)
}

// forgetPrevious deletes a token that signs no more.
func forgetPrevious(ctx context.Context, idb bun.IDB) error {
	_, err := idb.NewRaw("UPDATE provider_credentials SET previous_auth_token = '', previous_until = NULL WHERE previous_until < now()").Exec(ctx)
	return db.Err(err)
}

func deleteCredentials(ctx context.Context, tx bun.Tx) (gone bool, err error) {
	res, err := tx.NewRaw("DELETE FROM provider_credentials").Exec(ctx)
	if err != nil {
		return false, db.Err(err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Mark changes whenever another provider is to be spoken with, or with other credentials
// that were entered.
func Mark(ctx context.Context, idb bun.IDB) (mark string, err error) {
	err = idb.NewRaw(`SELECT provider_now() || coalesce((SELECT ' ' || updated_at FROM provider_credentials
		WHERE provider_now() = 'twilio'), '')`).Scan(ctx, &mark)
	return mark, db.Err(err)
}

// Settings of this package.
const (
	endedSetting = "went_live" // what going live ended
	testSetting  = "live_test" // the message to one's own number
)

// ChangeState is what Twilio made of a change.
type ChangeState string

// States of a change.
const (
	ChangeAsked  ChangeState = "asked" // Twilio may or may not have made it
	ChangeDone   ChangeState = "done"
	ChangeFailed ChangeState = "failed" // Twilio refused it
)

// Change is that the webhooks of a sender were set here.
type Change struct {
	bun.BaseModel `bun:"table:sender_webhooks,alias:sw"`

	ID         int64       `bun:",pk,autoincrement"`
	SenderSID  string      `bun:"sender_sid"`
	Address    string      //
	Sealed     string      `bun:"webhooks_sealed"` // Before and After, encrypted
	Before     Webhook     `bun:"-"`
	After      Webhook     `bun:"-"`
	State      ChangeState //
	FromHere   bool        // what people write came here before already: there is nothing to put back
	OperatorID *int64      //
	CreatedAt  time.Time   `bun:",nullzero"`
}

// webhooks are what of a change is encrypted.
type webhooks struct{ Before, After json.RawMessage }

// open decrypts what was there before, and since.
func (c *Change) open(k *secret.Keys) error {
	raw, err := k.Open(secret.SenderWebhook.Purpose(c.ID), c.Sealed)
	if err != nil {
		return unreadable(err, fmt.Sprintf("the webhook of %s before it was changed", c.Address), c.Sealed)
	}
	var both webhooks
	if err := json.Unmarshal(raw, &both); err != nil {
		return err
	}
	return errors.Join(json.Unmarshal(both.Before, &c.Before), json.Unmarshal(both.After, &c.After))
}

// insertChange writes a change. The webhooks are encrypted for its row alone, so that its id
// comes first.
func insertChange(ctx context.Context, tx bun.Tx, k *secret.Keys, c *Change) error {
	if _, err := tx.NewInsert().Model(c).Exec(ctx); err != nil {
		return db.Err(err)
	}
	return seal(ctx, tx, k, c.ID, webhooks{json.RawMessage(c.Before.text()), json.RawMessage(c.After.text())})
}

func seal(ctx context.Context, tx bun.Tx, k *secret.Keys, id int64, both webhooks) error {
	raw, err := json.Marshal(both)
	if err != nil {
		return err
	}
	sealed, err := k.Seal(secret.SenderWebhook.Purpose(id), raw)
	if err != nil {
		return err
	}
	_, err = tx.NewRaw("UPDATE sender_webhooks SET webhooks_sealed = ?, before = NULL, after = NULL WHERE id = ?", sealed, id).Exec(ctx)
	return db.Err(err)
}

// SealWebhooks encrypts what an older version kept of webhooks. It runs as a server starts.
func SealWebhooks(ctx context.Context, tx bun.Tx, k *secret.Keys) error {
	var rows []struct {
		ID            int64
		Before, After json.RawMessage
	}
	err := tx.NewRaw("SELECT id, before, coalesce(after, '{}') AS after FROM sender_webhooks WHERE before IS NOT NULL ORDER BY id FOR UPDATE").Scan(ctx, &rows)
	if err != nil {
		return db.Err(err)
	}
	for _, r := range rows {
		if err := seal(ctx, tx, k, r.ID, webhooks{r.Before, r.After}); err != nil {
			return err
		}
	}
	return nil
}

func changeByID(ctx context.Context, idb bun.IDB, k *secret.Keys, id int64) (*Change, error) {
	c := new(Change)
	err := idb.NewSelect().Model(c).Where("sw.id = ? AND sw.webhooks_sealed <> ''", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // the caller says of what
	}
	if err != nil {
		return nil, db.Err(err)
	}
	return c, c.open(k)
}

func settleChange(ctx context.Context, idb bun.IDB, id int64, state ChangeState) error {
	_, err := idb.NewRaw("UPDATE sender_webhooks SET state = ? WHERE id = ?", state, id).Exec(ctx)
	return db.Err(err)
}

// lastChanges gives of each sender the newest change that can be put back. One of which
// nobody knows whether Twilio made it counts: what was there before must not be lost. One that no key reads any more
// cannot be put back.
func lastChanges(ctx context.Context, idb bun.IDB, k *secret.Keys, sids []string) (map[string]*Change, error) {
	var rows []*Change
	err := idb.NewSelect().Model(&rows).DistinctOn("sw.sender_sid").Where("sw.sender_sid = ANY (?)", pgdialect.Array(sids)).
		Where("sw.state <> ? AND NOT sw.from_here AND sw.webhooks_sealed <> ''", ChangeFailed).Order("sw.sender_sid", "sw.id DESC").Scan(ctx)
	if err != nil {
		return nil, db.Err(err)
	}
	found := make(map[string]*Change, len(rows))
	for _, c := range rows {
		err := c.open(k)
		if errors.Is(err, secret.ErrUnreadable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[c.SenderSID] = c
	}
	return found, nil
}

// sendersHere gives the senders that there are here, by their addresses.
func sendersHere(ctx context.Context, idb bun.IDB) (map[string]int64, error) {
	var rows []struct {
		ID      int64
		Address string
	}
	err := idb.NewRaw("SELECT id, address FROM senders WHERE provider = 'twilio'").Scan(ctx, &rows)
	found := make(map[string]int64, len(rows))
	for _, r := range rows {
		found[r.Address] = r.ID
	}
	return found, db.Err(err)
}

// answerAfter gives when a contact first wrote after a message; nil: not yet.
func answerAfter(ctx context.Context, idb bun.IDB, contactID, messageID int64) (at *time.Time, err error) {
	err = idb.NewRaw(`SELECT min(created_at) FROM messages
		WHERE contact_id = ? AND direction = 'inbound' AND id > ?`, contactID, messageID).Scan(ctx, &at)
	return at, db.Err(err)
}
