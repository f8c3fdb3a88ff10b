"""Others can use a workspace between the slices of long work, and while the disk is synced."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.catalogue import unfinished
from cargo_sync.catalogue.contract import Catalogued, Finished
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.local.listing import NameList
from cargo_sync.local.publish import Placing
from cargo_sync.model.problems import Problem
from cargo_sync.model.slices import slices
from cargo_sync.server.workspace.folder import catalogued_folder, operations
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.comparison import Compared, Still
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import Delete, Done, Mkdir, Move, Operation
from cargo_sync.server.workspace.rows import tree as tree_of_rows
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.house import NOW, tokens, tracked
from tests.server.surroundings import Clock

RUN = "run"
Work = Callable[[], object]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as one:
        yield one


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def folder(place: Path, database: Database) -> Iterator[CataloguedFolder]:
    one = tracked(place, database, Clock(NOW))
    yield one
    one.close()


@pytest.fixture
def workspace(folder: CataloguedFolder) -> FolderWorkspace:
    return FolderWorkspace(folder, tokens())


def scan(workspace: FolderWorkspace) -> None:
    pending = [""]
    while pending:
        pending += workspace.compare(pending.pop(), lambda path, entry: True).below
    workspace.finish()


def put(workspace: FolderWorkspace, path: str, content: bytes = b"x") -> int:
    upload = workspace.stage(path, len(content), 10**18, lambda held: None, RUN)
    try:
        upload.write(content)
        return upload.publish()[0].entry.version
    finally:
        upload.drop()


def change(workspace: FolderWorkspace, *operations: Operation) -> list[str]:
    results = workspace.change(operations, RUN)
    return [one.code_text if isinstance(one, Problem) else "done" for one in results]


def version(workspace: FolderWorkspace, path: str) -> int:
    held = workspace.entry(path)
    return held.version if held is not None else 0


def there(workspace: FolderWorkspace) -> list[str]:
    rows = workspace.changes(0, "", 1_000).rows
    return sorted(path for path, entry in rows if entry is not None)


def beside(work: Work) -> None:
    """Does `work` in another thread, which must not have to wait for this one."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(work).result(5)


def while_synced(folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    """Does `work` in another thread, once, while the disk is synced next."""
    root, waiting = folder.store.root, [work]
    sync = root.sync

    def slow(folders: Sequence[str], *, files: Sequence[str] = (), whole: bool = False) -> None:
        if waiting:
            beside(waiting.pop())
        sync(folders, files=files, whole=whole)

    monkeypatch.setattr(root, "sync", slow)


@pytest.mark.parametrize(
    "work",
    [
        lambda one: put(one, "new"),
        lambda one: change(one, Mkdir("folder", None, 0)),
        lambda one: change(one, Delete("old", version(one, "old"), None)),
    ],
)
def test_the_disk_is_synced_without_the_lock(
    workspace: FolderWorkspace,
    folder: CataloguedFolder,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[FolderWorkspace], object],
) -> None:
    put(workspace, "old")
    seen: list[int] = []
    while_synced(folder, monkeypatch, lambda: seen.append(put(workspace, "other")))
    work(workspace)
    assert seen
    assert "other" in there(workspace)


def test_others_come_between_the_operations_of_a_request(
    workspace: FolderWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "ACTS", 1)
    for name in "abc":
        put(workspace, name)
    wanted = [Delete(name, version(workspace, name), None) for name in "abc"]

    def cut(
        items: Sequence[Operation], cost: Callable[[Operation], int], most: int
    ) -> Iterator[Sequence[Operation]]:
        for number, some in enumerate(slices(items, cost, most)):
            if number == 1:
                beside(lambda: put(workspace, "c", b"new"))
            yield some

    monkeypatch.setattr(operations, "slices", cut)
    assert change(workspace, *wanted) == ["done", "done", "changed"]
    assert there(workspace) == ["c"]


