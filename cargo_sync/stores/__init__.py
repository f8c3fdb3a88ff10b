"""Stores: where a server keeps the files of its workspaces.

contract     contents by their hash, for workspaces whose catalogue is the truth: what a store keeps
folder       plain files in a local folder
blobs        contents by their hashes, in a folder of their own
blob_changes  how they come there, and leave: durably, in batches
blob_pieces  how they are read: nothing rotten leaves
blob_totals  how much such a folder holds, and how often it has changed
blob_sink    a lane that brings them
blob_source  a lane that asks for them
packets      small contents that go together
packet_sink  a lane that brings them
small_batch  they get their names while they arrive
placing_journal  which ones these are: what a kill leaves of them is found
blob_scrub   reads all of it, to find what has become rotten
unnamed      contents that are sent to a node before their hash is known
spool        contents on a disk of this machine, and who holds them
small_contents  those of the spool that lie in memory
spooled      a store of contents without other machines
claims       who uses a content, and who deletes copies of it
reading/     contents that lie elsewhere are read while readers wait
nodes/       on storage nodes: copies, repair, what comes back
objects/     in buckets: packs of small ones, parts of large ones
snapshots/   the state of a server, sealed, on its nodes; how it comes back
"""
