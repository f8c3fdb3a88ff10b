"""Moves: the table of pairs and renames, and random trees that people rearrange."""

import random

import pytest

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK
from cargo_sync.plan.moves import (
    LEAST,
    KnownEntry,
    Relocation,
    Rename,
    is_worth_it,
    ordered,
    recognised,
)

BIG = 5_000_000


def file(path: str, ident: int, content: str = "x", size: int = BIG) -> KnownEntry:
    return KnownEntry(path, FILE, ident, size, content)


def folder(path: str, ident: int) -> KnownEntry:
    return KnownEntry(path, FOLDER, ident)


@pytest.mark.parametrize(
    ("gone", "new", "pairs"),
    [
        ([file("a", 1)], [file("b", 1)], ["a b"]),
        ([file("a", 1)], [file("b", 1, "other")], []),  # the inode was used again
        ([file("a", 1)], [file("b", 1, "")], []),  # nobody has proven the content
        ([file("a", 1)], [file("b", 2)], ["a b"]),  # by its hash: it came from another disk
        ([file("a", 1, size=LEAST - 1)], [file("b", 2, size=LEAST - 1)], []),
        ([file("a", 1), file("b", 2)], [file("c", 3)], []),  # of which one?
        ([file("a", 1)], [file("b", 2), file("c", 3)], []),
        ([file("a", 1)], [file("b", 1), file("c", 1)], ["a b"]),  # a second name is a copy
        ([file("a", 1), file("b", 2)], [file("b", 1), file("a", 2)], ["a b", "b a"]),
        ([folder("a", 1)], [folder("b", 1)], ["a b"]),
        ([folder("a", 1)], [folder("b", 2)], []),
        ([folder("a", 1)], [file("b", 1)], []),
        ([file("a", 1)], [file("a", 1)], []),
        ([], [file("b", 1)], []),
    ],
)
def test_what_is_new_is_recognised_by_ident_or_content(
    gone: list[KnownEntry], new: list[KnownEntry], pairs: list[str]
) -> None:
    assert [" ".join(pair) for pair in recognised(gone, new)] == pairs


@pytest.mark.parametrize(
    ("pairs", "occupied", "moves"),
    [
        ("a>b", "", "a>b"),
        ("a>A", "", "a>A"),
        ("a>b b>c", "", "b>c a>b"),
        ("a>b b>c", "c", "a<>b a<>c"),  # what was at c is at a now, where it is deleted
        ("a>b b>a", "a b", "a<>b"),
        ("a>b b>c c>a", "a b c", "a<>b a<>c"),
        ("log>log.1 log.1>log.2", "log.1", "log.1>log.2 log>log.1"),
        ("a>b a/x>c", "", "a>b b/x>c"),
        ("a>b a/x>a", "a", "a>b b/x>a"),
        ("a/b>b a/b/c>c a>d", "", "a/b>b b/c>c a>d"),
        ("a>new/a", "", "a>new/a"),
        ("a>b x>b/x", "", "a>b"),  # the rest when b is there
        ("a/b>b a>b/a", "", "a/b>b"),
        ("a/x>a", "a", ""),  # a folder cannot change places with what is in it
        ("a>a/x", "", ""),  # never into itself
        ("a/x>a c>a/x", "a", ""),
    ],
)
def test_renames_come_in_an_order_that_works(pairs: str, occupied: str, moves: str) -> None:
    wanted = [Relocation(*pair.split(">")) for pair in pairs.split()]
    assert " ".join(map(_shown, ordered(wanted, occupied.split()))) == moves


def test_each_rename_says_what_it_moves() -> None:
    pairs = [Relocation("a", "b"), Relocation("a/x", "c"), Relocation("c", "d")]
    assert ordered(pairs, ["d"]) == [
        Rename("a", "b", "a"),
        Rename("b/x", "c", "a/x", "c"),
        Rename("b/x", "d", "c", "d"),
    ]


def _shown(move: Rename) -> str:
    return f"{move.source}{'<>' if move.occupant else '>'}{move.path}"


def test_only_what_is_worth_it_is_recognised() -> None:
    assert is_worth_it(FOLDER, 0)
    assert is_worth_it(FILE, LEAST)
    assert not is_worth_it(FILE, LEAST - 1)
    assert not is_worth_it(LINK, LEAST)


