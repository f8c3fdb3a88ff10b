-- Files that come in pieces over HTTP and are not published yet. What has arrived of one is the checkpoint of its id.
CREATE TABLE upload (
    id        TEXT    PRIMARY KEY,
    user      TEXT    NOT NULL,
    space     INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    workspace TEXT    NOT NULL,  -- the name that its user has for it
    path      TEXT    NOT NULL,
    size      INTEGER NOT NULL,
    mtime_ns  INTEGER NOT NULL,
    expected  INTEGER NOT NULL,  -- the version that is replaced; 0 for none
    used      REAL    NOT NULL   -- by the retention clock; an hour late at most
) WITHOUT ROWID;

CREATE INDEX upload_of ON upload (user, used);
CREATE INDEX upload_used ON upload (used);
