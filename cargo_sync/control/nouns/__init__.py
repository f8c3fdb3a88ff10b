"""Requests -> calls, for what a daemon and a server answer alike: keys, who changed what, bandwidth."""
