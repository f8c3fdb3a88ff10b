"""Uploads: files go to a remote, small ones in one call, larger ones in pieces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import Publishing, Trashing
from cargo_sync.model.actions import Action
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import BY_UMASK, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.slices import slices
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.model.world import World
from cargo_sync.trees.contract import Task
from cargo_sync.trees.offers import offers
from cargo_sync.trees.remote.contract import NewFile, RemoteFolder, RemoteUpload
from cargo_sync.trees.remote.problems import cut_off
from cargo_sync.trees.remote.together import AT_ONCE, all_of
from cargo_sync.trees.remote.transfer.content import UploadSource
from cargo_sync.trees.remote.transfer.files import MovingFiles, Work, cancelled, refusal
from cargo_sync.trees.remote.transfer.memory import ContentRoom
from cargo_sync.trees.remote.transfer.pieces import PieceUpload, Resumption
from cargo_sync.trees.remote.trash import RemoteTrash

TOGETHER: Final = 4 * 2**20
"""Bytes of small files that are read together; each counts as at least `LEAST`."""
LEAST: Final = TOGETHER // 64
LARGER: Final = 8
"""Larger files that are sent at the same time."""
_NO_FOLDER: Final = frozenset({Code.VANISHED, Code.NOT_A_FOLDER})
_UNKNOWN: Final = frozenset({Code.CUT, Code.TIMEOUT})
"""Codes of a call of which it is not known whether it was done."""
_GONE: Final = frozenset({Code.CHANGED, Code.VANISHED})
"""Codes of a file that is another one now, and of an upload that the server has forgotten."""


class UploadCarrier:
    """Moves batches to a remote, from this machine or from another remote.

    run   names the trash folder
    """

    def __init__(
        self,
        remote: RemoteFolder,
        trash: RemoteTrash,
        resumption: Resumption,
        source: UploadSource,
        files: MovingFiles,
        world: World,
        run: str,
    ) -> None:
        self._remote = remote
        self._trash = trash
        self._resumption = resumption
        self._source = source
        self._files = files
        self._world = world
        self._run = run
        self._memory = ContentRoom()
        self._small = asyncio.Semaphore(AT_ONCE)
        self._larger = asyncio.Semaphore(LARGER)
        self._seen: dict[str, str] = {}
        """BLAKE3 of the files that the server is getting in sight of others, by path."""

    async def carry(self, tasks: Sequence[Task], receipts: dict[int, Receipt]) -> None:
        """Like BatchCarrier."""
        offered = offers(tasks)
        numbers = range(len(offered))
        small = [at for at in numbers if not (resumable(offered[at].size) or offered[at].target)]
        packs = slices(small, lambda at: max(LEAST, offered[at].size), TOGETHER)
        others = sorted({*numbers} - {*small})

        async def pack(some: Sequence[int]) -> None:
            await self._pack([(at, offered[at], tasks[at].action) for at in some], receipts)

        async def other(at: int) -> None:
            offer, action = offered[at], tasks[at].action
            if offer.target:
                work = self._files.to_its_end(offer, partial(self._link, offer, action))
            else:
                work = self._large(offer, action)
            await self._one(at, offer, work, receipts)

        try:
            await all_of([*map(pack, packs), *map(other, others)])
        except BaseException:
            for at in numbers:
                if at not in receipts and (digest := self._seen.get(offered[at].path)) is not None:
                    receipts[at] = refusal(cut_off(offered[at].path))._replace(hash=digest)
            raise

    async def _one(self, at: int, offer: Offer, work: Work, receipts: dict[int, Receipt]) -> None:
        receipts[at] = await self._files.alone(offer, work)
        self._seen.pop(offer.path, None)

    async def close(self) -> None:
        """Nothing is read any more."""
        await self._source.close()

    # -- small files -------------------------------------------------------------------------------

    async def _pack(
        self, some: Sequence[tuple[int, Offer, Action]], receipts: dict[int, Receipt]
    ) -> None:
        """Reads some small files together, then sends each by a call of its own."""
        size = sum(offer.size for _, offer, _ in some)
        await self._memory.take(size)
        try:
            wanted = [offer for _, offer, _ in some if not self._files.is_cancelled(offer.path)]
            read = dict(zip(wanted, await self._source.read(wanted), strict=True))

            async def one(at: int, offer: Offer, action: Action) -> None:
                content = read.get(offer, cancelled(offer.path))
                if isinstance(content, Problem):
                    receipts[at] = refusal(content)
                    return
                async with self._small:
                    send = partial(self._whole, offer, action, *content)
                    work = self._files.to_its_end(offer, send)
                    await self._one(at, offer, work, receipts)

            await all_of([one(*each) for each in some])
        finally:
            self._memory.give(size)

    async def _whole(
        self, offer: Offer, action: Action, content: memoryview, digest: str
    ) -> Receipt:
        file, pace = _new(await self._source.told(offer), digest), self._files.pace(offer)
        if action.expected is not None and self._displaces_late:
            upload = await self._remote.upload(file, None)
            try:
                for start in range(0, len(content), upload.piece):
                    await upload.send(start, content[start : start + upload.piece], pace)
                return await self._published(upload, file, action)
            except BaseException:
                await upload.abort()
                raise
        async with self._place(action) as (replaced, displaced):
            put = partial(self._remote.put, file, content, replaced, pace)
            entry = await self._in_its_folder(action, digest, put)
        return _done(entry, digest, displaced)

    @property
    def _displaces_late(self) -> bool:
        """What is replaced is renamed away just before the new file, staged by then, comes."""
        can = self._remote.abilities
        return can.trashing is Trashing.RENAME and can.publishing is not Publishing.PUT

    @asynccontextmanager
    async def _place(self, action: Action) -> AsyncIterator[tuple[Entry | None, str]]:
        """The place of a file, ready for it: what the call replaces, and where its version is now.

        If that call fails, what was taken away comes back.
        """
        if action.expected is None:
            yield None, ""
            return
        displaced = await self._trash.before(action.path, action.expected, self._run)
        try:
            yield displaced.replaced, displaced.place
        except BaseException:
            await self._trash.back(action.path, displaced)
            raise

    async def _in_its_folder(
        self, action: Action, digest: str, call: Callable[[], Awaitable[Entry]]
    ) -> Entry:
        """Does this; if the folder above is not there any more, it is made first.

        Somebody may have removed it there, while something new came into it here.
        """
        above = paths.parent(action.path)
        try:
            return await self._in_sight(action.path, digest, call)
        except ProblemError as error:
            if action.expected is not None or not above or error.problem.code not in _NO_FOLDER:
                raise
        await self._remote.make(above, BY_UMASK)
        return await self._in_sight(action.path, digest, call)

    async def _in_sight(
        self, path: str, digest: str, call: Callable[[], Awaitable[Entry]]
    ) -> Entry:
        """Does a call whose effect others see: if it is cut off, it may have been done.

        Where files are staged, a call that the server did not answer was most likely not so far.
        """
        self._seen[path] = digest
        try:
            return await call()
        except ProblemError as error:
            stages = self._remote.abilities.publishing is Publishing.RENAME
            if stages or error.problem.code not in _UNKNOWN:
                del self._seen[path]
            raise

    async def _link(self, offer: Offer, action: Action) -> Receipt:
        if not self._remote.abilities.links:
            words = f"{offer.path!r} is a symbolic link, which this server cannot keep"
            return refusal(Problem(Code.UNSUPPORTED, words, offer.path, retry=False))
        async with self._place(action) as (replaced, displaced):
            if replaced is not None:
                await self._remote.remove(action.path, replaced)
            link = partial(self._remote.link, action.path, offer.target)
            entry = await self._in_its_folder(action, "", link)
        return _done(entry, "", displaced)

    # -- larger files ------------------------------------------------------------------------------

    async def _large(self, offer: Offer, action: Action) -> Receipt:
        async with self._larger:
            offer = await self._source.told(offer)
            file = _new(offer, offer.hash)
            while (receipt := await self._try_large(offer, action, file)) is None:
                pass  # the server had lost what it had, and that was given up: only once
            return receipt

    async def _try_large(self, offer: Offer, action: Action, file: NewFile) -> Receipt | None:
        """Sends a larger file; None if the server does not have what it should have of it."""
        upload = await self._resumption.upload(file, offer)
        sending = PieceUpload(upload, self._resumption, self._files, self._memory, offer)
        wanted = True
        try:
            try:
                digest = await self._sent(sending, offer)
                if file.hash and digest and digest != file.hash:
                    raise ProblemError(changed_while_read(offer.path))
            except ProblemError as error:
                wanted = error.problem.code not in _GONE
                raise
            if digest:
                publish = partial(self._published_at_last, upload, offer, digest, action)
                return await self._files.to_its_end(offer, publish)
        except BaseException:
            wanted &= not self._files.is_cancelled(offer.path)
            await self._resumption.left(upload, offer, wanted=wanted)
            raise
        await self._resumption.left(upload, offer, wanted=False)
        return None

    async def _sent(self, sending: PieceUpload, offer: Offer) -> str:
        near = await self._source.open(offer)
        try:
            return await sending.send_all(near)
        finally:
            await near.close()

    async def _published_at_last(
        self, upload: RemoteUpload, offer: Offer, digest: str, action: Action
    ) -> Receipt:
        receipt = await self._published(upload, _new(offer, digest), action)
        await self._resumption.published(offer)
        return receipt

    async def _published(self, upload: RemoteUpload, file: NewFile, action: Action) -> Receipt:
        async with self._place(action) as (replaced, displaced):
            publish = partial(upload.publish, file, replaced)
            entry = await self._in_its_folder(action, file.hash, publish)
        return _done(entry, file.hash, displaced)


def _new(offer: Offer, digest: str) -> NewFile:
    return NewFile(offer.path, offer.size, offer.mtime_ns, offer.mode, offer.transfer, digest)


def _done(entry: Entry, digest: str, displaced: str) -> Receipt:
    return Receipt(
        "done", entry.version, entry.ident, entry.mtime_ns, entry.mode, digest, displaced
    )
