-- Large files that interactive sessions transfer, so that the same command resumes after a cut or a kill.
CREATE TABLE session_transfer (
    way     TEXT NOT NULL,  -- JSON: get or put, the server's URL, user, workspace
    far     TEXT NOT NULL,  -- path in the workspace
    near    TEXT NOT NULL,  -- absolute path on this machine
    source  TEXT NOT NULL,  -- the source's version and ident
    id      TEXT NOT NULL,
    root    TEXT NOT NULL,  -- folder of its staged part on this machine; "" when it is staged on the server
    touched REAL NOT NULL,
    PRIMARY KEY (way, far, near)
) WITHOUT ROWID;
