"""Sessions: a person's logins at servers, with gets and puts. They end with the daemon.

backup        the kind "backup": Servidor Backup's framed port
backup_steps  one file sent to or fetched from Servidor Backup
files         the kind "files": a Cargo server, or somebody else's
local_paths   checks of local paths that a person gives
login         the arguments of `session.open` -> a server, logged in
moving        the work of one get or put of files
passage       the server's side of one get or put, with its slot and its part of the bandwidth
registry      all sessions of a daemon by id; unused ones end
remote        the contract of a server, whatever its kind
session       one login at one server, its current workspace, its transfers
transfer      one get or put from beginning to end, with retries after a cut
views         values -> the messages about sessions
"""
