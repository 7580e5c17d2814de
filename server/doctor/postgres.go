package doctor

import (
	"context"
	"strconv"
	"strings"
	"time"

	"eventstream/server/backup"
	"eventstream/server/db"
)

const noDatabase = "Look whether Postgres runs and DATABASE_URL is right."

func (d *Doctor) clockPostgres(ctx context.Context) Finding {
	began := d.o.Now()
	at, err := db.Now(ctx, d.o.DB)
	if err != nil {
		return fail(noDatabase, "Postgres does not tell the time.")
	}
	return clock("This machine’s clock is %s from Postgres’.", began.Add(d.o.Now().Sub(began)/2).Sub(at))
}

func (d *Doctor) postgresVersion(ctx context.Context) Finding {
	set, err := settings(ctx, d.o.DB)
	if err != nil {
		return fail(noDatabase, "Postgres does not answer.")
	}
	number, _ := strconv.Atoi(set["server_version_num"])
	if number/10_000 < db.OldestPostgres {
		return fail("Upgrade Postgres.", "Postgres %s is older than %d.", set["server_version"], db.OldestPostgres)
	}
	return ok("Postgres %s.", set["server_version"])
}

func (d *Doctor) migrations(ctx context.Context) Finding {
	if err := d.o.DB.CheckMigrated(ctx); err != nil {
		return fail("Run server migrate up, or start the newest version.", "The schema is not that of this version: %s", err)
	}
	return ok("The schema is that of this version.")
}

func (d *Doctor) durability(ctx context.Context) Finding {
	set, err := settings(ctx, d.o.DB)
	if err != nil {
		return fail(noDatabase, "Postgres does not answer.")
	}
	var off []string
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if set[name] == "off" {
			off = append(off, name)
		}
	}
	if len(off) > 0 {
		return fail("Turn them on: a power cut would undo what was sent, and people would get it twice.",
			"%s is off.", strings.Join(off, ", "))
	}
	return ok("What was committed outlives a power cut.")
}

// postgresLog looks whether values of statements get into Postgres' log.
func (d *Doctor) postgresLog(ctx context.Context) Finding {
	set, err := settings(ctx, d.o.DB)
	if err != nil {
		return fail(noDatabase, "Postgres does not answer.")
	}
	var told []string
	if set["log_statement"] != "none" {
		told = append(told, "log_statement="+set["log_statement"])
	}
	for _, name := range []string{"log_min_duration_statement", "log_min_duration_sample"} {
		if set[name] != "-1" {
			told = append(told, name+"="+set[name])
		}
	}
	silent := map[string]bool{"log": true, "fatal": true, "panic": true}
	if !silent[set["log_min_error_statement"]] && !silent[set["log_min_messages"]] {
		told = append(told, "log_min_error_statement="+set["log_min_error_statement"])
	}
	if set["log_parameter_max_length_on_error"] != "0" {
		told = append(told, "log_parameter_max_length_on_error="+set["log_parameter_max_length_on_error"])
	}
	if len(told) > 0 {
		return warn("Let a superuser set log_statement=none, log_min_duration_statement=-1, log_min_error_statement=panic, "+
			"log_parameter_max_length_on_error=0 for this database, or treat the log as personal data.",
			"Statements with names, numbers and hashes get into Postgres’ log: %s.", strings.Join(told, ", "))
	}
	return ok("No statements get into Postgres’ log.")
}

func (d *Doctor) connections(ctx context.Context) Finding {
	set, err := settings(ctx, d.o.DB)
	if err != nil {
		return fail(noDatabase, "Postgres does not answer.")
	}
	allowed, _ := strconv.Atoi(set["max_connections"])
	reserved, _ := strconv.Atoi(set["superuser_reserved_connections"])
	used, err := connectionsInUse(ctx, d.o.DB)
	if err != nil {
		return fail(noDatabase, "Postgres does not answer.")
	}
	allowed -= reserved
	switch need := d.o.Connections; {
	case allowed < need:
		return fail("Raise max_connections.", "Postgres allows %d connections, and one process may take %d.", allowed, need)
	case used > allowed*9/10:
		return warn("Raise max_connections, or run fewer processes.", "%d of %d connections are in use.", used, allowed)
	}
	return ok("%d of %d connections are in use.", used, allowed)
}

// How old the newest backup may be.
const (
	backupOld    = 26 * time.Hour // every day, with some hours to do it
	backupTooOld = 7 * 24 * time.Hour
)

func (d *Doctor) backup(ctx context.Context) Finding {
	last, err := backup.Last(ctx, d.o.DB)
	const help = "Make one every day, see docs/operations.md, and tell of those that other programs make."
	switch {
	case err != nil:
		return fail(noDatabase, "The list of backups cannot be read.")
	case last == nil:
		return warn(help, "No backup is known.")
	}
	age := d.o.Now().Sub(last.TakenAt)
	switch {
	case age > backupTooOld:
		return fail(help, "The newest backup is %s old.", age)
	case age > backupOld:
		return warn(help, "The newest backup is %s old.", age)
	}
	return ok("The newest backup is %s old.", age)
}
