"""The suite that each catalogue must pass (cargo_sync/catalogue/contract.py), as transcripts.

Changes are words: `a/x` is a file of one byte, `a/x=7` one of seven, `a/` a folder; `-a` is gone,
`a>b` has moved. Entries are words with versions: `x=7@3#1` has version 3 and id 1.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from secrets import token_hex

import pytest

from cargo_sync.catalogue import unfinished
from cargo_sync.catalogue.contract import (
    Catalogue,
    Catalogued,
    CataloguedFile,
    CatalogueExchange,
    CatalogueMove,
    Change,
    Gone,
    Put,
    PutColumns,
)
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.machines.own_changes import VersionRange
from cargo_sync.machines.quota import Use
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.sqlite.database import SqliteDatabase

Open = Callable[[], Catalogue]


def sqlite(folder: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    opened: list[Database] = []

    def reopen() -> Catalogue:
        for database in opened:
            database.close()
        opened[:] = [SqliteDatabase.open(str(folder / "server.db"), "server")]
        return StoredCatalogue(opened[0])

    yield reopen
    opened[0].close()


def postgres(folder: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    address = request.getfixturevalue("fresh_postgres")
    opened: list[Database] = []

    def reopen() -> Catalogue:
        for database in opened:
            database.close()
        opened[:] = [PostgresDatabase.open(address, str(folder))]
        return StoredCatalogue(opened[0])

    yield reopen
    opened[0].close()


@pytest.fixture(params=[sqlite, postgres])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the catalogue, also again, like after a restart."""
    yield from request.param(tmp_path, request)


class World:
    """A catalogue with one workspace, in words."""

    def __init__(self, catalogue: Catalogue, root: str = "/srv/ana") -> None:
        self.catalogue = catalogue
        self.id = catalogue.workspace(root, lambda: f"epoch of {root}").id

    def record(self, changes: str) -> list[int]:
        before = self.catalogue.use(self.id)
        recorded = self.catalogue.record(self.id, [change(word) for word in changes.split()])
        assert recorded.use == before + recorded.grown == self.catalogue.use(self.id)
        return recorded.versions

    def may_record(self, changes: str) -> bool:
        """Whether the folders above are recorded, as the contract wants it."""
        words = changes.split()
        for word in words:
            above = paths.parent(change(word).path)
            held = self.catalogue.entry(self.id, above) if above else None
            is_there = held is not None and held.entry.kind == FOLDER
            if above and not is_there and f"{above}/" not in words and word[0] != "-":
                return False
        return True

    def finish(self, most: int) -> None:
        while self.catalogue.finish(self.id, most):
            pass

    def listing(self, folder: str = "", after: str = "", upto: str = "", limit: int = -1) -> str:
        asked = self.id, folder, after, upto, limit
        held = self.catalogue.listing(*asked)
        assert self.catalogue.stats(*asked) == [
            (*(one.entry[at] for at in range(5)), one.ctime_ns, one.inode, one.entry.target)
            for one in held
        ]
        return " ".join(map(show, held))

    def compare_files(self, some: Sequence[str]) -> None:
        """Asserts that `files` and `entries` say the same."""
        held = self.catalogue.entries(self.id, some)
        expected = [
            CataloguedFile._make((*(one.entry[at] for at in (5, 6, 7, 2, 3)), *one[1:]))
            if one is not None and one.entry.kind == FILE
            else None
            for one in held
        ]
        assert self.catalogue.files(self.id, some) == expected

    def tree(self, folder: str = "") -> str:
        """Every path with its id."""
        found = []
        for held in self.catalogue.listing(self.id, folder):
            path = paths.join(folder, held.entry.name)
            found.append(f"{path}#{held.entry.ident}")
            if held.entry.kind == FOLDER:
                found += self.tree(path).split()
        return " ".join(found)

    def changes(
        self,
        since: int = 0,
        under: str = "",
        limit: int = 1000,
        without: Sequence[VersionRange] = (),
    ) -> str:
        page = self.catalogue.changes(self.id, since, under, limit, without)
        rows = [f"{path}@{entry.version}" if entry else f"-{path}" for path, entry in page.rows]
        return f"{' '.join(rows)} ({page.next}{' more' if page.more else ''})"

    def sequence(self) -> int:
        return self.catalogue.workspace("/srv/ana", lambda: "").sequence

    def fails(self, changes: str) -> str:
        before = self.sequence(), self.tree()
        with pytest.raises(ProblemError) as caught:
            self.record(changes)
        assert (self.sequence(), self.tree()) == before
        return caught.value.problem.code


