"""Storage nodes: what is decided about them and the copies on them. Time and chance are arguments.

states     what a node is doing, from what was heard of it and when
room       how much room a node has, from what it says and what it refuses
placement  which nodes get copies, and how many make a content safe
copies     how many copies a content has, which are missing, which are too many
repair     which contents get copies first, how fast, and when surplus may go
census     what is missing in all, what can be made now, and what each node has that lacks copies
progress   how a repair gets on, and for how long it will go on
orders     whose deletions a node does
returning  what to believe of a node that comes back
snapshots  snapshots of the server's state: their numbers, and which of them stay
"""
