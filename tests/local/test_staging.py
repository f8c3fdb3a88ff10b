import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints, PartFile
from cargo_sync.local.root import Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import PLACE, Staging
from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.entries import BY_UMASK
from cargo_sync.model.problems import ProblemError
from tests.local.samples import MTIME, offer
from tests.local.systems import failing_in, recording, system

MIB = 2**20
BIG = b"".join(bytes([number]) * MIB for number in range(10))
"""10 MiB, each of them different."""


@pytest.fixture
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


@pytest.fixture
def staging(root: Root, checkpoints: MemoryCheckpoints) -> Iterator[Staging]:
    opened = Staging(root, checkpoints, SpaceLedger())
    yield opened
    opened.close()


def names(top: Path) -> list[str]:
    return sorted(os.listdir(top / ".cargo_sync" / "staging"))


def put(part: PartFile, *mebibytes: int) -> None:
    for number in mebibytes:
        part.write(number * MIB, memoryview(BIG)[number * MIB : (number + 1) * MIB])


def code(call: Callable[[], object]) -> str:
    with pytest.raises(ProblemError) as error:
        call()
    return error.value.problem.code


def test_nothing_is_made_before_something_is_staged(staging: Staging, top: Path) -> None:
    assert os.listdir(top) == []
    assert staging.sweep(MemoryAges(lambda: 0.0), 0.0) == 0
    assert os.listdir(top) == []


def test_a_small_file_is_staged_as_it_was_offered(staging: Staging, top: Path) -> None:
    staged = staging.write(offer("a/b", b"content", mode=0o6751), memoryview(b"content"))
    file = top / ".cargo_sync" / "staging" / staged.name
    found = file.stat()
    assert file.read_bytes() == b"content"
    assert (found.st_mtime_ns, found.st_mode & 0o7777) == (MTIME, 0o751), (
        "setuid and setgid are dropped"
    )
    assert staged == (
        "a/b",
        staged.name,
        found.st_ino,
        7,
        MTIME,
        blake3(b"content").hexdigest(),
        "",
        False,
        "",
        0o751,
        found.st_ctime_ns,
        b"",
    )
    for folder in (".cargo_sync", ".cargo_sync/staging"):
        assert (top / folder).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("umask", "mode", "file", "folder"),
    [
        (0o022, None, 0o644, 0o755),
        (0o002, None, 0o664, 0o775),
        (0o077, None, 0o600, 0o700),
        (0o000, None, 0o664, 0o775),
        (0o077, 0o644, 0o644, 0o744),
        (0o022, 0o777, 0o775, 0o775),
        (0o000, 0o666, 0o664, 0o764),
        (0o022, 0o7002, 0o000, 0o700),
    ],
)
def test_the_modes_of_what_is_made(
    staging: Staging, top: Path, umask: int, mode: int | None, file: int, folder: int
) -> None:
    """A mode that was given counts, without "writable for everybody"; otherwise the umask does."""
    before = os.umask(umask)
    try:
        given = BY_UMASK if mode is None else mode
        small = staging.write(offer("small", b"x", mode=given), memoryview(b"x"))
        large = staging.part(offer("large", b"y", mode=given))
        large.write(0, memoryview(b"y"))
        staging.root.make_folder("above/folder", mode)
    finally:
        os.umask(before)
    for staged in (small, large.finish()):
        found = (top / ".cargo_sync" / "staging" / staged.name).stat()
        assert found.st_mode & 0o7777 == file
    assert (top / "above" / "folder").stat().st_mode & 0o7777 == folder
    assert (top / "above").stat().st_mode & 0o7777 == 0o775 & ~umask


def test_a_part_whose_staging_was_closed_touches_no_other_folder(
    root: Root, checkpoints: MemoryCheckpoints, tmp_path: Path
) -> None:
    """The descriptor's number is soon that of another folder."""
    closed = Staging(root, checkpoints, SpaceLedger())
    part = closed.part(offer("file", b"12345"))
    part.write(0, memoryview(b"123"))
    other = Root.open(str(tmp_path), root.system)
    number = closed.fd
    closed.close()
    elsewhere = Staging(other, checkpoints, SpaceLedger())
    staged = elsewhere.write(offer("file", b"12345"), memoryview(b"12345"))
    os.dup2(elsewhere.fd, number)
    part.leave()
    assert names(tmp_path) == [staged.name]
    os.close(number)
    elsewhere.close()
    other.close()


