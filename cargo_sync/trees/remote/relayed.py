"""A folder of one remote as the near side of a copy to another one, through this machine."""

from collections.abc import Sequence
from typing import NoReturn

from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.local.content_hash import ContentHash
from cargo_sync.local.matching import digests_of
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.entries import Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash, Matched
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.together import is_whole
from cargo_sync.trees.remote.transfer.relay import RelaySource
from cargo_sync.trees.remote.visit import VisitedRemote
from cargo_sync.trees.visit import VisitPage


class RelayedFolder:
    """One folder, for one copy. It is read only; nothing is staged here.

    visited, remote  the folder, seen in two ways
    name             of the folder: an address, by which a copy is known when it goes on
    root             "": no folder of this machine has anything of it
    """

    root = ""

    def __init__(self, visited: VisitedRemote, remote: RemoteFolder, name: str) -> None:
        self._visited = visited
        self._remote = remote
        self._name = name

    @property
    def abilities(self) -> Abilities:
        return self._remote.abilities

    def whole(self, path: str) -> str:
        return f"{self._name}/{path}"

    def relay(self, offload: Offload) -> RelaySource:
        """Reads the files of the folder for an upload."""
        return RelaySource(self._remote, offload)

    def source(self) -> Source:
        _only_to_remotes()

    def sink(self, run: str) -> Sink:
        _only_to_remotes()

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        return await self._visited.page(folder, after, limit)

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        return await self._visited.stand(folder, names)

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        raise AssertionError("a copy makes nothing at its source")

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        return await self._visited.hashes(items)

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        """Like NearTree.matches; a hash of the same kind that this server knows stands for ours.

        What neither server is certain of says nothing, and one that differs only if both are.
        """
        known = await self._visited.known_hashes([(path, entry) for path, entry, _ in items])
        found: list[Matched | Problem] = []
        for (path, entry, wanted), own in zip(items, known, strict=True):
            if own is not None and _compares(own, wanted):
                found.append(Matched(own.text, own.text == wanted.text))
            else:
                found.append(await self._matched(path, entry, wanted))
        return found

    async def _matched(self, path: str, entry: Entry, wanted: KnownHash) -> Matched | Problem:
        """Reads a file."""
        ours, theirs = ContentHash(), digests_of(wanted, entry.size)
        try:
            content = await self._remote.read(path, entry)
            try:
                async for piece in content:
                    for digest in (ours, *theirs):
                        digest.update(piece)
            finally:
                await content.close()
        except ProblemError as error:
            if is_whole(error):
                raise
            return error.at(path).problem
        same = any(digest.hexdigest() == wanted.text for digest in theirs)
        return Matched(ours.hexdigest(), same)

    async def close(self) -> None:
        """Whoever opened the remote closes it."""


def _compares(one: KnownHash, other: KnownHash) -> bool:
    """Whether the hashes of two servers say if their contents are the same."""
    if one.kind is not other.kind or one.kind not in (HashKind.MD5, HashKind.SHA1):
        return False
    if one.text == other.text:
        return one.certain or other.certain
    return one.certain and other.certain


def _only_to_remotes() -> NoReturn:
    words = "files of another server cannot go over a data connection of Cargo"
    raise ProblemError(Problem(Code.UNSUPPORTED, words, retry=False))
