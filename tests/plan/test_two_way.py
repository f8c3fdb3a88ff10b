"""The two-way planner's table: what became of each side in, the steps in both directions out."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import Agreed, AgreedColumns, agree
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.reconciliation import Row, TwoWayPlan
from cargo_sync.plan.two_way import NOTHING_CLOSED, decide, two_way_view
from cargo_sync.plan.two_way import plan_folder as plan_columns

FIRST: Final = {"near": 10, "far": 20}
"""Version and ident of what was agreed on."""


def entry(part: str, state: str, name: str = "a") -> Entry | None:
    """One side of a path: = as agreed, M touched, T touched and not hashed, - gone.

    A has another version alone, P also another mode, N is M with another mode; X, Y are other
    contents, U is X with another mode, W has another size; x, y are not hashed yet; f is a folder,
    F, G have other modes; l is a link; D is damaged.
    """
    first = FIRST[part]
    agreed = Entry(name, FILE, 1, 1, 0o644, first, first, "a")
    changed = agreed._replace(mtime_ns=2, version=first + 1)
    folder = Entry(name, FOLDER, mode=0o755, version=0 if part == "near" else first, ident=first)
    return {
        "=": agreed,
        "M": changed,
        "T": changed._replace(hash=""),
        "X": changed._replace(hash="x"),
        "Y": changed._replace(hash="y"),
        "W": changed._replace(hash="w", size=2),
        "x": changed._replace(hash=""),
        "y": changed._replace(hash=""),
        "f": folder,
        "F": folder._replace(mode=0o700, version=folder.version and first + 1),
        "l": Entry(name, LINK, 0, 0, 0o777, first + 1, first + 1, "", "to"),
        "G": folder._replace(mode=0o750, version=folder.version and first + 1),
        "A": agreed._replace(version=first + 1),
        "N": changed._replace(mode=0o600),
        "P": agreed._replace(mode=0o600, version=first + 1),
        "U": changed._replace(mode=0o600, hash="x"),
        "D": changed._replace(hash=DAMAGED),
        "-": None,
    }[state]


def base_of(state: str, name: str = "a") -> tuple[Agreed, ...]:
    if state == "-":
        return ()
    near, far = entry("near", state, name), entry("far", state, name)
    assert near is not None and far is not None
    return (agree(near, far, near.hash),)


def columns(*some: Entry | None) -> EntryColumns:
    return EntryColumns.of([one for one in some if one])


def plan_folder(
    near: Sequence[Entry | None],
    far: Sequence[Entry | None],
    base: tuple[Agreed, ...],
    closed: frozenset[Mode] = NOTHING_CLOSED,
    **rules: Any,
) -> TwoWayPlan:
    excluded = rules.pop("excluded", Filters().excluded)
    view = two_way_view(excluded, **({"propagate": True} | rules))
    return plan_columns("", columns(*near), columns(*far), AgreedColumns.of(base), view, closed)


def words(made: TwoWayPlan) -> list[str]:
    """The plan as words, without what is closed."""

    def one(action: Action) -> str:
        return f"{action.op}{'!' if action.drifted else ''}"

    said = []
    for way, steps in (("up", made.up), ("down", made.down)):
        said += [f"{way} {one(action)}" for action in (*steps.now, *steps.fresh)]
        said += [f"{way} later {one(action)}" for action in steps.later]
        said += [f"{way} wait" for _ in steps.waiting]
    said += ["conflict" for _ in made.conflicts]
    said += ["unproven" for _ in made.unproven]
    return said + ["postponed" for _ in made.postponed]


def plan(near: str, far: str, base: str = "=", **rules: Any) -> list[str]:
    return words(plan_folder([entry("near", near)], [entry("far", far)], base_of(base), **rules))


def mirrored(said: list[str]) -> list[str]:
    swap = {"up": "down", "down": "up"}
    return sorted(" ".join(swap.get(word, word) for word in line.split()) for line in said)


KEPT_DOWN: Final = ["down forget!", "down put"]
TABLE: Final[dict[tuple[str, str, str], list[str]]] = {
    # (near, far, base) -> steps; the mirror image of each row follows from it
    ("=", "=", "="): [],
    ("X", "=", "="): ["up put"],
    ("W", "=", "="): ["up put"],
    ("M", "=", "="): ["up meta"],
    ("T", "=", "="): ["up meta"],
    ("x", "=", "="): ["up meta"],
    ("l", "=", "="): ["up put"],
    ("f", "=", "="): ["up later mkdir"],
    ("-", "=", "="): ["up later delete"],
    ("-", "M", "="): ["up later delete"],
    ("-", "T", "="): ["unproven"],
    ("-", "X", "="): KEPT_DOWN,
    ("-", "l", "="): KEPT_DOWN,
    ("-", "f", "="): ["down mkdir"],
    ("X", "M", "="): ["up put"],
    ("X", "T", "="): ["unproven"],
    ("W", "M", "="): ["up put"],
    ("X", "P", "="): ["down meta"],
    ("W", "P", "="): ["down meta"],
    ("l", "P", "="): ["up put"],
    ("l", "M", "="): ["up put"],
    ("l", "T", "="): ["unproven"],
    ("f", "M", "="): ["up later mkdir"],
    ("f", "T", "="): ["unproven"],
    ("X", "Y", "="): ["conflict"],
    ("X", "W", "="): ["conflict"],
    ("x", "y", "="): ["unproven"],
    ("x", "W", "="): ["unproven"],
    ("X", "l", "="): ["conflict"],
    ("f", "X", "="): ["conflict"],
    ("f", "l", "="): ["conflict"],
    # a folder
    ("f", "f", "f"): [],
    ("-", "f", "f"): ["up later delete"],
    ("-", "F", "f"): ["up later delete"],
    ("X", "f", "f"): ["up later delete"],
    ("X", "F", "f"): ["up later delete"],
    ("X", "-", "f"): ["up put"],
    ("l", "f", "f"): ["up later delete"],
    ("X", "Y", "f"): ["conflict"],
    ("F", "f", "f"): ["up meta"],
    # first contact
    ("X", "-", "-"): ["up put"],
    ("f", "-", "-"): ["up mkdir"],
    ("l", "-", "-"): ["up put"],
    ("X", "Y", "-"): ["conflict"],
    ("x", "Y", "-"): ["unproven"],
    ("x", "W", "-"): ["conflict"],
    ("X", "l", "-"): ["conflict"],
    ("X", "f", "-"): ["conflict"],
    ("l", "f", "-"): ["conflict"],
}
TIES: Final[dict[tuple[str, str, str], list[str]]] = {
    ("-", "-", "="): ["up forget"],
    ("-", "-", "f"): ["up forget"],
    ("M", "M", "="): ["up adopt"],
    ("X", "X", "="): ["up adopt"],
    ("X", "X", "-"): ["up adopt"],
    ("X", "X", "f"): ["up adopt"],
    ("l", "l", "-"): ["up leave"],
    ("l", "l", "="): ["up leave"],
    ("f", "f", "-"): ["up leave"],
    ("f", "f", "="): ["up leave"],
    ("F", "f", "-"): ["up leave"],
    ("f", "F", "-"): ["up leave"],
    ("F", "G", "f"): ["down meta"],
    ("N", "M", "="): ["up meta"],
    ("M", "N", "="): ["down meta"],
    ("P", "M", "="): ["down meta"],
    ("M", "P", "="): ["down meta"],
    ("N", "A", "="): ["up meta"],
    ("A", "N", "="): ["down meta"],
    ("X", "U", "="): ["down meta"],
    ("X", "U", "-"): ["down meta"],
    ("F", "F", "f"): ["up leave"],
    # a damaged file is the server's alone
    ("=", "D", "="): ["up put!"],
    ("X", "D", "="): ["up put!"],
    ("-", "D", "="): ["down forget!"],
    ("-", "D", "-"): ["down put"],
    ("X", "D", "-"): ["up put!"],
    ("f", "D", "="): ["up later mkdir"],
}


@pytest.mark.parametrize(("near", "far", "base"), [*TABLE, *TIES])
def test_the_table(near: str, far: str, base: str) -> None:
    assert plan(near, far, base) == (TABLE | TIES)[near, far, base]


@pytest.mark.parametrize(("near", "far", "base"), TABLE)
def test_swapped_sides_swap_the_plan(near: str, far: str, base: str) -> None:
    assert sorted(plan(far, near, base)) == mirrored(TABLE[near, far, base])


def proven(near: str, far: str, hashes: tuple[str, str], base: str = "=") -> list[str]:
    made = plan_folder([entry("near", near)], [entry("far", far)], base_of(base))
    [row] = made.unproven
    view = two_way_view(Filters().excluded, propagate=True)
    found = decide(row, *hashes, view)
    for action in (*found.up.now, *found.up.later):
        assert (action.source or row.near, action.expected or row.far) == (row.near, row.far)
    return words(found)


def test_a_hash_says_what_a_change_was() -> None:
    assert proven("-", "T", ("", "a")) == ["up later delete"]
    assert proven("-", "T", ("", "b")) == KEPT_DOWN
    assert proven("T", "-", ("a", "")) == ["down later delete"]
    assert proven("T", "X", ("a", "x")) == ["down put"]
    assert proven("T", "X", ("b", "x")) == ["conflict"]
    assert proven("T", "X", ("x", "x")) == ["up adopt"]
    assert proven("x", "y", ("x", "y"), "-") == ["conflict"]
    assert proven("x", "y", ("x", "x"), "-") == ["up adopt"]
    assert proven("T", "T", ("a", "a")) == ["up adopt"]
    assert proven("T", "f", ("a", "")) == ["down later mkdir"]
    assert proven("T", "f", ("b", "")) == ["conflict"]


def test_what_both_sides_have_is_not_compared_again() -> None:
    near, far = entry("near", "x"), entry("far", "y")
    view = two_way_view(Filters().excluded)
    [action] = decide(Row("a", near, far, None), "x", "x", view).up.now
    assert action == Action(Op.ADOPT, "a", near, far, "the same on both sides", hash="x")


def test_what_may_be_the_same_is_compared_before_it_is_sent() -> None:
    agreed, far = entry("near", "="), entry("far", "=")
    assert agreed and far
    renewed = agreed._replace(version=99, hash="")
    assert words(plan_folder([renewed], [far], base_of("="))) == ["up meta"]
    assert words(plan_folder([agreed], [far._replace(version=99)], base_of("="))) == ["down meta"]
    link = entry("near", "l")
    assert link
    other = link._replace(version=99)
    assert words(plan_folder([other], [entry("far", "l")], base_of("l"))) == ["up leave"]


def test_a_conflict_has_both_entries_with_their_hashes() -> None:
    near, far = entry("near", "x"), entry("far", "y")
    assert near and far
    view = two_way_view(Filters().excluded)
    [action] = decide(Row("a", near, far, base_of("=")[0]), "x", "y", view).conflicts
    assert action == Action(
        Op.CONFLICT, "a", near._replace(hash="x"), far._replace(hash="y"), "changed on both sides"
    )
    [action] = plan_folder([entry("near", "X")], [entry("far", "Y")], ()).conflicts
    assert action.why == "new on both sides"


def test_a_delivered_folder_may_have_another_inode() -> None:
    """A new folder may be replaced by one with its files; base learns its inode by the way."""
    near = entry("near", "f")
    assert near
    other = near._replace(ident=99)
    assert words(plan_folder([other], [entry("far", "f")], base_of("f"))) == ["up leave"]
    assert words(plan_folder([other], [None], base_of("f"))) == ["down later delete"]


def test_without_propagation_what_is_deleted_comes_back() -> None:
    assert plan("-", "=", propagate=False) == ["up forget"]
    assert plan("=", "-", propagate=False) == ["down forget"]
    assert plan("X", "f", "f", propagate=False) == ["up forget"]
    assert plan("-", "=", "-", propagate=False) == ["down put"]


def test_what_is_left_out_is_forgotten_never_deleted() -> None:
    for near, far in ("==", "X=", "-=", "=-", "--", "XY"):
        excluded = Filters(exclude=("a",)).excluded
        assert plan(near, far, excluded=excluded) == ["up forget"]
        assert plan(near, far, "-", excluded=excluded) == []


def test_a_pattern_for_folders_leaves_a_path_out_if_one_side_has_a_folder() -> None:
    excluded = Filters(exclude=("a/",)).excluded
    assert plan("X", "=", excluded=excluded) == ["up put"]
    assert plan("f", "-", "-", excluded=excluded) == []
    assert plan("X", "f", "f", excluded=excluded) == ["up forget"]


def test_a_folder_that_is_left_out_takes_what_is_below_it_along() -> None:
    view = two_way_view(Filters(exclude=("f",)).excluded, propagate=True)
    near, far = columns(entry("near", "X")), columns(entry("far", "Y"))
    made = plan_columns("f", near, far, AgreedColumns.of(base_of("=")), view)
    assert words(made) == ["up forget"]
    assert plan_columns("f", near, far, AgreedColumns.nothing(), view).empty


def test_what_is_being_written_waits_whatever_is_on_the_other_side() -> None:
    def busy(path: str, there: Entry) -> bool:
        return False

    for far in "=MXY-":
        assert plan("X", far, still=busy) == ["up wait"]
    assert plan("X", "f", "-", still=busy) == ["up wait"]
    assert plan("=", "X", still=busy) == ["down put"], "nobody writes it here"
    assert plan("f", "-", "-", still=busy) == ["up mkdir"]
    assert plan("-", "=", still=busy) == ["up later delete"]


def test_what_failed_waits() -> None:
    def failed(path: str, there: Entry) -> bool:
        return False

    assert plan("X", "=", due=failed) == ["up wait"]
    assert plan("=", "X", due=failed) == ["down wait"]
    assert plan("X", "Y", due=failed) == ["up wait", "down wait"]
    assert plan("=", "D", due=failed) == ["up wait"]
    assert plan("-", "=", due=failed) == ["up later delete"]
    assert plan("=", "=", due=failed) == []


def closed_by(near: str, far: str, base: str = "f") -> tuple[list[str], list[str]]:
    made = plan_folder([entry("near", near)], [entry("far", far)], base_of(base))
    return made.closed_up, made.closed_down


def test_a_folder_that_goes_is_closed_and_one_that_is_made_is_open() -> None:
    assert closed_by("-", "f") == ([], ["a"])
    assert closed_by("f", "-") == (["a"], [])
    assert closed_by("X", "f") == ([], ["a"]), "a file is in its place"
    assert closed_by("f", "X", "-") == (["a"], []), "a conflict"
    assert closed_by("f", "=", "=") == (["a"], []), "it is made later"
    assert closed_by("f", "-", "-") == ([], [])
    assert closed_by("f", "f") == closed_by("-", "-") == closed_by("X", "=", "=") == ([], [])


def test_nothing_is_brought_into_a_closed_folder_and_what_changed_there_is_kept() -> None:
    down = frozenset({Mode.DOWNLOAD})

    def closed(far: str, base: str) -> list[str]:
        return words(plan_folder([None], [entry("far", far)], base_of(base), down))

    assert closed("X", "-") == ["postponed"]
    assert closed("f", "-") == ["postponed"]
    assert closed("X", "=") == ["down forget!", "postponed"]
    assert closed("=", "=") == ["up later delete"]
    assert not plan_folder([None], [entry("far", "X")], (), down).empty
    fresh = plan_folder([None], [entry("far", "X")], (), down, **TOGETHER)
    assert words(fresh) == ["postponed"]
    [row] = plan_folder([None], [entry("far", "T")], base_of("="), down).unproven
    view = two_way_view(Filters().excluded, propagate=True)
    assert words(decide(row, "", "b", view, down)) == ["down forget!", "postponed"]


TOGETHER: Final[dict[str, Any]] = {
    "excludes_some": lambda folder, names: False,
    "ready": lambda entries: True,
}


def test_a_folder_is_planned_at_once_if_nothing_speaks_against_it() -> None:
    """Nobody asks about its single files then."""

    def asked(*_: object) -> bool:
        raise AssertionError("it was asked about a single file")

    rules = TOGETHER | {"excluded": asked, "still": asked, "due": asked}
    near, far = [entry("near", "=")], [entry("far", "=")]
    assert plan_folder(near, far, base_of("="), **rules).empty
    assert words(plan_folder(near, [], (), **rules)) == ["up put"]
    assert words(plan_folder([], far, (), **rules)) == ["down put"]
    for here, there, base in (("D", "=", "="), ("=", "D", "="), ("X", "=", "="), ("-", "D", "-")):
        with pytest.raises(AssertionError, match="a single file"):
            plan_folder([entry("near", here)], [entry("far", there)], base_of(base), **rules)


def test_a_folder_with_any_step_is_not_settled() -> None:
    for near, far in ("X=", "=X", "-=", "XY", "-T"):
        assert not plan_folder([entry("near", near)], [entry("far", far)], base_of("=")).empty
    assert plan_folder([entry("near", "=")], [entry("far", "=")], base_of("=")).empty
