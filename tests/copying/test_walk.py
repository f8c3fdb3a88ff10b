"""A walk over pages: its order, its memory, and how it continues after a cut."""

from collections.abc import Sequence

import pytest

from cargo_sync.copying import walk
from cargo_sync.copying.walk import SingleEntry, Walk
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.visit import VisitPage

FATAL = frozenset({Code.CUT})


class Tree:
    """Folders by path, with the names in them; a name that ends with a slash is a folder."""

    def __init__(self, **folders: Sequence[str]) -> None:
        self.folders = {
            path.replace("_", "/").strip("/"): sorted(names) for path, names in folders.items()
        }
        self.failing: list[Code] = []
        self.asked: list[tuple[str, str]] = []

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        self.asked.append((folder, after))
        if self.failing:
            raise ProblemError(Problem(self.failing.pop(0), "it failed"))
        names = [name for name in self.folders[folder] if name.strip("/") > after][: limit + 1]
        entries = [
            Entry(name.strip("/"), FOLDER if name.endswith("/") else FILE) for name in names[:limit]
        ]
        return VisitPage(entries, entries[-1].name if len(names) > limit else None)

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        raise NotImplementedError

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        raise NotImplementedError

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        raise NotImplementedError


async def told(one: Walk) -> list[str]:
    lines = []
    while (found := await one.next(FATAL)) is not None:
        names = [entry.name for entry in found.entries] + [
            problem.code for problem in found.problems
        ]
        lines.append(f"{found.folder}: {' '.join(names)}")
    return lines


async def test_a_folder_comes_before_what_is_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE", 2)
    tree = Tree(_=["a", "b/", "c", "d/", "e"], b=["x/"], b_x=["1", "2"], d=[])
    assert await told(Walk(tree)) == [": a b", "b: x", "b/x: 1 2", ": c d", "d: ", ": e"]


async def test_what_is_dropped_is_not_entered() -> None:
    tree = Tree(_=["a/", "b/"], a=["1"], b=["2"])
    one = Walk(tree)
    await one.next(FATAL)
    one.drop("a")
    assert await told(one) == ["b: 2"]


async def test_after_a_cut_the_same_page_comes_and_a_bad_folder_is_only_told_of() -> None:
    tree = Tree(_=["a/", "b"], a=["1"])
    one = Walk(tree)
    await one.next(FATAL)
    tree.failing = [Code.CUT, Code.UNREADABLE]
    with pytest.raises(ProblemError):
        await one.next(FATAL)
    assert await told(one) == ["a: unreadable"]
    assert tree.asked == [("", ""), ("a", ""), ("a", "")]


async def test_one_comes_once() -> None:
    one = SingleEntry(Entry("f", FILE))
    found = await one.next(FATAL)
    assert found is not None
    assert [entry.name for entry in found.entries] == ["f"]
    assert await one.next(FATAL) is None
