-- A step of a two-way job has a direction.
ALTER TABLE planned_action ADD COLUMN direction TEXT NOT NULL DEFAULT 'upload';
