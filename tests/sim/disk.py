"""The tier with a real folder, on a disk that loses what was not synced.

A job downloads into it, or both sides follow each other.

The calls of `local.system.System` go to a folder in memory (tmpfs), and each leaves what takes it
back. At a power cut some of the newest changes of names are taken back, as a file system with a
journal does it, and files whose content was not synced hold zeros, or nothing (as ALICE, OSDI'14,
found it). So staging, publishing and the trash run for real. After a cut must hold, before anybody
mends anything:

- A file that the state calls delivered is there, with this content.
- Each path has its old content or its new one.
- What stood in the folder or its trash before the run stands there now.

Still to come: uploads into a server's workspace on such a disk, larger files with checkpoints, and
changes of names that are lost in another order than that of a journal.
"""

import asyncio
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, cast

from blake3 import blake3

from cargo_sync.local import root as local_root
from cargo_sync.local import trash
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model import paths
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.entries import FILE
from cargo_sync.model.jobs import Mode
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.displaced import all_incomplete
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.folder import FolderTree
from tests.engine.world import System
from tests.sim.ledger import CountedTree, Ledger
from tests.sim.losing import LosingSystem
from tests.sim.peers import COPY
from tests.sim.people import NAMES, People
from tests.sim.story import BrokenPromiseError, Story, Verdict
from tests.sim.system import State
from tests.state.crash import Killed

RUNS: Final = 6
ACTS: Final = (
    "write",
    "write",
    "write",
    "touch",
    "touch",
    "chmod",
    "remove",
    "rename",
    "unpack",
    "fill",
    "copy",
)
FAULTS: Final = ("power cut", "own file", "work by hand")
_GRAVES: Final = "graves"


