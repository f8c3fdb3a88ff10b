"""The server's replies, decoded into values with known types (docs/http-api.md has the protocol).

Each decoder takes parsed JSON and raises ValueError for a reply that no Cargo server would send
(pydantic's errors are ValueErrors). The code after it works with types and catches nothing.

Small replies are models. Listings are columns of up to 10,000 rows: each column is checked as a
whole, which costs a tenth of a check per value.

Numbers and texts have limits: the state keeps many of them, and a hostile server chooses them.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cargo_sync.machines.newest_change import Lineage, SeenChange
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, EntryColumns, PlacedEntries
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.xattrs import Xattrs, decoded
from cargo_sync.wire.handshake import TOKEN

T = TypeVar("T")
Changes = Sequence[tuple[str, Entry | None]]
"""Paths with the entry that is there now, or None; `PlacedEntries` if there is one at each."""
Decoder = Callable[[object], T]
"""Takes parsed JSON; raises ValueError for a reply that no Cargo server would send."""

DONE: Final = "done"
SHOWN: Final = 200
"""So many characters of a path that cannot be used are kept and shown."""
KEY: Final = 32
"""Bytes of a flow's keys."""
GONE: Final = "x"
"""The kind of a path that has no entry any more."""
ROWS: Final = 10_000
"""The most rows of a page."""
TRASH_ROWS: Final = 1_000
"""The most rows of a page of a trash."""
PLACES: Final = 10_000
"""The most ranges of one result."""
VALUES: Final = 131_072
"""The most values of an answer: a page has nine for each of its rows."""

_ROW: Final = (str, str, int, int, int, int, int, str, str)
"""The types of an entry's fields."""
_KINDS: Final = frozenset({FILE, FOLDER, LINK})
_HASH: Final = 64
_TARGET: Final = 4096
_INT64: Final = 2**63
AccessLevel = Literal["rw", "ro", "wo"]

_Word = Annotated[str, Field(max_length=256)]
_Count = Annotated[int, Field(ge=0, lt=_INT64)]
_Range = Annotated[list[_Count], Field(min_length=2, max_length=2)]


class ServerReply(BaseModel):
    """The base of all replies. A newer server may send fields that we do not know."""

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

    def received(self) -> Problem:
        return Problem.received(self.code, self.message, hint=self.hint or "")


class FenceReply(ServerReply):
    """What the server has met of a job that it does not let in."""

    starts: _Count
    records: _Count
    elsewhere: bool


class ErrorReply(ServerReply):
    """Why a call was refused."""

    error: _ErrorWords
    fence: FenceReply | None = None


class LoginReply(ServerReply):
    """A login's token: only characters that a header may have."""

    token: str = Field(pattern=r"^[ -~]+$", max_length=4096, repr=False)


class DeviceReply(ServerReply):
    """A new device of a user, and the secret that it logs in with."""

    user: str = Field(max_length=200)
    device: str = Field(max_length=200)
    secret: str = Field(pattern=r"^[!-~]+$", max_length=1024, repr=False)


class JoinedReply(ServerReply):
    """A storage node has joined: its id, its zone, and what the server shows from then on."""

    id: int = Field(ge=1, le=2**63 - 1)
    zone: str = Field(max_length=200)
    bearer: str = Field(pattern=r"^[!-~]+$", min_length=32, max_length=1024, repr=False)


class SpaceReply(ServerReply):
    """One workspace of the user, and the state of its catalogue.

    floor    deletions up to this sequence may have been forgotten; 0 if the server does not send it
    problem  why the workspace cannot be used now
    """

    name: _Word
    access: AccessLevel
    epoch: _Word
    sequence: _Count
    lineage: _Word
    floor: _Count = 0
    problem: _ErrorWords | None = None


class SpacesReply(ServerReply):
    """The workspaces of the user."""

    workspaces: list[SpaceReply]

    def named(self, name: str) -> SpaceReply | None:
        return next((space for space in self.workspaces if space.name == name), None)

    def names(self) -> list[str]:
        return sorted(space.name for space in self.workspaces)


