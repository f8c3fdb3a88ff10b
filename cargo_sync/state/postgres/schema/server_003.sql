-- The servers that share this state; see schema/server_020.sql of SQLite. Rows are changed in place (HOT): each is
-- written once a second.
CREATE TABLE server (
    id text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    life text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    lanes text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    started double precision NOT NULL,
    seen double precision NOT NULL,
    beat bigint NOT NULL,
    figures text COLLATE "C" NOT NULL,
    flows text COLLATE "C" NOT NULL,
    draining text COLLATE "C" NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
