"""The second tier: the whole engine on two trees, with its state in SQLite and all that may fail.

A history is one job from its first contact on: people change both sides, runs fail, are paused and
killed anywhere, and begin again. In between the daemon restarts, clocks jump, filters change, and a
server is restored from a backup. Then there is peace: soon the job rests, and what it came to is
judged (`epoch`, `oracle`, `ledger`).

The engine is the real one, and so are the client's flow and both ends of its lanes, where a history
has lanes. A crash is an exception that nothing catches; after it, nothing of the daemon can write,
and what a transaction had written is rolled back, as when the state is opened again.

Not simulated here: what `local` does with a disk (`disk` does), what a server's workspace does with
one (its own tests stop it at each write-side call), HTTP, and the daemon's loop around a run.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from cargo_sync.engine import survey
from cargo_sync.engine.execution import batches, moving
from cargo_sync.engine.planners import deferred, holding
from cargo_sync.engine.report import RunReport
from cargo_sync.machines.client_fence import ClientProcess, JobClient
from cargo_sync.machines.scope import NearScope
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model import large_folders
from cargo_sync.model.jobs import After, Mode
from cargo_sync.model.problems import FENCES, Code, ProblemError
from cargo_sync.plan import guard, moves
from cargo_sync.state import deltas, idents, moved_folders, observations, parts
from cargo_sync.state.database import Database
from cargo_sync.state.forgetting import Untrue
from cargo_sync.state.holds import Ruling
from cargo_sync.state.jobs import JobRow
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.suspects import suspect_all
from tests import virtual
from tests.engine.world import System
from tests.sim import lanes
from tests.sim.epoch import Direction, Epoch
from tests.sim.guarded import GuardJudge
from tests.sim.lanes import MemoryLanes
from tests.sim.ledger import CountedTree, Ledger
from tests.sim.lively import LivelyTree
from tests.sim.oracle import LEFT_OUT, AnyOracle, Oracle
from tests.sim.people import People
from tests.sim.story import BrokenPromiseError, Story, Verdict
from tests.sim.weather import Weather
from tests.state.crash import Killed

RUNS: Final = 12
"""Runs without a fault after which a job must rest."""
DAY: Final = 86_400.0
STUCK: Final = DAY
"""Seconds of the loop's clock after which a run is stuck."""
BETWEEN: Final = (
    "restart",
    "state reopened",
    "filter",
    "clock jumps",
    "backup restored",
    "catalogue lost",
    "deletions forgotten",
    "another root",
    "state restored",
    "state copied",
)
"""What may happen between two runs."""
SIZES: Final = (
    (batches, "BATCH_FILES", 2),
    (batches, "BATCH_SECONDS", 1e9),
    (survey, "PAGE", 2),
    (survey, "FEW", 8),
    (deferred, "PAGE", 2),
    (large_folders, "LONG", 2),
    *((module, "LONGEST", 2) for module in (large_folders, deltas, observations, parts)),
    (parts, "JOINED", 150),
    (deltas, "OPEN", 300),
    (guard, "LOST_AT_LEAST", 3),
    *((module, "LEAST", 3) for module in (moves, idents, holding)),
    (moving, "PAGE", 2),
    (moving, "FOLDERS", 2),
    (moved_folders, "SLICE", 2),
)
"""Pages, batches and parts are small, so that few files have several."""


