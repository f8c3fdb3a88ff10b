"""A socket as a channel: it never blocks, and its errors are translated."""

import socket

from cargo_sync.wire.refusal import cut


class SocketChannel:
    """A connected TCP socket; closing the channel closes it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock

    def recv_into(self, view: memoryview) -> int | None:
        try:
            return self._socket.recv_into(view)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            raise cut(
                f"the connection to the other end broke: {error.strerror or error}"
            ) from error

    def send(self, view: memoryview, *more: memoryview | bytes) -> int | None:
        try:
            return self._socket.sendmsg((view, *more)) if more else self._socket.send(view)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            raise cut(
                f"the connection to the other end broke: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        self._socket.close()
