"""The trash of a remote as a person sees it."""

from dataclasses import replace

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.abilities import CARGO, Trashing
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.kept_trash import KeptTrash
from tests.conformance.remotes import KINDS
from tests.trees.remote.trees import Clocks

OLD, NEW = "20260102T030405Z-a", "20260103T030405Z-b"
TRASH = ".cargo_sync/trash"


async def test_a_server_without_one_says_so() -> None:
    clocks, none = Clocks(), replace(CARGO, trashing=Trashing.VERSIONS)
    kept = KeptTrash(
        lambda: MemoryRemote(MemoryServer(), none), MemoryAges(clocks.at), clocks.world.offload
    )
    with pytest.raises(ProblemError, match="no trash that can be listed"):
        await kept.page(TrashFilter(), None, 10)


@pytest.fixture(params=KINDS)
def trash(request: pytest.FixtureRequest) -> tuple[KeptTrash, MemoryServer, Clocks]:
    clocks, server = Clocks(), MemoryServer()
    for number in range(7):
        server.write(f"{TRASH}/{OLD}/d/{number}", b"old")
    server.write(f"{TRASH}/{NEW}/d/0", b"newer")
    server.write(f"{TRASH}/{NEW}.1/d/0", b"newest")
    server.write(f"{TRASH}/no run/x", b"")
    server.write("d/1", b"there")
    kind = KINDS[request.param]
    ages, world = MemoryAges(clocks.at), clocks.world
    return KeptTrash(lambda: MemoryRemote(server, kind), ages, world.offload), server, clocks


async def rows(trash: KeptTrash, limit: int, wanted: TrashFilter) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    before, totals = None, None
    while True:
        page = await trash.page(wanted, before, limit)
        assert len(page.rows) <= limit and totals in (None, page.totals)
        totals = page.totals
        found += [(row.version.run, row.version.path) for row in page.rows]
        if (before := page.before) is None:
            return found


async def test_it_is_listed_in_pages_the_newest_first(
    trash: tuple[KeptTrash, MemoryServer, Clocks],
) -> None:
    kept, _, _ = trash
    whole = await rows(kept, 100, TrashFilter())
    assert sorted(whole[:2]) == [(NEW, "d/0"), (f"{NEW}.1", "d/0")]
    assert sorted(whole[2:]) == [(OLD, f"d/{number}") for number in range(7)]
    for limit in (1, 2, 3, 8, 9):
        assert await rows(kept, limit, TrashFilter()) == whole
    assert await rows(kept, 2, TrashFilter("d/3")) == [(OLD, "d/3")]
    assert len(await rows(kept, 2, TrashFilter(run=OLD))) == 7
    totals = (await kept.page(TrashFilter(), None, 1)).totals
    assert totals == (9, 7 * 3 + 5 + 6)


async def test_versions_come_back_but_never_over_something_and_are_freed(
    trash: tuple[KeptTrash, MemoryServer, Clocks],
) -> None:
    kept, server, clocks = trash
    page = await kept.page(TrashFilter(run=OLD), None, 100)
    ids = {row.version.path: row.id for row in page.rows}
    back, taken, gone = await kept.restore([ids["d/0"], ids["d/1"], 5], "", "run")
    assert back == Restored(ids["d/0"], "d/0")
    assert isinstance(taken, Problem) and taken.code is Code.OCCUPIED
    assert isinstance(gone, Problem) and gone.code is Code.VANISHED
    [elsewhere] = await kept.restore([ids["d/1"]], "found/here", "run")
    assert elsewhere == Restored(ids["d/1"], "found/here/d/1")
    assert server.read_at("d/0") == server.read_at("found/here/d/1") == b"old"
    assert server.read_at("d/1") == b"there"

    assert await kept.free([ids["d/2"], ids["d/2"] + 1]) == (1, 3, False)
    assert await kept.free_older(3600) == (0, 0, False)  # they are seen for the first time now
    clocks.now += 3601
    assert await kept.free_older(3600) == (6, 4 * 3 + 5 + 6, False)
    assert await rows(kept, 10, TrashFilter()) == []
