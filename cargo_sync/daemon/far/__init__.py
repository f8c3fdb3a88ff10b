"""The far side of a job: which tree it is, by what the job's `hostname` names.

cargo   a workspace on a Cargo server
choice  the far side of each kind
login   what a folder on somebody else's server is built from
remote  a folder on somebody else's server, over any protocol
s3      a folder of an S3 bucket
sftp    a folder on an SSH server
side    what a far side is built from, and what it brings besides its tree
"""
