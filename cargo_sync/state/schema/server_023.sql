-- Which server serves a folder, if several share the state: `life` marks the start of it that took the folder.
CREATE TABLE holder (
    root   TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    life   TEXT NOT NULL
) WITHOUT ROWID;
