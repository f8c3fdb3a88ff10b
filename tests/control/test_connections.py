"""How many peers are connected, as the gate asks for it."""

import asyncio

import zmq
import zmq.asyncio

from cargo_sync.control.connections import Connections


async def test_what_is_reported_counts_before_the_loop_has_read_it() -> None:
    context = zmq.asyncio.Context()
    connections = Connections(most=1)
    server = context.socket(zmq.ROUTER)
    port = server.bind_to_random_port("tcp://127.0.0.1")
    counting = asyncio.ensure_future(connections.count(server))
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
