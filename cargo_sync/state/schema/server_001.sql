-- The state of a server: its catalogue, its users' password hashes, and what it shares with a daemon.
-- Paths that are sorted or ranged over are keys (model.paths.key): components separated by NUL.

CREATE TABLE account (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL  -- argon2, with its salt and parameters
) WITHOUT ROWID;

CREATE TABLE workspace (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    root     TEXT    NOT NULL UNIQUE,
    marker   TEXT    NOT NULL DEFAULT '',
    epoch    TEXT    NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0
);

-- Each start of a server, which numbers the changes from then on. After a restored backup, lost numbers are
-- used again, but never with the same token.
CREATE TABLE lineage (
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    first     INTEGER NOT NULL,  -- the sequence of its first change
    token     TEXT    NOT NULL,
    PRIMARY KEY (workspace, first)
) WITHOUT ROWID;

-- One row per path that is or was there. A deletion keeps its row (deleted = 1) with its own version.
CREATE TABLE entry (
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    path      BLOB    NOT NULL,
    parent    BLOB    NOT NULL,
    version   INTEGER NOT NULL,  -- the workspace's sequence when this row last changed
    id        INTEGER NOT NULL,  -- the sequence at which the entry first appeared; moves keep it
    kind      TEXT    NOT NULL,
    size      INTEGER NOT NULL CHECK (typeof(size) = 'integer'),
    mtime_ns  INTEGER NOT NULL CHECK (typeof(mtime_ns) = 'integer'),
    mode      INTEGER NOT NULL CHECK (typeof(mode) = 'integer'),
    ctime_ns  INTEGER NOT NULL CHECK (typeof(ctime_ns) = 'integer'),
    inode     INTEGER NOT NULL,  -- two's complement: inodes are unsigned, SQLite's integers are signed
    hash      TEXT    NOT NULL,
    target    TEXT    NOT NULL,
    deleted   INTEGER NOT NULL,
    PRIMARY KEY (workspace, path)
) WITHOUT ROWID;

CREATE UNIQUE INDEX entry_version ON entry (workspace, version);
CREATE INDEX entry_parent ON entry (workspace, parent) WHERE deleted = 0;
CREATE INDEX entry_unhashed ON entry (workspace, path) WHERE deleted = 0 AND kind = 'f' AND hash = '';

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
