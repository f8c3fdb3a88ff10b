"""After an unclean stop of the server: which files of a workspace are damaged.

A file that looks different from its row is judged when it would be recorded as a new version. After
a restart of the machine, files that look as they did are read once, beside the server's work.
"""

from collections.abc import Iterator
from typing import Final

from cargo_sync.catalogue.contract import Catalogue, Catalogued
from cargo_sync.local.read import Going, always, hash_reader, is_blank, open_file
from cargo_sync.local.root import Root
from cargo_sync.machines.suspects import KnownFile, Suspects, Verdict, judge
from cargo_sync.model.entries import DAMAGED, FILE, Entry
from cargo_sync.model.problems import Code, ProblemError

PAGE: Final = 1_000
_UNKNOWN: Final = frozenset({Code.NO_DESCRIPTORS, Code.STOPPED})
"""Codes of problems that say nothing about a file."""


class SuspectFiles:
    """The suspects of one workspace: versions up to `upto`, which the last process recorded.

    `upto` is the newest version at the start: what is recorded later is no suspect.
    """

    def __init__(self, catalogue: Catalogue, workspace: int, upto: int) -> None:
        self._catalogue = catalogue
        self._workspace = workspace
        self._upto = upto
        self._suspects: Suspects | None = catalogue.suspects(workspace)
        self._checked = self._suspects is None
        self._waits = False

    def is_damaged(
        self, root: Root, path: str, held: Catalogued, seen: Entry, going: Going = always
    ) -> bool:
        """Whether an unclean stop has damaged what is at `path`; `held` was there before.

        Raises:
            ProblemError: `no_descriptors`, so that nothing is known about it; `stopped` when
                `going` gave False.
        """
        entry, suspects = held.entry, self._suspects
        if (entry.kind, seen.kind) != (FILE, FILE) or entry.mtime_ns != seen.mtime_ns:
            return False
        if entry.hash == DAMAGED:
            return entry.size == seen.size
        if (
            suspects is None
            or not suspects.after < entry.version <= self._upto
            or held.ctime_ns < suspects.since_ns
        ):
            return False
        known = KnownFile(path, entry.size, entry.mtime_ns, held.ctime_ns, held.inode, entry.hash)
        verdict = judge(known, seen, source=not entry.hash, rebooted=suspects.rebooted)
        return verdict is Verdict.DAMAGED or (
            verdict is Verdict.READ and _is_other(root, path, seen, entry.hash, going)
        )

    def unread(self) -> Iterator[tuple[str, Catalogued]]:
        """The suspects whose content must be read although they look as they did."""
        suspects = self._suspects
        if suspects is None or self._checked or not suspects.rebooted:
            return
        while page := self._catalogue.lately(self._workspace, suspects, self._upto, PAGE):
            yield from ((path, held) for path, held, _ in page)
            suspects = suspects._replace(after=page[-1][2])

    def put_off(self, held: Catalogued | None, seen: Entry) -> None:
        """A file is still being written. If it may be damaged, its row must stay suspect."""
        self._waits |= held is not None and held.entry.mtime_ns == seen.mtime_ns

    def checked(self) -> None:
        """The workspace was scanned, and `unread` was read. Raises ProblemError.

        What could not be compared then is, before the next scan. So after that nothing is suspect
        any more: some programs keep a file's time when they change it.
        """
        if not self._checked:
            self._catalogue.checked(self._workspace)
            self._checked = True
        elif not self._waits:
            self._suspects = None
        self._waits = False


def seen_now(root: Root, path: str) -> Entry | None:
    """What is at `path`; None also if it cannot be looked at, because then nobody gets it.

    Raises:
        ProblemError: `no_descriptors`.
    """
    try:
        return root.entry(path)
    except ProblemError as error:
        if error.problem.code in _UNKNOWN:
            raise
        return None


def _is_other(root: Root, path: str, seen: Entry, content: str, going: Going) -> bool:
    """Whether the content is not that of the hash; without a hash, whether it is only zeros."""
    try:
        if not content:
            return is_blank(root, path, seen, going)
        return hash_reader(open_file(root, path, seen), path, seen.size, going) != content
    except ProblemError as error:
        if error.problem.code in _UNKNOWN:
            raise
        return False  # it is gone, changes, or cannot be read: the next look decides