def test_a_rotation_of_many_names_needs_one_rename_each() -> None:
    pairs = [Relocation(f"log.{number}", f"log.{number + 1}") for number in range(20_000)]
    moves = ordered(pairs, [pair.path for pair in pairs[:-1]])
    assert len(moves) == 20_000
    assert not any(move.occupant for move in moves)
    assert moves[0] == Rename("log.19999", "log.20000", "log.19999")


Tree = dict[str, int]
"""Path -> ident. Even idents are folders."""


def _rename(tree: Tree, source: str, path: str) -> Tree:
    assert source in tree
    assert path not in tree
    assert not paths.is_below(path, source)
    assert not paths.parent(path) or tree[paths.parent(path)] % 2 == 0
    return {
        path + one[len(source) :] if paths.is_below(one, source) else one: ident
        for one, ident in tree.items()
    }


def _apply(tree: Tree, move: Rename) -> Tree:
    if move.occupant is None:
        return _rename(tree, move.source, move.path)
    assert move.path in tree
    tree = _rename(tree, move.path, "spare")
    return _rename(_rename(tree, move.source, move.path), "spare", move.source)


def _rearranged(rng: random.Random, tree: Tree) -> Tree:
    """What people make of a tree: things go, come and move."""
    fresh = 1 + max(tree.values(), default=0)
    for _ in range(rng.randint(1, 8)):
        some = list(tree)
        folders = ["", *(one for one in some if tree[one] % 2 == 0)]
        to = paths.join(rng.choice(folders), rng.choice("abcd"))
        one = rng.choice(some) if some else ""
        act = rng.choice(("move", "move", "move", "over", "remove", "add"))
        if act == "add" and to not in tree:
            tree = tree | {to: (fresh := fresh + 1)}
        elif act == "remove" and one:
            tree = {at: ident for at, ident in tree.items() if not paths.is_below(at, one)}
        elif act in ("move", "over") and one and not paths.is_below(to, one):
            if act == "over" and to in tree and not paths.is_below(one, to):
                tree = {at: ident for at, ident in tree.items() if not paths.is_below(at, to)}
            if to not in tree:
                tree = _rename(tree, one, to)
    return tree


def _round(there: Tree, wanted: Tree) -> list[Rename]:
    """The renames of one round: what is below a folder that is new, or another one, waits."""
    held = [one for one in wanted if there.get(one) != wanted[one] and wanted[one] % 2 == 0]
    gone = [_known(one, ident) for one, ident in there.items() if wanted.get(one) != ident]
    new = [
        _known(one, ident)
        for one, ident in wanted.items()
        if there.get(one) != ident
        and not any(paths.is_below(paths.parent(one), top) for top in held)
    ]
    pairs = recognised(gone, new)
    return ordered(pairs, [pair.path for pair in pairs if pair.path in there])


def _known(path: str, ident: int) -> KnownEntry:
    return folder(path, ident) if ident % 2 == 0 else file(path, ident, str(ident))


def _make_one(there: Tree, wanted: Tree) -> bool:
    """Makes the first folder that is new, or takes the one that is there for it."""
    for path, ident in sorted(wanted.items(), key=lambda one: paths.key(one[0])):
        above = paths.parent(path)
        ready = not above or there.get(above) == wanted[above]
        if ident % 2 == 0 and ready and there.get(path, 0) % 2 == 0 and there.get(path) != ident:
            there[path] = ident
            return True
    return False


def test_rounds_of_renames_bring_everything_that_is_left_to_its_place() -> None:
    for seed in range(300):
        _rearrange_and_follow(random.Random(seed))


def _rearrange_and_follow(rng: random.Random) -> None:
    before = _rearranged(rng, {"a": 0, "b": 2, "a/a": 4, "a/b": 1, "b/a": 3, "c": 5})
    wanted = _rearranged(rng, before)
    there = dict(before)
    while True:
        moves = _round(there, wanted)
        for move in moves:
            earlier, there = there, _apply(there, move)
            assert sorted(earlier.values()) == sorted(there.values()), "a rename loses nothing"
        if not moves and not _make_one(there, wanted):
            break
    at = {ident: path for path, ident in there.items()}
    for path, ident in wanted.items():
        if ident in at and there.get(path) != ident:
            in_the_way = [one for one in paths.upwards(path) if there.get(one) != wanted[one]]
            assert any(one in there or paths.is_below(one, at[ident]) for one in in_the_way), (
                f"{at[ident]} -> {path}: {there}, {wanted}"
            )
