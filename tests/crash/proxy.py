"""A TCP proxy on 127.0.0.2 before a port of 127.0.0.1: it counts, and may cut each connection."""

import selectors
import socket
import threading
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.2"


class Proxy:
    """Forwards until `cut`, or until a connection has carried `budget` bytes.

    cuts  connections that were cut
    sent  bytes from clients to the server
    """

    def __init__(self, port: int) -> None:
        self.budget: int | None = None
        self.cuts = 0
        self.sent = 0
        self._port = port
        self._lock = threading.Lock()
        self._listener = socket.create_server((HOST, port), reuse_port=False)
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Cuts all connections now."""
        for pair in list(self._pairs):
            self._end(pair)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        pair, carried = (client, server), 0
        self._pairs.add(pair)
        other = {client: server, server: client}
        with selectors.DefaultSelector() as selector:
            try:
                for end in pair:
                    selector.register(end, selectors.EVENT_READ, end)
                while True:
                    for key, _ in selector.select():
                        end = key.data
                        if not (piece := end.recv(1 << 16)):
                            raise ConnectionError
                        other[end].sendall(piece)
                        carried += len(piece)
                        if end is client:
                            with self._lock:
                                self.sent += len(piece)
                        if self.budget is not None and carried > self.budget:
                            self.cuts += 1
                            raise ConnectionError
            except (OSError, ValueError):
                self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            end.close()
