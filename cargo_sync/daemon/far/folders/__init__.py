"""A folder on somebody else's server, of each kind, from what a job or a person says.

cloud   of a service that OpenDAL reaches
ftp     on an FTP server
pydio   in a workspace of a Pydio server
s3      in an S3 bucket
sftp    on an SSH server
webdav  on a WebDAV server
"""
