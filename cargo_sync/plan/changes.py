"""What became of one side of a path since both sides agreed on it.

A version says that something changed, not what: `touch` and `chmod` give a file a new ctime, as a
write does. Its size and its hash say whether the content is another one. A hash that is not known
yet makes the change UNPROVEN, until the file was read.
"""

from enum import Enum
from typing import Final

from cargo_sync.model.agreed import GONE, ONE_SIDED, Agreed
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry

_NOT_THERE: Final = (GONE, ONE_SIDED)
"""The versions of a side that had it no more."""


class Change(Enum):
    """One side against base."""

    NONE = "none"
    """As agreed; or never agreed on, and not there."""
    METADATA = "metadata"
    """The same content; time, mode or identity may differ."""
    UNPROVEN = "unproven"
    """METADATA or CONTENT: only the file's hash can say it."""
    CONTENT = "content"
    """New, or another content; also what was seen to be gone, and is back."""
    GONE = "gone"


def near_change(base: Agreed | None, entry: Entry | None) -> Change:
    """What became of the local side of a path."""
    if base is None or entry is None:
        return _presence(base, entry)
    if base.near_version in _NOT_THERE:
        return Change.CONTENT
    return Change.NONE if base.stays_near(entry) else _change(base, entry)


def far_change(base: Agreed | None, entry: Entry | None) -> Change:
    """What became of the server's side; a damaged file there is nobody's change."""
    if base is None or entry is None:
        return _presence(base, entry)
    if base.far_version in _NOT_THERE:
        return Change.CONTENT
    as_agreed = base.far_is(entry) or (entry.hash == DAMAGED and base.kind == FILE)
    return Change.NONE if as_agreed else _change(base, entry)


def same_content(one: Entry, other: Entry) -> bool:
    """Whether two entries have the same content for sure."""
    if one.kind != other.kind:
        return False
    if one.kind == FILE:
        return bool(one.hash) and one.hash == other.hash != DAMAGED
    return one.target == other.target


def may_have_same_content(one: Entry, other: Entry) -> bool:
    """Whether two files may have the same content, and a hash is missing that would say so."""
    if FOLDER in (one.kind, other.kind) or LINK in (one.kind, other.kind):
        return False
    return one.size == other.size and not (one.hash and other.hash)


def _presence(base: Agreed | None, entry: Entry | None) -> Change:
    if entry is not None:
        return Change.CONTENT
    return Change.NONE if base is None else Change.GONE


def _change(base: Agreed, entry: Entry) -> Change:
    if base.kind != entry.kind:
        return Change.CONTENT
    if entry.kind == FOLDER:
        return Change.METADATA
    if entry.kind == LINK:
        return Change.METADATA if entry.target == base.target else Change.CONTENT
    if entry.size != base.size or not base.hash:
        return Change.CONTENT
    if not entry.hash:
        return Change.UNPROVEN
    return Change.METADATA if entry.hash == base.hash else Change.CONTENT
