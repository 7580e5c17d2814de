DO $$ BEGIN
    IF EXISTS (SELECT FROM media m WHERE m.in_bucket AND m.deleted_at IS NULL AND NOT EXISTS (SELECT FROM media_files f WHERE f.media_id = m.id)) THEN
        RAISE EXCEPTION 'files of the library lie in the bucket: set MEDIA_STORE=postgres and run server media move first';
    END IF;
END $$;
ALTER TABLE media DROP COLUMN in_bucket;
