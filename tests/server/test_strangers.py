"""Connections that never log in, at each door of a real server: they neither stay nor shut it."""

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.lanes.connect import open_lane
from cargo_sync.machines.half_open import HalfOpenLimits
from cargo_sync.process import doors as process_doors
from cargo_sync.process.doors import Doors
from cargo_sync.server import server as server_module
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.replies import FlowReply
from cargo_sync.wire.handshake import LaneKeys
from tests.ports import free_port
from tests.server.flows.test_flows import login
from tests.server.surroundings import CHEAP, until
from tests.server.test_app import running, settings

LIMITS = HalfOpenLimits(per_address=3, total=6)
ASKED = {"direction": "upload", "workspace": "default", "path": "", "run": "r", "speed": None}
UNSAFE = ssl.create_default_context()
UNSAFE.check_hostname = False
UNSAFE.verify_mode = ssl.CERT_NONE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Doors]:
    """The doors of the server that is started. The kernel keeps no silent connection to itself."""
    monkeypatch.setattr(process_doors, "DEFERRED", 0)
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    doors: list[Doors] = []

    def make(proxies: Any) -> Doors:
        doors.append(Doors(proxies, LIMITS))
        return doors[0]

    monkeypatch.setattr(server_module, "Doors", make)
    return doors


def exchange(port: int, said: bytes, *, tls: bool, greeting: bytes = b"") -> bytes:
    """The answer to an honest client."""
    with contextlib.ExitStack() as stack:
        sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60))
        if tls:
            sock = stack.enter_context(UNSAFE.wrap_socket(sock))
        sock.sendall(said)
        assert sock.recv(len(greeting)) == greeting if greeting else True
        return sock.recv(4096)


@asynccontextmanager
async def besieged(port: int, doors: Doors, said: bytes) -> AsyncIterator[None]:
    """Ten connections from the client's own address that say this much and no more."""
    flood = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(10)]
    for sock in flood:
        with contextlib.suppress(OSError):
            sock.sendall(said)
    await until(lambda: doors.dropped >= 7 and len(doors.half_open) == 3, asyncio.sleep)
    doors.dropped = 0
    try:
        yield
    finally:
        for sock in flood:
            sock.close()
        await until(lambda: len(doors.half_open) == 0, asyncio.sleep)


async def test_an_honest_client_gets_in_at_every_door(tmp_path: Path, made: list[Doors]) -> None:
    metrics, framed, text = free_port(), free_port(), free_port()
    file = settings(
        tmp_path,
        metrics={"listen": f"127.0.0.1:{metrics}"},
        backup={"framed": f"127.0.0.1:{framed}", "listen": f"127.0.0.1:{text}"}
        | {"nicknames": str(tmp_path / "nicknames")},
    )
    async with running(file) as up:
        [doors] = made
        api = Api(login(up), time.monotonic)
        lane = (await api.post("/flows", FlowReply.read, ASKED)).lane
        await api.close()
        await until(lambda: len(doors.half_open) == 0, asyncio.sleep)
        get = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
        api_port = int(up.api.rpartition(":")[2])
        honest: dict[int, tuple[Callable[[], bytes], bytes]] = {
            api_port: (
                partial(exchange, api_port, get % b"v1/workspaces", tls=True),
                b"HTTP/1.1 401",
            ),
            metrics: (partial(exchange, metrics, get % b"metrics", tls=False), b"HTTP/1.1 200"),
            framed: (partial(exchange, framed, b"\0\0\0\2[]", tls=True), b"\0\0\0"),
            text: (
                partial(exchange, text, b'LISTAR"ana"', tls=False, greeting=b"255"),
                b"Apelido",
            ),
        }
        for port, (ask, answer) in honest.items():
            async with besieged(port, doors, b""):
                assert (await asyncio.to_thread(ask)).startswith(answer), port
        data_port = int(up.data_port.rpartition(":")[2])
        async with besieged(data_port, doors, b"CARGOLN1"):
            keys = LaneKeys(lane.token, lane.auth, lane.up, lane.down)
            sock, _ = await asyncio.to_thread(
                open_lane, "127.0.0.1", data_port, keys, 60.0, time.monotonic
            )
            sock.close()
        # Half a TLS handshake counts as well.
        async with besieged(api_port, doors, b"\x16\x03\x01"):
            pass


async def test_who_has_logged_in_is_not_counted(tmp_path: Path, made: list[Doors]) -> None:
    async with running(settings(tmp_path, plain=True)) as up:
        [doors] = made
        port = int(up.api.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask(request: str, token: str = "", body: bytes = b"") -> tuple[int, Any]:
            head = f"{request} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            head += f"Authorization: Bearer {token}\r\n\r\n" if token else "\r\n"
            writer.write(head.encode() + body)
            async with asyncio.timeout(60):
                answered = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(answered.lower().partition("content-length: ")[2].split()[0])
                return int(answered.split()[1]), json.loads(await reader.readexactly(length))

        assert (await ask("GET /v1/workspaces"))[0] == 401
        await until(lambda: len(doors.half_open) == 1, asyncio.sleep)
        body = json.dumps({"username": "ana", "password": "correct horse"}).encode()
        status, login = await ask("POST /v1/login", body=body)
        assert status == 200
        await until(lambda: len(doors.half_open) == 0, asyncio.sleep)
        async with besieged(port, doors, b""):
            assert (await ask("GET /v1/workspaces", login["token"]))[0] == 200
        writer.close()
