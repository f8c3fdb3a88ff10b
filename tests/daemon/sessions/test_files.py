"""Sessions with a real Cargo server, with TLS and lanes."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.api.messages import ControlError
from cargo_sync.model.problems import ProblemError
from tests.daemon.sessions.desk import Desk, desk
from tests.ports import free_port
from tests.server.flows.test_flows import tree
from tests.server.surroundings import CHEAP
from tests.server.test_app import running, settings

MIB = 2**20
LARGE = 48 * MIB
"""At the speeds that are set here, its end is seconds away when its first part has come."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


@asynccontextmanager
async def sitting(
    place: Path, roots: list[str] | None = None, **changed: Any
) -> AsyncIterator[Desk]:
    """A session of ana, whose workspace is `place`/ana; `place`/here is her local folder."""
    (place / "here").mkdir(exist_ok=True)
    async with (
        running(settings(place, settle=0.05, **changed)) as up,
        desk(place / "daemon", roots) as one,
    ):
        await one.open(up)
        yield one


async def refusal(one: Desk, verb: str, **args: Any) -> str:
    """The code of the problem with which a command is refused."""
    try:
        await one.call(verb, **args)
    except ProblemError as error:
        return error.problem.code
    except ControlError as error:
        return str(error.code)
    raise AssertionError(f"{verb} was not refused")


async def listed(one: Desk, path: str, count: int) -> None:
    """Returns when the server has seen what another program put into its folder."""
    async with asyncio.timeout(60):
        while not await _lists(one, path, count):
            await asyncio.sleep(0.02)


async def _lists(one: Desk, path: str, count: int) -> bool:
    try:
        return len((await one.call("list", path=path))["entries"]) == count
    except ProblemError:
        return False


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def fill(folder: Path) -> None:
    """50 files in folders, with spaces and unicode; an empty folder, an empty file, a link."""
    for number in range(50):
        file = folder / f"dir {number % 5}" / "größe ✓" / f"file {number} é日本.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"%d" % number * number)
    (folder / "empty" / "deep").mkdir(parents=True)
    (folder / "nothing").touch()
    (folder / "a-link").symlink_to("dir 1/größe ✓")


# -- there and back again --------------------------------------------------------------------------


