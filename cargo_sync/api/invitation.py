"""An invitation to a server, as the one line that a person passes on.

`cargo://NAME@HOST:PORT/PREFIX#FINGERPRINT.TOKEN`: the name percent-encoded, the SHA-256 of the
server's certificate (or nothing) and the token in base64url. The address is reached over HTTPS;
`cargo+http://` is for a server without TLS. An invitation for a storage node begins with `node+`.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import quote, unquote, urlsplit

TOKEN_BYTES: Final = 16
SHORTEST: Final = 5 * 60
DEFAULT: Final = 24 * 3600
LONGEST: Final = 30 * 24 * 3600
"""Seconds for which an invitation may be used."""

_SCHEMES: Final[Mapping[str, str]] = MappingProxyType({"https": "cargo", "http": "cargo+http"})
_NODE: Final = "node+"
_BEGINNING: Final = re.compile(r"\s*cargo(\+http)?://", re.IGNORECASE)
_LINE: Final = re.compile(
    r"(cargo|cargo\+http)://([^@/#\s]+)@([^@#\s]+)#([A-Za-z0-9_-]{43}|)\.([A-Za-z0-9_-]{22})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation.

    url          of the server, with its prefix and without a slash at its end
    fingerprint  SHA-256 of its certificate, 64 hex digits; "" if it has none of its own
    """

    user: str
    url: str
    fingerprint: str
    token: str = field(repr=False)

    def __str__(self) -> str:
        return opening(self.user, self.url, self.fingerprint) + self.token

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the line; spaces and line breaks in it do not count.

        Raises:
            ValueError: it is not an invitation. The message does not quote it.
        """
        line = "".join(text.split())
        if is_node_invitation(line):
            raise ValueError("is for a storage node: give it to `cargo_sync init node`")
        return cls._read(line, "")

    @classmethod
    def _read(cls, line: str, kind: str) -> Self:
        """Reads what follows `kind`, with which such an invitation begins. Raises ValueError."""
        found = _LINE.fullmatch(line)
        if found is None:
            why = "is not complete" if is_invitation(line) else "is not an invitation"
            raise ValueError(f"{why} (expected: {kind}cargo://NAME@HOST:PORT#…, all of the line)")
        scheme, user, place, fingerprint, token = found.groups()
        try:
            digest = base64.urlsafe_b64decode(fingerprint + "=" * (-len(fingerprint) % 4))
            name = unquote(user, errors="strict")
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("is not complete, or was changed on its way") from None
        protocol = "http" if scheme.lower() == _SCHEMES["http"] else "https"
        return cls(name, f"{protocol}://{place.rstrip('/')}", digest.hex(), token)

    @classmethod
    def parse_node(cls, text: str) -> Self:
        """As `parse`, for a storage node: its name is in the place of the user's.

        Raises:
            ValueError: as `parse`.
        """
        line = "".join(text.split())
        if is_invitation(line):
            raise ValueError("is for a user: `cargo_ctl node invite` prints those for nodes")
        return cls._read(line[len(_NODE) :] if is_node_invitation(line) else line, _NODE)


def is_invitation(text: str) -> bool:
    """Whether a text begins as an invitation does; perhaps it is not a whole one."""
    return _BEGINNING.match(text) is not None


def is_node_invitation(text: str) -> bool:
    """Whether a text begins as an invitation for a storage node does."""
    return text.lstrip().lower().startswith(_NODE)


def node_opening(node: str, url: str, fingerprint: str) -> str:
    """As `opening`, for a storage node of this name."""
    return _NODE + opening(node, url, fingerprint)


def opening(user: str, url: str, fingerprint: str) -> str:
    """The line up to the token, which only the person who invites has to know.

    Args:
        user: their name.
        url: of the server, `https://host:port/prefix`.
        fingerprint: 64 hex digits, or "".
    """
    parts = urlsplit(url)
    digest = base64.urlsafe_b64encode(bytes.fromhex(fingerprint)).decode().rstrip("=")
    scheme, name = _SCHEMES[parts.scheme], quote(user, safe="")
    return f"{scheme}://{name}@{parts.netloc}{parts.path}#{digest}."


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)
