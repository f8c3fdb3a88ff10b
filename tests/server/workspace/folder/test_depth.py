"""What the server does for one entry does not grow with its depth."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.local.system import LinuxSystem
from cargo_sync.model.problems import Problem
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import Delete, Mkdir, Operation
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.effort import calls, make_chain
from tests.server.house import tracked

DEPTHS = (10, 40)
RUN = "0123456789abcdef"

pytestmark = pytest.mark.skipif(
    LinuxSystem.load() is None, reason="only openat2 opens a whole path in one call"
)


def folders(depth: int) -> list[str]:
    return ["/".join(["d"] * level) for level in range(1, depth + 1)]


def change(one: FolderWorkspace, operations: list[Operation]) -> None:
    assert not [done for done in one.change(operations, RUN) if isinstance(done, Problem)]


def scan(one: FolderWorkspace) -> None:
    pending = [""]
    while pending:
        pending += one.compare(pending.pop(), lambda path, entry: True).below


def make(one: FolderWorkspace, depth: int) -> Callable[[], object]:
    return lambda: change(one, [Mkdir(path, 0o755, 0) for path in folders(depth)])


def scan_new(one: FolderWorkspace, depth: int) -> Callable[[], object]:
    make_chain(one.path, depth)
    return lambda: scan(one)


def delete(one: FolderWorkspace, depth: int) -> Callable[[], object]:
    make(one, depth)()
    operations: list[Operation] = []
    for path in folders(depth):
        held = one.entry(path)
        assert held is not None
        operations.append(Delete(path, held.version, None))
    return lambda: change(one, operations[::-1])


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], FolderWorkspace]]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        houses = []

        def open_one(name: str) -> FolderWorkspace:
            (tmp_path / name).mkdir()
            houses.append(tracked(tmp_path / name, database, lambda: 1.7e9))
            return FolderWorkspace(houses[-1], lambda: "0" * 32)

        yield open_one
        for one in houses:
            one.close()


@pytest.mark.parametrize("work", [make, scan_new, delete])
def test_a_chain_costs_the_same_for_each_folder(
    opened: Callable[[str], FolderWorkspace],
    work: Callable[[FolderWorkspace, int], Callable[[], object]],
) -> None:
    short, long = (calls(work(opened(str(depth)), depth)) / depth for depth in DEPTHS)
    assert long < 1.3 * short


def test_a_file_costs_the_same_at_each_depth(opened: Callable[[str], FolderWorkspace]) -> None:
    one, costs = opened("one"), []
    make(one, 100)()
    for depth in (20, 100):
        upload = one.stage(f"{folders(depth)[-1]}/new", 1, 10**18, lambda held: None, RUN)
        upload.write(b"x")
        costs.append(calls(upload.publish))
    assert costs[1] < 1.2 * costs[0]
