"""Who has a file that is on its way into a bucket, among the servers that share a state.

What has come is recorded while it comes (`coming`); another server that is offered the same file
brings it back (`recalling`), if the first one is gone, or has let it go.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from cargo_sync.model.problems import ProblemError
from cargo_sync.state.holders import ServerLife
from cargo_sync.state.object_uploads import ComingObject, ComingPart, SharedTransfer, TransferHold
from cargo_sync.state.objects import LIVE
from cargo_sync.stores.objects.buckets import Buckets
from cargo_sync.stores.objects.ports import Storage

PAGE: Final = 100


class ComingRows(Protocol):
    """The rows of what is on its way: see `state.object_uploads.ObjectUploads`."""

    def find(self, transfer: str) -> SharedTransfer | None: ...
    def add(
        self, transfer: str, workspace: int, source: bytes, me: ServerLife, now: float
    ) -> TransferHold | None: ...
    def take(
        self, found: SharedTransfer, me: ServerLife, beat: int | None, now: float
    ) -> TransferHold | None: ...
    def release(self, hold: TransferHold) -> bool: ...
    def uploads(self, transfer: str) -> list[ComingObject]: ...
    def begin(self, hold: TransferHold, object: int, upload: str, now: float) -> bool: ...
    def adopt(self, hold: TransferHold, object: int, server: str, now: float) -> bool: ...
    def came(
        self, hold: TransferHold, object: int, parts: Sequence[ComingPart], now: float
    ) -> bool: ...
    def put_tail(
        self, hold: TransferHold, object: int, tail: int, start: int, digest: bytes, now: float
    ) -> bool: ...
    def put_together(self, hold: TransferHold, object: int, now: float) -> bool: ...
    def of(self, objects: Sequence[int]) -> list[str]: ...
    def old(self, before: float, limit: int) -> list[str]: ...
    def forget(
        self,
        transfer: str,
        hold: TransferHold | None = None,
        before: float | None = None,
        since: float = 0.0,
    ) -> bool: ...


class OtherServers(Protocol):
    """This server among those that share its state (`cluster.lives`). Any thread may call it.

    me  this server, and this start of it
    """

    @property
    def me(self) -> ServerLife: ...

    def is_gone(self, holder: ServerLife) -> bool:
        """Whether somebody does not use any more what they had; also true of this server."""

    def beat_of(self, holder: ServerLife) -> int | None:
        """What they had counted when they were heard last; None if that does not matter."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Takes transfers, and ends them. One event loop uses it.

    servers  None: this server shares its state with nobody, and records nothing
    """

    storage: Storage
    rows: ComingRows
    buckets: Buckets
    servers: OtherServers | None = None

    async def claim(self, workspace: int, transfer: str, source: bytes) -> TransferHold | None:
        """This server receives a file from now on; None: another server does.

        What is recorded of another version of the file is forgotten.

        Raises:
            ProblemError: the state cannot be used.
        """
        assert self.servers is not None, "there are others"
        world, rows = self.storage.world, self.rows
        found = await world.offload(rows.find, transfer)
        if found is not None:
            hold = await self.take(found)
            if hold is None or found.source == source:
                return hold
            await self._end(transfer, hold)
        me, now = self.servers.me, world.lived()
        return await world.offload(rows.add, transfer, workspace, source, me, now)

    async def take(self, found: SharedTransfer) -> TransferHold | None:
        """Takes a transfer whose server is gone or has let it go. Raises ProblemError."""
        servers, world = self.servers, self.storage.world
        assert servers is not None, "there are others"
        if not servers.is_gone(found.holder):
            return None
        beat = servers.beat_of(found.holder)
        return await world.offload(self.rows.take, found, servers.me, beat, world.lived())

    async def ended(self, objects: Sequence[int]) -> None:
        """Nothing more is recorded of these objects: so their transfers have ended.

        Raises:
            ProblemError: the state cannot be used.
        """
        if self.servers is not None and objects:
            for transfer in await self.storage.world.offload(self.rows.of, objects):
                await self._end(transfer)

    async def needless(self, transfer: str, source: bytes) -> None:
        """All of a file is in the bucket, and not by what is recorded of it: that is forgotten.

        Raises:
            ProblemError: the state cannot be used.
        """
        if self.servers is None or not transfer:
            return
        found = await self.storage.world.offload(self.rows.find, transfer)
        if found is None or found.source != source:
            return
        if (hold := await self.take(found)) is not None:
            await self._end(transfer, hold)

    async def end_old(self, before: float) -> None:
        """Gives up what nobody has gone on with since then, or does meanwhile.

        Raises:
            ProblemError: the state cannot be used.
        """
        world = self.storage.world
        while some := await world.offload(self.rows.old, before, PAGE):
            for transfer in some:
                await self._end(transfer, before=before, since=world.lived())

    async def _end(
        self,
        transfer: str,
        hold: TransferHold | None = None,
        before: float | None = None,
        since: float = 0.0,
    ) -> None:
        """Forgets a transfer, then its uploads: first it must be sure that nobody goes on with it.

        See `ObjectUploads.forget`.
        """
        offload = self.storage.world.offload
        uploads = await offload(self.rows.uploads, transfer)
        if not await offload(self.rows.forget, transfer, hold, before, since):
            return
        for one in uploads:
            if one.upload and one.state != LIVE:
                with suppress(ProblemError):  # it goes with the orphans
                    await self.buckets.numbered(one.bucket).calls.abort(one.key, one.upload)
