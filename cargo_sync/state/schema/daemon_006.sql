-- Files whose transfer a person cancelled: left alone until their source changes or an order comes.
CREATE TABLE cancelled (
    job     INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path    TEXT    NOT NULL,
    version INTEGER NOT NULL,  -- of the source's entry
    ident   INTEGER NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;
