"""Requests that run when their user is logged out, or may do less than before."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.config.grants import Grant
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.http.content import files
from cargo_sync.server.workspace.operations import Mkdir
from tests.server.house import Answer, House, living
from tests.server.surroundings import until


@pytest.fixture(autouse=True)
def staged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK", 1)


class HalfSent:
    """A body of two pieces; the second one is sent when `rest` is set."""

    def __init__(self) -> None:
        self.rest = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"one "
        await self.rest.wait()
        yield b"two"


async def put(house: House, workspace: str, body: HalfSent) -> "asyncio.Future[Answer]":
    """An upload of which only the first half has arrived."""
    path = f"/v1/files/{workspace}/new"
    call = house.call("PUT", path, aiter(body), headers={"Content-Length": "7"})
    uploading = asyncio.ensure_future(call)
    await until(lambda: bool(staged(house, workspace)), asyncio.sleep)
    return uploading


def staged(house: House, workspace: str) -> list[str]:
    folder = house.folders["ana" if workspace == "default" else workspace] / ".cargo_sync/staging"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


async def test_a_half_sent_upload_ends_with_its_user(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        uploading = await put(house, "default", HalfSent())
        house.permits.end_of({"ben"})
        house.permits.end_of({"ana"})
        answer = await uploading
        assert (answer.status, answer.code) == (401, "logged_out")
        assert staged(house, "default") == []
        assert not (house.folders["ana"] / "new").exists()
        assert len(house.permits) == 0


@pytest.mark.parametrize(
    ("grants", "status", "code"),
    [
        ({"ana": "ro"}, 403, "read_only"),
        ({"ben": "rw"}, 404, "unknown"),
        ({"ana": "wo"}, 401, "logged_out"),
        ({"ana": Grant("rw", "in/ana")}, 401, "logged_out"),
        ({"ana": "rw"}, 201, ""),
    ],
)
async def test_a_half_sent_upload_ends_with_the_permission_to_write(
    tmp_path: Path, grants: dict[str, str | Grant], status: int, code: str
) -> None:
    async with living(tmp_path) as house:
        body = HalfSent()
        uploading = await put(house, "shared", body)
        house.share(grants)
        body.rest.set()
        answer = await uploading
        assert (answer.status, answer.json["error"]["code"] if code else "") == (status, code)
        assert (house.folders["shared"] / "new").exists() == (status == 201)
        assert staged(house, "shared") == []


async def test_a_thread_that_is_about_to_publish_looks_again(tmp_path: Path) -> None:
    """The grants change, and `renew` has not come to this upload yet."""
    async with living(tmp_path) as house:
        body = HalfSent()
        uploading = await put(house, "shared", body)
        shared = house.spaces.get("ana", "shared")
        house.spaces._of = {"ana": {"shared": shared._replace(level="ro")}}
        body.rest.set()
        assert (await uploading).code == "read_only"
        assert not (house.folders["shared"] / "new").exists()


async def test_operations_stop_with_the_permission(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        access = house.spaces.get("ana", "shared")
        permit = house.permits.issue("ana", lambda problem: None, access, Right.CHANGE)
        calls = 0

        def permitted() -> None:
            nonlocal calls
            calls += 1
            if calls == 2:
                house.share({"ana": "ro"})
            permit.check()

        made = [Mkdir(name, 0o755, 0) for name in "abc"]
        results = access.view.change(made, "r", permitted)
        assert [getattr(one, "code", "done") for one in results] == ["done", *["read_only"] * 2]
        assert sorted(path.name for path in house.folders["shared"].glob("?")) == ["a"]


async def test_polls_are_answered(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        path = "/v1/workspaces/{}/changes?since=0&wait=50"
        own, shared = (
            asyncio.ensure_future(house.call("GET", path.format(name)))
            for name in ("default", "shared")
        )
        await until(lambda: len(house.polls) == 2, asyncio.sleep)
        house.share({"ben": "rw"})
        assert (await shared).code == "unknown"
        assert not own.done()
        house.permits.end_of({"ana"})
        answer = await own
        assert (answer.status, answer.code) == (401, "logged_out")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert len(house.polls) == len(house.permits) == 0


async def test_a_download_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files, "CHUNK", 64 * 1024)
    async with living(tmp_path) as house:
        size = 64 << 20
        with open(house.folders["ana"] / "big", "wb") as big:
            big.truncate(size)
        house.intake("ana")
        token = await house.token("ana")
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(
            b"GET /v1/files/default/big HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer " + token.encode() + b"\r\n\r\n"
        )
        async with asyncio.timeout(60):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            house.permits.end_of({"ana"})
            count = 0
            try:
                while piece := await reader.read(1 << 20):
                    count += len(piece)
            except ConnectionResetError:
                pass
        assert count < size
        await until(lambda: len(house.permits) == 0, asyncio.sleep)
        writer.close()
        assert not any(record.exc_info for record in caplog.records)
