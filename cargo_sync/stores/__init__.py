"""Stores: where the bytes of a server's workspaces lie. The folder store is plain files in a
folder."""
