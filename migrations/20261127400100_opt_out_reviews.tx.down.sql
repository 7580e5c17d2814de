ALTER TABLE contacts DROP COLUMN opt_out_review_at;
DROP TABLE opt_out_reviews;
