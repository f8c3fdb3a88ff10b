"""Our server as a tree: its HTTP API, and the client's end of a flow.

api       calls of one user on one server
flow      the client's end of a flow
look      who answers at an address, before a login
probe     calls that only try a server out
problems  what goes wrong with a call, as problems
pydio     telling a Pydio server from ours
replies   what a server answers, decoded
requests  what a server is asked, encoded
tree      a folder of a workspace, as a side of a job
visit     the same, as a visitor sees it
"""
