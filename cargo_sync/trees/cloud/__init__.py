"""A folder of a service that OpenDAL reaches as a remote: Google Cloud Storage, Azure and others.

OpenDAL is an extra, and imported when such a folder is opened.

calls     what a service can do with a path: look, list, write, copy, delete
content   a file that is being read
entries   what a service says of a file, as an `Entry`; names that cannot be used
folder    the remote: one folder of a service
operator  the library: imported here, and told which service it is
patience  how long a call may take that carries a content
problems  the library's errors, as problems
services  which services there are, and how each calls what a job file says
upload    a larger file under way to a service
"""
