"""Where contents of workspaces lie that are not folders: opened when one of them is served.

in_buckets  the store in buckets
on_nodes    the store on storage nodes
spool       what both have in `state_dir`: contents that were staged or are on their way
storages    both, and the workspaces that use them
"""
