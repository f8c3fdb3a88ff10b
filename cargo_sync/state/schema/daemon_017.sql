-- The newest change of the server that the state knows of, by a listing or by what the job itself changed there. Its
-- lineage is `far_lineage`, which was that of `far_cursor`.
ALTER TABLE job ADD COLUMN far_newest INTEGER NOT NULL DEFAULT 0;
UPDATE job SET far_newest = far_cursor;
