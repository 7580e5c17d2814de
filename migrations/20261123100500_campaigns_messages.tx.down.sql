DROP FUNCTION rate_reserve;
DROP TABLE rate_limits, delivery_events, messages CASCADE;
DROP FUNCTION IF EXISTS messages_count_insert, messages_count_update;
DROP FUNCTION IF EXISTS message_counts_add;
DROP TABLE message_series, message_counts, conversations, campaigns;
