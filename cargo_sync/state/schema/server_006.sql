-- Large subtrees that are gone, or moved, of which not all rows have been written yet. The rows from `low` to `high`
-- that are not newer than `version` are not at their paths any more.
CREATE TABLE unfinished (
    id        INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    low       BLOB    NOT NULL,  -- keys; it rises as rows are written
    high      BLOB    NOT NULL,
    version   INTEGER NOT NULL,
    source    BLOB    NOT NULL,  -- the key of the subtree's top
    target    BLOB               -- where it is now; NULL when it is gone
);
