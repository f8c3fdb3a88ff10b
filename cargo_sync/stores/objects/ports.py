"""What the work on buckets needs: calls to a bucket, rows, and what all of it shares.

All of it runs in one event loop, of a thread of its own. Each `await` is a place where the server
may die: what was done before it is durable, and what comes after it must be found to be undone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cargo_sync.model.problems import Problem
from cargo_sync.model.world import World
from cargo_sync.state.object_contents import ContentMove, ContentPlace
from cargo_sync.state.objects import BucketRow, BucketTotals, ObjectRow
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.objects.budget import PartMemory
from cargo_sync.stores.spool import BlobSpool


class ListedObject(NamedTuple):
    """An object of a bucket: its key (32 hex digits), its age in seconds, and its bytes."""

    key: str
    age: float
    size: int


class OpenParts(NamedTuple):
    """An upload in parts that has not ended: its key, its id, and its age in seconds."""

    key: str
    upload: str
    age: float


class SentSum(Protocol):
    """A hash of what is sent, as hashlib makes it, by which a bucket finds that all came right.

    name  as hashlib has it: `md5` or `sha256`; or `crc32`
    """

    @property
    def name(self) -> str: ...

    def update(self, piece: bytes | memoryview, /) -> object: ...

    def digest(self) -> bytes: ...


class BucketCalls(Protocol):
    """One bucket, or a folder in it. Keys are 32 hex digits; nothing is written twice.

    All calls raise ProblemError; what is not there is `vanished`. They try again by themselves for
    some seconds. They are made in one event loop.
    """

    async def aclose(self) -> None:
        """Closes its connections."""

    async def marker(self) -> str | None:
        """What the marker says; None: there is none."""

    async def mark(self, marker: str) -> None:
        """Writes the marker, where there is none."""

    async def find_checks(self, token: str) -> bool:
        """Finds out how the bucket checks what comes; whether it does. `token` names an object."""

    def new_sum(self) -> SentSum:
        """Begins the hash that this bucket compares, of something that will be sent."""

    async def put(self, key: str, content: bytes | memoryview, checksum: SentSum) -> None:
        """Stores an object; again with the same bytes, if it is not known whether it is there."""

    async def size(self, key: str) -> int | None:
        """The bytes of an object; None: there is none."""

    async def read(self, key: str, start: int, end: int) -> memoryview:
        """Its bytes from `start` up to, not including, `end`: exactly so many."""

    async def read_into(
        self, key: str, start: int, views: Sequence[memoryview], filled: Callable[[int], object]
    ) -> None:
        """Fills views, one after the other, with its bytes from `start` on.

        `filled` is told the index of each that is full. The others are nothing if it fails.
        """

    async def begin(self, key: str) -> str:
        """An upload in parts begins; returns its id."""

    async def part(
        self, key: str, upload: str, number: int, content: memoryview, checksum: SentSum
    ) -> str:
        """Sends a part with its hash; returns its ETag."""

    async def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        """Makes the object of the parts, the first of which has number 1."""

    async def abort(self, key: str, upload: str) -> None:
        """Ends an upload, if there still is such a one."""

    async def delete(self, keys: Sequence[str]) -> Mapping[str, Problem]:
        """Deletes objects, if they are there; returns those that could not be deleted."""

    def pages(self, after: str = "") -> AsyncIterator[Sequence[ListedObject]]:
        """All objects with keys above `after`, in the order of their keys."""

    def open_uploads(self) -> AsyncIterator[Sequence[OpenParts]]:
        """All uploads that have not ended."""


class ObjectRows(Protocol):
    """The rows of objects: see `state.objects.Objects`. Each call is one transaction.

    server  names this start of a server
    """

    server: str

    def bucket(self, marker: str) -> BucketRow | None: ...
    def add_bucket(self, marker: str, address: str) -> BucketRow: ...

    def claim_bucket(self, marker: str, address: str) -> BucketRow: ...
    def used_buckets(self) -> list[BucketRow]: ...
    def begin(
        self, bucket: int, workspace: int, keys: Sequence[str], sizes: Sequence[int], now: float
    ) -> list[int]: ...
    def give_up(self, ids: Sequence[int], since: float = 0.0) -> None: ...
    def renew(self, now: float) -> None: ...
    def stale(self, before: float, limit: int) -> list[int]: ...
    def doomed(self, bucket: int, before: float, after: int, limit: int) -> list[ObjectRow]: ...
    def gone(self, ids: Sequence[int], now: float) -> None: ...
    def forget_gone(self, bucket: int, before: float) -> None: ...
    def sparse(self, bucket: int, after: int, limit: int) -> list[ObjectRow]: ...
    def with_small(self, bucket: int) -> list[int]: ...
    def small(self, bucket: int, workspace: int, limit: int) -> list[ObjectRow]: ...
    def known(self, bucket: int, keys: Sequence[str]) -> dict[str, int]: ...
    def between(self, bucket: int, after: str, upto: str, limit: int) -> list[ObjectRow]: ...
    def totals(self, bucket: int) -> BucketTotals: ...


class PlaceRows(Protocol):
    """The rows of contents: see `state.object_contents.ObjectContents`."""

    def forget(self, workspace: int, hashes: Sequence[str], now: float) -> None: ...
    def lost(self, workspace: int, hashes: Sequence[str]) -> None: ...
    def where(self, workspace: int, hashes: Sequence[str]) -> dict[str, ContentPlace]: ...
    def pieces(self, workspace: int, hash: str) -> bytes: ...
    def within(self, workspace: int, object: int) -> list[tuple[str, int, int]]: ...
    def move(self, workspace: int, moves: Sequence[ContentMove], now: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Storage:
    """What all of the work shares.

    memory  for parts and packs that are on their way
    pause   waits for some seconds
    """

    objects: ObjectRows
    contents: PlaceRows
    spool: BlobSpool
    claims: Claims
    world: World
    memory: PartMemory
    pause: Callable[[float], Awaitable[None]]
