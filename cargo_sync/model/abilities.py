"""What a far side can do: values that the planner, the engine and the far tree read.

Nothing else asks which server it is. A server of ours can do all of it (`CARGO`); what somebody
else's server cannot do is told to people in a sentence each, and nothing is lost silently.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cargo_sync.model.entries import FOLDER, LINK, Entry
from cargo_sync.model.known_hashes import HashKind

SECOND: Final = 10**9
"""Nanoseconds."""


class Replacing(StrEnum):
    """How a file is replaced only if it is still the one that the plan saw."""

    ATOMIC = "atomic"
    """The server compares, in the moment of the replacement."""
    LOOKED_AT = "looked_at"
    """The client looks just before it: what somebody else puts there in between is displaced
    or replaced unseen."""


class Publishing(StrEnum):
    """How a new file appears whole or not at all."""

    RENAME = "rename"
    """It is staged under another name on the server, then renamed."""
    MULTIPART = "multipart"
    """The server puts it together from its parts."""
    PUT = "put"
    """One request; the server shows nothing of it before its end."""


class Trashing(StrEnum):
    """How what a step replaces or deletes stays on the server."""

    RENAME = "rename"
    COPY = "copy"
    """The server copies it; the copy is checked before the original goes."""
    VERSIONS = "versions"
    """The server keeps older versions by itself."""
    NONE = "none"


class Resuming(StrEnum):
    """How an upload continues that was cut."""

    PARTS = "parts"
    """Each part that arrived stays."""
    APPEND = "append"
    """What arrived stays, from the beginning of the file up to some byte."""
    NONE = "none"
    """It begins anew."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a far side keeps, and what it can do.

    time_step  files keep their times in steps of so many ns; None: they keep none
    modes      files and folders keep their permission bits
    links      there can be symbolic links
    idents     entries have an identity that survives a rename; else `Entry.ident` is 0
    folders    a folder exists by itself; else only as long as something is in it
    exchange   two entries change places in one step
    hashes     BLAKE3 of a file can be asked for without reading it here
    feed       what changed since a cursor can be asked for; else everything is listed at each look
    empties    an empty listing is to be believed; else only the second one in a row
    atomic     what others write there appears whole; else it is listed while it grows
    digests    kinds of hashes that the server has by itself, also of what other programs stored
    remembers  the server tells after a kill which files of an upload came
    """

    time_step: int | None = 1
    modes: bool = True
    links: bool = True
    idents: bool = True
    folders: bool = True
    exchange: bool = True
    hashes: bool = True
    feed: bool = True
    empties: bool = True
    replacing: Replacing = Replacing.ATOMIC
    publishing: Publishing = Publishing.RENAME
    trashing: Trashing = Trashing.RENAME
    resuming: Resuming = Resuming.PARTS
    atomic: bool = True
    digests: tuple[HashKind, ...] = ()
    remembers: bool = True

    def between(self, source: "Abilities") -> "Abilities":
        """What is kept of a file that comes here from a side that is not a folder of this machine.

        Its time is as exact as the coarser of both keeps it.
        """
        steps = (self.time_step, source.time_step)
        step = None if None in steps else max(one or 0 for one in steps)
        return replace(self, time_step=step)

    def same_time(self, one: int, other: int) -> bool:
        """Whether two times of a file, in ns, are one time for this server."""
        return self.time_step is None or one == other or abs(one - other) < self.time_step

    def same_face(self, one: Entry, other: Entry) -> bool:
        """`Entry.same_face` of an entry here and one there, as far as the server can say it."""
        if one.kind != other.kind:
            return False
        if one.kind == LINK:
            return one.target == other.target
        if one.kind == FOLDER:
            return True
        return one.size == other.size and self.same_time(one.mtime_ns, other.mtime_ns)

    @property
    def comparing(self) -> str:
        """By what contents are compared, for people."""
        own = " or ".join(self.digests)
        if self.hashes:
            return f"by their hashes, those of others by {own}" if own else "by their hashes"
        return f"by {own}, else by reading them" if own else "by reading them"

    def sentences(self) -> tuple[str, ...]:
        """What people should know, in a sentence each; none of a server that can do everything."""
        is_beside = self.publishing is Publishing.MULTIPART  # a bucket keeps them as metadata
        told = (
            (
                is_beside,
                "times and modes of files are kept beside their contents; they alone are no "
                "difference",
            ),
            (
                self.time_step is None and not is_beside,
                "this server keeps no times of files",
            ),
            (
                self.time_step is not None and self.time_step >= SECOND,
                f"this server keeps times in steps of {_span(self.time_step or 0)}",
            ),
            (not self.modes and not is_beside, "modes are not kept"),
            (not self.links, "symbolic links are left out"),
            (not self.folders, "an empty folder is kept by a marker in it"),
            (not self.hashes or bool(self.digests), f"contents are compared {self.comparing}"),
            (not self.feed, "every folder is listed at each look"),
            (not self.empties, "deletions wait for a second look at an empty listing"),
            (not self.atomic, "a new file is fetched when two looks have seen it the same"),
            (
                self.replacing is Replacing.LOOKED_AT,
                "a file is looked at before it is replaced: what another program writes in that "
                "moment may be lost",
            ),
            (
                self.publishing is Publishing.PUT,
                "an upload is one request, and large ones cannot continue after a cut",
            ),
            (
                self.trashing is Trashing.COPY,
                "what is replaced or deleted is copied to the trash by the server first",
            ),
            (
                self.trashing is Trashing.VERSIONS,
                "what is replaced or deleted stays as an older version",
            ),
            (self.trashing is Trashing.NONE, "what is replaced or deleted is gone"),
            (
                self.resuming is Resuming.NONE and self.publishing is not Publishing.PUT,
                "an upload that was cut begins anew",
            ),
        )
        return tuple(sentence for is_so, sentence in told if is_so)


CARGO: Final = Abilities()
"""What a server of ours can do."""


def _span(ns: int) -> str:
    seconds = ns // SECOND
    return "a second" if seconds == 1 else f"{seconds} seconds"
