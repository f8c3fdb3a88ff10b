"""The kinds of servers, by protocol.

rclone      `rclone serve`: S3, WebDAV, SFTP and FTP
swift       S3 by Swift's s3api
swift_parts runs Swift's four servers
moto        a fake of S3
wsgidav     WebDAV
written     servers like Pydio and like Nextcloud, written for these tests
pydio_parts the program of the one
pydio_changes  its log of changes
nextcloud_parts  the program of the other
apache_dav  WebDAV by Apache
openssh     SFTP by sshd
ftp_user    the user of the FTP servers
vsftpd      FTP, plain, with TLS, and with TLS as strict as it comes
proftpd     FTP; in `make remotes` alone, as the next ones
pure_ftpd   FTP
ceph        S3 by Ceph's gateway
ceph_parts  runs a small Ceph

An entry of EVERY has a name, by which tests ask for it.
"""

import os
from typing import Final

from tests.remotes.server import Server
from tests.remotes.servers import (
    apache_dav,
    ceph,
    moto,
    openssh,
    proftpd,
    pure_ftpd,
    rclone,
    swift,
    vsftpd,
    written,
    wsgidav,
)

ALL: Final = os.environ.get("CARGO_REMOTES") == "all"
"""Whether servers are wanted that are too slow to start or too large for `make test`, too."""
S3: Final[tuple[Server, ...]] = (rclone.S3, swift.SWIFT, moto.MOTO)
WEBDAV: Final[tuple[Server, ...]] = (
    rclone.WEBDAV, wsgidav.WSGIDAV, apache_dav.APACHE_DAV, written.NEXTCLOUD,
)  # fmt: skip
SFTP: Final[tuple[Server, ...]] = (rclone.SFTP, openssh.OPENSSH)
FTP: Final[tuple[Server, ...]] = (rclone.FTP, vsftpd.PLAIN, vsftpd.TLS, vsftpd.STRICT)
PYDIO: Final[tuple[Server, ...]] = (written.PYDIO,)
MORE: Final[tuple[Server, ...]] = (ceph.CEPH, proftpd.PROFTPD, pure_ftpd.PURE_FTPD)
"""Those of `make remotes` alone."""
EVERY: Final = (*S3, *WEBDAV, *SFTP, *FTP, *PYDIO, *MORE)
SERVERS: Final = tuple(one for one in EVERY if ALL or one not in MORE)
"""Those that are wanted now."""


def wanted(*names: str) -> tuple[str, ...]:
    """Of servers by name those that are wanted now."""
    now = {one.name for one in SERVERS}
    return tuple(name for name in names if name in now)