def test_a_link_is_staged_word_for_word(staging: Staging, top: Path) -> None:
    staged = staging.link(offer("link", target="/etc/../etc//passwd"))
    assert os.readlink(top / ".cargo_sync" / "staging" / staged.name) == "/etc/../etc//passwd"


def test_names_that_were_left_behind_are_not_in_the_way(
    staging: Staging, root: Root, top: Path, checkpoints: MemoryCheckpoints
) -> None:
    first = staging.write(offer("a"), memoryview(b""))
    again = Staging(root, checkpoints, SpaceLedger()).write(offer("b", b"b"), memoryview(b"b"))
    assert names(top) == sorted((first.name, again.name))


def test_a_staging_folder_that_somebody_removed_is_made_again(staging: Staging, top: Path) -> None:
    staging.write(offer("a"), memoryview(b""))
    shutil.rmtree(top / ".cargo_sync")
    staged = staging.write(offer("b"), memoryview(b""))
    assert names(top) == [staged.name]
    shutil.rmtree(top / ".cargo_sync")
    part = staging.part(offer("big", BIG))
    put(part, *range(10))
    assert names(top) == [part.finish().name]
    shutil.rmtree(top / ".cargo_sync")
    link = staging.link(offer("link", target="x"))
    assert names(top) == [link.name]


