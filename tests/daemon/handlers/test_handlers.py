"""Every command, through the router: bytes in, bytes out."""

import asyncio
import contextlib
import functools
import re
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from cargo_sync.api.daemon_commands import BANDWIDTH_SET, COMMANDS
from cargo_sync.api.session_commands import SessionOpenArgs
from cargo_sync.config.daemon import DaemonSettings
from cargo_sync.config.job import JobSettings
from cargo_sync.config.timetable import Window
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.identity import Me
from cargo_sync.control.nouns.audit import AuditHandlers
from cargo_sync.control.nouns.bandwidth import BandwidthHandlers
from cargo_sync.control.nouns.feed import FeedHandlers
from cargo_sync.control.nouns.key import KeyHandlers
from cargo_sync.control.nouns.log import LogHandlers
from cargo_sync.control.nouns.process import ProcessHandlers
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router
from cargo_sync.control.routes import routed
from cargo_sync.daemon.checks.running import Checks
from cargo_sync.daemon.checks.steps import CheckCase
from cargo_sync.daemon.handlers.callback import CallbackHandlers
from cargo_sync.daemon.handlers.conflict import ConflictHandlers
from cargo_sync.daemon.handlers.daemon import reloaded, status
from cargo_sync.daemon.handlers.history import HistoryHandlers, RunHandlers
from cargo_sync.daemon.handlers.jobs.check import CheckHandlers
from cargo_sync.daemon.handlers.jobs.files import JobFileHandlers
from cargo_sync.daemon.handlers.jobs.job import JobHandlers
from cargo_sync.daemon.handlers.jobs.plan import PlanHandlers, VerifyHandlers
from cargo_sync.daemon.handlers.local_folder import LocalFolderHandlers
from cargo_sync.daemon.handlers.rates import RateHandlers
from cargo_sync.daemon.handlers.session import SessionHandlers
from cargo_sync.daemon.handlers.transfer import TransferHandlers
from cargo_sync.daemon.handlers.trash import TrashHandlers
from cargo_sync.daemon.jobs.drafts import JobDrafts
from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.jobs.verifications import Verifications
from cargo_sync.daemon.live_settings import LiveSettings
from cargo_sync.daemon.reporting.rates import JobRates
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.ring import Ring
from cargo_sync.process.zone_rules import ZoneRules
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.events import Events
from cargo_sync.state.runs import RunRows
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.cargo.look import ServerLook
from tests.daemon.house import Board, House, settings, until
from tests.daemon.jobs.test_registry import Files

ME = Me("0.1.0", "epoch", 1000, "host", 42, "daemon", 0.0)


async def _own_file() -> list[str]:
    return ["own file: bad"]


def own_file(house: House) -> LiveSettings:
    settings = DaemonSettings("/state", "/jobs", bandwidth=80_000_000)
    return LiveSettings(
        settings, {}, house.slots, house.shares, house.limits, house.world().offload
    )


async def nothing_there(url: str, known_hosts: str | None) -> ServerLook:
    raise ProblemError(Problem(Code.UNREACHABLE, f"nobody answers at {url}"))


async def nobody(args: SessionOpenArgs) -> Remote:
    raise ProblemError(Problem(Code.UNREACHABLE, f"nobody answers at {args.url}"))


async def unheard(*events: Event) -> None:
    """Nobody listens."""


