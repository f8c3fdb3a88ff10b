-- JSON: what a server wants of limits that all share.
ALTER TABLE server ADD COLUMN claims TEXT NOT NULL DEFAULT '{}';
