"""The state of a program of ours: one module per table, all on one `Database`.

database      the contract: transactions that join, and reads at one moment
one_process   the lock of a state: one process has it
opening       a server's state: a file, or a database
postgres/     a database in PostgreSQL
sqlite/       one file of one process
upkeep        empties the log, and tells who makes it grow
bulk          many rows in few statements
ranges        the keys of a folder and everything below it
jobs          a job's row: paused, binding, cursor, last run
folders       the three trees of a job, one row per folder
parts         large folders, which have several rows
forgetting    what a job forgets of them, in slices
moved_folders  the rows of folders that were moved at the destination
idents        where things were agreed to be, by inode and entry id
left_out      names of the far side that cannot be used
observations  whole listings of a side, as they were seen
listed        how much a server may make a job keep
deltas        changes to one listing column of many folders
own_changes   what a job itself has changed on the far side, as seen there
checkpoints   durable parts of staged files
clients       the jobs that a server has met, and the state that each came with last
uploads       files that come in pieces over HTTP, and are not published yet
conflicts     paths that both sides of a two-way job changed
suspects      what an unclean stop leaves to check, and what it has damaged
transfers     ids of transfers that must survive a kill, and files that a person cancelled
orders        ids of large files that sessions get and put
events        past events, each with a cursor
history       what happened to the files of a server, in batches
presence      when each user of a server was there last
ages          when names in the trash and the staging were first seen
manifests     what versions in the trash hold of a workspace that has no folder
displaced     what was replaced or deleted, and where it is now
clock         the clock by which records age, across restarts
guard_window  what a job has deleted and overwritten lately
holds         what the guard holds of a job, and what a person has decided about it
planned       the actions of a preview or a run
runs          runs that did something or failed
remote_uploads  uploads to somebody else's server that are not published
uncertain_uploads  uploads there of which it is not known whether they arrived
findings      what was found out about somebody else's servers
replies       replies to commands that changed something, so that each is done once
audit         who changed what
limits        limits that a command set in place of the file's
accounts      the hashes of users' passwords
devices       programs that log in with a secret of their own
invitations   invitations that nobody has used yet
users         users that were made or changed by a command
workspaces    workspaces that were made by a command, and grants
workspace_moves  workspaces that move to another root, and what they left behind
drop_boxes    where the catalogue has what users have added who may do nothing else
servers       the servers that share this state
holders       which of them serves a folder
flow_orders   what one of them wants of a flow of another one
logins        logins that all of them know
tickets       downloads by address that were asked for at one of them
revisions     what has changed of that which they keep in memory
backup_files  files that came by the backup protocol
file_servers  file servers of the published program that have registered
nodes         storage nodes, and what is known of their folders
kept_folder   the folder of a storage node
node_invitations  invitations for storage nodes that were not used yet
node_orders   the last order of deletion that a storage node has taken
blobs         contents by their hash, and on which nodes their copies lie
blob_owners   which workspaces refer to them: what a sweep asks
recovery      what keeps a server's state on its nodes: keys, numbers, the last snapshot
placements    sets of nodes by number, and how much lies on each
objects       objects in buckets that keep contents
object_contents  contents of workspaces, and in which object each lies
object_uploads  large files on their way into objects, for the server that goes on with them

Every method that writes is one transaction. Methods called inside `with db.transaction():` join it,
so changes that belong together are written together. Do not await inside a transaction.
"""
