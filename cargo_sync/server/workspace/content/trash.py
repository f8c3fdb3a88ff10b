"""The way back of a workspace: versions of its trash get rows again. No content is moved.

A restored version is ordinary new content: it is recorded with a new version, and clients see it in
the feed. What stood at its place goes to the trash in turn.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogued, Put, Recorded
from cargo_sync.machines.quota import NOTHING_USED, Use
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    DisplacedVersion,
    KeptVersion,
    Restored,
    TrashCause,
    TrashState,
    not_kept,
)
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.content.displacing import Displacing
from cargo_sync.server.workspace.content.manifests import decoded, encoded
from cargo_sync.server.workspace.content.tree import ContentTree, usual_mode
from cargo_sync.server.workspace.rows.way_back import promise_restored, restored_path

PART: Final = 1_000
"""Rows of a folder that are recorded at a time, in one transaction for all of it."""
SHOWN: Final = 20
"""Names of a folder in the trash that a problem tells."""


class _Part(NamedTuple):
    """What is restored of a version.

    path   where it shall be
    top    its own entry
    below  what is in it, by path in it; a folder comes before what is in it
    """

    path: str
    top: Entry
    below: list[tuple[str, Entry]]

    @property
    def size(self) -> Use:
        some = [self.top, *(entry for _, entry in self.below)]
        files = [entry for entry in some if entry.kind != FOLDER]
        return Use(sum(entry.size for entry in files), len(files))


class RowRestorer:
    """Restores versions for a user, of what was in the folder `within`.

    `permitted` is called before each of them, and raises ProblemError if it may not be done.
    """

    def __init__(
        self,
        tree: ContentTree,
        run: str,
        permitted: Callable[[], None],
        cause: ChangeCause,
        within: str = "",
    ) -> None:
        self._tree = tree
        self._permitted = permitted
        self._cause = cause
        self._within = within
        self._displacing = Displacing(tree, run, cause.user)

    def __call__(
        self, ids: Sequence[int], to: str, under: str, inside: str
    ) -> list[Restored | Problem]:
        """One result per id, in order; each is durable.

        Args:
            ids: of the versions.
            to: a folder below which they go; "" for their own places.
            under: their paths in this folder are those below `to`.
            inside: only what has this path in the folders that the versions are; "" for all.

        Raises:
            ProblemError: the state cannot be written.
        """
        results: dict[int, Restored | Problem] = {}
        for id in dict.fromkeys(ids):
            with self._tree.turn():
                version = dict(self._tree.ledger.kept([id])).get(id)
                if version is None or not paths.is_inside(version.path, self._within):
                    continue
                try:
                    self._permitted()
                    target = restored_path(version.path, to, under, self._within)
                    results[id] = self._restore(id, version, target, inside)
                except ProblemError as error:
                    results[id] = error.problem
                finally:
                    self._displacing.taken()
            self._tree.finish()
        return [results.get(id) or not_kept(id) for id in ids]

    def _restore(self, id: int, version: DisplacedVersion, path: str, inside: str) -> Restored:
        tree = self._tree
        paths.check(paths.join(path, inside) if inside else path)
        whole = self._manifest(version)
        part = self._part(version, whole, path, inside)
        held = tree.look(part.path)
        promised = NOTHING_USED
        if tree.quotas.of(self._cause.user):
            user = self._cause.user
            promised = promise_restored(tree.quotas, user, part.size, part.path, held)
        try:
            return self._record(id, version, part, held, _rest(whole, inside))
        finally:
            tree.quotas.end(promised)

    def _manifest(self, version: DisplacedVersion) -> list[tuple[str, Entry]]:
        """What is in a version that is a folder."""
        if version.kind != FOLDER:
            return []
        return [one for part in self._tree.manifests.of(version.place) for one in decoded(part)]

    def _part(
        self, version: DisplacedVersion, whole: list[tuple[str, Entry]], path: str, inside: str
    ) -> _Part:
        """What is to be restored. Raises ProblemError `unknown`."""
        if not inside:
            return _Part(path, self._top(version, paths.name(path)), whole)
        start = len(inside) + 1
        below = [(one[start:], entry) for one, entry in whole if one.startswith(f"{inside}/")]
        for one, entry in whole:
            if one == inside:
                return _Part(paths.join(path, inside), entry, below)
        message = f"the version of {version.path!r} in the trash has no {inside!r}"
        hint = _contents(version, whole, inside)
        raise ProblemError(Problem(Code.UNKNOWN, message, version.path, hint, retry=False))

    def _top(self, version: DisplacedVersion, name: str) -> Entry:
        usual = usual_mode(version.kind), ""
        mode, target = self._tree.manifests.top(version.place) or usual
        size = 0 if version.kind == FOLDER else version.size
        return Entry(
            name, version.kind, size, version.mtime_ns, mode, hash=version.hash, target=target
        )

    def _record(
        self,
        id: int,
        version: DisplacedVersion,
        part: _Part,
        held: Catalogued | None,
        rest: list[tuple[str, Entry]] | None,
    ) -> Restored:
        """Records what is restored, and what is left of the version, in one transaction."""
        tree = self._tree
        above = tree.folders_above([part.path])
        tops = [*above, *self._put(part.path, part.top, held)]
        entries = self._merged(part) if part.below and held is not None else part.below
        puts = [Put(paths.join(part.path, path), entry, 0, 0) for path, entry in entries]
        displaced = self._displacing.taken()
        hashes = [one.hash for one in (part.top, *(one for _, one in part.below)) if one.hash]
        recorded: list[tuple[Sequence[Put], Recorded]] = []
        with tree.ledger.together():
            tree.displace(displaced)
            for start in range(0, max(1, len(puts)), PART):
                some = [*(tops if not start else ()), *puts[start : start + PART]]
                if some:
                    done = tree.catalogue.record(tree.id, some, self._cause)
                    recorded.append((some, done))
            tree.refer_again(hashes)
            tree.manifests.drop([version.place])
            if rest is None:
                tree.ledger.ended([id], TrashState.RESTORED, part.path)
            else:
                tree.manifests.keep(version.place, encoded(rest))
                tree.keep_top(version.place, self._top(version, ""))
                tree.ledger.measured([(id, sum(entry.size for _, entry in rest))])
        for changes, told in recorded:
            tree.announce(changes, told)
        now = tree.catalogue.entry(tree.id, part.path)
        assert now is not None, "it was recorded in the same turn"
        return Restored(id, part.path, len(displaced), now.entry.version)

    def _put(self, path: str, entry: Entry, held: Catalogued | None) -> list[Put]:
        """The change that puts an entry where `held` stands; none where a folder meets one.

        Raises:
            ProblemError: `occupied`: a folder stands where a file shall be.
        """
        if held is not None and held.entry.kind == FOLDER:
            if entry.kind != FOLDER:
                message = f"a folder stands at {path!r}: it is not replaced by a file"
                hint = "restore it to another folder, or move that one away first"
                raise ProblemError(Problem(Code.OCCUPIED, message, path, hint, retry=False))
            return []
        if held is not None:
            self._displacing.add(path, held, TrashCause.RESTORED)
        return [Put(path, entry, 0, 0)]

    def _merged(self, part: _Part) -> list[tuple[str, Entry]]:
        """What of a restored folder is put into the one that stands at its place."""
        tree = self._tree
        held = tree.catalogue.entries(
            tree.id, [paths.join(part.path, path) for path, _ in part.below]
        )
        return [
            (path, entry)
            for (path, entry), one in zip(part.below, held, strict=True)
            if self._put(paths.join(part.path, path), entry, one)
        ]


def _rest(whole: Sequence[tuple[str, Entry]], inside: str) -> list[tuple[str, Entry]] | None:
    """What is left of a version without what is at `inside`; None if it is nothing.

    Folders above it that hold nothing else go, too.
    """
    if not inside:
        return None
    left = [(path, entry) for path, entry in whole if not paths.is_below(path, inside)]
    for above in paths.upwards(paths.parent(inside)):
        if any(path.startswith(f"{above}/") for path, _ in left):
            break
        left = [(path, entry) for path, entry in left if path != above]
    return left or None


def _contents(version: DisplacedVersion, whole: Sequence[tuple[str, Entry]], inside: str) -> str:
    """What is in the folder of a version in which `inside` would be, in words."""
    known = dict(whole)
    folder = paths.parent(inside)
    while folder and folder not in known:
        folder = paths.parent(folder)
    kind = known[folder].kind if folder else version.kind
    if kind != FOLDER:
        return "it is no folder"
    names = sorted(path for path in known if paths.parent(path) == folder)
    some = [repr(path) for path in names[:SHOWN]]
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"it has {', '.join(some)}{more}" if some else "it is empty"


def remover(tree: ContentTree) -> Callable[[Sequence[KeptVersion]], list[KeptVersion]]:
    """Removes versions of this trash for good. Raises ProblemError: the state cannot be written."""

    def remove(some: Sequence[KeptVersion]) -> list[KeptVersion]:
        with tree.ledger.together():
            tree.ledger.ended([one.id for one in some], TrashState.FREED)
            tree.manifests.drop([one.place for one in some])
        return list(some)

    return remove
