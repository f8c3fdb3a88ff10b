"""Each of our programs alone: the other end is one of ours too, but has next to nothing to do.

Both ends share one machine, so together they are slower than each of them. Here a daemon moves
files to or from a server without files, and a server does so with a client without files. Lanes,
encryption and logins are the real ones at both ends.

ends    a source without files, a sink without a disk
server  `cargo_sync` with these ends in its server
client  a client with these ends, without a daemon
"""
