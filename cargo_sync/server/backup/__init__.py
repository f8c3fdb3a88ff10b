"""The coordinator of the backup protocol: nicknames send, list and fetch files.

text_port     the published program's protocol, byte for byte
frame_port    the same verbs in frames, for content of any size
shelf         one nickname's files: plain files of the user's workspace, and the ids that lead to
              them
nicknames     who comes in: users with their password, and nicknames that have none
port          a port, bound and closed
coordinator   the ports that the server's file asks for
"""
