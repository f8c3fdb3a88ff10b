"""What goes over the line to a server: a proxy on 127.0.0.2 counts it.

Each small file that is measured begins with a mark (`mark`). Where a protocol is not encrypted, the
proxy sees each of them go by, also those that are sent a second time.
"""

import re
import selectors
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.2"
_SERVER: Final = "127.0.0.1"
_MARK: Final = re.compile(rb"<cargo-mark-\d{10}>")
_LENGTH: Final = len(b"<cargo-mark-0123456789>")
_PIECE: Final = 1 << 16


def mark(number: int) -> bytes:
    """The first bytes of a small file."""
    return b"<cargo-mark-%010d>" % number


class Wire:
    """Forwards connections to these ports of 127.0.0.1, and counts what clients send.

    sent   bytes
    marks  of small files
    """

    def __init__(self, ports: Iterable[int]) -> None:
        self.sent = 0
        self.marks = 0
        self._lock = threading.Lock()
        self._listeners = [socket.create_server((HOST, port), backlog=128) for port in ports]
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._is_closed = True
        for listener in self._listeners:
            listener.close()
        for pair in list(self._pairs):
            self._end(pair)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ, listener.getsockname()[1])
            while not self._is_closed:
                for key, _ in selector.select(0.2):
                    with suppress(OSError):
                        self._begin(key.fileobj, key.data)  # type: ignore[arg-type]

    def _begin(self, listener: socket.socket, port: int) -> None:
        client, _ = listener.accept()
        try:
            server = socket.create_connection((_SERVER, port))
        except OSError:
            client.close()
            return
        for end in (client, server):  # else small pieces wait 40 ms for an acknowledgement
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        self._pairs.add(pair)
        for ends, counts in ((pair, True), ((server, client), False)):
            threading.Thread(target=self._carry, args=(*ends, pair, counts), daemon=True).start()

    def _carry(
        self,
        source: socket.socket,
        to: socket.socket,
        pair: tuple[socket.socket, socket.socket],
        counts: bool,
    ) -> None:
        last = b""
        try:
            while piece := source.recv(_PIECE):
                to.sendall(piece)
                if counts:
                    seen = last + piece
                    marks = sum(1 for _ in _MARK.finditer(seen))
                    last = seen[-(_LENGTH - 1) :]  # a mark may lie across two pieces
                    with self._lock:
                        self.sent += len(piece)
                        self.marks += marks
            to.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(pair)
        else:
            if not counts:
                self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            end.close()
