-- What is about to come to a place in a drop box: after a kill in between, its sender may say that it is theirs.
CREATE TABLE drop_intent (
    box      INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    path     TEXT    NOT NULL,  -- in the box
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    PRIMARY KEY (box, path)
) WITHOUT ROWID;