class Daemon:
    """Two jobs, `nightly` and `other`; `ask` sends one request."""

    def __init__(
        self,
        house: House,
        jobs: Jobs,
        files: JobFiles,
        endpoint: Endpoint,
        trials: Checks,
        verifications: Verifications,
        sessions: Sessions,
    ) -> None:
        self.house = house
        self.jobs = jobs
        self.gone: list[str] = []
        self.files = files
        self.stopped = False
        self.own_file = own_file(house)
        self.routes = routed(
            (
                ProcessHandlers(
                    ME,
                    COMMANDS,
                    status=partial(status, jobs, ZoneRules({})),
                    reload=partial(reloaded, jobs, _own_file),
                    stop=self._stop,
                    steady=house.world().steady,
                ),
                JobHandlers(jobs),
                PlanHandlers(jobs, house.planned, house.world()),
                VerifyHandlers(jobs, verifications, house.planned, house.world()),
                AuditHandlers(AuditTable(house.database, float, float), house.world().offload),
                FeedHandlers(endpoint.publisher),
                KeyHandlers(endpoint, house.world().offload),
                ConflictHandlers(jobs, house.database, house.world()),
                CallbackHandlers(jobs, house.callbacks, house.world()),
                JobFileHandlers(jobs, JobDrafts(files), house.jobs, house.world().offload),
                LocalFolderHandlers({"HOME": "/home/ana"}, house.world().offload),
                RateHandlers(jobs, JobRates(lambda: jobs.all, house.world())),
                TrashHandlers(jobs, house.world(), unheard),
                RunHandlers(jobs, RunRows(house.database), house.world().offload),
                HistoryHandlers(jobs, Events(house.database), house.world()),
                CheckHandlers(jobs, trials),
                TransferHandlers(jobs, house.slots),
                BandwidthHandlers(self.own_file.limits, BANDWIDTH_SET),
                LogHandlers(Ring(), jobs.check_name),
                SessionHandlers(sessions, nobody, nothing_there),
            )
        )
        self.router = Router(self.routes, MemoryDeduplicate(lambda: 0.0))
        self._ids = 0

    def _stop(self) -> None:
        self.stopped = True

    async def ask(self, cmd: str, **args: Any) -> Any:
        """The result, or the error's code."""
        self._ids += 1
        request = {"v": 1, "id": str(self._ids), "cmd": cmd, "args": args}
        reply = orjson.loads(await self.router.answer(orjson.dumps(request)))
        return reply["result"] if reply["ok"] else reply["error"]["code"]

    async def refused(self, cmd: str, **args: Any) -> Any:
        """The error of a request without an id."""
        return orjson.loads(await self.router.answer(orjson.dumps({"cmd": cmd, "args": args})))[
            "error"
        ]

    async def synced(self, *names: str) -> None:
        for name in names:
            await until(lambda name=name: self.jobs.get(name).supervisor.state == "synced")  # type: ignore[misc]


async def no_trial(job: JobSettings) -> CheckCase:
    raise ProblemError(Problem(Code.STATE_DAMAGED, "the state cannot be read"))


@contextlib.asynccontextmanager
async def running(
    folder: Path, files: JobFiles | None = None, **nightly: Any
) -> AsyncIterator[Daemon]:
    house = House(folder)
    files = files or Files(
        settings("nightly", **nightly), settings("other"), settings("off", enabled=False)
    )
    # Sockets' paths are short, whatever the test's folder is called.
    with (
        tempfile.TemporaryDirectory(prefix="cg") as runtime,
        Endpoint(runtime, "daemon", epoch="epoch", now=house.world().wall) as endpoint,
    ):
        async with asyncio.TaskGroup() as group:
            gone: list[str] = []
            jobs = Jobs(files, house.build, house.world(), group, gone.append, house.refuse)
            await jobs.read()
            sessions = Sessions(house.world(), Board(), group)
            trials, verifications = Checks(no_trial, house.world(), group), Verifications(group)
            daemon = Daemon(house, jobs, files, endpoint, trials, verifications, sessions)
            daemon.gone = gone
            await daemon.own_file.begin()
            yield daemon
            for job in jobs.all.values():
                job.task.cancel()


async def test_all_commands_are_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        assert daemon.routes.keys() == COMMANDS.keys()
        hello = await daemon.ask("hello")
        assert hello["versions"] == {"api": 1, "cargo": "0.1.0"}
        assert (hello["kind"], hello["supports"]) == ("daemon", sorted(COMMANDS))


