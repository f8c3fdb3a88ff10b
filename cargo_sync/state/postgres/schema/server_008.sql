-- What one server wants of a flow that another one has.
CREATE TABLE flow_order (
    id text COLLATE "C" PRIMARY KEY,
    made double precision NOT NULL,
    flow bytea NOT NULL,
    "user" text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL,
    bits bigint,
    done bigint NOT NULL DEFAULT 0,
    answer bigint
);
