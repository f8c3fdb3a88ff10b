"""Contents on storage nodes: how copies are made, repaired, compared and deleted.

ports      rows of contents, links to nodes, and what all of the work shares
claims     who uses a content, and who deletes copies of it
securing   contents of the spool get copies, up to the quorum
arriving   a content that goes on to nodes while it still arrives
recent_pieces  the newest pieces of it, in memory
forwarding  to which nodes it goes
repairing  copies that are missing are made, copies too many go
survey     what is missing, looked at every few seconds, and how the repair gets on
deleting   what nobody wants is deleted
client     what one node can be asked for
link       one node on another machine
node_api   its HTTPS API, as calls
node_lane  contents move between it and us, in one direction
forward_lane  contents that still arrive, each over a lane of its own
packing    small contents move to it in packets
pieces     pieces of contents on their way from it, and how each is checked
piece_sink  the end of a lane over which they come
fleet      all nodes: asked how they are, taken in, given up when they are silent
held_pieces  the pieces that readers have in memory, or wait for
fetching   they are fetched; another node goes on where one fails
ahead      what lanes read soon is fetched before
small_fetching  small contents are fetched in packets
packet_memory  the memory of these packets, used again
reading    contents are read, a window of pieces at a time
store      the store of contents: all of it, connected
inventory  a node that comes: what its folder holds
pairing    a node joins, with an invitation
"""
