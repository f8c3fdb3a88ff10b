"""Sessions: a person's logins at servers, and what they get and put; nothing of it outlives the
daemon.

registry   all sessions of a daemon: found by id, ended when unused
session    one login at one server, its current workspace, its transfers
transfer   one get or put from its order to its end: tried again after a cut, told on the feed
carry      what is moved between two folders, on the lanes that jobs use
passage    the other end of a transfer: a slot and a part of the bandwidth while it moves
walk       a tree a page at a time
files      the kind "files": a Cargo server
views      what a session tells, as JSON values
backup     the kind "backup": Servidor Backup's framed port
"""
