-- The state of a storage node. What it keeps is in its folder; this is what it must know about it.

-- The folder that belongs to a pairing. Another one at its place, such as an empty mount point, is refused.
CREATE TABLE folder (
    node   INTEGER PRIMARY KEY,  -- the id that the coordinator gave
    marker TEXT NOT NULL
);

CREATE TABLE checkpoint (
    transfer TEXT PRIMARY KEY,
    path     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    source   TEXT    NOT NULL,  -- JSON: ident, size, mtime_ns
    spans    BLOB    NOT NULL,
    touched  REAL    NOT NULL
) WITHOUT ROWID;

CREATE INDEX checkpoint_path ON checkpoint (path, version);

-- The retention clock, by which what is kept gets old.
CREATE TABLE clock (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    reading  REAL NOT NULL,
    wall     REAL NOT NULL,  -- the system's clocks at that moment
    boottime REAL NOT NULL,
    boot_id  TEXT NOT NULL,
    running  INTEGER NOT NULL DEFAULT 0
);

-- When names in the staging folder were first seen, by this clock.
CREATE TABLE age (
    place TEXT NOT NULL,
    name  TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (place, name)
) WITHOUT ROWID;
