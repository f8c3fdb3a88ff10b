-- Names of the far side that cannot be used here. The far side reports them once, so they are kept.
CREATE TABLE left_out (
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path    TEXT    NOT NULL,  -- as shown: cut if it is long
    message TEXT    NOT NULL,
    hint    TEXT    NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;
