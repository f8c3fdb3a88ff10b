-- The state of a daemon. What is stored is only what was observed or agreed, never pending work.
-- Paths that are sorted or ranged over are keys (model.paths.key): components separated by NUL.

CREATE TABLE job (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    paused     INTEGER NOT NULL DEFAULT 0,
    binding    TEXT,                        -- JSON: what the base is bound to; NULL before the first contact
    far_cursor INTEGER NOT NULL DEFAULT 0,  -- the server's sequence up to which the far side is mirrored
    far_lineage TEXT   NOT NULL DEFAULT '', -- of that sequence; another one means that an old backup was restored
    rules      TEXT    NOT NULL DEFAULT '', -- digest of the rules that settled folders were planned with
    last_run   TEXT                         -- JSON
);

-- One row per folder, with its three listings. The small columns come before the listings, which fill
-- overflow pages.
CREATE TABLE folder (
    job      INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path     BLOB    NOT NULL,
    settled  INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 1,  -- of the row: grows with every change to a listing
    files    INTEGER NOT NULL DEFAULT 0,  -- in base
    bytes    INTEGER NOT NULL DEFAULT 0,
    near     BLOB,
    far      BLOB,
    base     BLOB,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;

CREATE INDEX folder_unsettled ON folder (job, path) WHERE settled = 0;
CREATE INDEX folder_counts ON folder (job, files, bytes) WHERE files > 0;

CREATE TABLE transfer (
    job    INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path   TEXT    NOT NULL,
    source TEXT    NOT NULL,  -- the source's version and ident
    id     TEXT    NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;

CREATE TABLE planned_run (
    run    TEXT PRIMARY KEY,
    job    TEXT NOT NULL,
    time   REAL NOT NULL,
    totals TEXT               -- JSON; NULL while the plan is being made
) WITHOUT ROWID;

CREATE TABLE planned_action (
    run    TEXT    NOT NULL REFERENCES planned_run (run) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    action TEXT    NOT NULL,  -- JSON
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

CREATE TABLE checkpoint (
    transfer TEXT PRIMARY KEY,
    path     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    source   TEXT    NOT NULL,  -- JSON: ident, size, mtime_ns
    spans    BLOB    NOT NULL,
    touched  REAL    NOT NULL
) WITHOUT ROWID;

CREATE INDEX checkpoint_path ON checkpoint (path, version);

-- AUTOINCREMENT: a cursor is never used twice, even when the newest rows were pruned.
CREATE TABLE event (
    cursor   INTEGER PRIMARY KEY AUTOINCREMENT,
    job      TEXT    NOT NULL,
    happened TEXT    NOT NULL,
    time     REAL    NOT NULL,
    path     TEXT    NOT NULL,
    size     INTEGER NOT NULL,
    details  TEXT    NOT NULL  -- JSON
);

CREATE INDEX event_job ON event (job, cursor);

CREATE TABLE reply (
    id    TEXT PRIMARY KEY,
    reply BLOB NOT NULL,
    time  REAL NOT NULL
) WITHOUT ROWID;
