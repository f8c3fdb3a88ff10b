-- What is not true any more of the job's trees, although the rows still have it: 0 nothing, 1 that folders are settled,
-- 2 that and the far side as last seen, 3 these and what was agreed. The rows before `untrue_from` are written already.
ALTER TABLE job ADD COLUMN untrue INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN untrue_from BLOB NOT NULL DEFAULT x'';
