-- How often people have changed what is set of a thing, and who did last: package audit counts, with the entry that it
-- writes, so that whoever changes an older state is told. What was never changed has no row, and stands at 1.
CREATE TABLE revisions (
    entity     text        NOT NULL, -- as audit_entries.entity
    entity_id  bigint      NOT NULL,
    revision   bigint      NOT NULL,
    actor_kind text        NOT NULL, -- who changed it last
    actor_id   bigint,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (entity, entity_id)
);
