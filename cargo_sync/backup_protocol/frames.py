"""The framed form of the backup protocol: content of any size, text or not, in both directions.

    a frame      length as big-endian u32, then as many bytes of JSON
    a request    {"verbo", "apelido", "senha", …}; for TRANSMITIR, "tamanho" raw bytes follow
    an answer    {"status", …}; for BAIXAR it has "tamanho", and as many raw bytes follow

A connection takes any number of requests, one after the other. Until one of them has logged in, the
JSON of a request has at most 64 KiB, afterwards at most 16 MiB. Status: 255 done, 158 an error of
the coordinator, 906 an error of the store; both errors come with "mensagem".
"""

import codecs
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
    refuse_structure,
)
from cargo_sync.backup_protocol.text import Listed
from cargo_sync.model.documents import parsed

LENGTH: Final = struct.Struct("!I")
LONGEST_REQUEST: Final = 16 * 1024 * 1024
"""Bytes of a request's JSON; it may hold a small file."""
LONGEST_FIRST: Final = 64 * 1024
"""The same before a login succeeded on the connection."""
LONGEST_ANSWER: Final = 16 * 1024 * 1024
"""Bytes of an answer's JSON; a list of 100,000 files fits."""
ANSWER_VALUES: Final = 1 << 20
"""The most values in an answer."""


def length(head: bytes, longest: int = LONGEST_REQUEST) -> int:
    """The length of the JSON after these four bytes.

    Raises:
        BackupRefusal: it is longer than `longest`.
    """
    (count,) = LENGTH.unpack(head)
    if count > longest:
        raise BackupRefusal(
            f"O JSON passa de {longest} bytes; o conteúdo segue depois dele, com tamanho"
        )
    return int(count)


def frame(fields: Mapping[str, object]) -> bytes:
    """The fields as a frame."""
    body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return LENGTH.pack(len(body)) + body


def read_request(body: bytes) -> BackupRequest:
    """The request in a frame.

    Raises:
        BackupRefusal: it is not a valid request.
    """
    refuse_structure(body)
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
    """The answer to BAIXAR; `size` raw bytes follow it."""
    return frame({"status": BackupStatus.DONE, "nome_arquivo": name, "tamanho": size})


def refused(refusal: BackupRefusal) -> bytes:
    """The answer to a request that is refused."""
    return frame({"status": refusal.status, "mensagem": refusal.sentence.strip()})


def read_answer(body: bytes) -> Mapping[str, object]:
    """The fields of a successful answer.

    Raises:
        BackupRefusal: the answer is a refusal, or it is not valid.
    """
    try:
        value = parsed(body.removeprefix(codecs.BOM_UTF8), ANSWER_VALUES)
    except ValueError:
        raise BackupRefusal("A resposta não é JSON válido") from None
    if not isinstance(value, dict):
        raise BackupRefusal("A resposta não é um objeto JSON")
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
