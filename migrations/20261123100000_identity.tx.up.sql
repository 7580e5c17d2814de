-- Who may sign in, and with what.
CREATE TABLE operators (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email           text        NOT NULL CHECK (email = lower(email)),
    name            text        NOT NULL,
    role            text        NOT NULL CHECK (role IN ('viewer', 'marketer', 'admin')),
    password_hash   text        NOT NULL, -- Argon2id, PHC string
    active          boolean     NOT NULL DEFAULT true,
    last_sign_in_at timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (email)
);

CREATE TABLE sessions (
    token_hash  bytea       PRIMARY KEY, -- SHA-256 of the cookie's value
    operator_id bigint      NOT NULL REFERENCES operators ON DELETE CASCADE,
    user_agent  text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sessions_operator_idx ON sessions (operator_id);

-- Failed sign-ins per key ("email:…", "ip:…"); see auth.throttle.
CREATE TABLE sign_in_failures (
    key           text        PRIMARY KEY,
    failures      int         NOT NULL,
    blocked_until timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_tokens (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('viewer', 'marketer', 'admin')),
    prefix       text        NOT NULL, -- first characters, so that people recognise it
    token_hash   bytea       NOT NULL UNIQUE,
    operator_id  bigint      NOT NULL REFERENCES operators,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- One lease per piece of work that only one process may do at a time. Times
-- are Postgres' own, so that workers with wrong clocks agree.
CREATE TABLE leases (
    name       text        PRIMARY KEY,
    owner      text        NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE settings (
    key   text  PRIMARY KEY,
    value jsonb NOT NULL
);
