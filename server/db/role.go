package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/uptrace/bun"
)

// appendOnly are tables whose rows the engine's own role may not change, and what it
// may do with them.
var appendOnly = map[string]string{
	"audit_entries":       "SELECT, INSERT", // sealed by audit_seal(), which belongs to the owner
	"audit_checkpoints":   "SELECT, INSERT",
	"audit_tree":          "SELECT, INSERT",
	"audit_keys":          "SELECT, INSERT, UPDATE (sealed)", // encrypted anew after a rotation of SECRET_KEY
	"consent_events":      "SELECT, INSERT",
	"consent_texts":       "SELECT, INSERT",
	"bun_migrations":      "SELECT",
	"bun_migration_locks": "SELECT",
	"river_migration":     "SELECT",
}

// RoleOf names the role of a Postgres URL.
func RoleOf(databaseURL string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.User == nil || u.User.Username() == "" {
		return "", errors.New("DATABASE_URL names no role: beside MIGRATE_DATABASE_URL it must, such as postgres://engine_app:…@host/database")
	}
	return u.User.Username(), nil
}

// Grant gives a role what the engine needs, and nothing that would let it change the
// audit trail, the consent ledger or the schema. In one transaction, so that engines
// that run lose nothing for a moment. The owner of the tables calls it, after migrating.
func (d *DB) Grant(ctx context.Context, role string) error {
	return d.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("SELECT pg_advisory_xact_lock(?)", migrationLock+100).Exec(ctx); err != nil {
			return Err(err)
		}
		var owner, schema string
		var super bool
		if err := tx.NewRaw(`SELECT current_user, current_schema(), coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = ?), false)`,
			role).Scan(ctx, &owner, &schema, &super); err != nil {
			return Err(err)
		}
		if owner == role || super {
			return fmt.Errorf("the role %s of DATABASE_URL may do everything: give the engine a role that owns no tables and is no superuser, "+
				"or unset MIGRATE_DATABASE_URL", role)
		}
		r, s := bun.Ident(role), bun.Ident(schema)
		statements := []struct {
			sql  string
			args []any
		}{
			{"GRANT USAGE ON SCHEMA ? TO ?", []any{s, r}},
			{"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ? TO ?", []any{s, r}},
			{"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ? TO ?", []any{s, r}},
			{"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ? TO ?", []any{s, r}},
		}
		for table, may := range appendOnly {
			t := bun.Ident(table)
			statements = append(statements, struct {
				sql  string
				args []any
			}{"REVOKE ALL ON ? FROM ?", []any{t, r}}, struct {
				sql  string
				args []any
			}{"GRANT " + may + " ON ? TO ?", []any{t, r}})
		}
		for _, st := range statements {
			if _, err := tx.NewRaw(st.sql, st.args...).Exec(ctx); err != nil {
				return fmt.Errorf("rights of the role %s: %w", role, Err(err))
			}
		}
		return nil
	})
}

// Owns reports whether this role may migrate: it owns the tables, or there are none yet.
func (d *DB) Owns(ctx context.Context) (owns bool, err error) {
	err = d.NewRaw(`SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class
		WHERE oid = to_regclass(current_schema() || '.bun_migrations')`).Scan(ctx, &owns)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return owns, Err(err)
}
