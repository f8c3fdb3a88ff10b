"""The control plane: the ZeroMQ sockets of a daemon or server, for commands and the feed.

audit        who changed what
binding      binds a socket, or closes it
callers      who sends a command, and what that caller may do
changes      publishes values only when they changed
connections  counts the connections of a port
endpoint     all sockets of an instance: local ones in a folder, and ports
gate         accepts or refuses connections at the handshake, by key
identity     what `hello` answers
keyring      the keys of a process and of its clients
limits       limits from a file, and those that a command set in their place
nouns/       handlers of commands that a daemon and a server share
once         replies to earlier commands, so that a repeated one is not done again
private      folders and files that only this user may use
publisher    the feed: messages by topic, and the last one of each
router       receives commands, and sends exactly one reply to each
routes       which handler executes a command
subscribers  what the clients of a feed's socket subscribe to, and what is replayed to them
tcp          a TCP port: commands on it, the feed on the next
trash_views  versions of a trash, as daemons and servers tell of them

It gets a table of routes and values to publish. It knows nothing about jobs.
"""
