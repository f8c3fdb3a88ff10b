"""The SQLite rooms: what a daemon or a server knows, one file a concern, all on one `Database`.

database    one file, one connection, one lock; transactions, the fault seam, errors in words
migrations  the numbered scripts of schema/
bulk        many rows in few statements; ranges: the keys of a subtree
jobs        a job's row: paused, binding, cursor, last run
folders     the three trees of a job, a row a folder; deltas: changes to many of them at once
checkpoints durable parts of staged files
transfers   ids of files under way that must survive a kill; files that a person cancelled
events      past-tense facts, each with a cursor; deliveries: the callbacks made of them that wait
planned     the actions of a preview or a run, kept on disk
replies     answers to commands that changed something, so that each is done once
accounts    users' password hashes
limits      those that an order set in place of a file's

Every method that writes is one transaction; methods called inside `with db.transaction():` join it,
so that what must become true together is written together. Nothing may be awaited inside one.
"""