def change(word: str) -> Change:
    if word.startswith("-"):
        return Gone(word[1:])
    if "<>" in word:
        source, _, path = word.partition("<>")
        return CatalogueExchange(source, path, 98, 99)
    if ">" in word:
        source, _, path = word.partition(">")
        return CatalogueMove(source, path, 99)
    path, _, size = word.rstrip("/").partition("=")
    if word.endswith("/"):
        return Put(path, Entry(paths.name(path), FOLDER), 0, 0)
    return Put(path, Entry(paths.name(path), FILE, int(size or 1)), 5, 6)


def show(held: Catalogued) -> str:
    entry = held.entry
    size = "/" if entry.kind == FOLDER else f"={entry.size}" if entry.size != 1 else ""
    return f"{entry.name}{size}@{entry.version}#{entry.ident}"


@pytest.fixture
def world(reopen: Open) -> World:
    return World(reopen())


def test_what_was_there_is_known_as_long_as_its_deletion(world: World) -> None:
    world.record("a/ a/x b")
    world.record("-a b>c")
    world.record("d/")
    was = [path for path in ("a", "a/x", "b", "c", "d", "e") if world.catalogue.was(world.id, path)]
    assert was == ["a", "a/x", "b", "c", "d"]


def test_a_workspace_is_made_once_and_lasts(reopen: Open) -> None:
    catalogue = reopen()
    epochs = iter(("one", "two"))
    ana = catalogue.workspace("/srv/ana", lambda: next(epochs))
    bob = catalogue.workspace('/srv/bob\'s "ü"', lambda: next(epochs))
    assert (ana.epoch, ana.sequence, ana.marker, bob.epoch) == ("one", 0, "", "two")
    catalogue.set_marker(ana.id, "m1")
    catalogue.record(ana.id, [change("x")])
    catalogue = reopen()
    assert catalogue.workspace("/srv/ana", lambda: next(epochs)) == (
        ana.id,
        "/srv/ana",
        "m1",
        "one",
        1,
        0,
    )
    assert catalogue.workspace('/srv/bob\'s "ü"', lambda: "no") == bob


def test_workspaces_know_nothing_of_each_other(world: World) -> None:
    other = World(world.catalogue, "/srv/bob")
    world.record("a/ a/x")
    assert other.record("a=2 b") == [1, 2]
    assert (world.listing(), other.listing()) == ("a/@1#1", "a=2@1#1 b@2#2")
    assert other.changes() == "a@1 b@2 (2)"


def test_every_change_gets_the_next_version_and_a_rewrite_keeps_its_id(world: World) -> None:
    assert world.record("a/ a/x b") == [1, 2, 3]
    assert world.record("a/x=2 c") == [4, 5]
    assert (world.listing(), world.listing("a")) == ("a/@1#1 b@3#3 c@5#5", "x=2@4#2")


def test_an_entry_comes_back_exactly(reopen: Open) -> None:
    world = World(reopen())
    entry = Entry("x 👍", FILE, 2**62, -5, 0o4755, 0, 0, "ab" * 32)
    link = Entry("l", LINK, 0, 7, 0o777, target="../'\"\n")
    world.catalogue.record(
        world.id, [Put("x 👍", entry, 2**63 - 1, 2**64 - 1), Put("l", link, 1, 2)]
    )
    catalogue = reopen()
    first = Catalogued(entry._replace(version=1, ident=1), 2**63 - 1, 2**64 - 1)
    assert catalogue.entry(world.id, "x 👍") == first
    assert catalogue.listing(world.id, "") == [
        Catalogued(link._replace(version=2, ident=2), 1, 2),
        first,
    ]


def test_listings_are_direct_and_in_order(world: World) -> None:
    world.record("b a/ a/x/ a/x/y a-b a/z a.b é 👍 A a/-")
    assert [word.partition("@")[0] for word in world.listing().split()] == [
        "A", "a/", "a-b", "a.b", "b", "é", "👍",
    ]  # fmt: skip
    assert [word.partition("@")[0] for word in world.listing("a").split()] == ["-", "x/", "z"]
    assert (world.listing("b"), world.listing("nowhere")) == ("", "")


def test_many_entries_at_once_come_in_the_order_asked_for(world: World) -> None:
    world.record("a b/ b/c -a " + " ".join(f"n{number}" for number in range(250)))
    wanted = ["b/c", "a", "nothing", *(f"n{number}" for number in reversed(range(250))), "b/c"]
    assert world.catalogue.entries(world.id, wanted) == [
        world.catalogue.entry(world.id, path) for path in wanted
    ]
    world.compare_files(wanted)


