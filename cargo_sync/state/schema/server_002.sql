-- Who changed what. A row is written before the command is executed, its outcome afterwards.

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    time    REAL NOT NULL,
    who     TEXT NOT NULL,
    command TEXT NOT NULL,
    args    TEXT NOT NULL,             -- JSON, without secrets
    outcome TEXT NOT NULL DEFAULT ''   -- ok or an error's code; '' when the process ended before the command did
);

-- Users and workspaces that were made by command, beside those in the server's file, and limits in place of
-- the file's. Speeds and bandwidths are in bits per second; NULL for no limit.

CREATE TABLE user (
    name               TEXT PRIMARY KEY,
    path               TEXT,     -- NULL for a user of the file, which has it
    upload_speed       INTEGER,
    download_speed     INTEGER,
    upload_bandwidth   INTEGER,
    download_bandwidth INTEGER,
    enabled            INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

-- The table `workspace` belongs to the catalogue: a folder that is or was served. This is a name for one.
CREATE TABLE named_workspace (
    name TEXT PRIMARY KEY,
    path TEXT NOT NULL
) WITHOUT ROWID;

-- For workspaces that were made by command, and for those in the file.
CREATE TABLE workspace_grant (
    workspace TEXT NOT NULL,
    user      TEXT NOT NULL,
    access    TEXT NOT NULL CHECK (access IN ('rw', 'ro')),
    PRIMARY KEY (workspace, user)
) WITHOUT ROWID;

-- The same table as a daemon's. They are valid until the file's value changes.
CREATE TABLE ordered_limit (
    name TEXT    NOT NULL,  -- "upload" or "download"
    job  INTEGER,           -- NULL: of the server itself, which has no jobs
    bits INTEGER,
    file TEXT    NOT NULL   -- JSON: the file's value at that time
);

CREATE UNIQUE INDEX ordered_limit_of ON ordered_limit (name, ifnull(job, 0));

-- The catalogue's sequence at some times: it shows the minimum age of a tombstone.
CREATE TABLE mark (
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    sequence  INTEGER NOT NULL,
    time      REAL    NOT NULL,
    PRIMARY KEY (workspace, sequence)
) WITHOUT ROWID;

-- Deletions up to this version may be forgotten: a client with an earlier version must read everything again.
ALTER TABLE workspace ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;

CREATE INDEX entry_gone ON entry (workspace, version) WHERE deleted = 1;

-- No release wrote to it: the audit and the clients' jobs record what a server does.
DROP TABLE event;

-- No query uses these.
DROP INDEX entry_unhashed;
DROP INDEX checkpoint_path;
