"""Mutated messages at the router: each gets one valid reply, and no memory grows.

`make fuzz` sends 1,000,000 of them (`CARGO_FUZZ=N` sends N); otherwise 20,000 are sent. Nine of
ten go to the router as bytes, from callers with all roles; the others through real sockets, local
and over TCP with a key. Each part can be replayed from its number.
"""

import asyncio
import gc
import os
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import zmq
import zmq.asyncio

from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.line import new_pair
from cargo_sync.api.messages import BadMessage, ControlError, parse_reply
from cargo_sync.api.orders import parse_order
from cargo_sync.api.roles import Role
from cargo_sync.config.control import ControlSettings
from cargo_sync.control.audit import MemoryAudit
from cargo_sync.control.callers import LOCAL, PLAIN, Caller
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router
from cargo_sync.control.routes import Route
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.control.mutations import Mutations
from tests.control.raw import RawHandler, raw_routes
from tests.daemon.handlers.test_handlers import running

MESSAGES = int(os.environ.get("CARGO_FUZZ", "20000"))
LOTS = 4
"""The tests they are spread over, so that they run side by side."""
PER_LOT = MESSAGES // LOTS
BY_SOCKET = PER_LOT // 10
STAYS = 64 * 1024
"""Bytes that may stay after a quarter of a lot: less than one for each message."""
AT_ONCE = 40
WATCHER = Caller(Role.WATCH, 'key "watcher"')
CALLERS = (LOCAL, WATCHER, PLAIN, None)
STATUS = b'{"v":1,"id":"still there","cmd":"status","args":{}}'


class Forgetful(MemoryAudit):
    """Keeps only the newest rows, because the test measures the router's memory."""

    def begin(self, who: str, command: str, args: str) -> int:
        del self.rows[:-1]
        return super().begin(who, command, args)


class Table:
    """A handler for each command: some return their arguments, others refuse or fail."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.caller: Caller | None = LOCAL
        self.order = False

    def routes(self) -> dict[str, Route[Any]]:
        return raw_routes({name: self._handler(name) for name in COMMANDS}, COMMANDS)

    def _handler(self, name: str) -> RawHandler:
        async def handle(args: dict[str, Any]) -> dict[str, Any]:
            assert self.caller is not None, "its key was revoked"
            assert self.caller.role.may(COMMANDS[name].needs) or self.order, "not his to give"
            self.calls[name] += 1
            match self.calls[name] % 5:
                case 0:
                    raise ControlError("unknown_job", f"there is no job {args}")
                case 1:
                    raise ProblemError(Problem(Code.DISK_FULL, f"no room for {args}"))
                case 2:
                    return {}
            return {"jobs": [args]}

        return handle


def check_answer(raw: bytes, answer: bytes) -> None:
    """There is one valid reply to `raw`, and it is not an internal error."""
    order = parse_order(raw)
    if order is not None and (answer == order.word.encode() or answer.startswith(b"ERROR: ")):
        answer.decode()
        return
    if order is not None and not order.word:
        assert isinstance(orjson.loads(answer), list)
        return
    reply = parse_reply(answer)
    assert reply.error is None or reply.error.code != "internal", (raw[:500], answer[:500])
    with suppress(BadMessage, ValueError):
        sent = orjson.loads(raw)
        if isinstance(sent, dict) and isinstance(sent.get("id"), str) and len(sent["id"]) <= 128:
            assert reply.id in (sent["id"], "")


@pytest.mark.parametrize("lot", range(LOTS))
async def test_every_message_gets_one_answer_and_leaves_nothing(
    lot: int, caplog: pytest.LogCaptureFixture
) -> None:
    table, source = Table(), Mutations(lot)
    router = Router(table.routes(), MemoryDeduplicate(lambda: 0.0, most=1), audit=Forgetful())

    async def send(count: int) -> None:
        for number in range(count):
            raw = source.message()
            table.caller = CALLERS[number % len(CALLERS)]
            table.order = parse_order(raw) is not None
            check_answer(raw, await router.answer(raw, table.caller))

    quarter = (PER_LOT - BY_SOCKET) // 4
    await send(2 * quarter)
    tracemalloc.start()
    try:
        await send(quarter)
        before = _kept()
        await send(quarter)
        assert _kept() - before < STAYS
    finally:
        tracemalloc.stop()
    assert [record.getMessage() for record in caplog.records] == []
    assert router._under_way == {}
    table.caller = LOCAL
    calls = dict(table.calls)
    for name in COMMANDS:
        raw = orjson.dumps(orjson.loads(source.right(name)) | {"id": f"last {name}"})
        check_answer(raw, await router.answer(raw, LOCAL))
    assert all(table.calls[name] > calls.get(name, 0) for name in COMMANDS), (
        "each still does its work"
    )
    assert orjson.loads(await router.answer(STATUS))["id"] == "still there"


def _kept() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@asynccontextmanager
async def served(runtime: str) -> AsyncIterator[tuple[Endpoint, Table]]:
    table = Table()
    router = Router(table.routes(), MemoryDeduplicate(lambda: 0.0, most=1), audit=Forgetful())
    with Endpoint(
        runtime,
        "daemon",
        epoch="e",
        now=lambda: 0.0,
        control=ControlSettings(port=0),
        keys=f"{runtime}/k/d",
    ) as endpoint:
        task = asyncio.create_task(endpoint.serve(router))
        try:
            yield endpoint, table
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.parametrize("lot", range(LOTS))
async def test_through_sockets_too(
    lot: int, runtime: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Mutations(1000 + lot)
    async with served(runtime) as (endpoint, table):
        with zmq.asyncio.Context() as context:
            local, watching = context.socket(zmq.DEALER), context.socket(zmq.DEALER)
            assert endpoint.keyring is not None
            public, secret = new_pair()
            endpoint.keyring.add("watcher", public, "watch")
            watching.curve_serverkey = endpoint.keyring.own.public.encode()
            watching.curve_publickey, watching.curve_secretkey = public.encode(), secret.encode()
            for socket, address, caller in (
                (local, endpoint.addresses.commands, LOCAL),
                (watching, endpoint.ports[0].addresses.commands, WATCHER),
            ):
                socket.linger = 0
                socket.connect(address)
                table.caller, table.order = caller, True
                await _pour(socket, source, BY_SOCKET // 2)
                await socket.send_multipart([b"", STATUS])
                assert parse_reply((await _received(socket))[-1]).id == "still there"
            local.close()
            watching.close()
    assert [record.getMessage() for record in caplog.records] == []


async def _pour(socket: zmq.asyncio.Socket, source: Mutations, count: int) -> None:
    """Sends so many messages, some at a time: each gets exactly one reply."""
    for _ in range(count // AT_ONCE):
        for _ in range(AT_ONCE):
            await socket.send_multipart([b"", *source.parts()])
        for _ in range(AT_ONCE):
            answer = (await _received(socket))[-1]
            assert b'"code":"internal"' not in answer
    assert not await socket.poll(0)


async def _received(socket: zmq.asyncio.Socket) -> list[bytes]:
    async with asyncio.timeout(60):
        return await socket.recv_multipart()


async def test_at_a_daemons_own_handlers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = Mutations(5)
    async with running(tmp_path) as daemon:
        for _ in range(MESSAGES // 20):
            raw = source.message()
            check_answer(raw, await daemon.router.answer(raw))
        assert (await daemon.ask("status"))["state"]
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