def test_of_files_less_is_told(world: World) -> None:
    """Folders, links, and what is not there are no files."""
    linked = Entry("link", LINK, target="b", mtime_ns=3)
    large = Entry("large", FILE, 7, -1, 0o640, hash="ab" * 32)
    some = [Put("link", linked, 5, 6), Put("large", large, 8, 2**64 - 1)]
    world.catalogue.record(world.id, some)
    world.record("a b/ b/c -a")
    asked = ["link", "large", "a", "b", "b/c", "nothing"]
    found = CataloguedFile(2, 2, "ab" * 32, 7, -1, 8, 2**64 - 1)
    assert world.catalogue.files(world.id, asked)[:4] == [None, found, None, None]
    assert world.catalogue.files(world.id, []) == []
    world.compare_files(asked)


def test_new_entries_among_many_others(world: World) -> None:
    """The paths that are asked for may be few in a full range, or many in an empty one."""
    world.record(" ".join(f"n{number:03d}" for number in range(0, 200, 2)))
    scattered = [f"n{number:03d}" for number in range(0, 200, 9)]
    found = world.catalogue.entries(world.id, scattered)
    assert [one is not None for one in found] == [not number % 2 for number in range(0, 200, 9)]
    world.compare_files(scattered)
    between = [f"n{number:03d}" for number in range(101, 199, 2)]
    assert world.record(" ".join(between)) == list(range(101, 150))
    behind = [f"n{number:03d}" for number in range(180, 280)]
    known = sum(one is not None for one in world.catalogue.entries(world.id, behind))
    assert known == 19
    versions = world.record(" ".join(f"{path}=2" for path in behind))
    assert versions == list(range(150, 250))


def test_where_nothing_was_it_is_another_entry(world: World) -> None:
    world.record("x a/ a/y b")
    fresh = [Put(path, Entry(path, FILE, 1), 5, 6, fresh=True) for path in ("a", "x", "z")]
    assert world.catalogue.record(world.id, fresh).versions == [7, 8, 9]
    assert world.listing() == "a@7#7 b@4#4 x@8#8 z@9#9"
    assert world.changes(4) == "-a/y a@7 x@8 z@9 (9)"


def test_columns_are_recorded_as_their_rows_are(reopen: Open) -> None:
    """New ones, with a name twice, known ones, and in the place of a folder."""
    catalogue = reopen()
    rows, columns = World(catalogue, "/srv/rows"), World(catalogue, "/srv/columns")
    for size, fresh, names in (
        (1, False, "f/x f/y"), (1, False, "f/x f/z f/z"), (2, True, "f/y"), (3, False, "f g"),
    ):  # fmt: skip
        puts = [
            Put(f"a/{name}", Entry(paths.name(name), FILE, size, hash="h"), 5, 2**64 - 1, fresh)
            for name in names.split()
        ]
        above = [change("a/"), change("a/f/")] if size == 1 else []
        expected = catalogue.record(rows.id, [*above, *puts])
        assert catalogue.record(columns.id, [*above, PutColumns.of(puts)]) == expected
        assert columns.tree() == rows.tree()
        assert columns.changes() == rows.changes()
        held = [catalogue.entries(one.id, [put.path for put in puts]) for one in (rows, columns)]
        assert held[0] == held[1]
    assert columns.tree() == "a#1 a/f#11 a/g#12"


def test_what_changed_beside_its_fields_is_a_new_version_of_the_same_entry(world: World) -> None:
    world.record("x")
    there = world.catalogue.entry(world.id, "x")
    assert there is not None
    known = there.entry._replace(hash="a" * 64)
    world.catalogue.record(world.id, [Put("x", known, 5, 6)])
    anew = Put("x", known, 7, 6, anew=True)
    assert world.catalogue.record(world.id, [anew]).versions == [world.sequence()]
    after = world.catalogue.entry(world.id, "x")
    assert after is not None and after.entry.version > there.entry.version
    assert (after.entry.ident, after.entry.hash) == (there.entry.ident, "a" * 64)


def test_recording_the_same_again_changes_nothing(world: World) -> None:
    changes = "a/ a/x a/y=3 -gone -a/x"
    world.record(changes.replace(" -a/x", ""))
    versions = world.record("a/ a/x a/y=3")
    assert (versions, world.sequence()) == ([1, 2, 3], 3)
    assert world.record("-a/x -gone") == [4, 0]
    assert world.record("-a/x -gone") == [4, 0]
    assert world.changes() == "a@1 a/y@3 -a/x (4)"


def test_the_same_path_twice_in_one_call(world: World) -> None:
    assert world.record("x x=2 -x x=3 x=3") == [1, 2, 3, 4, 4]
    assert (world.listing(), world.changes()) == ("x=3@4#4", "x@4 (4)")


