"""All keys of a bucket that begin alike, as a folder. See `trees/remote/contract.py`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import (
    Abilities,
    Publishing,
    Replacing,
    Resuming,
    Trashing,
)
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.model.world import World
from cargo_sync.s3.abilities import S3Abilities, find_abilities
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import SMALL, S3Content
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.objects import ObjectHead, ObjectPage, Versioning
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import (
    Kept,
    NewFile,
    Pace,
    RemoteContent,
    RemoteListing,
)
from cargo_sync.trees.remote.findings import FindingStore, MemoryFindings, PlaceFindings
from cargo_sync.trees.remote.problems import is_not_empty
from cargo_sync.trees.remote.walking import walk
from cargo_sync.trees.s3.content import S3FileContent
from cargo_sync.trees.s3.entries import (
    HASH,
    LONGEST_KEY,
    entry_of_head,
    file_entry,
    folder_entry,
    known_hash_of,
    metadata_of,
    parts_metadata_of,
)
from cargo_sync.trees.s3.known import KnownBucket
from cargo_sync.trees.s3.markers import Marker, usual_marker
from cargo_sync.trees.s3.replacing import Condition, ObeyedConditions, check, replaced_by
from cargo_sync.trees.s3.small import S3SmallContent
from cargo_sync.trees.s3.upload import KeptParts, S3Upload, confirmed, piece_of
from cargo_sync.trees.s3.walking import FolderStack, listing_of

HEADS_AT_ONCE: Final = 32
_TOP_MARKER: Final = f"{RESERVED}/marker"
"""The folder itself stays, also when nothing of others is in it."""
_ABILITIES: Final = Abilities(
    time_step=None,
    modes=False,
    links=False,
    idents=False,
    folders=False,
    exchange=False,
    feed=False,
    replacing=Replacing.LOOKED_AT,
    publishing=Publishing.MULTIPART,
    trashing=Trashing.COPY,
    resuming=Resuming.PARTS,
)


class S3Folder:
    """The folder `prefix` ("a/b", "" for all) of the bucket of `login`.

    known     what was found out about the bucket; None: not yet
    findings  where that is kept; None: in memory
    """

    def __init__(
        self, login: S3Login, prefix: str, world: World, findings: FindingStore | None = None
    ) -> None:
        self._login = login
        self._prefix = f"{prefix}/" if prefix else ""
        self._world = world
        self._s3 = S3(S3Connection(login, world))
        self._is_sorted = True
        self._server_name = ""
        self._findings = findings or MemoryFindings(world.lived)
        self.known: KnownBucket | None = None

    @property
    def abilities(self) -> Abilities:
        return _ABILITIES if self.known is None else abilities_of(self.known.server)

    async def open(self, *, make: bool) -> str:
        address = self._login.address
        server = await self._s3.bucket_server()
        if server is None:
            message = f"there is no bucket {address.bucket!r} at {address.endpoint}"
            raise ProblemError(Problem(Code.ROOT_GONE, message, hint="check hostname in the job"))
        self._server_name = server
        if self._prefix and not await self._has_keys(self._prefix):
            if not make:
                message = f"nothing in the bucket {address.bucket!r} begins with {self._prefix!r}"
                raise ProblemError(Problem(Code.ROOT_GONE, message))
            await self._s3.put(f"{self._prefix}{_TOP_MARKER}", S3Content((b"",)))
        # Not the access key: keys are changed, and the objects stay the same.
        return self._name

    async def close(self) -> None:
        await self._s3.aclose()

    async def find_out(self) -> None:
        # One key may do there what another one may not.
        place = f"{self._name} {self._login.access_key().id}"
        findings = PlaceFindings(self._findings, place, self._world.offload)
        kept = "" if self._s3.doubted else await findings.believed(self._server_name)
        known = KnownBucket.read(kept)
        if known is None:
            known = await self._asked()
            await findings.keep(self._server_name, known.text())
            self._s3.doubted = False
        elif self.known is None:  # people switch it on and off
            known = known.with_versions(await self._s3.versioning())
        else:
            known = known.with_versions(self.known.server.versioning)
        self.known = known
        self._s3.checks = known.server.checks

    # -- reading -----------------------------------------------------------------------------------

    async def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        if not self._is_sorted:
            async for told in walk(self.list):
                yield told
            return
        stack = FolderStack(self._prefix)
        async for page in self._s3.listing.objects(self._prefix):
            done = list(stack.take(page))
            self._check_order(stack)  # first: one of `done` may lack what comes too late
            if done:
                yield done
        yield list(stack.end())

    def _check_order(self, stack: FolderStack) -> None:
        if not stack.is_sorted:
            self._is_sorted = False
            message = "this server lists its objects in no order; it is asked folder by folder now"
            raise ProblemError(Problem(Code.BAD_ANSWER, message))

    async def list(self, folder: str) -> RemoteListing:
        prefix, pages = await self._pages(folder)
        found = listing_of(folder, prefix, pages)
        if folder and not _has_any(pages) and await self._head(folder) is not None:
            raise ProblemError(Problem(Code.NOT_A_FOLDER, f"{folder!r} is not a folder", folder))
        return found

    async def _pages(self, folder: str) -> tuple[str, Sequence[ObjectPage]]:
        """How the keys directly in a folder begin, and the list of them."""
        prefix = self._inside(folder)
        return prefix, [page async for page in self._s3.listing.objects(prefix, delimiter="/")]

    async def entry(self, path: str) -> Entry | None:
        head, is_folder = await asyncio.gather(self._head(path), self._has_keys(self._inside(path)))
        if is_folder:
            return folder_entry(paths.name(path))
        return entry_of_head(paths.name(path), head) if head is not None else None

    async def read(self, path: str, entry: Entry, start: int = 0) -> RemoteContent:
        if start == 0 and entry.size <= SMALL:
            whole = await self._s3.whole(self._key(path), SMALL)
            if whole is not None:
                check(path, whole[0], entry)
                return S3SmallContent(*whole)
        async with AsyncExitStack() as opening:
            content = await opening.enter_async_context(self._s3.get(self._key(path), start))
            check(path, content.head, entry)
            return S3FileContent(content, opening.pop_all())
        raise AssertionError("it was opened, or raised")

    async def read_part(
        self, path: str, entry: Entry, start: int, end: int
    ) -> RemoteContent | None:
        async with AsyncExitStack() as opening:
            content = await opening.enter_async_context(self._s3.get(self._key(path), start, end))
            check(path, content.head, entry)
            content.keep_connection()
            return S3FileContent(content, opening.pop_all()) if content.ranged else None
        raise AssertionError("it was opened, or raised")

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        turn = asyncio.Semaphore(HEADS_AT_ONCE)

        async def one(path: str, entry: Entry) -> KnownHash | None:
            async with turn:
                head = await self._head(path)
            if head is None or entry_of_head("", head).version != entry.version:
                return None
            return known_hash_of(head, gives_md5=self._server.gives_md5)

        return await asyncio.gather(*(one(path, entry) for path, entry in items))

    # -- writing -----------------------------------------------------------------------------------

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        key, can = self._key(file.path), self._server
        sent, md5 = await self._s3.with_md5(S3Content((content,), pace=pace))
        metadata = metadata_of(file, md5.hex())

        async def store(condition: Condition) -> Entry | None:
            put = await self._s3.put(
                key,
                sent,
                metadata,
                absent=condition.absent,
                if_match=condition.if_match,
                quoted=condition.quoted,
            )
            if not (can.gives_md5 and put.is_md5):
                return None
            now = int(self._world.wall()) * 10**9
            return file_entry(paths.name(file.path), file.size, put.etag, now)

        obeyed = ObeyedConditions(
            can.put_if_absent, can.put_if_match, can.quoted, can.keeps_metadata
        )
        return await replaced_by(self._s3, key, file, replaced, obeyed, store)

    async def upload(self, file: NewFile, kept: Kept | None) -> S3Upload:
        key = self._key(file.path)
        known = KeptParts.read(kept) if kept is not None else None
        parts = None
        if known is not None and known.key == key:
            parts = await confirmed(self._s3, known, file.size)
        if parts is None:
            piece = piece_of(file.size, self._server.most_parts)
            upload = await self._s3.multipart.begin(key, parts_metadata_of(file, piece))
            parts = KeptParts(key, upload, piece, {})
        return S3Upload(self._s3, parts, file.size, self._server)

    async def give_up(self, kept: Kept) -> None:
        known = KeptParts.read(kept)
        if known is not None and known.key.startswith(self._prefix):
            await self._s3.multipart.abort(known.key, known.upload)

    async def link(self, path: str, target: str) -> Entry:
        message = f"{path!r} is a symbolic link, and a bucket keeps none"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, path, retry=False))

    async def make(self, path: str, mode: int) -> Entry:
        every = list(paths.upwards(path))
        for above, head in zip(every, await self._heads(every), strict=True):
            if head is not None:
                message = f"{above!r} is an object where a folder is needed"
                raise ProblemError(Problem(Code.NOT_A_FOLDER, message, path))
        await self._mark(self._key(path))
        return folder_entry(paths.name(path))

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        moved = await self.copy(path, to, entry)
        await self.remove(path, entry)
        return moved

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        source, there = await asyncio.gather(self._head(path), self.entry(to))
        check(path, source, entry)
        if there is not None:
            raise ProblemError(Problem(Code.OCCUPIED, f"{to!r} is there already", to))
        assert source is not None, "it was checked"
        await self._s3.copy(self._key(path), self._key(to), known=source)
        made = await self._head(to)
        if made is None or not _same_content(source, made):
            raise ProblemError(Problem(Code.CORRUPT, f"the copy of {path!r} is not the same", path))
        return entry_of_head(paths.name(to), made)

    async def remove(self, path: str, entry: Entry) -> None:
        key = self._key(path)
        if entry.kind == FOLDER:
            await self._remove_folder(path)
            return
        head = await self._head(path)
        check(path, head, entry)
        assert head is not None, "it was checked"
        obeyed = self._server.delete_if_match
        await self._s3.delete(key, if_match=head.etag if obeyed else "")

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        found = await self.entry(path)
        if found is None or (found.kind, found.version) != (entry.kind, entry.version):
            raise ProblemError(changed(path))
        return found  # a bucket keeps neither; a new copy of the object would be another version

    # -- inside ------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        address = self._login.address
        return f"s3 {address.endpoint}/{address.bucket}/{self._prefix}"

    async def _asked(self) -> KnownBucket:
        """What the server says and does now."""
        token = self._world.token()
        server = await find_abilities(self._s3, self._prefix, token)
        probe = f"{self._prefix}{RESERVED}/folder-{token}"
        return KnownBucket(server, await usual_marker(self._s3, probe, server.versioning))

    @property
    def _server(self) -> S3Abilities:
        """What is known of the server; nothing before it was found out: then the client looks."""
        return S3Abilities() if self.known is None else self.known.server

    async def _mark(self, key: str) -> None:
        """The folder at a key stays from now on, also when nothing is in it."""
        marker = Marker.SLASH if self.known is None else self.known.marker
        if await self._s3.head(f"{key}{marker}") is None:  # else it may have somebody's content
            await self._s3.put(f"{key}{marker}", S3Content((b"",)))

    def _key(self, path: str) -> str:
        """The key of a path.

        Raises:
            ProblemError: BAD_PATH: it is too long for a bucket.
        """
        key = self._prefix + path
        if len(key.encode()) > LONGEST_KEY - len(Marker.INSIDE):
            message = f"{path!r} is too long for a bucket: keys have at most 1,024 bytes"
            raise ProblemError(Problem(Code.BAD_PATH, message, path, retry=False))
        return key

    def _inside(self, folder: str) -> str:
        return f"{self._key(folder)}/" if folder else self._prefix

    async def _head(self, path: str) -> ObjectHead | None:
        return await self._s3.head(self._key(path))

    async def _heads(self, some: Sequence[str]) -> Sequence[ObjectHead | None]:
        return await asyncio.gather(*(self._head(path) for path in some))

    async def _has_keys(self, prefix: str) -> bool:
        async with aclosing(self._s3.listing.objects(prefix, delimiter="/")) as pages:
            async for page in pages:
                if page.keys or page.prefixes or page.undecodable:
                    return True
        return False

    async def _remove_folder(self, path: str) -> None:
        prefix, pages = await self._pages(path)
        listed = listing_of(path, prefix, pages)
        if listed.entries or listed.problems:
            raise is_not_empty(path)
        for page in pages:
            for marker in page.keys:
                await self._s3.delete(marker)


def abilities_of(server: S3Abilities) -> Abilities:
    """What a bucket on a server can do as a far side."""
    atomic = server.put_if_absent and server.put_if_match
    trashing = Trashing.NONE
    if server.copies:
        trashing = Trashing.COPY
    elif server.versioning is Versioning.ON:
        trashing = Trashing.VERSIONS
    return replace(
        _ABILITIES,
        hashes=server.keeps_metadata and server.gives_md5,
        digests=(HashKind.MD5,) if server.gives_md5 else (),
        replacing=Replacing.ATOMIC if atomic else Replacing.LOOKED_AT,
        trashing=trashing,
    )


def _has_any(pages: Sequence[ObjectPage]) -> bool:
    return any(page.keys or page.prefixes or page.undecodable for page in pages)


def _same_content(source: ObjectHead, copy: ObjectHead) -> bool:
    """Whether a copy is whole: an ETag that is an MD5 says it, else the size and the hash."""
    if source.size != copy.size or source.metadata.get(HASH) != copy.metadata.get(HASH):
        return False
    plain = "-" not in source.etag and "-" not in copy.etag
    return not plain or source.etag == copy.etag
