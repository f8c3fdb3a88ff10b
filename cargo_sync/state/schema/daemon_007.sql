-- A large folder has several rows: the path of each but the first is followed by two NULs and the first name in it.
-- Rows of earlier versions are cut when they are written.
UPDATE folder SET revision = revision WHERE 0;
