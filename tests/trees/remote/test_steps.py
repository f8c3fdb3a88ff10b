"""MKDIR, DELETE, MOVE and META on remotes: in order, side by side, each failing alone."""

from collections.abc import Sequence

import pytest

from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.steps import independent
from tests.conformance.remotes import BUCKET, KINDS, SHELL
from tests.trees.remote.trees import RUN, Clocks, ServerTree


@pytest.fixture(params=KINDS)
def tree(request: pytest.FixtureRequest) -> ServerTree:
    return ServerTree(Clocks().world, KINDS[request.param])


def act(text: str) -> Action:
    """`delete a/b`, or `move a b`."""
    op, path, *to = text.split()
    return Action(Op(op), to[0] if to else path, moved_from=path if to else "")


@pytest.mark.parametrize(
    ("actions", "groups"),
    [
        ("mkdir a, mkdir b", "2"),
        ("mkdir a, mkdir a/b, mkdir a/c", "1 2"),
        ("delete a/x, delete a/y, delete a, delete b/x", "2 2"),
        ("delete a-b, delete a/x", "2"),
        ("move a b, move b c", "1 1"),
        ("move a/x b/x, move c/x a/y, mkdir d", "3"),
        ("mkdir b, move a/x b/x", "1 1"),
        ("meta a/x, delete a/x", "1 1"),
        ("", ""),
    ],
)
def test_what_touches_other_paths_goes_together(actions: str, groups: str) -> None:
    some = [act(text) for text in filter(None, actions.split(", "))]
    found = list(independent(some))
    assert " ".join(str(len(group)) for group in found) == groups
    assert [one for group in found for one in group] == some


async def entries(tree: ServerTree, *paths: str) -> list[Entry]:
    found = [await tree.remote.entry(path) for path in paths]
    assert all(found), paths
    return [entry for entry in found if entry]


def codes(outcomes: Sequence[Outcome]) -> list[str | None]:
    return [one.problem.code_text if one.problem else None for one in outcomes]


async def test_a_deleted_file_lies_in_the_trash_and_a_folder_goes_when_it_is_empty(
    tree: ServerTree,
) -> None:
    for path in ("f/a", "f/b", "g/c"):
        tree.server.write(path, path.encode())
    first, second, f, g, third = await entries(tree, "f/a", "f/b", "f", "g", "g/c")
    outcomes = await tree.apply(
        [
            Action(Op.DELETE, path, expected=entry)
            for path, entry in (("f/a", first), ("f/b", second), ("f", f), ("g", g))
        ],
        RUN,
    )
    assert codes(outcomes) == [None, None, None, "not_empty"]
    place = f".cargo_sync/trash/{RUN}/f/a"
    assert outcomes[0].displaced == place
    assert tree.server.trash() == {place: b"f/a", place[:-1] + "b": b"f/b"}
    again = await tree.apply([Action(Op.DELETE, "f/a", expected=first)], RUN)
    assert codes(again)[0] in ("vanished", "changed")
    assert await tree.remote.entry("f") is None and (await entries(tree, "g/c")) == [third]


async def test_two_versions_of_one_path_and_run_both_lie_in_the_trash(tree: ServerTree) -> None:
    for number in range(3):
        tree.server.write("d/x", b"%d" % number)
        [entry] = await entries(tree, "d/x")
        [outcome] = await tree.apply([Action(Op.DELETE, "d/x", expected=entry)], RUN)
        assert outcome.problem is None
    trash = f".cargo_sync/trash/{RUN}"
    places = [f"{trash}/d/x", f"{trash}.1/d/x", f"{trash}.2/d/x"]
    assert tree.server.trash() == {place: b"%d" % at for at, place in enumerate(places)}


async def test_a_folder_from_which_all_goes_stays_if_it_should() -> None:
    tree = ServerTree(Clocks().world, BUCKET)
    for path in ("f/a", "f/b", "g/a", "g/stays"):
        tree.server.write(path, b"1")
        tree.server.items.pop("f", None)
        tree.server.items.pop("g", None)  # such a server has folders only by what is in them
    first, second, third = await entries(tree, "f/a", "f/b", "g/a")
    outcomes = await tree.apply(
        [
            Action(Op.DELETE, "f/a", expected=first),
            Action(Op.MOVE, "h/b", expected=second, moved_from="f/b"),
            Action(Op.DELETE, "g/a", expected=third),
        ],
        RUN,
    )
    assert codes(outcomes) == [None] * 3
    assert "f" in tree.server.items, "a marker keeps it"
    assert "g" not in tree.server.items, "it needs none"


async def test_a_folder_takes_the_place_of_a_file(tree: ServerTree) -> None:
    tree.server.write("x", b"old")
    [file] = await entries(tree, "x")
    make = Action(Op.MKDIR, "x", Entry("x", FOLDER, mode=0o755), file)
    [outcome] = await tree.apply([make], RUN)
    assert outcome.problem is None and outcome.displaced == f".cargo_sync/trash/{RUN}/x"
    assert outcome.result == (await entries(tree, "x"))[0] and outcome.result.kind == FOLDER
    assert tree.server.trash() == {outcome.displaced: b"old"}


async def test_a_folder_moves_with_all_that_is_in_it(tree: ServerTree) -> None:
    for path in ("f/a", "f/g/b"):
        tree.server.write(path, path.encode())
    tree.server.write("other", b"1")
    [folder] = await entries(tree, "f")
    occupied, done = await tree.apply(
        [
            Action(Op.MOVE, "other", expected=folder, moved_from="f"),
            Action(Op.MOVE, "new/f", expected=folder, moved_from="f"),
        ],
        RUN,
    )
    assert codes([occupied, done]) in (["occupied", None], ["not_a_folder", None])
    assert tree.server.files() == {"new/f/a": b"f/a", "new/f/g/b": b"f/g/b", "other": b"1"}
    assert done.result == (await entries(tree, "new/f"))[0]
    assert await tree.remote.entry("f") is None


@pytest.mark.parametrize("step", range(1, 4))
async def test_entries_that_change_places_are_never_lost(tree: ServerTree, step: int) -> None:
    tree.server.write("a", b"of a")
    tree.server.write("f/x", b"of f")
    one, other = await entries(tree, "a", "f")
    moves = 0

    def cut(call: str, path: str) -> None:
        nonlocal moves
        if call == "move" and (moves := moves + 1) >= step:
            raise ProblemError(Problem(Code.CUT, "the connection broke"))

    tree.server.fault = cut
    swap = Action(Op.MOVE, "f", expected=one, moved_from="a", occupant=other)
    with pytest.raises(ProblemError, match="broke"):
        await tree.apply([swap], RUN)
    assert sorted(tree.server.files(ours=True).values()) == [b"of a", b"of f"]


async def test_metadata_is_set_on_what_was_seen() -> None:
    tree = ServerTree(Clocks().world, SHELL)
    tree.server.write("x", b"1")
    [entry] = await entries(tree, "x")
    source = entry._replace(mtime_ns=7 * 10**9, mode=0o777)
    stale = entry._replace(version=entry.version + 1)
    changed, done = await tree.apply(
        [Action(Op.META, "x", source, one) for one in (stale, entry)], RUN
    )
    assert codes([changed, done]) == ["changed", None]
    assert done.result == (await entries(tree, "x"))[0]
    assert (done.result.mtime_ns, done.result.mode) == (7 * 10**9, 0o775)
