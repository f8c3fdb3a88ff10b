"""What is found of versions, and what must be called a loss: the judge is itself judged."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from tests.shared_bucket.diary import UNKNOWN, Diary, Removal, Side, Version
from tests.shared_bucket.verdict import Fate, Findings, Row, judge

BUCKET, FOLDER, SERVER = Side.BUCKET, Side.FOLDER, Side.SERVER
PATH = "notes/1.dat"


class Case(NamedTuple):
    """One version `v`, which was written on a side from 100 s to 101 s, and what is known of it.

    current  the sides on which it is a file
    kept     the sides on which it is in the trash, or an older version
    """

    name: str
    fate: Fate
    side: Side = BUCKET
    current: Sequence[Side] = ()
    kept: Sequence[Side] = ()
    removals: Sequence[Removal] = ()
    history: Sequence[Row] = ()
    excused: bool = True
    wrong: int = 0


def by_person(side: Side, start: float, removed: str = UNKNOWN, path: str = PATH) -> Removal:
    return Removal("rclone", side, path, start, start + 1, removed, below=path != PATH)


def row(kind: str, time: float, content: str = "v", side: Side = BUCKET) -> Row:
    return Row(side, kind, time, PATH, content)


UP, DOWN = row("uploaded", 110), row("downloaded", 110)
CASES = (
    Case("it is there", Fate.CURRENT, current=(BUCKET,)),
    Case("it is an older version", Fate.KEPT, kept=(BUCKET,)),
    Case("its writer replaced it", Fate.BY_PEOPLE, removals=(by_person(BUCKET, 105),)),
    Case("a folder was synced", Fate.BY_PEOPLE, removals=(by_person(BUCKET, 105, path="notes"),)),
    Case("what wrote it did not remove it", Fate.LOST,
         removals=(by_person(BUCKET, 100),), wrong=1),
    Case("removed before it came", Fate.LOST, removals=(by_person(BUCKET, 98),), wrong=1),
    Case("another file was removed", Fate.LOST, removals=(by_person(BUCKET, 105, "w"),), wrong=1),
    Case("nobody did it", Fate.LOST, wrong=1),
    Case("in a moment", Fate.MOMENT, history=(row("uploaded", 103, "w"),)),
    Case("in a moment of a deletion", Fate.MOMENT, history=(row("deleted", 103, ""),)),
    Case("not where nothing is excused", Fate.LOST,
         history=(row("uploaded", 103, "w"),), excused=False, wrong=1),
    Case("the upload was long before", Fate.LOST, history=(row("uploaded", 99, "w"),), wrong=1),
    Case("it had been fetched", Fate.LOST,
         history=(DOWN, row("uploaded", 115, "w")), wrong=1),
    Case("it came and is in the trash there", Fate.KEPT, history=(DOWN,), kept=(FOLDER,),
         removals=(by_person(BUCKET, 105),)),
    Case("the bucket's trash lacks it", Fate.KEPT, side=FOLDER, history=(UP,), kept=(FOLDER,),
         wrong=1),
    Case("people removed it on both sides", Fate.BY_PEOPLE, side=FOLDER, history=(UP,),
         removals=(by_person(FOLDER, 120, "v"), by_person(BUCKET, 120))),
    Case("only here", Fate.LOST, side=FOLDER, history=(UP,),
         removals=(by_person(FOLDER, 120, "v"),), wrong=1),
    Case("nobody says how it came", Fate.KEPT, side=SERVER, kept=(SERVER, FOLDER), wrong=1),
    Case("the other job says it", Fate.KEPT, side=SERVER, kept=(SERVER, FOLDER),
         history=(row("downloaded", 110, side=SERVER),)),
    Case("it was cut off on its way", Fate.KEPT, side=FOLDER, kept=(BUCKET, FOLDER),
         history=(row("error", 110),)),
    Case("both had it", Fate.KEPT, side=FOLDER, kept=(FOLDER, BUCKET),
         history=(row("adopted", 110),)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_became_of_a_version(case: Case) -> None:
    diary = Diary()
    diary.wrote(Version("v", 10, "rclone", case.side, PATH, 100, 101))
    for one in case.removals:
        diary.removed(one)
    # What is a file is one on all sides: else both sides would differ, which is another fault.
    everywhere = {side: {"x": "v"} if case.current else {} for side in Side}
    history = [*case.history]
    if case.current:
        history += [row("uploaded", 100.5, side=SERVER), row("downloaded", 100.5)]
    kept = {side: frozenset({"v"} if side in case.kept else ()) for side in Side}
    verdict = judge(diary, Findings(everywhere, kept, history, case.excused))
    assert verdict.fates == {case.fate: 1}
    assert len(verdict.wrong) == case.wrong, verdict.wrong
    assert len(verdict.moments) == (case.fate is Fate.MOMENT)


def test_sides_that_differ_are_wrong() -> None:
    current = {FOLDER: {"a": "1", "b": "2"}, SERVER: {"a": "1"}, BUCKET: {"a": "3", "b": "2"}}
    none: dict[Side, frozenset[str]] = {side: frozenset() for side in Side}
    verdict = judge(Diary(), Findings(current, none, [], excused=False))
    assert verdict.wrong == [
        "b is not the same in the folder and on the server",
        "a is not the same in the folder and on the bucket",
    ]
