"""`cargo_sync demo`: real programs transfer files to a server and back.

run       the demo: what runs, and in which order
home      the settings, the state and the sockets, all in one temporary folder
programs  our programs, each in a process of its own
progress  what the feed says of the jobs, shown until all has arrived
trees     the files: made, looked at, compared
nodes     storage nodes: they join, one of them is killed, and its copies are made again

All output is measured and compared, never assumed: every file of the last folder is compared with
the first by its hash; the time is from the first look to the last arrival.
"""