class DiskHistory:
    """One job with a real folder.

    both  it is a two-way job, and people work in the folder too
    """

    def __init__(self, story: Story, state: State, disk: LosingSystem, place: Path) -> None:
        self.story = story
        self.disk = disk
        self.here = place / "here"
        self.both = story.chance(0.4)
        mode = Mode.BIDIRECTIONAL if self.both else Mode.DOWNLOAD
        propagate = self.both or story.chance(0.5)
        self.system = System(state.database, mode, settle=0.0, propagate=propagate)
        ledger = Ledger()
        self.far = CountedTree("far", ledger)
        self.system.far = self.far
        nobody = CountedTree("near", ledger)
        self.people = People(story, self.far, nobody, self._now, lambda tree, some: None)
        self.ever: dict[str, set[bytes]] = {}
        """All contents that each path ever had at the server, or by hand in the folder."""
        self.by_hand: set[str] = set()
        self._hands = 0
        self.cuts = 0
        self._open()

    def _now(self) -> int:
        return int(self.system.now * 1e9)

    def _open(self) -> None:
        """What a daemon does at its start."""
        system = self.system
        system.restart()

        def bound() -> str | None:
            job = system.memory.jobs.get("job")
            return job.binding.near if job and job.binding else None

        self.near = FolderTree(
            str(self.here),
            system.rules,
            system.world(),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(lambda: system.now),
            system.memory.ledger,
            bound,
            lambda: system.memory.folders.counts()[0] > 0,
        )
        system.near = cast(MemoryTree, self.near)

    async def tell(self) -> None:
        """Tells the whole history. Raises BrokenPromiseError."""
        story = self.story
        for _ in range(story.one_of((2, 3, 4))):
            for _ in range(story.one_of((1, 3, 5))):
                self.people.act(story.one_of(ACTS), self.far)
            if story.chance(0.4) and story.happens("fault", "own file"):
                self._write_by_hand()
            for _ in range(story.one_of((0, 1, 3)) if self.both else 0):
                if story.happens("fault", "work by hand"):
                    self._work_by_hand()
            self._remember()
            self.disk.cut_in = int(story.random.random() * 60) if story.chance(0.7) else -1
            before = self._contents()
            cut = not await self._run()
            if cut:
                self.disk.lose()
                self._judge_cut()
            self._judge_kept(before)
            if cut:
                self.cuts += 1
                self._end()
                self._open()
                all_incomplete(self.system.database, "daemon")
            self.disk.cut_in = -1
            self.system.now += 1000
        await self._rest()
        story.covered.update(f"step {event.happened}" for event in self.system.events)
        story.tell(repr(sorted(self._live().items())))

    def _write_by_hand(self) -> None:
        """A person puts a file of their own into the folder."""
        if not self.here.is_dir():
            return
        content = b"own %d" % self.system.now
        path = self.here / self.story.one_of(NAMES)
        if not path.exists():
            path.write_bytes(content)
            self.ever.setdefault(path.name, set()).add(content)

    def _work_by_hand(self) -> None:
        """A person changes, renames or removes a file of the folder."""
        files = sorted(self._live())
        if not files:
            return
        self._hands += 1
        path, content = self.story.one_of(files), b"hand %d" % self._hands
        act = self.story.one_of(("write", "write", "replace", "rename", "remove"))
        self.story.tell(f"here: {act} {path}")
        at = self.here / path
        match act:
            case "write":
                at.write_bytes(content)
            case "replace":
                self._replace(at, content)
            case "remove":
                at.unlink()
            case "rename":
                to = self.here / self.story.one_of(NAMES)
                if not to.exists():
                    self.ever.setdefault(to.name, set()).add(at.read_bytes())
                    at.rename(to)
        self.by_hand.add(path)
        if act in ("write", "replace"):
            self.ever.setdefault(path, set()).add(content)

    def _replace(self, at: Path, content: bytes) -> None:
        """As editors do: another file gets the name."""
        other = at.with_name("editor")
        other.write_bytes(content)
        other.rename(at)

    def _remember(self) -> None:
        for path, content in self.far.files().items():
            self.ever.setdefault(path, set()).add(content)

    async def _run(self) -> bool:
        """One run; returns False if the power was cut."""
        self.story.tell("run")
        try:
            await self.system.look(approved=True)
        except Killed:
            return False
        except ProblemError as error:
            self.story.tell(repr(error))
        return not self.disk.dead

    def _end(self) -> None:
        """The process is gone; what the system closes for it is closed."""
        self.disk.dead, self.disk.cut_in = False, -1
        with suppress(ProblemError, OSError):
            self.near._close()

    async def _rest(self) -> None:
        for _ in range(RUNS):
            await self._run()
            self.system.now += 1000
        live = self._live()
        if self.both and live != self.far.files():
            raise BrokenPromiseError(f"at rest there is {live} here, and {self.far.files()} there")
        for path, content in self.far.files().items():
            if live.get(path) not in {content, *self.ever.get(path, ())}:
                raise BrokenPromiseError(f"{path!r} is {live.get(path)!r} at rest")
        self._judge_ledger()
        if staged := [one for one in self._all() if "/staging/" in one and one.endswith(".new")]:
            raise BrokenPromiseError(f"{staged} is left in staging")
        self._end()

    # -- judging -----------------------------------------------------------------------------------

    def _judge_cut(self) -> None:
        """After a power cut, before anybody mends anything."""
        live = self._live()
        for path, content in live.items():
            known = set().union(*self.ever.values()) if COPY in path else self.ever.get(path, set())
            if content not in known:
                raise BrokenPromiseError(f"{path!r} is neither the old nor a new file: {content!r}")
        for state in self.system.memory.folders.below(""):
            for row in state.base or ():
                path = f"{state.path}/{row.name}".lstrip("/")
                if row.kind != FILE:
                    continue
                there = live.get(path)
                if there is None or blake3(there).hexdigest() != row.hash:
                    self._judge_recorded(path)
                else:
                    self._judge_time(path, row.mtime_ns)

    def _judge_time(self, path: str, recorded: int) -> None:
        """A delivered file has the time that is recorded, or the next one of the server."""
        time, there = os.lstat(self.here / path).st_mtime_ns, self.far.entry(path)
        if time != recorded and (there is None or time != there.mtime_ns):
            raise BrokenPromiseError(f"{path!r} is recorded with the time {recorded}, has {time}")

    def _judge_recorded(self, path: str) -> None:
        """The state calls a file delivered that is not there: a later version may have come."""
        if path not in self._live() and path not in self.by_hand:
            there = self.far.entry(path)
            if there is None or there.kind != FILE:
                return  # its end came, or a folder in its place, and is not recorded yet
            raise BrokenPromiseError(f"{path!r} is recorded as delivered, and is not there")

    def _judge_kept(self, before: set[bytes]) -> None:
        if gone := before - self._contents():
            raise BrokenPromiseError(
                f"{sorted(gone)} stood in the folder or its trash, and is gone"
            )

    def _judge_ledger(self) -> None:
        """At rest, each version in the trash is in the ledger, with what it was."""
        ledger = self.system.memory.ledger
        rows = ledger.page(TrashFilter(), None, 10_000).rows
        if not self.cuts and (found := [row for row in rows if row.version.cause == "found"]):
            place = found[0].version.place
            raise BrokenPromiseError(f"{place!r} was not recorded, although nothing was cut")
        sizes = {row.version.place: row.version.size for row in rows}
        hashes = {row.version.place: row.version.hash for row in rows}
        for at, content in self._all().items():
            if not at.startswith(f"{trash.PLACE}/"):
                continue
            above = [place for place in paths.upwards(at) if place in sizes]
            if not above:
                raise BrokenPromiseError(f"{at!r} is in the trash, and nothing is known about it")
            if above[0] == at and sizes[at] != len(content):
                raise BrokenPromiseError(f"{at!r} has {len(content)} bytes, not {sizes[at]}")
            if hashes[at if above[0] == at else above[0]] not in ("", blake3(content).hexdigest()):
                raise BrokenPromiseError(f"{at!r} has another hash than the ledger says")

    def _all(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.here)): path.read_bytes()
            for path in sorted(self.here.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    def _live(self) -> dict[str, bytes]:
        return {at: one for at, one in self._all().items() if not at.startswith(RESERVED)}

    def _contents(self) -> set[bytes]:
        trash = f"{RESERVED}/trash/"
        everything = self._all().items()
        return {one for at, one in everything if not at.startswith(RESERVED) or trash in at}


class DiskTeller:
    """Tells histories, each in a folder of its own."""

    def __init__(self, state: State, runner: asyncio.Runner, disk: LosingSystem) -> None:
        self._state = state
        self._runner = runner
        self._disk = disk

    def __call__(self, seed: int, without: Collection[int] = ()) -> Verdict:
        self._state.empty()
        story = Story(seed, without)
        shared = "/dev/shm" if Path("/dev/shm").is_dir() else None
        failure = ""
        with tempfile.TemporaryDirectory(prefix="sim", dir=shared) as place:
            os.mkdir(f"{place}/{_GRAVES}")
            graves = os.open(f"{place}/{_GRAVES}", os.O_RDONLY)
            self._disk.begin(story, graves)
            history = DiskHistory(story, self._state, self._disk, Path(place))
            try:
                self._runner.run(history.tell())
            except BrokenPromiseError as error:
                failure = str(error)
            except Exception as error:  # the engine itself failed
                failure = f"{type(error).__name__}: {error}"
            finally:
                history._end()
                self._disk.end()
                os.close(graves)
        return Verdict(
            seed, story.digest(), story.covered, failure, 0, story.lines, story.happenings
        )


@contextmanager
def ready() -> Iterator[DiskTeller]:
    """What histories need: a state, and the disk in the place of the real one."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="sim"))
        runner = stack.enter_context(asyncio.Runner())
        state = State(place)
        stack.callback(lambda: state.database.close())
        disk = LosingSystem.load()
        assert isinstance(disk, LosingSystem), "this tier needs Linux"
        before = vars(local_root)["System"]
        setattr(local_root, "System", _Chosen(disk))  # noqa: B010
        stack.callback(setattr, local_root, "System", before)
        yield DiskTeller(state, runner, disk)


class _Chosen:
    """In the place of `System`: always chooses this one."""

    def __init__(self, disk: LosingSystem) -> None:
        self._disk = disk

    def choose(self) -> LosingSystem:
        return self._disk
