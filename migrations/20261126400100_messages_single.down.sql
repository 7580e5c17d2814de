DROP INDEX IF EXISTS messages_single_idx;
