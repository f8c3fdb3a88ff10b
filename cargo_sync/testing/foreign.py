"""A far tree in memory that can do less than a server of ours, as its abilities say.

It lists everything at each look, folder by folder in any order. Its entries have no idents, rounded
times or none, and no modes, and their versions are digests.
"""

from collections.abc import AsyncIterator

from blake3 import blake3

from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.newest_change import NOTHING_SEEN, SeenChange
from cargo_sync.model.abilities import SECOND, Abilities, Replacing
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import Identity
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Observation


class ForeignTree(MemoryTree):
    """Somebody else's server; `server` says what it keeps."""

    server: Abilities = Abilities(
        SECOND,
        modes=False,
        links=False,
        idents=False,
        exchange=False,
        hashes=False,
        feed=False,
        replacing=Replacing.LOOKED_AT,
    )

    def _put(
        self, path: str, kind: str, content: bytes, mtime: int, mode: int, target: str = ""
    ) -> Entry:
        assert kind != LINK or self.server.links, f"{path!r} cannot be a link there"
        super()._put(path, kind, content, mtime, mode, target)
        return self._stamp(path)

    def set_mode(self, path: str, mode: int) -> None:
        if self.server.modes:
            super().set_mode(path, mode)
            self._stamp(path)

    def _set_metadata(self, action: Action, present: Entry | None) -> Outcome:
        outcome = super()._set_metadata(action, present)
        if outcome.problem is not None:
            return outcome
        return outcome._replace(result=self._stamp(action.path))

    def _stamp(self, path: str) -> Entry:
        """What the server keeps of an entry."""
        entry, step = self._entries[path], self.server.time_step
        if entry.kind != FILE:
            time = 0
        elif step is None:
            time = len(self._log) * SECOND  # when it came here
        else:
            time = entry.mtime_ns // step * step
        mode = entry.mode if self.server.modes else BY_UMASK
        ident = entry.ident if self.server.idents else 0
        kept = entry._replace(mtime_ns=time, mode=mode, ident=ident, hash="", version=0)
        told = kept if step is not None else kept._replace(mtime_ns=0)
        version = self._version(told._replace(name="", ident=0), self._contents.get(path, b""))
        self._entries[path] = stamped = kept._replace(version=version)
        return stamped

    def _version(self, entry: Entry, content: bytes) -> int:
        digest = blake3(repr(entry).encode() + content).digest(length=8)
        return (int.from_bytes(digest) >> 1) | 1

    # -- the contract ------------------------------------------------------------------------------

    @property
    def newest(self) -> SeenChange:
        return NOTHING_SEEN

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        return Identity(self._identity, abilities=self.server)

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        folders = [path for path, entry in self._entries.items() if entry.kind == FOLDER]
        for folder in [*reversed(folders), ""]:
            yield [self._listing(folder)]

    async def wait(self, cursor: int, seconds: float) -> bool:
        return False