def test_what_is_gone_takes_along_what_was_below_it(world: World) -> None:
    world.record("a/ a/x a/d/ a/d/y a-b ab")
    assert world.record("-a") == [7]
    assert world.listing() == "a-b@5#5 ab@6#6"
    assert world.catalogue.entry(world.id, "a/d/y") is None
    assert world.changes(6) == "-a -a/d -a/d/y -a/x (10)"
    assert world.record("a/ a/x") == [11, 12]
    assert (world.listing("a"), world.changes(6)) == ("x@12#12", "-a/d -a/d/y a@11 a/x@12 (12)")


def test_everything_gone_at_once(world: World) -> None:
    world.record("a/ a/x b")
    assert world.record("-") == [6]
    assert (world.listing(), world.changes()) == ("", "-a -a/x -b (6)")


def test_another_kind_is_another_entry(world: World) -> None:
    world.record("a/ a/x b")
    assert world.record("b/ b/y a=4 c") == [4, 5, 8, 9]
    assert world.listing() == "a=4@8#8 b/@4#4 c@9#9"
    assert world.changes() == "b@4 b/y@5 -a/x a@8 c@9 (9)"


def test_a_move_keeps_ids_and_is_told_before_what_it_leaves(world: World) -> None:
    world.record("a/ a/x a/d/ a/d/y ab b/")
    assert world.record("a>b/c") == [1]
    assert world.tree() == "ab#5 b#6 b/c#1 b/c/d#3 b/c/d/y#4 b/c/x#2"
    assert world.changes(6) == "b/c@1 b/c/d@3 b/c/d/y@4 b/c/x@2 -a -a/d -a/d/y -a/x (14)"
    moved = world.catalogue.entry(world.id, "b/c/x")
    assert moved and (moved.ctime_ns, moved.inode) == (5, 6)


def test_a_move_says_which_numbers_of_the_feed_are_its_own(world: World) -> None:
    world.record("a/ a/x b")
    words = "e/ a>c b<>c/x f"
    done = world.catalogue.record(world.id, [change(word) for word in words.split()])
    assert done.versions == [4, 1, 3, 15]
    assert done.moved == [(5, 8), (9, 14)]
    assert world.changes(4, without=done.moved) == "f@15 (15)"


def test_two_names_change_places_with_all_that_is_below(world: World) -> None:
    world.record("a/ a/x a/d/ a/d/y b/ b/x=2 c=3 -b/x b/z")
    assert world.record("a<>b") == [1]
    assert world.tree() == "a#5 a/z#9 b#1 b/d#3 b/d/y#4 b/x#2 c#7"
    assert world.record("c<>b/x") == [7]
    held = world.catalogue.entries(world.id, ["c", "b/x"])
    assert [one and (one.entry.version, one.ctime_ns) for one in held] == [(2, 99), (7, 98)]
    assert world.changes(9).count("cargo_sync") == 0
    rows = world.catalogue.changes(world.id, 9, "", 100).rows
    assert {path for path, entry in rows if entry is None} == {"a/x", "a/d", "a/d/y", "b/z"}


def test_what_cannot_change_places_stays(world: World) -> None:
    world.record("a/ a/x b")
    assert [world.fails(f"c {words}") for words in ("a<>none", "none<>a", "a<>a/x", "a/x<>a")] == [
        "vanished", "vanished", "bad_path", "bad_path",
    ]  # fmt: skip


def test_a_moved_file_has_the_ctime_of_its_rename(world: World) -> None:
    world.record("x=9 d/")
    assert world.record("x>d/y d/y>x x>z") == [1, 1, 1]
    assert world.sequence() == 8
    moved = world.catalogue.entry(world.id, "z")
    assert moved and (moved.entry.size, moved.entry.ident, moved.ctime_ns) == (9, 1, 99)
    assert world.tree() == "d#2 z#1"


def test_a_move_that_cannot_be_is_refused_with_all_that_came_with_it(world: World) -> None:
    world.record("a/ a/x b")
    assert world.fails("c nothing>d") == "vanished"
    assert world.fails("c b>a/x") == "occupied"
    assert world.fails("c a>a/d") == "bad_path"
    assert world.fails("c a>a") == "bad_path"
    assert world.record("-a/x b>a/x") == [4, 3]


@pytest.mark.parametrize("path", ["", "a\0b", "../a", "/a", "a//b", "a/.", "x" * 256, "\ud800"])
def test_paths_that_cannot_be_trusted_are_refused(world: World, path: str) -> None:
    world.record("a")
    bad: list[Change] = [
        Put(path, Entry("a", FILE), 1, 1),
        CatalogueMove("a", path, 1),
        CatalogueMove(path, "b", 1),
    ]
    for one in [*bad, Gone(path)] if path else bad:
        with pytest.raises(ProblemError) as caught:
            world.catalogue.record(world.id, [change("c"), one])
        assert caught.value.problem.code == "bad_path"
    assert (world.tree(), world.sequence()) == ("a#1", 1)