def test_a_link_in_place_of_our_folder_is_refused(
    staging: Staging, top: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (top / ".cargo_sync").symlink_to(tmp_path / "outside")
    assert code(lambda: staging.write(offer("a"), memoryview(b""))) == "symlink"
    assert os.listdir(tmp_path / "outside") == []


@pytest.mark.parametrize("call", ["write", "utime", "chmod"])
def test_what_fails_leaves_nothing_behind(top: Path, kind: str, call: str) -> None:
    staging = Staging(
        Root.open(str(top), failing_in(kind, call, errno.ENOSPC)),
        MemoryCheckpoints(),
        SpaceLedger(),
    )
    assert (
        code(lambda: staging.write(offer("a", b"a", mode=0o666), memoryview(b"a"))) == "disk_full"
    )
    assert names(top) == []


def test_pieces_in_any_order_make_the_file(staging: Staging, top: Path) -> None:
    for order in (range(10), [3, 4, 5, 0, 1, 2, 9, 8, 7, 6]):
        part = staging.part(offer("big", BIG))
        for number in order:
            assert not part.complete
            put(part, number)
        staged = part.finish()
        assert staged.hash == blake3(BIG).hexdigest()
        assert staged.durable
        assert (top / ".cargo_sync" / "staging" / staged.name).read_bytes() == BIG
        staging.discard(staged)
    assert names(top) == []


def test_a_file_is_complete_only_when_covered_exactly(staging: Staging) -> None:
    part = staging.part(offer("big", BIG))
    put(part, *range(9))
    put(part, 8)
    assert code(part.finish) == "incomplete"
    with pytest.raises(ProblemError) as error:
        part.write(9 * MIB + 1, memoryview(bytes(MIB)))
    assert (error.value.problem.code, error.value.problem.retry) == ("protocol", False)
    part.drop()


def cut(staging: Staging, *mebibytes: int, path: str = "big", transfer: str = "") -> None:
    """A transfer that was cut after these pieces."""
    sent = offer(path, BIG, transfer=transfer)
    part = staging.part(sent)
    put(part, *mebibytes)
    part.checkpoint()
    part.leave()
    staging.release(sent.transfer)


def test_a_cut_transfer_goes_on_where_it_was(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    cut(staging, 0, 1, 2, 6)
    part = staging.part(offer("big", BIG))
    assert part.missing == ((3 * MIB, 6 * MIB), (7 * MIB, 10 * MIB))
    put(part, 3, 4, 5, 7, 8)
    part.checkpoint()
    part.leave()
    staging.release(offer("big").transfer)
    part = staging.part(offer("big", BIG))
    assert part.missing == ((9 * MIB, 10 * MIB),)
    put(part, 9)
    staged = part.finish()
    assert staged.hash == blake3(BIG).hexdigest()
    staging.published(staged)
    assert checkpoints.kept == {}


def test_what_came_after_the_last_checkpoint_is_fetched_again(staging: Staging) -> None:
    part = staging.part(offer("big", BIG))
    put(part, 0, 1)
    part.checkpoint()
    put(part, 2, 3)
    part.leave()
    staging.release(offer("big").transfer)
    assert staging.part(offer("big", BIG)).missing == ((2 * MIB, 10 * MIB),)


def test_a_span_that_rotted_is_fetched_again_and_only_that(staging: Staging, top: Path) -> None:
    cut(staging, 0, 1, 4, 5, 8)
    (name,) = names(top)
    with open(top / ".cargo_sync" / "staging" / name, "r+b") as file:
        file.seek(5 * MIB + 17)
        file.write(b"!")
    part = staging.part(offer("big", BIG))
    assert part.missing == ((2 * MIB, 8 * MIB), (9 * MIB, 10 * MIB))
    put(part, *range(2, 8), 9)
    assert part.finish().hash == blake3(BIG).hexdigest()


def test_nothing_counts_of_what_rotted_on_a_disk_that_cannot_be_read(
    staging: Staging, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(staging, 0, 1, 2)
    (name,) = names(top)
    with open(top / ".cargo_sync" / "staging" / name, "r+b") as file:
        file.write(b"!")
    real = os.preadv

    def preadv(fd: int, buffers: list[memoryview], at: int) -> int:
        if at == MIB:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, buffers, at)

    with monkeypatch.context() as patch:
        patch.setattr(os, "preadv", preadv)
        part = staging.part(offer("big", BIG))
    assert (part.missing, part.reached) == (((0, len(BIG)),), 0)
    put(part, *range(10))
    assert part.finish().hash == blake3(BIG).hexdigest()


@pytest.mark.parametrize("harm", ["truncated", "removed", "published", "linked"])
def test_a_staged_file_that_is_not_what_was_recorded_is_not_written_to(
    staging: Staging, top: Path, harm: str
) -> None:
    cut(staging, 0, 1, 2)
    (name,) = names(top)
    file = top / ".cargo_sync" / "staging" / name
    other = top / "other"
    if harm == "truncated":
        os.truncate(file, MIB)
    elif harm == "published":
        os.link(file, other)  # without renameat2, a crash between link and unlink
    else:
        file.rename(other)
    if harm == "linked":
        file.symlink_to(other)
    part = staging.part(offer("big", BIG))
    assert part.missing == ((0, len(BIG)),)
    put(part, *range(10))
    assert part.finish().hash == blake3(BIG).hexdigest()
    if other.exists():
        assert other.read_bytes() == BIG[: 3 * MIB]


@pytest.mark.parametrize("field", ["path", "size", "mtime_ns", "version", "ident"])
def test_another_version_of_the_source_begins_afresh(
    staging: Staging, checkpoints: MemoryCheckpoints, field: str, top: Path
) -> None:
    cut(staging, 0, 1, 2)
    first = offer("big", BIG)
    value = "other" if field == "path" else getattr(first, field) + 1
    part = staging.part(first._replace(**{field: value}))  # type: ignore[arg-type]
    assert part.missing[0][0] == 0
    assert checkpoints.kept == {}
    assert names(top) == []


def test_small_files_in_pieces_start_again(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    content = BIG[: RESUMABLE - 1]
    part = staging.part(offer("medium", content))
    part.write(0, memoryview(content)[: 3 * MIB])
    part.checkpoint()
    part.leave()
    assert checkpoints.kept == {}
    assert names(top) == []


def test_content_is_on_the_disk_before_it_is_recorded(top: Path, kind: str) -> None:
    on, calls = recording(kind)

    class Recording(MemoryCheckpoints):
        def put(self, checkpoint: object) -> None:
            calls.append("recorded")

    part = Staging(Root.open(str(top), on), Recording(), SpaceLedger()).part(offer("big", BIG))
    put(part, 0, 1)
    del calls[:]
    part.checkpoint()
    part.checkpoint()
    assert calls == ["datasync", "recorded"], "and nothing when nothing came"


def test_after_a_failed_sync_nothing_of_it_counts(top: Path, kind: str) -> None:
    checkpoints = MemoryCheckpoints()
    staging = Staging(
        Root.open(str(top), failing_in(kind, "datasync", errno.EIO)), checkpoints, SpaceLedger()
    )
    part = staging.part(offer("big", BIG))
    put(part, 0)
    assert code(part.checkpoint) == "disk_error"
    assert (names(top), checkpoints.kept) == ([], {})


def test_what_has_arrived_outlives_a_moment_without_descriptors(top: Path, kind: str) -> None:
    checkpoints, short = MemoryCheckpoints(), False

    def on_call(name: str) -> None:
        if short and name == "reopen":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    staging = Staging(Root.open(str(top), system(kind, on_call)), checkpoints, SpaceLedger())
    cut(staging, 0, 1, 2)
    short = True
    assert code(lambda: staging.part(offer("big", BIG))) == "no_descriptors"
    short = False
    part = staging.part(offer("big", BIG))
    put(part, 3)
    part.pause()
    short = True
    assert code(part.checkpoint) == "no_descriptors"
    part.leave()
    staging.release(offer("big").transfer)
    short = False
    part = staging.part(offer("big", BIG))
    assert part.missing == ((3 * MIB, 10 * MIB),)
    put(part, *range(3, 10))
    part.checkpoint()
    part.leave()
    staging.release(offer("big").transfer)
    part = staging.part(offer("big", BIG))
    assert part.complete
    short = True
    assert code(part.finish) == "no_descriptors"
    short = False
    assert part.finish().hash == blake3(BIG).hexdigest()


def test_one_transfer_is_under_way_once(staging: Staging) -> None:
    part = staging.part(offer("big", BIG))
    assert code(lambda: staging.part(offer("big", BIG))) == "busy"
    part.drop()
    staging.release(offer("big").transfer)
    assert staging.part(offer("big", BIG)).missing


FIRST, SECOND, THIRD = (f"{'a' * 16}{number:04x}{'5' * 12}" for number in (1, 2, 3))
"""Ids of one file's versions."""


def test_the_part_that_another_version_gave_up_is_removed_when_that_begins(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    others = {"b" * 16 + FIRST[16:]: "big", "a" * 16 + "0000" + "5" * 12: "beside"}
    for transfer, path in {FIRST: "big", **others}.items():
        cut(staging, 0, 1, path=path, transfer=transfer)
    cut(staging, 0, transfer=SECOND)
    assert set(checkpoints.kept) == {SECOND, *others}
    assert names(top) == sorted(f"{transfer}.part" for transfer in checkpoints.kept)
    cut(staging, 0, transfer=FIRST)  # what comes late from a dead connection
    assert SECOND in checkpoints.kept, "an earlier version takes nothing from a later one"


def test_a_part_that_is_being_written_is_removed_when_the_later_version_is_in_its_place(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    old = staging.part(offer("big", BIG, transfer=FIRST))
    put(old, 0)
    old.checkpoint()
    new = staging.part(offer("big", BIG, transfer=SECOND))
    put(old, 1)
    old.checkpoint()
    old.leave()
    assert names(top) == [f"{FIRST}.part"], "its flow goes on until it notices the cut"
    staging.release(FIRST)
    put(new, *range(10))
    staging.published(new.finish())
    assert names(top) == [f"{SECOND}.part"]  # nobody has moved it to its place here
    assert checkpoints.kept == {}


def test_a_part_in_the_staging_of_another_folder_is_not_touched(
    staging: Staging, checkpoints: MemoryCheckpoints, tmp_path: Path
) -> None:
    cut(staging, 0, transfer=FIRST)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with closing(Root.open(str(elsewhere))) as root:
        other = Staging(root, checkpoints, SpaceLedger())
        cut(other, 0, transfer=SECOND)
        other.close()
    assert set(checkpoints.kept) == {FIRST, SECOND}
    assert staging.part(offer("big", BIG, transfer=FIRST)).missing == ((MIB, len(BIG)),)


def test_what_cannot_be_removed_hinders_nothing(top: Path, kind: str) -> None:
    checkpoints = MemoryCheckpoints()
    with closing(Root.open(str(top), failing_in(kind, "unlink", errno.EIO))) as root:
        staging = Staging(root, checkpoints, SpaceLedger())
        cut(staging, 0, transfer=FIRST)
        cut(staging, 0, transfer=SECOND)
        assert set(checkpoints.kept) == {FIRST, SECOND}, "after a week a sweep removes it"
        staging.close()


@pytest.mark.parametrize("transfer", ["../../escape", "short", "A" * 32, "0" * 65])
def test_an_id_from_somebody_else_is_no_path(staging: Staging, transfer: str) -> None:
    assert code(lambda: staging.part(offer("big", BIG, transfer=transfer))) == "protocol"


def test_a_sweep_takes_what_is_old_and_cannot_be_resumed(
    root: Root, staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    staging.write(offer("lost"), memoryview(b""))
    cut(staging, 0, path="kept")
    cut(staging, 0, path="forgotten")
    checkpoints.drop(offer("forgotten").transfer)
    under_way = staging.part(offer("now", BIG))
    put(under_way, 0)
    ages = MemoryAges(partial(next, iter((0.0, 5.0, 9.0, 10.0))))
    assert staging.sweep(ages, 10.0) == 0, "nothing is that old"
    (top / PLACE / "later.new").touch()
    os.utime(top / PLACE / "later.new", (0, 0))
    assert staging.sweep(ages, 10.0) == 0, "its own time does not count"
    assert staging.sweep(ages, 9.0) == 2
    assert sorted(os.listdir(top / PLACE))[-1] == "later.new"
    assert staging.sweep(ages, 0.0) == 1, "an owner that starts keeps none"
    assert names(top) == sorted(f"{offer(path).transfer}.part" for path in ("kept", "now"))


def test_a_sweep_that_fails_is_told(top: Path, kind: str) -> None:
    root = Root.open(str(top), failing_in(kind, "unlink", errno.EIO))
    staging = Staging(root, MemoryCheckpoints(), SpaceLedger())
    staging.write(offer("lost"), memoryview(b""))
    assert code(lambda: staging.sweep(MemoryAges(lambda: 0.0), 0.0)) == "disk_error"
    staging.close()
    root.close()


def test_a_file_with_many_checkpoints_has_few_spans(
    staging: Staging, checkpoints: MemoryCheckpoints
) -> None:
    part = staging.part(offer("big", BIG))
    for number in range(5):
        put(part, number)
        part.checkpoint()
    [span] = checkpoints.kept[offer("big").transfer].spans
    assert (span.start, span.end) == (0, 5 * MIB)
    part.pause()
    staging.release(offer("big").transfer)
    again = staging.part(offer("big", BIG))
    assert again.missing == ((5 * MIB, 10 * MIB),)
    put(again, *range(5, 10))
    assert again.finish().hash == blake3(BIG).hexdigest()


def test_who_sends_in_order_forgets_what_is_behind_a_gap(staging: Staging) -> None:
    part = staging.part(offer("big", BIG))
    put(part, 0, 2)
    part.checkpoint()
    part.pause()
    staging.release(offer("big").transfer)
    again = staging.part(offer("big", BIG))
    assert again.in_order() == MIB
    assert again.read(MIB - 2, MIB) == BIG[MIB - 2 : MIB]
    put(again, *range(1, 10))
    assert again.finish().hash == blake3(BIG).hexdigest()


def test_what_nobody_sends_any_more_is_forgotten(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    id = offer("big").transfer
    part = staging.part(offer("big", BIG))
    put(part, 0)
    part.checkpoint()
    staging.forget(id)  # it is in use
    assert names(top) == [f"{id}.part"]
    part.pause()
    staging.release(id)
    staging.forget("../../outside")  # no id
    staging.forget(id)
    assert names(top) == [] and checkpoints.kept == {}
