-- From which networks an operator signed in, so that a sign-in from another one is
-- told to them: an IPv4 /24 or an IPv6 /48.
CREATE TABLE sign_in_places (
    operator_id bigint      NOT NULL REFERENCES operators ON DELETE CASCADE,
    network     text        NOT NULL,
    last_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (operator_id, network)
);
