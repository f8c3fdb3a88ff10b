"""What every workspace keeps to, whether a folder is the truth or the catalogue."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.catalogue import unfinished
from cargo_sync.lanes.waiting import commit, read_into
from cargo_sync.machines.quota import Quota, Use
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.entries import FOLDER, LINK
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Unread
from cargo_sync.server.workspace.operations import Delete, Done, Exchange, Meta, Mkdir, Move
from cargo_sync.state.history import HistoryFilter, HistoryRows
from tests.conformance.workspaces import (
    ANA,
    BEN,
    BUCKETS,
    BUILDS,
    MTIME,
    RUN,
    Scene,
    bucket_scene,
    offer,
)
from tests.remotes.remotes import Remotes
from tests.remotes.servers import ALL
from tests.stores.nodes.house import PATIENCE_SECONDS
from tests.stores.objects.house import bucket_on

BACK = "20260103T000000Z-back"
LARGE = bytes(range(256)) * (9 * 2**12)
"""9 MiB: a file that goes on after a cut."""


@pytest.fixture(params=[*BUILDS, *(BUCKETS if ALL else ())])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as last:
        if request.param in BUILDS:
            yield BUILDS[request.param](tmp_path, last)
        else:
            remotes: Remotes = request.getfixturevalue("remotes")
            yield bucket_scene(tmp_path, last, bucket_on(remotes.get(request.param)))


def code(result: object) -> str:
    return str(result.code) if isinstance(result, Problem) else "done"


# -- flows -----------------------------------------------------------------------------------------


def test_a_batch_is_published_and_recorded(scene: Scene) -> None:
    wants, receipts = scene.bring(
        (offer("a/one", b"one"), b"one"), (offer("two"), b""), (offer("link", target="a/one"), b"")
    )
    assert [want.code for want in wants] == ["all", "all", "all"]
    assert [(one.code, one.version, one.ident) for one in receipts] == [
        ("done", 2, 2), ("done", 3, 3), ("done", 4, 4),
    ]  # fmt: skip
    assert receipts[0].hash == blake3(b"one").hexdigest()
    assert receipts[0].mode == 0o640 and receipts[0].mtime_ns == MTIME
    assert scene.there() == "a:d1 a/one:f2 link:l4 two:f3"
    assert scene.files() == {"a/one": b"one", "two": b""}
    assert scene.entry("link")[1:4] == (LINK, 0, MTIME) and scene.entry("link").target == "a/one"
    assert {"a/one", "two", "link"} <= set(scene.heard.paths)


def test_replacing_keeps_the_id_and_what_was_there(scene: Scene) -> None:
    scene.put("file", b"one")
    _, [receipt] = scene.bring((offer("file", b"two", 1), b"two"))
    assert (receipt.code, receipt.version, receipt.ident) == ("done", 2, 1)
    assert receipt.displaced.endswith("-run/file")
    [row] = scene.kept()
    assert (row.version.path, row.version.place) == ("file", receipt.displaced)
    assert (row.version.size, row.version.cause, row.version.user) == (3, "overwritten", "ana")


@pytest.mark.parametrize("expected", [0, 7])
def test_an_older_version_is_refused_before_anything_is_sent(scene: Scene, expected: int) -> None:
    scene.put("file", b"one")
    [want], [receipt] = scene.bring((offer("file", b"two", expected), b"two"))
    assert (want.code, receipt.code) == ("changed", "changed")
    assert scene.files() == {"file": b"one"} and scene.kept() == []


def test_it_is_looked_at_again_at_the_moment_of_replacement(scene: Scene) -> None:
    scene.put("file", b"one")
    sink = scene.workspace.sink("run")
    offers = [offer("file", b"two", 1), offer("new", b"x")]
    assert [want.code for want in sink.begin(1, offers)] == ["all", "all"]
    sink.whole(1, 0, memoryview(b"two"))
    sink.whole(1, 1, memoryview(b"x"))
    scene.upload("file", b"meanwhile")
    scene.put("new", b"meanwhile")
    assert [receipt.code for receipt in commit(sink, 1)] == ["changed", "changed"]
    assert scene.files() == {"file": b"meanwhile", "new": b"meanwhile"}


def test_what_is_there_already_is_not_sent(scene: Scene) -> None:
    """A reply was lost, and the same comes again: no duplicate, no conflict with oneself."""
    [_], [first] = scene.bring((offer("file", b"one"), b"one"))
    again = offer("file", b"one", hash=first.hash)
    [want], [receipt] = scene.bring((again, b"one"))
    assert (want.code, receipt) == ("none", first)
    [want], [receipt] = scene.bring((again._replace(mode=0o600), b"one"))
    assert want.code == "changed"
    sink = scene.workspace.sink("run")
    assert sink.begin(1, [again])[0].code == "none"
    scene.change(Delete("file", first.version, None))
    assert commit(sink, 1)[0].code == "changed"


def test_nothing_comes_below_a_file_or_a_link(scene: Scene) -> None:
    scene.put("file")
    scene.bring((offer("link", target="file"), b""))
    _, receipts = scene.bring((offer("file/a", b"x"), b"x"), (offer("link/a", b"x"), b"x"))
    assert [one.code for one in receipts] == ["not_a_folder", "symlink"]
    assert scene.there() == "file:f1 link:l2"


def test_a_batch_that_disagrees_with_itself_harms_nothing(scene: Scene) -> None:
    _, receipts = scene.bring((offer("a", b"x"), b"x"), (offer("a/b", b"y"), b"y"))
    assert receipts[0].code == "done" and receipts[1].code != "done"
    assert scene.files() == {"a": b"x"}


def test_a_file_with_another_hash_than_announced_is_not_published(scene: Scene) -> None:
    _, [receipt] = scene.bring((offer("a", b"one", hash="0" * 64), b"one"))
    assert receipt.code == "corrupt" and scene.there() == ""


def test_a_large_file_goes_on_after_a_cut(scene: Scene) -> None:
    half = len(LARGE) // 2
    asked = offer("large", LARGE)
    sink = scene.workspace.sink(RUN, cause=ANA)
    assert sink.begin(1, [asked])[0].code == "all"
    sink.part(1, 0, 0, memoryview(LARGE)[:half])
    sink.checkpoint()
    sink.close()
    sink = scene.workspace.sink(RUN, cause=ANA)
    [want] = sink.begin(1, [asked])
    assert (want.code, want.ranges) == ("ranges", ((half, len(LARGE)),))
    sink.part(1, 0, half, memoryview(LARGE)[half:])
    [receipt] = commit(sink, 1)
    assert receipt.hash == blake3(LARGE).hexdigest()
    assert scene.read("large") == LARGE


def test_who_may_not_write_any_more_publishes_nothing(scene: Scene) -> None:
    def revoked() -> None:
        raise ProblemError(Problem(Code.LOGGED_OUT, "not any more"))

    sink = scene.workspace.sink("run", revoked)
    _, [receipt] = scene.bring((offer("a", b"x"), b"x"), sink=sink)
    assert receipt.code == "logged_out" and scene.there() == ""
    [result] = scene.workspace.change([Mkdir("a", None, 0)], "run", revoked)
    assert code(result) == "logged_out" and scene.there() == ""


def test_only_the_version_that_was_offered_is_read(scene: Scene) -> None:
    scene.put("file", b"one")
    entry = scene.entry("file")
    asked = offer("file", b"one", version=entry.version, ident=entry.ident)
    source = scene.workspace.source()
    with closing(source.open(asked)) as reader:
        content = bytearray(3)
        assert read_into(source, reader, memoryview(content), 0) == 3
        assert bytes(content) == b"one"
    for other in (
        asked._replace(version=9),
        asked._replace(ident=9),
        asked._replace(path="../file"),
    ):
        with pytest.raises(ProblemError) as problem:
            source.open(other)
        views = [memoryview(bytearray(3)) for _ in range(3)]
        woken = threading.Event()
        source.wakes(woken.set)
        while (unread := source.read([asked, other, asked], views)) == Unread(0, None):
            assert woken.wait(PATIENCE_SECONDS)
            woken.clear()
        assert unread == Unread(1, problem.value.problem)
        assert bytes(views[0]) == b"one"
    source.close()


def test_reserved_and_foreign_paths_are_refused(scene: Scene) -> None:
    for path in ("a/.cargo_sync/marker", "..", "a/../b", "/etc", "a\0b"):
        wanted = "reserved_name" if "cargo_sync" in path else "bad_path"
        [want], [receipt] = scene.bring((offer(path, b"x"), b"x"))
        assert (want.code, receipt.code) == (wanted, wanted)
        assert scene.change(Mkdir(path, None, 0)) == [wanted]
        with pytest.raises(ProblemError) as refused:
            scene.workspace.open(path)
        assert refused.value.problem.code == wanted
    assert scene.there() == ""


# -- one file over plain HTTP ----------------------------------------------------------------------


def test_an_upload_replaces_what_it_saw(scene: Scene) -> None:
    first = scene.upload("a/file", b"one")
    assert (first.entry.hash, first.entry.version) == (blake3(b"one").hexdigest(), 2)
    scene.change(Meta("a/file", 2, 0o600, MTIME))
    assert scene.upload("a/file", b"two").entry.mode == 0o600
    assert scene.read("a/file") == b"two"
    assert [(row.version.path, row.version.user) for row in scene.kept()] == [("a/file", "ana")]

    def refuse(held: object) -> None:
        raise ProblemError(Problem(Code.CHANGED, "no"))

    with pytest.raises(ProblemError):
        scene.workspace.stage("a/file", 1, 0, refuse, "http")
    with pytest.raises(ProblemError) as refused:
        scene.upload("a", b"x")
    assert refused.value.problem.code == "is_a_folder"


def test_an_upload_in_pieces_goes_on(scene: Scene) -> None:
    half, transfer = len(LARGE) // 2, "cd" * 16

    upload = scene.workspace.stage(
        "large", len(LARGE), MTIME, lambda held: None, "http", ANA, transfer
    )
    assert upload.append(0, memoryview(LARGE)[:half]) == half
    with pytest.raises(ProblemError) as stale:
        upload.append(0, memoryview(b"x"))
    assert stale.value.problem.code == "stale"
    upload.drop()
    upload = scene.workspace.stage(
        "large", len(LARGE), MTIME, lambda held: None, "http", ANA, transfer
    )
    assert upload.offset == half and upload.is_current
    upload.append(half, memoryview(LARGE)[half:])
    upload.publish()
    upload.drop()
    assert upload.published and scene.read("large") == LARGE
    scene.workspace.forget_staged(transfer)


def test_an_upload_that_is_incomplete_is_not_published(scene: Scene) -> None:
    upload = scene.workspace.stage("file", 3, MTIME, lambda held: None, "http")
    upload.write(b"on")
    with pytest.raises(ProblemError) as refused:
        upload.publish()
    upload.drop()
    assert refused.value.problem.code == "incomplete" and scene.there() == ""


# -- operations ------------------------------------------------------------------------------------


def test_folders_are_made_with_those_above(scene: Scene) -> None:
    made = scene.change(Mkdir("a/b/c", 0o750, 0), Mkdir("a/b", 0o700, 0), Mkdir("a/d", 0o755, 0))
    assert made == [Done(3, 3), Done(2, 2), Done(4, 4)]
    assert scene.there() == "a:d1 a/b:d2 a/b/c:d3 a/d:d4"
    assert scene.entry("a/b/c").mode == 0o750
    assert scene.change(Mkdir("a/b/c", 0o700, 0)) == [Done(3, 3)]


def test_a_folder_takes_the_place_of_a_file_that_was_expected(scene: Scene) -> None:
    scene.put("a", b"one")
    assert scene.change(Mkdir("a", 0o755, 0)) == ["changed"]
    [done] = scene.change(Mkdir("a", 0o755, 1))
    assert isinstance(done, Done)
    assert done.displaced.endswith("-run/a") and scene.there() == "a:d2"
    assert [(row.version.path, row.version.cause) for row in scene.kept()] == [("a", "overwritten")]


def test_deleting_from_the_inside_out_in_one_request(scene: Scene) -> None:
    scene.put("a/b/file")
    assert scene.change(Delete("a", 1, None), Delete("a/b", 2, None)) == ["not_empty", "not_empty"]
    results = scene.change(
        Delete("a/b/file", 3, None), Delete("a/b", 2, None), Delete("a", 1, None)
    )
    assert [isinstance(one, Done) and one.version for one in results] == [4, 5, 6]
    assert scene.there() == "" and len(scene.kept()) == 3


def test_deleting_twice_is_harmless_and_an_older_version_is_refused(scene: Scene) -> None:
    first, second = scene.put("file"), scene.put("file", b"by hand")
    assert scene.change(Delete("file", first, None)) == ["changed"]
    assert isinstance(scene.change(Delete("file", second, None))[0], Done)
    assert scene.change(Delete("file", second, None)) == [Done(0, 0)]


def test_a_whole_folder_goes_only_when_all_in_it_was_seen(scene: Scene) -> None:
    scene.put("a/seen")
    scene.put("a/unseen")
    assert scene.change(Delete("a", 1, 2)) == ["changed"]
    assert isinstance(scene.change(Delete("a", 1, 3))[0], Done)
    assert scene.there() == ""
    [row] = scene.kept()
    assert (row.version.path, row.version.kind, row.version.cause) == ("a", FOLDER, "deleted")


def test_a_move_keeps_ids_and_never_replaces(scene: Scene) -> None:
    scene.put("a/file")
    scene.put("other", b"y")
    ids = scene.entry("a").ident, scene.entry("a/file").ident
    assert scene.change(Move("a", "other", 1)) == ["occupied"]
    assert scene.change(Move("a", "a/b", 1)) == ["bad_path"]
    assert scene.change(Move("a", "b", 9)) == ["changed"]
    assert scene.change(Move("none", "b", 9)) == ["vanished"]
    [done] = scene.change(Move("a", "new/b", 1))
    assert isinstance(done, Done) and done.ident == ids[0]
    assert (scene.entry("new/b").ident, scene.entry("new/b/file").ident) == ids
    assert (done.version, scene.entry("new/b/file").version) == (1, 2)
    assert scene.files() == {"new/b/file": b"x", "other": b"y"}


def test_a_move_tells_its_numbers_in_the_feed_also_of_a_large_folder(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LARGE", 5)
    for number in range(9):
        scene.put(f"a/{number}")
    before = scene.workspace.position(0).sequence
    [done] = scene.change(Move("a", "b/c", 1))
    assert isinstance(done, Done)
    sequence = scene.workspace.position(0).sequence
    told = {one for first, last in done.changed for one in range(first, last + 1)}
    assert told == set(range(before + 2, sequence + 1)), "b is made, and is news to who asked"


def test_of_a_move_with_something_unseen_the_feed_tells_everything(scene: Scene) -> None:
    scene.put("a/file")
    seen = scene.workspace.position(0).sequence
    scene.put("a/new")
    [done] = scene.change(Move("a", "b", 1, seen))
    assert isinstance(done, Done) and done.changed == ()
    [done] = scene.change(Move("b", "a", 1, scene.workspace.position(0).sequence))
    assert isinstance(done, Done) and done.changed != ()


def test_two_names_change_places_in_one_step(scene: Scene) -> None:
    scene.put("a/file", b"in a")
    scene.put("b", b"y")
    folder, file = scene.entry("a"), scene.entry("b")
    assert scene.change(Exchange("a", "b", 1, 9)) == ["changed"]
    assert scene.change(Exchange("a", "none", 1, 0)) == ["vanished"]
    assert scene.change(Exchange("a", "a/file", 1, scene.version("a/file"))) == ["bad_path"]
    [done] = scene.change(Exchange("a", "b", folder.version, file.version))
    assert isinstance(done, Done) and (done.version, done.ident) == (folder.version, folder.ident)
    assert (scene.entry("a").ident, scene.entry("b").ident) == (file.ident, folder.ident)
    assert scene.files() == {"a": b"y", "b/file": b"in a"}


def test_one_after_the_other_in_one_request(scene: Scene) -> None:
    scene.put("a")
    results = scene.change(
        Delete("a", 1, None),
        Mkdir("a", 0o755, 0),
        Move("a", "b", 3),
        Mkdir("a/c", 0o755, 0),
        Delete("b", 3, None),
    )
    assert all(isinstance(one, Done) for one in results), results
    assert [word.partition(":")[0] for word in scene.there().split()] == ["a", "a/c"]


def test_another_time_and_mode_keep_the_content(scene: Scene) -> None:
    scene.put("a", b"one")
    before = scene.entry("a")
    [done] = scene.change(Meta("a", before.version, 0o600, MTIME + 1))
    assert isinstance(done, Done) and (done.ident, done.displaced) == (before.ident, "")
    after = scene.entry("a")
    assert after == before._replace(version=done.version, mtime_ns=MTIME + 1, mode=0o600)
    assert scene.read("a") == b"one" and scene.kept() == []
    assert scene.change(Meta("a", before.version, 0o600, MTIME)) == ["changed"]
    scene.change(Mkdir("d", 0o755, 0))
    scene.change(Meta("d", scene.version("d"), 0o050, None))
    assert scene.entry("d").mode == 0o750
    scene.bring((offer("link", target="a"), b""))
    assert scene.change(Meta("link", scene.version("link"), 0o600, 1)) == ["not_a_file"]


def test_attributes_are_kept_or_it_is_said_that_they_are_not(scene: Scene) -> None:
    version = scene.put("a", b"one")
    [done] = scene.change(Meta("a", version, 0o640, MTIME, {"user.x": b"1"}))
    assert isinstance(done, Done)
    [found] = scene.workspace.xattrs([("a", done.version)])
    keeps = scene.workspace.news(0, "", 10).xattrs
    assert found == ({} if done.lacks_xattrs else {"user.x": b"1"})
    assert keeps != done.lacks_xattrs
    [old] = scene.workspace.xattrs([("a", 99)])
    assert code(old) == "changed"


def test_a_hash_is_told_of_that_version_only(scene: Scene) -> None:
    version = scene.put("file", b"content")
    expected = blake3(b"content").hexdigest()
    assert scene.workspace.hash("file", version) == expected
    assert scene.workspace.hash("file", version, reread=True) == expected
    scene.change(Mkdir("d", None, 0))
    for path, other in (("file", 99), ("none", 1), ("d", 2)):
        with pytest.raises(ProblemError) as refused:
            scene.workspace.hash(path, other)
        assert refused.value.problem.code in ("changed", "vanished", "not_a_file")


def test_a_missing_folder_is_made_once(scene: Scene) -> None:
    workspace = scene.workspace
    assert code(workspace.lacks("in")) == "root_gone"
    assert workspace.lacks("in", makes=True) is None
    assert workspace.lacks("in") is None
    scene.change(Delete("in", scene.version("in"), None))
    assert code(workspace.lacks("in", makes=True)) == "root_gone", "who deleted it meant it"


# -- the trash -------------------------------------------------------------------------------------


def restore(scene: Scene, *ids: int, to: str = "", inside: str = "") -> list[Restored | str]:
    results = scene.workspace.restore(ids, to, BACK, cause=BEN, inside=inside)
    return [str(one.code) if isinstance(one, Problem) else one for one in results]


def delete(scene: Scene, path: str) -> None:
    seen = scene.workspace.position(0).sequence
    [done] = scene.change(Delete(path, scene.version(path), seen), cause=ANA)
    assert isinstance(done, Done)


def test_a_restored_file_is_a_new_version(scene: Scene) -> None:
    scene.put("docs/file", b"one")
    before = scene.entry("docs/file")
    delete(scene, "docs/file")
    scene.heard.paths.clear()
    assert restore(scene, 1) == [Restored(1, "docs/file", 0, scene.version("docs/file"))]
    after = scene.entry("docs/file")
    numbers = {"version": after.version, "ident": after.ident, "hash": after.hash}
    assert after == before._replace(**numbers)  # type: ignore[arg-type]
    assert after.version > before.version and scene.read("docs/file") == b"one"
    assert "docs/file" in scene.heard.paths, "clients that wait hear of it"
    assert scene.kept() == []


def test_what_stood_there_is_kept(scene: Scene) -> None:
    scene.put("file", b"one")
    scene.put("file", b"second")
    assert restore(scene, 1) == [Restored(1, "file", 1, scene.version("file"))]
    [row] = scene.kept()
    assert row.version[:2] == ("file", row.version.place) and row.version.size == 6
    assert (row.version.cause, row.version.user, row.version.run) == ("restored", "ben", BACK)
    assert restore(scene, row.id) == [Restored(row.id, "file", 1, scene.version("file"))]
    assert scene.read("file") == b"second"


def test_a_link_comes_back_as_it_was(scene: Scene) -> None:
    scene.bring((offer("link", target="somewhere"), b""))
    before = scene.entry("link")
    scene.change(Delete("link", before.version, None))
    restore(scene, 1)
    after = scene.entry("link")
    assert after == before._replace(version=after.version, ident=after.ident)


def test_a_folder_comes_back_with_all_below_it(scene: Scene) -> None:
    for path in ("d/a", "d/deep/b"):
        scene.put(path, b"content")
    scene.bring((offer("d/deep/link", target="../a"), b""))
    scene.change(Mkdir("d/empty", 0o700, 0))
    modes = {path: scene.entry(path).mode for path in ("d/empty", "d/deep/b", "d/deep/link")}
    delete(scene, "d")
    scene.put("d/a", b"newer")
    [result] = restore(scene, 1)
    assert isinstance(result, Restored) and result.displaced == 1
    assert scene.files() == {"d/a": b"content", "d/deep/b": b"content"}
    assert {path: scene.entry(path).mode for path in modes} == modes
    assert scene.entry("d/deep/link").target == "../a"
    assert [(row.version.path, row.version.size) for row in scene.kept()] == [("d/a", 5)]


def test_each_fails_alone(scene: Scene) -> None:
    for path in ("a", "c"):
        scene.put(path, b"content")
        delete(scene, path)
    scene.change(Mkdir("a", None, 0))
    restored = Restored(2, "c", 0, scene.workspace.position(0).sequence + 1)
    assert restore(scene, 1, 2, 99) == ["occupied", restored, "vanished"]
    assert [row.id for row in scene.kept()] == [1]


def test_it_can_go_elsewhere(scene: Scene) -> None:
    scene.put("docs/file", b"one")
    delete(scene, "docs/file")
    version = scene.workspace.position(0).sequence
    assert restore(scene, 1, to="back") == [Restored(1, "back/docs/file", 0, version + 3)]
    assert scene.read("back/docs/file") == b"one"


def test_one_file_comes_back_out_of_a_folder(scene: Scene) -> None:
    scene.put("d/a", b"one")
    scene.put("d/b/c", b"two")
    delete(scene, "d")
    [done] = restore(scene, 1, inside="b/c")
    assert done == Restored(1, "d/b/c", 0, scene.version("d/b/c"))
    assert scene.read("d/b/c") == b"two"
    assert [(row.id, row.version.path) for row in scene.kept()] == [(1, "d")]
    assert restore(scene, 1, inside="x") == ["unknown"] and len(scene.kept()) == 1
    [last] = restore(scene, 1, to="found", inside="a")
    assert isinstance(last, Restored) and last.path == "found/d/a" and scene.kept() == []


def test_who_may_not_write_any_more_restores_nothing(scene: Scene) -> None:
    scene.put("file")
    delete(scene, "file")

    def revoked() -> None:
        raise ProblemError(Problem(Code.LOGGED_OUT, "logged out"))

    [result] = scene.workspace.restore([1], "", BACK, revoked)
    assert code(result) == "logged_out"
    with pytest.raises(ProblemError):
        scene.workspace.free([1], revoked)
    with pytest.raises(ProblemError):
        scene.workspace.free_all(TrashFilter(), revoked)
    assert len(scene.kept()) == 1 and scene.there() == ""


def test_it_is_emptied_by_id_or_by_age(scene: Scene) -> None:
    for path in ("a", "b", "c"):
        scene.put(path, b"content")
        delete(scene, path)
    workspace = scene.workspace
    assert workspace.free([2, 2, 99]) == (1, 7, False)
    assert workspace.free_all(TrashFilter(older=1)) == (0, 0, False)
    assert workspace.free_all(TrashFilter("a")) == (1, 7, False)
    assert workspace.trash_totals() == (1, 7)
    assert workspace.free([3], within="elsewhere") == (0, 0, False)
    assert workspace.free_all(TrashFilter()) == (1, 7, False)
    assert scene.kept() == [] and restore(scene, 1) == ["vanished"]


def test_what_was_in_one_folder_is_all_that_its_user_restores(scene: Scene) -> None:
    for path in ("in/ben/a", "in/ana/a"):
        scene.put(path)
        delete(scene, path)
    results = scene.workspace.restore([1, 2], "", BACK, within="in/ben")
    assert [code(one) for one in results] == ["done", "vanished"]
    assert scene.workspace.trash_totals("in/ana").files == 1


# -- quotas and history ----------------------------------------------------------------------------


def test_a_file_that_is_too_much_fails_alone(scene: Scene) -> None:
    scene.workspace.quotas.allow({"ana": Quota(100, 4)}, lambda news: None)
    files = [
        (offer(path, bytes(size)), bytes(size)) for path, size in (("a", 60), ("b", 50), ("c", 40))
    ]
    wants, receipts = scene.bring(*files)
    assert [want.code for want in wants] == ["all", "over_quota", "all"]
    assert [one.code for one in receipts] == ["done", "over_quota", "done"]
    with pytest.raises(ProblemError) as refused:
        scene.upload("d", b"x")
    assert refused.value.problem.code == "over_quota"
    assert scene.workspace.catalogue.use(scene.workspace.id) == Use(100, 2)
    assert scene.put("a", bytes(10)), "what shrinks fits"
    assert scene.put("d", bytes(50))


def test_what_does_not_come_gives_its_room_back(scene: Scene) -> None:
    scene.workspace.quotas.allow({"ana": Quota(100)}, lambda news: None)
    sink = scene.workspace.sink("run", cause=ANA)
    sink.begin(1, [offer("a", bytes(100))])
    sink.close()
    sink = scene.workspace.sink("run", cause=ANA)
    sink.begin(1, [offer("a", bytes(100))])
    sink.whole(1, 0, memoryview(b"other content"))  # not what was offered
    assert [receipt.code for receipt in commit(sink, 1)] == ["protocol"]
    scene.workspace.stage("a", 100, 0, lambda held: None, "http", ANA).drop()
    assert scene.put("a", bytes(100))


def test_a_restore_must_fit_too(scene: Scene) -> None:
    scene.put("a", bytes(60))
    scene.put("a", bytes(10))
    scene.workspace.quotas.allow({"ben": Quota(50)}, lambda news: None)
    assert restore(scene, 1) == ["over_quota"]
    scene.workspace.quotas.allow({"ben": Quota(60)}, lambda news: None)
    assert isinstance(restore(scene, 1)[0], Restored)


def told(scene: Scene, since: int = 0) -> list[str]:
    rows = (
        HistoryRows(scene.database, scene.clock, scene.clock).after(0, HistoryFilter(), 1_000).rows
    )
    return [f"{row.batch.user or '-'} {row.batch.kind} {row.path}" for row in rows][since:]


def test_the_history_tells_what_was_done(scene: Scene) -> None:
    scene.put("in/a", b"one")
    scene.put("in/a", b"second")
    assert told(scene) == ["ana uploaded in/a", "ana displaced in/a", "ana uploaded in/a"]
    scene.change(
        Mkdir("new", 0o755, 0),
        Meta("in/a", scene.version("in/a"), 0o600, 1),
    )
    scene.change(Move("in/a", "new/b", scene.version("in/a")))
    delete(scene, "new")
    assert told(scene, 3) == ["ben moved new/b", "ana deleted new/", "ana deleted new/b"]
    restore(scene, 2)
    assert told(scene, 6) == ["ben restored new/b"]
    scene.upload("http", b"x")
    assert told(scene, 7) == ["ana uploaded http"]


# -- ends ------------------------------------------------------------------------------------------


def test_once_stopped_it_is_not_opened_again(scene: Scene) -> None:
    assert scene.workspace.attached and scene.workspace.away() is None
    scene.workspace.stop()
    with pytest.raises(ProblemError) as refused:
        scene.workspace.attach()
    assert refused.value.problem.code == "stopped"
    assert scene.workspace.close(1.0)
    assert not scene.workspace.attached
    assert code(scene.workspace.away()) == "root_gone"
