"""Large folders in parts: what is kept is the same, and no row has more than its share."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cargo_sync.model import agreed, entries, large_folders, paths
from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.entries import FILE, FOLDER, Entry, Listing
from cargo_sync.model.events import Happened, MovedFiles
from cargo_sync.state import deltas, observations, parts
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders, FolderState
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.observations import Observed

NAMES = [*"abcdefgh", "\x01", "\u00e9", "\U0001f600"]
SOME = st.sets(st.sampled_from(NAMES))
FOLDERS = ("", "d", "d/e")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row with more than four names is cut; small parts become one when they have one name."""
    for module in (parts, deltas, observations, large_folders):
        monkeypatch.setattr(module, "LONGEST", 4)
    monkeypatch.setattr(large_folders, "LONG", 3)
    monkeypatch.setattr(parts, "JOINED", 60)


@pytest.fixture
def folders(daemon: Database) -> Folders:
    return Folders(daemon, JobRows(daemon).get_or_create("j").id)


def entry(name: str, size: int = 1) -> Entry:
    return Entry(name, FOLDER if name == "d" else FILE, 0 if name == "d" else size)


def observed(folder: str, listing: Listing, size: int) -> list[Observed]:
    """A scan in parts of `size` names."""
    if len(listing) <= size:
        return [Observed(folder, entries.encode(listing), len(listing))]
    seen = []
    for start in range(0, len(listing), size):
        some = listing[start : start + size]
        first = some[0].name if start else ""
        end = listing[start + size].name if start + size < len(listing) else ""
        seen.append(Observed(folder, entries.encode(some), len(some), first, end))
    return seen


def rows(folders: Folders, folder: str) -> list[FolderState]:
    return [state for state in folders.below("") if state.path == folder]


def kept(folders: Folders, folder: str) -> tuple[list[Entry], list[Entry], list[str]]:
    """near, far, and the names in base, as all parts together have them, in their order."""
    found = rows(folders, folder)
    return (
        [one for state in found for one in state.near or ()],
        [one for state in found for one in state.far or ()],
        [one.name for state in found for one in state.base or ()],
    )


def names_of(states: list[FolderState]) -> set[str]:
    found: set[str] = set()
    for state in states:
        for tree in (state.near, state.far, state.base):
            found.update(paths.join(state.path, one.name) for one in tree or ())
    return found


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(FOLDERS), SOME, SOME, SOME, st.integers(1, 12), st.integers(1, 2)
        ),
        max_size=6,
    )
)
def test_all_parts_together_are_the_folder(
    daemon: Database,
    steps: list[tuple[str, set[str], set[str], set[str], int, int]],
) -> None:
    with daemon.read() as connection:
        connection.execute("PRAGMA synchronous = OFF")
        [(known,)] = connection.execute("SELECT count(*) FROM job").fetchall()
    folders = Folders(daemon, JobRows(daemon).get_or_create(f"j{known}").id)
    near: dict[str, list[Entry]] = {}
    far: dict[str, dict[str, Entry]] = {folder: {} for folder in FOLDERS}
    base: dict[str, set[str]] = {folder: set() for folder in FOLDERS}
    for folder, seen, put, drop, size, version in steps:
        # "d" is a folder: it stays in the listings, or everything below it would go too.
        listing = entries.listing(entry(name, version) for name in seen | {"d"})
        folders.observe_near(observed(folder, listing, size))
        near[folder] = list(listing)
        folders.observe_far([(paths.join(folder, name), entry(name, version)) for name in put])
        far[folder] |= {name: entry(name, version) for name in put}
        gone = drop - {"d", "e"}
        folders.observe_far([(paths.join(folder, name), None) for name in sorted(gone)])
        far[folder] = {name: one for name, one in far[folder].items() if name not in gone}
        folders.agree(
            [(paths.join(folder, name), agreed.agree(entry(name), entry(name))) for name in put]
        )
        folders.agree([(paths.join(folder, name), None) for name in gone])
        base[folder] = (base[folder] | put) - gone
        folders.settle(folders.unsettled(None, None, 2))  # so that empty parts go
        due = names_of(folders.unsettled(None, None, 100))
        folders.observe_near(observed(folder, listing, size % 5 + 1))  # the same, cut elsewhere
        assert names_of(folders.unsettled(None, None, 100)) >= due
        folders.settle(folders.unsettled(None, None, 100))
        folders.observe_near(observed(folder, listing, size))
        assert folders.unsettled(None, None, 100) == []
    for folder in FOLDERS:
        expected = (near.get(folder, []), sorted(far[folder].values()), sorted(base[folder]))
        assert kept(folders, folder) == expected
        found = rows(folders, folder)
        for state, following in pairwise(found):
            names = [one.name for some in (state.near, state.far, state.base) for one in some or ()]
            assert all(state.first <= name < following.first for name in names)
        for name in NAMES:
            here, there, both = folders.entry(paths.join(folder, name))
            assert here == next((one for one in expected[0] if one.name == name), None)
            assert there == far[folder].get(name)
            assert (both is not None) == (name in base[folder])
    assert folders.counts()[0] == sum(len(names - {"d"}) for names in base.values())


