"""Which of two names that a file system does not tell apart must wait."""

import pytest

from cargo_sync.model.agreed import Agreed, AgreedColumns
from cargo_sync.model.entries import FILE, Entry, EntryColumns
from cargo_sync.plan.collisions import collisions

NFC, NFD = "caf\u00e9", "cafe\u0301"


def listing(names: str) -> EntryColumns:
    return EntryColumns.of([Entry(name, FILE) for name in sorted(names.split())])


def agreed(names: str) -> AgreedColumns:
    return AgreedColumns.of(tuple(Agreed(name, FILE) for name in sorted(names.split())))


@pytest.mark.parametrize(
    ("source", "there", "base", "waiting"),
    [
        ("a b", "", "", {}),
        ("A a", "", "", {"a": "A"}),
        ("A a", "a", "", {"A": "a"}),
        ("A a", "a", "a", {"A": "a"}),
        ("A a", "A", "A", {"a": "A"}),
        ("A a", "A", "A a", {}),
        ("a", "A", "", {"a": "A"}),
        ("a", "A", "A", {}),
        ("a", "a", "", {}),
        (f"{NFC} {NFD}", "", "", {NFC: NFD}),
        (NFC, NFD, "", {NFC: NFD}),
        ("STRASSE straße", "", "", {"straße": "STRASSE"}),
        ("X x Y y", "x", "Y", {"X": "x", "y": "Y"}),
    ],
)
def test_the_later_name_waits(source: str, there: str, base: str, waiting: dict[str, str]) -> None:
    assert collisions(listing(source), listing(there), agreed(base)) == waiting
