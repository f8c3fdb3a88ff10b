-- Files that came by the backup protocol, by the ids that their senders got.
CREATE TABLE backup (
    id   TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    path TEXT NOT NULL,  -- in the user's own workspace
    name TEXT NOT NULL,  -- as the sender calls it
    time REAL NOT NULL
) WITHOUT ROWID;

CREATE INDEX backup_user ON backup (user, time);
