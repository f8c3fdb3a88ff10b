"""What a migration would have to do, and what it cannot keep: found by looking, nothing is changed.

A loss is told by name before anything is done. One that blocks must be mended first.
"""

import os
import stat
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogue
from cargo_sync.local.root import Root
from cargo_sync.local.staging import Staging
from cargo_sync.model import paths
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer

PAGE: Final = 10_000
_PROBE_TIME: Final = 1_234_567_890_123_456_700
_PROBE_MODE: Final = 0o640
_REFUSED_SOMEWHERE: Final = frozenset('"*:<>?\\|') | {chr(number) for number in range(1, 32)}
"""Characters that a name may not have on file systems of Windows."""
_SET_ID: Final = stat.S_ISUID | stat.S_ISGID


class Loss(NamedTuple):
    """What cannot be kept, or not be moved. `blocks`: nothing is done before it is mended."""

    path: str
    why: str
    blocks: bool = False


class Extent(NamedTuple):
    """How much there is: files and links, bytes, and the bytes of the largest file."""

    files: int = 0
    bytes: int = 0
    largest: int = 0

    def with_file(self, size: int) -> "Extent":
        return Extent(self.files + 1, self.bytes + size, max(self.largest, size))


class SurveyResult(NamedTuple):
    """What was found.

    live, trash  how much is in the workspace, and in its trash
    losses       in the order of their paths
    """

    live: Extent
    trash: Extent
    losses: list[Loss]


GoOn = Callable[[], None]
"""Raises ProblemError when the work is to end."""


def survey_folder(
    root: Root, catalogue: Catalogue, workspace: int, trash: Extent, go_on: GoOn
) -> SurveyResult:
    """Looks through a folder that is to move to a store.

    Raises:
        ProblemError: a folder cannot be read; what `go_on` raises.
    """
    live, losses = Extent(), list[Loss]()
    linked: dict[tuple[int, int], str] = {}
    pending = [""]
    while pending:
        go_on()
        folder = pending.pop()
        listing, left_out = root.listing(folder)
        for problem in left_out:
            losses.append(
                Loss(problem.path or folder, f"{problem.message}: it stays in the folder")
            )
        pending += [
            paths.join(folder, one.name)
            for one in listing
            if one.kind == FOLDER and not (folder == "" and paths.is_reserved(one.name))
        ]
        for seen in listing:
            if seen.kind != FOLDER:
                live = live.with_file(seen.size)
        losses += _of_files(root, folder, [one for one in listing if one.kind == FILE], linked)
        losses += [
            Loss(paths.join(folder, held.entry.name), "is damaged, and nobody can read it", True)
            for held in catalogue.listing(workspace, folder)
            if held.entry.hash == DAMAGED
        ]
    return SurveyResult(live, trash, sorted(losses))


def _of_files(
    root: Root, folder: str, files: list[Entry], linked: dict[tuple[int, int], str]
) -> Iterator[Loss]:
    """What stores do not keep of files; `linked` are the hard links that were seen."""
    for seen in files:
        path = paths.join(folder, seen.name)
        place = os.path.join(root.path, path)
        try:
            found = os.lstat(place)
            attributes = _attributes(place)
        except OSError:
            continue  # the look that counts says why
        if found.st_nlink > 1:
            first = linked.setdefault((found.st_dev, found.st_ino), path)
            if first != path:
                yield Loss(path, f"is a hard link to {first!r}: it becomes a file of its own")
        if attributes:
            yield Loss(path, f"has extended attributes, which stores do not keep: {attributes}")
        if found.st_mode & _SET_ID:
            yield Loss(path, "has set-id bits, which a folder gets back from a store without them")


def _attributes(place: str) -> str:
    if not hasattr(os, "listxattr"):
        return ""
    names = os.listxattr(place, follow_symlinks=False)
    return ", ".join(sorted(name for name in names if name.startswith("user.")))


def survey_stored(catalogue: Catalogue, workspace: int, trash: Extent, go_on: GoOn) -> SurveyResult:
    """Looks through the rows of a workspace that is to move to a folder. Raises ProblemError."""
    live, losses = Extent(), list[Loss]()
    since, more = 0, True
    while more:
        go_on()
        page = catalogue.changes(workspace, since, "", PAGE)
        since, more = page.next, page.more
        for path, entry in page.rows:
            if entry is None or entry.kind == FOLDER:
                continue
            live = live.with_file(entry.size)
            if entry.kind == FILE and entry.mode & _SET_ID:
                losses.append(Loss(path, "has set-id bits: they are not set again"))
    return SurveyResult(live, trash, sorted(losses))


def unfit(staging: Staging, catalogue: Catalogue, workspace: int, go_on: GoOn) -> list[Loss]:
    """What a folder on this file system cannot have, by name. A file is staged and removed there.

    Raises:
        ProblemError: the folder cannot be written; what `go_on` raises.
    """
    root = staging.root
    losses = _of_times(staging)
    folds = root.folds_names()
    refused: dict[str, bool] = {}
    pending = [""]
    while pending:
        go_on()
        folder, taken = pending.pop(), dict[str, str]()
        for held in catalogue.listing(workspace, folder):
            name = held.entry.name
            path = paths.join(folder, name)
            if held.entry.kind == FOLDER:
                pending.append(path)
            for character in sorted(_REFUSED_SOMEWHERE.intersection(name)):
                if character not in refused:
                    refused[character] = not _takes(staging, f"a{character}b")
                if refused[character]:
                    why = f"the file system of the folder takes no name with {character!r}"
                    losses.append(Loss(path, why, True))
            if folds and (other := taken.setdefault(name.casefold(), name)) != name:
                why = f"the file system of the folder takes it and {other!r} for one name"
                losses.append(Loss(path, why, True))
    return sorted(losses)


def _of_times(staging: Staging) -> list[Loss]:
    """Whether files keep their times and modes there."""
    staged = staging.write(Offer("probe", 1, _PROBE_TIME, _PROBE_MODE, 0, 0, ""), memoryview(b"x"))
    staging.discard(staged)
    losses = []
    if staged.mtime_ns != _PROBE_TIME:
        losses.append(Loss("", "the file system of the folder does not keep times exactly", True))
    if staged.mode != _PROBE_MODE:
        losses.append(Loss("", "the file system of the folder does not keep modes", True))
    return losses


def _takes(staging: Staging, name: str) -> bool:
    """Whether a name can be there."""
    system = staging.root.system
    try:
        os.close(system.create(staging.fd, name))
        system.unlink(staging.fd, name)
    except (OSError, ProblemError):
        return False
    return True
