"""Servers that share one state: they know each other by rows that each writes once a second.

A server with a state of its own is the only one in its cluster: everything goes the same way.

flow_orders  orders to flows of other servers
following   what other servers change of that which this one keeps in memory
holds       which server has a folder
identity    what a server is called, and by which id the others know it
lives       which servers are there, for one that takes what another one had
membership  its row, and the others as it sees them
wakeups     what other servers have recorded wakes those who wait here
"""
