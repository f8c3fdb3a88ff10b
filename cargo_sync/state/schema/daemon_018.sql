-- Who a job is for its server (machines.client_fence), and why the server does not let it in (JSON; NULL: it does).
ALTER TABLE job ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN fence TEXT;
UPDATE job SET client = lower(hex(randomblob(16)));
