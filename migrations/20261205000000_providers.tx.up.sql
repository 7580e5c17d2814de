-- Under which provider things were made: the sandbox, which reaches nobody, or Twilio. The account was noted already.
ALTER TABLE provider_periods ADD COLUMN provider text NOT NULL DEFAULT 'twilio' CHECK (provider IN ('sandbox', 'twilio'));
UPDATE provider_periods SET provider = 'sandbox' WHERE account = 'AC5a4db0f5a4db0f5a4db0f5a4db0f5a4d';

-- The provider in use. STABLE: what is already there when a column with this default is added gets the present one.
CREATE FUNCTION provider_now() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT coalesce((SELECT provider FROM provider_periods ORDER BY began_at DESC LIMIT 1), 'sandbox') $$;

-- Keeps the provider as it is until the transaction ends, and tells which one it is. Each statement of a volatile function
-- sees what was committed before it: also who went live while the lock was waited for.
CREATE FUNCTION provider_hold() RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN
        PERFORM pg_advisory_xact_lock_shared(7239013);
        RETURN provider_now();
    END $$;

-- The provider that was in use at a time.
CREATE FUNCTION provider_at(at timestamptz) RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT coalesce((SELECT provider FROM provider_periods WHERE began_at <= $1 ORDER BY began_at DESC LIMIT 1),
        'sandbox') $$;

-- An older version may have never noted who was in use: then the first start of this one marks what is there (see
-- package provider).
ALTER TABLE senders ADD COLUMN provider text NOT NULL DEFAULT provider_now() CHECK (provider IN ('sandbox', 'twilio'));
ALTER TABLE campaigns ADD COLUMN provider text NOT NULL DEFAULT provider_now() CHECK (provider IN ('sandbox', 'twilio'));
ALTER TABLE template_versions ADD COLUMN provider text NOT NULL DEFAULT provider_now() CHECK (provider IN ('sandbox', 'twilio'));

-- A database that has seen both: each thing is of the provider under which it was made, launched or submitted, and a
-- sender through which Twilio sent is Twilio's, whenever it was made.
UPDATE campaigns SET provider = provider_at(coalesce(started_at, created_at))
    WHERE provider <> provider_at(coalesce(started_at, created_at));
UPDATE template_versions SET provider = provider_at(coalesce(submitted_at, created_at))
    WHERE provider <> provider_at(coalesce(submitted_at, created_at));
UPDATE senders s SET provider = CASE WHEN EXISTS (SELECT 1 FROM messages m
            WHERE m.sender_id = s.id AND m.direction = 'outbound' AND provider_at(m.accepted_at) = 'twilio'
            AND m.accepted_at >= (SELECT min(began_at) FROM provider_periods WHERE provider = 'twilio'))
        THEN 'twilio' ELSE provider_at(s.created_at) END
    WHERE (SELECT count(DISTINCT provider) FROM provider_periods) = 2;
UPDATE senders SET status = 'paused', paused_reason = 'It belongs to the sandbox.', address = 'sandbox:' || address
    WHERE provider = 'sandbox' AND provider_now() = 'twilio';

-- Twilio's credentials as an admin entered them, encrypted by SECRET_KEY (see server/secret).
CREATE TABLE provider_credentials (
    id          int         PRIMARY KEY CHECK (id = 1),
    account_sid text        NOT NULL,
    auth_token  text        NOT NULL,
    api_sid     text        NOT NULL DEFAULT '', -- SK…, which names an API key
    api_secret  text        NOT NULL DEFAULT '',
    operator_id bigint,
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT provider_credentials_auth_token_sealed CHECK (auth_token ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$'),
    CONSTRAINT provider_credentials_api_secret_sealed CHECK (api_secret = '' OR api_secret ~ '^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$')
);

-- What the webhooks of a WhatsApp sender at Twilio were before somebody set them here, so that they can be put back.
CREATE TABLE sender_webhooks (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender_sid  text        NOT NULL, -- XE…, Twilio's
    address     text        NOT NULL,
    before      jsonb       NOT NULL,
    after       jsonb       NOT NULL,
    operator_id bigint,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sender_webhooks_sender_idx ON sender_webhooks (sender_sid, id);
