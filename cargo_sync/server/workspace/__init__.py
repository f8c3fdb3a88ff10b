"""A workspace: a tree of files that a server keeps for its users.

content/       the workspace whose catalogue is the truth
contract       what the rest of the server may do with a workspace
folder/        the workspace that is a folder: the folder is the truth
incoming       what comes: one file over plain HTTP, what a drop box adds to a flow
node_storage   workspaces whose contents lie on storage nodes: what they need
offers         an offer beside what a catalogue has at its path
opened         the open workspaces of a server
operations     what may be done without content: values
promises       what a flow was promised of the quota
refusals       what a workspace refuses, in words for its users
staged_upload  one file over plain HTTP, until it is published
way_back       where a version of the trash goes
"""
