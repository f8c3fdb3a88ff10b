-- The servers that share this state (only in PostgreSQL are there several). Each writes its own row, once a second.
CREATE TABLE server (
    id          TEXT PRIMARY KEY,          -- of its state folder
    name        TEXT    NOT NULL,
    life        TEXT    NOT NULL,          -- marks one start of it; '' when it has ended in order
    address     TEXT    NOT NULL,          -- of its API, for others
    lanes       TEXT    NOT NULL,          -- host and port of its data port
    version     TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,          -- of its certificate
    started     REAL    NOT NULL,          -- unix seconds, by its own clock
    seen        REAL    NOT NULL,          -- the same
    beat        INTEGER NOT NULL,          -- counts up as long as it lives
    figures     TEXT    NOT NULL,          -- JSON: what it has to do
    flows       TEXT    NOT NULL,          -- JSON: its open flows
    draining    TEXT    NOT NULL DEFAULT ''  -- the life that shall end; others write it
) WITHOUT ROWID;
