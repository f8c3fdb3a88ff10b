"""A folder on a WebDAV server."""

from cargo_sync.daemon.far.login import RemoteLogin
from cargo_sync.model.world import World
from cargo_sync.trees.webdav.folder import WebDavFolder
from cargo_sync.trees.webdav.login import WebDavLogin


def webdav_folder(login: RemoteLogin, world: World) -> WebDavFolder:
    """The folder on a WebDAV server that a job or a person names."""
    user = WebDavLogin(
        login.remote.authority,
        login.username,
        login.password.reveal,
        login.tls_fingerprint or "",
        login.ca_file or "",
    )
    return WebDavFolder(login.remote.below(login.remote_dir), user, world)
