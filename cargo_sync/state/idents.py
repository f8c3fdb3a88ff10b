"""Where things were agreed to be, by their idents: so what was renamed is found.

Only folders, and files from `plan.moves.LEAST`, have a row. A row says where to look: it may be
out of date, so the base of that path is asked.
"""

from collections.abc import Sequence
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.agreed import Agreed, AgreedColumns
from cargo_sync.plan.moves import LEAST, is_worth_it
from cargo_sync.state.bulk import Insert, Select
from cargo_sync.state.database import Statements
from cargo_sync.state.ranges import at_or_below

_PUT: Final = Insert(
    "INSERT INTO base_ident (job, path, near, far) VALUES",
    "(?, ?, ?, ?)",
    "ON CONFLICT (job, path) DO UPDATE SET near = excluded.near, far = excluded.far",
)
_DROP: Final = "DELETE FROM base_ident WHERE job = ? AND path >= ? AND path < ?"
_MOVE: Final = """
UPDATE base_ident SET path = CAST(?4 || substr(path, ?5) AS BLOB)
WHERE job = ?1 AND path >= ?2 AND path < ?3
"""
_ANY: Final = "SELECT 1 FROM base_ident WHERE job = ? LIMIT 1"
_NEAR: Final = Select("SELECT path, near FROM base_ident WHERE job = ? AND near IN")
_FAR: Final = Select("SELECT path, far FROM base_ident WHERE job = ? AND far IN")
_AT_NEAR: Final = Select("SELECT path, near FROM base_ident WHERE job = ? AND path IN")
_AT_FAR: Final = Select("SELECT path, far FROM base_ident WHERE job = ? AND path IN")

_SIGN: Final = 1 << 63
_ALL: Final = 1 << 64

_Row = tuple[int, bytes, int, int]


class BaseIdents:
    """The rows of one job, inside an open transaction, until `write`."""

    def __init__(self, connection: Statements, job: int) -> None:
        self._connection = connection
        self._job = job
        self._rows: dict[bytes, _Row] = {}

    def put(self, path: str, item: Agreed) -> None:
        if is_worth_it(item.kind, item.size):
            self._add(path, item.near_ident, item.far_ident)

    def put_files(self, files: Sequence[str], agreed: AgreedColumns) -> None:
        sizes = agreed.sizes
        if not sizes or max(sizes) < LEAST:
            return
        for at, size in enumerate(sizes):
            if is_worth_it(agreed.kinds[at], size):
                self._add(files[at], agreed.near_idents[at], agreed.far_idents[at])

    def drop(self, path: str) -> None:
        """Nothing is agreed at or below `path` any more."""
        self.write()
        self._connection.execute(_DROP, (self._job, *at_or_below(path)))

    def write(self) -> None:
        if self._rows:
            _PUT(self._connection, list(self._rows.values()))
            self._rows = {}

    def _add(self, path: str, near: int, far: int) -> None:
        key = paths.key(path)
        self._rows[key] = (self._job, key, _signed(near), _signed(far))


def move(connection: Statements, job: int, source: bytes, target: bytes) -> None:
    """What was below the key `source` is below `target` now."""
    connection.execute(_DROP, (job, *_below(target)))
    connection.execute(_MOVE, (job, *_below(source), target, len(source) + 1))


def forget(connection: Statements, job: int, low: bytes, high: bytes) -> None:
    """Forgets what is in a range of keys."""
    connection.execute(_DROP, (job, low, high))


def has_any(connection: Statements, job: int) -> bool:
    """Whether anything of a job has a row."""
    return connection.execute(_ANY, (job,)).fetchone() is not None


def places(
    connection: Statements, job: int, idents: Sequence[int], *, near: bool
) -> dict[int, list[str]]:
    """The paths at which these idents of one side were agreed on; 0 is none, and nowhere."""
    found: dict[int, list[str]] = {}
    select = _NEAR if near else _FAR
    for key, ident in select(connection, (job,), [_signed(one) for one in idents if one]):
        found.setdefault(ident % _ALL, []).append(paths.from_key(key))
    return found


def idents_at(
    connection: Statements, job: int, some: Sequence[str], *, near: bool
) -> dict[str, int]:
    """The idents that were agreed on at these paths, where there is a row."""
    select = _AT_NEAR if near else _AT_FAR
    rows = select(connection, (job,), list(map(paths.key, some)))
    return {paths.from_key(key): ident % _ALL for key, ident in rows}


def _below(key: bytes) -> tuple[bytes, bytes]:
    return key + b"\0", key + b"\x01"


def _signed(ident: int) -> int:
    return ident if ident < _SIGN else ident - _ALL
