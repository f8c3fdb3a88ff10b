"""Flows from end to end: a real server, real lanes and TLS, the client's trees and engine in this
process."""

import asyncio
import os
import random
import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.engine.run import Run
from cargo_sync.lanes.connect import open_lane
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.server import Up
from cargo_sync.trees.cargo import flow, opening
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.flow import ClientFlow
from cargo_sync.trees.cargo.replies import Decoder, FlowReply, SpacesReply, SpeedReply, T
from cargo_sync.trees.cargo.requests import Body
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.folder import FolderTree
from tests.engine.world import System
from tests.offloads import in_thread
from tests.ports import free_port
from tests.server.admin import ask, governed
from tests.server.surroundings import CHEAP
from tests.server.test_app import running, settings

REAL = World(
    time.time, time.monotonic, random.random, partial(secrets.token_hex, 16), in_thread, time.time
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


def login(
    up: Up, user: str = "ana", password: str = "correct horse", **changed: Any
) -> ServerLogin:
    return ServerLogin(
        up.api, user, lambda: password, **({"fingerprint": up.fingerprint} | changed)
    )


@asynccontextmanager
async def job(
    place: Path, who: ServerLogin, mode: Mode, workspace: str = "default", **rules: Any
) -> AsyncIterator[System]:
    """One job between `place`/here and the server, with a real clock."""
    place.mkdir(exist_ok=True)
    system = System(place, mode, settle=0, **rules)
    near, far = (
        place / "here",
        CargoTree(Api(who, time.monotonic), workspace, "in/box", REAL, asyncio.Semaphore(1)),
    )
    near.mkdir(exist_ok=True)
    system.near = FolderTree(  # type: ignore[assignment]
        str(near),
        system.rules,
        REAL,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(time.time),
        MemoryLedger(time.time),
        lambda: None,
    )
    system.far = far  # type: ignore[assignment]
    try:
        yield system
    finally:
        await far.close()
        await system.near.close()
        system.database.close()


def run(system: System) -> Run:
    return Run(system.rules, system.near, system.far, system.memory, REAL, lambda events: None)


def tree(root: Path) -> dict[str, bytes | str | None]:
    """Files, link targets and folders (None) below `root`, but for ours."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if not name.startswith(".cargo_sync"):
            found[name] = (
                os.readlink(path)
                if path.is_symlink()
                else path.read_bytes()
                if path.is_file()
                else None
            )
    return found


async def test_up_and_down_again_sealed(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        async with job(tmp_path / "a", login(up), Mode.UPLOAD) as first:
            here = tmp_path / "a" / "here"
            (here / "f" / "empty").mkdir(parents=True)
            for number in range(300):
                (here / "f" / f"é {number}").write_bytes(b"%d" % number * number)
            (here / "large").write_bytes(random.Random(1).randbytes(9_000_000))
            (here / "nothing").touch()
            os.symlink("large", here / "-link")
            os.chmod(here / "large", 0o640)
            for name in ("nothing", "f/empty"):
                os.chmod(here / name, 0o777)
            report = await run(first).execute()
            assert (report.errors, report.files) == (0, 303)
            for name in ("nothing", "f/empty"):
                arrived = tmp_path / "ana" / "in" / "box" / name
                assert arrived.stat().st_mode & 0o777 == 0o775, "never writable for everybody"
            again = await run(first).execute()
            assert not again.acted and not again.files
        assert tree(tmp_path / "ana" / "in" / "box") == tree(here)
        async with job(tmp_path / "b", login(up), Mode.DOWNLOAD) as second:
            report = await run(second).execute()
            assert (report.errors, report.files) == (0, 303)
            assert tree(tmp_path / "b" / "here") == tree(here)
            got, sent = (tmp_path / name / "here" / "large" for name in "ba")
            assert (got.stat().st_mtime_ns, got.stat().st_mode) == (
                sent.stat().st_mtime_ns,
                sent.stat().st_mode,
            )
            assert not (await run(second).execute()).acted


async def test_what_another_program_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        here, there = tmp_path / "a" / "here", tmp_path / "ana" / "in" / "box"
        (here / "x").write_bytes(b"one")
        await run(system).execute()
        (there / "x").write_bytes(b"theirs, and nobody has looked yet")
        (here / "x").write_bytes(b"two!")
        looks = 0
        while (there / "x").read_bytes() != b"two!":
            # What the server had not seen when we planned is refused, and planned again.
            system.memory.failures.expedite()
            await run(system).execute()
            looks += 1
            assert looks <= 3
        trash = tmp_path / "ana" / ".cargo_sync" / "trash"
        kept = {path.read_bytes() for path in trash.rglob("x")}
        assert b"theirs, and nobody has looked yet" in kept


async def test_a_workspace_to_read_only_takes_nothing(tmp_path: Path) -> None:
    shared = {"name": "music", "path": str(tmp_path / "music"), "grants": {"ana": "ro"}}
    file = settings(tmp_path, workspaces=[shared])
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.UPLOAD, "music") as system:
        (tmp_path / "a" / "here" / "x").write_bytes(b"one")
        with pytest.raises(ProblemError) as refused:
            await run(system).execute()
        assert refused.value.problem.code == "read_only"
        assert tree(tmp_path / "music") == {}


async def test_a_job_delivers_into_a_drop_box_once(tmp_path: Path) -> None:
    """It sees what it has sent, whatever becomes of that, and sends it again only if it changed."""
    box = tmp_path / "music" / "drops" / "ana" / "in" / "box"
    grant = {"ana": {"access": "wo", "path": "drops/ana"}}
    shared = {"name": "music", "path": str(tmp_path / "music"), "grants": grant}
    file = settings(tmp_path, workspaces=[shared])
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.UPLOAD, "music") as system:
        here = tmp_path / "a" / "here"
        (here / "sub").mkdir(parents=True)
        for name in ("x", "sub/y"):
            (here / name).write_bytes(b"one")
        await run(system).execute()
        assert tree(box) == {"x": b"one", "sub": None, "sub/y": b"one"}
        shutil.move(box / "x", tmp_path / "collected")
        box.joinpath("theirs").write_bytes(b"theirs")
        assert (await run(system).execute()).files == 0
        system.memory.scope.everything()
        assert (await run(system).execute()).files == 0
        for name in ("x", "sub/y", "theirs"):
            (here / name).write_bytes(b"second")
        assert (await run(system).execute()).files == 1
        system.memory.failures.expedite()
        assert (await run(system).execute()).errors == 2
        assert tree(box) == {"x": b"second", "sub": None, "sub/y": b"one", "theirs": b"theirs"}
        codes = {system.memory.failures.get(path).problem.code for path in ("sub/y", "theirs")}  # type: ignore[union-attr]
        assert codes == {"occupied"}
    async with running(file) as up:
        async with job(tmp_path / "b", login(up), Mode.DOWNLOAD, "music") as system:
            with pytest.raises(ProblemError, match="may only add files") as refused:
                await run(system).execute()
            assert refused.value.problem.code == "write_only"
        async with job(tmp_path / "a", login(up), Mode.UPLOAD, "music") as system:
            (tmp_path / "a" / "here" / "x").write_bytes(b"second")  # its memory is a new one
            assert (await run(system).execute()).files == 0


async def test_what_is_not_mine_is_not_there(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        async with job(tmp_path / "a", login(up), Mode.UPLOAD, "others") as system:
            with pytest.raises(ProblemError, match="no workspace 'others'"):
                await run(system).execute()
        async with job(tmp_path / "b", login(up, password="wrong"), Mode.UPLOAD) as system:
            with pytest.raises(ProblemError) as refused:
                await run(system).execute()
            assert refused.value.problem.code == "unauthorized"
        async with job(tmp_path / "c", login(up, fingerprint="ab" * 32), Mode.UPLOAD) as system:
            with pytest.raises(ProblemError, match="another certificate"):
                await run(system).execute()
        async with job(tmp_path / "d", login(up, fingerprint=""), Mode.UPLOAD) as system:
            with pytest.raises(ProblemError, match="is not trusted"):
                await run(system).execute()


async def test_rates_are_granted_by_the_least_limit_and_shared(tmp_path: Path) -> None:
    users = [
        {
            "username": "ana",
            "password": "correct horse",
            "path": str(tmp_path / "ana"),
            "upload_speed": "80mbps",
        }
    ]
    file = settings(tmp_path, users=users, global_upload_bandwidth="100mbps")
    async with running(file) as up:
        api = Api(login(up), time.monotonic)
        asked = {"direction": "upload", "workspace": "default", "path": "", "run": "r1"}
        first = await api.post("/flows", FlowReply.read, asked | {"speed": 200_000_000})
        assert first.granted == 80_000_000
        second = await api.post("/flows", FlowReply.read, asked | {"speed": None})
        assert second.granted == 50_000_000
        slower = await api.post(
            f"/flows/{first.flow}/speed", SpeedReply.read, {"speed": 10_000_000}
        )
        assert slower.granted == 10_000_000
        await api.delete(f"/flows/{first.flow}")
        await api.delete(f"/flows/{first.flow}")
        faster = await api.post(f"/flows/{second.flow}/speed", SpeedReply.read, {"speed": None})
        assert faster.granted == 80_000_000
        await api.close()


@pytest.mark.parametrize("mode", DIRECTIONS)
async def test_a_flow_that_runs_follows_another_speed(tmp_path: Path, mode: Mode) -> None:
    here, there = tmp_path / "a" / "here", tmp_path / "ana" / "in" / "box"
    for folder in (here, there):
        folder.mkdir(parents=True)
    (here if mode is Mode.UPLOAD else there).joinpath("large").write_bytes(bytes(10_000_000))
    slow: dict[str, Any] = {"speed": 1_000_000}
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), mode, **slow) as system,
    ):
        await numbered(up, 2 if mode is Mode.UPLOAD else 3)
        going = asyncio.ensure_future(run(system).execute())
        flow = await _moving(system)
        assert flow.granted == 1_000_000  # at which it would take 80 s
        await system.far.set_speed(800_000_000)
        await asyncio.wait_for(going, 60)
        assert flow.granted == 800_000_000
        assert (there / "large").read_bytes() == (here / "large").read_bytes()
        await system.far.set_speed(None)  # nothing runs: nothing happens


async def test_a_speed_that_is_set_while_it_waits_for_its_turn_is_the_one_asked_for(
    tmp_path: Path,
) -> None:
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        (tmp_path / "a" / "here" / "large").write_bytes(bytes(10_000_000))

        @asynccontextmanager
        async def turn() -> AsyncIterator[None]:
            await system.far.set_speed(2_000_000)
            yield

        system.far.flows._turn = turn()  # type: ignore[attr-defined]
        going = asyncio.ensure_future(run(system).execute())
        assert (await _moving(system)).granted == 2_000_000
        await system.far.set_speed(None)
        await asyncio.wait_for(going, 60)


async def test_a_client_is_told_what_was_shared_anew_while_its_lane_was_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, may_go = threading.Event(), threading.Event()

    def slowly(*args: Any) -> Any:
        opened.set()
        may_go.wait(60)
        return open_lane(*args)

    monkeypatch.setattr("cargo_sync.trees.cargo.opening.open_lane", slowly)
    file = settings(tmp_path, global_upload_bandwidth="2mbps")
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.UPLOAD) as system:
        (tmp_path / "a" / "here" / "large").write_bytes(bytes(10_000_000))
        going = asyncio.ensure_future(run(system).execute())
        await asyncio.to_thread(opened.wait, 60)
        other = Api(login(up), time.monotonic)
        asked = {
            "direction": "upload",
            "workspace": "default",
            "path": "",
            "run": "r1",
            "speed": None,
        }
        assert (await other.post("/flows", FlowReply.read, asked)).granted == 1_000_000
        may_go.set()
        flow = await _moving(system)
        async with asyncio.timeout(60):
            while flow.granted != 1_000_000:
                await asyncio.sleep(0.01)
        await other.close()
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)


def flow_of(far: Any) -> ClientFlow | None:
    """The flow of a run in one direction, if one runs."""
    return next(iter(far.flows.running.values()), None)


async def _moving(system: System) -> ClientFlow:
    """The flow of a run, once content moves."""
    async with asyncio.timeout(60):
        while True:
            flow = flow_of(system.far)
            if flow is not None and (figures := flow.figures()) is not None and figures.content:
                return flow
            await asyncio.sleep(0.01)


async def test_a_stranger_at_the_lanes_port_learns_nothing(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        host, _, port = up.data_port.rpartition(":")
        for knock in (
            b"GET / HTTP/1.1\r\n\r\n" + b"x" * 80,
            b"CARGOLN1" + bytes(68),
            os.urandom(200),
        ):
            with socket.create_connection((host, int(port)), 60) as stranger:
                stranger.settimeout(60)
                stranger.sendall(knock)
                assert await asyncio.to_thread(_rest, stranger) == b""


def _rest(sock: socket.socket) -> bytes:
    try:
        return sock.recv(4096)
    except ConnectionResetError:
        return b""


async def test_flows_of_bad_requests_are_refused_by_name(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        api = Api(login(up), time.monotonic)
        asked = {"direction": "upload", "workspace": "default", "path": "", "run": "r1"}
        changes: list[tuple[dict[str, object], str]] = [
            ({"direction": "sideways"}, "direction"),
            ({"path": "../x"}, "path"),
            ({"run": "../../etc"}, "run"),
            ({"speed": 0}, "speed"),
        ]
        for change, words in changes:
            with pytest.raises(ProblemError, match=words):
                await api.post("/flows", FlowReply.read, asked | change)
        await api.close()


async def test_a_job_that_hits_its_quota_is_held_and_goes_on_when_it_is_raised(
    tmp_path: Path,
) -> None:
    async with governed(settings(tmp_path)) as up:
        await ask(up, "user.set", user="ana", quota="3kB")
        async with job(tmp_path / "a", login(up), Mode.UPLOAD) as first:
            here = tmp_path / "a" / "here"
            for name, size in (("a", 1_000), ("b", 1_500), ("c", 2_000), ("d", 2_500)):
                (here / name).write_bytes(bytes(size))
            report = await run(first).execute()
            assert (report.files, report.errors) == (2, 2)
            assert report.held == ""
            (here / "b").write_bytes(bytes(2_000))  # only the difference counts, and it fits
            first.memory.failures.retry_at([Code.OVER_QUOTA], REAL.steady() + 60)
            report = await run(first).execute()
            assert report.files == 1
            first.memory.failures.retry_at([Code.OVER_QUOTA], 0.0)
            report = await run(first).execute()
            assert report.files == 0
            await ask(up, "user.set", user="ana", quota="1MB")
            first.memory.failures.retry_at([Code.OVER_QUOTA], 0.0)
            while (report := await run(first).execute()).errors:
                pass
            assert not report.held
            assert tree(tmp_path / "ana" / "in" / "box") == tree(here)


async def test_a_user_who_is_disabled_is_out_in_the_middle_of_a_transfer(tmp_path: Path) -> None:
    slow = [
        {
            "username": "ana",
            "password": "correct horse",
            "path": str(tmp_path / "ana"),
            "upload_speed": "1mbps",
        }
    ]
    file = settings(tmp_path, users=slow)
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.UPLOAD) as system:
        (tmp_path / "a" / "here" / "large").write_bytes(bytes(10_000_000))
        going = asyncio.ensure_future(run(system).execute())
        far = system.far
        assert isinstance(far, CargoTree)
        while not ((one := flow_of(far)) and (figures := one.figures()) and figures.content):
            await asyncio.sleep(0.01)
        settings(tmp_path, users=[{**slow[0], "enabled": False}])
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(ProblemError) as ended:
            await asyncio.wait_for(going, 60)
        assert ended.value.problem.code == "logged_out"
        assert not (tmp_path / "ana" / "in" / "box" / "large").exists()


@pytest.mark.sqlite
async def test_a_server_restored_from_an_older_state_hides_nothing_from_a_download(
    tmp_path: Path,
) -> None:
    """Its numbers are given out a second time: a client that had come further must notice."""
    port = free_port()  # one address for all of its lives: another would be another server
    file, there = settings(tmp_path, listen=f"127.0.0.1:{port}"), tmp_path / "ana" / "in" / "box"
    there.mkdir(parents=True)
    for name in "abc":
        (there / name).write_bytes(b"1")
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.DOWNLOAD) as system:
        await numbered(up, 5)
        await run(system).execute()
    shutil.copytree(tmp_path / "state", tmp_path / "older")
    for name in "abc":
        (there / name).write_bytes(b"22")
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.DOWNLOAD) as system:
        await numbered(up, 8)
        await run(system).execute()
        cursor = system.memory.jobs.get_or_create("job").far_cursor
        assert cursor == 8
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "older").rename(tmp_path / "state")
    for number in range(10):
        (there / f"0 {number}").write_bytes(b"333")
    async with running(file) as up, job(tmp_path / "a", login(up), Mode.DOWNLOAD) as system:
        await numbered(up, cursor + 5)
        with pytest.raises(ProblemError, match="restored from an older state"):
            await run(system).execute()
        report = await run(system).execute(approved={Code.SERVER_RESTORED})
        assert (report.errors, report.files) == (0, 10)
        assert tree(tmp_path / "a" / "here") == tree(there)


async def numbered(up: Up, sequence: int) -> None:
    """Waits until the server's scan has numbered so many changes."""
    api = Api(login(up), time.monotonic)
    async with asyncio.timeout(60):
        while (await api.get("/workspaces", SpacesReply.read)).workspaces[0].sequence < sequence:
            await asyncio.sleep(0.05)
    await api.close()


async def _cancelled_midway(system: System, path: str) -> Any:
    """A run at 2 Mbit/s in which `path` is cancelled as soon as something of it has come."""
    far = system.far
    assert isinstance(far, CargoTree)
    system.rules = replace(system.rules, speed=2_000_000)
    running = asyncio.create_task(run(system).execute())
    while True:
        flow = flow_of(far)
        figures = flow.figures() if flow is not None else None
        if figures is not None and any(file.path == path and file.done for file in figures.files):
            break
        assert not running.done(), running
        await asyncio.sleep(0.005)
    far.cancel(path)
    far.cancel("not among them")
    return await running


async def test_one_file_is_cancelled_midway_either_way(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up:
        async with job(tmp_path / "a", login(up), Mode.UPLOAD) as first:
            here = tmp_path / "a" / "here"
            (here / "large").write_bytes(random.Random(1).randbytes(30_000_000))
            (here / "small").write_bytes(b"1")
            report = await _cancelled_midway(first, "large")
            assert (report.files, report.errors, report.problems[0].code) == (1, 1, "cancelled")
            assert set(tree(tmp_path / "ana" / "in" / "box")) == {"small"}
            assert not list((tmp_path / "ana" / ".cargo_sync" / "staging").iterdir())
            assert (await run(first).execute()).files == 0, "it is left alone"
            first.memory.failures.expedite()
            first.rules = replace(first.rules, speed=None)
            assert (await run(first).execute()).files == 1
        async with job(tmp_path / "b", login(up), Mode.DOWNLOAD) as second:
            report = await _cancelled_midway(second, "large")
            assert (report.files, report.errors, report.problems[0].code) == (1, 1, "cancelled")
            there = tmp_path / "b" / "here"
            assert set(tree(there)) == {"small"}
            assert not list((there / ".cargo_sync" / "staging").iterdir())


async def test_a_file_is_cancelled_before_its_lane_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = LaneThread.submit

    def slowly(lane: LaneThread, call: Callable[[], None]) -> None:
        submit(lane, call)
        time.sleep(0.05)  # the lane gets far between two calls: what belongs together must be one

    monkeypatch.setattr(LaneThread, "submit", slowly)
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        for name in "ab":
            (tmp_path / "a" / "here" / name).write_bytes(b"1")
        far = system.far
        assert isinstance(far, CargoTree)
        post = far._api.post

        async def cancelling(path: str, reply: Decoder[T], body: Body) -> T:
            if path == "/flows":
                far.cancel("a")
            return await post(path, reply, body)

        far._api.post = cancelling  # type: ignore[method-assign]
        report = await run(system).execute()
        assert (report.files, report.errors) == (1, 1)
        assert set(tree(tmp_path / "ana" / "in" / "box")) == {"b"}


@pytest.mark.parametrize("mode", DIRECTIONS)
async def test_a_lane_that_ended_because_nothing_moved_is_opened_again(
    tmp_path: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cargo_sync.lanes.end.IDLE_SECONDS", 0.05)
    monkeypatch.setattr("cargo_sync.engine.execution.batches.BATCH_FILES", 1)
    here, there = tmp_path / "a" / "here", tmp_path / "ana" / "in" / "box"
    for folder in (here, there):
        folder.mkdir(parents=True)
    source = here if mode is Mode.UPLOAD else there
    for name in "ab":
        (source / name).write_bytes(name.encode())
    async with running(settings(tmp_path)) as up, job(tmp_path / "a", login(up), mode) as system:
        if mode is Mode.DOWNLOAD:
            await numbered(up, 4)
        far, flows = system.far, set[str]()
        assert isinstance(far, CargoTree)
        transfer = far.transfer

        def slowly(mode: Mode, near: Any, batches: Any, speed: int | None, run: str) -> Any:
            async def waiting() -> AsyncIterator[Any]:
                async for batch in batches:
                    yield batch
                    one = flow_of(far)
                    assert one is not None
                    flows.add(one._id)
                    while one._id in flows:  # until the lane has ended
                        await asyncio.sleep(0.01)

            return transfer(mode, near, waiting(), speed, run)

        monkeypatch.setattr(far, "transfer", slowly)
        report = await asyncio.wait_for(run(system).execute(), 60)
        assert (report.errors, report.files) == (0, 2)
        assert tree(here) == tree(there) == {name: name.encode() for name in "ab"}
        assert len(flows) == 2


async def test_a_flow_is_ended_over_http_only_if_its_lane_did_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []
    end = opening.end_flow

    async def heard(api: Api, id: str) -> None:
        ended.append(id)
        await end(api, id)

    monkeypatch.setattr(flow, "end_flow", heard)
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        (tmp_path / "a" / "here" / "small").write_bytes(b"1")
        assert (await run(system).execute()).files == 1
        assert ended == []
        system.rules = replace(system.rules, speed=2_000_000)
        (tmp_path / "a" / "here" / "large").write_bytes(bytes(10_000_000))
        running_now = asyncio.create_task(run(system).execute())
        far = system.far
        assert isinstance(far, CargoTree)
        while not ((one := flow_of(far)) and (figures := one.figures()) and figures.content):
            await asyncio.sleep(0.005)
        running_now.cancel()
        await asyncio.wait({running_now})
        assert len(ended) == 1
