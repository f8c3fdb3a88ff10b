"""By which hash a server finds that a content came as it was sent: one is enough if it looks at it.

Some servers compare a content with its MD5 (Content-MD5), others with the SHA-256 that is signed
(x-amz-content-sha256), some with both, and some with nothing. MD5 costs more than twice as much as
SHA-256 on a machine that has instructions for SHA, and less on others. So a server is asked what it
compares (`abilities`), and gets what this machine makes in less time.

Without TLS somebody on the line could forge that answer. So where the reader of a content would not
find out, its SHA-256 is signed whatever was found: a server that does as the signature's rules say
takes nothing else then. Only MD5 beside it depends on what was found.

A CRC-32 shows what goes wrong by accident, and takes a twentieth of the time of SHA-256. It is
enough where the reader finds what somebody has exchanged. There an MD5 or a SHA-256 would not say
more: without TLS, who can exchange a content can answer in the server's place, too.
"""

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import md5, sha256
from typing import Any, Final

from zlib_ng import zlib_ng

_SAMPLE: Final = 256 * 1024
_ROUNDS: Final = 3


class SentHash(Enum):
    """A hash of a content that a server may compare with what came."""

    MD5 = "MD5"
    SHA256 = "SHA-256"
    CRC32 = "CRC-32"

    def new(self) -> Any:
        """What makes it of bytes: as hashlib's."""
        if self is SentHash.CRC32:
            return Crc32()
        return md5(usedforsecurity=False) if self is SentHash.MD5 else sha256()


class Crc32:
    """The CRC-32 of zlib, as hashlib has its hashes. Its digest has 4 bytes, the highest first."""

    name = "crc32"

    def __init__(self) -> None:
        self._sum = 0

    def update(self, piece: bytes | memoryview, /) -> None:
        self._sum = zlib_ng.crc32(piece, self._sum)

    def digest(self) -> bytes:
        return self._sum.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class ServerChecks:
    """What a server was found to compare a content with: nothing, as long as it was not asked.

    md5     it refuses what has another MD5, and wants no SHA-256 beside it
    sha256  it refuses what has another SHA-256, and wants no MD5 beside it
    crc32   it refuses what has another CRC-32, also as a part, and wants nothing else beside it
    """

    md5: bool = False
    sha256: bool = False
    crc32: bool = False

    @property
    def kinds(self) -> Set[SentHash]:
        """What it compares."""
        told = {
            SentHash.MD5: self.md5,
            SentHash.SHA256: self.sha256,
            SentHash.CRC32: self.crc32,
        }
        return {kind for kind, is_compared in told.items() if is_compared}


UNKNOWN: Final = ServerChecks()


@cache
def by_cost() -> Sequence[SentHash]:
    """All of them, first the one that takes least time here; measured once, in milliseconds."""
    return measured(time.thread_time)


def measured(clock: Callable[[], float]) -> Sequence[SentHash]:
    """All of them, first what takes least time by a clock that counts this thread's work alone."""
    sample = bytes(_SAMPLE)
    best = dict.fromkeys(SentHash, float("inf"))
    for _ in range(_ROUNDS):
        for kind in SentHash:
            began = clock()
            kind.new().update(sample)
            best[kind] = min(best[kind], clock() - began)
    return sorted(best, key=lambda kind: best[kind])


def needed(
    checks: ServerChecks,
    known: Set[SentHash],
    *,
    is_sealed: bool,
    is_checked_later: bool,
    by_cost: Callable[[], Sequence[SentHash]] = by_cost,
) -> Set[SentHash]:
    """What a content is sent with.

    Args:
        checks: what the server compares.
        known: what is known of the content already: it is sent in any case.
        is_sealed: it goes by TLS.
        is_checked_later: its reader finds out if somebody has exchanged it. Of what goes without
            TLS, and is not, SHA-256 is signed. MD5 alone is no proof, because anybody can make two
            contents of the same one, and what is known of the server may be forged.
        by_cost: all, first the one that takes least time.
    """
    if SentHash.SHA256 in known:
        return known
    if not (is_sealed or is_checked_later):
        # To a server that does not look at it, SHA-256 proves nothing.
        return known | {SentHash.SHA256} | (set() if checks.sha256 else {SentHash.MD5})
    able = checks.kinds if is_checked_later else checks.kinds - {SentHash.CRC32}
    if SentHash.CRC32 in known or known & able:
        return known  # a CRC-32 is made only for who compares it
    if not able:
        return known | {SentHash.MD5}
    return known | {next(kind for kind in by_cost() if kind in able)}
