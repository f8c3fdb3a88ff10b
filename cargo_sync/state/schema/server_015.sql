-- What happened to files: a row for what one transaction did of one kind, with its files as columns
-- (model.history). Each file has a number: those of a row are the `count` numbers up to its cursor.
-- AUTOINCREMENT: a cursor is never used twice, even when the newest rows were pruned.
CREATE TABLE history (
    cursor    INTEGER PRIMARY KEY AUTOINCREMENT,
    time      REAL    NOT NULL,  -- unix seconds, to show
    lived     REAL    NOT NULL,  -- the same moment, by the retention clock
    workspace INTEGER NOT NULL,  -- its folder in the catalogue
    kind      TEXT    NOT NULL,
    user      TEXT    NOT NULL,  -- '' for another program
    address   TEXT    NOT NULL,
    origin    TEXT    NOT NULL,  -- a run, or http, backup, control
    flow      TEXT    NOT NULL,
    seconds   REAL,              -- how long it took; NULL when that was not measured
    count     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    files     BLOB    NOT NULL
);

-- How much each user moved, without looking at the rows.
CREATE INDEX history_user ON history (user, kind, time, count, bytes);

-- The batch of the top of a large folder that is gone: its files are told as that was. 0: they are not told.
ALTER TABLE unfinished ADD COLUMN told INTEGER NOT NULL DEFAULT 0;

-- When each user was there last.
CREATE TABLE presence (
    user    TEXT PRIMARY KEY,
    time    REAL NOT NULL,  -- unix seconds
    address TEXT NOT NULL
) WITHOUT ROWID;

-- The callbacks of a server: as in a daemon's state, but made from the history. `job` is ''. Without a reader nothing is
-- read, because no callbacks are asked for.
CREATE TABLE reader (
    name   TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE delivery (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,  -- sent with every attempt
    job       TEXT    NOT NULL,
    moment    TEXT    NOT NULL,         -- onUploaded, …
    stream    TEXT    NOT NULL,         -- its callbacks are delivered one after the other
    variables TEXT    NOT NULL,         -- JSON
    created   REAL    NOT NULL,
    since     REAL    NOT NULL,         -- start of the days that it is tried for: created, or the last retry by a person
    state     TEXT    NOT NULL DEFAULT 'pending',  -- or dead
    attempts  INTEGER NOT NULL DEFAULT 0,
    next_at   REAL,
    ended     REAL,                     -- when it became dead
    error     TEXT    NOT NULL DEFAULT ''
);

CREATE INDEX delivery_stream ON delivery (job, stream, number) WHERE state = 'pending';
CREATE INDEX delivery_due ON delivery (job, moment, next_at, number) WHERE next_at IS NOT NULL;
CREATE INDEX delivery_dead ON delivery (ended) WHERE state = 'dead';
