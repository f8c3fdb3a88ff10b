"""Content between the near side and a remote, both ways, and from one remote to another.

ahead     a larger file comes over several connections if its server is far away
content   what an upload reads from (a contract)
fetching  downloads: small files together, larger ones by ranges
files     the files that a transfer moves: how far each is, which were cancelled
flow      one transfer: batches overlap, results come as they end
limits    one turn and one speed for all transfers of a job
memory    how much content is in memory at once
near_end  the source and the sink of the near side, in threads
pieces    a larger file goes piece by piece, and goes on after a cut or a restart
relay     files of another remote, read for an upload
sending   uploads: small files in one call, larger ones in pieces
uploads   where it is kept what larger uploads need to go on
"""