async def test_a_session_that_cannot_be_opened_and_one_that_there_is_not(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        assert (
            await daemon.ask("session.open", url="https://h", username="a", password="b")
            == "unreachable"
        )
        assert await daemon.ask("session.show", session="none") == "unknown_session"
        assert await daemon.ask("session.list", session="none", path="") == "unknown_session"
        assert await daemon.ask("session.list", session="none") == "bad_argument"


async def test_status_and_lists(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        status = await daemon.ask("status")
        assert status["state"] == "synced"
        assert status["jobs"] == {"disabled": 1, "synced": 2}
        assert re.fullmatch(r"\d{4}[a-z]+", status["zone_rules"])
        assert status["totals"] == {
            "files_done": 0, "files_total": 0, "bytes_done": 0, "bytes_total": 0,
            "speed_bps": 0, "eta_s": None,
        }  # fmt: skip
        rows = (await daemon.ask("job.list"))["jobs"]
        assert [row["name"] for row in rows] == ["nightly", "off", "other"]
        assert rows[0].keys() == {
            "name", "mode", "state", "detail", "local_dir", "remote", "next_at", "errors",
            "conflicts", "drifted", "progress", "last_run", "code", "window",
            "succeeded_at",
        }  # fmt: skip
        assert await daemon.ask("transfer.list") == {"transfers": [], "waiting": []}


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
        await until(lambda: not daemon.jobs.get("nightly").supervisor.previews.waits(run))
        page = await daemon.ask("job.plan", job="nightly", run=run, limit=3)
        assert (page["ready"], page["totals"]["put"], page["totals"]["bytes"]) == (True, 5, 10)
        assert [action["path"] for action in page["actions"]] == ["0.txt", "1.txt", "2.txt"]
        rest = await daemon.ask("job.plan", job="nightly", run=run, after=page["next"], limit=3)
        assert [action["path"] for action in rest["actions"]] == ["3.txt", "4.txt"]
        assert rest["next"] is None
        assert await daemon.ask("job.plan", job="other", run=run) == "unknown_run"
        assert await daemon.ask("job.plan", job="nightly", run="no such run") == "unknown_run"


async def test_both_sides_are_compared_and_what_differs_is_delivered_again(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as daemon:
        job, far = daemon.jobs.get("nightly").supervisor, daemon.house.far["nightly"]
        daemon.house.near["nightly"].write("a.txt", b"12")
        await daemon.synced("nightly")
        await until(lambda: "a.txt" in far.files())
        far.remove("a.txt")
        job.sync()
        await until(lambda: job.outcomes.drifted == 1)
        run = (await daemon.ask("job.verify", job="nightly"))["run"]
        found: dict[str, Any] = {}
        while not found.get("ready"):
            found = await daemon.ask("job.verify", job="nightly", run=run)
            await asyncio.sleep(0)
        assert found["files"] == [{"path": "a.txt", "size": 2, "why": "gone there", "again": True}]
        assert found["totals"]["again"] == 1 and found["next"] is None
        for args in ({"job": "other", "run": run}, {"job": "nightly", "run": "none"}):
            assert await daemon.ask("job.verify", **args) == "unknown_run"
            assert await daemon.ask("job.deliver", **args) == "unknown_run"
        plan = (await daemon.ask("job.plan", job="nightly"))["run"]
        await until(lambda: not job.previews.waits(plan))
        assert await daemon.ask("job.deliver", job="nightly", run=plan) == "unknown_run"
        assert (await daemon.ask("job.deliver", job="nightly", run=run))["run"]
        await until(lambda: "a.txt" in far.files())


async def test_a_plan_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        daemon.house.far["nightly"].away = Problem(Code.UNREACHABLE, "nobody answers")
        run = (await daemon.ask("job.plan", job="nightly"))["run"]
        await until(lambda: not daemon.jobs.get("nightly").supervisor.previews.waits(run))
        assert await daemon.ask("job.plan", job="nightly", run=run) == "unreachable"


async def test_events_are_read_by_cursor(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly", "other")
        for number in range(3):
            daemon.house.near["nightly"].write(f"{number}.txt", b"12")
        daemon.house.near["other"].write("of another", b"1")
        start = (await daemon.ask("history"))["next"]
        for name in ("nightly", "other"):
            await daemon.ask("job.sync", job=name)
        await until(lambda: len(daemon.house.recorder.events) >= 4)
        first = await daemon.ask("history", since=start, job="nightly", limit=2)
        assert [(row["kind"], row["path"], row["bytes"]) for row in first["rows"]] == [
            ("uploaded", "0.txt", 2), ("uploaded", "1.txt", 2),
        ]  # fmt: skip
        assert first["rows"][0].keys() == {
            "cursor", "job", "kind", "time", "path", "bytes", "message", "details",
        }  # fmt: skip
        rest = await daemon.ask("history", since=first["next"], job="nightly", limit=2)
        assert (first["more"], rest["more"]) == (True, False)
        assert [row["path"] for row in rest["rows"]] == ["2.txt"]
        assert len((await daemon.ask("history", since=start))["rows"]) == 4
        assert (await daemon.ask("history", since=rest["next"], job="nightly"))["rows"] == []
        assert await daemon.ask("key.list") == "no_keys"


async def test_sync_and_approve(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        assert await daemon.ask("job.approve", job="nightly") == "not_held"
        assert await daemon.ask("job.reject", job="nightly", held="5f0c2a91") == "not_held"
        daemon.house.near["nightly"].write("new.txt", b"1")
        run = (await daemon.ask("job.sync", job="nightly"))["run"]
        await until(lambda: daemon.house.far["nightly"].files())
        await daemon.synced("nightly")
        last = (await daemon.ask("job.show", job="nightly"))["last_run"]
        assert (last["run"], last["files"]) == (run, 1)


def _is_there(tree: MemoryTree, name: str) -> bool:
    return name in tree.files()


async def test_a_job_whose_server_was_restored_moves_nothing_before_it_is_approved(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as daemon:
        far = daemon.house.far["nightly"]
        for name in ("a.txt", "b.txt"):  # the second look sees on the server what the first brought
            daemon.house.near["nightly"].write(name, b"1")
            await daemon.ask("job.sync", job="nightly")
            await until(functools.partial(_is_there, far, name))
            await daemon.synced("nightly")
        far._lineage = "of a backup"
        await daemon.ask("job.sync", job="nightly")
        await until(lambda: daemon.jobs.get("nightly").supervisor.state == "held")
        shown = await daemon.ask("job.show", job="nightly")
        assert (shown["code"], shown["held"]) == ("server_restored", None)
        assert "cargo_ctl job approve nightly" in shown["detail"]
        assert await daemon.ask("job.reject", job="nightly") == "not_held"
        assert await daemon.ask("job.approve", job="nightly", held="5f0c2a91") == "not_held"
        assert (await daemon.ask("job.approve", job="nightly"))["held"] == []
        await daemon.synced("nightly")
        said = daemon.house.recorder.said()
        assert (said.count("held"), said.count("reset")) == (1, 1)
        assert await daemon.ask("job.approve", job="nightly") == "not_held"


async def test_what_is_held_is_shown_approved_and_rejected(tmp_path: Path) -> None:
    async with running(tmp_path, delete="propagate") as daemon:
        near, far = daemon.house.near["nightly"], daemon.house.far["nightly"]
        for number in range(20):
            near.write(f"{number:02}", b"1")
        await until(lambda: len(far.files()) == 20)
        await daemon.synced("nightly")

        async def held() -> dict[str, Any]:
            await daemon.ask("job.sync", job="nightly")
            await until(lambda: daemon.jobs.get("nightly").supervisor.state == "held")
            shown: dict[str, Any] = (await daemon.ask("job.show", job="nightly"))["held"]
            return shown

        for number in range(12):
            near.remove(f"{number:02}")
        shown = await held()
        assert shown == shown | {"deletions": 12, "overwrites": 0, "tree": 20, "before": 0}
        assert shown["first"] == ["00", "01", "02", "03", "04"]
        assert await daemon.ask("job.approve", job="nightly", held="another") == "not_held"
        [id] = shown["ids"]
        assert (await daemon.ask("job.reject", job="nightly", held=id))["held"] == [id]
        await daemon.synced("nightly")
        assert len(far.files()) == 20

        for number in range(12):
            near.write(f"new {number}", b"1")
        await daemon.ask("job.sync", job="nightly")
        await until(lambda: len(far.files()) == 32)
        await daemon.synced("nightly")
        for number in range(12):
            near.remove(f"new {number}")
        shown = await held()
        assert (await daemon.ask("job.approve", job="nightly"))["held"] == shown["ids"]
        await daemon.synced("nightly")
        assert len(far.files()) == 20


async def test_a_speed_by_order_and_back(tmp_path: Path) -> None:
    async with running(tmp_path, speed=50_000_000) as daemon:
        assert (await daemon.ask("job.show", job="nightly"))["speed"] == {
            "file": 50_000_000,
            "now": 50_000_000,
        }
        ordered = await daemon.ask("job.speed", job="nightly", speed="10mbps")
        by_order = {"file": 50_000_000, "override": 10_000_000, "now": 10_000_000}
        assert ordered == {"job": "nightly", "speed": by_order}
        assert (await daemon.ask("job.show", job="nightly"))["speed"] == by_order
        none = await daemon.ask("job.speed", job="nightly", speed="none")
        assert none["speed"] == {"file": 50_000_000, "override": None, "now": None}
        back = await daemon.ask("job.speed", job="nightly", speed=None)
        assert back["speed"] == {"file": 50_000_000, "now": 50_000_000}
        assert await daemon.ask("job.speed", job="nightly", speed="fast") == "bad_argument"
        assert await daemon.ask("job.speed", job="nightly") == "bad_argument"
        assert await daemon.ask("job.speed", job="nigthly", speed="1mbps") == "unknown_job"


async def test_the_daemons_limits_by_order_and_back(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        file = {"name": "bandwidth", "file": 80_000_000}
        assert await daemon.ask("bandwidth.show") == {"bandwidth": [file | {"now": 80_000_000}]}
        ordered = {"bandwidth": [file | {"override": 20_000_000, "now": 20_000_000}]}
        assert await daemon.ask("bandwidth.set", bandwidth="20mbps") == ordered
        assert await daemon.ask("bandwidth.show") == ordered
        none = await daemon.ask("bandwidth.set", bandwidth="none")
        assert none == {"bandwidth": [file | {"override": None, "now": None}]}
        assert await daemon.ask("bandwidth.set", bandwidth=None) == {
            "bandwidth": [file | {"now": 80_000_000}]
        }
        assert await daemon.ask("bandwidth.set", bandwidth="0bps") == "bad_argument"


async def test_outside_its_window_a_job_only_plans(tmp_path: Path) -> None:
    # The house's clock stands at 2027-01-15 09:00 in Madrid.
    async with running(tmp_path, window=Window(22 * 60, 150), timezone="Europe/Madrid") as daemon:
        for order in ("job.sync", "job.approve"):
            refused = await daemon.refused(order, job="nightly")
            assert refused == {
                "code": "outside_window",
                "message": 'the job "nightly" moves files from 22:00 to 02:30, Europe/Madrid only',
                "hint": "it starts by itself at 22:00, Europe/Madrid",
            }
        shown = await daemon.ask("job.show", job="nightly")
        opens = datetime(2027, 1, 15, 22, tzinfo=ZoneInfo("Europe/Madrid")).timestamp()
        assert (shown["state"], shown["next_at"]) == ("waiting", opens)
        assert shown["detail"] == "waits until 22:00, Europe/Madrid"
        assert shown["window"] == {
            "words": "22:00 to 02:30, Europe/Madrid", "zone": "Europe/Madrid", "open": False,
            "changes_at": opens,
            "start": "22:00",
            "end": "02:30",
        }  # fmt: skip
        daemon.house.near["nightly"].write("a.txt", b"1")
        run = (await daemon.ask("job.plan", job="nightly"))["run"]
        await until(lambda: not daemon.jobs.get("nightly").supervisor.previews.waits(run))
        assert (await daemon.ask("job.plan", job="nightly", run=run))["totals"]["put"] == 1
        await daemon.ask("job.pause", job="nightly")
        await daemon.ask("job.start", job="nightly")
        assert daemon.jobs.get("nightly").supervisor.state == "waiting"
        assert daemon.house.far["nightly"].files() == {}


async def test_reload_and_shutdown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path) as daemon:
        assert isinstance(daemon.files, Files)
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


async def test_a_transfer_is_cancelled_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        far, supervisor = daemon.house.far["nightly"], daemon.jobs.get("nightly").supervisor
        far.stuck = True
        for name in "ab":
            daemon.house.near["nightly"].write(name, name.encode())
        await daemon.ask("job.sync", job="nightly")
        await far.moving.wait()
        ids = {task.action.path: task.transfer for task in far.open_tasks()}
        assert sorted(ids) == ["a", "b"]
        assert await daemon.ask("transfer.cancel", id="nothing begins so") == "unknown_transfer"
        assert await daemon.ask("transfer.cancel", id=ids["a"][:4]) == "bad_argument", (
            "both begin so"
        )
        assert await daemon.ask("transfer.cancel", id=ids["a"]) == {
            "id": ids["a"], "job": "nightly", "path": "a",
        }  # fmt: skip
        far.stuck = False
        far.go.set()
        await until(lambda: supervisor.state == "error")
        assert far.files() == {"b": b"b"}
        [cause] = (await daemon.ask("job.show", job="nightly"))["causes"]
        assert (cause["path"], cause["next_at"]) == ("a", None)
        assert (await daemon.ask("job.show", job="nightly"))["next_at"] is None, (
            "a person must order it"
        )
        assert cause["message"].endswith("(`cargo_ctl job sync nightly` takes it up again)")
        await daemon.ask("job.sync", job="nightly")
        await daemon.synced("nightly")
        assert far.files() == {"a": b"a", "b": b"b"}


async def test_history_is_paged_and_told_of_one_job(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        await daemon.synced("nightly")
        for number in range(3):
            daemon.house.near["nightly"].write(f"{number}.txt", b"12")
        await daemon.ask("job.sync", job="nightly")
        await until(lambda: len(daemon.house.recorder.events) == 3)
        await daemon.synced("nightly")
        Events(daemon.house.database).append(
            [Event("nightly", Happened.FAILED, 9.0, "bad", 5, EventDetails("no", transfer="f00"))]
        )
        page = await daemon.ask("job.history", job="nightly", limit=2)
        assert [(row["kind"], row["path"]) for row in page["rows"]] == [
            ("error", "bad"), ("uploaded", "2.txt"),
        ]  # fmt: skip
        assert page["rows"][0] == {
            "cursor": 4, "time": 9.0, "kind": "error", "path": "bad", "bytes": 5, "seconds": None,
            "speed_bps": None, "transfer": "f00", "message": "no",
        }  # fmt: skip
        rest = await daemon.ask("job.history", job="nightly", before=page["next"])
        assert ([row["path"] for row in rest["rows"]], rest["next"]) == (["1.txt", "0.txt"], None)
        failed = await daemon.ask("job.history", job="nightly", kind="error")
        assert [row["cursor"] for row in failed["rows"]] == [4]
        named = await daemon.ask("job.history", job="nightly", path="1*", start=10)
        assert [row["path"] for row in named["rows"]] == ["1.txt"]
        assert await daemon.ask("job.history", job="nightly", kind="lost") == "bad_argument"
        assert (await daemon.ask("job.history", job="other"))["rows"] == []
        assert await daemon.ask("job.history", job="nigthly") == "unknown_job"
        assert await daemon.ask("history", job="nigthly") == "unknown_job"
        assert (await daemon.ask("history", job="other"))["rows"] == []


async def test_a_trial_that_cannot_be_prepared_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        begun = await daemon.ask("job.test", job="off")
        assert (begun["job"], begun["ready"], begun["steps"]) == ("off", False, [])
        await asyncio.sleep(0)
        told = await daemon.ask("job.test", job="off", test=begun["test"])
        assert told["ready"] and told["steps"] == [
            {"name": "state", "ok": False, "message": "the state cannot be read", "hint": ""}
        ]
        assert await daemon.ask("job.test", job="nightly", test=begun["test"]) == "unknown_test"
