"""The server: users, workspaces, files, and the ports in front of them.

app         the server, constructed and run
accounts/   users, their logins and their permissions
workspace/  a served folder and its catalogue
flows/      streams of content over the data port
http/       the HTTP API
backup/     the ports of the Servidor Backup protocol
handlers/   the commands of `cargo_ctl`
views       users, workspaces and flows as JSON values
feed        what the server publishes
metrics     what the server counts and measures
refusals    the errors for requests that are refused
retention   deletes old state
"""