async def test_one_file_there_and_back_leaves_nothing_else(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        here, sent = tmp_path / "here", content(9 * MIB)
        (here / "a b é").write_bytes(sent)
        os.utime(here / "a b é", ns=(1, 1_600_000_000_000_000_123))
        row = await one.ended("put", local=str(here / "a b é"), remote="in/x y")
        assert (row["state"], row["problem"], row["files_done"], row["bytes_done"]) == (
            "done",
            None,
            1,
            9 * MIB,
        )
        assert (tmp_path / "ana" / "in" / "x y").read_bytes() == sent
        row = await one.ended("get", remote="in/x y", local=str(tmp_path / "new" / "deep" / "z"))
        assert (row["state"], row["problem"]) == ("done", None)
        assert os.listdir(tmp_path / "new" / "deep") == ["z"]
        got = tmp_path / "new" / "deep" / "z"
        assert got.read_bytes() == sent
        assert got.stat().st_mtime_ns == 1_600_000_000_000_000_123
        assert os.listdir(here) == ["a b é"]


async def test_folders_there_and_back_and_a_second_time_nothing_moves(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        here, back = tmp_path / "here", tmp_path / "back"
        fill(here)
        row = await one.ended("put", local=str(here), remote="all of it", recursive=True)
        assert (row["state"], row["files_done"], row["failed"]) == ("done", 52, [])
        assert tree(tmp_path / "ana" / "all of it") == tree(here)
        row = await one.ended("get", remote="all of it", local=str(back), recursive=True)
        assert (row["state"], row["files_done"], row["failed"]) == ("done", 52, [])
        assert tree(back) == tree(here)
        assert not (back / ".cargo_sync").exists()
        for verb in ("get", "put"):
            row = await one.ended(verb, remote="all of it", local=str(back), recursive=True)
            assert (row["state"], row["files_done"], row["skipped"]) == ("done", 0, 52)
        assert not (back / ".cargo_sync").exists()


async def test_the_whole_workspace_is_a_folder_too(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        fill(tmp_path / "here")
        await one.ended("put", local=str(tmp_path / "here"), remote="", recursive=True)
        row = await one.ended("get", remote="", local=str(tmp_path / "back"), recursive=True)
        assert row["state"] == "done"
        assert tree(tmp_path / "back") == tree(tmp_path / "here")


# -- what is there already -------------------------------------------------------------------------


async def test_what_stands_there_is_left_alone_unless_it_may_be_displaced(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        theirs, mine = tmp_path / "ana" / "f", tmp_path / "here" / "f"
        theirs.write_bytes(b"theirs")
        mine.write_bytes(b"mine, and longer")
        assert await refusal(one, "get", remote="f", local=str(mine)) == "occupied"
        assert await refusal(one, "put", remote="f", local=str(mine)) == "occupied"
        assert (mine.read_bytes(), theirs.read_bytes()) == (b"mine, and longer", b"theirs")

        row = await one.ended("get", remote="f", local=str(mine), overwrite=True)
        assert (row["state"], row["displaced"], mine.read_bytes()) == ("done", 1, b"theirs")
        [trash] = (tmp_path / "here" / ".cargo_sync" / "trash").iterdir()
        assert str(trash) in row["message"]
        assert (trash / "f").read_bytes() == b"mine, and longer"
        assert os.listdir(tmp_path / "here" / ".cargo_sync") == ["trash"]

        mine.write_bytes(b"newer")
        row = await one.ended("put", remote="f", local=str(mine), overwrite=True)
        assert (row["state"], row["displaced"], theirs.read_bytes()) == ("done", 1, b"newer")


async def test_of_one_size_the_content_decides(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        for name, mine in (("same", b"same"), ("other", b"mine")):
            (tmp_path / "here" / name).write_bytes(mine)
            (tmp_path / "ana" / name).write_bytes(b"same")
            os.utime(tmp_path / "ana" / name, (1, 1))
        await listed(one, "", 2)
        args: dict[str, Any] = {"remote": "", "local": str(tmp_path / "here"), "recursive": True}
        row = await one.ended("get", **args)
        assert (row["state"], row["skipped"], row["files_done"]) == ("failed", 1, 0)
        assert row["problem"]["code"] == "occupied"
        assert [one["path"] for one in row["failed"]] == ["other"]
        row = await one.ended("get", **args, overwrite=True)
        assert (row["state"], row["skipped"], row["files_done"]) == ("done", 1, 1)
        assert tree(tmp_path / "here") == {"other": b"same", "same": b"same"}


async def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        here = tmp_path / "here"
        (here / "d").mkdir()
        (here / "f").touch()
        await one.call("mkdir", path="d")
        await one.ended("put", local=str(here / "f"), remote="f")
        assert await refusal(one, "get", remote="d", local=str(here / "x")) == "is_a_folder"
        assert await refusal(one, "get", remote="f", local=str(here / "d")) == "is_a_folder"
        assert (
            await refusal(one, "get", remote="f", local=str(here / "x"), recursive=True)
            == "not_a_folder"
        )
        assert await refusal(one, "put", local=str(here / "d"), remote="x") == "is_a_folder"
        assert await refusal(one, "put", local=str(here / "f"), remote="d") == "is_a_folder"
        assert (
            await refusal(one, "put", local=str(here / "f"), remote="x", recursive=True)
            == "not_a_folder"
        )
        assert (
            await refusal(one, "put", local=str(here / "d"), remote="f", recursive=True)
            == "not_a_folder"
        )
        assert await refusal(one, "get", remote="nowhere", local=str(here / "x")) == "unknown"
        assert await refusal(one, "put", local=str(here / "nowhere"), remote="x") == "vanished"
        assert await refusal(one, "get", remote="f", local="relative") == "bad_path"
        assert await refusal(one, "get", remote="../f", local=str(here / "x")) == "bad_path"
        assert (
            await refusal(one, "get", remote="f", local=str(here / ".cargo_sync" / "x"))
            == "reserved_name"
        )
        assert sorted(os.listdir(here)) == ["d", "f"]


async def test_a_link_that_leads_out_does_not_come(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        there = tmp_path / "ana" / "box"
        (there / "sub").mkdir(parents=True)
        for name, target in (
            ("in", "sub"),
            ("sub/up", "../f"),
            ("out", "/etc"),
            ("sub/over", "../../x"),
        ):
            (there / name).symlink_to(target)
        (there / "f").write_bytes(b"f")
        await listed(one, "box", 4)
        await listed(one, "box/sub", 2)
        row = await one.ended("get", remote="box", local=str(tmp_path / "x"), recursive=True)
        assert sorted(failure["path"] for failure in row["failed"]) == ["out", "sub/over"]
        assert tree(tmp_path / "x") == {"f": b"f", "in": "sub", "sub": None, "sub/up": "../f"}


# -- cuts ------------------------------------------------------------------------------------------


async def _under_way(one: Desk, transfer: str, least: int) -> dict[str, Any]:
    """The row of a transfer when so many bytes have arrived."""
    async with asyncio.timeout(60):
        while True:
            one.sessions.tick()
            row = await one.row(transfer)
            if row["bytes_done"] >= least or row["state"] != "running":
                return row
            await asyncio.sleep(0.02)


def _part(folder: Path) -> int:
    """Bytes that are staged below a folder."""
    return sum(
        part.stat().st_size for part in (folder / ".cargo_sync" / "staging").glob("guest-*.part")
    )


@pytest.mark.parametrize("restart", [False, True])
async def test_a_cancelled_get_goes_on_where_it_was(tmp_path: Path, restart: bool) -> None:
    large = content(LARGE)
    args = {"remote": "large", "local": str(tmp_path / "here" / "large")}
    async with running(settings(tmp_path)) as up:
        (tmp_path / "here").mkdir()
        (tmp_path / "ana" / "large").write_bytes(large)
        async with desk(tmp_path / "daemon") as one:
            await one.open(up)
            await one.call("speed", speed="60mbps")
            transfer = (await one.call("get", **args))["transfer"]
            await _under_way(one, transfer, 3 * MIB)
            if not restart:  # otherwise the daemon ends as it stands
                await one.call("cancel", transfer=transfer)
                assert (await one.row(transfer))["state"] == "cancelled"
        came = _part(tmp_path / "here")
        assert 3 * MIB <= came < len(large)
        assert os.listdir(tmp_path / "here") == [".cargo_sync"]
        async with desk(tmp_path / "daemon") as one:
            await one.open(up)
            await one.call("speed", speed="60mbps")
            transfer = (await one.call("get", **args))["transfer"]
            assert (await _under_way(one, transfer, 1))["bytes_done"] >= came
            await one.call("speed", speed=None)
            assert (await one.end(transfer))["state"] == "done"
        assert (tmp_path / "here" / "large").read_bytes() == large
        assert os.listdir(tmp_path / "here") == ["large"]


async def test_a_server_that_goes_away_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    api, lanes = free_port(), free_port()
    fixed = {"listen": f"127.0.0.1:{api}", "initial_port": lanes}
    (tmp_path / "many").mkdir()
    for number in range(60):
        (tmp_path / "many" / f"{number}").write_bytes(content(100_000 + number))
    (tmp_path / "many" / "large").write_bytes(content(LARGE))
    async with desk(tmp_path / "daemon") as one:
        async with running(settings(tmp_path, **fixed)) as up:
            await one.open(up)
            await one.call("speed", speed="80mbps")
            order = {"local": str(tmp_path / "many"), "remote": "many", "recursive": True}
            transfer = (await one.call("put", **order))["transfer"]
            await _under_way(one, transfer, 6 * MIB)
        assert (await one.row(transfer))["state"] == "running"
        async with running(settings(tmp_path, **fixed)):
            await one.call("speed", speed=None)
            row = await one.end(transfer)
        assert (row["state"], row["problem"], row["files_done"], row["failures"]) == (
            "done",
            None,
            61,
            0,
        )
        assert row["bytes_done"] == row["bytes_total"]
    assert tree(tmp_path / "ana" / "many") == tree(tmp_path / "many")


async def test_what_moves_is_held_to_its_share_of_the_daemons_bandwidth(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        (tmp_path / "ana" / "large").write_bytes(content(LARGE))
        one.shares.limit(600_000)  # at which it would take minutes
        args = {"remote": "large", "local": str(tmp_path / "here" / "large")}
        transfer = (await one.call("get", **args))["transfer"]
        await _under_way(one, transfer, 1)
        assert (await one.call("show"))["granted"] == 600_000
        one.shares.limit(500_000)
        one.sessions.tick()
        async with asyncio.timeout(60):
            while (await one.call("show"))["granted"] != 500_000:
                await asyncio.sleep(0.01)
        assert (await one.call("speed", speed="400kbps"))["granted"] == 400_000
        assert (await one.call("speed", speed=None))["granted"] == 500_000
        one.shares.limit(None)
        one.sessions.tick()
        assert (await one.end(transfer))["state"] == "done"


async def test_a_large_file_is_claimed_by_one_transfer(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        large = content(LARGE)
        (tmp_path / "ana" / "large").write_bytes(large)
        args = {"remote": "large", "local": str(tmp_path / "here" / "large")}
        await one.call("speed", speed="60mbps")
        first = (await one.call("get", **args))["transfer"]
        await _under_way(one, first, 2 * MIB)
        second = await one.ended("get", **args)
        assert (second["state"], second["problem"]["code"]) == ("failed", "busy")
        await one.call("speed", speed=None)
        assert (await one.end(first))["state"] == "done"
        assert (tmp_path / "here" / "large").read_bytes() == large
        assert os.listdir(tmp_path / "here") == ["large"]


# -- the rest --------------------------------------------------------------------------------------


async def test_looking_making_renaming_deleting(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        here = tmp_path / "here"
        fill(here)
        await one.ended("put", local=str(here), remote="d", recursive=True)
        await one.call("mkdir", path="d/new/deep")
        first = await one.call("list", path="d", limit=3)
        rest = await one.call("list", path="d", after=first["next"])
        names = [entry["name"] for entry in first["entries"] + rest["entries"]]
        assert names == sorted([*os.listdir(here), "new"])
        assert rest["next"] is None
        entry = await one.call("stat", path="d/dir 0/größe ✓/file 5 é日本.txt")
        kept = (here / "dir 0" / "größe ✓" / "file 5 é日本.txt").stat()
        assert entry == {
            "name": "file 5 é日本.txt", "kind": "file", "size": 5,
            "mtime": pytest.approx(kept.st_mtime), "mode": kept.st_mode & 0o777,
        }  # fmt: skip
        assert (await one.call("stat", path=""))["kind"] == "folder"

        await one.call("move", path="d/nothing", to="d/something")
        assert await refusal(one, "move", path="d/something", to="d/empty") == "occupied"
        assert await refusal(one, "stat", path="d/nothing") == "unknown"
        assert await refusal(one, "delete", path="d") == "not_empty"
        (tmp_path / "ana" / "d" / "unseen").write_bytes(b"by another program")
        displaced = (await one.call("delete", path="d", recursive=True))["displaced"]
        assert (tmp_path / "ana" / displaced / "unseen").read_bytes() == b"by another program"
        assert await refusal(one, "delete", path="d") == "unknown"
        assert (await one.call("list", path=""))["entries"] == []

        page = await one.call("trash", pattern="d")
        [row] = page["versions"]
        assert (row["path"], row["kind"], row["cause"], row["user"]) == (
            "d",
            "folder",
            "deleted",
            "ana",
        )
        restored = await one.call("restore", ids=[row["id"], "99"])
        assert [found["code"] for found in restored["results"]] == ["done", "vanished"]
        assert (await one.call("stat", path="d/unseen"))["kind"] == "file"
        assert (await one.call("trash"))["versions"] == []


async def test_a_workspace_that_may_only_be_read(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "f").write_bytes(b"f")
    shared = [{"name": "shared", "path": str(tmp_path / "shared"), "grants": {"ana": "ro"}}]
    async with sitting(tmp_path, workspaces=shared) as one:
        assert await one.call("use", workspace="shared") == {"workspace": "shared", "access": "ro"}
        row = await one.ended("get", remote="f", local=str(tmp_path / "here" / "f"))
        assert row["state"] == "done"
        assert (
            await refusal(one, "put", local=str(tmp_path / "here" / "f"), remote="g") == "read_only"
        )
        assert await refusal(one, "mkdir", path="d") == "read_only"
        assert await refusal(one, "delete", path="f") == "read_only"
        assert await refusal(one, "restore", ids=["1"]) == "read_only"
        assert await refusal(one, "use", workspace="nobodys") == "unknown_workspace"
        assert (await one.call("show"))["workspace"] == "shared"
        assert os.listdir(tmp_path / "shared") != []


async def test_one_folder_of_a_workspace_is_all_there_is(tmp_path: Path) -> None:
    for path in ("in/ana/f", "in/eva/secret"):
        (tmp_path / "shared" / path).parent.mkdir(parents=True)
        (tmp_path / "shared" / path).write_bytes(b"f")
    grant = {"ana": {"access": "ro", "path": "in/ana"}}
    shared = [{"name": "shared", "path": str(tmp_path / "shared"), "grants": grant}]
    async with sitting(tmp_path, workspaces=shared) as one:
        assert await one.call("use", workspace="shared") == {"workspace": "shared", "access": "ro"}
        await listed(one, "", 1)
        [entry] = (await one.call("list", path=""))["entries"]
        assert entry["name"] == "f"
        row = await one.ended("get", remote="f", local=str(tmp_path / "here" / "f"))
        assert row["state"] == "done"
        assert await refusal(one, "get", remote="in/ana/f", local=str(tmp_path / "x")) == "unknown"
        assert await refusal(one, "list", path="../eva") == "bad_path"
        assert await refusal(one, "mkdir", path="d") == "read_only"


async def test_a_workspace_to_which_files_may_only_be_added(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "theirs").write_bytes(b"theirs")
    shared = [{"name": "shared", "path": str(tmp_path / "shared"), "grants": {"ana": "wo"}}]
    async with sitting(tmp_path, workspaces=shared) as one:
        assert await one.call("use", workspace="shared") == {"workspace": "shared", "access": "wo"}
        mine = tmp_path / "here" / "mine"
        mine.write_bytes(b"mine")
        row = await one.ended("put", local=str(mine), remote="in/mine")
        assert row["state"] == "done"
        assert (tmp_path / "shared" / "in" / "mine").read_bytes() == b"mine"
        assert [each["name"] for each in (await one.call("list", path=""))["entries"]] == ["in"]
        row = await one.ended("put", local=str(mine), remote="theirs", overwrite=True)
        assert (row["state"], row["problem"]["code"]) == ("failed", "occupied")
        row = await one.ended("get", remote="in/mine", local=str(tmp_path / "here" / "back"))
        assert (row["state"], row["problem"]["code"]) == ("failed", "write_only")
        assert await refusal(one, "delete", path="in/mine") == "write_only"
        assert await refusal(one, "move", path="in/mine", to="x") == "write_only"
        assert await refusal(one, "trash") == "write_only"
        assert (tmp_path / "shared" / "theirs").read_bytes() == b"theirs"


async def test_two_sessions_at_once_in_one_folder(tmp_path: Path) -> None:
    users = [
        {"username": name, "password": "correct horse", "path": str(tmp_path / name)}
        for name in ("ana", "ben")
    ]
    async with (
        running(settings(tmp_path, users=users, settle=0.05)) as up,
        desk(tmp_path / "daemon") as one,
    ):
        orders: list[str] = []
        for name in ("ana", "ben"):
            for number in range(30):
                (tmp_path / name / f"{name} {number}").write_bytes(content(50_000 + number))
            (tmp_path / name / f"{name} large").write_bytes(content(9 * MIB))
            orders.append((await one.open(up, username=name))["session"])
            await listed(one, "", 31)
        order: dict[str, Any] = {"remote": "", "local": str(tmp_path / "here"), "recursive": True}
        rows = await asyncio.gather(
            *(one.ended("get", session=session, **order) for session in orders)
        )
        assert [(row["state"], row["files_done"]) for row in rows] == [("done", 31), ("done", 31)]
        assert tree(tmp_path / "here") == tree(tmp_path / "ana") | tree(tmp_path / "ben")
        assert not (tmp_path / "here" / ".cargo_sync").exists()
        await one.call("close", session=orders[0])
        assert await refusal(one, "show", session=orders[0]) == "unknown_session"
        assert (await one.call("show", session=orders[1]))["username"] == "ben"


async def test_within_a_jobs_folder_is_staged_where_the_job_does_not_look(tmp_path: Path) -> None:
    job = tmp_path / "job"
    (job / "sub").mkdir(parents=True)
    async with sitting(tmp_path, roots=[str(job)]) as one:
        (tmp_path / "ana" / "large").write_bytes(content(LARGE))
        await one.call("speed", speed="60mbps")
        args = {"remote": "large", "local": str(job / "sub" / "large")}
        transfer = (await one.call("get", **args))["transfer"]
        await _under_way(one, transfer, 2 * MIB)
        await one.call("cancel", transfer=transfer)
        assert _part(job)
        assert os.listdir(job / "sub") == []
        await one.call("speed", speed=None)
        assert (await one.ended("get", **args))["state"] == "done"
        assert os.listdir(job) == ["sub"]
        assert os.listdir(job / "sub") == ["large"]


async def test_the_feed_tells_the_beginning_the_way_and_the_end(tmp_path: Path) -> None:
    async with sitting(tmp_path) as one:
        (tmp_path / "ana" / "large").write_bytes(content(LARGE))
        await one.call("speed", speed="40mbps")
        transfer = (await one.call("get", remote="large", local=str(tmp_path / "here" / "x")))[
            "transfer"
        ]
        await _under_way(one, transfer, 1 * MIB)
        assert (await one.call("show"))["granted"] is not None
        await one.call("speed", speed=None)
        await one.end(transfer)
        told = [fields for topic, kind, fields, _ in one.board.messages if kind == "session"]
        assert {topic for topic, *_ in one.board.messages} == {f"session/{one.session}/"}
        assert told[0]["state"] == "running"
        assert told[-1]["state"] == "done"
        assert all(message["transfer"] == transfer for message in told)
        counts = [message["bytes_done"] for message in told]
        assert counts == sorted(counts)
        assert any(0 < count < LARGE for count in counts)
        assert any(message["speed_bps"] > 0 and message["path"] == "large" for message in told)


async def test_a_password_is_kept_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    canary = "canary-77aa"
    users = [{"username": "ana", "password": canary, "path": str(tmp_path / "ana")}]
    with caplog.at_level("DEBUG"):
        async with running(settings(tmp_path, users=users)) as up, desk(tmp_path / "daemon") as one:
            shown = await one.open(up, password=canary)
            await one.ended("put", local=str(tmp_path / "server.json"), remote="f")
            shown |= await one.call("show")
            assert (
                await refusal(one, "open", url=up.api, username="ana", password=canary + "x")
                == "certificate"
            )
            for wrong in ("x" + canary, canary + "x"):
                with pytest.raises(ProblemError) as caught:
                    await one.open(up, password=wrong)
                assert caught.value.problem.code == "unauthorized"
                assert canary not in str(caught.value)
            told = repr(shown) + repr(one.board.messages) + repr(one.sessions.get(one.session))
    state = b"".join(file.read_bytes() for file in (tmp_path / "daemon").iterdir())
    assert canary not in told + caplog.text
    assert canary.encode() not in state
    assert "job" not in str(caught.value)


async def test_who_answers_is_told_before_a_password_is_given(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as up, desk(tmp_path / "daemon") as one:
        look = await one.call("look", url=up.api)
        assert (look["kind"], look["sealed"], look["trusted"]) == ("cargo", True, False)
        assert f"sha256:{look['fingerprint']}" == up.fingerprint
        assert await refusal(one, "look", url="https://127.0.0.1:1") == "unreachable"
        assert await refusal(one, "look", url="gopher://x") == "bad_argument"
        plain = {"url": "http://files.example:8443", "username": "a", "password": "b"}
        assert await refusal(one, "open", **plain) == "plain"
