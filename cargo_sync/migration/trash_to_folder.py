"""The trash of a workspace on nodes into a folder's trash: each version at the place of its row."""

from collections.abc import Callable
from contextlib import suppress

from cargo_sync.local.root import Root, above
from cargo_sync.migration.placing import FOLDER_BITS, FilePlacer, WantedFile, batches
from cargo_sync.migration.sending import Advance
from cargo_sync.migration.trash_to_nodes import TrashRows, kept
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion
from cargo_sync.model.entries import FOLDER, LINK, Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.content.manifests import decoded
from cargo_sync.server.workspace.content.tree import usual_mode


class WrittenTrash:
    """Writes versions below a root. It may be done again: what is there already stays."""

    def __init__(self, root: Root, rows: TrashRows, placer: FilePlacer) -> None:
        self._root = root
        self._rows = rows
        self._placer = placer

    def __call__(self, advance: Advance, go_on: Callable[[], None]) -> None:
        """Writes all versions; `go_on` raises when it is to end.

        Raises:
            ProblemError: a content cannot be had, or not be written.
        """
        files: list[WantedFile] = []
        for _, version in kept(self._rows.ledger):
            go_on()
            if version.kind == FOLDER:
                self._folder(version, advance)
            else:
                files.append(WantedFile(version.place, self._top(version)))
                advance(0, version.size)
        self._write(files)
        advance(len(files), 0)

    def _folder(self, version: DisplacedVersion, advance: Advance) -> None:
        place, made = version.place, list[str]()
        files: list[WantedFile] = []
        made += self._made(place, self._top(version).mode)
        for part in self._rows.manifests.of(place):
            for path, entry in decoded(part):
                where = paths.join(place, path)
                if entry.kind == FOLDER:
                    made += self._made(where, entry.mode)
                else:
                    files.append(WantedFile(where, entry))
        self._root.sync({*above(made), *made})
        self._write(files)
        advance(1, version.size)

    def _made(self, path: str, mode: int) -> tuple[str, ...]:
        made = self._root.make_folder(path)
        with self._root.folder(path) as folder:
            self._root.set_mode(folder.fd, mode & FOLDER_BITS | 0o700, path)
        return made

    def _write(self, wanted: list[WantedFile]) -> None:
        for some in batches(one for one in wanted if not self._is_there(one)):
            self._placer(some)

    def _is_there(self, wanted: WantedFile) -> bool:
        """Whether it was written before: a file gets its name when all of it is durable."""
        there = None
        with suppress(ProblemError):
            there = self._root.entry(wanted.path)
        entry = wanted.entry
        if there is None or there.kind != entry.kind:
            return False
        if entry.kind == LINK:
            return there.target == entry.target
        return (there.size, there.mtime_ns) == (entry.size, entry.mtime_ns)

    def _top(self, version: DisplacedVersion) -> Entry:
        usual = usual_mode(version.kind), ""
        mode, target = self._rows.manifests.top(version.place) or usual
        size = 0 if version.kind == FOLDER else version.size
        name, times = paths.name(version.place), version.mtime_ns
        return Entry(name, version.kind, size, times, mode, hash=version.hash, target=target)
