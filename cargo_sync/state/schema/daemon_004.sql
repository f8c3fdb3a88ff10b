-- Limits that an order set in place of a file's. They hold until the file says something else.
CREATE TABLE ordered_limit (
    name TEXT    NOT NULL,  -- "speed" of a job, "bandwidth" of the daemon
    job  INTEGER REFERENCES job (id) ON DELETE CASCADE,  -- NULL: of the daemon itself
    bits INTEGER,           -- a second; NULL: no limit
    file TEXT    NOT NULL   -- JSON: what the file said when it was ordered
);

CREATE UNIQUE INDEX ordered_limit_of ON ordered_limit (name, ifnull(job, 0));
