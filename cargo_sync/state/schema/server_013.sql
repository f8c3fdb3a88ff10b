-- What is in a workspace: its files and links, and the bytes of its files. What hides behind `unfinished` still counts.
ALTER TABLE workspace ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspace ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE workspace SET (files, bytes) = (
    SELECT count(*), coalesce(sum(size), 0) FROM entry
    WHERE entry.workspace = workspace.id AND deleted = 0 AND kind <> 'd');

-- Who may keep how much, until when, and from where. NULL for no limit.
ALTER TABLE user ADD COLUMN quota_bytes INTEGER;
ALTER TABLE user ADD COLUMN quota_files INTEGER;
ALTER TABLE user ADD COLUMN expires REAL;     -- unix seconds
ALTER TABLE user ADD COLUMN networks TEXT;    -- JSON, such as ["10.0.0.0/8"]

-- For workspaces that were made by command, and for those in the file.
CREATE TABLE workspace_quota (
    workspace TEXT PRIMARY KEY,
    bytes     INTEGER,
    files     INTEGER
) WITHOUT ROWID;
