"""The server: users, workspaces, files, and the ports in front of them.

app         runs a server until it is stopped
server      the parts of a server, connected
accounts/   users, their logins and their permissions
grants/     what a user sees of a workspace, and may do with it
workspace/  a served folder and its catalogue
flows/      streams of content over the data port
history/    what it remembers, and for how long
http/       the HTTP API
backup/     the ports of the Servidor Backup protocol
handlers/   the commands of `cargo_ctl`
reporting/  what the server reports: feed, messages, metrics
refusals    the errors for requests that are refused
"""
