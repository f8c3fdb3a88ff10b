-- Invitations that nobody has used yet, and the devices that they made: programs that log in with a secret of their own.
-- Tokens and secrets are random, so their SHA-256 gives nothing away: a slow hash is for what people choose.
CREATE TABLE invitation (
    id    TEXT PRIMARY KEY,
    user  TEXT NOT NULL,
    token BLOB NOT NULL,  -- SHA-256
    made  REAL NOT NULL,  -- by the retention clock, and so is `ends`
    ends  REAL NOT NULL
) WITHOUT ROWID;

CREATE INDEX invitation_of ON invitation (user);

CREATE TABLE device (
    user   TEXT NOT NULL,
    name   TEXT NOT NULL,
    secret BLOB NOT NULL,  -- SHA-256
    made   REAL NOT NULL,  -- unix seconds, and so is `used`
    used   REAL,           -- some minutes late; NULL: not yet
    PRIMARY KEY (user, name)
) WITHOUT ROWID;
