"""Both sides are compared by content, and what differs is delivered again."""

from pathlib import Path

import pytest

from cargo_sync.engine.execution import differences
from cargo_sync.engine.execution.differences import SideComparison
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.engine.world import System


@pytest.fixture(params=[Mode.UPLOAD, Mode.DOWNLOAD])
async def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    """A job with some delivered files."""
    one = System(tmp_path, request.param, settle=0.0)
    for name in ("a", "b", "f/c", "f/d"):
        one.source.write(name, name.encode(), 1)
    await one.run().execute()
    one.said()
    return one


async def compare(system: System) -> tuple[list[str], dict[str, int]]:
    comparison = SideComparison(
        "compared", system.rules, system.near, system.far, system.memory, system.world()
    )
    await comparison()
    page = system.memory.planned.page("compared", 0, 100)
    assert page is not None and page.totals is not None
    rows = [f"{one.action.path}: {one.action.why}" for one in page.actions]
    return rows, {word: number for word, number in page.totals.items() if number}


async def look(system: System) -> None:
    """The job looks at both sides, and does nothing: delivered is delivered."""
    system.memory.scope.everything()
    assert not (await system.run().execute()).acted


async def test_equal_sides_have_no_differences(system: System) -> None:
    """Also before a look has seen what the last run brought."""
    assert await compare(system) == ([], {"same": 4, "files": 4, "bytes": 8})


async def test_what_was_changed_or_removed_is_found_and_delivered_again(system: System) -> None:
    system.destination.write("a", b"own", 1)
    system.destination.save("b", b"B", 1)
    system.destination.remove("f")
    await look(system)
    rows, totals = await compare(system)
    assert rows == [
        "a: changed there", "b: changed there", "f/c: gone there", "f/d: gone there",
    ]  # fmt: skip
    assert totals == {
        "changed there": 2, "gone there": 2, "again": 4, "files": 4, "bytes": 8,
    }  # fmt: skip
    await system.run().execute(again="compared")
    assert system.destination.files() == system.source.files()
    assert sorted(system.destination.trash) == [("a", b"own"), ("b", b"B")]
    said = system.said()
    assert "displaced a" in said and "displaced b" in said
    await look(system)
    assert (await compare(system))[0] == []


async def test_what_a_disk_has_lost_is_found_although_nothing_shows_it(system: System) -> None:
    system.destination._contents["a"] = b"?"
    assert (await compare(system))[0] == ["a: changed there"]
    await system.run().execute(again="compared")
    assert system.destination.read("a") == b"a"


async def test_what_changed_since_is_not_overwritten(system: System) -> None:
    system.destination.remove("a")
    await look(system)
    await compare(system)
    system.destination.write("a", b"own", 1)
    await system.run().execute(again="compared")
    assert system.destination.read("a") == b"own"


async def test_a_file_that_cannot_be_read_is_said(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hashes(
        items: list[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        assert reread == (system.destination is system.far)
        return [Problem(code, "it cannot be read", path) for path, _ in items]

    code = Code.UNREADABLE
    await look(system)
    monkeypatch.setattr(differences, "FILES", 2)
    monkeypatch.setattr(system.destination, "hashes", hashes)
    rows, totals = await compare(system)
    assert sorted(rows) == [f"{name}: it cannot be read" for name in ("a", "b", "f/c", "f/d")]
    assert totals == {"not compared": 4, "files": 4, "bytes": 8}
    code = Code.NOT_OPEN
    with pytest.raises(ProblemError):
        await compare(system)
