"""What a file server of the published program and its coordinator say to each other.

    file server  {"assignment": "cadastrar", "ip": "…"}    at port 9999 of the coordinator
    coordinator  Servidor cadastrado                        then it closes; "descadastrar" likewise

    coordinator  255                                        at port 8000 of the file server
    coordinator  TRANSMITIR, or BAIXAR                      once the file server has read that
    coordinator  {"id": "…", "content": "…"}, or the id     once it has read that
    file server  nothing, or the text; then it closes

The file server reads each piece once, with room for 1,024 bytes, and confirms none of them. So a
text that is too long for that is cut here, on purpose: otherwise the file server would lose it.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from cargo_sync.backup_protocol.messages import BackupRefusal, BackupVerb
from cargo_sync.backup_protocol.text import GREETING

PORT: Final = 8000
REGISTERED: Final = "Servidor cadastrado"
UNREGISTERED: Final = "Servidor descadastrado"
LONGEST_PIECE: Final = 1024
LONGEST_TEXT: Final = 4096
"""A file server that sends more bytes than this back has not got what it was sent."""
_ASSIGNMENTS: Final = {"cadastrar": True, "descadastrar": False}


class RegistrationRequest:
    """One request at the registration port while it arrives."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, piece: bytes) -> bool | None:
        """Whether the file server is to be registered (True) or taken off the list (False).

        None while the request is not complete. The address that it names is not looked at.

        Raises:
            BackupRefusal: it is not such a request.
        """
        self._received += piece
        if len(self._received) > LONGEST_PIECE:
            raise BackupRefusal(f"O pedido passa de {LONGEST_PIECE} bytes")
        try:
            value = json.loads(self._received)
        except RecursionError:
            raise BackupRefusal("O pedido não é JSON válido") from None
        except ValueError:
            return None
        assignment = value.get("assignment") if isinstance(value, dict) else None
        if not isinstance(assignment, str) or assignment not in _ASSIGNMENTS:
            raise BackupRefusal('"assignment" deve ser "cadastrar" ou "descadastrar"')
        return _ASSIGNMENTS[assignment]


class ExtraCopy(NamedTuple):
    """A copy of a file for a file server.

    id       of the file
    payload  what is sent
    content  what the file server has then: the file, or only its beginning
    size     bytes of the whole file
    """

    id: str
    payload: bytes
    content: bytes
    size: int


class CopyResult(StrEnum):
    """What a file server gave back."""

    WHOLE = "whole"
    CUT = "cut"
    """What was sent, which was only the beginning of the file."""
    LOST = "lost"
    """Something else than what was sent, or nothing."""


def extra_copy(id: str, content: bytes) -> ExtraCopy:
    """A copy of a text in UTF-8, or of as much of its beginning as a file server can read."""
    if len(content) <= LONGEST_PIECE:
        text = content.decode()
        for ascii_only in (True, False):  # as the published program writes it, else in fewer bytes
            payload = _payload(id, text, ascii_only)
            if len(payload) <= LONGEST_PIECE:
                return ExtraCopy(id, payload, content, len(content))
    text = content[:LONGEST_PIECE].decode(errors="ignore")
    fits = _most(len(text), lambda count: len(_payload(id, text[:count], False)) <= LONGEST_PIECE)
    kept = text[:fits]
    return ExtraCopy(id, _payload(id, kept, False), kept.encode(), len(content))


def to_store(copy: ExtraCopy) -> tuple[bytes, bytes, bytes]:
    """The pieces of a request that stores a copy."""
    return GREETING, BackupVerb.SEND.encode(), copy.payload


def to_read_back(copy: ExtraCopy) -> tuple[bytes, bytes, bytes]:
    """The pieces of a request for a copy."""
    return GREETING, BackupVerb.FETCH.encode(), copy.id.encode()


def compared(copy: ExtraCopy, answer: bytes) -> CopyResult:
    """What came of a copy, of which the file server gave this back."""
    if answer != copy.content:
        return CopyResult.LOST
    return CopyResult.WHOLE if len(copy.content) == copy.size else CopyResult.CUT


def _payload(id: str, text: str, ascii_only: bool) -> bytes:
    return json.dumps({"id": id, "content": text}, ensure_ascii=ascii_only).encode()


def _most(most: int, fits: Callable[[int], bool]) -> int:
    """The greatest number up to `most` that fits; all below it fit, too."""
    low = 0
    while low < most:
        middle = (low + most + 1) // 2
        low, most = (middle, most) if fits(middle) else (low, middle - 1)
    return low
