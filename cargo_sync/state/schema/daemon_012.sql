-- Where each folder, and each file that is worth it, was agreed to be, by its idents: what was renamed is found by them.
-- It only says where to look: `folder.base` has the truth.
CREATE TABLE base_ident (
    job  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path BLOB    NOT NULL,
    near INTEGER NOT NULL,  -- two's complement: inodes are unsigned, SQLite's integers are signed
    far  INTEGER NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;

CREATE INDEX base_ident_near ON base_ident (job, near);
CREATE INDEX base_ident_far ON base_ident (job, far);
