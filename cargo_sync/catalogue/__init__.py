"""The catalogue: which files a server's workspaces have, path -> entry, version, sequence.

contract    the rules that each catalogue must keep
feed        the changes of a workspace, as a client asks for them
looking     rows in few statements, and what was looked up while a workspace is held
quota_ledger  what may still come into a workspace, and what is promised there
recording   changes become rows, in one transaction
rows        the rows of the table `entry`
stored      the catalogue in a server's state, one row per path
telling     what the history tells of the changes
unfinished  large subtrees that are gone or moved: their rows follow in parts
"""
