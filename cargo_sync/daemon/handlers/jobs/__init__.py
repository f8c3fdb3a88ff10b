"""The handlers of `job.…`.

check  `job.test`
files  `job.add`, `.remove`, `.check`, `.read` and `.write`
job    `job.list`, `.show`, `.start`, `.pause`, `.reload`, `.sync`, `.approve`, `.speed`, …
plan   `job.plan`, `.verify`, `.deliver`
"""
