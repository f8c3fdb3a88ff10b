"""Keys of the control protocol: what a front end needs to connect over TCP.

CURVE keys (https://rfc.zeromq.org/spec/26/) are 32 bytes, written in Z85 as 40 characters
(https://rfc.zeromq.org/spec/32/). A key file is JSON, and only its owner may read it.
"""

import json
import os
import re
import stat
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from cargo_sync.api.roles import Role

KEY_LENGTH: Final = 40
_LARGEST = 64 * 1024
_NAME = re.compile(r"[\w.@-]{1,64}")
# The alphabet of Z85. 5 characters stand for 4 bytes, so some texts are more than 32 bits.
_Z85: Final = {
    each: value
    for value, each in enumerate(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    )
}


class KeyFileError(Exception):
    """A key file that cannot be used; the text is for people, and contains no part of the key."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """The key of a client for one daemon or server.

    address         of its commands, tcp://HOST:PORT; "" if it is not running
    server          its public key
    public, secret  the pair of the client
    role            the role when the key was made
    name            the key's name there
    """

    address: str
    server: str
    public: str
    secret: str = field(repr=False)
    role: str = Role.CONTROL
    name: str = ""


def is_key(text: object) -> bool:
    """Whether `text` is a CURVE key in Z85."""
    if not isinstance(text, str) or len(text) != KEY_LENGTH or not set(text) <= _Z85.keys():
        return False
    return all(_number(text[at : at + 5]) < 2**32 for at in range(0, KEY_LENGTH, 5))


def _number(digits: str) -> int:
    number = 0
    for each in digits:
        number = number * 85 + _Z85[each]
    return number


def is_key_name(text: object) -> bool:
    """Whether a key may have this name: letters, digits and `_ . @ -`, at most 64."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def read_key(path: str) -> ClientKey:
    """Reads the key file at `path`.

    Raises:
        KeyFileError: it cannot be read, others may read it, or it is not a key file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            raw = file.read(_LARGEST) if stat.S_ISREG(found.st_mode) else b""
    except OSError as error:
        raise KeyFileError(f"the key {path} cannot be read: {error.strerror}") from error
    if found.st_mode & 0o077 and os.name != "nt":
        mode = stat.S_IMODE(found.st_mode)
        raise KeyFileError(
            f"others may read the key {path} (mode {mode:04o}); run: chmod 600 {path}"
        )
    try:
        return _key(json.loads(raw))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeyFileError(f"{path} is not a key file: `cargo_ctl key add` writes one") from None


def write_key(descriptor: int, key: ClientKey) -> None:
    """Writes `key` to an open, empty file. Raises OSError."""
    with open(descriptor, "wb", closefd=False) as file:
        file.write(key_text(key))
        file.flush()
        os.fsync(descriptor)


def key_text(key: ClientKey) -> bytes:
    """The content of a key file."""
    return (json.dumps(asdict(key), indent=4) + "\n").encode()


def _key(fields: Any) -> ClientKey:
    """Decodes a key file; fields of later versions are ignored.

    Raises:
        ValueError, TypeError, KeyError: it is not a key file.
    """
    key = ClientKey(
        fields["address"],
        fields["server"],
        fields["public"],
        fields["secret"],
        fields.get("role", Role.CONTROL),
        fields.get("name", ""),
    )
    texts = (key.address, key.role, key.name)
    if not all(map(is_key, (key.server, key.public, key.secret))) or not all(
        isinstance(each, str) for each in texts
    ):
        raise ValueError
    return key
