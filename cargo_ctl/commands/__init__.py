"""The commands of `cargo_ctl`, one file per noun: call the daemon, render the result.

audit       who changed what
bandwidth   the bandwidth of all transfers together
callback    HTTP callbacks
completion  the script for Tab completion
conflict    paths that both sides of a two-way job changed
copy        files from one server to another
daemon      reload and shutdown
feed        feed and watch: messages while they come
flow        the flows of a server
history     what happened, one row per file
history_files  `history --server`: what happened to the files of a server
job         jobs: list, show, start, pause, plan
job_edit    `job edit` and `job set`
job_files   `job add` and `job remove`
job_look    `job history` and `job test`
job_verify  `job verify`
key         keys for access over TCP
node        storage nodes of a server
log         the last lines of the log
run         runs of jobs: list and show
server      the servers that share one database
shell       the interactive client
status      the overall state
top         the jobs on the whole screen
trash       what was replaced and deleted, and the way back
transfer    transfers: list and cancel
user        the users of a server
user_logins  `user invite`, `user invitation …` and `user device …`
web         the page of jobs and servers, and who may log in there
workspace   the named workspaces of a server
workspace_reclaim  `workspace reclaim`
"""
