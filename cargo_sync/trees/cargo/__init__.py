"""A workspace on a Cargo server as a tree: the HTTP API, and the client's end of a flow.

api       calls of one user to one server
bounds    what an answer may cost: bytes, seconds, memory
flow      the client's end of a flow
flows     those of one job, which share its turn and its speed
invitation  makes this machine a device of a user
look      which server answers at an address, before a login
opening   opens a flow and its lane, also only to try it
probe     calls that only test a server: login, clock, speed
problems  errors of calls, as problems
pydio     recognises Pydio servers
replies   the server's replies, decoded
requests  the bodies of requests, encoded
trash     the trash of a workspace: listed, restored, emptied
tree      the far tree: a folder of a workspace
visit     a folder of a workspace for a get, a put or the shell
"""
