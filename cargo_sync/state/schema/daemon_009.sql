-- The conflicts of two-way jobs: open ones, and for a while those that are resolved.
CREATE TABLE conflict (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    job    INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path   TEXT    NOT NULL,
    base   TEXT,              -- JSON: what both sides last agreed on; NULL if they never did
    near   TEXT    NOT NULL,  -- JSON: what each side had
    far    TEXT    NOT NULL,
    policy TEXT    NOT NULL,  -- of the job, when it was seen
    open   INTEGER NOT NULL,
    choice TEXT,              -- how it is resolved; NULL while nobody has decided
    person INTEGER NOT NULL,  -- 1 if a person made this choice
    copy   TEXT    NOT NULL,  -- path of the conflict copy, or ''
    run    TEXT    NOT NULL,
    time   REAL    NOT NULL,  -- unix seconds, when it was first seen
    ended  REAL               -- by the retention clock; NULL while it is open
);

CREATE UNIQUE INDEX conflict_open ON conflict (job, path) WHERE open = 1;
CREATE INDEX conflict_ended ON conflict (ended) WHERE ended IS NOT NULL;
