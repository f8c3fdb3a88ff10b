"""A folder in a workspace of a Pydio server."""

from cargo_sync.daemon.far.login import RemoteLogin
from cargo_sync.model.world import World
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.folder import PydioFolder
from cargo_sync.trees.webdav.login import WebDavLogin


def pydio_folder(login: RemoteLogin, world: World) -> PydioFolder:
    """The folder on a Pydio server that a job or a person names.

    The path of the address is that of Pydio itself; `remote_dir` is below the workspace.
    """
    remote = login.remote
    user = WebDavLogin(
        remote.authority,
        login.username,
        login.password.reveal,
        login.tls_fingerprint or "",
        login.ca_file or "",
    )
    place = PydioPlace(remote.origin, remote.path, login.workspace, login.remote_dir)
    return PydioFolder(place, user, world)
