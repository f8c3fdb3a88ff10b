"""How many peers are connected, as the gate asks for it."""

import asyncio
import os
import socket
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import pytest
import zmq
import zmq.asyncio

from cargo_sync.control.binding import IO_THREADS
from cargo_sync.control.connections import PLAIN_BYTES, Connections, _borrowed
from cargo_sync.control.publisher import Publisher
from cargo_sync.control.tcp import TcpPort
from cargo_sync.machines.half_open import HalfOpenLimits


async def test_what_is_reported_counts_before_the_loop_has_read_it() -> None:
    context = zmq.asyncio.Context()
    connections = Connections(most=1)
    server = context.socket(zmq.ROUTER)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    counting = asyncio.ensure_future(connections.count(server, PLAIN_BYTES))
    await asyncio.sleep(0)
    plain = zmq.Context()
    clients = [plain.socket(zmq.DEALER) for _ in range(2)]
    try:
        for number, client in enumerate(clients):
            client.connect(f"tcp://127.0.0.1:{port}")
            client.send(b"x")
            # Waits without the event loop, which therefore cannot have read a report.
            assert zmq.Socket.shadow(server).poll(60_000)
            assert len(connections) == 0 if number == 0 else len(connections) == 1
            assert connections.has_room() is (number == 0)
            assert len(connections) == number + 1
            zmq.Socket.shadow(server).recv_multipart()
        for client in clients:
            client.close(linger=0)
        async with asyncio.timeout(60):
            while len(connections):
                await asyncio.sleep(0.01)
        assert connections.has_room()
    finally:
        counting.cancel()
        await asyncio.wait({counting})
        server.close(linger=0)
        context.term()
        for client in clients:
            client.close(linger=0)
        plain.term()
    assert len(connections) == 0


class _NobodyPublishes:
    def attach(self, socket: object) -> None:
        """Nothing is published."""


async def test_a_port_that_is_not_served_yet_counts_who_comes() -> None:
    context, plain = zmq.asyncio.Context(IO_THREADS), zmq.Context()
    connections, publisher = Connections(), cast(Publisher, _NobodyPublishes())
    port = TcpPort(context, "127.0.0.1", 0, None, connections, publisher)
    try:
        with plain.socket(zmq.DEALER) as client:
            client.connect(port.addresses.commands)
            client.send(b"x")
            async with asyncio.timeout(60):
                while not len(connections):
                    connections.has_room()
                    await asyncio.sleep(0.01)
            client.close(linger=0)
    finally:
        port.close(linger=0)
        context.term()
        plain.term()
    assert len(connections) == 0


async def test_who_comes_before_anybody_counts_is_counted() -> None:
    context, plain = zmq.asyncio.Context(), zmq.Context()
    connections = Connections(most=1)
    server, client = context.socket(zmq.ROUTER), plain.socket(zmq.DEALER)
    try:
        connections.watch(server, PLAIN_BYTES)
        client.connect(f"tcp://127.0.0.1:{server.bind_to_random_port('tcp://127.0.0.1')}")
        client.send(b"x")
        assert zmq.Socket.shadow(server).poll(60_000)
        assert connections.has_room()
        assert len(connections) == 1
    finally:
        connections.leave(server)
        server.close(linger=0)
        client.close(linger=0)
        context.term()
        plain.term()
    assert len(connections) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a client has sent")
async def test_silent_connections_are_dropped_and_leave_room() -> None:
    context, plain = zmq.asyncio.Context(), zmq.Context()
    connections = Connections(most=1, limits=HalfOpenLimits(per_address=3, total=9))
    server = context.socket(zmq.ROUTER)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    counting = asyncio.ensure_future(connections.count(server, PLAIN_BYTES))
    await asyncio.sleep(0)
    client = plain.socket(zmq.DEALER)
    flood: list[socket.socket] = []
    try:
        client.connect(f"tcp://127.0.0.1:{port}")
        client.send(b"x")
        async with asyncio.timeout(60):
            sender, _ = await server.recv_multipart()
            flood += [socket.create_connection(("127.0.0.1", port), 60) for _ in range(8)]
            while len(connections) != 1 + 3:
                await asyncio.sleep(0.01)
            assert connections.has_room()
            # The client that has spoken was the oldest one, and is still there.
            await server.send_multipart([sender, b"y"])
            assert await asyncio.to_thread(client.poll, 60_000) and client.recv() == b"y"
            ended = [sock for sock in flood if await asyncio.to_thread(_is_ended, sock)]
            assert ended == flood[:5]
    finally:
        counting.cancel()
        await asyncio.wait({counting})
        for sock in flood:
            sock.close()
        server.close(linger=0)
        context.term()
        client.close(linger=0)
        plain.term()


def _is_ended(sock: socket.socket) -> bool:
    """Whether the other end has closed it; it has sent its greeting before."""
    sock.setblocking(False)
    try:
        while piece := sock.recv(4096):
            assert piece
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a client has sent")
async def test_another_connection_with_the_number_of_one_that_ended_is_left_alone() -> None:
    context = zmq.asyncio.Context()
    connections = Connections(limits=HalfOpenLimits(per_address=1, total=9))
    server = context.socket(zmq.ROUTER)
    address = ("127.0.0.1", server.bind_to_random_port("tcp://127.0.0.1"))
    counting = asyncio.ensure_future(connections.count(server, PLAIN_BYTES))
    listening = socket.create_server(("127.0.0.1", 0))
    far = socket.create_connection(listening.getsockname())
    near, _ = listening.accept()
    await asyncio.sleep(0)
    first = socket.create_connection(address)
    async with asyncio.timeout(60):
        while not len(connections):
            await asyncio.sleep(0.01)
    ended = _accepted_from(first)
    assert ended is not None
    # From here on nothing is awaited, so the reports that libzmq makes have to wait.
    second = socket.create_connection(address)
    _until(lambda: _accepted_from(second) is not None)
    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    first.close()
    _until(lambda: not _is_open(ended))
    os.dup2(near.fileno(), ended)
    connections.has_room()
    far.setblocking(False)
    try:
        with pytest.raises(BlockingIOError):  # it would read the end, if that had been shut down
            far.recv(1)
    finally:
        counting.cancel()
        await asyncio.wait({counting})
        server.close(linger=0)
        context.term()
        os.close(ended)
        for one in (second, listening, far, near):
            one.close()


def _accepted_from(client: socket.socket) -> int | None:
    """The number of the other end of a connection, in this process."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        if _is_open(fd) and stat.S_ISSOCK(os.fstat(fd).st_mode):
            with socket.socket(fileno=os.dup(fd)) as connection, suppress(OSError):
                if connection.getpeername() == client.getsockname():
                    return fd
    return None


def _is_open(fd: int) -> bool:
    return os.path.exists(f"/proc/self/fd/{fd}")


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_another_socket_with_the_number_of_one_that_ended_has_no_client() -> None:
    """As one of asyncio's own, which are no TCP connections."""
    one, other = socket.socketpair()
    with one, other:
        with pytest.raises(OSError, match="Bad file descriptor"):
            _borrowed(one.fileno())
        other.send(b"x")
        assert one.recv(1) == b"x", "it is open"
