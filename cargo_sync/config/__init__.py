"""Settings: a file in relaxed JSON becomes frozen values, or all problems of the file.

relaxed         JSON as people write it
spans           where the members of a document are in its text
editing         changes of a file's text, with its comments
masking         a job file's text without its secrets
environment     `${NAME}` in a text becomes the value of a variable
shape           pydantic, with its errors in our words
fields          types of fields that several files share
patterns        one pattern of .gitignore
globs           what git's wildcards match, as regular expressions
renamed         old names of fields
job             job files
job_document    the text of a job file, or the only job in a file of pydio-sync
job_folder      the job files of a folder, and which jobs cannot run beside each other
job_shape       the form of a job file
after_transfer  what becomes of a delivered source file
events          the callbacks of a job
timetable       times of day in a job file
pydio           job files of pydio-sync
arguments       jobs from arguments of the command line
daemon          the daemon's file
server          the server's file
server_changes  which changes of the server's file take effect while it runs
server_shape    the form of the server's file
database        the address of a PostgreSQL that has a server's state
stored          workspaces on storage nodes, or in buckets
bucket          a bucket with the contents of a workspace
node            a storage node's file
grants          what users may do in named workspaces
process_shape   fields that the daemon's and the server's files share
callbacks       where callbacks may go
control         where a process takes commands
backup          the ports of the Servidor Backup protocol
cluster         what a server is among others on one database
check           `cargo_sync check`
places          paths and addresses
remote_address  what a hostname names: a Cargo server, S3, WebDAV, SFTP, …
options         what a service of a cloud is told
remote_kinds    which fields of a job have a meaning for what a hostname names
system_keyring  passwords in the keyring of the system
expiry          until when a user may log in
units           speeds, sizes and times of day
secret          passwords in memory
certificates    what the files of a certificate need somebody to do
errors          the problems of a file

Nothing here starts anything. The packages above decide what a setting means in a running program.
"""
