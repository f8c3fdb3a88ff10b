"""A folder on an FTP server as a remote.

calls     what FTP can do with a path: look, list, rename, delete, make a folder
channel   a data connection, on which a listing or a content goes
content   a file that is being read
entries   what the server says of a file, as an `Entry`; names that cannot be used
facts     the lines of a listing, read: MLSD's facts, and what LIST shows to people
folder    the remote: one folder on the server
line      one control connection: a command, an answer
login     who logs in, and which certificate is trusted
opening   a control connection is opened: TLS, login, what the server offers
pool      a few control connections, opened when they are needed, and again after a cut
problems  refusals and errors of the connection, as problems
storing   content as it goes to the server
upload    a larger file under way to the server
ways      how this server sets times and goes on with a file: found out with files of our own
"""
