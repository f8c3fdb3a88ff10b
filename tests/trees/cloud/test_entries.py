"""What OpenDAL tells becomes entries; keys that it would take for others are left out."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.problems import Code
from cargo_sync.trees.cloud.entries import entry_of, listing_of, shows_changes

TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


@dataclass
class Told:
    content_length: int = 3
    etag: str | None = None
    last_modified: datetime | None = TIME
    is_dir: bool = False


@dataclass
class Named:
    path: str
    metadata: Told


def named(*some: str) -> list[Named]:
    return [Named(path, Told(is_dir=path.endswith("/"))) for path in some]


@pytest.mark.parametrize(
    ("folder", "told", "names", "codes"),
    [
        ("", ["/", "x", "f/", ".cargo_sync/"], ["x", "f"], []),
        ("a", ["a/", "a/x", "a/.cargo_sync"], ["x"], []),
        ("a", ["a//", "a/x"], ["x"], [Code.BAD_PATH]),
        ("", ["//", "x"], ["x"], [Code.BAD_PATH]),
        ("", [" x", "y ", "z\t", "f /", "g"], ["g"], [Code.BAD_PATH] * 4),
        ("a", ["a/ x", "a/x "], [" x"], [Code.BAD_PATH]),
        ("a", ["a/../", "a/.", "a/x"], ["x"], [Code.BAD_NAME] * 2),
        ("a", ["a/" + "n" * 256], [], [Code.BAD_NAME]),
        ("a", ["a/x\0y"], [], [Code.BAD_NAME]),
        ("a", ["a/x", "a/x/"], ["x"], [Code.NAME_COLLISION]),
        ("a", ["a/x/", "a/x"], ["x"], [Code.NAME_COLLISION]),
        ("a", ["elsewhere/x"], [], [Code.BAD_NAME]),
    ],
)
def test_a_listing_has_what_can_be_used(
    folder: str, told: list[str], names: list[str], codes: list[Code]
) -> None:
    listed = listing_of(folder, named(*told), hidden=".cargo_sync")
    assert [entry.name for entry in listed.entries] == names
    assert [problem.code for problem in listed.problems] == codes
    if Code.NAME_COLLISION in codes:
        assert listed.entries[0].kind == FOLDER, "a folder hides an object"


def test_a_version_is_of_the_etag_else_of_size_and_time() -> None:
    one = entry_of("a/x", Told(etag='"1"'))
    assert (one.name, one.kind, one.size) == ("x", FILE, 3)
    assert one.mtime_ns == 1_767_323_045_678_901_000
    assert entry_of("x", Told(etag="W/1", last_modified=None)).version == one.version
    others = [Told(etag="2"), Told(4, etag="1"), Told(), Told(4), Told(last_modified=None)]
    versions = {entry_of("x", other).version for other in others} | {one.version}
    assert len(versions) == len(others) + 1 and not versions & {0, 1}
    assert [shows_changes(other) for other in others] == [True, True, True, True, False]
