"""A storage node: it keeps contents by their hash for one coordinator, which is a server.

app        runs a node: from settings until it is stopped
node       its parts, connected
gateway    its HTTPS API: state, inventory, deletions, scrub, flows
recovery   snapshots of its server's state: kept, and given to who has the recovery key
flows      its flows, and the ends of their lanes
scrubbing  reads all that is kept, once in a while, at a settable rate
metrics    its metrics
"""
