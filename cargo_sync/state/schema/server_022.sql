-- The processes of servers that share a state: by `id`, what each of them has stored last of its clocks, and whether it
-- runs. A server that has its state alone has that in `clock`, and no row here.
CREATE TABLE server_clock (
    id TEXT PRIMARY KEY,
    reading REAL NOT NULL,
    wall REAL NOT NULL,
    boottime REAL NOT NULL,
    boot_id TEXT NOT NULL,
    running INTEGER NOT NULL
) WITHOUT ROWID;
