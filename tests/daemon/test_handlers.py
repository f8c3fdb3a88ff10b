"""Every command, through the router: bytes in, bytes out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.control.identity import Me
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router
from cargo_sync.daemon.handlers.assembly import assembled
from cargo_sync.daemon.handlers.job import JobHandlers
from cargo_sync.daemon.handlers.plan import PlanHandlers
from cargo_sync.daemon.handlers.session import SessionHandlers
from cargo_sync.daemon.handlers.transfer import TransferHandlers
from cargo_sync.daemon.handlers.whole import WholeHandlers
from cargo_sync.daemon.jobs import Jobs
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.daemon.sessions.there import There
from cargo_sync.model.problems import Problem, ProblemError
from tests.daemon.house import Board, House, settings, until
from tests.daemon.test_jobs import Files

ME = Me("0.1.0", "epoch", 1000, "host", 42, "daemon", 0.0)


async def nobody(args: dict[str, Any]) -> There:
    raise ProblemError(Problem("unreachable", f"nobody answers at {args['url']}"))


class Daemon:
    """Two jobs, `nightly` and `other`; `ask` is one request."""

    def __init__(self, house: House, jobs: Jobs, files: Files, group: asyncio.TaskGroup) -> None:
        self.house = house
        self.jobs = jobs
        self.files = files
        self.stopped = False
        self.handlers = assembled(
            (
                WholeHandlers(jobs, house.world(), ME, lambda: ["own file: bad"], self._stop),
                JobHandlers(jobs),
                PlanHandlers(jobs, house.planned, house.world()),
                TransferHandlers(jobs),
                SessionHandlers(Sessions(house.world(), Board(), group), nobody),
            )
        )
        self.router = Router(self.handlers, MemoryDeduplicate(lambda: 0.0))
        self._ids = 0

    def _stop(self) -> None:
        self.stopped = True

    async def ask(self, cmd: str, **args: Any) -> Any:
        """The result, or the error's code."""
        self._ids += 1
        request = {"v": 1, "id": str(self._ids), "cmd": cmd, "args": args}
        reply = orjson.loads(await self.router.answer(orjson.dumps(request)))
        return reply["result"] if reply["ok"] else reply["error"]["code"]

    async def synced(self, *names: str) -> None:
        for name in names:
            await until(lambda name=name: self.jobs.get(name).supervisor.state == "synced")  # type: ignore[misc]


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Daemon]:
    house = House(folder)
    files = Files(settings("nightly"), settings("other"), settings("off", enabled=False))
    async with asyncio.TaskGroup() as group:
        jobs = Jobs(files, house.build, house.world(), group, lambda name: None)
        await jobs.read()
        yield Daemon(house, jobs, files, group)
        for job in jobs.all.values():
            job.task.cancel()


async def test_all_commands_are_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        assert daemon.handlers.keys() == COMMANDS.keys()
        hello = await daemon.ask("hello")
        assert hello["versions"] == {"api": 1, "cargo": "0.1.0"}
        assert (hello["kind"], hello["supports"]) == ("daemon", sorted(COMMANDS))