def test_reserved_names_get_no_row_and_those_of_earlier_versions_may_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(paths, "check", lambda path, **_: path)
        world.record("a/ a/.cargo_sync/ a/.cargo_sync/x")
    for words in ("a/.cargo_sync", "a>.CARGO_SYNC", "a/.cargo_sync/x>b"):
        with pytest.raises(ProblemError) as caught:
            world.record(f"c {words}")
        assert caught.value.problem.code == "reserved_name"
    world.record("-a/.cargo_sync")
    assert world.tree() == "a#1"


@pytest.mark.parametrize("size", [2**63, -(2**63) - 1])
def test_a_number_that_does_not_fit_is_refused(world: World, size: int) -> None:
    with pytest.raises(ProblemError) as caught:
        world.catalogue.record(world.id, [change("c"), Put("a", Entry("a", FILE, size), 1, 1)])
    assert (caught.value.problem.code, world.sequence()) == ("bad_value", 0)


def test_an_unknown_workspace(world: World) -> None:
    catalogue = world.catalogue
    calls: list[Callable[[], object]] = [
        lambda: catalogue.record(77, []),
        lambda: catalogue.listing(77, ""),
        lambda: catalogue.entry(77, "a"),
        lambda: catalogue.changes(77, 0, "", 1),
        lambda: catalogue.set_marker(77, ""),
        lambda: catalogue.set_hash(77, "a", 1, ""),
    ]
    for call in calls:
        with pytest.raises(ProblemError) as caught:
            call()
        assert caught.value.problem.code == "unknown_workspace"


FACE = Entry("x", FILE, 3, 10, 0o644)


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (Put("x", FACE, 5, 6), Put("x", FACE, 5, 6), True),
        (Put("x", FACE, 5, 6), Put("x", FACE, 7, 6), False),
        (Put("x", FACE, 5, 6), Put("x", FACE, 5, 7), False),
        (Put("x", FACE, 5, 6), Put("x", FACE._replace(mode=0o600), 5, 6), False),
        (Put("x", FACE, 5, 6), Put("x", FACE._replace(hash="h"), 5, 6), True),
        (Put("x", FACE._replace(hash="h"), 5, 6), Put("x", FACE, 5, 6), True),
        (Put("x", FACE._replace(hash="h"), 5, 6), Put("x", FACE, 7, 6), False),
        (Put("x", FACE._replace(hash="h"), 5, 6), Put("x", FACE._replace(hash="h"), 7, 8), True),
        (Put("x", FACE._replace(hash="h"), 5, 6), Put("x", FACE._replace(hash="i"), 5, 6), False),
        (Put("x", Entry("x", FOLDER), 5, 6), Put("x", Entry("x", FOLDER), 7, 8), True),
        (
            Put("x", Entry("x", LINK, target="a"), 5, 6),
            Put("x", Entry("x", LINK, target="b"), 5, 6),
            False,
        ),
    ],
)
def test_what_counts_as_the_same_content(world: World, then: Put, now: Put, same: bool) -> None:
    world.catalogue.record(world.id, [then])
    assert (world.catalogue.record(world.id, [now]).versions == [1]) == same
    held = world.catalogue.entry(world.id, "x")
    assert held
    assert (held.ctime_ns, held.inode, held.entry.version, held.entry.ident) == (
        now.ctime_ns,
        now.inode,
        1 if same else 2,
        1,
    )
    assert held.entry.hash == (now.entry.hash or (then.entry.hash if same else ""))


def test_changes_in_pages(world: World) -> None:
    world.record("a b c d e")
    assert world.changes(limit=2) == "a@1 b@2 (2 more)"
    world.record("a=2 -c")
    assert world.changes(2, limit=2) == "d@4 e@5 (5 more)"
    assert world.changes(5, limit=2) == "a@6 -c (7)"
    assert world.changes(7) == " (7)"


def test_changes_without_some_versions(world: World) -> None:
    world.record("a b c d e")
    world.record("a=2 -c")
    own = [(1, 2), (4, 5)]
    assert world.changes(limit=1, without=own) == "a@6 (6 more)"
    assert world.changes(limit=2, without=own) == "a@6 -c (7)"
    assert world.changes(limit=2, without=[(4, 4)]) == "b@2 e@5 (5 more)"
    assert world.changes(4, without=own) == "a@6 -c (7)"
    assert world.changes(without=[(1, 9)]) == " (7)"


