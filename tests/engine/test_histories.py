"""Random histories of one-way jobs, each from a seed: people, failures and cuts, then peace.

These rules must always hold (oracle.py). Nothing that was ever on a side is lost, except by a
person. Nothing is deleted that was not delivered, that stayed at the source, or that a filter
excludes. What was delivered is not sent again. When the job is idle, it plans nothing. Each seed
runs twice, with the same trace.

`CARGO_HISTORIES=20000 pytest tests/engine/test_histories.py` runs more of them.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from cargo_sync.engine import batches, run, survey
from cargo_sync.engine.report import RunReport
from cargo_sync.machines.scope import NearScope
from cargo_sync.model import large_folders, paths
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.jobs import After, Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.state import deltas, folders, parts
from cargo_sync.state.database import Database
from tests.engine.oracle import LEFT_OUT, Oracle
from tests.engine.weather import LivelyTree, Weather
from tests.engine.world import System

HISTORIES = int(os.environ.get("CARGO_HISTORIES", "300"))
LOTS = 6
"""The tests they are spread over, so that they run side by side."""
NAMES = ("a", "a-b", "b")


class History:
    """One job from first contact until it is idle."""

    def __init__(self, database: Database, seed: int, turn: int) -> None:
        random = self.random = Random(seed)
        mode = random.choice([Mode.UPLOAD, Mode.DOWNLOAD])
        after = random.choice([After.KEEP, After.KEEP, After.DELETE])
        propagate = after is After.KEEP and random.random() < 0.6
        settle = random.choice([0.0, 2.0])
        name = f"job {seed} {turn}"
        system = self.system = System(
            database, mode, name, propagate=propagate, after=after, settle=settle
        )
        self.weather = Weather(random)
        self.oracle = Oracle(system)
        system.near = LivelyTree("near", self.weather, self.oracle)
        system.far = LivelyTree("far", self.weather, self.oracle)
        system.offload = self.weather.offload
        self.weather.person = self.person
        self._hints = random.random() < 0.7
        if self._hints and mode is Mode.UPLOAD:  # a download needs no hints
            system.near.hint = self._hint
        self._begin_scope()
        self._written = 0

    async def tell(self) -> list[str]:
        """Runs the whole history, and returns its trace."""
        random, weather = self.random, self.weather
        for _ in range(random.randrange(4, 12)):
            self.person()
        for _ in range(random.randrange(2, 5)):
            weather.acting = random.choice([0.0, 0.05, 0.2])
            weather.failing = random.choice([0.0, 0.0, 0.1])
            weather.cancel_in = random.choice([-1, -1, -1, random.randrange(60)])
            await self.look(approved=random.random() < 0.5)
            weather.calm()
            self.between()
        await self.rest()
        return weather.trace + [str(sorted(tree.all().items())) for tree in self.trees]

    def between(self) -> None:
        random, system = self.random, self.system
        for _ in range(random.randrange(4)):
            self.person()
        if random.random() < 0.3:
            self.restart()
        if random.random() < 0.2:
            pattern = random.choice([LEFT_OUT, f"**/{LEFT_OUT}"])
            system.rules = replace(system.rules, exclude=() if system.rules.exclude else (pattern,))
            self.restart()
            self.oracle.filters_changed()
        system.now += random.choice([0.5, 3.0, 1000.0])

    def restart(self) -> None:
        self.system.restart()
        self._begin_scope()

    def _begin_scope(self) -> None:
        """From now on only hints say where to look, if there are any."""
        scope = NearScope(interval=float("inf"))
        scope.trust(self._hints)
        self.system.memory = replace(self.system.memory, scope=scope)

    def _hint(self, folders: frozenset[str]) -> None:
        lost = self.random.random() < 0.05
        self.system.memory.scope.hinted(None if lost else folders)

    async def look(self, *, approved: bool) -> RunReport | None:
        self.oracle.begin()
        try:
            return await self.system.run().execute(approved=approved)
        except (ProblemError, asyncio.CancelledError) as error:
            self.weather.trace.append(repr(error))
            return None
        finally:
            self.oracle.nothing_is_lost()

    async def rest(self) -> None:
        """Nobody changes anything any more: soon there is nothing to do."""
        for _ in range(4):
            self.system.now += 1000
            report = await self.look(approved=True)
            assert report is not None and report.errors == 0 and report.held == "", report
        preview = self.system.run()
        await preview.preview()
        page = self.system.memory.planned.page(preview.report.run, 0, 10)
        assert page is not None and page.actions == [], "at rest, and still something is planned"
        assert self.system.memory.folders.unsettled(None, None, 10) == []
        assert len(self.system.memory.failures) == 0
        if self.system.rules.after is After.KEEP:
            self.oracle.all_is_brought()
            self.oracle.all_is_gone()
        else:
            assert [
                path for path in self.oracle.source.files() if not self.oracle.left_out(path)
            ] == []

    # -- people ------------------------------------------------------------------------------------

    @property
    def trees(self) -> tuple[LivelyTree, LivelyTree]:
        return self.oracle.source, self.oracle.destination

    def person(self) -> None:
        random = self.random
        tree = random.choices(self.trees, [3, 1])[0]
        there = sorted(tree.all())
        act = random.choice(
            [
                "write",
                "write",
                "write",
                "write",
                "touch",
                "link",
                "make",
                "make",
                "remove",
                "remove",
                "rename",
            ]
        )
        if act in ("touch", "remove", "rename") and not there:
            act = "write"
        path = random.choice(there) if there and random.random() < 0.4 else self._somewhere(tree)
        if act in ("touch", "remove", "rename"):
            path = random.choice(there)
        self.weather.trace.append(f"{tree._part} {act} {path}")
        match act:
            case "write" if not self._blocked(tree, path):
                self._clear(tree, path)
                tree.write(
                    path, self._content(), self._mtime(), random.choice([0o644, 0o644, 0o600])
                )
            case "touch" if path in tree.files():
                content = tree.read(path)
                tree.by_hand(path)
                tree.write(path, content, self._mtime())
                tree.excused.discard(content)
            case "link" if not self._blocked(tree, path):
                self._clear(tree, path)
                tree.link(path, random.choice(NAMES))
            case "make" if tree.entry(path) is None and not self._blocked(tree, path):
                tree.make(path)
                tree.hand.add(path)
            case "remove":
                tree.by_hand(path)
                tree.remove(path)
            case "rename":
                self._rename(tree, path)

    def _somewhere(self, tree: LivelyTree) -> str:
        return paths.join(self.random.choice(sorted(tree.folders())), self.random.choice(NAMES))

    def _blocked(self, tree: LivelyTree, path: str) -> bool:
        """Avoids a file at the destination where the source has a folder: that always fails."""
        if tree is self.oracle.source:
            return False
        there = self.oracle.source.entry(path)
        return there is not None and there.kind == FOLDER

    def _clear(self, tree: LivelyTree, path: str) -> None:
        tree.by_hand(path)
        present = tree.entry(path)
        if present is not None and present.kind == FOLDER:
            tree.remove(path)

    def _rename(self, tree: LivelyTree, path: str) -> None:
        """A rename by a program: the same content, with new idents and another name."""
        to = paths.join(paths.parent(path), self.random.choice(NAMES))
        if to == path or tree.entry(to) is not None or self._blocked(tree, to):
            return
        tree.hand |= {path, to}
        moving = [
            (at, entry) for at, entry in sorted(tree.all().items()) if paths.is_below(at, path)
        ]
        contents = {at: tree.read(at) for at, entry in moving if entry.kind == FILE}
        tree.remove(path)
        for at, entry in moving:
            new = to + at[len(path) :]
            if entry.kind == FOLDER:
                tree.make(new)
            elif entry.kind == FILE:
                tree.write(new, contents[at], entry.mtime_ns, entry.mode)
            else:
                tree.link(new, entry.target)

    def _content(self) -> bytes:
        """Never the same content twice, but often the same size."""
        self._written += 1
        return f"{self._written:05}".encode() * self.random.choice([1, 1, 2])

    def _mtime(self) -> int:
        now = int(self.system.now * 1e9)
        return self.random.choice([5, 5, now, now + 10**15])


@pytest.fixture
def database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Database, list[Weather]]]:
    """One state for all histories, with a job for each; pages, batches and parts are small."""
    for module, name, size in (
        (batches, "BATCH_FILES", 2),
        (batches, "BATCH_SECONDS", 1e9),
        (survey, "PAGE", 2),
        (survey, "FEW", 8),
        (run, "PAGE", 2),
        (large_folders, "LONG", 2),
        *((module, "LONGEST", 2) for module in (large_folders, deltas, folders, parts)),
        (parts, "JOINED", 150),
    ):
        monkeypatch.setattr(module, name, size)
    skies: list[Weather] = []

    def fault(sql: str) -> None:
        if skies:
            skies[-1].statement(sql)

    with Database.open(str(tmp_path / "state.db"), "daemon", fault) as opened:
        with opened.read() as connection:
            connection.execute("PRAGMA synchronous = OFF")
        yield opened, skies


@pytest.mark.parametrize("lot", range(LOTS))
async def test_whatever_happens_nothing_is_lost_and_peace_comes(
    lot: int, database: tuple[Database, list[Weather]]
) -> None:
    state, skies = database
    for seed in range(lot, HISTORIES, LOTS):
        traces = []
        for turn in (1, 2):
            history = History(state, seed, turn)
            skies[:] = [history.weather]
            try:
                traces.append(await history.tell())
            except Exception as error:
                error.add_note(f"seed {seed}; " + "; ".join(history.weather.trace[-60:]))
                raise
            finally:
                skies.clear()
        assert traces[0] == traces[1], f"seed {seed}: the second time it went otherwise"
