-- JSON: what a server wants of limits that all share.
ALTER TABLE server ADD COLUMN claims text COLLATE "C" NOT NULL DEFAULT '{}';
