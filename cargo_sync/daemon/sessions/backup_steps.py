"""The works of a backup session: one file sent, one file fetched, over a connection of its own."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from cargo_sync.backup_protocol.answers import fetched_file, stored_id
from cargo_sync.backup_protocol.client import Connection, CoordinatorAddress, connected
from cargo_sync.copying.decision import CopyStep, decide
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.retries import CONNECTION_LOST
from cargo_sync.daemon.sessions.transfer import CopyOrder
from cargo_sync.lanes.ports import Reader, Sink
from cargo_sync.local.trash import PLACE, run_folder
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.paths import RESERVED, bad_name
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.guest import GuestFolder

PIECE: Final = 2**20
MODE: Final = 0o644
STORED: Final = 600.0
"""Seconds that a server may take to store what it has."""

Fields = Callable[[], Mapping[str, object]]
"""A request, with its password, made at the moment it is sent."""


class _Work:
    """What both have in common: the count, and threads that are waited for before anything is
    closed."""

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

    async def ask(self, speed: int | None) -> None:
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

    async def _rest(self) -> None:
        if self._last is not None and not self._last.done():
            await asyncio.wait({self._last})

    def _begin(self, path: str, size: int) -> None:
        self._moved = 0
        self.progress.path, self.progress.files_total, self.progress.bytes_total = path, 1, size


class Sending(_Work):
    """A local file on its way to the server, which gives it an id."""

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
        offer = Offer(
            self._name, entry.size, entry.mtime_ns, entry.mode, entry.version, entry.ident, ""
        )
        reader = await self._do(self._near.source().open, offer)
        try:
            async with connected(self._address) as connection:
                await connection.ask({**self._fields(), "tamanho": entry.size})
                answering = asyncio.ensure_future(connection.answer(None))
                try:
                    await self._send(connection, reader, entry.size, answering)
                    self.progress.id = stored_id(await self._answer(answering))
                finally:
                    answering.cancel()
                    await asyncio.wait({answering})
                    if not answering.cancelled():
                        answering.exception()  # it has been told, or something else came first
        finally:
            await self._rest()
            reader.close()
        self.progress.done(self._name, entry.size)

    async def _send(
        self,
        connection: Connection,
        reader: Reader,
        size: int,
        answering: "asyncio.Future[Mapping[str, object]]",
    ) -> None:
        """The last piece only goes when the file is still what it was at the first."""
        buffer = memoryview(bytearray(PIECE))
        while self._moved < size:
            piece = buffer[: min(PIECE, size - self._moved)]
            got = await self._do(reader.read_into, piece, self._moved)
            last = self._moved + got == size
            if got != len(piece) or (last and not await self._do(reader.unchanged)):
                raise ProblemError(changed_while_read(self._name))
            if answering.done():
                await answering  # it refuses, before it has all of it
            try:
                await connection.send(bytes(piece))
            except ProblemError:
                # Who refuses may close at once: what it said before says more than that it is gone.
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
        # Sent again it would be there twice.
        message = f"all of {self._name!r} was sent, but no answer came"
        hint = "look at the list whether it is there before you send it again"
        raise ProblemError(Problem(Code.UNANSWERED, message, self._name, hint, False)) from cause


class Fetching(_Work):
    """A file of the server on its way here. `name` is "" when it gets the one that the server
    tells."""

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
            offer = await self._offer(name, file.size)
            self._begin(name, file.size)
            sink = self._near.sink(self._run)
            try:
                await self._stage(connection, sink, offer)
            finally:
                await self._rest()
                await self._world.offload(sink.close)

    async def close(self) -> None:
        if self.progress.displaced:
            place = os.path.join(self._near.root, PLACE, self._run)
            self.progress.note = f"what stood in the way lies in {place} now"
        await super().close()

    async def _offer(self, name: str, size: int) -> Offer:
        there = (await self._near.stand("", [name])).get(name)
        now = int(self._world.wall() * 1e9)
        step, problem = decide(
            name, Entry(name, FILE, size, now), there, overwrite=self._order.overwrite
        )
        if problem is not None and step in (CopyStep.REFUSE, CopyStep.COMPARE):
            raise ProblemError(problem)
        seen = there if isinstance(there, Entry) else None
        expected, occupant = (seen.version, seen.ident) if seen else (0, 0)
        return Offer(name, size, now, MODE, 0, 0, self._world.token(), expected, occupant)

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
            await self._rest()
            cut = Problem(Code.CUT, f"not all of {offer.path!r} came", offer.path)
            await self._world.offload(sink.failed, 0, 0, cut)
            raise
        [receipt] = await self._do(sink.commit, 0)
        if receipt.code != "done":
            raise ProblemError(
                Problem.received(receipt.code, receipt.message, offer.path, retry=receipt.retry)
            )
        self.progress.displaced = int(bool(receipt.displaced))
        self.progress.done(offer.path, offer.size)


def local_name(told: str, id: str) -> str:
    """A name for what a server calls `told`: its last part, or the id; never one that leads
    elsewhere."""
    name = told.replace("\\", "/").rstrip("/").rpartition("/")[2]
    if bad_name(name) or not name.isprintable() or name.casefold() == RESERVED:
        name = "".join(one if one.isalnum() or one in "-_" else "_" for one in id)[:200] or "file"
    return name
