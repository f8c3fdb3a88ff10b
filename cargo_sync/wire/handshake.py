"""The handshake: how a lane proves which flow it belongs to, before its first frame.

    HELLO   76 bytes  magic `CARGOLN1`, oldest and newest version u16 each, token 16, nonce 16,
                      HMAC 32
    ANSWER  67 bytes  magic, version u16, status u16, nonce 16, prefix 7, HMAC 32

Each HMAC is SHA-256 (RFC 2104) with the flow's authentication key. The server's HMAC covers the
whole HELLO and its own fields, so neither the version nor the prefix can be changed on the way. If
the token is unknown or the HMAC wrong, the server closes the connection without an answer.

The keys of the frames are derived from the flow's key of that direction by HKDF-Expand (RFC 5869,
one block), bound to both nonces and the prefix. So a lane that is recorded and replayed has other
keys, and no GCM nonce is ever used twice with one key.
"""

import hmac
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from cargo_sync.wire.refusal import breach

MAGIC: Final = b"CARGOLN1"
VERSION: Final = 2
TOKEN: Final = 16
NONCE: Final = 16
PREFIX: Final = 7

OK: Final = 0
NO_COMMON_VERSION: Final = 1
BUSY: Final = 2
"""The server takes no more lanes now."""

_MAC: Final = 32
_HELLO: Final = Struct("!8sHH16s16s")
_ANSWER: Final = Struct("!8sHH16s7s")
HELLO_SIZE: Final = _HELLO.size + _MAC
ANSWER_SIZE: Final = _ANSWER.size + _MAC


@dataclass(frozen=True, slots=True)
class LaneKeys:
    """What both ends of a lane know since the flow was opened, over the API's TLS.

    token     16 bytes, identify the lane; as secret as a password until the lane uses it
    auth      the flow's authentication key, 32 bytes
    up, down  the flow's keys from client to server and back, 32 bytes each; None: a plain lane
    prefix    7 bytes that the server chooses, different for each lane of a flow; the client reads
              them from the answer
    """

    token: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    up: bytes | None = field(default=None, repr=False)
    down: bytes | None = field(default=None, repr=False)
    prefix: bytes = b"\0" * PREFIX


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer, as the client reads it."""

    version: int
    status: int
    nonce: bytes
    prefix: bytes


def hello(keys: LaneKeys, nonce: bytes, versions: tuple[int, int] = (VERSION, VERSION)) -> bytes:
    """Returns the HELLO: a client's first bytes."""
    fields = _HELLO.pack(MAGIC, *versions, keys.token, nonce)
    return fields + _mac(keys, fields)


def token_of(message: bytes) -> bytes:
    """Returns the token of a HELLO; nothing in it is proved yet.

    Raises:
        ProblemError: not a HELLO ("protocol").
    """
    if len(message) != HELLO_SIZE or not message.startswith(MAGIC):
        raise breach("a connection did not begin with a HELLO")
    token: bytes = _HELLO.unpack_from(message)[3]
    return token


def answer(keys: LaneKeys, message: bytes, nonce: bytes, busy: bool = False) -> tuple[int, bytes]:
    """Returns the status and the bytes that answer a HELLO.

    If the status is not OK, the server closes the lane after the answer.

    Raises:
        ProblemError: not a HELLO with these keys ("protocol"): close without an answer.
    """
    if not hmac.compare_digest(token_of(message), keys.token) or not hmac.compare_digest(
        message[_HELLO.size :], _mac(keys, message[: _HELLO.size])
    ):
        raise breach("the client does not know the lane's key")
    _, least, newest, _, _ = _HELLO.unpack_from(message)
    status = BUSY if busy else OK if least <= VERSION <= newest else NO_COMMON_VERSION
    fields = _ANSWER.pack(MAGIC, VERSION, status, nonce, keys.prefix)
    return status, fields + _mac(keys, message + fields)


def read_answer(keys: LaneKeys, sent: bytes, message: bytes) -> Answer:
    """Reads the server's answer to the HELLO that was `sent`.

    Raises:
        ProblemError: the server does not know the key ("protocol").
    """
    if (
        len(message) != ANSWER_SIZE
        or not message.startswith(MAGIC)
        or not hmac.compare_digest(
            message[_ANSWER.size :], _mac(keys, sent + message[: _ANSWER.size])
        )
    ):
        raise breach("the server does not know the lane's key")
    _, version, status, nonce, prefix = _ANSWER.unpack_from(message)
    return Answer(version, status, nonce, prefix)


def frame_key(key: bytes, label: bytes, sent: bytes, answered: bytes) -> bytes:
    """Derives the key of one direction's frames.

    It is HKDF-Expand(key, label | client nonce | server nonce | prefix).
    """
    client_nonce = sent[_HELLO.size - NONCE : _HELLO.size]
    server_nonce_and_prefix = answered[_ANSWER.size - PREFIX - NONCE : _ANSWER.size]
    return hmac.digest(
        key, b"cargo lane " + label + client_nonce + server_nonce_and_prefix + b"\x01", "sha256"
    )


def prefix_of(answered: bytes) -> bytes:
    """Returns the lane's prefix from an ANSWER that was checked."""
    return answered[_ANSWER.size - PREFIX : _ANSWER.size]


def _mac(keys: LaneKeys, message: bytes) -> bytes:
    return hmac.digest(keys.auth, message, "sha256")