class LaneReply(ServerReply):
    """The address and the keys of a flow's lane.

    `host` is None for the API's own host; without `up` and `down` the lane is plain.
    """

    port: int = Field(ge=1, le=65_535)
    host: _Word | None = None
    token: _Token = Field(repr=False)
    auth: _Key = Field(repr=False)
    up: _Key | None = Field(default=None, repr=False)
    down: _Key | None = Field(default=None, repr=False)


class SpeedReply(ServerReply):
    """What a flow was granted, in bits per second; None means no limit."""

    granted: Annotated[int, Field(ge=1, lt=_INT64)] | None


class FlowReply(SpeedReply):
    """A flow that was opened.

    lineage, first  of its changes: those of this start of the server have numbers from `first` on
    """

    flow: _Word
    lane: LaneReply
    lineage: _Word = ""
    first: _Count = 0

    @property
    def life(self) -> Lineage:
        return Lineage(self.lineage, self.first)


class ProbeReply(ServerReply):
    """How much of a probe arrived at the server."""

    bytes: _Count
    seconds: float


class ResultReply(ServerReply):
    """The result of one operation or of one file to hash: `code` is DONE or a problem's code.

    version, ident  of the folder that was made, or of the entry that was moved
    displaced       where the deleted entry is in the trash
    changed         of a move: its places in the feed
    lacks_xattrs    of a meta: the extended attributes could not be kept
    xattrs          the extended attributes that were asked for
    """

    code: str
    message: str | None = None
    retry: bool = True
    version: _Count | None = None
    ident: _Count | None = None
    displaced: Annotated[str, Field(max_length=2 * paths.PATH_BYTES)] | None = None
    hash: Annotated[str, Field(max_length=64)] | None = None
    changed: Annotated[list[_Range], Field(max_length=PLACES)] = []
    lacks_xattrs: bool = False
    xattrs: Annotated[Xattrs | None, BeforeValidator(decoded)] = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.code != DONE and self.message is None:
            raise ValueError("a refusal without a message")
        return self

    @property
    def places(self) -> list[tuple[int, int]]:
        """`changed`, as ranges."""
        return [(first, last) for first, last in self.changed]

    @property
    def numbers(self) -> list[int]:
        """Of changes that it has made, the newest; perhaps one of an older change too."""
        return [last for _, last in self.changed] or [self.version or 0]

    def problem(self, path: str) -> Problem | None:
        """Why it was not done for `path`, or None if it was."""
        if self.code == DONE:
            return None
        return Problem.received(self.code, self.message or "", path, retry=self.retry)


class ResultsReply(ServerReply):
    """The results of a batch, in order; `lineage` and `first` as for a flow."""

    results: list[ResultReply]
    lineage: _Word = ""
    first: _Count = 0

    @property
    def life(self) -> Lineage:
        return Lineage(self.lineage, self.first)


class TrashRowReply(ServerReply):
    """A version in the trash of a workspace."""

    id: Annotated[int, Field(ge=1, lt=_INT64)]
    path: Annotated[str, Field(max_length=paths.PATH_BYTES)]
    place: Annotated[str, Field(max_length=2 * paths.PATH_BYTES)]
    kind: Literal["f", "d", "l"]
    size: Annotated[int, Field(ge=-1, lt=_INT64)]
    hash: Annotated[str, Field(max_length=_HASH)]
    mtime_ns: Annotated[int, Field(ge=-_INT64, lt=_INT64)]
    cause: _Word
    run: _Word
    user: _Word
    time: float
    state: _Word
    moved_to: Annotated[str, Field(max_length=paths.PATH_BYTES)]
    ended: float | None


class TrashReply(ServerReply):
    """A page of a trash, and how much it keeps in all."""

    rows: Annotated[list[TrashRowReply], Field(max_length=TRASH_ROWS)]
    before: _Count | None
    files: _Count
    bytes: _Count


