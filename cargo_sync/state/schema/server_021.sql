-- What several servers must know of each other's logins (only in PostgreSQL are there several; there, changes of users
-- end logins and count in `revision` by triggers).
CREATE TABLE login (
    digest BLOB PRIMARY KEY,  -- of the token
    user   TEXT NOT NULL,
    device TEXT NOT NULL,     -- '' for a password
    ends   REAL NOT NULL      -- unix seconds
) WITHOUT ROWID;

CREATE INDEX login_of ON login (user, ends);

CREATE INDEX login_ends ON login (ends);

-- Downloads by address that were asked for.
CREATE TABLE ticket (
    digest    BLOB PRIMARY KEY,  -- of the secret in the address
    user      TEXT NOT NULL,
    workspace TEXT NOT NULL,
    paths     TEXT NOT NULL,     -- JSON
    version   INTEGER,           -- of the one file; NULL: an archive
    name      TEXT NOT NULL,
    login     BLOB NOT NULL,     -- the digest of its token
    ends      REAL NOT NULL,     -- unix seconds
    started   INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX ticket_of ON ticket (user, ends);

CREATE INDEX ticket_ends ON ticket (ends);

-- How often what servers keep in memory has changed: '' counts all, 'roster' users, workspaces and grants, 'limits' the
-- bandwidth, 'login:NAME' what ends the logins of a user. Each has the count of '' at its last change.
CREATE TABLE revision (
    name   TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) WITHOUT ROWID;
