"""What a coordinator answers, as values: whoever asks decodes it once, here."""

from collections.abc import Mapping
from dataclasses import dataclass

from cargo_sync.model.problems import Code, Problem, ProblemError


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in an answer to LISTAR.

    size  bytes; None where the server does not tell it, which the published one never does
    """

    id: str
    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """The answer to BAIXAR: `size` raw bytes follow it. `name` is "" where it tells none."""

    name: str
    size: int


def stored_id(answer: Mapping[str, object]) -> str:
    """The id that TRANSMITIR gave a file; "" where the server does not tell it."""
    return str(answer.get("id", ""))


def stored_files(answer: Mapping[str, object]) -> list[StoredFile]:
    """The files that LISTAR names. Raises ProblemError ("protocol")."""
    files = answer.get("list_nome_arquivo", [])
    if not isinstance(files, list):
        raise _senseless("the server's list of files is not a list")
    return [_stored_file(one) for one in files]


def fetched_file(answer: Mapping[str, object]) -> FetchedFile:
    """What BAIXAR brings. Raises ProblemError ("protocol")."""
    size = _size(answer)
    if size is None:
        raise _senseless("the server does not tell the size of the file")
    return FetchedFile(str(answer.get("nome_arquivo", "")), size)


def _stored_file(one: object) -> StoredFile:
    if not isinstance(one, dict):
        raise _senseless("the server's list of files holds something else")
    return StoredFile(str(one.get("id", "")), str(one.get("nome_arquivo", "")), _size(one))


def _size(fields: Mapping[str, object]) -> int | None:
    size = fields.get("tamanho")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        return None
    return size


def _senseless(message: str) -> ProblemError:
    return ProblemError(Problem(Code.PROTOCOL, message, retry=False))
