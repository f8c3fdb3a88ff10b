"""Everything that touches a local folder: a job's on a client, a workspace's store on a server.

root     a folder held by its descriptor; every other file is reached relative to it, no link is
         ever followed
system   the calls that change a disk, chosen by platform in one place
scan     what is there, a folder at a time; watch: hints that it is time to scan
read     stable reads, for senders and for hashes
staging  content on its way in, below `.cargo_sync/staging`; parts: larger files, which go on after
         a cut
publish  staged files to their places, durably; trash: where goes what stood there
sink     all of that as the receiving end of a lane
lock     one owner a root, and the marker by which a root is known again
space    whether there is room

Nothing is ever overwritten or unlinked here but our own staging and trash that was purged.
"""
