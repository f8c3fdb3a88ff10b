"""The way back of a workspace: what is restored is recorded, and what stood there is kept."""

import pytest

from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.operations import Delete
from tests.server.workspace.folder.test_ledger import RUN, bring
from tests.server.workspace.folder.test_workspace import Ground, ground  # noqa: F401

BACK = "20260103T000000Z-back"


def restore(one: Ground, *ids: int, to: str = "") -> list[Restored | str]:
    """The results; of problems, the codes."""
    results = one.workspace.restore(ids, to, BACK, cause=ChangeCause("ben"))
    return [str(each.code) if isinstance(each, Problem) else each for each in results]


def kept(one: Ground) -> list[tuple[int, str, str, str]]:
    rows = one.workspace.trash(TrashFilter(), None, 100).rows
    return [(row.id, row.version.path, row.version.cause, row.version.user) for row in rows]


def delete(one: Ground, path: str) -> None:
    seen = one.workspace.position(0).sequence
    [done] = one.workspace.change(
        [Delete(path, one.entry(path).version, seen)], RUN, cause=ChangeCause("ana")
    )
    assert not isinstance(done, Problem)


def test_a_restored_file_is_a_new_version(ground: Ground) -> None:  # noqa: F811
    bring(ground, "docs/file", b"one")
    delete(ground, "docs/file")
    ground.heard.paths.clear()
    assert restore(ground, 1) == [Restored(1, "docs/file", 0, ground.entry("docs/file").version)]
    assert (ground.place / "docs" / "file").read_bytes() == b"one"
    assert "docs/file" in ground.heard.paths, "clients that wait hear of it"
    page = ground.workspace.changes(ground.entry("docs").version, "", 10)
    assert [path for path, entry in page.rows if entry] == ["docs/file"]
    assert kept(ground) == []


def test_what_stood_there_is_in_the_ledger(ground: Ground) -> None:  # noqa: F811
    bring(ground, "file", b"one")
    bring(ground, "file", b"second", ground.entry("file").version)
    assert restore(ground, 1) == [Restored(1, "file", 1, ground.entry("file").version)]
    assert kept(ground) == [(2, "file", "restored", "ben")]
    [(_, stood)] = ground.folder.ledger.kept([2])
    assert stood.hash and stood.size == 6 and stood.run == BACK
    assert restore(ground, 2) == [Restored(2, "file", 1, ground.entry("file").version)]
    assert (ground.place / "file").read_bytes() == b"second"


def test_what_other_programs_wrote_meanwhile_is_not_lost(ground: Ground) -> None:  # noqa: F811
    bring(ground, "file", b"one")
    delete(ground, "file")
    (ground.place / "file").write_text("by hand")
    restore(ground, 1)
    assert [(path, cause) for _, path, cause, _ in kept(ground)] == [("file", "restored")]
    assert b"by hand" in ground.trash().values()


def test_a_folder_comes_back_with_all_below_it(ground: Ground) -> None:  # noqa: F811
    for path in ("d/a", "d/deep/b"):
        bring(ground, path, b"content")
    delete(ground, "d")
    bring(ground, "d/a", b"newer")
    [result] = restore(ground, 1)
    assert isinstance(result, Restored) and result.displaced == 1
    assert {path for path in ("d/a", "d/deep/b") if ground.entry(path).size == 7} == {
        "d/a",
        "d/deep/b",
    }
    assert ground.workspace.listing("d/deep") is not None


def test_each_fails_alone(ground: Ground) -> None:  # noqa: F811
    for path in ("a", "b", "c"):
        bring(ground, path, b"content")
        delete(ground, path)
    (ground.place / "a").mkdir()
    for file in (ground.place / ".cargo_sync" / "trash" / RUN).glob("b"):
        file.unlink()
    results = restore(ground, 1, 2, 3, 99)
    assert results == [
        "occupied",
        "vanished",
        Restored(3, "c", 0, ground.entry("c").version),
        "vanished",
    ]
    assert [id for id, *_ in kept(ground)] == [1], "what is not there any more is noted as freed"


def test_it_can_go_elsewhere(ground: Ground) -> None:  # noqa: F811
    bring(ground, "docs/file", b"one")
    delete(ground, "docs/file")
    assert restore(ground, 1, to="back") == [
        Restored(1, "back/docs/file", 0, ground.entry("back/docs/file").version)
    ]
    assert ground.workspace.entry("back/docs/file") is not None


def test_a_user_who_may_not_write_any_more_changes_nothing(ground: Ground) -> None:  # noqa: F811
    bring(ground, "file", b"one")
    delete(ground, "file")

    def revoked() -> None:
        raise ProblemError(Problem(Code.LOGGED_OUT, "logged out"))

    [result] = ground.workspace.restore([1], "", BACK, revoked)
    assert isinstance(result, Problem) and result.code is Code.LOGGED_OUT
    with pytest.raises(ProblemError):
        ground.workspace.free([1], revoked)
    with pytest.raises(ProblemError):
        ground.workspace.free_all(TrashFilter(), revoked)
    assert len(kept(ground)) == 1 and not (ground.place / "file").exists()


def test_it_is_emptied_by_id_or_by_age(ground: Ground) -> None:  # noqa: F811
    for path in ("a", "b", "c"):
        bring(ground, path, b"content")
        delete(ground, path)
    assert ground.workspace.free([2, 2, 99]) == (1, 7, False)
    assert ground.workspace.free_all(TrashFilter(older=1)) == (0, 0, False)
    assert ground.workspace.free_all(TrashFilter(under="b")) == (0, 0, False)
    assert ground.workspace.free_all(TrashFilter("a")) == (1, 7, False)
    assert ground.workspace.free_all(TrashFilter()) == (1, 7, False)
    assert kept(ground) == [] and ground.trash() == {}
    rows = ground.workspace.trash(TrashFilter(kept=False), None, 100).rows
    assert [(row.id, row.state) for row in rows] == [(3, "freed"), (2, "freed"), (1, "freed")]


def test_one_file_comes_back_out_of_a_folder(ground: Ground) -> None:  # noqa: F811
    bring(ground, "d/a", b"one")
    bring(ground, "d/b/c", b"two")
    delete(ground, "d")
    [done] = ground.workspace.restore([1], "", BACK, cause=ChangeCause("ben"), inside="b/c")
    assert done == Restored(1, "d/b/c", 0, ground.entry("d/b/c").version)
    assert (ground.place / "d" / "b" / "c").read_bytes() == b"two"
    assert [(id, path) for id, path, _, _ in kept(ground)] == [(1, "d")]
    assert ground.folder.ledger.unmeasured(5) == [(1, ground.folder.ledger.kept([1])[0][1].place)]
    [wrong] = ground.workspace.restore([1], "", BACK, inside="x")
    assert isinstance(wrong, Problem) and wrong.code is Code.UNKNOWN and len(kept(ground)) == 1
    [last] = ground.workspace.restore([1], "found", BACK, inside="a")
    assert isinstance(last, Restored) and last.path == "found/d/a" and kept(ground) == []
