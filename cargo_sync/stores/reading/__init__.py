"""Reading contents that lie elsewhere, on nodes or in buckets, piece by piece, while readers wait.

pieces         pieces of contents on their way, and how each is checked
held_pieces    those that readers have in memory, or wait for
packet_memory  the memory of packets of small contents, used again
ahead          what lanes read soon is fetched before
windows        contents are read, a window of pieces at a time
"""
