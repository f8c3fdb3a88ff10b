"""Sessions: logins at a server, held by a daemon, for people who move files by hand.

daemon         finds the daemon to use, or starts a private one
key_file       whether a private key has a passphrase
opening        from an address to an open session
options        the options of a login
session        the calls of a session
transfers      the transfers of a session, from the feed

The interactive client and the backup menu use it.
"""
