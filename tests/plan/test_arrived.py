"""What may be what was sent: only a file of the same content, where the local one has changed."""

from dataclasses import dataclass

import pytest

from cargo_sync.model.agreed import Agreed, agree
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, Entry
from cargo_sync.plan.arrived import may_be_what_was_sent

HASH, OTHER = "a" * 64, "b" * 64
SENT = Entry("x", FILE, 5, 1, 0o644, 7, 70, HASH)
NOW = SENT._replace(size=9, mtime_ns=2, version=8, hash="")
THERE = Entry("x", FILE, 5, 1, 0o644, 3, 30, HASH)


@dataclass(frozen=True)
class Case:
    """What is here, there, and agreed on, and whether what is there may be ours."""

    what: str
    expected: bool
    near: Entry | None = NOW
    far: Entry | None = THERE
    base: Agreed | None = None


BEFORE = agree(SENT._replace(version=6), THERE._replace(version=2), OTHER)
CASES = [
    Case("its hash says it", True),
    Case("only its hash can say it", True, far=THERE._replace(hash="")),
    Case("it has replaced what was agreed on", True, base=BEFORE),
    Case("another content of the same size", False, far=THERE._replace(hash=OTHER)),
    Case("another size", False, far=THERE._replace(hash="", size=6)),
    Case("a damaged file", False, far=THERE._replace(hash=DAMAGED)),
    Case("a folder", False, far=THERE._replace(kind=FOLDER, size=0, hash="")),
    Case("nothing is there", False, far=None),
    Case("what was there before", False, base=agree(SENT, THERE, HASH)),
    Case("the local file is as it was sent", False, near=SENT._replace(hash="")),
    Case("the local file is gone", False, near=None),
    Case("a folder is in its place here", False, near=NOW._replace(kind=FOLDER)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_may_be_ours(case: Case) -> None:
    assert may_be_what_was_sent(SENT, case.near, case.far, case.base) is case.expected
