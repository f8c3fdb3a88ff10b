"""Contents on storage nodes: how copies are made, repaired, compared and deleted.

ports      rows of contents, links to nodes, and what all of the work shares
securing   contents of the spool get copies, up to the quorum
arriving   a content that goes on to nodes while it still arrives
recent_pieces  the newest pieces of it, in memory
keeping_up  who brings it waits a moment for lanes that nearly keep up
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
piece_sink  the end of a lane over which they come
fleet      all nodes: asked how they are, taken in, given up when they are silent
fetching   they are fetched; another node goes on where one fails
small_fetching  small contents are fetched in packets
store      the store of contents: all of it, connected
inventory  a node that comes: what its folder holds
pairing    a node joins, with an invitation
"""
