-- The guard: what was deleted and overwritten lately, at the destination (side: near or far), by the retention clock.
CREATE TABLE guard_touch (
    job  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    side TEXT    NOT NULL,
    path TEXT    NOT NULL,
    kind TEXT    NOT NULL,  -- deleted, overwritten, lost_type
    age  REAL    NOT NULL,  -- when it was touched last
    run  TEXT    NOT NULL,
    PRIMARY KEY (job, side, path)
) WITHOUT ROWID;

CREATE INDEX guard_touch_age ON guard_touch (job, side, age);

-- The count of what is not kept by its path any more, because it is too much, and the largest tree; for a part of the
-- window each, by its number.
CREATE TABLE guard_part (
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    side    TEXT    NOT NULL,
    part    INTEGER NOT NULL,
    touched INTEGER NOT NULL DEFAULT 0,
    tree    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, side, part)
) WITHOUT ROWID;

-- What is held, and what a person has decided about it.
CREATE TABLE hold (
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    side    TEXT    NOT NULL,
    id      TEXT    NOT NULL,  -- made of its steps: the same steps have the same id
    held    TEXT    NOT NULL,  -- JSON: its numbers and first paths
    ruling  TEXT,              -- NULL, approved, rejected
    PRIMARY KEY (job, side)
) WITHOUT ROWID;

CREATE TABLE held_step (
    job  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    side TEXT    NOT NULL,
    path TEXT    NOT NULL,
    step TEXT    NOT NULL,  -- what is done, with the versions on both sides
    PRIMARY KEY (job, side, path)
) WITHOUT ROWID;

-- Overwrites that a person has rejected: put off until their source changes.
CREATE TABLE rejected (
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    side    TEXT    NOT NULL,
    path    TEXT    NOT NULL,
    version INTEGER NOT NULL,  -- of the source's entry
    ident   INTEGER NOT NULL,
    PRIMARY KEY (job, side, path)
) WITHOUT ROWID;
