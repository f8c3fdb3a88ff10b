"""Opening lanes: connect or accept, shake hands within a deadline, give a link. Blocks: for
threads."""

import os
import socket
from collections.abc import Callable
from typing import Final

from cargo_sync.lanes.channel import SocketChannel
from cargo_sync.lanes.end import Clock
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.tuning import tune
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.wire import handshake
from cargo_sync.wire.frames import SealedMaker, SealedOpener
from cargo_sync.wire.handshake import LaneKeys
from cargo_sync.wire.refusal import breach, cut

Lookup = Callable[[bytes], LaneKeys | None]
"""The keys of a lane token that may be used now, else None."""
Entropy = Callable[[int], bytes]
"""So many unpredictable bytes."""

_UP: Final = b"up"
_DOWN: Final = b"down"


def open_lane(
    host: str,
    port: int,
    keys: LaneKeys,
    seconds: float,
    clock: Clock,
    entropy: Entropy = os.urandom,
) -> tuple[socket.socket, Link]:
    """Connects to a server's lane port and shakes hands, as the client, within `seconds` in all.

    Raises:
        ProblemError: "unreachable", "cut", "busy" (the server takes no more lanes, or this one is
            in use), "version" (no protocol version in common), "protocol" (it does not know the
            keys).
    """
    until = clock() + seconds
    sock = _connect(host, port, until, clock)
    try:
        sent = handshake.hello(keys, entropy(handshake.NONCE))
        _send(sock, sent, until, clock)
        answered = _receive(sock, handshake.ANSWER_SIZE, until, clock)
        answer = handshake.read_answer(keys, sent, answered)
        if answer.status == handshake.BUSY:
            raise ProblemError(
                Problem(Code.BUSY, "the server takes no more lanes now", hint="it is tried again")
            )
        if answer.status != handshake.OK or answer.version != handshake.VERSION:
            raise ProblemError(
                Problem(
                    Code.VERSION,
                    f"the server speaks version {answer.version} of the lane protocol, "
                    f"this is {handshake.VERSION}",
                    hint="bring the older of both up to date",
                    retry=False,
                )
            )
        return sock, _link(sock, keys, (_UP, keys.up), (_DOWN, keys.down), sent, answered)
    except BaseException:
        sock.close()
        raise


def accept_lane(
    sock: socket.socket,
    lookup: Lookup,
    seconds: float,
    clock: Clock,
    *,
    full: bool = False,
    entropy: Entropy = os.urandom,
) -> tuple[LaneKeys, Link]:
    """Shakes hands on an accepted connection, as the server, within `seconds` in all.

    `lookup` decides: a token that is connected already must give None. A server that is `full`
    tells it to those who know a key, and to nobody else. The socket is closed on failure.

    Raises:
        ProblemError: "protocol" (a stranger), "cut", "version", "busy".
    """
    try:
        tune(sock)
        until = clock() + seconds
        message = _receive(sock, handshake.HELLO_SIZE, until, clock)
        keys = lookup(handshake.token_of(message))
        if keys is None:
            raise breach("a connection named a lane that nobody waits for")
        status, answered = handshake.answer(keys, message, entropy(handshake.NONCE), busy=full)
        _send(sock, answered, until, clock)
        if status == handshake.BUSY:
            raise ProblemError(Problem(Code.BUSY, "a client was sent away: all lanes are in use"))
        if status != handshake.OK:
            raise ProblemError(
                Problem(
                    Code.VERSION,
                    "a client speaks no version of the lane protocol that this server does",
                )
            )
        return keys, _link(sock, keys, (_DOWN, keys.down), (_UP, keys.up), message, answered)
    except BaseException:
        sock.close()
        raise


def _link(
    sock: socket.socket,
    keys: LaneKeys,
    going: tuple[bytes, bytes | None],
    coming: tuple[bytes, bytes | None],
    sent: bytes,
    answered: bytes,
) -> Link:
    channel = SocketChannel(sock)
    (going_label, going_key), (coming_label, coming_key) = going, coming
    if going_key is None or coming_key is None:
        return Link(channel)
    prefix = handshake.prefix_of(answered)
    return Link(
        channel,
        SealedMaker(handshake.frame_key(going_key, going_label, sent, answered), prefix),
        SealedOpener(handshake.frame_key(coming_key, coming_label, sent, answered), prefix),
    )


def _connect(host: str, port: int, until: float, clock: Clock) -> socket.socket:
    problem: OSError | None = None
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _unreachable(host, port, error) from error
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            tune(sock)
            sock.settimeout(_left(until, clock))
            sock.connect(address)
            return sock
        except OSError as error:
            problem = error
            sock.close()
        except ProblemError:
            sock.close()
            raise
    raise _unreachable(host, port, problem) from problem


def _send(sock: socket.socket, message: bytes, until: float, clock: Clock) -> None:
    try:
        sock.settimeout(_left(until, clock))
        sock.sendall(message)
    except OSError as error:
        raise cut(f"the connection broke while the lane was opened: {error}") from error


def _receive(sock: socket.socket, count: int, until: float, clock: Clock) -> bytes:
    """Exactly `count` bytes: not one more, the frames begin after them."""
    came = b""
    while len(came) < count:
        try:
            sock.settimeout(_left(until, clock))
            part = sock.recv(count - len(came))
        except OSError as error:
            raise cut(f"the connection broke while the lane was opened: {error}") from error
        if not part:
            raise cut("the other end closed the connection instead of opening the lane")
        came += part
    return came


def _left(until: float, clock: Clock) -> float:
    left = until - clock()
    if left <= 0:
        raise cut("the lane was not opened in time")
    return left


def _unreachable(host: str, port: int, error: OSError | None) -> ProblemError:
    return ProblemError(
        Problem(
            Code.UNREACHABLE,
            f"the server's lanes at {host} port {port} cannot be reached: {error}",
            hint="a firewall or a proxy may let the API through, but not this port",
        )
    )
