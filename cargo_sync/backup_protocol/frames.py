"""The backup protocol with frames: content of any size, text or not, in both directions.

    a frame      length u32 big-endian, then so many bytes of JSON
    a request    {"verbo", "apelido", "senha", …} and, for TRANSMITIR, "tamanho" raw bytes after it
    an answer    {"status", …}; for BAIXAR with "tamanho", and so many raw bytes after it

Any number of requests may follow each other on one connection. Status: 255 done, 158 an error of
the coordinator, 906 an error of the store, both with "mensagem".
"""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Final

from cargo_sync.backup_protocol.messages import (
    BackupRefusal,
    BackupRequest,
    BackupStatus,
    BackupVerb,
    asked,
)
from cargo_sync.backup_protocol.text import Listed

LENGTH: Final = struct.Struct("!I")
LONGEST_REQUEST: Final = 16 * 1024 * 1024
"""Bytes of a request's JSON, which may hold a small file."""
LONGEST_ANSWER: Final = 256 * 1024 * 1024


def length(head: bytes, longest: int = LONGEST_REQUEST) -> int:
    """How much JSON follows these four bytes. Raises Refused when it is more than `longest`."""
    (count,) = LENGTH.unpack(head)
    if count > longest:
        raise BackupRefusal(
            f"O JSON passa de {longest} bytes; o conteúdo segue depois dele, com tamanho"
        )
    return int(count)


def frame(fields: Mapping[str, object]) -> bytes:
    """`fields` as a frame."""
    body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return LENGTH.pack(len(body)) + body


def read_request(body: bytes) -> BackupRequest:
    """The request in a frame. Raises Refused."""
    value = _object(body)
    try:
        verb = BackupVerb(str(value.get("verbo", "")).upper())
    except ValueError:
        raise BackupRefusal('"verbo" deve ser TRANSMITIR, LISTAR ou BAIXAR') from None
    return asked(verb, value)


def stored(id: str) -> bytes:
    """The answer to TRANSMITIR."""
    return frame({"status": BackupStatus.DONE, "id": id})


def listed(files: Iterable[Listed]) -> bytes:
    """The answer to LISTAR."""
    names = [{"id": one.id, "nome_arquivo": one.name} for one in files]
    return frame({"status": BackupStatus.DONE, "list_nome_arquivo": names})


def fetched(name: str, size: int) -> bytes:
    """The answer to BAIXAR, before `size` raw bytes."""
    return frame({"status": BackupStatus.DONE, "nome_arquivo": name, "tamanho": size})


def refused(refusal: BackupRefusal) -> bytes:
    """The answer to what cannot be done."""
    return frame({"status": refusal.status, "mensagem": refusal.sentence.strip()})


def read_answer(body: bytes) -> Mapping[str, object]:
    """The fields of an answer that went well. Raises Refused: that is what it says, or it makes no
    sense."""
    value = _object(body)
    status = value.get("status")
    if status == BackupStatus.DONE:
        return value
    for known in (BackupStatus.COORDINATOR, BackupStatus.STORE):
        if status == known:
            raise BackupRefusal(str(value.get("mensagem", "")), known)
    raise BackupRefusal("A resposta não tem status")


def _object(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BackupRefusal("O pedido não é JSON válido") from None
    if not isinstance(value, dict):
        raise BackupRefusal("O pedido não é um objeto JSON")
    return value
