"""A folder of an S3 bucket as a remote, over `cargo_sync.s3`.

content   an object that is being read
entries   objects as entries, their metadata, and keys that cannot be paths
folder    the remote: all keys of a bucket that begin alike
known     what was found out about the server, as it is kept
markers   what keeps a folder in which nothing is
replacing  only what was seen is replaced: by a condition where the server has it, else by a look
small     a small object that has been read
upload    a larger file under way to a bucket, in parts
walking   one flat list of keys becomes the listings of folders
"""
