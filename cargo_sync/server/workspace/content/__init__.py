"""The workspace whose catalogue is the truth: contents lie in a store, and only rows name them.

displacing  what changes displace, until they are recorded
forwarding  large files that go on to the store while they come
flows/      what lanes bring and fetch
manifests   what a displaced folder holds
operations  create folder, delete, move
sweep       contents that nothing refers to any more
trash       versions of the trash: restored, freed
tree        the rows of a workspace, and what else is written with them
upkeep      trash that is overdue, and the sweep, while it is served
upload      one file uploaded over plain HTTP
workspace   the workspace as the rest of the server uses it
"""
