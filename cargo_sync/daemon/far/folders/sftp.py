"""A folder on an SSH server."""

from cargo_sync.daemon.far.login import RemoteLogin
from cargo_sync.model.world import World
from cargo_sync.trees.sftp.folder import SftpFolder
from cargo_sync.trees.sftp.login import SftpLogin


def sftp_folder(login: RemoteLogin, world: World) -> SftpFolder:
    """The folder on an SSH server that a job or a person names."""
    return SftpFolder(login.remote.below(login.remote_dir), sftp_login(login), world)


def sftp_login(login: RemoteLogin) -> SftpLogin:
    """How one logs in there, and which server is trusted."""
    passphrase = login.key_passphrase
    return SftpLogin(
        login.remote.host,
        login.remote.port,
        login.username,
        login.password.reveal if login.password.reveal() else None,
        login.key_file,
        None if passphrase is None else passphrase.reveal,
        login.agent,
        login.host_key,
        login.known_hosts,
    )
