"""The planner's table as transcripts: the entries of the three trees in, the exact steps out."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Puts
from cargo_sync.model.agreed import Agreed, AgreedColumns, agree
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry, EntryColumns
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.plan import one_way
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import FolderPlan, JobView, view_of

NOTHING = Filters().excluded


def file(name: str, revision: int = 1, **other: Any) -> Entry:
    """A file at its nth state: size, times and version all follow the revision."""
    return Entry(
        name,
        FILE,
        **({"size": revision, "mtime_ns": revision, "version": revision, "ident": 1} | other),
    )


def folder(name: str) -> Entry:
    return Entry(name, FOLDER, ident=7)


def link(name: str) -> Entry:
    return Entry(name, LINK, target="a", ident=2)


def plan_folder(
    folder: str,
    source: Sequence[Entry],
    destination: Sequence[Entry],
    base: tuple[Agreed, ...],
    view: JobView,
) -> FolderPlan:
    """The plan, without columns."""
    made = one_way.plan_folder(
        folder,
        EntryColumns.of(source),
        EntryColumns.of(destination),
        AgreedColumns.of(base),
        view,
    )
    together = sorted((*made.now, *made.fresh), key=lambda action: action.path)
    return FolderPlan(together if made.fresh else made.now, made.later, made.waiting)


def plan(
    source: list[Entry],
    destination: list[Entry],
    base: list[Agreed],
    mode: Mode = Mode.UPLOAD,
    **view: Any,
) -> list[str]:
    """The steps as words: "op name", "later op name", "wait name"; "!" means drifted."""
    rules = {"excluded": Filters(exclude=view.pop("exclude", ())).excluded} | view
    folder = tuple(source), tuple(destination), tuple(base)
    made = transcript(plan_folder("", *folder, view_of(mode, **rules)))
    assert transcript(plan_folder("", *folder, view_of(mode, **rules, **together(rules)))) == made
    return made


def together(rules: dict[str, Any]) -> dict[str, Any]:
    """With this a folder is planned at once, if nothing speaks against it."""
    excluded, still = rules["excluded"], rules.get("still", lambda path, entry: True)
    due = rules.get("due", lambda path, entry: True)
    return {
        "excludes_some": lambda folder, names: any(
            excluded(paths.join(folder, name), is_folder)
            for name in names
            for is_folder in (True, False)
        ),
        "ready": lambda entries: all(
            due(entry.name, entry) and (entry.kind == FOLDER or still(entry.name, entry))
            for entry in entries
        ),
    }


def transcript(made: FolderPlan) -> list[str]:
    return [
        *(words(action) for action in made.now),
        *("later " + words(action) for action in made.later),
        *("wait " + name for name in made.waiting),
    ]


def words(action: Action) -> str:
    return f"{action.op} {action.path}{'!' if action.drifted else ''}"


def test_new_paths_are_brought_over() -> None:
    assert plan([file("a"), folder("f"), link("l")], [], []) == [
        "put a", "mkdir f", "put l",
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "hash"])
def test_what_was_delivered_is_left_alone_whatever_became_of_it(content: str) -> None:
    a, there = file("a"), file("a", ident=9)
    agreed = agree(a, there, content)
    assert plan([a], [there], [agreed]) == []
    assert plan([a], [], [agreed]) == []
    assert plan([a], [file("a", 5, ident=9)], [agreed]) == []


def test_a_changed_source_displaces_and_says_so_when_the_destination_drifted() -> None:
    there = file("a", ident=9)
    agreed = agree(file("a"), there)
    assert plan([file("a", 2)], [there], [agreed]) == ["put a"]
    assert plan([file("a", 2)], [file("a", 5, ident=9)], [agreed]) == ["put a!"]
    assert plan([file("a", 2)], [], [agreed]) == ["put a"]


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
@pytest.mark.parametrize("change", [{"mtime_ns": 5}, {"mode": 0o600}, {}], ids=str)
def test_a_file_of_the_same_size_is_compared_before_it_is_sent(
    mode: Mode, change: dict[str, Any]
) -> None:
    there = file("a", ident=9)
    near, far = (file("a"), there) if mode is Mode.UPLOAD else (there, file("a"))
    touched = file("a", version=2)._replace(**change)
    assert plan([touched], [there], [agree(near, far, "hash")], mode) == ["meta a"]
    [action] = plan_folder(
        "", (touched,), (there,), (agree(near, far, "hash"),), view_of(mode, excluded=NOTHING)
    ).now
    assert (action.hash, action.overwrites, action.bytes) == ("hash", False, 0)


def test_what_cannot_be_as_delivered_is_sent() -> None:
    there = file("a", ident=9)
    agreed, touched = agree(file("a"), there, "hash"), file("a", version=2)
    assert plan([touched._replace(size=2)], [there], [agreed]) == ["put a"]
    assert plan([touched._replace(hash="other", mtime_ns=2)], [there], [agreed]) == ["put a"]
    assert plan([touched], [], [agreed]) == ["put a"]
    assert plan([touched._replace(mtime_ns=2)], [there], [agreed._replace(hash="")]) == ["put a"]
    drifted = there._replace(version=5)
    assert plan([touched._replace(mtime_ns=2)], [drifted], [agreed]) == ["put a!"]
    assert plan([touched], [drifted], [agreed]) == ["adopt a!"], "it looks the same: compared"
    assert plan([touched], [link("a")], [agreed]) == ["put a!"]
    assert plan([touched], [there._replace(hash=DAMAGED)], [agreed]) == ["put a"]


def test_the_mode_of_a_folder_follows_its_later_changes() -> None:
    ours, theirs = folder("f")._replace(mode=0o755), folder("f")._replace(mode=0o700)
    changed = ours._replace(mode=0o750)
    assert plan([ours], [theirs], []) == ["leave f!"], "at first contact each side keeps its own"
    agreed = agree(ours, theirs)
    assert plan([ours], [theirs], [agreed]) == []
    assert plan([changed], [theirs], [agreed]) == ["meta f"]
    assert plan([changed], [changed._replace(mode=0o2750)], [agreed]) == ["leave f"]
    assert plan([ours._replace(ident=8)], [theirs], [agreed]) == ["leave f"], "another, as before"


def test_what_the_server_calls_damaged_is_sent_again() -> None:
    source, was = file("a"), file("a", ident=9)
    damaged = was._replace(version=2, hash=DAMAGED)
    assert plan([source], [damaged], [agree(source, was)]) == ["put a!"]
    assert plan([], [damaged], [agree(source, was)]) == ["forget a"]
    [action] = plan_folder(
        "", (source,), (damaged,), (agree(source, was),), view_of(Mode.UPLOAD, excluded=NOTHING)
    ).now
    assert not action.overwrites, "the guard counts only what is sound"


def test_first_contact_compares_what_looks_alike() -> None:
    assert plan([file("a")], [file("a", ident=9)], []) == ["adopt a!"]
    assert plan([file("a", hash="x")], [file("a", ident=9, hash="x")], []) == ["leave a!"]
    assert plan([file("a")], [file("a", 2)], []) == ["put a!"]
    assert plan([file("a", hash="x")], [file("a", ident=9, hash="y")], []) == ["adopt a!"]
    assert plan([folder("f")], [folder("f")], []) == ["leave f!"]
    assert plan([link("l")], [link("l")], []) == ["leave l!"]


def test_a_change_of_kind_waits() -> None:
    assert plan([folder("a")], [file("a")], []) == ["later mkdir a!"]
    assert plan([file("a")], [folder("a")], []) == ["later put a!"]
    assert plan([file("a")], [link("a")], []) == ["put a!"], "one for one, at once"


def test_gone_at_the_source() -> None:
    there = file("a", ident=9)
    agreed = agree(file("a"), there)
    assert plan([], [there], [agreed]) == ["forget a"]
    assert plan([], [there], [agreed], propagate=True) == ["later delete a"]
    assert plan([], [file("a", 5, ident=9)], [agreed], propagate=True) == ["forget a!"]
    assert plan([], [], [agreed], propagate=True) == ["forget a"]
    assert plan([], [there], [], propagate=True) == [], "what was never delivered is never deleted"


def test_a_newly_excluded_path_is_forgotten_never_deleted() -> None:
    agreed = agree(file("a.tmp"), file("a.tmp", ident=9))
    for source in ([file("a.tmp", 2)], []):
        steps = plan(source, [file("a.tmp", ident=9)], [agreed], propagate=True, exclude=("*.tmp",))
        assert steps == ["forget a.tmp"]
    assert plan([file("a.tmp")], [], [], exclude=("*.tmp",)) == []


@pytest.mark.parametrize("pattern", ["build", "build/"])
@pytest.mark.parametrize("source", [[], [folder("build")]], ids=["gone", "still there"])
def test_a_newly_excluded_folder_is_forgotten_never_deleted(
    pattern: str, source: list[Entry]
) -> None:
    there = folder("build")
    steps = plan(source, [there], [agree(there, there)], propagate=True, exclude=(pattern,))
    assert steps == ["forget build"]


def test_a_pattern_for_folders_leaves_a_file_of_that_name_in() -> None:
    there = file("build", ident=9)
    agreed = agree(file("build"), there)
    assert plan([], [there], [agreed], propagate=True, exclude=("build/",)) == [
        "later delete build"
    ]


def test_a_delivered_folder_may_have_another_inode() -> None:
    view = view_of(Mode.DOWNLOAD, excluded=lambda path, is_folder: False, propagate=True)
    agreed = agree(folder("a"), folder("a"))
    other = folder("a")._replace(ident=8)
    assert transcript(plan_folder("", (), (other,), (agreed,), view)) == ["later delete a"]
    changed = other._replace(mode=0o700)
    assert transcript(plan_folder("", (), (changed,), (agreed,), view)) == ["forget a!"]
    was_file = agree(file("a"), file("a"))
    there = file("a", ident=8)
    assert transcript(plan_folder("", (), (there,), (was_file,), view)) == ["forget a!"]


@pytest.mark.parametrize("pattern", ["f", "f/", "/f", "**/f/"])
@pytest.mark.parametrize("below", ["f", "f/sub"])
def test_a_folder_that_is_left_out_takes_what_is_below_it_along(pattern: str, below: str) -> None:
    agreed, there = agree(file("a"), file("a", ident=9)), file("a", ident=9)
    excluded = Filters(exclude=(pattern,)).excluded
    for source in ((), (file("a", 2),)):
        view = view_of(Mode.UPLOAD, excluded=excluded, propagate=True, retire=True)
        assert transcript(plan_folder(below, source, (there,), (agreed,), view)) == [
            f"forget {below}/a"
        ]
        assert plan_folder(below, source, (there,), (), view).empty


def test_bits_that_are_not_carried_make_no_difference() -> None:
    assert plan(
        [file("a", hash="x", mode=0o2777)], [file("a", ident=9, hash="x", mode=0o775)], []
    ) == ["leave a!"]
    assert plan(
        [file("a", hash="x", mode=0o700)], [file("a", ident=9, hash="x", mode=0o755)], []
    ) == ["adopt a!"]


def test_what_is_being_written_and_what_failed_waits() -> None:
    assert plan([file("a")], [], [], still=lambda path, entry: False) == ["wait a"]
    assert plan([file("a")], [], [], due=lambda path, entry: False) == ["wait a"]
    assert plan([folder("f")], [], [], still=lambda path, entry: False) == ["mkdir f"]
    assert plan([folder("f")], [], [], due=lambda path, entry: False) == ["wait f"]


def test_delivered_sources_are_retired() -> None:
    agreed = agree(file("a"), file("a", ident=9), "hash")
    assert plan([file("a")], [file("a", ident=9)], [agreed], retire=True) == ["retire a"]
    waits = plan(
        [file("a")], [file("a", ident=9)], [agreed], retire=True, due=lambda path, entry: False
    )
    assert waits == ["wait a"], "or the folder would count as settled"


def test_only_files_whose_delivery_was_verified_are_retired() -> None:
    unverified = agree(file("a"), file("a", ident=9))
    assert plan([file("a")], [file("a", ident=9)], [unverified], retire=True) == []
    for kept in (folder("f"), link("l")):
        assert plan([kept], [kept], [agree(kept, kept, "hash")], retire=True) == []


def test_a_folder_with_any_step_is_not_settled() -> None:
    action = Action(Op.PUT, "a", file("a"))
    assert FolderPlan().empty
    unsettled_plans = (
        FolderPlan([action]),
        FolderPlan([], [action]),
        FolderPlan([], [], ["a"]),
        FolderPlan(fresh=Puts.of([action])),
    )
    for unsettled in unsettled_plans:
        assert not unsettled.empty


@pytest.mark.parametrize("mode", DIRECTIONS)
def test_a_folder_is_planned_at_once_if_nothing_speaks_against_it(mode: Mode) -> None:
    """Nobody asks about its single files then."""

    def asked(*_: object) -> bool:
        raise AssertionError("it was asked about a single file")

    near, far = [file("a"), file("b", 2)], [file("a", 5, ident=9), file("b", 6, ident=9)]
    base = tuple(agree(*pair) for pair in zip(near, far, strict=True))
    source, destination = (near, far) if mode is Mode.UPLOAD else (far, near)
    view = view_of(
        mode,
        excluded=lambda path, is_folder: asked() if path != "f" else False,
        excludes_some=lambda folder, names: False,
        still=asked,
        due=asked,
        ready=lambda entries: True,
    )
    assert plan_folder("f", tuple(source), tuple(destination), base, view).empty
    fresh = plan_folder("f", (*source, folder("g")), (), (), view)
    assert transcript(fresh) == ["put f/a", "put f/b", "mkdir f/g"]
    with pytest.raises(AssertionError, match="a single file"):
        plan_folder("f", tuple(source[:1]), tuple(destination), base, view)


def test_each_step_says_why() -> None:
    there = file("a", ident=9)
    agreed = agree(file("a"), there, "hash")

    def why(source: list[Entry], destination: list[Entry], *base: Agreed, **view: Any) -> str:
        rules = view_of(Mode.UPLOAD, excluded=lambda path, is_folder: False, **view)
        made = plan_folder("", tuple(source), tuple(destination), base, rules)
        [action] = [*made.now, *made.later]
        return action.why

    assert why([file("a")], []) == "new"
    assert why([file("a", 2)], [], agreed) == "changed"
    assert why([file("a", 2)], [there], agreed) == "changed"
    assert why([file("a", 2)], [there]) == "differs"
    assert why([file("a")], [there], agreed, retire=True) == "delivered"
    assert why([], [there], agreed) == "gone at the source"


def test_a_download_is_the_mirror_image() -> None:
    near, far = file("a", ident=9), file("a", 3)
    agreed = agree(near, far)
    assert plan([far], [near], [agreed], Mode.DOWNLOAD) == []
    assert plan([file("a", 4)], [near], [agreed], Mode.DOWNLOAD) == ["put a"]


names = st.sampled_from("abcd")
listings = st.dictionaries(
    names, st.tuples(st.sampled_from([FILE, FOLDER]), st.integers(1, 3))
).map(
    lambda found: [
        Entry(name, kind, 0 if kind == FOLDER else n, n, 0, n, n)
        for name, (kind, n) in sorted(found.items())
    ]
)


@pytest.mark.parametrize("mode", DIRECTIONS)
@given(source=listings, destination=listings, near=listings, far=listings, propagate=st.booleans())
def test_nothing_is_ever_touched_that_base_and_source_do_not_explain(
    mode: Mode,
    source: list[Entry],
    destination: list[Entry],
    near: list[Entry],
    far: list[Entry],
    propagate: bool,
) -> None:
    there = {entry.name: entry for entry in far}
    base = [agree(entry, there[entry.name]) for entry in near if entry.name in there]
    folder = tuple(source), tuple(destination), tuple(base)
    rules: dict[str, Any] = {"excluded": lambda path, is_folder: False, "propagate": propagate}
    made = plan_folder("", *folder, view_of(mode, **rules))
    assert plan_folder("", *folder, view_of(mode, **rules, **together(rules))) == made
    standing = {entry.name: entry for entry in destination}
    for action in (*made.now, *made.later):
        assert action.expected == standing.get(action.path) or action.op == "forget"
        assert action.op != "delete" or (propagate and action in made.later)
        assert action.source is None or action.source in source
    seen = [action.path for action in (*made.now, *made.later)]
    assert len(seen) == len(set(seen)), "one step a path"
