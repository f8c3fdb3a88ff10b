"""The state of a server, sealed, on its storage nodes: how it gets there, and how it comes back.

A snapshot is one content, which a node can neither read nor forge (sealing.py). It has a place of
its own on a node (shelf.py), where no sweep and no order to delete contents reaches it.

sealing    a stream of bytes, encrypted and authenticated, in chunks
archive    what is in a snapshot: a few small files, and the state
making     a snapshot of a running server
keeping    when snapshots are made, and how they get to the nodes
shelf      the snapshots that a node keeps
door       who may ask a node for them, and how that is proved
asking     a node is asked for its snapshots, by a machine that has only the recovery key
restoring  the newest snapshot becomes the state of a new machine
"""
