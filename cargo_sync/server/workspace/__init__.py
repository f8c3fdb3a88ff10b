"""A workspace: a tree of files that a server keeps for its users.

content/       the workspace whose catalogue is the truth
contract       what the rest of the server may do with a workspace
folder/        the workspace that is a folder: the folder is the truth
incoming       what comes: one file over plain HTTP, what a drop box adds to a flow
opened         the open workspaces of a server
operations     what may be done without content: values
promises       what a flow was promised of the quota
refusals       what a workspace refuses, in words for its users
rows/          what both builds do alike with the rows of a workspace
staged_upload  one file over plain HTTP, until it is published
storage/       workspaces whose contents lie on storage nodes or in buckets: what they need
"""
