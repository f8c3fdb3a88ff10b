"""Accounts: the users of a server, how they log in, and which workspaces each of them may use.

access    the workspaces of each user
gate      how many logins are checked at the same time
invitations  invitations, and the devices that they make
logins    tokens and passwords
permits   what runs for whom, and ends with their permission
presence  when each user was there last
registry  the current users and workspaces, changed by the file and by commands
roster    the users and workspaces of the file and of the state, merged
terms     until when a user may come, and from where
tokens    tokens that hold at every server of several
throttle  delays after wrong passwords
users     users and their password hashes
"""
