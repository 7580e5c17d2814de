-- How many who agreed by a file were asked to confirm it, or would be.
ALTER TABLE imports ADD COLUMN opt_in_requests bigint NOT NULL DEFAULT 0;
