-- 1 while a process uses this state. A clean end makes it 0: what is found at a start tells of a kill or a power cut.
ALTER TABLE clock ADD COLUMN running INTEGER NOT NULL DEFAULT 0;

-- JSON: after an unclean stop, which files of the job must be checked before its next run; NULL when there are none.
ALTER TABLE job ADD COLUMN suspects TEXT;

-- Source files that the stop has damaged, as they were before: not sent until they are restored, get another time,
-- or a person says so.
CREATE TABLE damaged (
    job      INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    path     TEXT    NOT NULL,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    PRIMARY KEY (job, path)
) WITHOUT ROWID;
