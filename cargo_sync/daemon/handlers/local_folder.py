"""`local.list`: the folders of this machine, to choose one for a job."""

from collections.abc import Mapping, Sequence
from typing import Any

from cargo_sync.api.job_file_commands import LOCAL_LIST, LocalListArgs
from cargo_sync.api.messages import JsonObject
from cargo_sync.config.places import home
from cargo_sync.control.routes import Route
from cargo_sync.daemon.sessions.local_paths import folders_in
from cargo_sync.model.world import Offload


class LocalFolderHandlers:
    """Lists folders. `env` says where the home of the daemon's user is."""

    def __init__(self, env: Mapping[str, str], offload: Offload) -> None:
        self._env = env
        self._offload = offload

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(LOCAL_LIST, self.list),)

    async def list(self, args: LocalListArgs) -> JsonObject:
        path = args.path or home(self._env)
        page = await self._offload(folders_in, path, args.after, args.limit)
        return {
            "path": page.path,
            "parent": page.parent,
            "folders": list(page.names),
            "next": page.names[-1] if page.more else None,
        }
