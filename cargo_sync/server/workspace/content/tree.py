"""The rows of a workspace whose catalogue is the truth, and what else is written with them.

Nobody else writes here: what the catalogue says is there, is there. From the look at what an
operation replaces until its result is recorded, the workspace is held (`turn`): by a lock for the
threads of this process, and by the state for other servers. One transaction records the rows, what
they displaced, the manifests of displaced folders, and which contents they refer to.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, Protocol

from cargo_sync.catalogue.contract import (
    Catalogue,
    Catalogued,
    Change,
    Put,
    PutColumns,
    Recorded,
)
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.trash_runs import TrashRuns
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion
from cargo_sync.model.entries import FOLDER, LINK, PERMISSIONS, Entry
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.workspace.content.flows.left import LeftFiles
from cargo_sync.server.workspace.content.manifests import ManifestRows, encoded
from cargo_sync.server.workspace.rows.tree import CataloguedTree, Changed, Tell
from cargo_sync.stores.contract import Content, ContentStore, Secured

FOLDER_MODE: Final = 0o755
FILE_MODE: Final = 0o644
"""Modes that were not given: nobody's umask has a say here."""


class ContentRows(Protocol):
    """Which contents a workspace refers to (`state.blobs`). Any thread may call it."""

    def record(
        self,
        workspace: int,
        hashes: Sequence[str],
        sizes: Sequence[int],
        where: Sequence[int],
        lists: Mapping[str, bytes],
    ) -> None:
        """Adds contents; what the workspace has already keeps its placement, and is live again."""

    def revive(self, workspace: int, hashes: Sequence[str]) -> None:
        """Something refers to these again."""

    def condemn(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """Nothing in the workspace refers to these."""


class StateTurns(Protocol):
    """How a workspace is held where several servers write (`state.database`)."""

    def held(self, workspace: int | None, *, whole: bool = False) -> AbstractContextManager[object]:
        """What its rows say stays true until the block ends; then what was written is true."""

    def afterwards(self, call: Callable[[], object]) -> None:
        """Calls it once what was written until now is true."""


@dataclass(frozen=True, slots=True)
class ContentState:
    """The parts of a server's state that a workspace writes in one transaction.

    ledger, manifests  of the workspace with this id
    """

    catalogue: Catalogue
    ledger: Callable[[int], TrashLedger]
    manifests: Callable[[int], ManifestRows]
    contents: ContentRows
    turns: StateTurns


class StoredContent(NamedTuple):
    """A content that is secured, and where."""

    content: Content
    where: Secured


class Leaving(NamedTuple):
    """What a change displaces: its version for the ledger, and what that does not say."""

    version: DisplacedVersion
    mode: int
    target: str


class ContentTree(CataloguedTree):
    """One workspace. Nothing is open: it is there as long as the state is.

    manifests  of the folders in its trash
    referred   hashes that something refers to since the sweep began; None while there is none
    changes    how often something was recorded since it was opened: while it stays the same, what
               was looked up still holds
    """

    def __init__(
        self,
        path: str,
        state: ContentState,
        store: ContentStore,
        world: World,
        changed: Changed,
        tell: Tell,
    ) -> None:
        """Opens the catalogue of a workspace, and begins a lineage.

        Args:
            path: its name in the catalogue.
            state: of the server.
            store: has its contents.
            world: clocks, and ids for a new epoch and the lineage.
            changed: called after each recorded change.
            tell: called with what the history tells of it.
        """
        super().__init__(path, state.catalogue, state.ledger, world.token, changed, tell)
        self.manifests = state.manifests(self.id)
        self.contents = state.contents
        self._turns = state.turns
        self.store = store
        self.left = LeftFiles(store.release, world.steady)
        self.runs = TrashRuns(world.wall)
        self.steady = world.steady
        self.lived = world.lived
        self.token = world.token
        self.referred: set[str] | None = None
        self.changes = 0

    @contextmanager
    def turn(self, *, alone: bool = False, whole: bool = False) -> Iterator[None]:
        """Holds the workspace: nobody else changes it until the block ends.

        What is recorded inside is true at the end of the block, and told then. Nothing inside may
        wait for the store.

        Args:
            alone: nobody else changes any workspace; for what is recorded in two of them.
            whole: what is recorded inside cannot fail in part.

        Raises:
            ProblemError: `state_locked`; at the end of the block, too: nothing of it is true then.
        """
        with self.lock, self._turns.held(None if alone else self.id, whole=whole):
            yield

    # -- looking -----------------------------------------------------------------------------------

    def look(self, path: str) -> Catalogued | None:
        """What is at `path`. Raises ProblemError: `bad_path`, `reserved_name`."""
        return self.catalogue.entry(self.id, paths.check(path))

    def folders_above(self, some: Iterable[str], made: Collection[str] = frozenset()) -> list[Put]:
        """The folders above these paths that are not there: they are recorded first.

        Those in `made` will be recorded anyway.

        Raises:
            ProblemError: `not_a_folder`, `symlink`: something else is above one of them.
        """
        missing: list[str] = []
        asked = {"", *made}
        level = {path.rpartition("/")[0] for path in some}
        while level := level - asked:
            asked |= level
            folders = list(level)
            lacking = []
            for folder, one in zip(folders, self.catalogue.entries(self.id, folders), strict=True):
                if one is None:
                    lacking.append(folder)
                elif one.entry.kind != FOLDER:
                    raise in_the_way(folder, one.entry.kind)
            missing += lacking
            level = {paths.parent(folder) for folder in lacking}
        return [new_folder(folder) for folder in sorted(missing)]  # one comes before those in it

    # -- recording ---------------------------------------------------------------------------------

    def record(
        self,
        changes: Sequence[Change | PutColumns],
        displaced: Sequence[Leaving] = (),
        cause: ChangeCause = OTHERS,
        placed: Sequence[StoredContent] = (),
    ) -> Recorded:
        """Records changes with all that belongs to them, and wakes their readers. In a `turn`."""
        with self.ledger.together():
            self.displace(displaced)
            recorded = self.catalogue.record(self.id, changes, cause)
            self.refer_to(placed)
        self.announce(changes, recorded)
        return recorded

    def announce(self, changes: Sequence[Change | PutColumns], recorded: Recorded) -> None:
        self._turns.afterwards(partial(self._announced, changes, recorded))

    def _announced(self, changes: Sequence[Change | PutColumns], recorded: Recorded) -> None:
        self.changes += 1
        super().announce(changes, recorded)

    def heard(self) -> None:
        self.changes += 1
        super().heard()

    def displace(self, some: Sequence[Leaving]) -> None:
        """Notes what changes are about to displace, within their transaction.

        What a folder holds is copied to its manifest: it takes some seconds for a million files.
        """
        if some:
            self.manifests.keep_tops(
                [
                    (one.version.place, one.mode, one.target)
                    for one in some
                    if one.target or one.mode != usual_mode(one.version.kind)
                ]
            )
            self.ledger.add([self._measured(one.version) for one in some])

    def _measured(self, version: DisplacedVersion) -> DisplacedVersion:
        if version.kind != FOLDER:
            return version
        size = 0

        def counted() -> Iterator[tuple[str, Entry]]:
            nonlocal size
            for path, entry in self.below(version.path):
                size += entry.size
                yield path, entry

        self.manifests.keep(version.place, encoded(counted()))
        return version._replace(size=size)

    def refer_to(self, placed: Sequence[StoredContent]) -> None:
        """Notes contents that changes refer to, within their transaction."""
        if placed:
            contents, where = zip(*placed, strict=True)
            hashes, sizes = zip(*contents, strict=True)
            lists = {one.content.hash: one.where.pieces for one in placed if one.where.pieces}
            self.contents.record(self.id, hashes, sizes, [one.placement for one in where], lists)
            self._note(hashes)

    def refer_again(self, hashes: Sequence[str]) -> None:
        """Notes that versions of the trash are there again, within their transaction."""
        if hashes:
            self.contents.revive(self.id, hashes)
            self._note(hashes)

    def _note(self, hashes: Sequence[str]) -> None:
        if self.referred is not None:
            self.referred.update(hashes)

    def keep_top(self, place: str, top: Entry) -> None:
        """Notes what the ledger does not say of a version, within its transaction."""
        if top.target or top.mode != usual_mode(top.kind):
            self.manifests.keep_tops([(place, top.mode, top.target)])

    def below(self, folder: str) -> Iterator[tuple[str, Entry]]:
        """All that is below a folder, with paths in it, a folder before what is in it."""
        pending = [folder]
        start = len(folder) + 1 if folder else 0
        while pending:
            above = pending.pop()
            for held in self.catalogue.listing(self.id, above):
                path = paths.join(above, held.entry.name)
                yield path[start:], held.entry
                if held.entry.kind == FOLDER:
                    pending.append(path)


def usual_mode(kind: str) -> int:
    """The mode of what was given none."""
    return FOLDER_MODE if kind == FOLDER else FILE_MODE


def new_folder(path: str, mode: int | None = None) -> Put:
    """A folder that is made. Its owner may always use it; see `PERMISSIONS`."""
    wanted = FOLDER_MODE if mode is None else (mode | 0o700) & PERMISSIONS
    return Put(path, Entry(paths.name(path), FOLDER, mode=wanted), 0, 0)


def in_the_way(path: str, kind: str) -> ProblemError:
    """The problem of what is below something that is no folder."""
    if kind == LINK:
        message = f"{path!r} is a symbolic link; links are never followed"
        return ProblemError(Problem(Code.SYMLINK, message, path))
    return ProblemError(Problem(Code.NOT_A_FOLDER, f"{path!r} is not a folder", path))
