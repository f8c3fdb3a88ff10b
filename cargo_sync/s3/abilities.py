"""What a server really does, found by asking it once.

Many servers ignore a condition, a checksum or a range, and answer as if they had read it. The
questions need two objects of some bytes. They lie below `.cargo_sync/` of the caller's prefix and
are removed afterwards, with their versions.
"""

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code
from cargo_sync.s3.client import S3
from cargo_sync.s3.content import S3Content, digest_of
from cargo_sync.s3.errors import S3Error, vanished
from cargo_sync.s3.objects import ObjectHead, Versioning
from cargo_sync.s3.sent_hashes import UNKNOWN, SentHash, ServerChecks

MOST_PARTS: Final = 10_000
"""What Amazon allows: numbers of parts from 1 up to it."""
FEW_PARTS: Final = 1_000

_ONE: Final = b"one"
_TWO: Final = b"three"
_METADATA: Final = {"cargo-probe": "1"}
_CONDITION: Final = 412
_STALE: Final = digest_of(SentHash.MD5, [b"what was never there"]).hex()


@dataclass(frozen=True, slots=True)
class S3Abilities:
    """What one server does.

    put_if_absent      PUT refuses to replace what is there, when asked to (If-None-Match: *)
    put_if_match       PUT replaces only the version that was named (If-Match)
    quoted             ETags in If-Match of a PUT have quotes; one server reads only bare ones
    complete_if_absent, complete_if_match  the same, for the end of an upload in parts
    delete_if_match    DELETE removes only the version that was named
    checks_md5, checks_sha256  a content that has another hash is refused: see `ServerChecks`
    gives_md5          the ETag of an object that came in one request is its MD5
    ranges             a part of an object is sent when it is asked for, and not all of it
    keeps_metadata     a HEAD tells the metadata that an object was stored with
    copies             the server copies objects by itself
    copy_if_match      a copy is made only of the version that was named
    copies_parts       it copies pieces of objects too, so also those of more than 5 GiB
    most_parts         the highest number of a part
    versioning         whether the bucket keeps what is replaced and deleted
    """

    put_if_absent: bool = False
    put_if_match: bool = False
    quoted: bool = True
    complete_if_absent: bool = False
    complete_if_match: bool = False
    delete_if_match: bool = False
    checks_md5: bool = False
    checks_sha256: bool = False
    gives_md5: bool = False
    ranges: bool = False
    keeps_metadata: bool = False
    copies: bool = False
    copy_if_match: bool = False
    copies_parts: bool = False
    most_parts: int = FEW_PARTS
    versioning: Versioning = Versioning.OFF

    @property
    def checks(self) -> ServerChecks:
        return ServerChecks(self.checks_md5, self.checks_sha256)


async def find_abilities(s3: S3, prefix: str, token: str) -> S3Abilities:
    """Asks a server what it does: some 30 calls.

    Args:
        s3: its bucket.
        prefix: the folder of the caller, "" or with a slash at its end.
        token: names the objects: nobody else uses it.

    Raises:
        S3Error: the bucket cannot be reached or written to, or the server is too busy.
    """
    probe = _Probe(s3, f"{prefix}{RESERVED}/probe-{token}")
    try:
        return await probe.run()
    finally:
        await probe.clean()


async def find_checks(s3: S3, key: str) -> ServerChecks:
    """Asks a server what it compares a content with: at most 4 calls.

    Args:
        s3: its bucket; what was known of this is forgotten.
        key: of an object that is stored, or replaced.

    Raises:
        S3Error: the bucket cannot be reached, or the server is too busy.
    """
    s3.checks = UNKNOWN
    content = S3Content((_TWO,), is_checked_later=True)

    async def takes(kind: SentHash, hashed: bytes) -> bool:
        put = s3.put(key, content.with_hash(kind, digest_of(kind, [hashed])))
        return await answered(put) is CallResult.DONE

    async def compares(kind: SentHash) -> bool:
        return await takes(kind, _TWO) and not await takes(kind, _ONE)

    return ServerChecks(await compares(SentHash.MD5), await compares(SentHash.SHA256))


async def forget_versions(s3: S3, prefix: str) -> None:
    """Removes all versions of objects whose keys begin with `prefix`, also those of deletions.

    Raises:
        S3Error: one cannot be removed.
    """
    async for page in s3.listing.versions(prefix):
        for key, version in zip(page.keys, page.versions, strict=True):
            await s3.delete(key, version=version)


