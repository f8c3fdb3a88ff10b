"""Copies with a fake far side: cuts, refusals, receipts that never come."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from cargo_sync.copying import retries
from cargo_sync.copying.copier import Copier, CopyOptions, CopySides
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.transfer_ids import TransferIds
from cargo_sync.copying.walk import Walk
from cargo_sync.engine.execution import batches
from cargo_sync.lanes.figures import Figures
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.model import paths
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.model.world import World
from cargo_sync.state.orders import Orders, Way
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.trees.contract import Brought, Ends, Moved, Task
from cargo_sync.trees.offers import brought
from cargo_sync.trees.visit import VisitPage
from tests.offloads import inline
from tests.server.surroundings import entropy

FRESH = entropy()
WORLD = World(lambda: 0.0, lambda: 0.0, lambda: 0.0, lambda: FRESH(16).hex(), inline, lambda: 0.0)
LARGE = 9_000_000

Step = Callable[["Side", Sequence[Task]], list[Receipt] | None]


class Side:
    """Entries by path. As the far side it ends each batch as the next of `steps` says.

    Without further steps all files arrive.
    """

    def __init__(self, *files: str, size: int = 3) -> None:
        self.entries: dict[str, Entry] = {}
        self.hash = "same"
        self.steps: list[Step] = []
        self.batches: list[list[str]] = []
        for path in files:
            self.put(path, Entry(paths.name(path), FILE, size, 5, 0o644, 1, 1))

    def put(self, path: str, entry: Entry) -> None:
        for above in paths.upwards(paths.parent(path)):
            self.entries.setdefault(above, Entry(paths.name(above), FOLDER, mode=0o755))
        self.entries[path] = entry

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        below = [
            entry for path, entry in self.entries.items() if path and paths.parent(path) == folder
        ]
        return VisitPage(sorted(below))

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        found = {name: self.entries.get(paths.join(folder, name)) for name in names}
        return {name: entry for name, entry in found.items() if entry is not None}

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        problems: list[Problem | None] = []
        for path, _ in folders:
            there = self.entries.setdefault(path, Entry(paths.name(path), FOLDER))
            problems.append(
                None if there.kind == FOLDER else Problem(Code.NOT_A_FOLDER, "a file", path)
            )
        return problems

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        return [self.hash for _ in items]

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        raise NotImplementedError

    def source(self) -> Source:
        raise NotImplementedError

    def sink(self, run: str) -> Sink:
        raise NotImplementedError

    async def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        async for tasks in batches:
            self.batches.append([task.action.path for task in tasks])
            step: Step = self.steps.pop(0) if self.steps else well
            receipts = step(self, tasks)
            if receipts is None:
                raise ProblemError(Problem(Code.CUT, "it was cut"))
            yield brought(tasks, receipts, Moved())

    @property
    def abilities(self) -> Abilities:
        return CARGO

    def figures(self) -> Figures | None:
        return None

    def rate(self, mode: Mode) -> int:
        return 1 << 30

    async def set_speed(self, bits: int | None) -> None:
        raise NotImplementedError

    def granted(self) -> int | None:
        return None


def well(side: Side, tasks: Sequence[Task]) -> list[Receipt]:
    for task in tasks:
        assert task.action.source is not None
        side.put(task.action.path, task.action.source)
    return [Receipt("done")] * len(tasks)


def lost(side: Side, tasks: Sequence[Task]) -> None:
    """All files arrive, but no receipt does."""
    well(side, tasks)


def cut(side: Side, tasks: Sequence[Task]) -> None:
    """Nothing arrives."""


def failing(*codes: Code | None) -> Step:
    def step(side: Side, tasks: Sequence[Task]) -> list[Receipt]:
        return [
            Receipt(code, message=code) if code else well(side, [task])[0]
            for task, code in zip(tasks, codes, strict=True)
        ]

    return step


class House:
    """A put from `near` to `far`."""

    def __init__(self, folder: Path, near: Side, far: Side, *, overwrite: bool = False) -> None:
        self.near, self.far, self.progress = near, far, CopyProgress()
        self.database = SqliteDatabase.open(str(folder / "s.db"), "daemon")
        self.in_use: set[str] = set()
        ids = TransferIds(
            Orders(self.database, lambda: 0.0),
            Way("put", "u", "ana", "w"),
            lambda path: (path, "/" + path),
            "",
            self.in_use,
            WORLD,
        )
        sides = CopySides(Mode.UPLOAD, near, far, far.abilities)
        options = CopyOptions(overwrite, "run")
        self.copier = Copier(sides, Walk(near), options, self.progress, ids, WORLD)

    async def attempts(self) -> int:
        """How many attempts it needed."""
        for number in range(1, 10):
            try:
                await self.copier.attempt(None)
            except ProblemError as error:
                if error.problem.code != "cut":
                    raise
            else:
                return number
        raise AssertionError("it does not end")

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Done, of how many, skipped, failed."""
        progress = self.progress
        return progress.files_done, progress.files_total, progress.skipped, progress.failures


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "delay", lambda *args, **more: 0.0)


