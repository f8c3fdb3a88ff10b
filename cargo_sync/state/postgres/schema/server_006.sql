-- The processes of servers that share this state; see schema/server_022.sql of SQLite.
CREATE TABLE server_clock (
    id text COLLATE "C" PRIMARY KEY,
    reading double precision NOT NULL,
    wall double precision NOT NULL,
    boottime double precision NOT NULL,
    boot_id text COLLATE "C" NOT NULL,
    running bigint NOT NULL
);
