"""What a server answers, decoded into values of known types (docs/http-api.md has the protocol).

Each decoder takes parsed JSON and raises ValueError for what no Cargo server answers (pydantic's
errors are ValueErrors). What comes after it works on types and has nothing left to catch.

Small answers are models. Listings are columns of up to 10,000 rows: each column is checked as a
whole, which costs a tenth of a look at each value.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import Problem
from cargo_sync.wire.handshake import TOKEN

T = TypeVar("T")
Decoder = Callable[[object], T]
"""Takes parsed JSON; raises ValueError for what no Cargo server answers."""

DONE: Final = "done"
KEY: Final = 32
"""Bytes of a flow's keys."""
GONE: Final = "x"
"""The kind of a path where nothing stands any more."""

_ROW: Final = (str, str, int, int, int, int, int, str, str)
"""The types of an entry's fields."""
_KINDS: Final = frozenset({FILE, FOLDER, LINK})


class ServerReply(BaseModel):
    """The form of an answer. A newer server may say more than we know."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises ValueError."""
        return cls.model_validate(value)


def _hex(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("must be hex digits")
    return bytes.fromhex(value)


_Token = Annotated[bytes, BeforeValidator(_hex), Field(min_length=TOKEN, max_length=TOKEN)]
_Key = Annotated[bytes, BeforeValidator(_hex), Field(min_length=KEY, max_length=KEY)]


class _ErrorWords(ServerReply):
    code: str
    message: str
    hint: str | None = None


class ErrorReply(ServerReply):
    """Why a call was refused."""

    error: _ErrorWords


class LoginReply(ServerReply):
    """A login's token: what may stand in a header, and nothing else."""

    token: str = Field(pattern=r"^[ -~]+$", repr=False)


class SpaceReply(ServerReply):
    """One workspace of the user, and how far its catalogue has come.

    floor  deletions up to this sequence may be forgotten; a server that forgets none says nothing
    """

    name: str
    access: Literal["rw", "ro"]
    epoch: str
    sequence: int
    lineage: str
    floor: int = 0


class SpacesReply(ServerReply):
    """The workspaces of the user."""

    workspaces: list[SpaceReply]

    def named(self, name: str) -> SpaceReply | None:
        return next((one for one in self.workspaces if one.name == name), None)

    def names(self) -> list[str]:
        return sorted(one.name for one in self.workspaces)


class LaneReply(ServerReply):
    """Where a flow's lane goes and with which keys. `host` is None for the API's own; without `up`
    and `down` the lane is plain."""

    port: int = Field(ge=1, le=65_535)
    host: str | None = None
    token: _Token = Field(repr=False)
    auth: _Key = Field(repr=False)
    up: _Key | None = Field(default=None, repr=False)
    down: _Key | None = Field(default=None, repr=False)


class SpeedReply(ServerReply):
    """What a flow is granted, bits a second; None is no limit."""

    granted: Annotated[int, Field(ge=1)] | None


class FlowReply(SpeedReply):
    """A flow that was opened."""

    flow: str
    lane: LaneReply


class ProbeReply(ServerReply):
    """What of a probe came to the server."""

    bytes: int
    seconds: float


class ResultReply(ServerReply):
    """What became of one operation or of one file to hash: `code` is DONE or a problem's.

    version, ident  of a folder that was made, or of what was moved
    displaced       where what was deleted lies in the trash
    """

    code: str
    message: str | None = None
    retry: bool = True
    version: int | None = None
    ident: int | None = None
    displaced: str | None = None
    hash: str | None = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.code != DONE and self.message is None:
            raise ValueError("a refusal without a message")
        return self

    def problem(self, path: str) -> Problem | None:
        """What kept it from being done to `path`, if anything."""
        if self.code == DONE:
            return None
        return Problem.received(self.code, self.message or "", path, retry=self.retry)


class ResultsReply(ServerReply):
    """The results of a batch, in its order."""

    results: list[ResultReply]


class ChangesReply(NamedTuple):
    """A page of changes, each a path with what stands there now, None for nothing.

    next   the cursor to go on from; `more` says that there is more at once
    floor  deletions up to this sequence may be forgotten
    """

    changes: list[tuple[str, Entry | None]]
    next: int
    more: bool
    lineage: str
    floor: int


class FolderReply(NamedTuple):
    """A page of a folder's entries; `next` is the name to go on after, None at the end. Names are
    not checked yet: one that cannot be used spoils only itself."""

    entries: list[Entry]
    next: str | None


class _Changes(ServerReply):
    rows: list[Any]
    next: int
    more: bool
    lineage: str
    floor: int = 0


class _Folder(ServerReply):
    entries: list[Any]
    next: str | None


class _Single(ServerReply):
    entry: list[Any]


def results(count: int, value: object) -> list[ResultReply]:
    """The results of `count` operations. Raises ValueError."""
    found = ResultsReply.read(value).results
    if len(found) != count:
        raise ValueError(f"{len(found)} results of {count} operations")
    return found


def changes(value: object) -> ChangesReply:
    """Raises ValueError; ProblemError ("bad_path") for a path that no tree can hold."""
    page = _Changes.read(value)
    table = _columns(page.rows)
    kinds = table[1]
    alive = [FILE if kind == GONE else kind for kind in kinds]
    names = [paths.name(paths.check(path)) for path in table[0]]
    entries = _entries([names, alive, *table[2:]])
    told = [
        (path, None if kind == GONE else entry)
        for path, kind, entry in zip(table[0], kinds, entries, strict=True)
    ]
    return ChangesReply(told, page.next, page.more, page.lineage, page.floor)


def folder(value: object) -> FolderReply:
    """Raises ValueError."""
    page = _Folder.read(value)
    return FolderReply(_entries(_columns(page.entries)), page.next)


def single(value: object) -> Entry:
    """Raises ValueError."""
    [entry] = _entries(_columns([[field] for field in _Single.read(value).entry]))
    return entry


def reason(error: ValueError) -> str:
    """In one line, and without what the server sent."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    words = first["msg"][:1].lower() + first["msg"][1:]
    return f"{place}: {words}" if place else words


def _columns(value: Sequence[Any]) -> list[list[Any]]:
    """The nine columns of an answer's rows, each of its own type; no rows may come as no
    columns."""
    if not value:
        return [[] for _ in _ROW]
    if len(value) != len(_ROW):
        raise ValueError(f"rows have {len(_ROW)} columns, not {len(value)}")
    for column, kind in zip(value, _ROW, strict=True):
        if not isinstance(column, list) or set(map(type, column)) - {kind}:
            raise ValueError(f"a column of rows holds something else than {kind.__name__}")
    return list(value)


def _entries(table: Sequence[list[Any]]) -> list[Entry]:
    names, kinds, sizes, times, modes, versions, idents, hashes, targets = table
    if set(kinds) - _KINDS:
        raise ValueError("rows are of a kind that there is not")
    if any((kind == LINK) != bool(target) for kind, target in zip(kinds, targets, strict=True)):
        raise ValueError("a link leads nowhere, or something else leads somewhere")
    return [
        Entry(name, kind, size, time, mode & 0o777, version, ident, content, target)
        if kind != FOLDER
        else Entry(name, kind, 0, 0, mode & 0o777, version, ident, content, target)
        for name, kind, size, time, mode, version, ident, content, target in zip(
            names, kinds, sizes, times, modes, versions, idents, hashes, targets, strict=True
        )
    ]
