"""Only what was seen is replaced: by a condition where the server has it, else by a look.

The answer to a call may be lost, or a stop cuts it off. Then a look says whether the file
is there: our own metadata has the hash of its content, or the id of its transfer, and its time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.s3.client import S3
from cargo_sync.s3.errors import S3Error, asked_anew
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.remote.problems import is_uncertain
from cargo_sync.trees.s3.entries import entry_of_head, is_from

_CONDITION: Final = 412


class ObeyedConditions(NamedTuple):
    """The conditions that a server obeys, and how it reads the ETag of the second one.

    keeps_metadata  it tells our metadata: so it is known whether an object is ours
    """

    absent: bool
    matching: bool
    quoted: bool = True
    keeps_metadata: bool = False


class Condition(NamedTuple):
    """What is asked of the server; neither: the client has looked."""

    absent: bool = False
    if_match: str = ""
    quoted: bool = True


async def replaced_by(
    s3: S3,
    key: str,
    file: NewFile,
    replaced: Entry | None,
    obeyed: ObeyedConditions,
    store: Callable[[Condition], Awaitable[Entry | None]],
) -> Entry:
    """Stores a file instead of `replaced`; returns what is there then.

    What `store` returns is that, if the answer of this server says it; None: it is looked at.

    Raises:
        ProblemError: something else is there than `replaced`; what `store` raises; UNCERTAIN, if
            something else is there afterwards.
        asyncio.CancelledError: it was cut off, and the file is not there yet.
    """
    condition = Condition(absent=True)
    if replaced is not None or not obeyed.absent:
        head = await s3.head(key)
        check(file.path, head, replaced)
        condition = Condition()
        if head is not None and obeyed.matching:
            condition = Condition(if_match=head.etag, quoted=obeyed.quoted)
    try:
        if (entry := await store(condition)) is not None:
            return entry
    except asyncio.CancelledError:
        with suppress(ProblemError):
            head = await s3.head(key)
            if head is not None and is_from(head, file):
                return entry_of_head(paths.name(file.path), head)
        raise
    except S3Error as error:
        if error.status == _CONDITION and await _still_holds(s3, key, condition):
            s3.doubted = True
            raise asked_anew(error) from error
        if not error.again or error.undone or not file.hash:
            raise
        head = await s3.head(key)
        if head is None or not is_from(head, file):
            raise
    return await stored(s3, key, file, keeps_metadata=obeyed.keeps_metadata)


async def _still_holds(s3: S3, key: str, condition: Condition) -> bool:
    """Whether a condition holds that the server says does not."""
    try:
        head = await s3.head(key)
    except S3Error:
        return False
    if condition.absent:
        return head is None
    return bool(condition.if_match) and head is not None and head.etag == condition.if_match


async def stored(s3: S3, key: str, file: NewFile, *, keeps_metadata: bool) -> Entry:
    """The file that was just stored.

    Raises:
        ProblemError: UNCERTAIN: somebody else has replaced it already, or taken it away.
    """
    head = await s3.head(key)
    if head is None or head.size != file.size or (keeps_metadata and not is_from(head, file)):
        raise is_uncertain(file.path)
    return entry_of_head(paths.name(file.path), head)


def check(path: str, head: ObjectHead | None, expected: Entry | None) -> None:
    """Checks that what is at a key is what the plan saw there.

    Raises:
        ProblemError: OCCUPIED, VANISHED, CHANGED.
    """
    if expected is None:
        if head is not None:
            raise ProblemError(Problem(Code.OCCUPIED, f"{path!r} is there already", path))
        return
    if head is None:
        raise ProblemError(Problem(Code.VANISHED, f"{path!r} does not exist", path))
    found = entry_of_head(paths.name(path), head)
    if expected.kind != FILE or found.version != expected.version:
        raise ProblemError(changed(path))
