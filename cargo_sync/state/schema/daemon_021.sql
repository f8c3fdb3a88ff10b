-- Uploads to somebody else's server of which it is not known whether they arrived.
-- sent: the local file as it was sent, with the hash of its content; time: retention clock.
CREATE TABLE uncertain_upload (
    job  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path TEXT    NOT NULL,
    sent BLOB    NOT NULL,
    time REAL    NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;

CREATE INDEX uncertain_upload_time ON uncertain_upload (time);
