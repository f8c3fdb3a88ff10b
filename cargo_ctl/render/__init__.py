"""Results and feed messages as text. Pure: a dict in, lines out; nothing is read or printed.

bandwidth     bandwidth: now, in the file, set by command
bars          rows with a bar, as wide as the terminal
board         what a daemon's feed has reported so far
callbacks     HTTP callbacks
checks        the steps of `job test`
cluster       the servers that share one state
conflicts     conflicts of two-way jobs
differences   what a comparison of a job's two sides found
flows         the flows of a server
health        the line of `status --check`
hints         hints with the commands of `cargo_ctl`
history       history, of all jobs or of one
history_files  what happened to the files of a server, also as CSV
invitations   invitations to a server, and devices
job_files     job files, and what became of a change
jobs          the daemon's state and its jobs
keys          keys and the audit
listing       the content of folders
live          a daemon's board as a live picture
nodes         storage nodes
log           lines of the log
orphans       what a bucket has and its server does not know
plan          what a run would do
progress      files, bytes, speed and time left
runs          runs of jobs
server_board  what a server's feed has reported so far
server_live   a server's board as a live picture
servers       a server as a whole
session       the transfers of a session
table         columns that line up
trash         versions in the trash
transfers     current transfers
users         users and workspaces of a server
words         numbers, names, sizes, speeds and times
"""
