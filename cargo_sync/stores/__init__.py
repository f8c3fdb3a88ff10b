"""Stores: where a server keeps the files of its workspaces.

folder  plain files in a local folder
"""
