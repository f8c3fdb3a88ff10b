"""A folder in a workspace of a Pydio server (6 to 8) as a remote, over aiohttp.

The HTTP session, the login and the errors of the connection are those of trees/webdav.

addresses  paths in a workspace, and the URLs of calls about them
answers    what the server answers: errors with status 200, listings, the state of a file
api        one call: a request, and its answer as a whole
calls      what the API can do with a path
changes    what the server tells of changes: its log
content    a file that is being read
entries    what the server says of a file, as an `Entry`
folder     the remote: one folder of a workspace
forms      the body of an upload
problems   errors that are Pydio's own
upload     a file under way to the server, a piece at a time
"""
