"""A session and the registry, with fake works and a clock that does not move."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cargo_sync.api.messages import ControlError
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.daemon.far.place import RemoteSpace
from cargo_sync.daemon.sessions import transfer as transfers
from cargo_sync.daemon.sessions import views
from cargo_sync.daemon.sessions.registry import MOST, UNUSED, Sessions
from cargo_sync.daemon.sessions.session import ENDED, Session
from cargo_sync.daemon.sessions.transfer import CopyOrder, State, Transfer
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from tests.daemon.house import Board, until
from tests.offloads import inline
from tests.server.surroundings import Clock, entropy

ORDER = CopyOrder("get", "r", "/l")


class Work:
    """Fails with each of `problems`, then waits for `go`."""

    def __init__(self, *problems: Code) -> None:
        self.progress = CopyProgress()
        self.problems = list(problems)
        self.go = asyncio.Event()
        self.asked: list[int | None] = []
        self.speeds: list[int | None] = []
        self.closed = 0

    async def attempt(self, speed: int | None) -> None:
        self.speeds.append(speed)
        if self.problems:
            raise ProblemError(Problem(self.problems.pop(0), "as told", hint="look at the job"))
        await self.go.wait()

    def arrived(self) -> tuple[int, str]:
        return self.progress.bytes_done, "f"

    async def ask(self, speed: int | None) -> int | None:
        self.asked.append(speed)
        return speed

    def behind(self) -> bool:
        return False

    def granted(self) -> int | None:
        return self.asked[-1] if self.asked else None

    async def close(self) -> None:
        self.closed += 1


def told(one: "House", transfer: Transfer) -> dict[str, Any]:
    """The messages of the feed about it."""
    return views.transfer(one.session, transfer)


class Other:
    """A server of which only the names are used."""

    url, username, spaces, space = (
        "https://h:1",
        "ana",
        [RemoteSpace("default", "rw")],
        RemoteSpace("default", "rw"),
    )
    closed = False

    async def close(self) -> None:
        self.closed = True

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


class House:
    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.clock, self.board, fresh = Clock(), Board(), entropy()
        world = World(
            lambda: 0.0, self.clock, lambda: 0.0, lambda: fresh(16).hex(), inline, self.clock
        )
        self.sessions = Sessions(world, self.board, group)
        self.other = Other()
        self.session: Session = self.sessions.add(self.other)

    async def begin(self, work: Work) -> Transfer:
        async def made(order: CopyOrder) -> Work:
            return work

        return await self.session.begin(ORDER, made)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    async with asyncio.TaskGroup() as group:
        one = House(group)
        yield one
        await one.sessions.close(one.session.id)


async def test_a_transfer_is_told_from_its_beginning_to_its_end() -> None:
    async with house() as one:
        work = Work()
        transfer = await one.begin(work)
        await until(lambda: one.board.messages)
        one.sessions.tick()
        work.progress.planned(7)
        work.progress.done("f", 7)
        work.go.set()
        await until(lambda: transfer.state == "done")
        states = [fields["state"] for _, _, fields, _ in one.board.messages]
        assert states == ["running", "running", "done"]
        topic, kind, last, _ = one.board.messages[-1]
        assert (topic, kind) == (f"session/{one.session.id}/", "session")
        assert (last["files_done"], last["bytes_done"], last["problem"]) == (1, 7, None)
        assert work.closed == 1


async def test_a_cut_is_tried_again_for_a_minute_without_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house() as one:
        monkeypatch.setattr(transfers, "delay", lambda *args: 0.0)
        work = Work(Code.CUT, Code.UNREACHABLE, Code.TIMEOUT)
        work.go.set()
        transfer = await one.begin(work)
        await until(lambda: transfer.state == "done")
        assert len(work.speeds) == 4

        class Slow(Work):
            async def attempt(self, speed: int | None) -> None:
                one.clock.now += 25.0
                await super().attempt(speed)

        slow = Slow(*[Code.CUT] * 9)
        transfer = await one.begin(slow)
        await until(lambda: transfer.state == "failed")
        assert len(slow.speeds) == 4
        assert told(one, transfer)["problem"]["code"] == "cut"


@pytest.mark.parametrize("code", [Code.UNAUTHORIZED, Code.READ_ONLY, Code.DISK_FULL])
async def test_what_no_waiting_helps_fails_at_once(code: Code) -> None:
    async with house() as one:
        work = Work(code)
        transfer = await one.begin(work)
        await until(lambda: transfer.state == "failed")
        problem = told(one, transfer)["problem"]
        assert (len(work.speeds), problem["code"]) == (1, code)
        assert code != "unauthorized" or "job" not in problem["hint"]


async def test_a_mistake_of_ours_ends_one_transfer_and_nothing_else() -> None:
    class Broken(Work):
        async def attempt(self, speed: int | None) -> None:
            raise ZeroDivisionError

    async with house() as one:
        transfer = await one.begin(Broken())
        await until(lambda: transfer.state == "failed")
        assert told(one, transfer)["problem"]["code"] == "internal"
        assert one.sessions.get(one.session.id) is one.session


@pytest.mark.parametrize("begun", [False, True])
async def test_cancelled_it_is_left_in_order(begun: bool) -> None:
    async with house() as one:
        work = Work()
        transfer = await one.begin(work)
        if begun:
            await until(lambda: work.speeds)
        await one.session.cancel(transfer.id)
        await one.session.cancel(transfer.id)
        assert (transfer.state, work.closed) == ("cancelled", 1)
        with pytest.raises(ControlError) as caught:
            await one.session.cancel("another")
        assert caught.value.code == "unknown_transfer"


async def test_a_rate_is_shared_and_shared_anew() -> None:
    async with house() as one:
        one.session.speed = 9_000_000
        first = Work()
        await one.begin(first)
        await until(lambda: first.speeds)
        assert first.speeds == [9_000_000]
        second = Work()
        await one.begin(second)
        one.sessions.tick()
        await until(lambda: first.asked == second.asked == [4_500_000])
        assert one.session.granted == 9_000_000
        second.go.set()
        await until(lambda: len(one.session.running) == 1)
        one.sessions.tick()
        await until(lambda: first.asked[-1] == 9_000_000)
        one.session.speed = None
        await one.session.share()
        assert first.asked[-1] is None
        one.sessions.tick()
        assert not one.session.uneven


async def test_ended_transfers_are_remembered_some_time() -> None:
    async with house() as one:
        for _ in range(ENDED + 5):
            work = Work()
            work.go.set()
            transfer = await one.begin(work)
            await until(lambda transfer=transfer: transfer.state == "done")  # type: ignore[misc]
        assert len(one.session.transfers) == ENDED + 1
        assert one.session.transfers[-1] is transfer


async def test_unused_sessions_end_and_used_ones_do_not() -> None:
    async with house() as one:
        idle, busy = one.sessions.add(Other()), one.sessions.add(Other())
        work = Work()

        async def made(order: CopyOrder) -> Work:
            return work

        await busy.begin(ORDER, made)
        one.clock.now += UNUSED
        one.sessions.get(one.session.id)
        one.clock.now += 1
        one.sessions.tick()

        def is_gone(session: Session) -> bool:
            try:
                one.sessions.get(session.id)
            except ControlError:
                return True
            return False

        await until(lambda: is_gone(idle))
        assert not is_gone(busy)
        assert not is_gone(one.session)
        assert idle.remote.closed  # type: ignore[attr-defined]
        await one.sessions.close(busy.id)
        assert (work.closed, busy.remote.closed) == (1, True)  # type: ignore[attr-defined]
        assert f"session/{busy.id}/" in one.board.forgotten


async def test_there_is_an_end_to_how_many() -> None:
    async with house() as one:
        others = [one.sessions.add(Other()) for _ in range(MOST - 1)]
        with pytest.raises(ControlError) as caught:
            one.sessions.check_room()
        assert caught.value.code == "busy"
        for other in others:
            await one.sessions.close(other.id)
        one.sessions.check_room()


async def test_what_goes_wrong_in_one_session_ends_no_other() -> None:
    class Broken(Work):
        async def close(self) -> None:
            raise RuntimeError("canary")

    class BrokenServer(Other):
        async def close(self) -> None:
            raise RuntimeError("canary")

    async with house() as one:
        broken, well = Broken(), Work()
        failing, going = await one.begin(broken), await one.begin(well)
        broken.go.set()
        await until(lambda: failing.state is not State.RUNNING)
        old = one.sessions.add(BrokenServer())
        old.used_at -= UNUSED + 1
        one.sessions.tick()
        await until(lambda: not _is_open(one, old))
        well.go.set()
        await until(lambda: going.state is State.DONE)


def _is_open(one: House, session: Session) -> bool:
    try:
        return one.sessions.get(session.id) is session
    except ControlError:
        return False


async def test_a_transfer_says_for_how_long_nothing_has_arrived_and_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfers, "FIRST", 0.0)
    async with house() as one:
        work = Work(Code.CUT)
        work.progress.bytes_total = 10
        transfer = await one.begin(work)
        await until(lambda: len(work.speeds) == 2)
        one.clock.now += 7
        one.sessions.tick()
        row = told(one, transfer)
        assert (row["idle_s"], row["retrying"]) == (7, "as told")
        work.progress.bytes_done = 4
        one.clock.now += 1
        one.sessions.tick()
        row = told(one, transfer)
        assert (row["idle_s"], row["retrying"]) == (0, None)
        one.clock.now += 3
        assert told(one, transfer)["idle_s"] == 3
        work.go.set()
        await until(lambda: transfer.state is State.DONE)
        assert told(one, transfer)["idle_s"] == 0
