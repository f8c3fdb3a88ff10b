-- What a server needs to keep its state on its storage nodes: one row, from when a person has a recovery key.
CREATE TABLE recovery (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    sealing    BLOB    NOT NULL,            -- the key that seals snapshots
    verifier   BLOB    NOT NULL,            -- the public key of who may ask nodes for them
    generation INTEGER NOT NULL DEFAULT 0,  -- how often this server was recovered
    count      INTEGER NOT NULL DEFAULT 0,  -- snapshots that were begun since
    made       REAL,                        -- unix seconds of the last one that a node has; NULL: none
    covers     TEXT    NOT NULL DEFAULT '', -- what the state was then (state/recovery.py)
    since      REAL                         -- when it was recovered last, by the retention clock; NULL: never
);
