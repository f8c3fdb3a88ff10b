"""Sessions: logins at a server, held by a daemon, for people who move files by hand.

daemon         finds the daemon to use, or starts a private one
known_servers  the certificates that a person accepted
opening        from an address to an open session
options        the options of a login
places         where the files of a user's front ends are
session        the calls of a session
transfers      the transfers of a session, from the feed
trust          decides about certificates

The interactive client and the backup menu use it.
"""