def test_changes_below_a_folder_are_relative_to_it(world: World) -> None:
    world.record("a/ a/x a-b a/d/ a/d/y b -a/x")
    assert world.changes(under="a") == "d@4 d/y@5 -x (7)"
    assert world.changes(under="a", limit=1) == "d@4 (4 more)"
    assert world.changes(under="a/d") == "y@5 (7)"
    assert world.changes(5, under="a/d") == " (7)"
    assert world.changes(under="nowhere") == " (7)"


def test_a_cursor_from_a_newer_life_never_goes_back(world: World) -> None:
    world.record("a")
    page = world.catalogue.changes(world.id, 50, "", 10)
    assert (list(page.rows), page.next, page.more, page.sequence) == ([], 50, False, 1)


def test_numbers_that_come_again_after_a_restored_backup_are_of_another_lineage(
    reopen: Open,
) -> None:
    def started() -> tuple[World, str]:
        """A server starts; where servers share a state, it is the state's life that is told."""
        world = World(reopen())
        return world, world.catalogue.begin(world.id, token_hex(4)).token

    world = World(reopen())
    assert [world.catalogue.lineage(world.id, version) for version in (0, 1)] == ["", ""]
    world, first = started()
    world.record("a b")
    world, second = started()
    world, third = started()
    world.record("c")
    assert len({first, second, third}) == 3
    catalogue, id = world.catalogue, world.id
    assert [catalogue.lineage(id, version) for version in range(5)] == [
        "",
        *[first] * 2,
        *[third] * 2,
    ]
    assert catalogue.changes(id, 0, "", 2).lineage == first
    newest = [catalogue.changes(id, since, "", 1).newest_lineage for since in (0, 3, 9)]
    assert newest == [third] * 3, "the same on each page"
    assert catalogue.changes(id, 2, "", 2).lineage == third
    assert catalogue.changes(id, 3, "", 2).lineage == third


def test_what_is_there_is_counted(reopen: Open) -> None:
    world = World(reopen())

    def used(changes: str) -> tuple[int, int]:
        if changes:
            world.record(changes)
        use = world.catalogue.use(world.id)
        return use.bytes, use.files

    assert used("a/ a/x=5 a/y=7 b=2") == (14, 3)
    assert used("a/x=6") == (15, 3)
    assert used("a/x=6 b=1 b=2 c=3 c=4") == (19, 4), "the same path twice counts once"
    assert used("a>d") == (19, 4)
    assert used("d/x<>b") == (19, 4)
    assert used("-d/y") == (12, 3)
    assert used("-d/y -nothing") == (12, 3)
    assert used("d=9") == (4 + 6 + 9, 3), "a file takes the place of a folder with a file"
    link = Put("l", Entry("l", LINK, target="b"), 1, 2)
    world.catalogue.record(world.id, [link])
    assert used("") == (19, 4)
    assert world.catalogue.uses() == {"/srv/ana": world.catalogue.use(world.id)}
    world = World(reopen())
    assert used("-") == (0, 0)


def test_hashes_are_noted_for_the_version_that_was_read(world: World) -> None:
    world.record("a/ a/x b")
    world.record("b=2")
    noted = [
        world.catalogue.set_hash(world.id, path, version, "h")
        for path, version in (("a/x", 2), ("b", 3))
    ]
    assert noted == [True, False]
    assert not world.catalogue.set_hash(world.id, "a", 1, "h")
    held = world.catalogue.entry(world.id, "a/x")
    assert held and (held.entry.hash, held.entry.version) == ("h", 2)


def test_ten_thousand_changes_at_once(world: World) -> None:
    files = [Put(f"d/{n:05}", Entry(f"{n:05}", FILE, n, n), n, n) for n in range(10_000)]
    assert world.catalogue.record(world.id, [change("d/"), *files]).versions == list(
        range(1, 10_002)
    )
    assert world.catalogue.record(world.id, files[::2]).versions == list(range(2, 10_002, 2))
    page = world.catalogue.changes(world.id, 1, "d", 20_000)
    assert [path for path, _ in page.rows] == [f"{n:05}" for n in range(10_000)]
    assert world.record("d>e -e")[0] == 1
    assert world.tree() == ""
    world.finish(4_000)
    assert world.sequence() == 40_004


