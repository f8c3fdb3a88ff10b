"""The connection to a daemon: the events of its socket show why no message comes.

In `api` only this module and `client` import zmq.
"""

import struct
from typing import Final

import zmq

from cargo_sync.api.keys import ClientKey

_EVENTS: Final = (
    zmq.EVENT_CLOSED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_TOO_MANY = 500
_HANG_UPS = 2
_HANDSHAKE_MS = 5_000
_HEARTBEAT_MS = 10_000
_TCP = "tcp://"


class NotRunning(Exception):  # noqa: N818 - a state, not an error of ours
    """No process answers at `address`.

    lost  one did before, and went away
    late  one is there, but did not answer in time: it may still do what was asked
    """

    def __init__(
        self, address: str, message: str = "", *, lost: bool = False, late: bool = False
    ) -> None:
        self.address = address
        self.lost = lost
        self.late = late
        self._message = message
        super().__init__(self.of("daemon"))

    def of(self, kind: str) -> str:
        """The message, if what was asked is a `kind` ("daemon" or "server")."""
        nobody = f"the {kind} went away" if self.lost else f"no {kind} answers at {self.address}"
        return self._message or nobody


class NotAdmitted(Exception):  # noqa: N818 - a state, not an error of ours
    """The daemon refuses the connection: `message` says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} ({hint})")
        self.message = message
        self.hint = hint


class ConnectionMonitor:
    """The events of one socket that connects to one address.

    A lost connection is not the end: a daemon closes a connection that was silent for a while, and
    libzmq reconnects. It is the end only if no process listens any more.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", address: str, key: ClientKey | None) -> None:
        self._address = address
        self._key = key
        self._was_up = False
        self._hang_ups = 0
        self._socket = socket
        # The queue has no limit: libzmq would wait for room in it, and closing the socket would
        # wait for libzmq. A daemon that is not running causes ten events per second.
        place = f"inproc://line-{id(self):x}"
        socket.monitor(place, _EVENTS)
        self.monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
        self.monitor.setsockopt(zmq.RCVHWM, 0)
        self.monitor.connect(place)

    def look(self) -> None:
        """Handles all events since the last call.

        Raises:
            NotRunning: no process listens there, or the daemon went away.
            NotAdmitted: the handshake failed.
        """
        while self.monitor.poll(0):
            # zmq_socket_monitor(3): an event in 16 bits and its value in 32, in native byte order.
            self._take(*struct.unpack("=HI", self.monitor.recv_multipart()[0]))

    def close(self) -> None:
        self._socket.disable_monitor()
        self.monitor.close(linger=0)

    def _take(self, event: int, value: int) -> None:
        match event:
            case zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._was_up, self._hang_ups = True, 0
            case zmq.EVENT_CLOSED:
                raise NotRunning(self._address, lost=self._was_up)
            case zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise self._refused(value)
            case zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                raise self._wrong_protocol()
            case zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                # One may come from a daemon that is ending, or that replaces its feed's socket.
                self._hang_ups += 1
                if self._hang_ups >= _HANG_UPS:
                    raise self._wrong_protocol()

    def _refused(self, status: int) -> NotAdmitted:
        if status == _TOO_MANY:
            return NotAdmitted(
                f"the daemon at {self._address} has too many connections", "try again later"
            )
        return NotAdmitted(
            f"the daemon at {self._address} does not know this key",
            "somebody with the role control can add it there: `cargo_ctl key add`",
        )

    def _wrong_protocol(self) -> NotAdmitted:
        if self._key is None:
            return NotAdmitted(
                f"{self._address} needs a key",
                "give one with --key FILE or CARGO_KEY; `cargo_ctl key add` makes them",
            )
        return NotAdmitted(
            f"the program at {self._address} is not the daemon of this key",
            "the daemon has new keys, or the port is plain or of another program",
        )


def prepare(socket: "zmq.Socket[bytes]", address: str, key: ClientKey | None) -> None:
    """Sets the options that a socket needs before it connects to `address`."""
    socket.setsockopt(zmq.LINGER, 0)
    if not address.startswith(_TCP):
        return
    socket.setsockopt(zmq.IPV6, "[" in address)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    # A cut network gives no error, so heartbeats check whether the other side is still there.
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2 * _HEARTBEAT_MS)
    if key is not None:
        socket.setsockopt(zmq.CURVE_SERVERKEY, key.server.encode())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, key.public.encode())
        socket.setsockopt(zmq.CURVE_SECRETKEY, key.secret.encode())


def new_pair() -> tuple[str, str]:
    """A new CURVE pair in Z85: public, secret."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()
