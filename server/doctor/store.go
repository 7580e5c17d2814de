package doctor

import (
	"context"

	"eventstream/server/db"
)

// settings are those of Postgres that the checks look at.
func settings(ctx context.Context, d *db.DB) (map[string]string, error) {
	var rows []struct{ Name, Setting string }
	err := d.NewRaw(`SELECT name, setting FROM pg_settings WHERE name IN (
		'server_version', 'server_version_num', 'fsync', 'synchronous_commit', 'full_page_writes', 'log_statement',
		'log_min_duration_statement', 'log_min_duration_sample', 'log_min_error_statement', 'log_min_messages',
		'log_parameter_max_length_on_error', 'max_connections', 'superuser_reserved_connections')`).Scan(ctx, &rows)
	if err != nil {
		return nil, db.Err(err)
	}
	set := map[string]string{}
	for _, r := range rows {
		set[r.Name] = r.Setting
	}
	return set, nil
}

func connectionsInUse(ctx context.Context, d *db.DB) (n int, err error) {
	err = d.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").Scan(ctx, &n)
	return n, db.Err(err)
}
