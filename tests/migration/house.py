"""A server's state, a folder and a spool, for tests of moves; everything may stop at any call."""

import os
import random
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.space import SpaceLedger
from cargo_sync.migration.contents import RowsOnNodes
from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.progress import Phase
from cargo_sync.migration.sending import SendTarget
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.migration.to_nodes import MoveToNodes, MovingFolder
from cargo_sync.migration.trash_to_nodes import TrashRows
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import Delete, Exchange, Meta, Mkdir, Move, Operation
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.workspace_moves import WorkspaceMoves
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.folder import FolderStore
from cargo_sync.stores.spool import BlobSpool, HoldCounts
from cargo_sync.stores.spooled import SpooledStore
from tests.conformance.workspaces import ANA, RUN, Scene, content_workspace, offer
from tests.local.systems import system
from tests.server.house import NOW, Heard, tokens
from tests.server.surroundings import Clock

STORED = "stored:files"
MARKER = "ab" * 16
MTIME = 1_600_000_000_123_456_789
Kill = Callable[[str], None]


class Quiet:
    """Nobody looks."""

    def phase(self, phase: Phase, total: tuple[int, int] = (0, 0)) -> None:
        pass

    def advance(self, files: int, bytes: int) -> None:
        pass


class Site:
    """What is there, open until `last` closes it. `kill` hears each call that writes."""

    def __init__(self, place: Path, last: ExitStack, kill: Kill | None = None) -> None:
        self.place = place
        self.last = last
        self.clock = Clock(NOW)
        self.database = last.enter_context(
            SqliteDatabase.open(str(place / "state.db"), "server", *([kill] if kill else []))
        )
        self.history = HistoryRows(self.database, self.clock, self.clock)
        self.catalogue = StoredCatalogue(self.database, self.history)
        self.moves, self.blobs = WorkspaceMoves(self.database), Blobs(self.database)
        self._system = system("native", kill or (lambda call: None))
        self._ages, self._space = MemoryAges(self.clock), SpaceLedger()
        self._checkpoints = Checkpoints(self.database, self.clock)
        holds = HoldCounts()
        spool = BlobFolder.open(
            str(place / "spool"),
            "",
            tokens(),
            self._checkpoints,
            self._space,
            self._ages,
            holder="a test",
            system=self._system,
        )
        last.callback(spool.close)
        owners = BlobOwners(self.database)
        self.store = SpooledStore(BlobSpool(spool, holds), holds, self.blobs, owners, self.clock)

    def trash(self, id: int) -> TrashRows:
        ledger = DisplacedRows(self.database, id, self.clock, self.clock)
        return TrashRows(ledger, Manifests(self.database, id))

    def folder_store(self, path: str, known: str, **more: Any) -> FolderStore:
        return FolderStore.open(
            path,
            known,
            checkpoints=self._checkpoints,
            space=self._space,
            ages=self._ages,
            wall=self.clock,
            system=self._system,
            **{"token": tokens(), **more},
        )

    def folder(self, name: str = "files") -> MovingFolder:
        """The workspace as a folder."""
        path = str(self.place / name)
        folder = CataloguedFolder(
            path,
            self.catalogue,
            partial(DisplacedRows, self.database, wall=self.clock, lived=self.clock),
            partial(self.folder_store, path),
            tokens(),
            Heard(),
            lambda told: None,
            self.clock,
        )
        workspace = FolderWorkspace(folder, tokens())
        self.last.callback(workspace.close)
        workspace.attach()
        return MovingFolder(folder, workspace, self.trash(folder.id))

    def scene(self, workspace: Workspace) -> Scene:
        return Scene(workspace, self.database, self.clock)

    def stored(self) -> Scene:
        """The workspace on the store."""
        made = content_workspace(STORED, self.database, self.store, self.clock, Heard())
        return self.scene(made)

    def to_nodes(self, name: str = "files") -> None:
        """Moves it from a folder to the store."""
        source = self.folder(name)
        id = source.folder.id
        self.moves.begin(id, STORED, "")
        target = SendTarget(self.store, RowsOnNodes(self.database, 0), id)
        MoveToNodes(source, target, lambda: True, Quiet())()
        source.workspace.close()
        self.moves.ready(id)
        self.catalogue.workspace(STORED, tokens())

    def to_folder(self, name: str = "back", *, ready: bool = True) -> None:
        """Moves it from the store to a folder; unless `ready`, it stops before the switch."""
        path = str(self.place / name)
        id = self.catalogue.workspace(STORED, tokens()).id
        move = self.moves.begin(id, path, MARKER)
        target = self.folder_store(path, "", token=lambda: move.marker)
        try:
            contents = ContentReads(self.store, id)
            source = StoredSource(self.catalogue, self.trash(id), contents)
            MoveToFolder(source, target, lambda: True, Quiet())()
        finally:
            target.close()
        if ready:
            self.moves.ready(id)
            self.catalogue.workspace(path, tokens())


