-- What is kept of larger uploads to somebody else's server, so that they go on after a restart.
-- root: the server's name for us; source: "version/ident" of the file that is sent; kept: what its protocol needs;
-- touched: retention clock.
CREATE TABLE remote_upload (
    root     TEXT NOT NULL,
    transfer TEXT NOT NULL,
    path     TEXT NOT NULL,
    size     INTEGER NOT NULL,
    source   TEXT NOT NULL,
    kept     TEXT NOT NULL,
    touched  REAL NOT NULL,
    PRIMARY KEY (root, transfer)
) WITHOUT ROWID;
