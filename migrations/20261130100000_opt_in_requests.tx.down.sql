ALTER TABLE contacts DROP COLUMN opt_in_request_at;
DROP TABLE opt_in_requests;
