-- Where the catalogue stood at which time: how old a tombstone is at least.
CREATE TABLE mark (
    workspace INTEGER NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
    sequence  INTEGER NOT NULL,
    time      REAL    NOT NULL,
    PRIMARY KEY (workspace, sequence)
) WITHOUT ROWID;

-- Deletions up to this version may be forgotten: who is further behind is told to look at everything.
ALTER TABLE workspace ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;

CREATE INDEX entry_gone ON entry (workspace, version) WHERE deleted = 1;

-- Nothing ever wrote it: what a server does is told by the audit, and by the jobs of its clients.
DROP TABLE event;

-- Nobody asks for these.
DROP INDEX entry_unhashed;
DROP INDEX checkpoint_path;
