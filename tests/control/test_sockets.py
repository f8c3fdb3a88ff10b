"""Router, publisher and endpoint on real ZeroMQ sockets."""

import asyncio
import contextlib
import os
import random
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from cargo_sync.api.addresses import instance_addresses, is_live
from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.messages import (
    FeedMessage,
    Reply,
    Request,
    encode_request,
    parse_feed,
    parse_reply,
)
from cargo_sync.control.endpoint import Endpoint, EndpointError
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router
from cargo_sync.process.wakeup import next_turn
from tests.control.raw import raw_routes

NOW = 1_700_000_000.25


class Clients:
    """Opens client sockets, and closes them all."""

    def __init__(self) -> None:
        self._context = zmq.asyncio.Context()
        self._opened: list[zmq.asyncio.Socket] = []

    def open(self, kind: int, address: str, identity: bytes = b"") -> zmq.asyncio.Socket:
        socket = self._context.socket(kind)
        self._opened.append(socket)
        if identity:
            socket.identity = identity
        socket.connect(address)
        return socket

    def close(self) -> None:
        for socket in self._opened:
            socket.close(linger=0)
        self._context.term()


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    clients = Clients()
    yield clients
    clients.close()


class Daemon:
    """An endpoint that serves, with a command that waits for `gate`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.publisher = endpoint.publisher
        self.addresses = endpoint.addresses
        self.gate = asyncio.Event()
        self.waiting = asyncio.Semaphore(0)
        self.on_status: Callable[[], object] = lambda: None

    async def status(self, _args: dict[str, Any]) -> dict[str, Any]:
        self.on_status()
        return {"state": "synced"}

    async def slow(self, _args: dict[str, Any]) -> dict[str, Any]:
        self.waiting.release()
        await self.gate.wait()
        return {"slow": True}


@contextlib.asynccontextmanager
async def serving(runtime: str, instance: str = "daemon", **options: Any) -> AsyncIterator[Daemon]:
    with Endpoint(runtime, instance, epoch="e1", now=lambda: NOW) as endpoint:
        daemon = Daemon(endpoint)
        router = Router(
            raw_routes({"status": daemon.status, "slow": daemon.slow}, COMMANDS),
            MemoryDeduplicate(lambda: NOW),
            **options,
        )
        task = asyncio.create_task(endpoint.serve(router))
        try:
            async with asyncio.timeout(60):  # against a hang alone
                yield daemon
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def dealer(clients: Clients, daemon: Daemon) -> zmq.asyncio.Socket:
    return clients.open(zmq.DEALER, daemon.addresses.commands)


async def asked(socket: zmq.asyncio.Socket, *parts: bytes) -> Reply:
    await socket.send_multipart(list(parts))
    return parse_reply((await socket.recv_multipart())[-1])


STATUS = encode_request(Request("status", {}, "1"))
SLOW = encode_request(Request("slow", {}, "2"))


async def test_a_req_client_and_both_kinds_of_dealer(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        req = clients.open(zmq.REQ, daemon.addresses.commands)
        for _ in range(2):
            await req.send(STATUS)
            assert await req.recv() == b'{"v":1,"id":"1","ok":true,"result":{"state":"synced"}}'
        client = dealer(clients, daemon)
        await client.send_multipart([STATUS])
        assert len(await client.recv_multipart()) == 1
        await client.send_multipart([b"", STATUS])
        assert (await client.recv_multipart())[0] == b""
        await req.send(b"LIST-JOBS")
        assert (await req.recv()).startswith(b"ERROR: ")


async def test_a_slow_command_holds_up_nobody(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        client = dealer(clients, daemon)
        await client.send(SLOW)
        await daemon.waiting.acquire()
        assert (await asked(client, STATUS)).id == "1"
        daemon.gate.set()
        assert parse_reply(await client.recv()).result == {"slow": True}


async def test_with_as_many_slow_ones_as_are_allowed_others_are_told_so(
    runtime: str, clients: Clients
) -> None:
    async with serving(runtime, most_at_once=2) as daemon:
        client = dealer(clients, daemon)
        for _ in range(2):
            await client.send(SLOW)
            await daemon.waiting.acquire()
        busy = await asked(client, STATUS)
        assert busy.error is not None
        assert (busy.id, busy.error.code) == ("1", "busy")
        daemon.gate.set()
        assert [parse_reply(await client.recv()).id for _ in range(2)] == ["2", "2"]
        assert (await asked(client, STATUS)).error is None


async def test_a_flood_of_quick_ones_is_answered_in_full(runtime: str, clients: Clients) -> None:
    async with serving(runtime, most_at_once=4) as daemon:
        client = dealer(clients, daemon)
        for number in range(500):
            await client.send(encode_request(Request("status", {}, str(number))))
        replies = [parse_reply(await client.recv()) for _ in range(500)]
        assert [reply.error for reply in replies] == [None] * 500
        assert {reply.id for reply in replies} == {str(number) for number in range(500)}


async def test_between_two_requests_everything_else_runs(runtime: str, clients: Clients) -> None:
    turns, seen = 0, list[int]()

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await next_turn()

    async with serving(runtime) as daemon:
        client = dealer(clients, daemon)
        daemon.on_status = lambda: seen.append(turns)
        others = asyncio.create_task(turn())
        for _ in range(100):
            await client.send(STATUS)
        for _ in range(100):
            await client.recv()
        others.cancel()
    assert len(set(seen)) == 100


async def test_a_client_that_comes_back_with_its_identity_takes_over(
    runtime: str, clients: Clients
) -> None:
    async with serving(runtime) as daemon:
        old = clients.open(zmq.DEALER, daemon.addresses.commands, identity=b"me")
        assert (await asked(old, STATUS)).error is None
        new = clients.open(zmq.DEALER, daemon.addresses.commands, identity=b"me")
        assert (await asked(new, STATUS)).error is None


async def test_who_goes_away_hurts_nobody(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        gone, client = dealer(clients, daemon), dealer(clients, daemon)
        await gone.send(SLOW)
        await daemon.waiting.acquire()
        gone.close(linger=0)
        daemon.gate.set()
        assert (await asked(client, STATUS)).error is None


async def test_several_parts_are_no_request(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        reply = await asked(dealer(clients, daemon), b"", STATUS, STATUS)
        assert reply.error is not None
        assert reply.error.message == "a request must have one part, this has 2"


async def test_garbage_through_the_socket(runtime: str, clients: Clients) -> None:
    rng = random.Random(3)
    async with serving(runtime) as daemon:
        client = dealer(clients, daemon)
        for _ in range(200):
            reply = await asked(
                client, *(rng.randbytes(rng.randint(1, 40)) for _ in range(rng.randint(1, 3)))
            )
            assert reply.error is not None
            assert reply.error.code == "bad_message"
        assert (await asked(client, STATUS)).error is None


async def test_a_message_over_a_mebibyte_closes_that_connection_alone(
    runtime: str, clients: Clients
) -> None:
    async with serving(runtime) as daemon:
        huge, client = dealer(clients, daemon), dealer(clients, daemon)
        assert (await asked(huge, STATUS)).error is None
        await huge.send(b"x" * (1024 * 1024 + 1))
        assert (await asked(client, STATUS)).error is None
        await huge.send(STATUS)
        while not await huge.poll(50):  # lost with the old connection, or answered on the new one
            await huge.send(STATUS)
        assert parse_reply(await huge.recv()).id == "1"


async def test_an_answer_goes_out_although_serving_ends(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        client = dealer(clients, daemon)
        await client.send(SLOW)
        await daemon.waiting.acquire()
        asyncio.get_running_loop().call_soon(daemon.gate.set)
    assert parse_reply(await client.recv()).result == {"slow": True}


async def heard(socket: zmq.asyncio.Socket) -> FeedMessage:
    return parse_feed(*await socket.recv_multipart())


async def subscribed(clients: Clients, daemon: Daemon, topic: str) -> zmq.asyncio.Socket:
    """A subscriber that the publisher already knows, with its topic."""
    socket = clients.open(zmq.SUB, daemon.addresses.feed)
    socket.subscribe(topic)
    mark = f"test/{id(socket)}/"  # its own, and subscribed to last: they arrive in this order
    socket.subscribe(mark)
    while not daemon.publisher.has_subscribers(mark):
        await asyncio.wait([asyncio.ensure_future(socket.poll(1))])
    daemon.publisher.publish(mark, "test", {})
    while (await heard(socket)).topic != mark:
        pass
    return socket


async def test_messages_carry_their_header_and_count_by_topic(
    runtime: str, clients: Clients
) -> None:
    async with serving(runtime) as daemon:
        socket = await subscribed(clients, daemon, "job/")
        daemon.publisher.publish("job/a/status", "status", {"state": "syncing"})
        daemon.publisher.publish("status/", "status", {"state": "syncing"})
        daemon.publisher.publish("job/b/status", "status", {"state": "synced"})
        daemon.publisher.publish("job/a/status", "status", {"state": "synced"}, cursor=9)
        assert [await heard(socket) for _ in range(3)] == [
            FeedMessage("job/a/status", "status", "e1", 1, NOW, {"state": "syncing"}),
            FeedMessage("job/b/status", "status", "e1", 1, NOW, {"state": "synced"}),
            FeedMessage("job/a/status", "status", "e1", 2, NOW, {"state": "synced"}, cursor=9),
        ]


async def test_a_new_subscriber_gets_the_last_of_each_matching_topic(
    runtime: str, clients: Clients
) -> None:
    async with serving(runtime) as daemon:
        for state in ("starting", "syncing"):
            daemon.publisher.publish("job/a/status", "status", {"state": state})
        daemon.publisher.publish("job/ab/status", "status", {"state": "held"})
        daemon.publisher.publish("job/gone/status", "status", {"state": "held"})
        daemon.publisher.forget("job/gone/")
        for _ in range(2):  # XPUB_VERBOSE: the second subscriber of a prefix gets it too
            socket = clients.open(zmq.SUB, daemon.addresses.feed)
            socket.subscribe("job/a/")
            assert await heard(socket) == FeedMessage(
                "job/a/status", "status", "e1", 2, NOW, {"state": "syncing"}, replay=True
            )
        daemon.publisher.publish("job/a/status", "status", {"state": "synced"})
        assert (await heard(socket)).seq == 3


async def test_as_many_topics_as_are_kept_are_all_replayed(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        topics = {f"job/{number}/status" for number in range(3_000)}
        for topic in topics:
            daemon.publisher.publish(topic, "status", {"detail": "x" * 500})
        socket = clients.open(zmq.SUB, daemon.addresses.feed)
        socket.subscribe("job/")
        assert {(await heard(socket)).topic for _ in range(3_000)} == topics


async def test_who_does_not_read_loses_messages_and_holds_up_nobody(
    runtime: str, clients: Clients
) -> None:
    async with serving(runtime) as daemon:
        awake, asleep = [await subscribed(clients, daemon, "notice/") for _ in range(2)]
        for number in range(1, 5_001):
            daemon.publisher.publish("notice/a/", "notice", {"text": "x" * 1000})
            if number % 200 == 0:
                while (await heard(awake)).seq != number:
                    pass
        # What lies in its queues comes, in order; then what is new. How often there is a gap before
        # that is
        # a matter of how fast the queues between were filled.
        seen: list[int] = []
        while not seen or seen[-1] <= 5_000:
            daemon.publisher.publish("notice/a/", "notice", {})
            if await asleep.poll(10):
                seen.append((await heard(asleep)).seq)
        assert seen == sorted(set(seen))
        assert 1 < len(seen) < 5_000
        assert seen[0] == 1


async def test_subscribers_are_known_by_prefix(runtime: str, clients: Clients) -> None:
    async with serving(runtime) as daemon:
        publisher = daemon.publisher
        assert not publisher.has_subscribers("progress/")
        socket = await subscribed(clients, daemon, "job/a/")
        assert publisher.has_subscribers("job/a/progress")
        assert publisher.has_subscribers("job/")
        assert not publisher.has_subscribers("job/b/")
        socket.close(linger=0)
        other = clients.open(zmq.SUB, daemon.addresses.feed)
        other.subscribe("")
        while not publisher.has_subscribers("job/b/"):
            await asyncio.wait([asyncio.ensure_future(other.poll(1))])


async def test_only_so_many_topics_are_kept(runtime: str) -> None:
    with Endpoint(runtime, "daemon", epoch="e1", now=lambda: NOW) as endpoint:
        publisher = endpoint.publisher
        publisher._most_topics = 2
        for topic in ("a", "b", "a", "c"):
            publisher.publish(topic, "status", {})
        assert list(publisher._last) == ["a", "c"]


async def test_the_folder_and_its_sockets_are_the_owners_alone(runtime: str) -> None:
    nested = os.path.join(runtime, "x")
    with Endpoint(nested, "daemon", epoch="e1", now=lambda: NOW) as endpoint:
        folder = Path(endpoint.addresses.folder)
        modes = {
            each.name: stat.S_IMODE(each.lstat().st_mode)
            for each in (folder.parent, *folder.iterdir())
        }
        assert modes == {"x": 0o700, "commands": 0o600, "feed": 0o600, "lock": 0o600}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert is_live(endpoint.addresses.commands)
    assert sorted(each.name for each in folder.iterdir()) == ["lock"]


async def test_a_second_daemon_is_refused_and_the_first_named(runtime: str) -> None:
    with Endpoint(runtime, "daemon", epoch="e1", now=lambda: NOW) as first:
        with pytest.raises(EndpointError) as caught:
            Endpoint(runtime, "daemon", epoch="e2", now=lambda: NOW)
        assert str(caught.value) == (
            f'a daemon is already running as "daemon" (process {os.getpid()}): '
            "stop it first with `cargo_ctl --connect daemon shutdown`"
        )
        assert is_live(first.addresses.commands)
        with Endpoint(runtime, "other", epoch="e1", now=lambda: NOW):
            pass
    with Endpoint(runtime, "daemon", epoch="e2", now=lambda: NOW):
        pass


async def test_what_a_killed_daemon_left_is_no_hindrance(runtime: str) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from cargo_sync.control.endpoint import Endpoint\n"
        "async def main():\n"
        "    Endpoint(sys.argv[1], 'daemon', epoch='e', now=lambda: 0.0)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", script, runtime], check=False)
    addresses = instance_addresses(runtime, "daemon")
    assert os.path.exists(addresses.commands.removeprefix("ipc://"))
    assert not is_live(addresses.commands)
    async with serving(runtime) as daemon:
        assert is_live(daemon.addresses.commands)


@pytest.mark.parametrize("make", ["file", "link", "open"])
async def test_a_folder_that_is_not_safe_is_refused(runtime: str, make: str) -> None:
    folder = Path(runtime, "daemon")
    if make == "file":
        folder.write_text("")
    elif make == "link":
        Path(runtime, "elsewhere").mkdir()
        folder.symlink_to("elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(EndpointError, match=r"is not this user's folder|others may write to"):
        Endpoint(runtime, "daemon", epoch="e1", now=lambda: NOW)