class RestoredReply(ServerReply):
    """What became of one version to restore: `code` is DONE or a problem's code."""

    code: _Word
    message: str = ""
    retry: bool = True
    path: Annotated[str, Field(max_length=paths.PATH_BYTES)] = ""
    displaced: _Count = 0
    version: _Count = 0


class RestoredReplies(ServerReply):
    """The results of versions to restore, in order."""

    results: list[RestoredReply]


class FreedReply(ServerReply):
    """What was removed from a trash; `more` if there is more of what was asked for."""

    files: _Count
    bytes: _Count
    more: bool = False


class ChangesReply(NamedTuple):
    """A page of changes: paths with the entry that is there now, or None.

    refused  like `changes`, for paths that cannot be used: with the reason
    rows     how many rows were sent: reserved names are in neither
    next     the cursor of the next page
    more     whether the next page has rows now
    newest   the newest change of the server when it made the page; of an older server, which does
             not tell it, the one of `next`
    life     the lineage of the changes that this start of the server makes
    floor    deletions up to this sequence may have been forgotten
    own      the client's own changes are left out, as it asked for
    start    where the workspace is
    """

    changes: Changes
    refused: list[tuple[str, Problem | None]]
    rows: int
    next: int
    more: bool
    newest: SeenChange
    life: str
    floor: int
    own: bool
    start: "StartReply"


class StartReply(NamedTuple):
    """Where a workspace is when a look begins.

    known    the lineage of the change that was asked about
    problem  why the workspace cannot be used now
    folds    its disk does not tell some names apart
    xattrs   its disk keeps extended attributes
    adds     the user may only add files there
    """

    epoch: str
    sequence: int
    known: str
    problem: Problem | None
    folds: bool
    xattrs: bool
    adds: bool = False

    def has(self, change: SeenChange) -> bool:
        """Whether this change is still there; it was asked about."""
        return not change.number or (
            self.sequence >= change.number and self.known == change.lineage
        )


class FolderReply(NamedTuple):
    """A page of a folder's entries; `next` is the `after` of the next page, None at the end.

    Names are not checked yet, so that one bad name does not spoil the page.
    """

    entries: list[Entry]
    next: str | None


class _Changes(ServerReply):
    rows: list[Any]
    next: _Count
    more: bool
    lineage: _Word
    newest_lineage: _Word = ""
    life: _Word
    floor: _Count = 0
    epoch: _Word
    sequence: _Count
    known: _Word
    own: bool = False
    folds: bool = False
    xattrs: bool = False
    access: AccessLevel = "rw"
    problem: _ErrorWords | None = None

    def newest(self) -> SeenChange:
        if self.newest_lineage and self.sequence >= self.next:
            return SeenChange(self.sequence, self.newest_lineage)
        return SeenChange(self.next, self.lineage)

    def start(self) -> StartReply:
        why = self.problem.received() if self.problem else None
        adds = self.access == "wo"
        return StartReply(self.epoch, self.sequence, self.known, why, self.folds, self.xattrs, adds)


class _Folder(ServerReply):
    entries: list[Any]
    next: _Word | None


class _Single(ServerReply):
    entry: list[Any]
    holes: Annotated[int, Field(ge=0, lt=_INT64)] = 0


def results(count: int, value: object) -> ResultsReply:
    """Reads the results of `count` operations. Raises ValueError."""
    answer = ResultsReply.read(value)
    if len(answer.results) != count:
        raise ValueError(f"{len(answer.results)} results for {count} operations")
    return answer


def changes(value: object) -> ChangesReply:
    """Reads a page of changes.

    Raises:
        ValueError: the reply is not valid.
    """
    page = _Changes.read(value)
    table = _columns(page.rows)
    kinds = table[1]
    alive = [FILE if kind == GONE else kind for kind in kinds]
    names = [path.rpartition("/")[2] for path in table[0]]
    entries = _entries([names, alive, *table[2:]])
    rows: Changes = PlacedEntries(table[0], entries)
    if GONE in kinds:
        gone = [kind == GONE for kind in kinds]
        rows = [(path, None if no else entry) for (path, entry), no in zip(rows, gone, strict=True)]
    refused: list[tuple[str, Problem | None]] = []
    if "" in table[0] or not paths.are_usable(table[0]):
        rows, refused = _parted(rows)
    return ChangesReply(
        rows,
        refused,
        len(kinds),
        page.next,
        page.more,
        page.newest(),
        page.life,
        page.floor,
        page.own,
        page.start(),
    )


