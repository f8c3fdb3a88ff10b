-- Who changed what. A row is written before a command is carried out, and its outcome after.

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    time    REAL NOT NULL,
    who     TEXT NOT NULL,
    command TEXT NOT NULL,
    args    TEXT NOT NULL,             -- JSON, without secrets
    outcome TEXT NOT NULL DEFAULT ''   -- ok or an error's code; '' when the process ended in between
);
