-- Files of the library may lie in a bucket. What is in media_files is served from there; else it lies in the bucket.
-- in_bucket is true before an object is written and until it is surely gone, so that no crash leaves one behind.
ALTER TABLE media ADD COLUMN in_bucket boolean NOT NULL DEFAULT false;
CREATE INDEX media_in_bucket_idx ON media (id) WHERE in_bucket;
