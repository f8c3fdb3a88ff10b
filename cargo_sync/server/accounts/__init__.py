"""Users: who they are, how they log in, what they may do where.

access    a user's grants
address   where a request comes from
gate      how many logins are checked at the same time
logins    tokens and passwords
registry  the users and workspaces of this server, live
roster    those of the file against those of the state
throttle  how long wrong passwords wait
users     users and their password hashes
"""
