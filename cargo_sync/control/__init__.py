"""ZeroMQ: the sockets of an instance. Given a dispatch table and values to publish, ignorant of
jobs.

router     commands in, exactly one answer to each
routes     which handler carries a command out
publisher  what happens out, by topic, the last value of each replayed to whoever subscribes
changes    what a feed has said last: nothing is published twice
endpoint   the folder they lie in: made, claimed, bound, and left clean; and what there is over TCP
tcp        a port: commands on it, the feed on the next
keyring    the keys that open it; gate lets peers in by them, connections counts these
callers    who asks, and what he may
audit      who changed what
limits     what a file says, and what an order set in its place
nouns/     what a daemon and a server answer alike
identity   what `hello` says
once       the memory of changing commands that were answered
"""
