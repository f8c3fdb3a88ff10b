"""Flows that run while users, workspaces and limits are changed: real lanes, a real client."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.api.client import Client, subscribe
from cargo_sync.config.server import UserSettings
from cargo_sync.lanes.connect import open_lane
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.permits import Permits
from cargo_sync.server.accounts.terms import Terms
from cargo_sync.server.accounts.users import User
from cargo_sync.server.flows.flows import FlowRequest, Flows
from cargo_sync.server.flows.lane_ends import FlowLanes
from cargo_sync.server.server import Up
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.replies import FlowReply
from tests.server.accounts.test_permits import NO_DROP_BOXES
from tests.server.admin import ask, governed
from tests.server.flows.test_flows import flow_of, job, login, run
from tests.server.surroundings import CHEAP, until
from tests.server.test_app import settings

SLOW = 1_000_000
SIZE = 10_000_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


class Going:
    """One upload of 80 s that is under way. `granted` is what its client was told."""

    def __init__(self, up: Up, system: Any, task: "asyncio.Future[Any]", there: Path) -> None:
        self.up = up
        self.task = task
        self.there = there
        self._system = system

    @property
    def granted(self) -> int | None:
        flow = flow_of(self._system.far)
        return flow.granted if flow is not None else -1

    async def refused(self) -> str:
        with pytest.raises(ProblemError) as ended:
            await asyncio.wait_for(self.task, 60)
        assert not self.there.exists()
        return ended.value.problem.code


def moving(system: Any) -> bool:
    flow = flow_of(system.far)
    figures = flow.figures() if flow is not None else None
    return bool(figures and figures.content)


@asynccontextmanager
async def uploading(
    place: Path, workspace: str = "default", **changed: Any
) -> AsyncIterator[Going]:
    ana = {"username": "ana", "password": "correct horse", "path": str(place / "ana")}
    async with governed(settings(place, users=[ana], **changed)) as up:
        await ask(up, "user.set", user="ana", upload_speed="1mbps")
        if workspace != "default":
            made = {"workspace": workspace, "path": str(place / workspace), "grants": {"ana": "rw"}}
            await ask(up, "workspace.add", **made)
        async with job(place / "a", login(up), Mode.UPLOAD, workspace) as system:
            (place / "a" / "here" / "large").write_bytes(bytes(SIZE))
            going = asyncio.ensure_future(run(system).execute())
            await until(lambda: moving(system), asyncio.sleep)
            folder = "ana" if workspace == "default" else workspace
            try:
                yield Going(up, system, going, place / folder / "in" / "box" / "large")
            finally:
                going.cancel()
                await asyncio.wait({going})


async def test_a_flow_takes_its_users_new_rates_at_once(tmp_path: Path) -> None:
    async with uploading(tmp_path) as one:
        assert one.granted == SLOW
        for args, granted in (
            ({"upload_speed": "3mbps"}, 3_000_000),
            ({"upload_bandwidth": "2mbps"}, 2_000_000),
            ({"upload_speed": "none", "upload_bandwidth": "none"}, None),
        ):
            await ask(one.up, "user.set", user="ana", **args)
            await until(lambda granted=granted: one.granted == granted, asyncio.sleep)  # type: ignore[misc]
        report = await asyncio.wait_for(one.task, 60)  # at 1 Mbit/s it would take 80 s
        assert (report.errors, report.files) == (0, 1)
        assert one.there.stat().st_size == SIZE


async def test_a_flow_takes_the_servers_new_totals_at_once(tmp_path: Path) -> None:
    async with uploading(tmp_path) as one:
        await ask(one.up, "bandwidth.set", upload="800kbps")
        await until(lambda: one.granted == 800_000, asyncio.sleep)
        ana = {"username": "ana", "path": str(tmp_path / "ana")}
        settings(tmp_path, users=[ana], global_upload_bandwidth="900kbps")
        assert (await ask(one.up, "reload"))["errors"] == []
        await until(lambda: one.granted == 900_000, asyncio.sleep)
        assert not one.task.done()


async def test_a_flow_whose_lane_is_on_its_way_when_it_is_shared_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        governed(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):

        def late(*args: Any) -> Any:
            with Client(up.control[0].commands) as client:
                client.call("bandwidth.set", {"upload": "900kbps"})
            return open_lane(*args)

        monkeypatch.setattr("cargo_sync.trees.cargo.opening.open_lane", late)
        (tmp_path / "a" / "here" / "large").write_bytes(bytes(SIZE))
        going = asyncio.ensure_future(run(system).execute())
        await until(lambda: moving(system), asyncio.sleep)
        flow = flow_of(system.far)
        assert flow is not None
        await until(lambda: flow.granted == 900_000, asyncio.sleep)
        assert not going.done(), "the flow goes on at the new bandwidth"
        going.cancel()
        await asyncio.wait({going})


async def test_two_flows_share_a_new_total(tmp_path: Path) -> None:
    async with governed(settings(tmp_path)) as up:
        api = Api(login(up), time.monotonic)
        asked = {
            "direction": "download",
            "workspace": "default",
            "path": "",
            "run": "r1",
            "speed": None,
        }
        first, second = [await api.post("/flows", FlowReply.read, asked) for _ in range(2)]
        assert (first.granted, second.granted) == (None, None)
        await ask(up, "bandwidth.set", download="1kbps")
        flows = (await ask(up, "flow.list"))["flows"]
        assert [(one["id"], one["granted"]) for one in flows] == [
            (first.flow[:8], 500), (second.flow[:8], 500),
        ]  # fmt: skip
        await ask(up, "bandwidth.set", download="none")
        assert [one["granted"] for one in (await ask(up, "flow.list"))["flows"]] == [None, None]
        await api.close()


@pytest.mark.parametrize("cmd", ["user.disable", "user.passwd", "reload"])
async def test_what_ends_a_users_uploads(tmp_path: Path, cmd: str) -> None:
    async with uploading(tmp_path) as one:
        if cmd == "reload":  # with another folder
            other = {
                "username": "ana",
                "password": "correct horse",
                "path": str(tmp_path / "other"),
            }
            settings(tmp_path, users=[other])
            await ask(one.up, "reload")
            assert await one.refused() == "unknown"
            return
        if cmd == "user.passwd":
            settings(tmp_path, users=[{"username": "ana", "path": str(tmp_path / "ana")}])
            await ask(one.up, "reload")
        args = {"password": "another one"} if cmd == "user.passwd" else {}
        await ask(one.up, cmd, user="ana", **args)
        assert await one.refused() == "logged_out"


@pytest.mark.parametrize(
    ("cmd", "args", "code"),
    [
        ("workspace.revoke", {"user": "ana"}, "unknown"),
        ("workspace.remove", {}, "unknown"),
        ("workspace.grant", {"user": "ana", "access": "ro"}, "read_only"),
    ],
)
async def test_what_ends_uploads_into_a_workspace(
    tmp_path: Path, cmd: str, args: dict[str, str], code: str
) -> None:
    async with uploading(tmp_path, "music") as one:
        await ask(one.up, cmd, workspace="music", **args)
        assert await one.refused() == code


async def test_what_changes_something_else_leaves_flows_alone(tmp_path: Path) -> None:
    async with uploading(tmp_path, "music") as one:
        await ask(
            one.up, "user.add", user="ben", path=str(tmp_path / "ben"), password="battery staple"
        )
        await ask(one.up, "workspace.grant", workspace="music", user="ben", access="ro")
        await ask(one.up, "user.remove", user="ben")
        await ask(one.up, "reload")
        [flow] = (await ask(one.up, "flow.list"))["flows"]
        assert (flow["user"], flow["direction"], flow["workspace"]) == ("ana", "upload", "music")
        assert (flow["folder"], flow["granted"]) == ("in/box", SLOW)
        assert flow["bytes"] > 0 and flow["since"] > 1_600_000_000 and len(flow["id"]) == 8
        status = await ask(one.up, "status")
        assert (
            status["flows"],
            status["data_connections"]["open"],
            status["totals"]["uploads"],
        ) == (1, 1, 1)
        assert (await ask(one.up, "user.show", user="ana"))["flows"][0]["id"] == flow["id"]
        assert not one.task.done()


async def test_flows_are_told_of_to_who_listens(tmp_path: Path) -> None:
    async with uploading(tmp_path) as one:
        loop = asyncio.get_running_loop()

        def listen() -> list[dict[str, Any]]:
            heard: list[dict[str, Any]] = []
            with subscribe(one.up.control[0], ("flow/", "progress/")) as feed:
                while not heard or not heard[-1].get("ended"):
                    message = feed.receive(60)
                    assert message is not None, heard
                    heard.append(message.fields | {"topic": message.topic})
                    if len(heard) == 2:
                        asyncio.run_coroutine_threadsafe(
                            ask(one.up, "user.disable", user="ana"), loop
                        )
            return heard

        heard = await asyncio.to_thread(listen)
        flows = [one for one in heard if one["topic"].startswith("flow/")]
        assert {one["user"] for one in flows} == {"ana"}
        assert [one["ended"] for one in flows] == [False] * (len(flows) - 1) + [True]
        assert flows[-1]["speed_bps"] == 0 and flows[-1]["bytes"] > 0
        assert heard[0]["topic"] == "progress/" and heard[0]["uploads"] == 1


async def test_a_lane_that_connects_while_its_user_is_logged_out_carries_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting, may_go = threading.Event(), threading.Event()
    made = FlowLanes.machine

    def slowly(self: FlowLanes, *args: Any) -> Any:
        connecting.set()
        may_go.wait(60)
        return made(self, *args)

    monkeypatch.setattr(FlowLanes, "machine", slowly)
    async with (
        governed(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        (tmp_path / "a" / "here" / "x").write_bytes(b"one")
        going = asyncio.ensure_future(run(system).execute())
        await asyncio.to_thread(connecting.wait, 60)
        await ask(up, "user.disable", user="ana")
        may_go.set()
        with pytest.raises(ProblemError) as ended:
            await asyncio.wait_for(going, 60)
        assert ended.value.problem.code == "logged_out"
        assert not (tmp_path / "ana" / "in").exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [({"expires": "2020-01-31"}, "expired"), ({"networks": ["10.0.0.0/8"]}, "foreign_network")],
)
async def test_a_user_who_may_not_come_any_more_is_out_in_the_middle_of_a_transfer(
    tmp_path: Path, given: dict[str, Any], code: str
) -> None:
    async with uploading(tmp_path) as one:
        await ask(one.up, "user.set", user="ana", **given)
        assert await one.refused() == code


async def test_a_data_connection_comes_from_where_its_user_may_come() -> None:
    users = {"ana": Terms(networks=("10.0.0.0/8",))}

    def refusal(user: str, address: str) -> Problem | None:
        return users[user].refusal(address, 0.0)

    grants = Grants(NO_DROP_BOXES)
    workspace: Any = Home()
    ana = UserSettings("ana", "/srv/ana")
    grants.apply([ana], [], lambda _: workspace)
    flows = Flows(grants, Permits(grants, refusal), lambda _: None, time.monotonic)
    wanted = FlowRequest(Mode.UPLOAD, "default", "", "r1", address="10.0.0.1")
    opened = await flows.open(User("ana"), wanted)
    assert flows.claim(opened.keys.token, "203.0.113.9") is None
    assert flows.claim(opened.keys.token, "10.0.0.2") is not None


class Home:
    """A workspace, of which only this is asked."""

    id, epoch = 1, ""
    read_only = False
    lineage = None

    def must_not_be_held(self) -> None: ...
