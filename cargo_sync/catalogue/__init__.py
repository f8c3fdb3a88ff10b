"""The catalogue: what a server's workspaces hold, path -> entry, version, sequence.

contract  what every catalogue keeps
sqlite    the embedded one
"""
