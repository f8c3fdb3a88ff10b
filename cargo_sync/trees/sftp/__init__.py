"""A folder on an SSH server as a remote: SFTP, over asyncssh.

connection  one SSH connection and its SFTP channel, opened when it is needed, and again after a cut
content     a file that is being read
entries     what the server says of a file, as an `Entry`; names that cannot be used
folder      the remote: one folder on the server
login       how one logs in, and which server is trusted
problems    errors of SSH and SFTP, as problems
upload      a larger file under way to the server
writing     new content: written under another name, synced, with its time and mode
"""
