"""A folder on an FTP server."""

from cargo_sync.daemon.far.login import RemoteLogin
from cargo_sync.model.world import World
from cargo_sync.trees.ftp.folder import FtpFolder
from cargo_sync.trees.ftp.login import FtpLogin


def ftp_folder(login: RemoteLogin, world: World) -> FtpFolder:
    """The folder on an FTP server that a job or a person names."""
    return FtpFolder(login.remote.below(login.remote_dir), ftp_login(login), world)


def ftp_login(login: RemoteLogin) -> FtpLogin:
    """How one logs in there, and which certificate is trusted."""
    remote = login.remote
    return FtpLogin(
        remote.host,
        remote.port,
        remote.secure,
        remote.tls_at_once,
        login.username,
        login.password.reveal,
        login.tls_fingerprint or "",
        login.ca_file or "",
    )
