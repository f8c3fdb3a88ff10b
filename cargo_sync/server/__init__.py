"""The other end: users, workspaces, files, and the HTTP API in front of them.

user       who may log in; `path` is the folder of their workspace `default`
workspace  one folder and its catalogue; several users may be granted one, "rw" or "ro"
access     what a user may do in a workspace, under the name that they know it by
intake     noticing what other programs do to a workspace's folder
gateway    the HTTP API: a request in, a call of a workspace, an answer out
flow       one negotiated stream of content for a run and a direction, beside the HTTP API
"""
