DROP INDEX webhook_events_error_idx;
