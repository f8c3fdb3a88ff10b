"""Fakes for tests, in memory: a tree, a disk, a channel, a driver. The product never imports them.

blobs    rows of contents and nodes, for simulations
channel  both ends of a byte stream, and one that changes frames on the way
contents  a store of contents whose copies are made when a test says so
disk     the source and the sink of a lane
driver   steps both ends of a lane in turn, without threads
foreign  a far side that can do less than a server of ours
later    a sink and a source whose work is done elsewhere, and later
nodes    a storage node in this process
remote   a folder on somebody else's server
remote_content  content under way to and from it
remote_server   what lies there, and what people do with it
tree     one side of a job
"""
