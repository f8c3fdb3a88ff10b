"""The gate of TCP ports: libzmq asks it at each handshake whether to accept the peer (ZAP, RFC 27).

https://rfc.zeromq.org/spec/27/: a request is version, request id, domain, address, identity,
mechanism and credentials; an answer is version, request id, status code, status text, user id,
metadata. Later the user id is in the metadata of each message of that connection.

A gate must exist before a CURVE socket is bound: without one libzmq accepts every key.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import zmq
import zmq.asyncio
from zmq.utils import z85

from cargo_sync.process.wakeup import next_turn

ADDRESS: Final = "inproc://zeromq.zap.01"
PLAIN_DOMAIN, KEYED_DOMAIN = b"plain", b"keys"
UNKNOWN, TOO_MANY = 400, 500
"""Status codes; a client reads them in the event of its failed handshake."""
_VERSION = b"1.0"
_KEY_BYTES = 32

_log = logging.getLogger(__name__)


class ZapGate:
    """Accepts or refuses connections.

    admitted  whether a public key (Z85) is accepted
    has_room  whether another connection is possible
    """

    def __init__(
        self,
        context: zmq.asyncio.Context,
        admitted: Callable[[str], bool],
        has_room: Callable[[], bool],
    ) -> None:
        self._admitted = admitted
        self._has_room = has_room
        self._socket = context.socket(zmq.REP)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(ADDRESS)

    async def serve(self) -> None:
        """Answers handshakes until cancelled."""
        while True:
            asked = await self._socket.recv_multipart()
            await self._socket.send_multipart(self.answer(asked))
            await next_turn()  # in a flood of handshakes neither of the two waits

    def answer(self, asked: Sequence[bytes]) -> list[bytes]:
        """The answer to one request, also to a malformed one."""
        if len(asked) < 6 or asked[0] != _VERSION:
            return _answer(asked[1] if len(asked) > 1 else b"", TOO_MANY, b"not understood")
        id, domain, address, _, mechanism = asked[1:6]
        if not self._has_room():
            _log.debug("%s: too many connections", address)
            return _answer(id, TOO_MANY, b"too many connections")
        if domain == PLAIN_DOMAIN and mechanism == b"NULL":
            return _answer(id, 200, b"OK", b"plain")
        if domain == KEYED_DOMAIN and mechanism == b"CURVE" and len(asked) == 7:
            public = z85.encode(asked[6]).decode() if len(asked[6]) == _KEY_BYTES else ""
            if self._admitted(public):
                return _answer(id, 200, b"OK", public.encode())
        _log.debug("%s: a key that is not admitted", address)
        return _answer(id, UNKNOWN, b"not admitted")

    def close(self) -> None:
        self._socket.close()


def _answer(id: bytes, code: int, text: bytes, user: bytes = b"") -> list[bytes]:
    return [_VERSION, id, str(code).encode(), text, user, b""]
