-- Large files that are on their way into buckets, so that another server can go on with them.
CREATE TABLE object_transfer (
    transfer  TEXT PRIMARY KEY,     -- its id in spools
    workspace INTEGER NOT NULL,
    source    BLOB    NOT NULL,     -- a digest of which version of which file it is
    server    TEXT    NOT NULL,     -- the server that had it last
    life      TEXT    NOT NULL,     -- the start of it that has it; '' for nobody
    epoch     INTEGER NOT NULL,     -- counts who had it
    touched   REAL    NOT NULL      -- by the retention clock
) WITHOUT ROWID;

CREATE INDEX object_transfer_touched ON object_transfer (touched);

-- Objects in which they come: one for each server that had a transfer.
CREATE TABLE object_upload (
    object      INTEGER PRIMARY KEY,
    transfer    TEXT    NOT NULL,
    upload      TEXT    NOT NULL,            -- the bucket's id of it; '' once the object was made of its parts
    tail        INTEGER NOT NULL DEFAULT 0,  -- the object with what comes behind the parts; 0: none
    tail_start  INTEGER NOT NULL DEFAULT 0,
    tail_digest BLOB    NOT NULL DEFAULT x''
);

CREATE INDEX object_upload_transfer ON object_upload (transfer);
CREATE INDEX object_upload_tail ON object_upload (tail);

CREATE TABLE object_part (
    object INTEGER NOT NULL,
    number INTEGER NOT NULL,
    length INTEGER NOT NULL,
    etag   TEXT    NOT NULL,
    pieces BLOB    NOT NULL,  -- the list of its pieces (local/piece_lists.py)
    PRIMARY KEY (object, number)
) WITHOUT ROWID;
