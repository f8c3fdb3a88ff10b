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

CREATE TABLE limit_override (
    name    TEXT PRIMARY KEY,
    of_file INTEGER,  -- what the file said at the time: once it says something else, the override is over
    value   INTEGER
) WITHOUT ROWID;
