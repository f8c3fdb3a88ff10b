-- What was deleted: BLAKE3 of the content in hex, or ''. A kind more: 'moved', deleted after its content came elsewhere.
ALTER TABLE guard_touch ADD COLUMN hash TEXT NOT NULL DEFAULT '';
