"""The kinds of servers, by protocol.

rclone      `rclone serve`: S3, WebDAV, SFTP and FTP
swift       S3 by Swift's s3api
swift_parts runs Swift's four servers
moto        a fake of S3
wsgidav     WebDAV
openssh     SFTP by sshd

An entry of SERVERS has a name, by which tests ask for it.
"""

from typing import Final

from tests.remotes.server import Server
from tests.remotes.servers import moto, openssh, rclone, swift, wsgidav

S3: Final[tuple[Server, ...]] = (rclone.S3, swift.SWIFT, moto.MOTO)
WEBDAV: Final[tuple[Server, ...]] = (rclone.WEBDAV, wsgidav.WSGIDAV)
SFTP: Final[tuple[Server, ...]] = (rclone.SFTP, openssh.OPENSSH)
FTP: Final[tuple[Server, ...]] = (rclone.FTP,)
SERVERS: Final = (*S3, *WEBDAV, *SFTP, *FTP)
