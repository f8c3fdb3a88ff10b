"""The commands, one small file a group; each has a tuple `VERBS`, and `shell.table` puts them
together."""
