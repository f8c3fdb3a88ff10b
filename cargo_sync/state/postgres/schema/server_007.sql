-- Which server serves a folder, if several share the state.
CREATE TABLE holder (
    root text COLLATE "C" PRIMARY KEY,
    server text COLLATE "C" NOT NULL,
    life text COLLATE "C" NOT NULL
);
