-- The retention clock: seconds by which records age. It only goes forwards, whatever the wall clock does. Until
-- this version, times that only serve to find what is old were unix seconds; it begins at such a time.
CREATE TABLE clock (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    reading  REAL NOT NULL,
    wall     REAL NOT NULL,  -- the system's clocks at that moment
    boottime REAL NOT NULL,
    boot_id  TEXT NOT NULL
);

-- When names in folders of the trash and the staging were first seen, by this clock.
CREATE TABLE age (
    place TEXT NOT NULL,
    name  TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (place, name)
) WITHOUT ROWID;

-- When a row was written, by this clock.
ALTER TABLE audit ADD COLUMN lived REAL NOT NULL DEFAULT 0;
UPDATE audit SET lived = time;
