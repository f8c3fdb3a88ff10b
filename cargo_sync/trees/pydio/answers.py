"""What a Pydio server answers: errors with status 200, listings, and the state of files.

Nothing is trusted: sizes are bounded, an XML document may have no document type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

import orjson

from cargo_sync.trees.pydio.problems import login_refused, no_pydio, refused_with

DEEPEST: Final = 32
_DIRECTORY: Final = "directory"
"""Stands for the hash of a folder."""
_FOLDER_BIT: Final = 0o040000
_KIND_BITS: Final = 0o170000
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ListedNode:
    """One name in a listing.

    path    from the top of the workspace
    folder  it is a folder
    bin     it is Pydio's own trash
    size    bytes of a file, 0 if the listing does not say it
    """

    path: str
    folder: bool
    bin: bool
    size: int


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of a listing.

    count  names in the folder, as the server counts them; -1 if it does not page
    pages  how many there are
    """

    nodes: Sequence[ListedNode]
    count: int
    pages: int


@dataclass(frozen=True, slots=True)
class PydioState:
    """What the server says of a file or a folder.

    size   bytes
    mtime  seconds since 1970
    md5    of a file in lower case, "" if the server does not know it
    """

    folder: bool
    size: int
    mtime: int
    md5: str


class _Document:
    """What is in one XML answer: the first two levels, and whether it is an error."""

    def __init__(self, body: bytes) -> None:
        self.root = ""
        self.nodes: list[Mapping[str, str]] = []
        self.paging: Mapping[str, str] = {}
        self.error: str | None = None
        self._depth = self._in_error = 0
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._opened
        parser.EndElementHandler = self._closed
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refused_doctype
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise no_pydio(str(error)) from error

    def _opened(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise no_pydio(f"it is nested more than {DEEPEST} elements deep")
        if self._depth == 1:
            self.root = name
        elif self._depth == 2 and name == "tree":
            self.nodes.append(attributes)
        elif self._depth == 2 and name == "pagination":
            self.paging = attributes
        if name == "require_auth":
            raise login_refused()
        if name == "message" and attributes.get("type", "").lower() == "error":
            self.error, self._in_error = self.error or "", self._depth

    def _closed(self, _: str) -> None:
        if self._depth == self._in_error:
            self._in_error = 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._in_error and self.error is not None:
            self.error += text


def check_done(body: bytes, path: str) -> None:
    """Looks whether an answer to a change is an error.

    Raises:
        PydioRefusalError: it is.
        ProblemError: `unauthorized`.
    """
    if b"<message" not in body and b"<require_auth" not in body:
        return
    document = _Document(body)
    if document.error is not None:
        raise refused_with(document.error, path)


def page_of(body: bytes, path: str) -> ListedPage:
    """A page of the listing of the folder at `path`.

    Raises:
        PydioRefusalError: the answer is an error.
        ProblemError: `bad_answer`.
    """
    document = _Document(body)
    if document.error is not None:
        raise refused_with(document.error, path)
    if document.root != "tree":
        raise no_pydio("it is no listing")
    nodes = [
        ListedNode(
            one.get("filename", ""),
            one.get("ajxp_mime") == "ajxp_folder" or one.get("is_file") in ("false", "0"),
            one.get("ajxp_mime") == "ajxp_recycle",
            number_of(one.get("bytesize", "")) or 0,
        )
        for one in document.nodes
    ]
    if not document.paging:
        return ListedPage(nodes, -1, 1)
    count, pages = (number_of(document.paging.get(name, "")) for name in ("count", "total"))
    if count is None or pages is None:
        raise no_pydio("it does not say how many pages there are")
    return ListedPage(nodes, count, pages)


def state_of(body: bytes, path: str) -> PydioState | None:
    """The answer about one path; None for nothing.

    Raises:
        PydioRefusalError, ProblemError: see `page_of`.
    """
    return _state(_json(body, path))


def states_of(body: bytes, path: str) -> Mapping[str, PydioState | None]:
    """The answer about several paths, by their names from the top of the workspace."""
    found = _json(body, path)
    if not isinstance(found, dict):
        raise no_pydio("it is not about the files that were asked for")
    return {name: _state(one) for name, one in found.items() if isinstance(name, str)}


def _json(body: bytes, path: str) -> object:
    try:
        found: object = orjson.loads(body)
    except ValueError as error:
        if body.lstrip().startswith(b"<"):
            check_done(body, path)
        raise no_pydio("it is not JSON") from error
    return found


def _state(found: object) -> PydioState | None:
    if not found and isinstance(found, dict | list):
        return None
    if not isinstance(found, dict):
        raise no_pydio("it says nothing of a file")
    size, mtime, mode = (number_of(found.get(name)) for name in ("size", "mtime", "mode"))
    md5 = found.get("hash")
    digest = md5.lower() if isinstance(md5, str) else ""
    if mode is None and not digest:
        raise no_pydio("it does not say whether this is a file or a folder")
    folder = digest == _DIRECTORY or (mode is not None and mode & _KIND_BITS == _FOLDER_BIT)
    if folder:
        return PydioState(True, 0, 0, "")
    if size is None:
        raise no_pydio("it does not say the size of a file")
    is_md5 = len(digest) == 32 and all(one in "0123456789abcdef" for one in digest)
    return PydioState(False, size, mtime or 0, digest if is_md5 else "")


def number_of(value: object) -> int | None:
    """A number that PHP wrote as one, or as a text; None if it is none, or below 0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
        return value
    return None


def _refused_doctype(*_: object) -> None:
    raise no_pydio("it has a document type, which no answer needs")
