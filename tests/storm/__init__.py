"""Storage nodes, a server and a daemon, as real programs in a storm.

coast     the programs: a server, nodes that have joined it by their invitations, a daemon
weather   what happens to them, at random from a seed
clients   who uploads and downloads meanwhile: over HTTP, and by a daemon's jobs
tally     what is counted, and the table
campaign  one storm from its beginning to its end, and what must be true then: `make storm`
rot       bits that flip on a node's disk are found, and made good
"""
