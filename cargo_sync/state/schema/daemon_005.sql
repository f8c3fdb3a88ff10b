-- Since when a job has no file any more, unix seconds; NULL as long as it has one.
ALTER TABLE job ADD COLUMN missed REAL;

-- Nobody asks for it.
DROP INDEX checkpoint_path;