def test_a_change_writes_only_the_part_that_has_its_name(folders: Folders) -> None:
    listing = entries.listing(entry(name) for name in "abcefghi")
    folders.observe_near(observed("x", listing, 3))
    folders.settle(folders.unsettled(None, None, 100))
    changed = entries.listing(entry(name, 2 if name == "e" else 1) for name in "abcefghi")
    folders.observe_near(observed("x", changed, 3))
    [state] = folders.unsettled(None, None, 100)
    assert [one.name for one in state.near or ()] == ["e", "f", "g"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_rows_follow_a_scan_that_cuts_elsewhere(folders: Folders, size: int) -> None:
    listing = entries.listing(entry(name) for name in "abcdefgh")
    for path in ("", "d"):
        folders.observe_near(observed(path, listing, 3))
    folders.observe_far([(name, entry(name)) for name in "abcdefgh"])
    folders.settle(folders.unsettled(None, None, 100))
    cut = observed("", listing, size)
    folders.observe_near(cut)
    assert folders.unsettled(None, None, 100) == []
    assert {one.first for one in cut} <= {state.first for state in rows(folders, "")}
    assert [len(state.near or ()) for state in rows(folders, "d")] == [3, 3, 2]


def test_small_parts_become_one_when_a_scan_sees_them_as_one(folders: Folders) -> None:
    folders.observe_near(observed("", entries.listing(map(entry, "abcdefgh")), 2))
    folders.settle(read := folders.unsettled(None, None, 100))
    folders.observe_near(observed("", entries.listing(map(entry, "ah")), 2))
    assert [state.first for state in rows(folders, "")] == ["", "c", "e", "g"]
    folders.observe_near(observed("", (entry("a"),), 2))
    folders.observe_near(observed("", (entry("a"),), 2))
    [state] = rows(folders, "")
    assert [one.name for one in state.near or ()] == ["a"]
    folders.settle(read)  # what was planned before does not settle it
    assert folders.unsettled(None, None, 100) == [state]


def test_a_folder_that_goes_takes_all_its_parts_along(folders: Folders) -> None:
    listing = entries.listing(map(entry, "abcefgh"))
    for place in ("near", "far"):
        observe = folders.observe_near if place == "near" else folders.observe_far_whole
        observe([Observed("", entries.encode((entry("d"),)), 1), *observed("d", listing, 2)])
    folders.observe_near([Observed("", b"[]", 0)])
    assert {state.near for state in rows(folders, "d")} == {None}
    folders.observe_far([("d", None)])
    folders.settle(folders.unsettled(None, None, 100))
    assert rows(folders, "d") == []


def test_parts_come_in_order_before_what_is_below(folders: Folders) -> None:
    folders.observe_near(observed("", entries.listing(map(entry, "abcdefgh")), 3))
    folders.observe_near([Observed("d", b"[]", 0), Observed("\x01", b"[]", 0)])
    states = folders.unsettled(None, None, 100)
    assert [(one.path, one.first) for one in states] == [
        ("", ""), ("", "d"), ("", "g"), ("\x01", ""), ("d", ""),
    ]  # fmt: skip
    ends = [parts.key_of(""), parts.key_of("", "d"), parts.end_of(""), parts.end_of("\x01")]
    assert [len(folders.unsettled(None, end, 100)) for end in ends] == [0, 1, 3, 4]
    again = [folders.unsettled(one.key, None, 1) for one in states]
    assert [page[0].key if page else None for page in again] == [
        *(one.key for one in states[1:]),
        None,
    ]


def test_a_row_of_an_earlier_version_is_cut_when_its_folder_is_seen(
    folders: Folders, daemon: Database
) -> None:
    both = entries.listing(map(entry, "abcefgh"))
    blob = agreed.encode(tuple(agreed.agree(one, one) for one in both))
    with daemon.transaction() as connection:
        connection.execute(
            "INSERT INTO folder (job, path, near, far, base, files, bytes, settled) "
            "VALUES (1, x'', ?1, ?1, ?2, 7, 7, 1)",
            (entries.encode(both), blob),
        )
    folders.observe_near(observed("", both, 3))
    assert folders.unsettled(None, None, 100) == []
    assert [len(state.near or ()) for state in rows(folders, "")] == [3, 1, 2, 1]
    assert kept(folders, "") == ([*both], [*both], [*"abcefgh"])
    assert folders.counts() == (7, 7)


def test_a_listing_that_comes_whole_is_cut(folders: Folders) -> None:
    whole = entries.listing(map(entry, "abcefghij"))
    for observe in (folders.observe_far_whole, folders.observe_near):
        observe(observed("", whole, 100))
    assert [len(state.far or ()) for state in rows(folders, "")] == [4, 4, 1]
    folders.settle(folders.unsettled(None, None, 100))
    folders.observe_far([("k", entry("k"))])
    folders.observe_far_whole(observed("", (*whole, entry("k")), 100))
    [state] = folders.unsettled(None, None, 100)
    assert [one.name for one in state.far or ()] == ["j", "k"]


@pytest.mark.parametrize("folder", ["", "d"])
def test_what_came_between_two_parts_of_a_scan_is_cut_too(folders: Folders, folder: str) -> None:
    first, second = observed(folder, entries.listing(map(entry, "abef")), 2)
    folders.observe_near([first])
    folders.observe_far([(paths.join(folder, name), entry(name)) for name in "ag"])
    folders.observe_near([second])
    found = [[one.name for one in state.far or ()] for state in rows(folders, folder)]
    assert found == [["a"], ["g"]]


def test_changes_of_the_far_side_cut_a_part_and_agreements_do_not(folders: Folders) -> None:
    folders.agree([(name, agreed.agree(entry(name), entry(name))) for name in "abcefg"])
    assert [len(state.base or ()) for state in rows(folders, "")] == [6]
    folders.observe_far([(name, entry(name)) for name in "abcefg"])
    assert [len(state.base or ()) for state in rows(folders, "")] == [4, 2]


FILES = [name for name in NAMES if name != "d"]
MOVES = st.lists(
    st.tuples(st.sampled_from(FOLDERS), st.lists(st.sampled_from(FILES), min_size=1)), max_size=4
)


def moved(files: list[str], size: int) -> tuple[AgreedColumns, MovedFiles]:
    """Files of this size, and their events."""
    some = [agreed.agree(one, one) for one in (entry(paths.name(path), size) for path in files)]
    sizes, hashes = [size] * len(files), ["ab"] * len(files)
    told = MovedFiles("j", Happened.UPLOADED, 1.0, "", files, sizes, hashes, hashes, 1.0, 0, None)
    return AgreedColumns.of(tuple(some)), told


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(SOME, st.integers(1, 12), st.lists(MOVES, max_size=3))
def test_files_agreed_as_columns_are_those_agreed_one_by_one(
    daemon: Database, seen: set[str], size: int, batches: list[list[tuple[str, list[str]]]]
) -> None:
    with daemon.read() as connection:
        connection.execute("PRAGMA synchronous = OFF")
        [(known,)] = connection.execute("SELECT count(*) FROM job").fetchall()
    one, other = (Folders(daemon, JobRows(daemon).get_or_create(f"c{known}{x}").id) for x in "ab")
    for folder in FOLDERS:
        listing = entries.listing(entry(name) for name in seen | {"d"})
        one.observe_near(observed(folder, listing, size))
        other.observe_near(observed(folder, listing, size))
    for number, batch in enumerate(filter(None, batches)):
        files = [paths.join(folder, name) for folder, names in batch for name in names]
        columns, told = moved(files, number)
        last = one.agree_moved(columns, told)
        agreements = list(columns)
        events = [row.event for row in Events(daemon).since(last - len(files), len(files))]
        assert [event.path for event in events] == files
        assert other.agree(list(zip(files, agreements, strict=True)), events) == last + len(files)
    assert list(one.below("")) == list(other.below(""))
    assert one.counts() == other.counts()


def test_what_drifted_is_known_while_parts_come_and_go(folders: Folders) -> None:
    names = sorted(NAMES[:8])
    folders.agree([(name, agreed.agree(entry(name), entry(name))) for name in names])
    listing = entries.listing(entry(name) for name in names)
    for size in (1, 8, 2, 3, 8, 1):
        folders.observe_near(observed("", listing, size))
        known = folders.drifted()
        folders.settle(folders.unsettled(None, None, 100))
        assert folders.drifted() == known, "the old count holds until it is counted again"
        while folders.count_drift(lambda state: len({"a", "d", "h"} & base_of(state))):
            pass
        assert folders.drifted() == 3
    folders.observe_near(observed("", listing, 8))
    assert folders.drifted() == 3


def base_of(state: FolderState) -> set[str]:
    return {one.name for one in state.base or ()}
