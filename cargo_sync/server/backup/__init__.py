"""The coordinator of the backup protocol: users of nicknames send, list and fetch files.

coordinator  the ports in the server's file
port         a port, bound and closed
text_port    the published program's protocol, byte for byte
frame_port   the same verbs in frames, for content of any size
nicknames    logins: users with their password, and nicknames without one
file_servers  the published program's file servers: they register, and get extra copies of texts
extra_copies  the copies of one of them: sent, read back, compared
shelf        a nickname's files: plain files of the user's workspace, and their ids
"""
