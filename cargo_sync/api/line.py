"""The line to a daemon: why nothing comes, told by the events of the socket that connects to it.

With `client` one of the two modules of this floor that import zmq.
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


class NotRunning(Exception):  # noqa: N818 - a state of the world, told as one
    """Nobody answers at `address`; or whoever did went away: it is `lost` then."""

    def __init__(self, address: str, message: str = "", *, lost: bool = False) -> None:
        nobody = "the daemon went away" if lost else f"no daemon answers at {address}"
        super().__init__(message or nobody)
        self.address = address
        self.lost = lost


class NotAdmitted(Exception):  # noqa: N818 - a state of the world, told as one
    """Whoever answers does not let us in: `message` says why, `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} ({hint})")
        self.message = message
        self.hint = hint


class ConnectionMonitor:
    """The events of one socket that connects to one address.

    A connection that is lost is no end: a daemon hangs up on who did not move for a while, and it
    comes back by itself, unless nobody listens any more.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", address: str, key: ClientKey | None) -> None:
        self._address = address
        self._key = key
        self._was_up = False
        self._hang_ups = 0
        self._socket = socket
        # Without a bound: libzmq waits while there is no room for an event, and who closes the socket
        # waits for libzmq. A daemon that is away makes ten a second.
        place = f"inproc://line-{id(self):x}"
        socket.monitor(place, _EVENTS)
        self.monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
        self.monitor.setsockopt(zmq.RCVHWM, 0)
        self.monitor.connect(place)

    def look(self) -> None:
        """Take note of what happened.

        Raises:
            NotRunning: nobody listens there, or the daemon went away.
            NotAdmitted: the handshake failed.
        """
        while self.monitor.poll(0):
            # zmq_socket_monitor(3): an event in 16 bits, its value in 32, of this machine's byte
            # order.
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
                raise self._other_language()
            case zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                # Once may be a daemon that is just ending, or makes its feed anew.
                self._hang_ups += 1
                if self._hang_ups >= _HANG_UPS:
                    raise self._other_language()

    def _refused(self, status: int) -> NotAdmitted:
        if status == _TOO_MANY:
            return NotAdmitted(
                f"the daemon at {self._address} has too many connections", "try again later"
            )
        return NotAdmitted(
            f"the daemon at {self._address} does not know this key",
            "who has the role control there lets it in: `cargo_ctl key add`",
        )

    def _other_language(self) -> NotAdmitted:
        if self._key is None:
            return NotAdmitted(
                f"{self._address} is opened with a key only",
                "give one with --key FILE or CARGO_KEY; `cargo_ctl key add` makes them",
            )
        return NotAdmitted(
            f"what answers at {self._address} is not the daemon of this key",
            "its keys were made anew, or the port is plain or another program's",
        )


def prepare(socket: "zmq.Socket[bytes]", address: str, key: ClientKey | None) -> None:
    """Set the options that have to stand before a socket connects to `address`."""
    socket.setsockopt(zmq.LINGER, 0)
    if not address.startswith(_TCP):
        return
    socket.setsockopt(zmq.IPV6, "[" in address)
    socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    # A network that is cut says nothing: the other side is asked now and then.
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
