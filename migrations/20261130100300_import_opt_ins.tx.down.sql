ALTER TABLE imports DROP COLUMN opt_in_requests;
