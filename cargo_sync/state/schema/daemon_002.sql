-- Callbacks.

-- The job's mode if a callback was asked for, else NULL.
ALTER TABLE event ADD COLUMN tell TEXT;

CREATE INDEX event_tell ON event (cursor) WHERE tell IS NOT NULL;

-- started: the job's mode, while callbacks promise an end of this transfer; else NULL.
-- time: when it was last in use, unix seconds.
ALTER TABLE transfer ADD COLUMN started TEXT;
ALTER TABLE transfer ADD COLUMN time REAL NOT NULL DEFAULT 0;
UPDATE transfer SET time = CAST(strftime('%s', 'now') AS REAL);

CREATE INDEX transfer_time ON transfer (time);

-- The readers of events, and the cursor that each has reached.
CREATE TABLE reader (
    name   TEXT PRIMARY KEY,
    cursor INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO reader
VALUES ('callbacks', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0));

-- Callbacks that are not delivered yet, or never will be. URLs and secrets stay in the job file.
-- Of a stream only the first pending row has a next_at: the rows behind it have to wait.
CREATE TABLE delivery (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,  -- sent with every attempt
    job       TEXT    NOT NULL,
    moment    TEXT    NOT NULL,         -- onFinish, …
    stream    TEXT    NOT NULL,         -- within the job; its callbacks are delivered one after the other
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

-- Who changed what. A row is written before the command is executed, its outcome afterwards.

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    time    REAL NOT NULL,
    who     TEXT NOT NULL,
    command TEXT NOT NULL,
    args    TEXT NOT NULL,             -- JSON, without secrets
    outcome TEXT NOT NULL DEFAULT ''   -- ok or an error's code; '' when the process ended before the command did
);

-- Limits that a command set in place of the file's, until the file's value changes.
CREATE TABLE ordered_limit (
    name TEXT    NOT NULL,  -- "speed" of a job, "bandwidth" of the daemon
    job  INTEGER REFERENCES job (id) ON DELETE CASCADE,  -- NULL: of the daemon itself
    bits INTEGER,           -- per second; NULL: no limit
    file TEXT    NOT NULL   -- JSON: the file's value at that time
);

CREATE UNIQUE INDEX ordered_limit_of ON ordered_limit (name, ifnull(job, 0));

-- The time from which a job has no file, unix seconds; NULL while it has one.
ALTER TABLE job ADD COLUMN missed REAL;

-- No query uses it.
DROP INDEX checkpoint_path;

-- Files whose transfer a person cancelled: skipped until their source changes or a command starts them.
CREATE TABLE cancelled (
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path    TEXT    NOT NULL,
    version INTEGER NOT NULL,  -- of the source's entry
    ident   INTEGER NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;
