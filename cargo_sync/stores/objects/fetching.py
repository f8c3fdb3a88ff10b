"""Contents are read from buckets: ranges that lie near each other in an object come in one request.

Each piece is checked before anybody has it. A piece that is not what was stored, or an object that
is not there, is looked for once more, by the rows as they are then: it may lie elsewhere by now.
If it does not, that is noted, so that it is kept when it comes again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from blake3 import blake3

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.object_contents import ContentPlace
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content
from cargo_sync.stores.objects.buckets import Buckets
from cargo_sync.stores.objects.packing import ObjectRead, WantedBytes, merged
from cargo_sync.stores.objects.ports import BucketCalls, Storage
from cargo_sync.stores.reading.ahead import SmallAsk
from cargo_sync.stores.reading.held_pieces import HeldPieces, PieceKey
from cargo_sync.stores.reading.pieces import PieceRun, is_right, length_of, list_of

AT_ONCE: Final = 16
"""Requests that are under way: so much of what was read may be in memory."""
KNOWN: Final = 1_000
"""Large contents of which is remembered where they lie,"""
KNOWN_BYTES: Final = 16 << 20
"""with so many bytes of lists."""
LOST: Final = frozenset({Code.VANISHED, Code.BAD_RANGE, Code.BAD_ANSWER})
"""What a bucket says of an object that is not what was stored."""
_AGAIN: Final = "delete it, and send it again from where it came"
_UNKNOWN: Final = Problem(
    Code.INTERNAL, "the server failed while it read this file from its bucket"
)

Came = Sequence[tuple[WantedBytes, memoryview]]
Take = Callable[[Came], Sequence[WantedBytes]]
"""Takes what has come in one request; those of it that are not what was stored."""
Keep = Callable[[PieceKey, memoryview], None]
Ask = Callable[[BucketCalls, ObjectRead], Awaitable[Sequence[WantedBytes]]]
"""Reads and takes what comes in one request; returns the same. Raises ProblemError."""


class ObjectFetching:
    """Fetches what readers want. One event loop uses it."""

    def __init__(self, storage: Storage, buckets: Buckets, held: HeldPieces) -> None:
        self._storage = storage
        self._buckets = buckets
        self._held = held
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._known: OrderedDict[tuple[int, Content], tuple[ContentPlace, bytes]] = OrderedDict()
        self._known_bytes = 0

    async def fetch(self, workspace: int, runs: Sequence[PieceRun]) -> None:
        """Fetches some runs: at its end each piece that is still wanted is here, or has failed."""
        came = set[PieceKey]()
        whys: Mapping[Content, Problem] = {}
        try:
            for _ in range(2):
                whys = await self._try(workspace, runs, came)
                runs = self._held.missing(workspace, runs, came)
                if not runs:
                    return
                self._forget(workspace, [run.content for run in runs])
        except ProblemError as error:
            self._held.fail(workspace, runs, error.problem, came)
        except Exception:
            self._held.fail(workspace, runs, _UNKNOWN, came)
            raise
        else:
            lost = {one.hash for one, why in whys.items() if why.code is Code.DAMAGED}
            if lost := lost & {run.content.hash for run in runs}:
                await self._note(workspace, lost)
            for run in runs:
                self._held.fail(workspace, [run], whys.get(run.content, _UNKNOWN), came)

    async def _note(self, workspace: int, lost: Collection[str]) -> None:
        """Notes what the bucket has lost, before anybody hears of it."""
        storage = self._storage
        with suppress(ProblemError):  # who reads it next notes it
            await storage.world.offload(storage.contents.lost, workspace, sorted(lost))

    async def fetch_small(self, ask: SmallAsk) -> None:
        """Fetches small contents, as far as they come at the first try."""
        try:
            contents = list(ask.contents)
            where = await self._places(ask.workspace, contents)
            spans = [
                WantedBytes(number, where[content][0], 0, content.size)
                for number, content in enumerate(contents)
                if content in where
            ]
            await self._read(spans, partial(_at_once, partial(_take_small, ask)))
        except ProblemError:
            pass  # it is told when they are opened
        finally:
            ask.ahead.over(ask.contents)

    # -- one try -----------------------------------------------------------------------------------

    async def _try(
        self, workspace: int, runs: Sequence[PieceRun], came: set[PieceKey]
    ) -> Mapping[Content, Problem]:
        """Fetches what it can; why other contents cannot be had."""
        where = await self._places(workspace, [run.content for run in runs])
        lists = {content: list_of(content, listed) for content, (_, listed) in where.items()}
        spans = [
            WantedBytes(number, where[run.content][0], run.start, run.end)
            for number, run in enumerate(runs)
            if run.content in where
        ]

        def taken(content: Content, number: int, piece: memoryview, keep: Keep) -> bool:
            if not is_right(content, number, piece, lists[content]):
                return False
            key = PieceKey(workspace, content, number)
            came.add(key)
            keep(key, piece)
            return True

        def take(some: Came) -> list[WantedBytes]:
            return [
                span
                for span, memory in some
                if not taken(runs[span.asked].content, 0, memory, self._held.came)
            ]

        async def ask(calls: BucketCalls, read: ObjectRead) -> Sequence[WantedBytes]:
            content = runs[read.spans[0].asked].content
            if content.size <= PIECE:
                return await _at_once(take, calls, read)
            # It is alone in its object. Between its spans there is nothing: pieces are no gaps.
            pieces = [(span, number) for span in read.spans for number in runs[span.asked].numbers]
            views = [self._held.room(length_of(content, number)) for _, number in pieces]
            wrong = list[WantedBytes]()

            def filled(index: int) -> None:
                """Each is checked while it is near the processor, and its reader goes on."""
                span, number = pieces[index]
                if not taken(content, number, views[index], self._held.came_there):
                    wrong.append(span)

            await calls.read_into(read.key, read.first, views, filled)
            return wrong

        whys = {run.content: _vanished() for run in runs if run.content not in where}
        for span, why in await self._read(spans, ask):
            whys[runs[span.asked].content] = why
        return whys

    async def _read(
        self, spans: Sequence[WantedBytes], ask: Ask
    ) -> list[tuple[WantedBytes, Problem]]:
        """Reads all of these; those that failed, and why."""
        failed = list[tuple[WantedBytes, Problem]]()

        async def one(read: ObjectRead) -> None:
            try:
                async with self._turns:
                    bucket = self._buckets.numbered(read.bucket)
                    wrong = await ask(bucket.calls, read)
            except ProblemError as error:
                why = _lost(error.problem) if error.problem.code in LOST else error.problem
                failed.extend((span, why) for span in read.spans)
                return
            failed.extend((span, _rotten()) for span in wrong)

        async with asyncio.TaskGroup() as tasks:
            for read in merged(spans):
                tasks.create_task(one(read))
        return failed

    # -- where they lie ----------------------------------------------------------------------------

    async def _places(
        self, workspace: int, contents: Sequence[Content]
    ) -> dict[Content, tuple[ContentPlace, bytes]]:
        """Where contents lie, each with the list of its pieces. Raises ProblemError."""
        found = dict[Content, tuple[ContentPlace, bytes]]()
        for content in contents:
            if known := self._known.get((workspace, content)):
                self._known.move_to_end((workspace, content))
                found[content] = known
        new = {content.hash: content for content in contents if content not in found}
        if not new:
            return found
        rows, offload = self._storage.contents, self._storage.world.offload
        where = await offload(rows.where, workspace, list(new))
        for hash, place in where.items():
            content, listed = new[hash], b""
            if place.size != content.size:
                continue
            if content.size > PIECE:
                listed = await offload(rows.pieces, workspace, hash)
                self._remember(workspace, content, place, listed)
            found[content] = place, listed
        return found

    def _remember(
        self, workspace: int, content: Content, place: ContentPlace, listed: bytes
    ) -> None:
        self._forget(workspace, [content])
        self._known[workspace, content] = place, listed
        self._known_bytes += len(listed)
        while len(self._known) > 1 and (
            self._known_bytes > KNOWN_BYTES or len(self._known) > KNOWN
        ):
            self._known_bytes -= len(self._known.popitem(last=False)[1][1])

    def _forget(self, workspace: int, contents: Sequence[Content]) -> None:
        for content in contents:
            if one := self._known.pop((workspace, content), None):
                self._known_bytes -= len(one[1])


async def _at_once(take: Take, calls: BucketCalls, read: ObjectRead) -> Sequence[WantedBytes]:
    """Reads some small contents; see `Ask`."""
    memory = await calls.read(read.key, read.first, read.after)
    return take([
        (span, memory[span.first - read.first : span.after - read.first]) for span in read.spans
    ])  # fmt: skip


def _take_small(ask: SmallAsk, some: Came) -> list[WantedBytes]:
    """What is right is kept, whatever else has come with it."""
    found, wrong = list[tuple[str, memoryview]](), list[WantedBytes]()
    for span, memory in some:
        hash = ask.contents[span.asked].hash
        if blake3(memory).hexdigest() == hash:
            found.append((hash, memory))
        else:
            wrong.append(span)
    ask.ahead.came(found)
    return wrong


def _vanished() -> Problem:
    return Problem(Code.VANISHED, "this file's content is not in the workspace any more")


def _lost(why: Problem) -> Problem:
    message = f"the bucket has not what it was given of this file: {why.message}"
    return Problem(Code.DAMAGED, message, hint=_AGAIN, retry=False)


def _rotten() -> Problem:
    message = "what the bucket has of this file is not what was stored"
    return Problem(Code.DAMAGED, message, hint=_AGAIN, retry=False)
