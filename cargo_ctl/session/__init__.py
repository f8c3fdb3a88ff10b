"""Sessions: a login of the daemon's at a server, through which people list and transfer files by
hand.

`daemon` finds the daemon to speak to or starts a private one, `trust` decides about certificates,
`session` has the calls, `transfers` follows what is on its way. The interactive client and the
backup menu stand on it.
"""
