"""The control protocol: its messages and commands, and a small client for them.

addresses         the addresses of sockets, and which daemons and servers run
arguments         the arguments of a command, and their checks
cluster_commands  the commands about the servers that share one state
client            a synchronous client: calls, and subscriptions to the feed
commands          the type of a command
common_commands   the commands of daemons and servers
conflict_commands  the commands about conflicts
daemon_commands   all commands of a daemon
escaping          foreign names as text that is safe to show
gapless           notices without gaps, with lost rows read from the history
history_commands  the commands of a server's history and callbacks
invitation        an invitation to a server, as one line
job_commands      the commands for a daemon's jobs
job_file_commands  the commands about job files
keys              key files for TCP ports
known_servers     the certificates that a person accepted
line              the connection to a daemon, and why it fails
log_command       the command `log`
messages          requests, replies and feed messages, encoded and decoded
node_commands     the commands about storage nodes
orders            the plain-text orders of pydio-sync
own_certificate   a certificate that a program makes for itself
own_files         where this user's small files are, and how they are replaced
page_files        the files of our web pages, read once
page_pack         a page as few files (pure)
proxies           the address of a client behind trusted proxies
recovery_key      the key by which a lost server comes back from its storage nodes
renamed           old names of commands, for suggestions
roles             what a caller may do
run_commands      the commands about runs
sequence          which messages of the feed are new, and how many were lost
server_commands   all commands of a server
server_trust      decides about the certificates of servers
session_commands  the commands of a session
topics            the topics of the feed
trash_commands    the commands about the trash
trust             whether the sockets in a folder may be trusted
web_headers       the headers of every answer to a browser
"""
