"""After an unclean stop: which files that were written shortly before are still what they were.

Theory. When a machine loses its power, what was written last may be cut or full of zeros then, with
the time that it had before. Such a file must neither be taken for delivered nor be sent over a
good one (nextcloud/desktop 10547 lost 447 originals so). A clean end says so in the state; after
any other end, also a kill, the files of the last 15 minutes are suspects. Of each it is known what
was seen of it before:

    now                             at a destination        at a source
    not there, or another time      sound: somebody did it  sound: somebody did it
    all as it was, system runs on   sound                   sound
    the same time, smaller          damaged                 damaged
    the same time, larger           damaged                 its content decides
    the same time and size          its content decides     its content decides

"system runs on" means that only the process ended: the kernel still has all that was written. At a
destination, content is damaged when its hash is another one. At a source, which may have changed
within the same time, only when it is nothing but zeros and was not before.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from cargo_sync.model.entries import FILE, Entry

LATELY: Final = 900.0
"""Seconds before the last sign of life in which what was written is suspect."""


class UncleanStop(NamedTuple):
    """The end of a process that did not end cleanly.

    at        its last sign of life, by the retention clock
    wall      the same moment in unix seconds
    rebooted  the system was started again since
    """

    at: float
    wall: float
    rebooted: bool


class Suspects(NamedTuple):
    """The files to check.

    after     those of events, or of versions of a workspace, after this number
    since_ns  those that were seen with a ctime from then on, in ns since 1970
    rebooted  the system was started again since the stop
    """

    after: int
    since_ns: int
    rebooted: bool


def suspects_of(stop: UncleanStop, after: int, before: Suspects | None) -> Suspects:
    """The suspects after a stop.

    Args:
        stop: the end of the last process.
        after: what was newest `LATELY` before its last sign of life.
        before: those of an earlier stop, which were not checked.
    """
    new = Suspects(after, int((stop.wall - LATELY) * 1e9), stop.rebooted)
    if before is None:
        return new
    return Suspects(
        min(before.after, new.after),
        min(before.since_ns, new.since_ns),
        before.rebooted or new.rebooted,
    )


class KnownFile(NamedTuple):
    """What was known about a file before the stop; `hash` is "" if its content was never read."""

    path: str
    size: int
    mtime_ns: int
    version: int
    ident: int
    hash: str


class Verdict(Enum):
    """What its metadata says about a suspect."""

    SOUND = auto()
    DAMAGED = auto()
    READ = auto()
    """Its content decides."""


def judge(known: KnownFile, found: Entry | None, *, source: bool, rebooted: bool) -> Verdict:
    """Judges a suspect by its metadata.

    Args:
        known: what it was.
        found: what is there now.
        source: it is at the source of its job; else at the destination.
        rebooted: the system was started again since.
    """
    if found is None or found.kind != FILE or found.mtime_ns != known.mtime_ns:
        return Verdict.SOUND
    same = (found.size, found.version, found.ident) == (known.size, known.version, known.ident)
    if same and not rebooted:
        return Verdict.SOUND
    if found.size < known.size or (found.size != known.size and not source):
        return Verdict.DAMAGED
    return Verdict.READ if source or known.hash else Verdict.SOUND
