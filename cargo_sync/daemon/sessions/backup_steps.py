"""The works of a backup session: sending one file and fetching one file, each on a connection."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from cargo_sync.backup_protocol.answers import fetched_file, stored_id
from cargo_sync.backup_protocol.client import Connection, CoordinatorAddress, connected
from cargo_sync.copying.decision import CopyStep, decide, decide_by_content
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.retries import CONNECTION_LOST
from cargo_sync.daemon.sessions.transfer import CopyOrder
from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.lanes.waiting import commit, read_into
from cargo_sync.local.trash import PLACE, run_folder
from cargo_sync.model.abilities import CARGO
from cargo_sync.model.entries import BY_UMASK, FILE, Entry
from cargo_sync.model.paths import bad_name, is_reserved
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.guest import GuestFolder

PIECE: Final = 2**20
"""Bytes that are read and sent at a time."""
STORED: Final = 600.0
"""Seconds that a server may take to store a file after its last byte."""

Fields = Callable[[], Mapping[str, object]]
"""Makes a request with its password when it is sent."""


class _Work:
    """What both works need: the count of bytes, and calls in threads that end before a close."""

    def __init__(
        self, address: CoordinatorAddress, fields: Fields, near: GuestFolder, world: World
    ) -> None:
        self.progress = CopyProgress()
        self._address = address
        self._fields = fields
        self._near = near
        self._world = world
        self._moved = 0
        self._last: asyncio.Future[Any] | None = None

    def arrived(self) -> tuple[int, str]:
        return self.progress.bytes_done or self._moved, self.progress.path

    async def ask(self, speed: int | None) -> int | None:
        return None

    def behind(self) -> bool:
        return False

    def granted(self) -> int | None:
        return None

    async def close(self) -> None:
        await self._near.close()

    async def _do(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        future = asyncio.ensure_future(self._world.offload(work, *args))
        self._last = future
        return await asyncio.shield(future)

    async def _wait_for_thread(self) -> None:
        if self._last is not None and not self._last.done():
            await asyncio.wait({self._last})

    def _begin(self, path: str, size: int) -> None:
        self._moved = 0
        self.progress.path, self.progress.files_total, self.progress.bytes_total = path, 1, size


class Sending(_Work):
    """Sends a local file to the server, which gives it an id."""

    def __init__(
        self,
        address: CoordinatorAddress,
        fields: Fields,
        near: GuestFolder,
        name: str,
        world: World,
    ) -> None:
        super().__init__(address, fields, near, world)
        self._name = name

    async def attempt(self, speed: int | None) -> None:
        entry = (await self._near.stand("", [self._name])).get(self._name)
        if not isinstance(entry, Entry):
            problem = entry or Problem(
                Code.VANISHED, f"{self._name!r} is not there any more", self._name
            )
            raise ProblemError(problem)
        self._begin(self._name, entry.size)
        source = self._near.source()
        reader = await self._do(source.open, offer_of(entry))
        try:
            async with connected(self._address) as connection:
                await connection.ask({**self._fields(), "tamanho": entry.size})
                answering = asyncio.ensure_future(connection.answer(None))
                try:
                    await self._send(connection, source, reader, entry.size, answering)
                    self.progress.id = stored_id(await self._answer(answering))
                finally:
                    answering.cancel()
                    await asyncio.wait({answering})
                    if not answering.cancelled():
                        answering.exception()  # marks it as read: it was raised above already
        finally:
            await self._wait_for_thread()
            reader.close()
        self.progress.done(self._name, entry.size)

    async def _send(
        self,
        connection: Connection,
        source: Source,
        reader: Reader,
        size: int,
        answering: "asyncio.Future[Mapping[str, object]]",
    ) -> None:
        """Sends the content; the last piece only if the file has not changed since the first."""
        buffer = memoryview(bytearray(PIECE))
        while self._moved < size:
            piece = buffer[: min(PIECE, size - self._moved)]
            got = await self._do(read_into, source, reader, piece, self._moved)
            last = self._moved + got == size
            if got != len(piece) or (last and not await self._do(reader.unchanged)):
                raise ProblemError(changed_while_read(self._name))
            if answering.done():
                await answering  # the server refuses before it has received everything
            try:
                await connection.send(bytes(piece))
            except ProblemError:
                # A server that refuses may close at once: its answer is a better error than the
                # closed connection.
                await asyncio.wait({answering}, timeout=1.0)
                if answering.done():
                    await answering
                raise
            self._moved += got

    async def _answer(
        self, answering: "asyncio.Future[Mapping[str, object]]"
    ) -> Mapping[str, object]:
        cause: Exception
        try:
            async with asyncio.timeout(STORED):
                return await answering
        except ProblemError as error:
            if error.problem.code not in CONNECTION_LOST:
                raise
            cause = error
        except TimeoutError as error:
            cause = error
        # No retry: sent again, the file might be stored twice.
        message = f"{self._name!r} was sent, but the server did not answer"
        hint = "check with a listing if it is there before you send it again"
        raise ProblemError(Problem(Code.UNANSWERED, message, self._name, hint, False)) from cause


class Fetching(_Work):
    """Fetches a file. `name` is its local name, or "" for the name that the server gives."""

    def __init__(
        self,
        address: CoordinatorAddress,
        fields: Fields,
        near: GuestFolder,
        name: str,
        order: CopyOrder,
        world: World,
    ) -> None:
        super().__init__(address, fields, near, world)
        self._name = name
        self._order = order
        self._run = run_folder(world.wall(), world.token()[:8])

    async def attempt(self, speed: int | None) -> None:
        async with connected(self._address) as connection:
            await connection.ask(self._fields())
            answer = await connection.answer()
            file = fetched_file(answer)
            name = self._name or local_name(file.name, self._order.remote)
            now = int(self._world.wall() * 1e9)
            there = (await self._near.stand("", [name])).get(name)
            source = Entry(name, FILE, file.size, now)
            decided = decide(name, source, there, CARGO, overwrite=self._order.overwrite)
            self._begin(name, file.size)
            if decided.step is CopyStep.COMPARE and isinstance(there, Entry) and decided.problem:
                equal = await self._is_equal(connection, there)
                decided = decide_by_content(decided, equal=equal)
            if decided.step is CopyStep.EQUAL:
                self._skip()
                return
            if decided.problem is not None:
                raise ProblemError(decided.problem)
            offer = self._offer(name, file.size, now, there)
            sink = self._near.sink(self._run)
            try:
                await self._stage(connection, sink, offer)
            finally:
                await self._wait_for_thread()
                await self._world.offload(sink.close)

    async def close(self) -> None:
        if self.progress.displaced:
            place = os.path.join(self._near.root, PLACE, self._run)
            self.progress.note = f"the replaced file is in {place} now"
        await super().close()

    async def _is_equal(self, connection: Connection, there: Entry) -> bool:
        """Whether the content that arrives is that of the local file, which has the same size."""
        source = self._near.source()
        reader = await self._do(source.open, offer_of(there))
        try:
            while self._moved < there.size:
                piece = await connection.receive(there.size - self._moved)
                mine = memoryview(bytearray(len(piece)))
                if await self._do(read_into, source, reader, mine, self._moved) != len(piece):
                    return False
                if mine != piece:
                    return False
                self._moved += len(piece)
            return await self._do(reader.unchanged)
        finally:
            await self._wait_for_thread()
            reader.close()

    def _skip(self) -> None:
        self._moved = self.progress.files_total = self.progress.bytes_total = 0
        self.progress.skipped = 1

    def _offer(self, name: str, size: int, now: int, there: Entry | Problem | None) -> Offer:
        seen = there if isinstance(there, Entry) else None
        expected, occupant = (seen.version, seen.ident) if seen else (0, 0)
        return Offer(name, size, now, BY_UMASK, 0, 0, self._world.token(), expected, occupant)

    async def _stage(self, connection: Connection, sink: Sink, offer: Offer) -> None:
        [want] = await self._do(sink.begin, 0, [offer])
        if want.code != "all":
            raise ProblemError(Problem.received(want.code, want.message, offer.path))
        try:
            if not offer.size:
                await self._do(sink.whole, 0, 0, memoryview(b""))
            while self._moved < offer.size:
                piece = await connection.receive(offer.size - self._moved)
                await self._do(sink.part, 0, 0, self._moved, memoryview(piece))
                self._moved += len(piece)
        except BaseException:
            await self._wait_for_thread()
            cut = Problem(Code.CUT, f"{offer.path!r} arrived only in part", offer.path)
            await self._world.offload(sink.failed, 0, 0, cut)
            raise
        [receipt] = await self._do(commit, sink, 0)
        if receipt.code != "done":
            raise ProblemError(
                Problem.received(receipt.code, receipt.message, offer.path, retry=receipt.retry)
            )
        self.progress.displaced = int(bool(receipt.displaced))
        self.progress.done(offer.path, offer.size)


def offer_of(entry: Entry) -> Offer:
    """A local file, as a source opens it."""
    return Offer(entry.name, entry.size, entry.mtime_ns, entry.mode, entry.version, entry.ident, "")


def local_name(remote: str, id: str) -> str:
    """A safe local name for a file that the server calls `remote`: its last part, or the id."""
    name = remote.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if bad_name(name) or not name.isprintable() or is_reserved(name):
        name = "".join(one if one.isalnum() or one in "-_" else "_" for one in id)[:200] or "file"
    return name
