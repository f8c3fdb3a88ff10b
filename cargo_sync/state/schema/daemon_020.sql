-- What was found out about somebody else's server by asking it, so that it is not asked after each restart.
-- place: the bucket; server: what it called itself then; found: what its protocol knows; since: retention clock.
CREATE TABLE finding (
    place  TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    found  TEXT NOT NULL,
    since  REAL NOT NULL
) WITHOUT ROWID;