async def test_a_session_that_cannot_be_opened_and_one_that_there_is_not(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        assert await daemon.ask("session.open", url="https://h", username="a", password="b") == "unreachable"
        assert await daemon.ask("session.show", session="none") == "unknown_session"
        assert await daemon.ask("session.list", session="none", path="") == "unknown_session"
        assert await daemon.ask("session.list", session="none") == "bad_argument"


async def test_status_and_lists(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        status = await daemon.ask("status")
        assert status["state"] == "synced"
        assert status["jobs"] == {"disabled": 1, "synced": 2}
        assert status["totals"] == {
            "files_done": 0, "files_total": 0, "bytes_done": 0, "bytes_total": 0,
            "rate_bps": 0, "eta_s": None,
        }  # fmt: skip
        rows = (await daemon.ask("job.list"))["jobs"]
        assert [row["name"] for row in rows] == ["nightly", "off", "other"]
        assert rows[0].keys() == {
            "name", "mode", "state", "detail", "local_dir", "remote", "next_at", "errors", "progress",
            "last_run",
        }  # fmt: skip
        assert await daemon.ask("transfer.list") == {"transfers": []}


async def test_no_answer_holds_a_secret(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        shown = await daemon.ask("job.show", job="nightly")
        assert shown["settings"]["username"] == "ana"
        assert "canary" not in repr(shown) and "canary" not in repr(await daemon.ask("job.list"))


async def test_pause_and_start_of_one_and_all(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        assert await daemon.ask("job.pause", job="nightly") == {
            "jobs": [{"name": "nightly", "state": "paused"}]
        }
        assert await daemon.ask("job.sync", job="nightly") == "paused"
        states = (await daemon.ask("job.pause"))["jobs"]
        assert [job["state"] for job in states] == ["paused", "disabled", "paused"]
        await daemon.ask("job.start")
        await daemon.synced("nightly", "other")
        assert await daemon.ask("job.start", job="off") == "disabled"
        assert await daemon.ask("job.start", job="nigthly") == "unknown_job"


async def test_legacy_orders(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        assert await daemon.router.answer(b"PAUSE nightly") == b"PAUSED"
        assert daemon.jobs.get("nightly").supervisor.paused
        assert await daemon.router.answer(b"START") == b"RUNNING"
        assert await daemon.router.answer(b"RELOAD nightly") == b"RELOADED"
        listed = orjson.loads(await daemon.router.answer(b"LIST-JOBS"))
        assert [job["name"] for job in listed] == ["nightly", "off", "other"]


async def test_a_plan_is_paged(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        for number in range(5):
            daemon.house.near["nightly"].write(f"{number}.txt", b"12")
        begun = await daemon.ask("job.plan", job="nightly")
        assert begun["ready"] is False
        run = begun["run"]
        await until(lambda: not daemon.jobs.get("nightly").supervisor.is_planning(run))
        page = await daemon.ask("job.plan", job="nightly", run=run, limit=3)
        assert (page["ready"], page["totals"]["put"], page["totals"]["bytes"]) == (True, 5, 10)
        assert [action["path"] for action in page["actions"]] == ["0.txt", "1.txt", "2.txt"]
        rest = await daemon.ask("job.plan", job="nightly", run=run, after=page["next"], limit=3)
        assert [action["path"] for action in rest["actions"]] == ["3.txt", "4.txt"]
        assert rest["next"] is None
        assert await daemon.ask("job.plan", job="other", run=run) == "unknown_run"
        assert await daemon.ask("job.plan", job="nightly", run="no such run") == "unknown_run"


async def test_a_plan_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        daemon.house.far["nightly"].away = Problem("unreachable", "nobody answers")
        run = (await daemon.ask("job.plan", job="nightly"))["run"]
        await until(lambda: not daemon.jobs.get("nightly").supervisor.is_planning(run))
        assert await daemon.ask("job.plan", job="nightly", run=run) == "unreachable"


async def test_sync_and_approve(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        assert await daemon.ask("job.approve", job="nightly") == "not_held"
        daemon.house.near["nightly"].write("new.txt", b"1")
        run = (await daemon.ask("job.sync", job="nightly"))["run"]
        await until(lambda: daemon.house.far["nightly"].files())
        await daemon.synced("nightly")
        last = (await daemon.ask("job.show", job="nightly"))["last_run"]
        assert (last["run"], last["files"]) == (run, 1)


async def test_reload_and_shutdown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path) as daemon:
        daemon.files.jobs[1] = settings("other", sleep=9.0)
        reloaded = await daemon.ask("reload")
        assert reloaded["jobs"] == [
            {"name": "nightly", "result": "unchanged"},
            {"name": "off", "result": "unchanged"},
            {"name": "other", "result": "changed"},
        ]
        assert reloaded["errors"] == ["own file: bad"]
        assert await daemon.ask("shutdown") == {}
        assert daemon.stopped
