"""The values of the backup protocol: a client's requests, and the coordinator's refusals.

The protocol has two forms: the published program's text without framing (`text`), and frames of a
length, JSON and raw content (`frames`). Both have the same three verbs with the same fields,
spelled as on the published page or as in the published program.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final

LONGEST_NAME: Final = 255
"""Characters of a nickname or of a file name."""
LARGE: Final = 64 * 1024
"""Bytes of JSON beyond which a document is looked at before it is parsed."""
STRINGS: Final = 512
_FOLDERS: Final = re.compile(r"^.*[/\\]|^[A-Za-z]:", re.DOTALL)


class BackupVerb(StrEnum):
    """What a client asks for."""

    SEND = "TRANSMITIR"
    LIST = "LISTAR"
    FETCH = "BAIXAR"


class BackupStatus(IntEnum):
    """The statuses of the published page."""

    DONE = 255
    COORDINATOR = 158
    """The request is wrong: a mistake in it, an unknown nickname or id."""
    STORE = 906
    """The store failed: a full disk, or a file that cannot be read."""


class BackupRefusal(Exception):  # noqa: N818 - an answer, which is not our error
    """The answer in place of a result: a status, and a sentence for the person at the menu."""

    def __init__(self, sentence: str, status: BackupStatus = BackupStatus.COORDINATOR) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """One request.

    nickname  the name of a user
    password  None on the text port, which has no passwords
    id        of the file to fetch
    name      of the file that is sent, as the client calls it
    content   of a file that is sent within the JSON; None when it follows as `size` raw bytes
    """

    verb: BackupVerb
    nickname: str
    password: str | None = field(default=None, repr=False)
    id: str = ""
    name: str = ""
    content: str | None = field(default=None, repr=False)
    size: int = 0


def refuse_structure(document: bytes) -> None:
    """Checks that a large document is large because of its texts.

    A text of 16 MiB is parsed in 40 ms, but as many bytes of "[],[],…" take seconds, and the parser
    holds up all threads meanwhile. A request is flat: outside of its texts there is little.

    Raises:
        BackupRefusal: there are too many texts, or too much between them.
    """
    if len(document) <= LARGE:
        return
    parts = document.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"', 2 * STRINGS)
    if len(parts) > 2 * STRINGS or sum(map(len, parts[::2])) > LARGE:
        raise too_many_fields()


def too_many_fields() -> BackupRefusal:
    """The refusal of a request that is not flat."""
    return BackupRefusal("O pedido tem campos demais")


def last_part(name: str) -> str:
    """A sender's name for a file without its folders and drive, as on any system; may be empty."""
    while found := _FOLDERS.match(name):
        name = name[found.end() :]
    return name.strip()


def shown_name(name: str, id: str) -> str:
    """The name under which a file goes out: a client may save it under this name as it is.

    A name of dots alone leads to a folder, so the file is named after its id.
    """
    last = last_part(name)
    return last if last.strip(". ") else f"arquivo-{id}"


def asked(verb: BackupVerb, value: Any) -> BackupRequest:
    """The request in `value`, which is decoded JSON.

    A bare string is a nickname: the published program sends LISTAR this way.

    Raises:
        BackupRefusal: a field is missing or wrong.
    """
    if isinstance(value, str) and verb is BackupVerb.LIST:
        value = {"apelido": value}
    if not isinstance(value, dict):
        raise BackupRefusal("O pedido não é um objeto JSON")
    nickname = _text(value, "apelido")
    password = value.get("senha")
    if password is not None and not isinstance(password, str):
        raise BackupRefusal('"senha" deve ser um texto')
    match verb:
        case BackupVerb.LIST:
            return BackupRequest(verb, nickname, password)
        case BackupVerb.FETCH:
            return BackupRequest(verb, nickname, password, id=_id(value))
        case BackupVerb.SEND:
            content = value.get("conteudo_arquivo", value.get("conteudo"))
            if content is not None and not isinstance(content, str):
                raise BackupRefusal('"conteudo_arquivo" deve ser um texto')
            name = _text(value, "nome_arquivo")
            return BackupRequest(
                verb, nickname, password, name=name, content=content, size=_size(value, content)
            )


def _text(value: Mapping[str, object], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text.strip():
        raise BackupRefusal(f'Falta o campo "{name}"')
    if len(text) > LONGEST_NAME:
        raise BackupRefusal(f'"{name}" tem mais de {LONGEST_NAME} caracteres')
    return text


def _id(value: Mapping[str, object]) -> str:
    id = value.get("id", value.get("id_arquivo"))
    if isinstance(id, int) and not isinstance(id, bool):
        id = str(id)  # the id looks like a number, and scripts send it as one
    if not isinstance(id, str) or not id.strip():
        raise BackupRefusal('Falta o campo "id"')
    return id.strip()[:LONGEST_NAME]


def _size(value: Mapping[str, object], content: str | None) -> int:
    size = value.get("tamanho")
    if size is None and content is not None:
        return 0
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        raise BackupRefusal(
            'Falta o campo "conteudo_arquivo", ou "tamanho" com o número de bytes que seguem'
        )
    if content is not None and size:
        raise BackupRefusal('"tamanho" e "conteudo_arquivo" não podem vir juntos')
    return size
