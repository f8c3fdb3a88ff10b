-- How many delivered files a folder's destination does not have as they were delivered. A negative number waits to be
-- counted again, and was -1 - it; as of a folder that nobody has counted.
ALTER TABLE folder ADD COLUMN drifted INTEGER NOT NULL DEFAULT -1;
CREATE INDEX folder_drifted ON folder (job, drifted) WHERE drifted != 0;
