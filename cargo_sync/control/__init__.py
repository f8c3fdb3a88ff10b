"""ZeroMQ: the two sockets of an instance. Given a dispatch table and values to publish, ignorant of jobs.

router     commands in, exactly one answer to each
publisher  what happens out, by topic, the last value of each replayed to whoever subscribes
endpoint   the folder they lie in: made, claimed, bound, and left clean
identity   what `hello` says
once       the memory of changing commands that were answered
"""
