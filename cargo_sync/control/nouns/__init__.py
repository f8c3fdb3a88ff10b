"""Requests -> calls, for what a daemon and a server answer alike: keys, what happened, who changed
what."""
