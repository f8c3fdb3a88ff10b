-- Buckets that keep contents of workspaces. `marker` is what an object in the bucket says, too: so two installations never
-- share a place by mistake.
CREATE TABLE bucket (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: objects name it
    marker  TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL                       -- endpoint, bucket and prefix, as it was named last
);

-- The objects in them: one content, or a pack of small ones. A row is there before the first byte is sent, and goes after
-- the object was deleted.
CREATE TABLE bucket_object (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: where a content lies names it
    key       BLOB    NOT NULL UNIQUE,            -- 16 bytes by chance
    bucket    INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    state     INTEGER NOT NULL DEFAULT 0,  -- 0: being written; 1: live; 2: doomed, and never back
    since     REAL    NOT NULL,            -- when it came into this state, by the retention clock
    server    TEXT    NOT NULL,            -- the start of a server that has made it
    contents  INTEGER NOT NULL DEFAULT 0,  -- how many contents lie in it
    used      INTEGER NOT NULL DEFAULT 0   -- their bytes
);

CREATE INDEX bucket_object_unsettled ON bucket_object (state, since, id) WHERE state <> 1;
CREATE INDEX bucket_object_sparse ON bucket_object (bucket, id) WHERE state = 1 AND used * 2 < size;
CREATE INDEX bucket_object_small ON bucket_object (workspace, id) WHERE state = 1 AND size < 1048576;

-- The contents of workspaces, and where they lie.
CREATE TABLE object_content (
    workspace INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    size      INTEGER NOT NULL,
    object    INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    state     INTEGER NOT NULL DEFAULT 0,    -- 1: condemned, nothing refers to it
    since     REAL    NOT NULL DEFAULT 0,    -- by the retention clock; 0 while it is live
    pieces    BLOB    NOT NULL DEFAULT x'',  -- of more than a MiB: the list of its pieces (local/piece_lists.py)
    PRIMARY KEY (workspace, hash)
) WITHOUT ROWID;

CREATE INDEX object_content_place ON object_content (object, start);
CREATE INDEX object_content_unwanted ON object_content (workspace, hash) WHERE state = 1;
