"""A coordinator's answers as values: a client decodes them here, once."""

from collections.abc import Mapping
from dataclasses import dataclass

from cargo_sync.model.problems import Code, Problem, ProblemError


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the answer to LISTAR.

    size  bytes; None when the server does not send it, as the published one never does
    """

    id: str
    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """The answer to BAIXAR; `size` raw bytes follow it. `name` is "" when the server sends none."""

    name: str
    size: int


def stored_id(answer: Mapping[str, object]) -> str:
    """The id that TRANSMITIR gave a file; "" when the server does not send it."""
    return str(answer.get("id", ""))


def stored_files(answer: Mapping[str, object]) -> list[StoredFile]:
    """The files in the answer to LISTAR.

    Raises:
        ProblemError: `protocol`.
    """
    files = answer.get("list_nome_arquivo", [])
    if not isinstance(files, list):
        raise _senseless("the server's list of files is not a list")
    return [_stored_file(one) for one in files]


def fetched_file(answer: Mapping[str, object]) -> FetchedFile:
    """The file in the answer to BAIXAR.

    Raises:
        ProblemError: `protocol`.
    """
    size = _size(answer)
    if size is None:
        raise _senseless("the server does not send the size of the file")
    return FetchedFile(str(answer.get("nome_arquivo", "")), size)


def _stored_file(one: object) -> StoredFile:
    if not isinstance(one, dict):
        raise _senseless("the server's list of files has an item that is not a file")
    return StoredFile(str(one.get("id", "")), str(one.get("nome_arquivo", "")), _size(one))


def _size(fields: Mapping[str, object]) -> int | None:
    size = fields.get("tamanho")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        return None
    return size


def _senseless(message: str) -> ProblemError:
    return ProblemError(Problem(Code.PROTOCOL, message, retry=False))
