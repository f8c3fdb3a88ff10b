"""A bucket whose calls are counted, and of which is known whether it answers."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.objects.ports import BucketCalls, ListedObject, OpenParts, SentSum

_ANSWERS: Final = frozenset({Code.VANISHED, Code.BAD_RANGE, Code.CHANGED})
"""What a bucket says that can be used."""


@dataclass(slots=True)
class BucketCounts:
    """What a bucket was asked since the start.

    requests, failed  by kind: put, part, get, delete, list, other
    sent, received    bytes of contents
    """

    requests: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    received: int = 0


class WatchedBucket:
    """Passes all calls on: see `ports.BucketCalls`.

    trouble  why the last call failed, if it was the bucket's fault; None: it answers
    counts   of calls
    checks   whether it checks what it gets; None: it was not asked
    """

    def __init__(self, calls: BucketCalls, changed: Callable[[], object] = lambda: None) -> None:
        """`changed` is called when it begins to answer, or does not any more."""
        self._calls = calls
        self._earlier: list[BucketCalls] = []
        self._changed = changed
        self.trouble: Problem | None = None
        self.checks: bool | None = None
        self.counts = BucketCounts()

    async def aclose(self) -> None:
        for calls in (*self._earlier, self._calls):
            await calls.aclose()

    def ask_by(self, calls: BucketCalls) -> None:
        """Asks by these calls from now on, such as with another key. Any thread may call it.

        What is under way goes on by the earlier ones.
        """
        self._earlier.append(self._calls)
        self._calls = calls
        self.checks = None

    async def marker(self) -> str | None:
        with self._watched("other"):
            return await self._calls.marker()

    async def mark(self, marker: str) -> None:
        with self._watched("other"):
            await self._calls.mark(marker)

    async def find_checks(self, token: str) -> bool:
        calls = self._calls
        with self._watched("other"):
            found = await calls.find_checks(token)
        if calls is self._calls:
            self.checks = found
        return found

    def new_sum(self) -> SentSum:
        return self._calls.new_sum()

    async def put(self, key: str, content: bytes | memoryview, checksum: SentSum) -> None:
        with self._watched("put"):
            await self._calls.put(key, content, checksum)
        self.counts.sent += len(content)

    async def size(self, key: str) -> int | None:
        with self._watched("other"):
            return await self._calls.size(key)

    async def read(self, key: str, start: int, end: int) -> memoryview:
        with self._watched("get"):
            found = await self._calls.read(key, start, end)
        self.counts.received += len(found)
        return found

    async def read_into(
        self, key: str, start: int, views: Sequence[memoryview], filled: Callable[[int], object]
    ) -> None:
        def counted(index: int) -> None:
            self.counts.received += len(views[index])
            filled(index)

        with self._watched("get"):
            await self._calls.read_into(key, start, views, counted)

    async def begin(self, key: str) -> str:
        with self._watched("other"):
            return await self._calls.begin(key)

    async def part(
        self, key: str, upload: str, number: int, content: memoryview, checksum: SentSum
    ) -> str:
        with self._watched("part"):
            etag = await self._calls.part(key, upload, number, content, checksum)
        self.counts.sent += len(content)
        return etag

    async def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        with self._watched("other"):
            await self._calls.complete(key, upload, etags)

    async def abort(self, key: str, upload: str) -> None:
        with self._watched("other"):
            await self._calls.abort(key, upload)

    async def delete(self, keys: Sequence[str]) -> Mapping[str, Problem]:
        with self._watched("delete"):
            return await self._calls.delete(keys)

    async def pages(self, after: str = "") -> AsyncIterator[Sequence[ListedObject]]:
        with self._watched("list"):
            async for page in self._calls.pages(after):
                yield page

    async def open_uploads(self) -> AsyncIterator[Sequence[OpenParts]]:
        with self._watched("list"):
            async for page in self._calls.open_uploads():
                yield page

    @contextmanager
    def _watched(self, kind: str) -> Iterator[None]:
        counts, before = self.counts, self.trouble
        counts.requests[kind] = counts.requests.get(kind, 0) + 1
        try:
            yield
        except ProblemError as error:
            counts.failed[kind] = counts.failed.get(kind, 0) + 1
            self.trouble = None if error.problem.code in _ANSWERS else error.problem
            raise
        else:
            self.trouble = None
        finally:
            if (before is None) != (self.trouble is None):
                self._changed()
