-- Large files that are on their way into buckets, so that another server can go on with them.
CREATE TABLE object_transfer (
    transfer text COLLATE "C" PRIMARY KEY,
    workspace bigint NOT NULL,
    source bytea NOT NULL,
    server text COLLATE "C" NOT NULL,
    life text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    touched double precision NOT NULL
);

CREATE INDEX object_transfer_touched ON object_transfer (touched);

CREATE TABLE object_upload (
    object bigint PRIMARY KEY,
    transfer text COLLATE "C" NOT NULL,
    upload text COLLATE "C" NOT NULL,
    tail bigint NOT NULL DEFAULT 0,
    tail_start bigint NOT NULL DEFAULT 0,
    tail_digest bytea NOT NULL DEFAULT '\x'
);

CREATE INDEX object_upload_transfer ON object_upload (transfer);
CREATE INDEX object_upload_tail ON object_upload (tail);

CREATE TABLE object_part (
    object bigint NOT NULL,
    number bigint NOT NULL,
    length bigint NOT NULL,
    etag text COLLATE "C" NOT NULL,
    pieces bytea NOT NULL,
    PRIMARY KEY (object, number)
);
