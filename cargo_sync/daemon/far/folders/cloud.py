"""A folder of a service that OpenDAL reaches."""

from cargo_sync.daemon.far.login import RemoteLogin
from cargo_sync.model.world import World
from cargo_sync.trees.cloud.folder import CloudFolder
from cargo_sync.trees.cloud.services import CloudPlace


def cloud_folder(login: RemoteLogin, world: World) -> CloudFolder:
    """The folder of a cloud that a job or a person names."""
    remote = login.remote.below(login.remote_dir)
    place = CloudPlace(
        remote.service,
        remote.bucket,
        remote.path,
        login.username,
        login.password.reveal(),
        login.options.reveal(),
    )
    return CloudFolder(place, world)
