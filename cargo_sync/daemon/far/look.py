"""Who answers at the address of somebody else's server, before a login; no password is sent."""

from typing import Final

from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import NAMES
from cargo_sync.config.secret import Secret
from cargo_sync.daemon.far.login import VisitLogin
from cargo_sync.model.world import World
from cargo_sync.trees.cargo.look import ServerKind, ServerLook, certificate_of

_WORDS: Final[dict[RemoteKind, ServerKind]] = {
    RemoteKind.CLOUD: "cloud",
    RemoteKind.FTP: "ftp",
    RemoteKind.PYDIO: "pydio",
    RemoteKind.S3: "s3",
    RemoteKind.SFTP: "sftp",
    RemoteKind.WEBDAV: "webdav",
}


async def far_look(remote: RemoteAddress, known_hosts: str | None, world: World) -> ServerLook:
    """Looks at a server that is not Cargo's.

    Raises:
        ProblemError: nobody answers there.
    """
    kind = _WORDS.get(remote.kind, "unknown")
    fingerprint, trusted = "", False
    # As in choice.py, what reaches a kind of server is imported when it is needed.
    if remote.kind is RemoteKind.SFTP:
        from cargo_sync.daemon.far.folders.sftp import sftp_login
        from cargo_sync.trees.sftp.connection import SftpConnection

        login = sftp_login(VisitLogin(remote, "", Secret(""), known_hosts=known_hosts))
        fingerprint, trusted = await SftpConnection(login, world).host_key()
    elif remote.kind is RemoteKind.FTP:
        from cargo_sync.daemon.far.folders.ftp import ftp_login
        from cargo_sync.trees.ftp.opening import shown_certificate

        login_there = ftp_login(VisitLogin(remote, "", Secret("")))
        fingerprint, trusted = await shown_certificate(login_there)
    elif remote.secure and not remote.host:
        trusted = True  # AWS, a cloud: certificates are signed by known authorities, or refused
    elif remote.secure:
        fingerprint, trusted = await certificate_of(remote.origin)
    sentence = f"{remote} is {NAMES[remote.kind]}"
    if remote.secure and not trusted:
        sentence += ", which this system does not know: compare its fingerprint"
    return ServerLook(str(remote), kind, remote.secure, fingerprint, trusted, sentence)