def test_what_is_at_a_path_after_the_sync_is_not_deleted(
    workspace: FolderWorkspace, folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(workspace, "a", b"first")
    put(workspace, "b")
    versions = version(workspace, "a"), version(workspace, "b")
    while_synced(folder, monkeypatch, lambda: put(workspace, "a", b"second"))
    results = change(workspace, Delete("a", versions[0], None), Delete("b", versions[1], None))
    assert results == ["changed", "done"]
    assert there(workspace) == ["a"]
    held = workspace.entry("a")
    assert held is not None and held.size == len(b"second")


def test_a_folder_that_is_gone_after_the_sync_is_not_recorded(
    workspace: FolderWorkspace,
    folder: CataloguedFolder,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    while_synced(folder, monkeypatch, lambda: (place / "a").rmdir())
    assert change(workspace, Mkdir("a", None, 0), Mkdir("b", None, 0)) == ["changed", "done"]
    assert there(workspace) == ["b"]


def test_of_two_uploads_to_a_path_the_second_waits_until_the_first_is_recorded(
    workspace: FolderWorkspace,
    folder: CataloguedFolder,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, versions, wait = threading.Event(), list[int](), folder.arriving.wait

    def second() -> None:
        versions.append(put(workspace, "a", b"second"))

    def noted(some: Iterable[str]) -> None:
        waits.set()
        wait(some)

    def sync(_: Placing) -> None:
        if waiting:
            waiting.pop().start()
            assert waits.wait(60)

    thread = threading.Thread(target=second)
    waiting = [thread]
    monkeypatch.setattr(folder.arriving, "wait", noted)
    monkeypatch.setattr(Placing, "sync", sync)
    first = put(workspace, "a", b"first")
    thread.join()
    assert versions == [version(workspace, "a")] and first < versions[0]
    assert (place / "a").read_bytes() == b"second"
    [kept] = (place / ".cargo_sync" / "trash").rglob("a")
    assert kept.read_bytes() == b"first"


def test_a_scan_while_a_folder_is_synced_gives_it_its_version(
    workspace: FolderWorkspace, folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    while_synced(folder, monkeypatch, lambda: scan(workspace))
    [done] = workspace.change([Mkdir("a", None, 0)], RUN)
    assert isinstance(done, Done)
    assert done.version == version(workspace, "a") == 1


def test_a_folder_is_looked_through_in_slices_before_it_goes(
    workspace: FolderWorkspace, folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(workspace, Mkdir("d", None, 0), Mkdir("d/sub", None, 0))
    seen, compare = put(workspace, "d/file"), folder.compare

    def compared(path: str, still: Still) -> Compared:
        found = compare(path, still)
        if path == "d/sub":
            beside(lambda: put(workspace, late))
        return found

    monkeypatch.setattr(folder, "compare", compared)
    late = "d/late"
    assert change(workspace, Delete("d", 1, seen)) == ["changed"]
    late = "other"
    assert change(workspace, Delete("d", 1, version(workspace, "d/late"))) == ["done"]
    assert there(workspace) == ["other"]


def test_what_others_bring_into_a_large_folder_is_compared_in_parts_too(
    workspace: FolderWorkspace, folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogued_folder, "PART", 2)
    root, seen = folder.store.root, list[list[str]]()
    names, listing = root.names, folder.catalogue.listing

    def names_before(path: str) -> NameList:
        found = names(path)
        for name in "bdefg":
            put(workspace, name)
        return found

    def noted(*args: Any) -> list[Catalogued]:
        found = listing(*args)
        seen.append([one.entry.name for one in found])
        return found

    put(workspace, "a")
    put(workspace, "c")
    monkeypatch.setattr(root, "names", names_before)
    monkeypatch.setattr(folder.catalogue, "listing", noted)
    before = workspace.position(0).sequence
    workspace.compare("", lambda path, entry: True)
    assert seen == [["b", "c"], ["d", "e"], ["f", "g"], []]  # what comes before is as recorded
    assert there(workspace) == list("abcdefg")
    assert workspace.position(0).sequence == before + 5


@pytest.fixture
def in_parts(
    workspace: FolderWorkspace, folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Work], None]:
    """A folder d of six files; three rows are many, one is written at a time.

    The work that it is given is done after the second row.
    """
    monkeypatch.setattr(unfinished, "LARGE", 3)
    monkeypatch.setattr(tree_of_rows, "ROWS", 1)
    change(workspace, Mkdir("d", None, 0))
    for name in "abcdef":
        put(workspace, f"d/{name}")

    def then(work: Work) -> None:
        finish, calls = StoredCatalogue.finish, [0]

        def one(catalogue: StoredCatalogue, number: int, most: int) -> Finished | None:
            calls[0] += 1
            if calls[0] == 3:
                beside(work)
            return finish(catalogue, number, most)

        monkeypatch.setattr(StoredCatalogue, "finish", one)

    return then


def delete(workspace: FolderWorkspace) -> list[str]:
    return change(workspace, Delete("d", 1, 1_000))


def move(workspace: FolderWorkspace) -> list[str]:
    return change(workspace, Move("d", "e", 1))


def test_others_come_between_the_parts_of_a_large_deletion(
    workspace: FolderWorkspace, in_parts: Callable[[Work], None]
) -> None:
    met: list[object] = []

    def meanwhile() -> None:
        met.extend([workspace.listing("d"), workspace.entry("d/f"), there(workspace)])
        scan(workspace)
        put(workspace, "d/f", b"new")

    in_parts(meanwhile)
    assert delete(workspace) == ["done"]
    assert met == [None, None, []]
    assert there(workspace) == ["d", "d/f"]
    assert workspace.listing("d/f") is None
    before = workspace.position(0).sequence
    scan(workspace)
    assert workspace.position(0).sequence == before


def test_others_come_between_the_parts_of_a_large_move(
    workspace: FolderWorkspace, in_parts: Callable[[Work], None]
) -> None:
    met: list[object] = []
    ident = {name: workspace.entry(f"d/{name}") for name in "af"}

    def meanwhile() -> None:
        listing = workspace.listing("e") or []
        met.extend([workspace.listing("d"), [one.name for one in listing], workspace.entry("d/f")])
        scan(workspace)
        put(workspace, "e/f", b"new")
        put(workspace, "d/a", b"again")

    in_parts(meanwhile)
    assert move(workspace) == ["done"]
    assert met == [None, list("abcdef"), None]
    assert there(workspace) == ["d", "d/a", "e", *(f"e/{name}" for name in "abcdef")]
    for name in "af":
        then, now = ident[name], workspace.entry(f"e/{name}")
        assert then is not None and now is not None and then.ident == now.ident
    before = workspace.position(0).sequence
    scan(workspace)
    assert workspace.position(0).sequence == before


@pytest.mark.parametrize("work", [delete, move])
def test_after_a_stop_the_next_start_writes_the_rest(
    workspace: FolderWorkspace,
    folder: CataloguedFolder,
    place: Path,
    database: Database,
    in_parts: Callable[[Work], None],
    work: Callable[[FolderWorkspace], list[str]],
) -> None:
    ident = workspace.entry("d/f")
    in_parts(workspace.stop)
    assert work(workspace) == ["done"]
    assert StoredCatalogue(database).finish(folder.id, 1)  # it ended before the last row
    folder.close()
    after = tracked(place, database, Clock(NOW))
    again = FolderWorkspace(after, tokens())
    scan(again)
    assert not StoredCatalogue(database).finish(folder.id, 1)
    moved = ["e", *(f"e/{name}" for name in "abcdef")] if work is move else []
    assert there(again) == moved
    if work is move:
        now = again.entry("e/f")
        assert ident is not None and now is not None and now.ident == ident.ident
    after.close()
