-- What several servers must know of each other's logins; see schema/server_021.sql of SQLite.
CREATE TABLE login (
    digest bytea PRIMARY KEY,
    "user" text COLLATE "C" NOT NULL,
    device text COLLATE "C" NOT NULL,
    ends double precision NOT NULL
);

CREATE INDEX login_of ON login ("user", ends);

CREATE INDEX login_ends ON login (ends);

CREATE TABLE ticket (
    digest bytea PRIMARY KEY,
    "user" text COLLATE "C" NOT NULL,
    workspace text COLLATE "C" NOT NULL,
    paths text COLLATE "C" NOT NULL,
    version bigint,
    name text COLLATE "C" NOT NULL,
    login bytea NOT NULL,
    ends double precision NOT NULL,
    started bigint NOT NULL DEFAULT 0
);

CREATE INDEX ticket_of ON ticket ("user", ends);

CREATE INDEX ticket_ends ON ticket (ends);

CREATE TABLE revision (
    name text COLLATE "C" PRIMARY KEY,
    number bigint NOT NULL
);

-- Counts a change. The row '' is locked until the transaction ends, so numbers come in the order of commits.
CREATE FUNCTION count_change(what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    INSERT INTO revision VALUES ('', 1)
    ON CONFLICT (name) DO UPDATE SET number = revision.number + 1 RETURNING number INTO n;
    INSERT INTO revision VALUES (what, n) ON CONFLICT (name) DO UPDATE SET number = n;
END
$$;

CREATE FUNCTION change_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_change(TG_ARGV[0]);
    RETURN NULL;
END
$$;

-- A password or a device's secret was changed, or is gone: the logins with it end in the same transaction.
CREATE FUNCTION login_ended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    name := CASE TG_TABLE_NAME WHEN 'device' THEN to_jsonb(OLD) ->> 'user' ELSE to_jsonb(OLD) ->> 'name' END;
    IF TG_TABLE_NAME = 'device' THEN
        DELETE FROM login WHERE "user" = name AND device = to_jsonb(OLD) ->> 'name';
    ELSE
        DELETE FROM login WHERE "user" = name;
    END IF;
    PERFORM count_change('login:' || name);
    RETURN NULL;
END
$$;

CREATE TRIGGER roster_counted AFTER INSERT OR UPDATE OR DELETE ON "user"
FOR EACH STATEMENT EXECUTE FUNCTION change_counted('roster');

CREATE TRIGGER roster_counted AFTER INSERT OR UPDATE OR DELETE ON named_workspace
FOR EACH STATEMENT EXECUTE FUNCTION change_counted('roster');

CREATE TRIGGER roster_counted AFTER INSERT OR UPDATE OR DELETE ON workspace_grant
FOR EACH STATEMENT EXECUTE FUNCTION change_counted('roster');

CREATE TRIGGER roster_counted AFTER INSERT OR UPDATE OR DELETE ON workspace_quota
FOR EACH STATEMENT EXECUTE FUNCTION change_counted('roster');

CREATE TRIGGER limits_counted AFTER INSERT OR UPDATE OR DELETE ON ordered_limit
FOR EACH STATEMENT EXECUTE FUNCTION change_counted('limits');

CREATE TRIGGER login_ended AFTER UPDATE OF hash OR DELETE ON account
FOR EACH ROW EXECUTE FUNCTION login_ended();

CREATE TRIGGER login_ended AFTER UPDATE OF secret OR DELETE ON device
FOR EACH ROW EXECUTE FUNCTION login_ended();

CREATE TRIGGER login_ended AFTER UPDATE OF enabled ON "user"
FOR EACH ROW WHEN (OLD.enabled <> NEW.enabled) EXECUTE FUNCTION login_ended();

CREATE TRIGGER login_gone AFTER DELETE ON "user"
FOR EACH ROW EXECUTE FUNCTION login_ended();
