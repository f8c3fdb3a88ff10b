import os
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local.read import FolderSource, hash_file, open_file
from cargo_sync.local.root import Root
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from tests.local.samples import present


def offered(root: Root, path: str) -> Offer:
    entry = present(root, path)
    return Offer(path, entry.size, entry.mtime_ns, entry.mode, entry.version, entry.ident, "")


def test_a_file_is_read_at_any_offset(root: Root, top: Path) -> None:
    (top / "file").write_bytes(b"0123456789")
    reader = FolderSource(root).open(offered(root, "file"))
    buffer = memoryview(bytearray(4))
    assert [(reader.read_into(buffer, at), bytes(buffer)) for at in (0, 4)] == [
        (4, b"0123"),
        (4, b"4567"),
    ]
    assert reader.read_into(buffer, 8) == 2
    assert reader.read_into(buffer, 10) == 0
    assert reader.unchanged()
    with open(top / "file", "ab") as file:
        file.write(b"more")
    assert not reader.unchanged()
    reader.close()


@pytest.mark.parametrize("at_once", [1, 3, 5])
def test_a_file_is_read_whole_although_the_kernel_gives_it_in_pieces(
    root: Root, top: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "file").write_bytes(b"0123456789")
    reader = FolderSource(root).open(offered(root, "file"))
    real = os.preadv
    monkeypatch.setattr(
        os, "preadv", lambda fd, views, offset: real(fd, [views[0][:at_once]], offset)
    )
    buffer = memoryview(bytearray(12))
    assert reader.read_into(buffer, 0) == 10
    assert bytes(buffer[:10]) == b"0123456789"
    reader.close()


@pytest.mark.parametrize("change", ["written", "touched", "replaced", "removed", "linked", "piped"])
def test_only_what_was_offered_is_opened(root: Root, top: Path, change: str) -> None:
    file = top / "file"
    file.write_bytes(b"content")
    offer = offered(root, "file")
    if change == "written":
        file.write_bytes(b"CONTENT")
        os.utime(file, ns=(offer.mtime_ns, offer.mtime_ns))
    elif change == "touched":
        os.utime(file, ns=(1, 1))
    else:
        file.rename(top / "moved")
    if change == "replaced":
        file.write_bytes(b"content")
        os.utime(file, ns=(offer.mtime_ns, offer.mtime_ns))
    elif change == "linked":
        file.symlink_to("moved")
    elif change == "piped":
        os.mkfifo(file)
    root.listing("")  # the root's own descriptor is open
    before = set(os.listdir("/dev/fd"))
    with pytest.raises(ProblemError) as error:
        FolderSource(root).open(offer)
    assert set(os.listdir("/dev/fd")) <= before
    expected = {"removed": "vanished", "linked": "symlink"}.get(change, "changed")
    assert error.value.problem.code == expected
    assert error.value.problem.path == "file"


def test_a_server_translates_its_offers(root: Root, top: Path) -> None:
    (top / "file").write_bytes(b"content")
    known: dict[str, Entry | None] = {"file": present(root, "file")}
    source = FolderSource(root, lambda offer: known[offer.path])
    offer = Offer("file", 7, 0, 0o644, version=42, ident=99, transfer="")
    source.open(offer).close()
    known["file"] = None
    with pytest.raises(ProblemError) as error:
        source.open(offer)
    assert error.value.problem.code == "changed"


def test_a_folder_moved_away_since_does_not_hide_the_one_that_is_there(
    root: Root, top: Path
) -> None:
    (top / "a").mkdir()
    (top / "a" / "file").write_text("old")
    open_file(root, "a/file", present(root, "a/file")).close()
    (top / "a").rename(top / "b")
    (top / "a").mkdir()
    (top / "a" / "file").write_text("new")
    with Root.open(str(top)).folder("a") as folder:
        entry = root.look(folder, "file")
    assert entry is not None
    assert hash_file(root, "a/file", entry) == blake3(b"new").hexdigest()


@pytest.mark.parametrize("size", [0, 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_hashes(root: Root, top: Path, size: int) -> None:
    content = os.urandom(size)
    (top / "file").write_bytes(content)
    assert hash_file(root, "file", present(root, "file")) == blake3(content).hexdigest()


def test_a_file_that_changes_while_it_is_hashed_has_no_hash(
    root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "file").write_bytes(bytes(3 * 2**20))
    entry = present(root, "file")
    real = os.preadv

    def preadv(fd: int, buffers: list[memoryview], offset: int) -> int:
        if offset == 2**20:
            with open(top / "file", "r+b") as file:
                file.write(b"changed")
        return real(fd, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    with pytest.raises(ProblemError) as error:
        hash_file(root, "file", entry)
    assert error.value.problem.code == "changed"
