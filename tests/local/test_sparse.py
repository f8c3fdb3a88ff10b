"""Files with holes: what is a hole at the source is one at the destination."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.read import FolderSource, hash_file, is_blank
from cargo_sync.local.root import Root
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.model.entries import Entry
from cargo_sync.model.transfers import Offer
from cargo_sync.trees.pump import pump
from tests.local.samples import RUN, LooseJudge, offer, present

MIB = 2**20
SIZE = 3 * 2**30
DATA = 2**30 + 4096
PIECE = b"data" * 1024
ROOM = 256 * 1024
"""Bytes that a file with little data may take on any file system."""


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on the disk of the tests, and one in memory: their holes are told otherwise."""
    if request.param == "disk":
        yield tmp_path
        return
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        pytest.skip("there is no /dev/shm")
    top = memory / f"cargo-sparse-{os.getpid()}"
    top.mkdir()
    try:
        yield top
    finally:
        for path in sorted(top.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        top.rmdir()


@pytest.fixture
def ends(place: Path) -> Iterator[tuple[Root, Root]]:
    roots = []
    for name in ("from", "to"):
        (place / name).mkdir()
        roots.append(Root.open(str(place / name)))
    yield roots[0], roots[1]
    for root in roots:
        root.close()


def sparse(path: Path, size: int, *data: int) -> None:
    with path.open("wb") as file:
        for at in data:
            os.pwrite(file.fileno(), PIECE, at)
        file.truncate(size)
    if path.stat().st_blocks * 512 > len(data) * ROOM:
        pytest.skip("this file system has no holes")


def offered(root: Root, name: str) -> Offer:
    entry = present(root, name)
    made = offer(name)._replace(
        size=entry.size, mtime_ns=entry.mtime_ns, version=entry.version, ident=entry.ident
    )
    return made._replace(holes=FolderSource(root).holes(made))


def sink_of(root: Root, checkpoints: MemoryCheckpoints | None = None) -> FolderSink:
    staging = Staging(root, checkpoints or MemoryCheckpoints(), SpaceLedger())
    return FolderSink(staging, LooseJudge(), RUN)


def hashed(root: Root, name: str) -> str:
    return hash_file(root, name, present(root, name))


@pytest.mark.parametrize(
    "data", [(), (0,), (DATA,), (SIZE - 4096,), (0, 5 * MIB, 5 * MIB + 8192, SIZE - 4096)]
)
def test_a_hole_stays_a_hole(ends: tuple[Root, Root], place: Path, data: tuple[int, ...]) -> None:
    here, there = ends
    sparse(place / "from" / "image", SIZE, *data)
    [receipt] = pump(FolderSource(here), sink_of(there), 1, [offered(here, "image")])
    assert receipt.code == "done"
    arrived = place / "to" / "image"
    assert arrived.stat().st_size == SIZE
    assert arrived.stat().st_blocks * 512 <= (len(data) or 1) * ROOM
    with arrived.open("rb") as file:
        assert all(os.pread(file.fileno(), len(PIECE), at) == PIECE for at in data)
    assert hashed(here, "image") == hashed(there, "image") == receipt.hash


def test_a_hash_does_not_tell_holes_from_zeros(ends: tuple[Root, Root], place: Path) -> None:
    here, _ = ends
    size = 130 * MIB
    sparse(place / "from" / "holes", size, 70 * MIB)
    with (place / "from" / "zeros").open("wb") as file:
        file.write(bytes(70 * MIB))
        file.write(PIECE)
        file.write(bytes(size - 70 * MIB - len(PIECE)))
    assert hashed(here, "holes") == hashed(here, "zeros")
    assert not is_blank(here, "holes", present(here, "holes"))
    sparse(place / "from" / "empty", size)
    assert is_blank(here, "empty", present(here, "empty"))


def test_it_goes_on_in_a_hole_after_a_cut(ends: tuple[Root, Root], place: Path) -> None:
    here, there = ends
    sparse(place / "from" / "image", SIZE, 0, DATA)
    known, one = MemoryCheckpoints(), offered(here, "image")
    first = sink_of(there, known)
    [want] = first.begin(1, [one])
    assert want.code == "all"
    first.part(1, 0, 0, memoryview(PIECE))
    first.hole(1, 0, 4096, 2**29)
    first.close()
    [staged] = (place / "to" / ".cargo_sync" / "staging").iterdir()
    os.truncate(staged, DATA)  # what was not recorded may be there, or not
    with staged.open("r+b") as file:
        os.pwrite(file.fileno(), b"left behind", 2**29 + 2 * MIB)

    again = sink_of(there, known)
    [receipt] = pump(FolderSource(here), again, 1, [one])
    assert receipt.code == "done"
    assert hashed(here, "image") == hashed(there, "image") == receipt.hash
    assert (place / "to" / "image").stat().st_blocks * 512 <= 4 * ROOM


def test_what_was_a_hole_and_is_none_any_more_is_sent_again(
    ends: tuple[Root, Root], place: Path
) -> None:
    here, there = ends
    sparse(place / "from" / "image", SIZE, DATA)
    known, one = MemoryCheckpoints(), offered(here, "image")
    first = sink_of(there, known)
    first.begin(1, [one])
    first.hole(1, 0, 0, 2**29)
    first.close()
    [staged] = (place / "to" / ".cargo_sync" / "staging").iterdir()
    with staged.open("r+b") as file:
        os.pwrite(file.fileno(), b"damage", 12345)
    assert [want.code for want in sink_of(there, known).begin(1, [one])] == ["all"]


def test_a_hole_needs_no_room(ends: tuple[Root, Root], place: Path) -> None:
    here, there = ends
    huge = 2**43
    try:
        sparse(place / "from" / "image", huge, 0)
    except OSError:
        pytest.skip("this file system has no files of 8 TiB")
    one = offered(here, "image")
    assert huge - ROOM <= one.holes <= huge
    [refused] = pump(FolderSource(here), sink_of(there), 1, [one._replace(holes=0)])
    assert refused.code == "disk_full"
    [receipt] = pump(FolderSource(here), sink_of(there), 2, [one])
    assert receipt.code == "done"
    assert (place / "to" / "image").stat().st_size == huge


def test_holes_are_only_looked_for_where_blocks_are_missing(
    ends: tuple[Root, Root], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = ends
    (place / "from" / "dense").write_bytes(b"x" * 2 * MIB)
    monkeypatch.setattr("cargo_sync.local.read.extent", None)
    assert hashed(here, "dense")
    gone: Entry = present(here, "dense")._replace(name="gone")
    assert FolderSource(here).holes(offer(gone.name)) == 0