class State:
    """One state file for one history after the other, emptied in between."""

    def __init__(self, place: str) -> None:
        self._path = os.path.join(place, "state.db")
        self.weather: Weather | None = None
        self.database = self._open()

    def _open(self) -> Database:
        opened = SqliteDatabase.open(self._path, "daemon", self._statement)
        with opened.read() as connection:
            connection.execute("PRAGMA synchronous = OFF")
        return opened

    def _statement(self, sql: str) -> None:
        if self.weather is not None:
            self.weather.statement(sql)

    def reopen(self) -> Database:
        self.database.close()
        self.database = self._open()
        return self.database

    def copy(self) -> bytes:
        """The file, as a backup has it."""
        place = Path(f"{self._path}.copy")
        with self.database.read() as connection:
            connection.execute("VACUUM INTO ?", (str(place),))
        copied = place.read_bytes()
        place.unlink()
        return copied

    def put_back(self, copy: bytes) -> Database:
        """The file is that of a backup."""
        self.database.close()
        for rest in ("-wal", "-shm"):
            Path(f"{self._path}{rest}").unlink(missing_ok=True)
        Path(self._path).write_bytes(copy)
        self.database = self._open()
        return self.database

    def held(self) -> set[str]:
        """The paths of what the guard holds."""
        with self.database.read() as connection:
            return {path for [path] in connection.execute("SELECT path FROM held_step")}

    def put_off(self) -> set[str]:
        """The paths of overwrites that a person has rejected, and that are not taken back yet."""
        with self.database.read() as connection:
            return {path for [path] in connection.execute("SELECT path FROM rejected")}

    def empty(self) -> None:
        with self.database.transaction() as connection:
            for table in _EMPTIED:
                connection.execute(f"DELETE FROM {table}")


_EMPTIED: Final = (
    "job", "folder", "transfer", "planned_run", "planned_action", "checkpoint", "event",
    "left_out", "damaged", "base_ident", "cancelled", "event_mark", "age", "conflict", "displaced",
    "trash_incomplete", "sqlite_sequence",
    "guard_touch", "guard_part", "hold", "held_step", "rejected",
)  # fmt: skip


class AnyEpoch(Protocol):
    """What has come of changes by people, when both sides rest (`epoch`, `peers`)."""

    def touched(self, tree: CountedTree, some: Iterable[str]) -> None: ...

    def suspect(self) -> None: ...

    def forget(self) -> None: ...

    def judge(self) -> None: ...


