-- Storage nodes: machines that keep contents for this server. `secret` is what they want to hear from it.
CREATE TABLE node (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: placements name it
    name        TEXT    NOT NULL UNIQUE,
    zone        TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    port        INTEGER NOT NULL,              -- of its API
    lane_port   INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    secret      TEXT    NOT NULL,
    epoch       TEXT    NOT NULL DEFAULT '',   -- of its folder, as it was compared last; '' before that
    sequence    INTEGER NOT NULL DEFAULT 0,    -- covers each copy that is recorded there
    life        INTEGER NOT NULL DEFAULT 0,    -- one more each time that its folder is not what it was
    sessions    INTEGER NOT NULL DEFAULT 0,    -- numbers of the times for which it was there
    draining    INTEGER NOT NULL DEFAULT 0,
    away        REAL    NOT NULL DEFAULT 0     -- seconds without a word from it, while this server ran
);

-- Invitations for nodes that were not used yet: one for each name. The times are those of the retention clock.
CREATE TABLE node_invitation (
    name  TEXT PRIMARY KEY,
    zone  TEXT NOT NULL,
    token BLOB NOT NULL,  -- SHA-256 of what lets a node join
    made  REAL NOT NULL,
    ends  REAL NOT NULL
) WITHOUT ROWID;

-- Sets of nodes. A node is taken out of all of them at once when its folder is not what it was: then nothing is believed
-- to lie there that is not found again. Nothing is ever put into a set: who gains a copy gets another placement.
CREATE TABLE placement (
    id    INTEGER PRIMARY KEY,
    nodes TEXT NOT NULL  -- their ids in ascending order, with a comma before and after each; ',' for none
);

CREATE INDEX placement_nodes ON placement (nodes, id);

-- How many contents of a workspace a placement has.
CREATE TABLE holding (
    placement INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    blobs     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (placement, workspace)
) WITHOUT ROWID;

-- The contents, and where they lie. Workspace 0: copies that no workspace has, or has any more.
CREATE TABLE blob (
    hash      BLOB    NOT NULL,
    workspace INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    placement INTEGER NOT NULL,            -- 0: in the spool
    state     INTEGER NOT NULL DEFAULT 0,  -- 1: condemned, nothing refers to it; 2: leaving, is being deleted
    since     REAL    NOT NULL DEFAULT 0,  -- by the retention clock; 0 while it is live
    pieces    BLOB    NOT NULL DEFAULT x'',  -- on nodes, of more than a MiB: the list of its pieces (local/piece_lists.py)
    PRIMARY KEY (hash, workspace)
) WITHOUT ROWID;

CREATE INDEX blob_unwanted ON blob (state, since, hash) WHERE state > 0;

-- What versions in the trash of a workspace hold that has no folder: compressed columns of up to 10,000 entries
-- (server/workspace/content/manifests.py), by the place of the version.
CREATE TABLE manifest (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace INTEGER NOT NULL,
    place     TEXT    NOT NULL,
    columns   BLOB    NOT NULL
);

CREATE INDEX manifest_place ON manifest (workspace, place, number);

-- What the row of such a version does not say, if it is not as usual.
CREATE TABLE manifest_top (
    workspace INTEGER NOT NULL,
    place     TEXT    NOT NULL,
    mode      INTEGER NOT NULL,
    target    TEXT    NOT NULL,
    PRIMARY KEY (workspace, place)
) WITHOUT ROWID;

-- File servers of the published Servidor Backup program that have registered for extra copies.
CREATE TABLE file_server (
    address TEXT PRIMARY KEY,
    since   REAL NOT NULL  -- unix time
) WITHOUT ROWID;
