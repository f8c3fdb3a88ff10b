"""The catalogue: which files a server's workspaces have, path -> entry, version, sequence.

contract  the rules that each catalogue must keep
rows      the rows of SQLite's `entry` table
sqlite    the catalogue in SQLite
"""
