"""Checks of jobs: against a real server, and against one that answers what a test wants."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import argon2
import pytest
from aiohttp import web

from cargo_sync.api.own_certificate import YEARS
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.daemon.checks import cargo_steps, near_steps
from cargo_sync.daemon.checks import steps as check_steps
from cargo_sync.daemon.checks.cargo_steps import CargoCheck
from cargo_sync.daemon.checks.near_steps import LOCAL_FOLDER
from cargo_sync.daemon.checks.running import Checks
from cargo_sync.daemon.checks.steps import CheckCase, CheckStep, CheckWork, make_step, run_check
from cargo_sync.local.lock import lock_root
from cargo_sync.local.root import Root
from cargo_sync.local.space import FreeSpace, SpaceLedger
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process import tls
from cargo_sync.trees.cargo.api import ServerLogin
from cargo_sync.trees.cargo.probe import ProbingApi
from tests.daemon.house import settings
from tests.offloads import inline
from tests.server import test_app
from tests.server.flows.test_flows import REAL
from tests.server.surroundings import CHEAP
from tests.trees.cargo.answers import Answer, answering, ok, refuse

NOW = 1_800_000_000.0
KNOWN = {"epoch": "e", "sequence": 0, "lineage": ""}
SPACES = ok(
    {
        "workspaces": [
            {"name": "default", "access": "rw", **KNOWN},
            {"name": "shared", "access": "ro", **KNOWN},
            {"name": "box", "access": "wo", **KNOWN},
        ]
    }
)
TREE = ok({"entries": [], "next": None})
LANE = {"port": 9, "token": "ab" * 16, "auth": "cd" * 32}
FLOW = ok({"flow": "f1", "lane": LANE, "granted": 8_000_000})
ALL = [
    "server",
    "login",
    "workspace",
    "remote folder",
    "local folder",
    "granted speed",
    "data port",
    "speed",
    "clock",
    "time zone",
]


def world(wall: float = NOW) -> World:
    steady = asyncio.get_running_loop().time
    return World(lambda: wall, steady, lambda: 0.5, lambda: secrets.token_hex(16), inline, steady)


def case(login: ServerLogin, folder: Path, **changes: Any) -> CheckCase:
    remote = RemoteAddress.parse(login.url)
    fields = {"local_dir": str(folder), "remote": remote, "remote_dir": "box"} | changes
    job = settings("nightly", tls_fingerprint=login.fingerprint or None, **fields)
    api, zone = ProbingApi(login, time.monotonic), ZoneInfo("Europe/Madrid")
    return CheckCase(job, CargoCheck(api), world(), SpaceLedger(), job.speed, None, zone, "2026f")


async def made(one: CheckCase) -> dict[str, CheckStep]:
    try:
        return {step.name: step async for step in run_check(one)}
    finally:
        await one.far.close()


def dated(seconds: float) -> Answer:
    """A server whose clock shows another time."""
    date = format_datetime(
        parsedate_to_datetime("Thu, 01 Jan 1970 00:00:00 GMT").fromtimestamp(seconds)
    )
    return lambda: web.Response(status=405, body=b"{}", headers={"Date": date})


async def tried(
    folder: Path, changes: dict[str, Any] | None = None, **answers: list[Answer]
) -> dict[str, CheckStep]:
    given = {
        "GET_login": [dated(NOW)], "GET_workspaces": [SPACES],
        "GET_workspaces_default_tree": [TREE],
        "POST_flows": [FLOW], "DELETE_flows_f1": [ok({})],
        "POST_probe": [ok({"bytes": 1_000_000, "seconds": 0.5})],
    }  # fmt: skip
    async with answering(**given | answers) as (login, heard):
        steps = await made(case(login, folder, **changes or {}))
        assert heard.asked.count("POST /login") <= 1
        return steps


@pytest.mark.usefixtures("runtime")
async def test_a_certificate_of_an_authority_that_ends_soon_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    made_at = datetime.now(UTC) - timedelta(days=365 * YEARS - 12, minutes=-5)
    files = tls.self_made(str(tmp_path), ["127.0.0.1"], made_at)
    file = test_app.settings(tmp_path, tls={"cert": files.cert, "key": files.key})
    async with test_app.running(file) as up:
        authority = ServerLogin(up.api, "ana", lambda: "correct horse", ca_file=files.cert)
        pinned = ServerLogin(up.api, "ana", lambda: "correct horse", files.fingerprint)
        hints = []
        for login in (authority, pinned):
            check = CargoCheck(ProbingApi(login, time.monotonic))
            one = replace(case(login, tmp_path), world=world(time.time()))
            step = await make_step(check.steps[0], one)
            await check.close()
            assert step.ok, step
            hints.append(step.hint)
    [hint, nothing] = hints
    assert hint.startswith("the server's certificate expires in 12 days, on ")
    assert nothing == "", "a pinned one is trusted for itself"


async def test_names_that_are_not_transferred_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    rows = [[name, "d", 0, 0, 0o755, 1, 1, "", ""] for name in (".Cargo_Sync", "a", "b/c", "..")]
    answer = ok({"entries": list(map(list, zip(*rows, strict=True))), "next": None})
    steps = await tried(tmp_path / "here", GET_workspaces_default_tree=[answer])
    assert (steps["remote folder"].ok, steps["remote folder"].hint) == (
        True,
        "'.Cargo_Sync' there belongs to Cargo, so it is not transferred; "
        "'b/c' there cannot be used as a name, so it is not transferred (and 1 more)",
    )


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize("mode", ["upload", "download"])
async def test_all_steps_against_a_real_server(
    tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    monkeypatch.setattr(cargo_steps, "PROBE_BYTES", 1_000_000)  # this much, whatever time it takes
    monkeypatch.setattr(cargo_steps, "MEASURE", 60.0)
    monkeypatch.setattr(check_steps, "PATIENCE", 60.0)
    local = tmp_path / "local"
    local.mkdir()
    async with test_app.running(test_app.settings(tmp_path)) as up:
        login = ServerLogin(up.api, "ana", lambda: "correct horse", up.fingerprint)
        one = case(login, local, mode=mode, remote_dir="")
        steps = await made(replace(one, world=replace(REAL, wall=time.time)))
        other = await made(case(replace(login, password=lambda: "wrong"), local, mode=mode))
        stranger = await made(
            case(replace(login, fingerprint="sha256:" + "0" * 64), local, mode=mode)
        )
        assert [path.name for path in (tmp_path / "ana").iterdir()] == [".cargo_sync"]
    assert list(steps) == ALL and all(step.ok and not step.hint for step in steps.values()), steps
    assert (
        steps["server"].message
        == f"{up.api} answers, over TLS, with the certificate that the job names"
    )
    assert steps["granted speed"].message == "the server sets no limit"
    port = up.data_port.rpartition(":")[2]
    told = f"data connections to 127.0.0.1 port {port} work, encrypted"
    assert steps["data port"].message == told
    assert not [line for line in caplog.messages if "flow" in line], "it ended well, for the server"
    way = "up" if mode == "upload" else "down"
    assert f"bps {way}, measured over HTTP for " in steps["speed"].message
    assert list(other) == ["server", "login", "local folder", "clock", "time zone"]
    assert not other["login"].ok and "refused the login of 'ana'" in other["login"].message
    assert list(stranger) == ["server", "local folder", "time zone"]
    assert (
        up.fingerprint in stranger["server"].message
        and "tls_fingerprint" in stranger["server"].hint
    )


async def test_a_data_port_that_is_not_reached(tmp_path: Path) -> None:
    """As behind a proxy that is on another machine than the server."""
    steps = await tried(tmp_path)
    step = steps["data port"]
    where = "127.0.0.1 port 9"
    assert not step.ok
    assert step.message.startswith(f"the server's data port at {where} cannot be reached: ")
    assert "public_ip" in step.hint and "firewall" in step.hint


async def test_figures_are_told_as_people_write_them(tmp_path: Path) -> None:
    steps = await tried(tmp_path)
    assert [name for name, step in steps.items() if not step.ok] == ["data port"]
    assert steps["granted speed"].message == "the server grants 8mbps"
    assert steps["speed"].message == "16mbps up, measured over HTTP for 0.5 s"
    message = "Europe/Madrid: it is 09:00 (UTC+0100) now, by the rules of 2026f"
    assert steps["time zone"].message == message
    assert steps["workspace"].message == "ana may read and write the workspace 'default'"


async def test_a_two_way_job_is_checked_in_both_directions(tmp_path: Path) -> None:
    got = ok({"some": "bytes"})
    steps = await tried(
        tmp_path, {"mode": "bidirectional"}, POST_flows=[FLOW, FLOW, FLOW],
        DELETE_flows_f1=[ok({})] * 3, GET_probe=[got],
    )  # fmt: skip
    assert steps["granted speed"].message == "the server grants 8mbps up and 8mbps down"
    assert steps["speed"].message.startswith("16mbps up and ")
    assert "can be read and written, " in steps["local folder"].message
    shared = await tried(
        tmp_path, {"mode": "bidirectional", "workspace": "shared"}, GET_probe=[got]
    )
    assert "may read the workspace 'shared' but not change it" in shared["workspace"].message


@pytest.mark.parametrize(
    ("changes", "ok_", "message"),
    [
        ({"workspace": "shared"}, False, "ana may read the workspace 'shared' but not change it"),
        ({"workspace": "shared", "mode": "download"}, True, "ana may read the workspace 'shared'"),
        (
            {"workspace": "shared", "mode": "download", "after_transfer": "delete"},
            False,
            "ana may read the",
        ),
        ({"workspace": "none"}, False, "ana has no workspace 'none' on the server"),
        ({"workspace": "box"}, True, "ana may add files to the workspace 'box', and do nothing"),
        (
            {"workspace": "box", "delete": "propagate"},
            False,
            "you may only add files to the workspace 'box', and this job would do more",
        ),
    ],
)
async def test_rights_that_the_job_needs(
    tmp_path: Path, changes: dict[str, Any], ok_: bool, message: str
) -> None:
    steps = await tried(
        tmp_path,
        changes,
        GET_workspaces_shared_tree=[TREE],
        GET_workspaces_box_tree=[TREE],
        GET_probe=[ok({"some": "bytes"})],
    )
    assert steps["workspace"].ok is ok_ and steps["workspace"].message.startswith(message)
    assert ("granted speed" in steps) is ok_, "what stands on it is left out"


async def test_a_remote_folder_that_is_not_there(tmp_path: Path) -> None:
    gone = refuse(404, "unknown")
    up = await tried(tmp_path, GET_workspaces_default_tree=[gone])
    assert up["remote folder"].message == "there is no /box yet; the first upload makes it"
    down = await tried(
        tmp_path,
        {"mode": "download"},
        GET_workspaces_default_tree=[gone],
        GET_probe=[ok({"some": "bytes"})],
    )
    assert (
        not down["remote folder"].ok
        and down["remote folder"].hint == "look at remote_dir in the job"
    )


async def test_a_probe_that_is_refused_fails_alone(tmp_path: Path) -> None:
    steps = await tried(tmp_path, POST_probe=[refuse(429, "busy", "another probe is running")])
    assert list(steps) == ALL
    assert [name for name, step in steps.items() if not step.ok] == ["data port", "speed"]


async def test_a_limited_job_measures_no_more_than_it_could_move(tmp_path: Path) -> None:
    asked: list[int] = []

    class Heard(ProbingApi):
        async def send(self, most: int, seconds: float, steady: Callable[[], float]) -> Any:
            asked.append(most)
            return await super().send(most, seconds, steady)

    async with answering(POST_probe=[ok({"bytes": 1, "seconds": 1})]) as (login, _):
        for speed in (None, 80_000_000, 1):
            api = Heard(login, time.monotonic)
            await api.log_in()
            await CargoCheck(api).speed(replace(case(login, tmp_path), speed=speed))
            await api.close()
    assert asked == [64 * 2**20, 20_000_000, 256 * 1024]


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        (NOW + 2, "the server's clock agrees with ours"),
        (NOW - 3, "the server's clock agrees with ours"),
        (NOW + 3, "the server's clock is 3 s ahead of ours"),
        (NOW - 3600, "the server's clock is 3,599 s behind ours"),
    ],
)
async def test_clocks_that_differ_are_a_warning(tmp_path: Path, shown: float, message: str) -> None:
    step = (await tried(tmp_path, GET_login=[dated(shown)]))["clock"]
    assert step.ok and step.message == message
    assert bool(step.hint) == ("agrees" not in message)


async def local(
    folder: Path, bound: str | None = None, delivers: bool = False, **changes: Any
) -> CheckStep:
    """Runs only the step of the local folder; it needs no server."""
    one = case(ServerLogin("http://127.0.0.1:1", "ana", str), folder, **changes)
    return await make_step(LOCAL_FOLDER, replace(one, bound=bound, delivers=delivers))


async def test_local_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = tmp_path / "away"
    assert not (await local(away)).ok
    assert (
        await local(away, mode="download")
    ).message == f"there is no {away} yet; the first run makes it"
    assert (await local(tmp_path)).message == f"{tmp_path} can be read"
    assert "can be read and written, " in (await local(tmp_path, mode="download")).message
    lost = await local(tmp_path, bound=f"abc {tmp_path}", mode="download")
    assert not lost.ok and "its marker is missing" in lost.message
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda *_, **__: False)
        assert (await local(tmp_path)).ok, "it only reads"
        both: list[dict[str, Any]] = [{"mode": "download"}, {"after_transfer": "delete"}]
        for changes in both:
            assert "no permission to write to" in (await local(tmp_path, **changes)).message
    little = FreeSpace(free=1_000_000, stays=2_000_000, reserved=0)
    monkeypatch.setattr(SpaceLedger, "space", lambda self, root: little)
    full = await local(tmp_path, mode="download")
    assert (full.ok, full.hint) == (False, "free some space")
    assert full.message == f"{tmp_path} has only 1 MB free, and 2 MB always stay free"


async def test_a_folder_in_use_and_one_that_is_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Root.open(str(tmp_path))
    lock = lock_root(root, "a job", leave_name=False)
    try:
        assert (await local(tmp_path)).ok, "the daemon's own lock is its own"
        monkeypatch.setattr("os.getpid", lambda: 1)
        step = await local(tmp_path)
        assert not step.ok and step.message.startswith(f"{tmp_path} is in use by process ")
    finally:
        lock.release()
        root.close()


async def test_whatever_goes_wrong_is_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: CheckCase) -> tuple[str, str]:
        raise RuntimeError("nobody foresaw this")

    async def silent(_: CheckCase) -> tuple[str, str]:
        await asyncio.Event().wait()
        return "", ""

    monkeypatch.setattr(check_steps, "PATIENCE", 0.01)
    works = (("a", "", broken), ("b", "", silent), ("c", "a", silent))
    check = [CheckWork(*work) for work in works]
    monkeypatch.setattr(CargoCheck, "steps", property(lambda self: check))
    steps = await tried(tmp_path)
    assert steps == {
        "a": CheckStep("a", False, "internal error: RuntimeError", "see the log"),
        "b": CheckStep("b", False, "no result within 0.01 s"),
    }


async def test_a_mistake_of_ours_is_not_told_as_one_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(bits: int) -> str:
        raise ValueError

    monkeypatch.setattr(
        CargoCheck,
        "steps",
        property(lambda self: [CheckWork("granted speed", "", self.granted)]),
    )
    monkeypatch.setattr(cargo_steps, "format_speed", broken)
    steps = await tried(tmp_path)
    assert steps["granted speed"].message == "internal error: ValueError"
    monkeypatch.undo()
    steps = await tried(tmp_path, POST_flows=[ok({"flow": "f1", "lane": LANE, "granted": "fast"})])
    assert "the server's answer is not valid" in steps["granted speed"].message


async def test_a_job_is_tried_once_at_a_time(tmp_path: Path) -> None:
    end = asyncio.Event()

    async def prepare(job: Any) -> CheckCase:
        await end.wait()
        raise ProblemError(Problem(Code.VANISHED, "gone"))

    async with asyncio.TaskGroup() as group:
        kept = Checks(prepare, world(), group)
        first = kept.begin(settings("a"))
        assert kept.begin(settings("a")) == first != kept.begin(settings("b"))
        end.set()
    one = kept.get(first)
    assert one is not None and one.ready and not one.steps[0].ok
    assert kept.get("another") is None
    one.began -= 3601
    assert kept.get(first) is None


async def test_a_check_that_breaks_ends_alone() -> None:
    async def prepare(job: Any) -> CheckCase:
        raise RuntimeError("nobody foresaw this")

    async with asyncio.TaskGroup() as group:
        kept = Checks(prepare, world(), group)
        id = kept.begin(settings("a"))
    one = kept.get(id)
    assert one is not None and one.ready
    assert [step.message for step in one.steps] == ["internal error: RuntimeError"]


async def test_a_source_that_is_not_mounted(tmp_path: Path) -> None:
    assert (await local(tmp_path, bound="0:1")).ok, "nothing was delivered yet"
    lost = await local(tmp_path, bound="0:1", delivers=True)
    assert not lost.ok and "is not the folder of the last run, and it is empty" in lost.message
    assert lost.hint.startswith("mount the disk")
    (tmp_path / "x").write_text("x")
    assert (await local(tmp_path, bound="0:1", delivers=True)).ok


async def test_a_served_folder_that_is_away(tmp_path: Path) -> None:
    problem = {"code": "root_gone", "message": "the folder is not there", "hint": "ask"}
    row = {"name": "default", "access": "rw", **KNOWN, "problem": problem}
    async with answering(GET_workspaces=[ok({"workspaces": [row]})]) as (login, _):
        check = CargoCheck(ProbingApi(login, time.monotonic))
        work = CheckWork("workspace", "", check.workspace)
        try:
            step = await make_step(work, case(login, tmp_path))
        finally:
            await check.close()
    assert (step.ok, step.message, step.hint) == (False, "the folder is not there", "ask")


async def test_a_file_system_that_does_not_tell_each_change_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_steps, "tells_all", lambda path: False)
    step = await local(tmp_path, watch=True)
    assert step.ok and "scanned as a whole every" in step.hint
    assert (await local(tmp_path, watch=False)).hint == ""
    monkeypatch.setattr(near_steps, "tells_all", lambda path: True)
    assert (await local(tmp_path, watch=True)).hint == ""
