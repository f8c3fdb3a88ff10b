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
