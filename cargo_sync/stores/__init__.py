"""Stores: where a server keeps the files of its workspaces.

contract  contents by their hash, for workspaces whose catalogue is the truth: what a store keeps
folder    plain files in a local folder
"""