def unusable(path: str, reason: str) -> Problem:
    """The problem of a path or name that the server has and that cannot be used here."""
    shown = path if len(path) <= SHOWN else f"{path[:SHOWN]}…"
    message = f"the server has a name that cannot be used here: {shown!r} {reason}"
    return Problem(Code.BAD_PATH, message, shown, "rename it on the server", retry=False)


def folder(value: object) -> FolderReply:
    """Reads a page of a folder. Raises ValueError."""
    page = _Folder.read(value)
    return FolderReply(list(_entries(_columns(page.entries))), page.next)


def single(value: object) -> Entry:
    """Reads a single entry. Raises ValueError."""
    [entry] = _entries(_columns([[field] for field in _Single.read(value).entry]))
    return entry


def holes(value: object) -> int:
    """Reads how much of a file takes no room, beside its entry. Raises ValueError."""
    return _Single.read(value).holes


def reason(error: ValueError) -> str:
    """The error's message on one line, without the values that the server sent."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    words = first["msg"][:1].lower() + first["msg"][1:]
    return f"{place}: {words}" if place else words


def _parted(rows: Changes) -> tuple[Changes, list[tuple[str, Problem | None]]]:
    """The changes of usable paths, and the others.

    Of reserved names, which earlier servers listed below the top, only their end is a change.
    """
    usable: list[tuple[str, Entry | None]] = []
    refused: list[tuple[str, Problem | None]] = []
    for path, entry in rows:
        reason = paths.bad_path(path)
        if reason or (not path and entry):
            named = unusable(path, reason or "is the folder itself")
            refused.append((named.path, entry and named))
        elif entry is None or paths.refusal(path) is None:
            usable.append((path, entry))
    return usable, refused


def _in_range(column: Sequence[int], least: int) -> bool:
    """Whether all numbers fit: the state keeps 64 bits."""
    return not column or (min(column) >= least and max(column) < _INT64)


def _columns(value: Sequence[Any]) -> list[list[Any]]:
    """The nine columns of a reply's rows, with checked types; without rows it may have none."""
    if not value:
        return [[] for _ in _ROW]
    if len(value) != len(_ROW):
        raise ValueError(f"rows have {len(_ROW)} columns, not {len(value)}")
    for column, kind in zip(value, _ROW, strict=True):
        if not isinstance(column, list) or set(map(type, column)) - {kind}:
            raise ValueError(f"a column of rows has a value that is not {kind.__name__}")
    if len(value[0]) > ROWS:
        raise ValueError(f"it has more than {ROWS:,} rows")
    return list(value)


def _entries(table: Sequence[list[Any]]) -> EntryColumns:
    names, kinds, sizes, times, modes, versions, idents, hashes, targets = table
    if set(kinds) - _KINDS:
        raise ValueError("a row has an unknown kind")
    if any((kind == LINK) != bool(target) for kind, target in zip(kinds, targets, strict=True)):
        raise ValueError("a link has no target, or another entry has one")
    if not all(map(_in_range, (sizes, times, versions, idents), (0, -_INT64, 0, 0))):
        raise ValueError("a row has a number out of range")
    if max(map(len, hashes), default=0) > _HASH or max(map(len, targets), default=0) > _TARGET:
        raise ValueError("a row has a hash or a target that is too long")
    if FOLDER in kinds:
        sizes, times = (
            [0 if kind == FOLDER else one for kind, one in zip(kinds, column, strict=True)]
            for column in (sizes, times)
        )
    modes = [mode & 0o777 for mode in modes]
    columns = names, kinds, sizes, times, modes, versions, idents, hashes, targets
    if len({*map(len, columns)}) > 1:
        raise ValueError("columns of rows differ in length")
    return EntryColumns(*columns)
