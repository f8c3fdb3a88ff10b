-- What one server wants of a flow that another one has, if several share the state. The server with the flow does it and
-- says so; who asked deletes the row.
CREATE TABLE flow_order (
    id     TEXT PRIMARY KEY,
    made   REAL    NOT NULL,           -- unix seconds, by the clock of who asks
    flow   BLOB    NOT NULL,           -- the digest of its id
    user   TEXT    NOT NULL,
    what   TEXT    NOT NULL,           -- 'speed' or 'end'
    bits   INTEGER,                    -- the speed that is asked for; NULL: none
    done   INTEGER NOT NULL DEFAULT 0,
    answer INTEGER                     -- the speed that it gets; NULL: no limit
) WITHOUT ROWID;
