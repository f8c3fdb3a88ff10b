-- 1 while a process uses this state. A clean end makes it 0: what is found at a start tells of a kill or a power cut.
ALTER TABLE clock ADD COLUMN running INTEGER NOT NULL DEFAULT 0;

-- JSON: after an unclean stop, which of its files must be checked; NULL when there are none.
ALTER TABLE workspace ADD COLUMN suspects TEXT;
