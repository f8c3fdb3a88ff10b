"""By which hash a server finds that a content came as it was sent: one is enough if it looks at it.

Some servers compare a content with its MD5 (Content-MD5), others with the SHA-256 that is signed
(x-amz-content-sha256), some with both, and some with nothing. MD5 costs more than twice as much as
SHA-256 on a machine that has instructions for SHA, and less on others. So a server is asked what it
compares (`abilities`), and gets what this machine makes in less time.

Without TLS somebody on the line could forge that answer. So where the reader of a content would not
find out, its SHA-256 is signed whatever was found: a server that does as the signature's rules say
takes nothing else then. Only MD5 beside it depends on what was found.
"""

import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import md5, sha256
from typing import Any, Final

_SAMPLE: Final = 256 * 1024
_ROUNDS: Final = 3


class SentHash(Enum):
    """A hash of a content that a server may compare with what came."""

    MD5 = "MD5"
    SHA256 = "SHA-256"

    def new(self) -> Any:
        """What makes it of bytes: as hashlib's."""
        return md5(usedforsecurity=False) if self is SentHash.MD5 else sha256()


@dataclass(frozen=True, slots=True)
class ServerChecks:
    """What a server was found to compare a content with: nothing, as long as it was not asked.

    md5     it refuses what has another MD5, and wants no SHA-256 beside it
    sha256  it refuses what has another SHA-256, and wants no MD5 beside it
    """

    md5: bool = False
    sha256: bool = False


UNKNOWN: Final = ServerChecks()


@cache
def cheaper() -> SentHash:
    """The one that this machine makes in less time; measured once, in some milliseconds."""
    return measured(time.thread_time)


def measured(clock: Callable[[], float]) -> SentHash:
    """The one that is made in less time, by a clock that counts this thread's work alone."""
    sample = bytes(_SAMPLE)
    best = dict.fromkeys(SentHash, float("inf"))
    for _ in range(_ROUNDS):
        for kind in SentHash:
            began = clock()
            kind.new().update(sample)
            best[kind] = min(best[kind], clock() - began)
    return min(best, key=lambda kind: best[kind])


def needed(
    checks: ServerChecks,
    known: Set[SentHash],
    *,
    is_exposed: bool,
    cheaper: Callable[[], SentHash] = cheaper,
) -> Set[SentHash]:
    """What a content is sent with.

    Args:
        checks: what the server compares.
        known: what is known of the content already: it is sent in any case.
        is_exposed: somebody on the line may exchange the content, and its reader would not find
            out: SHA-256 is signed then. MD5 alone is no proof, because anybody can make two
            contents of the same one, and what is known of the server may be forged.
        cheaper: the one that is made in less time.
    """
    if SentHash.SHA256 in known:
        return known
    if is_exposed:
        # To a server that does not look at it, SHA-256 proves nothing.
        return known | ({SentHash.SHA256} if checks.sha256 else set(SentHash))
    if checks.sha256 and not (checks.md5 and (known or cheaper() is SentHash.MD5)):
        return known | {SentHash.SHA256}
    return known | {SentHash.MD5}