async def test_folders_first_then_files_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_FILES", 2)
    house = House(tmp_path, Side("a", "b", "d/c", "d/e/f"), Side())
    house.near.put("empty", Entry("empty", FOLDER))
    assert await house.attempts() == 1
    assert house.far.batches == [["a", "b"], ["d/c", "d/e/f"]]
    assert house.counts == (4, 4, 0, 0)
    assert house.far.entries["empty"].kind == FOLDER


async def test_what_arrived_without_a_receipt_counts_once_and_is_not_sent_twice(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, Side("a", "d/b", size=LARGE), Side())
    house.far.steps = [lost]
    assert await house.attempts() == 2
    assert house.far.batches == [["a"], ["d/b"]]
    assert house.counts == (2, 2, 0, 0)
    assert house.progress.bytes_done == house.progress.bytes_total == 2 * LARGE
    assert house.in_use == set()


async def test_what_was_cut_is_sent_again_under_its_id(tmp_path: Path) -> None:
    house = House(tmp_path, Side("a", size=LARGE), Side())
    house.far.steps = [cut, cut]
    assert await house.attempts() == 3
    assert house.far.batches == [["a"]] * 3
    assert house.counts == (1, 1, 0, 0)


async def test_what_is_overtaken_is_looked_at_again_a_few_times(tmp_path: Path) -> None:
    house = House(tmp_path, Side("a", "b"), Side())
    house.far.steps = [
        failing(Code.CHANGED, None),
        failing(Code.BUSY),
        failing(Code.VANISHED),
        failing(Code.CHANGED),
    ]
    assert await house.attempts() == 1
    assert house.far.batches == [["a", "b"], ["a"], ["a"], ["a"]]
    assert house.counts == (1, 2, 0, 1)
    assert house.progress.failed[0][1].code == "changed"


@pytest.mark.parametrize(
    "code",
    [Code.CHANGED, Code.VANISHED, Code.OCCUPIED, Code.BUSY, Code.INCOMPLETE, Code.CORRUPT],
)
async def test_a_file_is_worth_a_second_look_by_its_code(tmp_path: Path, code: Code) -> None:
    house = House(tmp_path, Side("a"), Side())
    house.far.steps = [failing(code)]
    assert await house.attempts() == 1
    assert house.far.batches == [["a"], ["a"]]
    assert house.counts == (1, 1, 0, 0)


async def test_what_is_refused_fails_alone(tmp_path: Path) -> None:
    house = House(tmp_path, Side("a", "b", "d/c", "e/f"), Side("d"))
    house.far.steps = [failing(Code.UNREADABLE, None, None)]
    assert await house.attempts() == 1
    assert [(path, problem.code) for path, problem in house.progress.failed] == [
        ("d", "not_a_folder"), ("a", "unreadable"),
    ]  # fmt: skip
    assert house.counts == (2, 3, 0, 2)
    verdict = house.progress.verdict()
    assert verdict is not None
    assert "2 files or folders failed" in verdict.message


async def test_what_does_not_fit_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_FILES", 1)
    near = Side("a", "c", size=9)
    for path, size in (("b", 3), ("d", 10), ("e", LARGE)):
        near.put(path, Entry(path, FILE, size, 5, 0o644, 1, 1))
    house = House(tmp_path, near, Side())
    house.far.steps = [failing(Code.DISK_FULL)]
    assert await house.attempts() == 1
    assert house.far.batches == [["a"], ["b"], ["e"]], "no larger file fits either"
    assert [(path, problem.code) for path, problem in house.progress.failed] == [
        ("a", "disk_full"), ("c", "disk_full"), ("d", "disk_full"),
    ]  # fmt: skip
    assert house.counts == (2, 5, 0, 3)


@pytest.mark.parametrize(
    ("overwrite", "hash", "counts"),
    [
        (False, "same", (0, 0, 1, 0)),
        (True, "same", (0, 0, 1, 0)),
        (False, "", (0, 0, 0, 1)),
        (True, "", (1, 1, 0, 0)),
    ],
)
async def test_of_one_size_and_another_time_the_hash_decides(
    tmp_path: Path, overwrite: bool, hash: str, counts: tuple[int, int, int, int]
) -> None:
    near, far = Side("a"), Side("a")
    far.put("a", far.entries["a"]._replace(mtime_ns=99))
    far.hash = hash
    house = House(tmp_path, near, far, overwrite=overwrite)
    await house.attempts()
    assert house.counts == counts
