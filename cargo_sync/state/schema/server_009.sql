-- The jobs that the server has met, each with the state that it came with last (machines.client_fence).
CREATE TABLE client (
    user    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    starts  INTEGER NOT NULL,
    records INTEGER NOT NULL,
    nonce   TEXT    NOT NULL,
    place   TEXT    NOT NULL,
    used    REAL    NOT NULL,  -- by the retention clock; some hours late
    PRIMARY KEY (user, id)
) WITHOUT ROWID;

CREATE INDEX client_used ON client (used);
CREATE INDEX client_of ON client (user, used);
