-- Who changed what. A row is written before a command is carried out, and its outcome after.

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    time    REAL NOT NULL,
    who     TEXT NOT NULL,
    command TEXT NOT NULL,
    args    TEXT NOT NULL,             -- JSON, without secrets
    outcome TEXT NOT NULL DEFAULT ''   -- ok or an error's code; '' when the process ended in between
);

-- What was made by command: users and workspaces beside those of the server's file, and limits in its stead.
-- Rates are bits a second; NULL is no limit.

CREATE TABLE user (
    name               TEXT PRIMARY KEY,
    path               TEXT,     -- NULL for a user of the file: the file says it
    upload_speed       INTEGER,
    download_speed     INTEGER,
    upload_bandwidth   INTEGER,
    download_bandwidth INTEGER,
    enabled            INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;

-- `workspace` is the catalogue's: a folder that is or was served. This is a name for one.
CREATE TABLE named_workspace (
    name TEXT PRIMARY KEY,
    path TEXT NOT NULL
) WITHOUT ROWID;

-- Of a workspace that was made by command, or of the file.
CREATE TABLE workspace_grant (
    workspace TEXT NOT NULL,
    user      TEXT NOT NULL,
    access    TEXT NOT NULL CHECK (access IN ('rw', 'ro')),
    PRIMARY KEY (workspace, user)
) WITHOUT ROWID;

-- As a daemon has it. They hold until the file says something else.
CREATE TABLE ordered_limit (
    name TEXT    NOT NULL,  -- "upload" or "download"
    job  INTEGER,           -- NULL: of the server itself, which has no jobs
    bits INTEGER,
    file TEXT    NOT NULL   -- JSON: what the file said when it was ordered
);

CREATE UNIQUE INDEX ordered_limit_of ON ordered_limit (name, ifnull(job, 0));

-- Where the catalogue stood at which time: how old a tombstone is at least.
CREATE TABLE mark (
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    sequence  INTEGER NOT NULL,
    time      REAL    NOT NULL,
    PRIMARY KEY (workspace, sequence)
) WITHOUT ROWID;

-- Deletions up to this version may be forgotten: who is further behind is told to look at everything.
ALTER TABLE workspace ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;

CREATE INDEX entry_gone ON entry (workspace, version) WHERE deleted = 1;

-- Nothing ever wrote it: what a server does is told by the audit, and by the jobs of its clients.
DROP TABLE event;

-- Nobody asks for these.
DROP INDEX entry_unhashed;
DROP INDEX checkpoint_path;
