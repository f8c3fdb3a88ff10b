"""The remotes that the suite proves: whoever writes one for a protocol adds its servers here.

A factory gives a context with a remote on an empty folder of a real server; it is not open yet. One
whose server cannot run here calls `pytest.skip` with the reason.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from cargo_sync.model.abilities import (
    CARGO,
    SECOND,
    Abilities,
    Publishing,
    Replacing,
    Resuming,
    Trashing,
)
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.contract import RemoteFolder

Factory = Callable[[Path], AbstractAsyncContextManager[RemoteFolder]]

NO_FEED: Final = replace(CARGO, feed=False, hashes=False, idents=False, exchange=False)
BUCKET: Final = replace(
    NO_FEED,
    time_step=None,
    modes=False,
    links=False,
    folders=False,
    hashes=True,
    publishing=Publishing.MULTIPART,
    trashing=Trashing.COPY,
)
"""As an object store."""
SHELL: Final = replace(
    NO_FEED, time_step=SECOND, replacing=Replacing.LOOKED_AT, resuming=Resuming.APPEND
)
"""As SFTP."""
SHARE: Final = replace(
    NO_FEED,
    time_step=SECOND,
    modes=False,
    links=False,
    replacing=Replacing.LOOKED_AT,
    resuming=Resuming.NONE,
)
"""As WebDAV or FTP."""
KINDS: Final = {"bucket": BUCKET, "shell": SHELL, "share": SHARE}


def in_memory(abilities: Abilities) -> Factory:
    @asynccontextmanager
    async def made(place: Path) -> AsyncIterator[RemoteFolder]:
        yield MemoryRemote(MemoryServer(), abilities, tells=not abilities.folders)

    return made


FACTORIES: dict[str, Factory] = {
    f"memory {name}": in_memory(abilities) for name, abilities in KINDS.items()
}
