-- A move changes no version: a row's number in the feed is one of its own. The version is the sequence when the content
-- last changed, or when it was deleted.
ALTER TABLE entry ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
UPDATE entry SET changed = version;

DROP INDEX entry_version;
CREATE UNIQUE INDEX entry_changed ON entry (workspace, changed);
