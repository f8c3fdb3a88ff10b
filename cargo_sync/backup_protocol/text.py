"""The text form of the backup protocol, as the published program uses it, without any framing.

    coordinator  255                                    at once, on accept
    client       VERB                                   at once, without having read
    client       JSON                                   once it has read exactly 255
    coordinator  one answer of at most 1,024 bytes, in one send; then it closes

Verb and JSON may come in one piece or in many, so the end of the JSON value is the end of the
request. The client reads the answer with one `recv(1024)`: a longer answer would be cut silently.
"""

import json
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from cargo_sync.backup_protocol.messages import (
    BackupRefusal,
    BackupRequest,
    BackupVerb,
    asked,
    refuse_structure,
    too_many_fields,
)

GREETING: Final = b"255"
LONGEST_ANSWER: Final = 1024
LONGEST_REQUEST: Final = 16 * 1024 * 1024
"""Bytes of JSON: all of it is held in memory. Larger files go to the framed port."""
MARKS: Final = 1024
"""Brackets, braces and texts in a request; each costs time on a port without a password."""

NO_NICKNAME: Final = "Apelido não encontrado"
NO_FILES: Final = "Nenhum dado salvo"
NO_ID: Final = "ID não encontrado"
NOTHING_SAVED: Final = "\nUsuário não possui dados salvos no servidor"

_SPACE: Final = b" \t\r\n"
_OUTSIDE: Final = re.compile(rb'["{}\[\]]')
_INSIDE: Final = re.compile(rb'["\\]')


class Listed(NamedTuple):
    """One file of a list."""

    id: str
    name: str


class TextRequest:
    """One request while it arrives. `feed` takes each piece and returns the complete request."""

    def __init__(self, longest: int = LONGEST_REQUEST) -> None:
        self._longest = longest
        self._received = bytearray()
        self._verb: BackupVerb | None = None
        self._at = 0  # up to where the JSON was searched
        self._depth = 0
        self._marks = 0
        self._inside = False

    def feed(self, piece: bytes) -> BackupRequest | None:
        """The request once it is complete, else None; bytes after it are ignored.

        Raises:
            BackupRefusal: it is not a request, or it is too large.
        """
        self._received += piece
        if len(self._received) > self._longest:
            raise BackupRefusal(
                f"O pedido passa de {self._longest} bytes: use a porta com tamanho (framed)"
            )
        if self._verb is None and not self._take_verb():
            return None
        end = self._end()
        if self._marks > MARKS:
            raise too_many_fields()
        if end is None:
            return None
        assert self._verb is not None, "it was taken"
        document = bytes(self._received[:end])
        refuse_structure(document)
        try:
            value = json.loads(document.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise BackupRefusal("O pedido não é JSON válido") from None
        return asked(self._verb, value)

    def _take_verb(self) -> bool:
        received = bytes(self._received[:32]).lstrip(_SPACE)
        for verb in BackupVerb:
            word = verb.value.encode()
            if received.startswith(word):
                del self._received[: self._received.index(word) + len(word)]
                self._verb = verb
                return True
        if not any(verb.value.encode().startswith(received) for verb in BackupVerb):
            raise BackupRefusal("Verbo desconhecido: use TRANSMITIR, LISTAR ou BAIXAR")
        return False

    def _end(self) -> int | None:
        """Where the JSON value ends, or None. Each byte is read once, with pieces of any size."""
        received = self._received
        if not self._depth and not self._inside:
            while self._at < len(received) and received[self._at] in _SPACE:
                self._at += 1
            if self._at == len(received):
                return None
            if received[self._at] not in b'{["':
                raise BackupRefusal("O pedido não é JSON válido")
        while self._marks <= MARKS and (
            found := (_INSIDE if self._inside else _OUTSIDE).search(received, self._at)
        ):
            mark = found[0]
            self._at = found.end()
            self._marks += not self._inside
            if mark == b"\\":
                if self._at == len(received):
                    self._at -= 1  # the escaped byte has not arrived yet
                    return None
                self._at += 1
            elif mark == b'"':
                self._inside = not self._inside
            else:
                self._depth += 1 if mark in b"{[" else -1
            if self._depth <= 0 and not self._inside:
                return self._at
        self._at = len(received)
        return None


def listing(nickname: str, files: Sequence[Listed], framed: str) -> bytes:
    """The answer to LISTAR: one line per file, cut after a line when it is too long for the client.

    Args:
        nickname: the name of the user.
        files: the most important ones first.
        framed: where to get the rest, such as "porta 10001".
    """
    head = f"\nUsuário: {nickname}\n\n"
    lines = [f"\nID: {one.id} ---- Nome do Arquivo: {_line(one.name)}" for one in files]
    whole = (head + "".join(lines) + "\n").encode()
    if len(whole) <= LONGEST_ANSWER:
        return whole
    for shown in range(len(lines) - 1, -1, -1):
        rest = f"\n… e mais {len(lines) - shown} ({framed})\n"
        text = (head + "".join(lines[:shown]) + rest).encode()
        if len(text) <= LONGEST_ANSWER:
            return text
    return sentence(f"A lista não cabe nesta porta: use a {framed}")


def file(name: str, content: bytes, framed: str) -> bytes:
    """The answer to BAIXAR.

    Raises:
        BackupRefusal: it is too long for the client, or the content is not text.
    """
    try:
        fields = {"nome_arquivo": name, "conteudo": content.decode()}
    except UnicodeDecodeError:
        raise BackupRefusal(f"O arquivo não é um texto em UTF-8: use a {framed}") from None
    for ascii_only in (True, False):  # as the published program writes it, else in fewer bytes
        answer = json.dumps(fields, ensure_ascii=ascii_only).encode("utf-8", "backslashreplace")
        if len(answer) <= LONGEST_ANSWER:
            return answer
    raise too_large(framed)


def too_large(framed: str) -> BackupRefusal:
    """The refusal of a file that is too large for this port."""
    return BackupRefusal(f"O arquivo não cabe em {LONGEST_ANSWER} bytes: use a {framed}")


def sentence(text: str) -> bytes:
    """A sentence as an answer, never longer than what the client reads."""
    return (
        text.encode("utf-8", "backslashreplace")[:LONGEST_ANSWER].decode("utf-8", "ignore").encode()
    )


def _line(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)
