"""Requests -> calls, for what a daemon and a server answer alike.

process    hello, status, reload, shutdown
key        who is let in over TCP
audit      who changed what
bandwidth  of everything together
log        the last lines of the log
"""
