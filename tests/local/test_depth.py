"""What one entry costs does not grow with its depth: a chain of folders is counted in calls."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_sync.local import trash
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.root import Root
from cargo_sync.local.scan import walk
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import LinuxSystem
from cargo_sync.local.trash_upkeep import keep_up
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.transfers import Offer
from cargo_sync.trees.landing import Landing
from tests.effort import calls, make_chain
from tests.local.samples import RUN

DEPTHS = (30, 120)

pytestmark = pytest.mark.skipif(
    LinuxSystem.load() is None, reason="only openat2 opens a whole path in one call"
)


def folders(depth: int) -> list[str]:
    return ["/".join(["d"] * level) for level in range(1, depth + 1)]


def make(root: Root, depth: int) -> Callable[[], object]:
    return lambda: [root.make_folder(path, 0o755) for path in folders(depth)]


def make_at_once(root: Root, depth: int) -> Callable[[], object]:
    return lambda: root.make_folder("/".join(["d"] * depth))


def receive(root: Root, depth: int) -> Callable[[], object]:
    sink = FolderSink(Staging(root, MemoryCheckpoints(), SpaceLedger()), Landing(root), RUN)
    offers = [Offer(f"{path}/f", 1, 10**18, 0o644, 1, 1, "") for path in folders(depth)]

    def work() -> None:
        sink.begin(1, offers)
        for index in range(depth):
            sink.whole(1, index, memoryview(b"x"))
        assert all(receipt.code == "done" for receipt in sink.commit(1))

    return work


def scan(root: Root, depth: int) -> Callable[[], object]:
    make_chain(root.path, depth)
    return lambda: list(walk(root))


def displace(root: Root, depth: int) -> Callable[[], object]:
    deepest_first = [*reversed(make_chain(root.path, depth))]
    return lambda: [
        trash.displace(root, path, RUN) for top in deepest_first for path in (f"{top}/f", top)
    ]


def purge(root: Root, depth: int) -> Callable[[], object]:
    place = f"{trash.PLACE}/{trash.run_folder(0, 'run')}"
    root.make_folder(place)
    make_chain(f"{root.path}/{place}", depth)

    return lambda: keep_up(root, MemoryLedger(), TrashLimits(0))


@pytest.mark.parametrize("work", [make, make_at_once, receive, scan, displace, purge])
def test_a_chain_costs_the_same_for_each_folder(
    tmp_path: Path, work: Callable[[Root, int], Callable[[], object]]
) -> None:
    per_folder = []
    for depth in DEPTHS:
        place = tmp_path / str(depth)
        place.mkdir()
        root = Root.open(str(place))
        per_folder.append(calls(work(root, depth)) / depth)
        root.close()
    short, long = per_folder
    assert long < 1.25 * short
