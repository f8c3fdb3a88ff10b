import os
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local.read import FileState, FolderSource, hash_file, open_file
from cargo_sync.local.root import Root
from cargo_sync.model.problems import Problem, ProblemError, changed, changed_while_read
from cargo_sync.model.transfers import Offer, Unread
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
    unread = FolderSource(root).read([offer], [memoryview(bytearray(offer.size))])
    assert set(os.listdir("/dev/fd")) <= before
    expected = {"removed": "vanished", "linked": "symlink"}.get(change, "changed")
    assert unread is not None and unread.problem is not None
    for problem in (error.value.problem, unread.problem):
        assert (problem.code, problem.path) == (expected, "file")


def test_whole_files_are_read_up_to_the_first_that_fails(root: Root, top: Path) -> None:
    for folder in ("a", "b"):
        (top / folder).mkdir()
    names = ["a/1", "a/empty", "b/2", "b/gone", "a/3"]
    for name in names:
        (top / name).write_bytes(b"" if name == "a/empty" else name.encode())
    offers = [offered(root, name) for name in names]
    views = [memoryview(bytearray(offer.size)) for offer in offers]
    assert FolderSource(root).read(offers, views) is None
    assert [bytes(view) for view in views] == [b"a/1", b"", b"b/2", b"b/gone", b"a/3"]
    (top / "b" / "gone").unlink()
    (top / "a" / "1").write_bytes(b"new")
    before = set(os.listdir("/dev/fd"))
    for start, index, code in ((0, 0, "changed"), (1, 2, "vanished")):
        unread = FolderSource(root).read(offers[start:], views[start:])
        assert unread is not None and unread.problem is not None
        assert (unread.number, unread.problem.code) == (index, code)
    assert set(os.listdir("/dev/fd")) == before
    for name in ("a/..", "a/\0", "..", "../a/3"):
        unread = FolderSource(root).read([offers[2]._replace(path=name)], [views[2]])
        assert unread is not None and unread.problem is not None
        assert unread.problem.code == "bad_path"


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_file_that_changes_while_it_is_read_is_not_sent(
    root: Root, top: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel gives the file in pieces; it is whole only if nobody wrote to it meanwhile."""
    (top / "file").write_bytes(b"0123")
    offer, view = offered(root, "file"), memoryview(bytearray(4))
    real = os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, views, at: real(fd, [views[0][:at_once]], at))
    assert FolderSource(root).read([offer], [view]) is None
    assert bytes(view) == b"0123"

    def written(fd: int, views: list[memoryview], at: int) -> int:
        with open(top / "file", "r+b") as file:
            file.write(b"4")
        return real(fd, views, at)

    monkeypatch.setattr(os, "preadv", written)
    assert FolderSource(root).read([offer], [view]) == Unread(0, changed("file"))


def test_a_file_that_the_kernel_does_not_give_whole_is_not_sent(
    root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "file").write_bytes(b"0123")
    offer, view = offered(root, "file"), memoryview(bytearray(4))
    given = iter([2, 0])
    monkeypatch.setattr(os, "preadv", lambda *_: next(given))
    assert FolderSource(root).read([offer], [view]) == Unread(0, changed_while_read("file"))


def test_nothing_is_taken_out_of_a_pipe_at_the_place_of_a_file(root: Root, top: Path) -> None:
    (top / "file").write_bytes(b"0123")
    offer, view = offered(root, "file"), memoryview(bytearray(4))
    (top / "file").unlink()
    os.mkfifo(top / "file")
    pipe = os.open(top / "file", os.O_RDWR)
    os.write(pipe, b"4567")
    assert FolderSource(root).read([offer], [view]) == Unread(0, changed("file"))
    assert os.read(pipe, 4) == b"4567"
    os.close(pipe)


@pytest.mark.parametrize(
    ("there", "code", "words"),
    [
        ("nothing", "vanished", "'a/file' does not exist"),
        ("a file", "not_a_folder", "'a/file' has a file where a folder is needed"),
        ("a link", "symlink", "'a/file' leads through a symbolic link, which is never followed"),
    ],
)
def test_a_problem_of_a_folder_names_the_file_that_cannot_be_read(
    root: Root, top: Path, there: str, code: str, words: str
) -> None:
    (top / "a").mkdir()
    (top / "a" / "file").write_bytes(b"0123")
    offer, view = offered(root, "a/file"), memoryview(bytearray(4))
    (top / "a").rename(top / "b")
    if there == "a file":
        (top / "a").touch()
    elif there == "a link":
        (top / "a").symlink_to("b")
    unread = FolderSource(root).read([offer], [view])
    assert unread is not None and unread.problem is not None
    problem = unread.problem
    assert (problem.code, problem.message, problem.path) == (code, words, "a/file")


def test_a_server_translates_its_offers(root: Root, top: Path) -> None:
    (top / "file").write_bytes(b"content")
    entry = present(root, "file")
    state = (entry.size, entry.mtime_ns, entry.version, entry.ident)
    known: dict[str, FileState | Problem] = {"file": state}
    source = FolderSource(root, lambda offers: [known[offer.path] for offer in offers])
    offer = Offer("file", 7, 0, 0o644, version=42, ident=99, transfer="")
    view = memoryview(bytearray(7))
    source.open(offer).close()
    assert source.read([offer], [view]) is None
    known["file"] = changed("file")
    with pytest.raises(ProblemError) as error:
        source.open(offer)
    assert error.value.problem.code == "changed"
    assert source.read([offer], [view]) == Unread(0, changed("file"))


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
