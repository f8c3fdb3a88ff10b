"""Opens lanes: the client connects and does the handshake, the server answers it."""

import os
import socket
from collections.abc import Callable
from typing import Final

from cargo_sync.lanes.channel import SocketChannel
from cargo_sync.lanes.end import Clock
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.tuning import suit, tune
from cargo_sync.model.problems import (
    Code,
    Problem,
    ProblemError,
    lacks_descriptors,
    no_descriptors,
)
from cargo_sync.process.descriptors import new_socket
from cargo_sync.wire import handshake
from cargo_sync.wire.frames import SealedMaker, SealedOpener
from cargo_sync.wire.handshake import LaneKeys
from cargo_sync.wire.refusal import breach, cut

Lookup = Callable[[bytes], LaneKeys | None]
"""Returns the keys of a lane token, or None when the token may not be used now."""
Entropy = Callable[[int], bytes]
"""Returns so many unpredictable bytes."""

_PAST_A_PROXY: Final = (
    "data connections do not go through a proxy in front of the API: open this port in the "
    "firewall, or set public_ip in the server's file to an address that clients can reach"
)
_UP: Final = b"up"
_DOWN: Final = b"down"


def new_keys(entropy: Entropy, *, sealed: bool) -> LaneKeys:
    """Keys for the lane of a new flow; without `sealed` its frames are plain."""
    up, down = (entropy(32) if sealed else None for _ in range(2))
    return LaneKeys(entropy(16), entropy(32), up, down)


def open_lane(
    host: str,
    port: int,
    keys: LaneKeys,
    seconds: float,
    clock: Clock,
    entropy: Entropy = os.urandom,
) -> tuple[socket.socket, Link]:
    """Connects to a server's data port and does the client's handshake, within `seconds` in total.

    It blocks, so it belongs into a thread.

    Raises:
        ProblemError: "unreachable", "cut", "busy" (the server accepts no more lanes, or this one is
            in use), "version" (no protocol version in common), "protocol" (the server does not know
            the keys).
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
                Problem(
                    Code.BUSY,
                    "the server accepts no more data connections now",
                    hint="it is tried again",
                )
            )
        if answer.status != handshake.OK or answer.version != handshake.VERSION:
            raise ProblemError(
                Problem(
                    Code.VERSION,
                    f"the server uses version {answer.version} of the data protocol, "
                    f"this client version {handshake.VERSION}",
                    hint="update the older one",
                    retry=False,
                )
            )
        return sock, _link(SocketChannel(sock), (_UP, keys.up), (_DOWN, keys.down), sent, answered)
    except ProblemError as error:
        sock.close()
        raise _unopened(host, port, error.problem) from error
    except BaseException:
        sock.close()
        raise


def accept_lane(
    sock: socket.socket,
    message: bytes,
    lookup: Lookup,
    *,
    full: bool = False,
    entropy: Entropy = os.urandom,
) -> tuple[LaneKeys, Link]:
    """Answers the HELLO of an accepted connection. It never blocks.

    Args:
        sock: the connection, from which nothing but the HELLO was read.
        message: the HELLO.
        lookup: the keys of a token; None for one that is unknown or connected already.
        full: the server takes no more lanes; only clients that know a key are told.
        entropy: for the nonce.

    Raises:
        ProblemError: "protocol" (unknown token or wrong key), "cut", "version", "busy".
    """
    keys = lookup(handshake.token_of(message))
    if keys is None:
        raise breach("a connection came with an unknown lane token")
    suit(sock)
    status, answered = handshake.answer(keys, message, entropy(handshake.NONCE), busy=full)
    channel = SocketChannel(sock)
    if channel.send(memoryview(answered)) != len(answered):
        raise cut("the other end takes no answer")  # it fits into the buffer of a new connection
    if status == handshake.BUSY:
        raise ProblemError(
            Problem(Code.BUSY, "a client was refused: all data connections are in use")
        )
    if status != handshake.OK:
        raise ProblemError(
            Problem(
                Code.VERSION,
                "a client and this server have no version of the data protocol in common",
            )
        )
    return keys, _link(channel, (_DOWN, keys.down), (_UP, keys.up), message, answered)


def _link(
    channel: SocketChannel,
    outgoing: tuple[bytes, bytes | None],
    incoming: tuple[bytes, bytes | None],
    sent: bytes,
    answered: bytes,
) -> Link:
    (out_label, out_key), (in_label, in_key) = outgoing, incoming
    if out_key is None or in_key is None:
        return Link(channel)
    prefix = handshake.prefix_of(answered)
    return Link(
        channel,
        SealedMaker(handshake.frame_key(out_key, out_label, sent, answered), prefix),
        SealedOpener(handshake.frame_key(in_key, in_label, sent, answered), prefix),
    )


def _connect(host: str, port: int, until: float, clock: Clock) -> socket.socket:
    problem: OSError | None = None
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise _unreachable(host, port, error) from error
    for info in addresses:
        try:
            sock = new_socket(info)
        except OSError as error:
            problem = error
            continue
        try:
            tune(sock)
            sock.settimeout(_left(until, clock))
            sock.connect(info[4])
            suit(sock)
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
        raise cut(f"the connection broke: {error}") from error


def _receive(sock: socket.socket, count: int, until: float, clock: Clock) -> bytes:
    """Receives exactly `count` bytes, not one more: the frames begin after them."""
    received = b""
    while len(received) < count:
        try:
            sock.settimeout(_left(until, clock))
            part = sock.recv(count - len(received))
        except OSError as error:
            raise cut(f"the connection broke: {error}") from error
        if not part:
            raise cut("the connection was closed at once")
        received += part
    return received


def _left(until: float, clock: Clock) -> float:
    left = until - clock()
    if left <= 0:
        raise cut("there was no answer in time")
    return left


def _unreachable(host: str, port: int, error: OSError | None) -> ProblemError:
    if lacks_descriptors(error):
        return ProblemError(no_descriptors(f"a connection to {host} port {port}"))
    return ProblemError(
        Problem(
            Code.UNREACHABLE,
            f"the server's data port at {host} port {port} cannot be reached: {error}",
            hint=_PAST_A_PROXY,
        )
    )


def _unopened(host: str, port: int, problem: Problem) -> ProblemError:
    """The problem of a handshake: what answers there may not be the server."""
    if problem.code not in (Code.CUT, Code.PROTOCOL):
        return ProblemError(problem)
    why = "another program answers there" if problem.code is Code.PROTOCOL else problem.message
    message = f"no data connection could be opened at {host} port {port}: {why}"
    return ProblemError(Problem(problem.code, message, hint=_PAST_A_PROXY))
