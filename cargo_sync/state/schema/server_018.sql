-- A workspace that is moving from the root that it has to another one: from a folder to storage nodes, or back. Once all
-- is there (`ready`), whoever opens the workspace by its new root ends the move. Who opens it by its old one may change
-- it: then it is not ready any more.
CREATE TABLE workspace_move (
    workspace INTEGER PRIMARY KEY REFERENCES workspace (id) ON DELETE CASCADE,
    target    TEXT    NOT NULL UNIQUE,
    marker    TEXT    NOT NULL,            -- of the new folder; '' for storage nodes
    ready     INTEGER NOT NULL DEFAULT 0
);

-- Where a workspace was before it moved: what is left there is kept until a person removes it.
CREATE TABLE left_behind (
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    root      TEXT    NOT NULL,
    marker    TEXT    NOT NULL,
    PRIMARY KEY (workspace, root)
) WITHOUT ROWID;
