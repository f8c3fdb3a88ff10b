-- Which life the database has: see state/postgres/life.py. SQLite has none: there each start of the server is one.
CREATE TABLE database_life (
    one bigint PRIMARY KEY CHECK (one = 1),
    token text COLLATE "C" NOT NULL,
    identity text COLLATE "C" NOT NULL
);
