-- The ledger of displaced versions: what was replaced or deleted in jobs' folders, and where it is now.
-- AUTOINCREMENT: an id is never used again, because people and programs name versions by it.
CREATE TABLE displaced (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    user     TEXT    NOT NULL,  -- who displaced it on a server
    run      TEXT    NOT NULL,  -- the name of its folder in the trash
    path     TEXT    NOT NULL,  -- where it was, relative to the root
    place    TEXT    NOT NULL,  -- its path in the trash
    kind     TEXT    NOT NULL,
    size     INTEGER NOT NULL,  -- -1: a folder of which it is not known yet
    hash     TEXT    NOT NULL,
    mtime_ns INTEGER NOT NULL,
    cause    TEXT    NOT NULL,
    time     REAL    NOT NULL,  -- unix seconds, to show
    lived    REAL    NOT NULL,  -- the same moment, by the retention clock
    state    TEXT    NOT NULL DEFAULT 'kept',
    moved_to TEXT    NOT NULL DEFAULT '',
    ended    REAL,              -- unix seconds
    gone     REAL               -- the same moment, by the retention clock
);

CREATE UNIQUE INDEX displaced_place ON displaced (owner, place) WHERE state = 'kept';
CREATE INDEX displaced_oldest ON displaced (owner, lived, id) WHERE state = 'kept';
CREATE INDEX displaced_run ON displaced (owner, run, id);
CREATE INDEX displaced_unmeasured ON displaced (owner, id) WHERE state = 'kept' AND size < 0;
CREATE INDEX displaced_gone ON displaced (gone) WHERE gone IS NOT NULL;

-- Jobs whose trash may hold what has no row: after an unclean stop, or from before this version.
CREATE TABLE trash_incomplete (
    owner INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE
);

INSERT INTO trash_incomplete SELECT id FROM job;
