"""How many peers are connected, as the gate asks for it."""

import asyncio
import socket
import sys

import pytest
import zmq
import zmq.asyncio

from cargo_sync.control.connections import PLAIN_BYTES, Connections
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