NAMES: Final = ["a", "b", "a/x", "a/y", "b/x", "b/deep/er", "c", "ñ ö", "a/x y"]


def live(scene: Scene, seed: int, steps: int = 25) -> None:
    """People use a workspace in many ways."""
    chance = random.Random(seed)
    for number in range(steps):
        scene.clock.now += 10
        path, other = chance.sample(NAMES, 2)
        content = bytes([number]) * chance.choice([0, 1, 500, 2_000])
        made = offer(path, content, scene.version(path), mtime_ns=MTIME + number)
        made = made._replace(mode=chance.choice([0o640, 0o755, 0o600]))
        link = offer(f"{path} link", target=other)
        files = [(made, content), (made, content), (link, b"")]
        if which := chance.randrange(6):
            scene.change(change(scene, path, other, which))
        else:
            scene.bring(files[chance.randrange(3)])
        scene.bring(files[0])
    kept = scene.kept()
    if kept:
        scene.workspace.restore([kept[0].id], "again", RUN, cause=ANA)


def change(scene: Scene, path: str, other: str, which: int) -> Operation:
    """One of the changes without content."""
    version, theirs = scene.version(path), scene.version(other)
    if which == 1:
        return Mkdir(path, 0o750, 0)
    if which == 2:
        return Delete(path, version, scene.workspace.position(0).sequence)
    if which == 3:
        return Meta(path, version, 0o644, MTIME)
    return Exchange(path, other, version, theirs) if theirs else Move(path, other, version)


def view(scene: Scene) -> dict[str, Any]:
    """All that clients see: names, versions, ids, times, contents, trash, history."""
    workspace = scene.workspace
    page = workspace.changes(0, "", 10_000)
    id = workspace.id
    rows = [(path, entry and entry._replace(hash="", name=path)) for path, entry in page.rows]
    kept = [row._replace(version=row.version._replace(hash="")) for row in scene.kept()]
    position = workspace.position(0)
    lineages = [workspace.catalogue.lineage(id, one) for one in range(page.sequence + 1)]
    with scene.database.read() as connection:
        told = connection.execute("SELECT cursor, kind, user, count FROM history").fetchall()
    return {
        "rows": rows,
        "sequence": (page.sequence, page.floor, position.epoch, id),
        "lineages": lineages,
        "files": scene.files(),
        "trash": kept,
        "use": workspace.catalogue.use(id),
        "told": told,
    }


def on_disk(root: Path) -> dict[str, Any]:
    """What is in a folder, its trash too: kinds, modes, times, contents."""
    found: dict[str, Any] = {}
    for above, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(above, name)
            where = str(path.relative_to(root))
            status = path.lstat()
            if where.startswith(".cargo_sync") and not where.startswith(".cargo_sync/trash/"):
                continue
            if path.is_symlink():
                found[where] = (os.readlink(path), status.st_mtime_ns)
            elif path.is_dir():
                # Folders of runs, and those that lead to a version, are our own.
                found[where] = ("folder",)
            else:
                found[where] = (status.st_mode, status.st_mtime_ns, path.read_bytes())
    return found


def same(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """What differs."""
    return [key for key in before if now[key] != before[key]]
