-- The runs that did something or failed, of each job the newest ones.
CREATE TABLE run (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    run     TEXT    NOT NULL UNIQUE,
    started REAL    NOT NULL,  -- unix seconds
    ended   REAL    NOT NULL,
    files   INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    errors  INTEGER NOT NULL,
    problem TEXT    NOT NULL
);

CREATE INDEX run_job ON run (job, number);
