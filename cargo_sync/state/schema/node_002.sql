-- Which starts of servers have ordered deletions, the last one last, and the number of the last order of each.
CREATE TABLE coordinator (
    turn    INTEGER PRIMARY KEY AUTOINCREMENT,
    lineage TEXT    NOT NULL UNIQUE,
    number  INTEGER NOT NULL
);