class _Probe:
    """The questions to one server, about the object `key` and one beside it."""

    def __init__(self, s3: S3, key: str) -> None:
        self._s3 = s3
        self._key = key
        self._beside = f"{key}-copy"
        self._uploads: list[tuple[str, str]] = []
        self._versioning = Versioning.OFF

    async def run(self) -> S3Abilities:
        """All questions, in an order in which each finds what it needs."""
        self._versioning = await self._s3.versioning()
        await self._s3.put(self._key, S3Content((_ONE,)), _METADATA)
        found = S3Abilities(versioning=self._versioning)
        for ask in (self._reading, self._copying, self._putting, self._uploading, self._deleting):
            found = await ask(found)
        return found

    async def clean(self) -> None:
        """Removes everything; what cannot be removed stays in our folder."""
        for key, upload in self._uploads:
            with suppress(S3Error):
                await self._s3.multipart.abort(key, upload)
        for key in (self._key, self._beside):
            with suppress(S3Error):
                await self._s3.delete(key)
        if self._versioning is not Versioning.OFF:
            with suppress(S3Error):
                await forget_versions(self._s3, self._key)

    async def _reading(self, found: S3Abilities) -> S3Abilities:
        head = await self._head()
        ranges = False
        with suppress(S3Error):
            async with self._s3.get(self._key, 1, 2) as content:
                sent = b"".join([piece async for piece in content.pieces()])
                ranges = content.ranged and sent == _ONE[1:2]
        keeps = _METADATA.items() <= head.metadata.items()
        gives_md5 = head.etag == digest_of(SentHash.MD5, [_ONE]).hex() and not head.sealed
        return replace(found, gives_md5=gives_md5, ranges=ranges, keeps_metadata=keeps)

    async def _copying(self, found: S3Abilities) -> S3Abilities:
        head = await self._head()
        stale = replace(head, etag=_STALE)
        checked = await answered(self._s3.copy(self._key, self._beside, known=stale))
        if checked is CallResult.CONDITION:
            await answered(self._s3.copy(self._key, self._beside, known=head))
        copy = await self._s3.head(self._beside)
        upload = await self._begun(self._beside)
        part = await answered(
            self._s3.multipart.copy_part(
                self._beside, upload, 1, self._key, (0, head.size), head.etag
            )
        )
        return replace(
            found,
            copies=copy is not None and copy.size == head.size,
            copy_if_match=checked is CallResult.CONDITION,
            copies_parts=part is CallResult.DONE,
        )

    async def _putting(self, found: S3Abilities) -> S3Abilities:
        two = S3Content((_TWO,))
        absent = await answered(self._s3.put(self._key, two, absent=True))
        checks = await find_checks(self._s3, self._key)
        quoted, match = True, False
        for quoted in (True, False):
            etag = (await self._head()).etag
            right = await answered(self._s3.put(self._key, two, if_match=etag, quoted=quoted))
            if right is CallResult.DONE:
                stale = self._s3.put(self._key, two, if_match=_STALE, quoted=quoted)
                match = await answered(stale) is CallResult.CONDITION
                break
        return replace(
            found,
            put_if_absent=absent is CallResult.CONDITION,
            checks_md5=checks.md5,
            checks_sha256=checks.sha256,
            put_if_match=match,
            quoted=quoted or not match,
        )

    async def _uploading(self, found: S3Abilities) -> S3Abilities:
        upload = await self._begun(self._key)
        multipart = self._s3.multipart
        parts = [(1, await multipart.part(self._key, upload, 1, S3Content((_ONE,))))]
        beyond = multipart.part(self._key, upload, FEW_PARTS + 1, S3Content((_ONE,)))
        many = await answered(beyond) is CallResult.DONE
        # An upload that was not put together because of the first condition is still there for the
        # second one.
        absent = await answered(multipart.complete(self._key, upload, parts, absent=True))
        if absent is CallResult.DONE:
            upload = await self._begun(self._key)
            parts = [(1, await multipart.part(self._key, upload, 1, S3Content((_ONE,))))]
        match = await answered(
            multipart.complete(self._key, upload, parts, if_match=_STALE, quoted=found.quoted)
        )
        return replace(
            found,
            complete_if_absent=absent is CallResult.CONDITION,
            complete_if_match=match is CallResult.CONDITION,
            most_parts=MOST_PARTS if many else FEW_PARTS,
        )

    async def _deleting(self, found: S3Abilities) -> S3Abilities:
        stale = await answered(self._s3.delete(self._key, if_match=_STALE))
        if stale is not CallResult.CONDITION:
            return found
        # Swift refuses the right one, too, in a bucket that keeps versions.
        right = await answered(self._s3.delete(self._key, if_match=(await self._head()).etag))
        return replace(found, delete_if_match=right is CallResult.DONE)

    async def _head(self) -> ObjectHead:
        head = await self._s3.head(self._key)
        if head is None:
            raise vanished(self._key)
        return head

    async def _begun(self, key: str) -> str:
        upload = await self._s3.multipart.begin(key)
        self._uploads.append((key, upload))
        return upload


class CallResult(Enum):
    """What became of a call."""

    DONE = auto()
    CONDITION = auto()
    """The server looked at a condition, which does not hold."""
    REFUSED = auto()


async def answered(call: Awaitable[object]) -> CallResult:
    """How a server answers a call.

    Raises:
        S3Error: nothing can be concluded: there is no answer, or the server is too busy for one.
    """
    try:
        await call
    except S3Error as error:
        if error.problem.code in (Code.BUSY, Code.UNAUTHORIZED) or (
            not error.status and error.again
        ):
            raise
        return CallResult.CONDITION if error.status == _CONDITION else CallResult.REFUSED
    return CallResult.DONE
