"""Everything that touches a local folder: a job's on a client, a workspace's on a server.

ages     how old something in the trash or the staging is
at_once  a sink that publishes a batch as soon as it is submitted
batch    a batch of a sink, until it is committed
commit   publishes and records a complete batch
content_hash  the hash of a file's content
piece_lists  by which each MiB of a content is checked
file_systems  which file systems report each change to those who watch
folders  opens what is below a root by its whole path, at the moment of use
inotify  Linux's inotify: in which folders something changed
judge    the owner of a folder, as a receiver sees it: decides and records
ledger   the port through which displaced versions are recorded
listing  the names in an open folder, and their entries
fresh_folders  new folders, whose files are staged and published together
matching  hashes of other kinds, which somebody else's server knows
lock     one owner per root, and the marker that identifies a root
metadata  changes the time, the mode and the attributes of what is there
new_folders  makes many folders in one go
offered  offers that are refused whatever is here
overlaps  whether another process owns a folder above or below
parts    larger files that arrive in pieces and can continue after a cut
publish  moves staged files to their places, durably
read     reads of files that must not change meanwhile, for senders and for hashes
renames  to a free name, or two names change places
restoration  versions go from the trash back to their places
root     a folder held by its descriptor; all paths are relative to it, links are never followed
scan     lists everything below a root, folder by folder
sink     the receiving end of a lane into a folder: publishing and receipts
sparse   holes in files
space    what is free on a disk, and what is reserved for files on their way
staging  files that are not complete yet, below `.cargo_sync/staging`
staging_sink  what receiving ends have in common: judging and staging
system   the calls that change a disk; the only place that depends on the platform
trash    displaced files, below `.cargo_sync/trash`
trash_freeing  what is freed of a trash, whatever a version is
trash_runs  the names of the runs of a trash
trash_upkeep  what lies in the trash unknown is recorded, and what is overdue is freed
watch    hints that it is time to scan
watched  the tables of inotify: watched folders, and what happened in them
writer   writes pieces in a thread while the next ones come
xattrs   the extended attributes of files

Only two things are ever overwritten or unlinked here: our own staging, and trash that is purged.
"""
