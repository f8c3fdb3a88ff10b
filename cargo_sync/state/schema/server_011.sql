-- A grant may be for one folder of the workspace, and may be for adding files only.
CREATE TABLE granted (
    workspace TEXT NOT NULL,
    user      TEXT NOT NULL,
    access    TEXT NOT NULL CHECK (access IN ('rw', 'ro', 'wo')),
    path      TEXT NOT NULL DEFAULT '',  -- of the folder, relative to the workspace
    PRIMARY KEY (workspace, user)
) WITHOUT ROWID;

INSERT INTO granted SELECT workspace, user, access, '' FROM workspace_grant;
DROP TABLE workspace_grant;
ALTER TABLE granted RENAME TO workspace_grant;
