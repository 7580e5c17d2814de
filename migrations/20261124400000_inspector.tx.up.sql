-- The inspector shows the webhook events that went wrong.
CREATE INDEX webhook_events_error_idx ON webhook_events (id DESC) WHERE error <> '';
