"""What became of each version. It only decides.

On each side on which a version ever was it must still be, as a file, in the trash or as an older
version of the bucket, unless a person has removed it there. One exception there is where a bucket
keeps no versions and obeys no conditions: what somebody wrote there in the moment between a look of
the job and its PUT or DELETE. The history has a row of that PUT or DELETE at the same path.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.shared_bucket.diary import UNKNOWN, Diary, Removal, Side, Version

MOMENT: Final = 120.0
"""Seconds within which the history has the job's PUT after what fell into the moment before it: a
batch of files is recorded when the last one of it has come."""
_SOON: Final = 2.0
"""Seconds between the end of a batch and its rows, at most."""

_INTO: Final[Mapping[str, Sequence[Side | None]]] = {
    "uploaded": [None],
    "downloaded": [Side.FOLDER],
    "adopted": [Side.FOLDER, None],  # both had it, and nobody had noted how
    "error": [None],  # with a hash: it was cut off while it was sent, and may have come
}
"""Where a content is after a row of a kind; None is the job's other side."""


class Fate(StrEnum):
    """What became of a version."""

    CURRENT = "a file at the end"
    KEPT = "in a trash, or an older version"
    BY_PEOPLE = "people removed it wherever it was"
    MOMENT = "lost between a look and its PUT"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the history.

    side     the other side of the job
    seconds  that its batch took until then, 0 if nothing was moved
    hash     of the content, "" if the row has none
    """

    side: Side
    kind: str
    time: float
    path: str
    hash: str = ""
    seconds: float = 0.0
    message: str = ""

    def __str__(self) -> str:
        return (
            f"{self.time:.3f} {self.side} {self.kind} {self.path} {self.hash[:12]} {self.message}"
        )


@dataclass(frozen=True)
class Findings:
    """What is there at the end.

    current   hashes of files by their path, on each side
    kept      hashes in the trash, and of older versions
    history   of both jobs, oldest first
    excused   what falls into the moment between a look and its PUT may be lost there
    """

    current: Mapping[Side, Mapping[str, str]]
    kept: Mapping[Side, frozenset[str]]
    history: Sequence[Row]
    excused: bool

    def has(self, side: Side, content: str) -> bool:
        """Whether a content is on a side, in whatever way."""
        return content in self.kept[side] or content in self.current[side].values()


@dataclass
class Verdict:
    """What became of all versions.

    fates      how many
    moments    what was lost in a moment, with the rows of the history
    wrong      what should never be
    """

    fates: dict[Fate, int] = field(default_factory=dict)
    moments: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def judge(diary: Diary, found: Findings) -> Verdict:
    """Looks for each version."""
    verdict = Verdict()
    places = _places(diary, found.history)
    removals = _by_content(diary.removals)
    for version in diary.versions.values():
        fate = _fate(version, places[version.hash], removals, diary, found, verdict)
        verdict.fates[fate] = verdict.fates.get(fate, 0) + 1
    verdict.wrong += _unexplained(diary, found, places)
    verdict.wrong += _different(found.current)
    return verdict


_Places = dict[Side, list[tuple[str, float]]]


def _places(diary: Diary, history: Iterable[Row]) -> Mapping[str, _Places]:
    """Where each version was, and since when: as it was written, and as the history says."""
    found: dict[str, _Places] = {
        one.hash: {one.side: [(one.path, one.start)]} for one in diary.versions.values()
    }
    for row in history:
        if row.hash not in found:
            continue
        since = row.time - row.seconds - _SOON
        for side in _INTO.get(row.kind, ()):
            found[row.hash].setdefault(side or row.side, []).append((row.path, since))
    return found


def _by_content(removals: Iterable[Removal]) -> Mapping[Side, Mapping[str, list[Removal]]]:
    found: dict[Side, dict[str, list[Removal]]] = {side: {} for side in Side}
    for one in removals:
        found[one.side].setdefault(one.removed, []).append(one)
    return found


def _fate(
    version: Version,
    places: _Places,
    removals: Mapping[Side, Mapping[str, list[Removal]]],
    diary: Diary,
    found: Findings,
    verdict: Verdict,
) -> Fate:
    by_job = []
    for side, at in places.items():
        if found.has(side, version.hash) or version.hash in removals[side]:
            continue
        unknown = [
            one
            for one in removals[side].get(UNKNOWN, [])
            if one.who != version.who or one.start > version.start  # not by what wrote it
        ]
        if not any(one.covers(path) and one.end >= since for one in unknown for path, since in at):
            by_job.append(side)
    is_there = [side for side in Side if found.has(side, version.hash)]
    if by_job:
        rows = _moment(version, found) if by_job == [version.side] == [Side.BUCKET] else []
        if rows and found.excused and not is_there:
            rows_told = "; ".join(map(str, rows))
            verdict.moments.append(f"{version} at {version.start:.3f}: {rows_told}")
            return Fate.MOMENT
        words = f"{', '.join(by_job)} had {version} and has it no more, and no person removed it"
        verdict.wrong.append(f"{words}; places: {places}; still at: {is_there}")
        if not is_there:
            return Fate.LOST
    if any(version.hash in found.current[side].values() for side in Side):
        return Fate.CURRENT
    return Fate.KEPT if is_there else Fate.BY_PEOPLE


def _moment(version: Version, found: Findings) -> list[Row]:
    """The rows of what the job did there, just after the version was written."""
    return [
        row
        for row in found.history
        if row.side is Side.BUCKET
        and row.kind in ("uploaded", "deleted", "moved")
        and row.path == version.path
        and version.start <= row.time <= version.end + MOMENT
    ]


def _unexplained(diary: Diary, found: Findings, places: Mapping[str, _Places]) -> Iterator[str]:
    """Versions that came to a side without a row of the history."""
    for version in diary.versions.values():
        for side in Side:
            if side not in places[version.hash] and found.has(side, version.hash):
                words = f"no row of the history says how {version} came to the {side}"
                rows = [str(row) for row in found.history if _is_near(row, version)]
                yield f"{words}; {version.side} had it at {version.start:.3f}: {rows}"


def _is_near(row: Row, version: Version) -> bool:
    """Whether a row may have to do with what became of a version."""
    is_soon = version.start - _SOON <= row.time <= version.end + MOMENT
    return row.hash == version.hash or (row.path == version.path and is_soon)


def _different(current: Mapping[Side, Mapping[str, str]]) -> Iterator[str]:
    """What is not alike on all sides at the end."""
    for side in (Side.SERVER, Side.BUCKET):
        ours, theirs = current[Side.FOLDER], current[side]
        for path in sorted(ours.keys() | theirs.keys()):
            if ours.get(path) != theirs.get(path):
                yield f"{path} is not the same in the folder and on the {side}"