def test_after_an_unclean_stop_what_was_recorded_lately_is_suspect(reopen: Open) -> None:
    world = World(reopen())
    catalogue = world.catalogue
    assert catalogue.suspects(world.id) is None
    world.record("a")
    catalogue.mark(100.0, 0.0)
    world.record("b d/")
    catalogue.mark(200.0, 0.0)
    catalogue.record(world.id, [Put("old", Entry("old", FILE), -1, 6)])
    world.record("c -b")

    def suspects(at: float) -> list[str]:
        catalogue.suspect(UncleanStop(at, 900.0, rebooted=False))
        found = catalogue.suspects(world.id)
        assert found is not None
        paths = [path for path, _, _ in catalogue.lately(world.id, found, 10**6, 10)]
        assert paths[:1] == [path for path, _, _ in catalogue.lately(world.id, found, 10**6, 1)]
        return paths

    assert suspects(200.0 + 900.0) == ["c"]
    catalogue = reopen()
    assert suspects(100.0 + 900.0) == ["c"], "b is gone; what is old was not written lately"
    assert suspects(99.0) == ["c"], "before the first mark nothing is known"
    catalogue.checked(world.id)
    assert catalogue.suspects(world.id) is None


def test_marks_of_long_ago_are_one_a_day(world: World) -> None:
    catalogue = world.catalogue
    for hour in range(0, 72, 6):
        world.record(f"{hour}")
        catalogue.mark(hour * 3600.0, 0.0)
    catalogue.thin(2 * 86_400.0)
    after = []
    for hour in (12, 47, 48, 60):
        catalogue.suspect(UncleanStop(hour * 3600.0 + 900.0, 0.0, rebooted=False))
        found = catalogue.suspects(world.id)
        assert found is not None
        after.append(found.after)
        catalogue.checked(world.id)
    assert after == [1, 5, 9, 11]


def test_old_deletions_are_forgotten_and_that_is_said(world: World) -> None:
    catalogue = world.catalogue

    def floor() -> int:
        return catalogue.workspace("/srv/ana", lambda: "").floor

    world.record("a b/ b/c d e")
    catalogue.mark(100.0, 10.0)
    world.record("-a -b")  # 6 a, 7 b, 8 b/c
    catalogue.mark(105.0, 10.0)  # too soon after the last
    catalogue.mark(110.0, 10.0)
    world.record("-d")  # 9
    assert not catalogue.forget_gone(100.0, 10)
    assert (floor(), world.changes()) == (0, "e@5 -a -b -b/c -d (9)")
    assert not catalogue.forget_gone(110.0, 10)
    assert (floor(), world.changes()) == (5, "e@5 -a -b -b/c -d (9)")
    # In parts; the floor rises with the first one.
    assert catalogue.forget_gone(110.5, 2)
    assert floor() == 8
    assert not catalogue.forget_gone(110.5, 2)
    assert world.changes() == "e@5 -d (9)"
    assert catalogue.changes(world.id, 9, "", 1).floor == 8
    # An entry at the same path is new; ids and versions are never used again.
    assert world.record("a -gone -b") == [10, 0, 0]
    assert world.listing() == "a@10#10 e@5#5"
    catalogue.mark(200.0, 10.0)
    assert not catalogue.forget_gone(150.0, 10)
    assert floor() == 8


def test_the_floor_is_of_each_workspace(world: World) -> None:
    other = World(world.catalogue, "/srv/bob")
    world.record("a b -a")
    other.record("a")
    world.catalogue.mark(1.0, 0.0)
    assert not world.catalogue.forget_gone(2.0, 10)
    assert [world.catalogue.changes(one.id, 0, "", 9).floor for one in (world, other)] == [3, 1]
    assert (world.changes(), other.changes()) == ("b@2 (3)", "a@1 (1)")