class SystemHistory:
    """One job from first contact until it rests for the last time."""

    def __init__(self, story: Story, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self.story = story
        self.state = state
        self.system = system = self._job()
        self.weather = Weather(story)
        self.ledger = Ledger()
        self.oracle = self._oracle()
        system.near = self.near = LivelyTree(
            "near", self.weather, self.oracle.at("near"), self.ledger
        )
        system.far = self.far = self._far()
        system.offload = self.weather.offload

        def clock() -> float:
            return system.now + loop.time()

        self._hints = story.chance(0.7)
        if self._hints and system.rules.mode.sends:  # a download needs no hints
            self.near.hint = self._hint
        if self._has_lanes():
            self.weather.lanes = True
            self.far.world = lambda: replace(system.world(), steady=clock)
            self.far.lanes = MemoryLanes(
                self.weather, clock, self.far.source, self.far.sink, sealed=story.chance(0.5)
            )
            self.weather.cut_line = self.far.lanes.cut
        self.people = self._people()
        self.weather.person = self.people.act
        state.weather = self.weather
        self._backup: tuple[int, Callable[[], None]] | None = None
        self._disasters = [name for name in BETWEEN if story.chance(0.25)]
        self._filtered = "filter" in self._disasters and story.chance(0.5)
        if self._filtered:
            system.rules = replace(system.rules, exclude=(LEFT_OUT,))
        self._copied: tuple[bytes, JobRow, GuardJudge] | None = None
        self._starts = 0
        self._own: set[str] = set()
        self._guarded = GuardJudge()
        self._decided: set[str] = set()
        self._fence: Code | None = None
        self._must_stop = False
        """The server went back: the job may not follow it before a person approves that."""
        self._may_stop = False
        """The server, or the job's state, may have gone back since the job was at its end last."""
        self._resting = False
        self._epoch = self._begin()
        self.oracle.on_replaced = self._forget
        if isinstance(self.oracle, Oracle):
            self.oracle.on_renamed = self._renamed
        self._begin_scope()

    def _renamed(self, one: str, to: str) -> None:
        if isinstance(self._epoch, Epoch):
            self._epoch.renamed(one, to)

    def _far(self) -> LivelyTree:
        return LivelyTree("far", self.weather, self.oracle.at("far"), self.ledger)

    def _has_lanes(self) -> bool:
        """Whether content moves by lanes."""
        return self.story.chance(0.5)

    def _job(self) -> System:
        story = self.story
        mode = story.one_of((Mode.UPLOAD, Mode.DOWNLOAD))
        after = story.one_of((After.KEEP, After.KEEP, After.DELETE))
        propagate = after is After.KEEP and story.chance(0.6)
        settle = story.one_of((0.0, 2.0))
        return System(self.state.database, mode, propagate=propagate, after=after, settle=settle)

    def _oracle(self) -> AnyOracle:
        return Oracle(self.system, self.ledger)

    def _people(self) -> People:
        oracle = self.oracle
        return People(self.story, oracle.source, oracle.destination, self._now, self._touched)

    @property
    def _takes_back(self) -> bool:
        """Whether what is rejected is undone where it comes from: then the job rests after it."""
        return self.system.rules.mode is Mode.BIDIRECTIONAL

    async def tell(self) -> None:
        """Tells the whole history. Raises BrokenPromiseError."""
        story = self.story
        await self._epochs(story.one_of((1, 2, 2, 3)))
        story.tell(repr([sorted(tree.all().items()) for tree in (self.near, self.far)]))

    async def _epochs(self, count: int) -> None:
        """In the first one nothing fails, so that later ones begin with one tree on both sides."""
        story, weather = self.story, self.weather
        for number in range(count):
            for _ in range(story.one_of((3, 5, 9))):
                self.people.act()
            for _ in range(story.one_of((1, 2, 3)) if number or count == 1 else 0):
                weather.acting = story.one_of((0.0, 0.03, 0.1))
                weather.failing = story.one_of((0.0, 0.05, 0.2))
                match story.one_of(("", "", "pause", "kill", "kill", "kill the server")):
                    case "pause":
                        weather.pause_in = int(story.random.random() * 60)
                    case "kill":
                        weather.kill_in = int(story.random.random() * 250)
                    case "kill the server":
                        weather.server_kill_in = int(story.random.random() * 20)
                await self.look(approved=story.chance(0.5))
                self.between()
            await self.rest(last=number == count - 1)
            self._epoch.judge()
            self._epoch = self._begin()

    # -- between runs ------------------------------------------------------------------------------

    def between(self) -> None:
        """What happens between two runs; after a kill the daemon begins again."""
        story, weather, system = self.story, self.weather, self.system
        killed, server_killed = weather.dead, weather.server_is_down
        weather.calm()
        if server_killed:
            self.far.begin_life()
        if killed:
            stop = UncleanStop(system.now, system.now, story.chance(0.5))
            suspect_all(self.state.database, stop)
            if system.rules.mode is not Mode.UPLOAD:
                self.oracle.suspect()
                self._epoch.suspect()
            self.restart()
        for _ in range(int(story.random.random() * 4)):
            self.people.act()
        for name in self._disasters:
            if self._may(name) and story.chance(0.25) and story.happens("fault", name):
                story.tell(name)
                self._happen(name)
        self._back_up()
        system.now += story.one_of((0.5, 3.0, 1000.0))

    def _may(self, name: str) -> bool:
        """Whether there is what this needs."""
        if name == "backup restored":
            return self._backup is not None and not self._must_stop
        return name != "state restored" or self._is_older()

    def _back_up(self) -> None:
        """Somebody makes a backup of the server, or of the job's state."""
        if self._copied is None and "state restored" in self._disasters and self.story.chance(0.3):
            job = self.system.memory.jobs.get_or_create(self.system.rules.name)
            self._copied = self.state.copy(), job, deepcopy(self._guarded)
        if self._backup is None and self.story.chance(0.3):
            self._backup = self.far.sequence, self.far.backup()

    def _happen(self, name: str) -> None:
        if name.startswith("state"):
            self._happen_to_state(name)
            return
        story, system = self.story, self.system
        match name:
            case "restart":
                self.restart()
            case "filter":
                pattern = story.one_of((LEFT_OUT, f"**/{LEFT_OUT}"))
                exclude = () if system.rules.exclude else (pattern,)
                system.rules = replace(system.rules, exclude=exclude)
                self._filtered = True
                self.oracle.forget()
                self.restart()
            case "clock jumps":
                system.ahead = story.one_of((-365 * DAY, -3600.0, 3600.0, 365 * DAY))
            case "backup restored":
                self._restore()
            case "catalogue lost":
                self._backup = None
                self.far.begin_epoch()
                self._must_stop = self._may_stop = True
                self._forget()
            case "deletions forgotten":
                self.far.forget_gone()
            case "another root":
                self.near.become_another_root()
                self._forget()

    def _happen_to_state(self, name: str) -> None:
        if name == "state copied":
            self._meet_the_copy()
            return
        if name == "state reopened":
            self.system.database = self.state.reopen()
            self.restart()
            return
        assert self._copied is not None
        copy, _, self._guarded = self._copied  # an older state knows what had passed then
        self.system.database = self.state.put_back(copy)
        self._copied = None
        self._must_stop = self._may_stop = True
        self.restart()
        self._forget()

    def _is_older(self) -> bool:
        """Whether there is a copy of the state that is older than what the server has met."""
        if self._copied is None:
            return False
        job = self._copied[1]
        met = self.far.met.get(job.client)
        return met is not None and (met.starts > job.starts or met.records > job.records)

    def _meet_the_copy(self) -> None:
        """A second machine has a copy of the state, and the server meets it."""
        job = self.system.memory.jobs.get_or_create(self.system.rules.name)
        if job.fence is None:
            there = ClientProcess("a copy", "there")
            self.far.met[job.client] = JobClient(job.client, job.starts + 100, job.records, there)
            self._must_stop = self._may_stop = True
            self._forget()

    def _restore(self) -> None:
        assert self._backup is not None
        (sequence, restore), self._backup = self._backup, None
        restore()
        self._may_stop = True
        self._must_stop |= sequence < self._newest_known()
        self._forget()

    def _newest_known(self) -> int:
        """The newest change of the server that the trees and the cursor of the job have.

        A page lacks what changed again after it: the job knows that too, if the server lacks it.
        Rows that a killed run did not come to forget say nothing any more (`Untrue`).
        """
        job = self.system.memory.jobs.get_or_create(self.system.rules.name)
        known = [job.far_cursor, self.far.pages.get(job.far_cursor, 0)]
        for state in self.system.memory.folders.below(""):
            if job.untrue < Untrue.FAR:
                known += [entry.version for entry in state.far or ()]
            if job.untrue < Untrue.BASE:
                known += [agreed.far_version for agreed in state.base or ()]
        return max(known)

    def _forget(self) -> None:
        """The base does not belong to both sides any more: first contact begins again."""
        self.oracle.forget()
        self._epoch.forget()

    def restart(self) -> None:
        self.system.restart()
        self.system.memory.jobs.begin_start()
        self.far.own.clear()
        self._begin_scope()

    def _begin_scope(self) -> None:
        """From now on only hints say where to look, if there are any."""
        scope = NearScope(interval=float("inf"))
        scope.trust(self._hints)
        self._starts += 1
        process = ClientProcess(f"start {self._starts}", "here")
        self.system.memory = replace(self.system.memory, scope=scope, process=process)

    def _hint(self, some: frozenset[str]) -> None:
        lost = self.story.chance(0.05)
        self.system.memory.scope.hinted(None if lost else some)

    # -- runs --------------------------------------------------------------------------------------

    async def look(self, *, approved: bool) -> RunReport | None:
        """One run, however it ends."""
        self.story.tell("run")
        self.oracle.begin()
        codes = self._rulings() if approved else set()
        trash, acts = len(self.oracle.destination.trash), self.people.acts
        job = self.system.memory.jobs.get_or_create(self.system.rules.name)
        self._must_stop &= job.binding is not None  # at first contact nothing is known of before
        self._begin_count()
        task = asyncio.ensure_future(self.system.run().execute(approved=codes))
        self.weather.cancel = task.cancel
        done, _ = await asyncio.wait({task}, timeout=STUCK)
        if not done:
            task.cancel()
            await asyncio.wait({task}, timeout=STUCK)
            raise BrokenPromiseError("a run is stuck")
        if self.weather.error is not None:
            raise self.weather.error
        report = None
        try:
            report = task.result()
        except (ProblemError, asyncio.CancelledError, Killed) as error:
            self.story.tell(repr(error))
            self._see(error)
        self.oracle.nothing_is_lost()
        if self.people.acts == acts and job.suspects is None:  # what is damaged does not count
            destination = self.oracle.destination
            there = set(destination.files().values())
            gone = destination.trash[trash:]
            self._guarded.displaced(gone, there, self.system.now)
            if self.system.rules.mode.sends:
                self._guarded.rewritten(gone, destination.files(), self.system.now)
        if self._fence in codes:
            self._fence, self._must_stop = None, False
        if report is not None:
            if self._must_stop:
                raise BrokenPromiseError("a server that went back is followed without a person")
            self.oracle.end()
            self._decided, self._may_stop = set(), False
        if report is not None and report.held:
            self.story.covered["step held"] += 1
        return report

    def _begin_count(self) -> None:
        """What a person has decided about does not count; what is rejected may be taken back."""
        self._guarded.begin(self.system.memory.folders.counts()[0])
        self._guarded.covered |= self._decided
        if self._takes_back:
            self._guarded.covered |= self.state.put_off()

    def _order(self, do: Callable[[], bool]) -> bool:
        """A person's command: a daemon that is killed, or cannot write, does not do it."""
        try:
            return do()
        except (ProblemError, Killed) as error:
            self.story.tell(repr(error))
            return False

    def _see(self, error: BaseException) -> None:
        """A person sees why a run ended."""
        if isinstance(error, ProblemError) and error.problem.code in FENCES:
            if not self._may_stop:
                raise BrokenPromiseError(f"held, although nothing went back: {error}")
            self._fence = error.problem.code
            self.story.covered["step fenced"] += 1

    def _rulings(self) -> set[Code]:
        """A person orders a run, and decides what waits for it."""
        self.system.memory.failures.expedite()
        self._rule()
        codes = {Code.DAMAGED}
        if self._fence is not None and (self._resting or self.story.chance(0.5)):
            codes.add(self._fence)
        return codes

    def _rule(self) -> None:
        """A person decides about what is held."""
        held = self.state.held()
        if not held:
            return
        reject = (self._takes_back or not self._resting) and self.story.chance(0.3)
        ruling = Ruling.REJECTED if reject else Ruling.APPROVED
        holds = self.system.memory.holds
        if not self._order(lambda: bool(holds.decide(None, ruling))):
            return
        self.story.tell(ruling)
        self.story.covered[f"act {ruling}"] += 1
        if ruling is Ruling.APPROVED or self._takes_back:
            self._decided = held
        if ruling is Ruling.APPROVED:
            self._guarded.approved()
        else:
            self._forget()
        if self.story.chance(0.5):  # what comes after the ruling is not covered by it
            self.people.act(self.story.one_of(("clean", "rewrite")), self.oracle.source)

    async def rest(self, *, last: bool) -> None:
        """Nobody changes anything any more: soon there is nothing to do.

        Who decides about what is held may still change files (`_rule`): RUNS count from then on.
        """
        memory = self.system.memory
        self._resting = True
        report, left = None, RUNS
        while left:
            acts = self.people.acts
            memory.holds.take_up()  # also what the last run has rejected
            self.system.now += 1000
            report = await self.look(approved=True)
            left = RUNS if self.people.acts > acts else left - 1
            if report is None or report.held or report.errors:
                continue
            settled = memory.folders.unsettled(None, None, 1) == []
            if not report.acted and report.again_in is None and settled:
                break
        else:
            raise BrokenPromiseError(f"after {RUNS} runs it does not rest: {report}")
        self._resting = False
        if last:
            preview = self.system.run()
            await preview.preview()
            page = memory.planned.page(preview.report.run, 0, 10)
            if page is None or page.actions:
                raise BrokenPromiseError(f"at rest, and still something is planned: {page}")
        if len(memory.failures):
            raise BrokenPromiseError(f"at rest, and there are failures: {memory.failures.first(3)}")
        if self.system.rules.after is After.KEEP:
            self.oracle.rests()
        if last and self.system.rules.after is After.KEEP and isinstance(self.oracle, Oracle):
            memory.scope.everything()
            report = await self.look(approved=True)
            self.oracle.drift_is_told(report.drifted if report else 0)

    # -- people ------------------------------------------------------------------------------------

    def _begin(self) -> AnyEpoch:
        direction = Direction(self.system.rules.propagate)
        source, destination = self.oracle.source, self.oracle.destination
        if isinstance(self.oracle, Oracle):
            self.oracle.unrecorded.clear()
        return Epoch(source, destination, direction, self._is_unsure, self._own)

    def _is_unsure(self, path: str) -> bool:
        if isinstance(self.oracle, Oracle) and path in self.oracle.unrecorded:
            return True
        return self._filtered and LEFT_OUT in path.split("/")

    def _touched(self, tree: CountedTree, some: Iterable[str]) -> None:
        some = list(some)
        assert isinstance(tree, LivelyTree)
        tree.by_hand(some)
        if isinstance(self.oracle, Oracle) and tree is self.oracle.source:
            self.oracle.changed(some)
        self._epoch.touched(tree, some)

    def _now(self) -> int:
        return int((self.system.now + self.system.ahead) * 1e9)


class Teller:
    """Tells histories, one after the other, with one state and one event loop."""

    def __init__(
        self, history: type[SystemHistory], state: State, runner: "asyncio.Runner"
    ) -> None:
        self._history = history
        self._state = state
        self._runner = runner

    def __call__(self, seed: int, without: Collection[int] = ()) -> Verdict:
        self._state.weather = None
        self._state.empty()
        story = Story(seed, without)
        history = self._history(story, self._state, self._runner.get_loop())
        failure = ""
        try:
            self._runner.run(history.tell())
        except BrokenPromiseError as error:
            failure = str(error)
        except Exception as error:  # the engine itself failed
            failure = f"{type(error).__name__}: {error}"
        lost = sum(map(len, history.ledger.lost))
        digest = story.digest()
        return Verdict(seed, digest, story.covered, failure, lost, story.lines, story.happenings)


@contextmanager
def ready(history: type[SystemHistory] = SystemHistory) -> Iterator[Teller]:
    """What histories need: a state on a disk in memory, small pages, and lanes in memory."""
    with ExitStack() as stack:
        shared = "/dev/shm" if Path("/dev/shm").is_dir() else None
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="sim", dir=shared))
        stack.enter_context(_small())
        stack.enter_context(lanes.in_memory())
        runner = stack.enter_context(asyncio.Runner(loop_factory=virtual.VirtualLoop))
        # What a killed daemon leaves unfinished is nobody's any more.
        runner.get_loop().set_exception_handler(lambda loop, context: None)
        state = State(place)
        stack.callback(lambda: state.database.close())
        yield Teller(history, state, runner)


@contextmanager
def _small() -> Iterator[None]:
    before = [(module, name, getattr(module, name)) for module, name, _ in SIZES]
    try:
        for module, name, size in SIZES:
            setattr(module, name, size)
        yield
    finally:
        for module, name, size in before:
            setattr(module, name, size)
