"""A folder on an SSH server as a remote: SFTP of our own (wire/sftp), over SSH by asyncssh.

channel     the calls of SFTP, on one channel
connection  one SSH connection and its channels, opened when needed, and again after a cut
content     a file that is being read
entries     what the server says of a file, as an `Entry`; names that cannot be used
exchange    requests and answers: many go together, answers come as they are ready
folder      the remote: one folder on the server
login       how one logs in, and which server is trusted
names       paths below the folder: what is there, folders that are made, names that go
other_disks  which folders of a server are on another disk than our folder
problems    errors of SSH and SFTP, as problems
publishing  new files: staged under another name, then renamed
upload      a larger file under way to the server
writing     new content: written in many requests at the same time
"""