TREE = "d/ d/a d/b=2 d/s/ d/s/x=3 d/s/y d2"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows are a large subtree already."""
    monkeypatch.setattr(unfinished, "LARGE", 3)


@pytest.mark.usefixtures("large")
def test_a_large_subtree_is_gone_at_once_for_all_who_read(reopen: Open) -> None:
    world = World(reopen())
    world.record(TREE)
    assert world.record("-d") == [8]
    while True:
        world = World(reopen())  # a kill between two parts
        assert (world.tree(), world.listing("d"), world.listing("d/s")) == ("d2#7", "", "")
        assert world.catalogue.entry(world.id, "d/s/x") is None
        assert world.catalogue.entries(world.id, ["d", "d/a", "d2"])[:2] == [None, None]
        world.compare_files(["d", "d/a", "d/s/x", "d2"])
        # Who comes now reads nothing that is not there.
        rows = world.catalogue.changes(world.id, 0, "", 100).rows
        assert [path for path, entry in rows if entry] == ["d2"]
        if not world.catalogue.finish(world.id, 2):
            break
    assert world.changes(8) == "-d/a@ -d/b@ -d/s@ -d/s/x@ -d/s/y@ (13)".replace("@", "")
    assert world.record("d/ d/a") == [14, 15]


@pytest.mark.usefixtures("large")
def test_a_large_subtree_is_at_its_new_place_at_once_for_all_who_read(reopen: Open) -> None:
    world = World(reopen())
    world.record(TREE)
    assert world.record("e/ d>e/d") == [8, 1]
    while True:
        world = World(reopen())
        assert (world.listing("e"), world.listing("d")) == ("d/@1#1", "")
        assert world.tree("e/d") == "e/d/a#2 e/d/b#3 e/d/s#4 e/d/s/x#5 e/d/s/y#6"
        held = world.catalogue.entries(world.id, ["e/d", "e/d/s/x", "d/s/x", "e/d/none"])
        assert [one and (one.entry.ident, one.entry.size) for one in held] == [
            (1, 0),
            (5, 3),
            None,
            None,
        ]
        world.compare_files(["e/d", "e/d/a", "e/d/s/x", "d/s/x", "e/d/none"])
        pages = [
            world.listing("e/d", after, upto, limit)
            for after, upto, limit in (("", "", 2), ("a", "", 1), ("a", "b", -1), ("s", "", -1))
        ]
        assert [[word[0] for word in page.split()] for page in pages] == [
            ["a", "b"],
            ["b"],
            ["b"],
            [],
        ]
        if not world.catalogue.finish(world.id, 1):
            break
    moved = ["e/d", "e/d/a", "e/d/b", "e/d/s", "e/d/s/x", "e/d/s/y"]
    rows = world.catalogue.changes(world.id, 8, "", 100).rows
    assert [path for path, entry in rows if entry] == moved


def history(chance: random.Random) -> Iterator[str]:
    """Changes in words, one after the other."""
    yield TREE
    for size in range(10, 26):
        top, other = chance.sample(["d", "e", "d/s", "e/s"], 2)
        yield chance.choice(
            [
                f"{top}>{other}",
                f"{top}>{other}",
                f"{top}<>{other}",
                f"-{top}",
                f"-{top}/{chance.choice('abxy')}",
                f"{top}/{chance.choice('abxy')}={size}",
                f"{top}={size}",
                f"{top}/ {top}/a={size} {top}/s/",
            ]
        )


@pytest.mark.parametrize("seed", range(8))
def test_it_does_not_matter_when_the_rows_are_written(
    reopen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The same history, with rows written at once and in parts at any time, shows the same."""
    chance, world = random.Random(seed), World(reopen())
    with SqliteDatabase.open(str(tmp_path / "at once.db"), "server") as database:
        at_once = World(StoredCatalogue(database))
        idents: dict[str, str] = {}
        for changes in filter(at_once.may_record, history(chance)):
            outcomes = []
            for one, rows in ((at_once, 10**6), (world, 3)):
                monkeypatch.setattr(unfinished, "LARGE", rows)
                try:
                    one.record(changes)
                    outcomes.append("")
                except ProblemError as error:
                    outcomes.append(error.problem.code)
            assert outcomes[0] == outcomes[1], changes
            for _ in range(chance.randrange(3)):
                world.catalogue.finish(world.id, 1)
            seen, expected = contents(world), contents(at_once)
            assert [row[:2] for row in seen] == [row[:2] for row in expected], changes
            assert at_once.catalogue.use(at_once.id) == counted(at_once), changes
            for (_, _, mine), (_, _, ident) in zip(seen, expected, strict=True):
                assert idents.setdefault(ident, mine) == mine, changes
        world.finish(10**6)
        assert world.catalogue.use(world.id) == counted(world)
        assert [row[:2] for row in contents(world)] == [row[:2] for row in contents(at_once)]
        live = {path for path, entry in world.catalogue.changes(world.id, 0, "", 100).rows if entry}
        assert live == {path for path, _, _ in contents(world)}


def counted(world: World) -> Use:
    """What the rows that are there come to; links count as files."""
    rows = world.catalogue.changes(world.id, 0, "", 1_000).rows
    sizes = [entry.size for _, entry in rows if entry is not None and entry.kind != FOLDER]
    return Use(sum(sizes), len(sizes))


def contents(world: World, folder: str = "") -> list[tuple[str, int, str]]:
    """(path, size, id) of everything, by listings; `entry` says the same."""
    found = []
    for held in world.catalogue.listing(world.id, folder):
        path = paths.join(folder, held.entry.name)
        assert world.catalogue.entry(world.id, path) == held
        found.append((path, held.entry.size, str(held.entry.ident)))
        if held.entry.kind == FOLDER:
            found += contents(world, path)
    return found
