"""The three trees of a job, as transcripts: what is observed and agreed, and what is known then.

A listing is written as words: `x` a file of one byte, `x=7` of seven, `d/` a folder.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cargo_sync.model import agreed, entries, paths
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FILE, FOLDER, Entry, EntryColumns, PlacedEntries
from cargo_sync.model.events import Event, Happened
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state import forgetting
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders, FolderState
from cargo_sync.state.jobs import Binding, JobRows
from cargo_sync.state.observations import Observed
from cargo_sync.state.parts import end_of
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.state.crash import crashes

BINDING = Binding("root", "server", "epoch")


def entry(word: str) -> Entry:
    if word.endswith("/"):
        return Entry(word[:-1], FOLDER)
    name, _, size = word.partition("=")
    return Entry(name, FILE, int(size or 1))


def listing(words: str) -> bytes:
    return entries.encode(entries.listing(map(entry, words.split())))


def whole(path: str, blob: bytes) -> Observed:
    return Observed(path, blob, len(entries.decode(blob)))


def far(changes: str) -> list[tuple[str, Entry | None]]:
    """`a/x=2` is there now, `-a/x` is gone."""
    result: list[tuple[str, Entry | None]] = []
    for word in changes.split():
        if word.startswith("-"):
            result.append((word[1:], None))
        else:
            path = word.rstrip("/").partition("=")[0]
            result.append((path, entry(paths.name(path) + word[len(path) :])))
    return result


def agreements(changes: str) -> list[tuple[str, Agreed | None]]:
    return [(path, item and agreed.agree(item, item)) for path, item in far(changes)]


def words(items: tuple[Entry, ...] | tuple[Agreed, ...] | None) -> str:
    if items is None:
        return "?"
    return " ".join(
        item.name + ("/" if item.kind == FOLDER else f"={item.size}" if item.size != 1 else "")
        for item in items
    )


def known(folders: Folders) -> list[str]:
    """Every folder: path: near | far | base, and `*` where it is unsettled."""
    pending = {state.path for state in folders.unsettled(None, None, 10_000)}
    return [
        f"{'*' if state.path in pending else ''}{state.path}: "
        + " | ".join(map(words, (state.near, state.far, state.base)))
        for state in folders.below("")
    ]


def pending(folders: Folders) -> list[str]:
    return [state.path for state in folders.unsettled(None, None, 10_000)]


def settle(folders: Folders) -> None:
    folders.settle(folders.unsettled(None, None, 10_000))


@pytest.fixture
def folders(daemon: Database) -> Folders:
    return Folders(daemon, JobRows(daemon).get_or_create("j").id)


def test_what_did_not_change_writes_nothing(folders: Folders, daemon: Database) -> None:
    seen = [whole("", listing("a/ x")), whole("a", listing("y"))]
    folders.observe_near(seen)
    assert known(folders) == ["*: a/ x | ? | ?", "*a: y | ? | ?"]
    settle(folders)
    with daemon.read() as connection:
        before = connection.execute("SELECT total_changes()").fetchone()
        folders.observe_near(seen)
        folders.observe_far([])
        folders.observe_far(far("-q"))
        assert connection.execute("SELECT total_changes()").fetchone() == before
    assert known(folders) == [": a/ x | ? | ?", "a: y | ? | ?"]
    folders.observe_near([whole("a", listing("y=2"))])
    assert known(folders) == [": a/ x | ? | ?", "*a: y=2 | ? | ?"]


def test_a_vanished_local_folder_takes_what_was_below_it_along(folders: Folders) -> None:
    folders.observe_near(
        [
            whole("", listing("a/ a-b/ ab/")),
            whole("a", listing("d/ x")),
            whole("a/d", listing("y")),
            whole("a-b", listing("z")),
            whole("ab", listing("z")),
        ]
    )
    folders.agree(agreements("a/ a/x a/d/ a/d/y"))
    settle(folders)
    folders.observe_near([whole("", listing("a=5 a-b/ ab/"))])
    assert known(folders) == [
        "*: a=5 a-b/ ab/ | ? | a/",
        "*a: ? | ? | d/ x",
        "*a/d: ? | ? | y",
        "a-b: z | ? | ?",
        "ab: z | ? | ?",
    ]
    folders.agree(agreements("-a"))
    settle(folders)
    assert known(folders) == [": a=5 a-b/ ab/ | ? | ?", "a-b: z | ? | ?", "ab: z | ? | ?"]


def test_a_folder_that_no_listing_has_shown_takes_what_is_below_it_along(folders: Folders) -> None:
    folders.observe_near([whole("", listing("x"))])
    folders.agree(agreements("d/"))  # the job has made it,
    folders.observe_near([whole("d", listing("y"))])  # and renamed something into it
    folders.observe_near([whole("", listing("x=2"))])  # before it was listed, people took it away
    assert known(folders) == ["*: x=2 | ? | d/", "*d: ? | ? | ?"]


def test_a_far_side_may_list_itself_whole(folders: Folders) -> None:
    folders.observe_far_whole([whole("", listing("a/")), whole("a", listing("x"))])
    settle(folders)
    folders.observe_far_whole([whole("", listing("")), whole("b", listing(""))])
    assert known(folders) == ["*: ? |  | ?", "*a: ? | ? | ?", "*b: ? |  | ?"]


def test_far_changes_are_applied_in_their_order(folders: Folders) -> None:
    folders.observe_far(far("a/ a/x a/d/ a/d/y b"))
    assert known(folders) == ["*: ? | a/ b | ?", "*a: ? | d/ x | ?", "*a/d: ? | y | ?"]
    settle(folders)
    folders.observe_far(far("a/ a/x a/d/ a/d/y b"))
    assert pending(folders) == []
    folders.observe_far(far("-a a/ a/new b=2 -b b=3 -nothing/here"))
    assert known(folders) == ["*: ? | a/ b=3 | ?", "*a: ? | new | ?", "*a/d: ? | ? | ?"]
    folders.observe_far(far("a=4"))
    assert known(folders) == ["*: ? | a=4 b=3 | ?", "*a: ? | ? | ?", "*a/d: ? | ? | ?"]


def test_an_empty_far_folder_is_known_to_be_empty(folders: Folders) -> None:
    folders.observe_far(far("a/ b/ b/x -b/x"))
    assert known(folders) == ["*: ? | a/ b/ | ?", "*a: ? |  | ?", "*b: ? |  | ?"]


def test_agreements_and_their_events_become_true_together(
    folders: Folders, daemon: Database
) -> None:
    events = [Event("j", Happened.UPLOADED, 1.0, name) for name in "xy"]
    assert folders.agree(agreements("x=5 a/ a/y=7"), events) == 2
    assert folders.agree([], []) == 2
    assert known(folders) == ["*: ? | ? | a/ x=5", "*a: ? | ? | y=7"]
    assert folders.counts() == (2, 12)
    folders.agree(agreements("x=6 -a"))
    assert folders.counts() == (1, 6)
    with pytest.raises(ProblemError):
        folders.agree(agreements("z"), [Event("j", Happened.FAILED, float("nan"))])
    assert (folders.counts(), Events(daemon).newest()) == ((1, 6), 2)


def test_only_what_was_looked_at_is_settled(folders: Folders) -> None:
    folders.observe_near([whole("", listing("a/ x")), whole("a", listing("y"))])
    looked = folders.unsettled(None, None, 10)
    folders.observe_near([whole("a", listing("y=2"))])
    folders.settle(looked)
    assert pending(folders) == ["a"]


def test_unsettled_folders_come_in_component_order_and_in_pages(folders: Folders) -> None:
    names = ["", "a", "a/x", "a/x/q", "a-b", "a.b", "b", "é", "👍"]
    folders.observe_near([whole(name, listing("f")) for name in reversed(names)])
    assert pending(folders) == names
    key = paths.key
    pages = [
        folders.unsettled(None, None, 2), folders.unsettled(key("a"), end_of("a-b"), 10),
        folders.unsettled(key(""), end_of(""), 10), folders.unsettled(key("b"), None, 1),
    ]  # fmt: skip
    assert [[state.path for state in page] for page in pages] == [
        ["", "a"],
        ["a/x", "a/x/q", "a-b"],
        [],
        ["é"],
    ]


def forget(folders: Folders) -> None:
    while folders.forget():
        pass


def test_all_paths_of_unsettled_folders_come_or_none(folders: Folders) -> None:
    folders.observe_near([whole("", listing("a/ b/")), whole("a", listing("x")), whole("b", b"[]")])
    assert folders.unsettled_paths(3) == ["", "a", "b"]
    assert folders.unsettled_paths(2) is None, "some of them would be planned without a look"


def test_forgetting(folders: Folders, daemon: Database) -> None:
    jobs = JobRows(daemon)
    folders.observe_near([whole("", listing("x"))])
    folders.observe_far(far("x"))
    folders.agree(agreements("x"))
    settle(folders)
    jobs.set_rules("j", "others")
    forget(folders)
    assert known(folders) == ["*: x | x | x"]
    settle(folders)
    jobs.mirror_anew("j")
    forget(folders)
    assert (known(folders), folders.counts()) == (["*: x | ? | x"], (1, 1))
    folders.observe_far(far("x"))
    settle(folders)
    jobs.bind("j", BINDING)
    forget(folders)
    assert (known(folders), folders.counts()) == (["*: x | ? | ?"], (0, 0))
    settle(folders)
    forget(folders)
    assert known(folders) == [": x | ? | ?"]


def three(folders: Folders) -> None:
    folders.observe_near([whole("", listing("a/ b/ x"))])
    folders.observe_near([whole(name, listing("x")) for name in ["a", "b"]])
    folders.observe_far(far("x a/ a/x b/ b/x"))
    folders.agree(agreements("x a/ a/x b/ b/x"))
    settle(folders)


def test_others_write_between_the_slices_and_what_is_forgotten_counts_no_more(
    folders: Folders, daemon: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 1)
    three(folders)
    cursor = JobRows(daemon).bind("j", BINDING, [Event("j", Happened.RESET, 1.0)])
    assert (cursor, folders.counts()) == (1, (0, 0))
    seen: list[list[str]] = []
    while folders.forget():
        with ThreadPoolExecutor(1) as threads:
            threads.submit(JobRows(daemon).get_or_create, f"other {len(seen)}").result(5)
        seen.append([state.path for state in folders.below("") if state.base])
        assert folders.counts() == (0, 0)
    assert seen == [["a", "b"], ["b"], []]
    assert len(JobRows(daemon).all()) == 4


def test_a_slice_that_outlives_its_run_goes_on_where_the_others_are(
    folders: Folders, daemon: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 1)
    three(folders)
    JobRows(daemon).mirror_anew("j")
    assert folders.forget()
    other = Folders(daemon, 1)
    assert other.forget() and folders.forget() and not other.forget()
    folders.observe_far(far("b/y"))
    assert not folders.forget()
    assert known(folders)[-1] == "*b: x | y | x"


def test_a_kill_between_two_slices_leaves_the_rest_for_the_next_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 1)

    def room(database: Database) -> Folders:
        return Folders(database, JobRows(database).get_or_create("j").id)

    def before(database: Database) -> None:
        room(database).observe_far(far("x a/ a/x"))
        room(database).agree(agreements("x a/ a/x"))

    def work(database: Database) -> None:
        JobRows(database).bind("j", BINDING, [Event("j", Happened.RESET, 1.0)])
        forget(room(database))

    seen = set()
    for database in crashes(tmp_path, "daemon", before, work):
        row = JobRows(database).get("j")
        assert row is not None
        bound = row.binding is not None
        left = sum(state.base is not None for state in room(database).below(""))
        assert (Events(database).newest(), room(database).counts()) == (
            (1, (0, 0)) if bound else (0, (2, 2))
        )
        forget(room(database))
        now = [(state.far, state.base) for state in room(database).below("")]
        assert (now == [(None, None)] * 2) is bound
        seen.add((bound, left))
    assert seen == {(False, 2), (True, 2), (True, 1), (True, 0)}


def test_one_path_on_all_three(folders: Folders) -> None:
    folders.observe_near([whole("a", listing("x=1 y"))])
    folders.observe_far(far("a/ a/x=2"))
    near, remote, base = folders.entry("a/x")
    assert (near and near.size, remote and remote.size, base) == (1, 2, None)
    assert folders.entry("a/q") == folders.entry("nowhere/x") == (None, None, None)


def test_below_is_a_subtree_read_in_pages(folders: Folders) -> None:
    names = [f"a/{number:04}" for number in range(450)]
    folders.observe_near([whole(name, b"[]") for name in ["", "a", "a-b", *names]])
    assert [state.path for state in folders.below("a")] == ["a", *names]
    assert [state.path for state in folders.below("a/0007")] == ["a/0007"]
    assert len(list(folders.below(""))) == 453


def test_names_of_any_kind(folders: Folders) -> None:
    names = ["it's", '"q"', "%_", "\x01", "\x7f", "-x", "👍", "ｅ́", "\\u0000", "x" * 255]
    folders.observe_near(
        [whole("", entries.encode(entries.listing(Entry(name, FOLDER) for name in names)))]
    )
    folders.observe_near([whole(name, listing("f")) for name in names])
    folders.observe_far([(f"{name}/g", Entry("g", FILE)) for name in names])
    assert [state.path for state in folders.below("")] == ["", *sorted(names)]
    folders.observe_near([whole("", b"[]")])
    assert [state.near for state in folders.below("")] == [(), *[None] * len(names)]


@pytest.mark.parametrize("path", ["a\0b", "../x", "a//b", "a/.cargo_sync/x", "/a"])
def test_a_path_that_cannot_be_trusted_writes_nothing(folders: Folders, path: str) -> None:
    with pytest.raises(ProblemError, match="the path") as near:
        folders.observe_near([whole("ok", listing("x")), whole(path, listing("x"))])
    with pytest.raises(ProblemError, match="the path") as remote:
        folders.observe_far([("ok", entry("ok")), (path, entry(paths.name(path)))])
    code = "reserved_name" if "cargo_sync" in path else "bad_path"
    assert near.value.problem.code == remote.value.problem.code == code
    assert known(folders) == []


def refused(*names: str) -> list[tuple[str, Problem | None]]:
    return [(name, Problem(Code.BAD_PATH, f"{name} is bad", name, "rename it")) for name in names]


def test_names_that_are_left_out_are_told_until_they_are_gone(
    folders: Folders, daemon: Database
) -> None:
    def told(changes: str, refused: Sequence[tuple[str, Problem | None]] = ()) -> str:
        return " ".join(problem.path for problem in folders.observe_far(far(changes), refused))

    assert told("a/", refused("a/..", "b//c", "a/%", "..")) == ".. a/% a/.. b//c"
    assert told("x") == ".. a/% a/.. b//c"
    assert told("", [("..", None)]) == "a/% a/.. b//c"
    assert told("-b") == "a/% a/.."
    assert told("-a a/") == ""
    assert told("", refused(*(f"../{number}" for number in range(200)))).count("..") == 100
    JobRows(daemon).mirror_anew("j")
    assert told("") == ""


def test_changes_and_whole_listings_come_to_the_same_bytes(folders: Folders) -> None:
    files = [
        Entry(name, FILE, size, -1, 0o644, 2**62, 2**64 - 1, "ab" * 32)
        for size, name in enumerate("cab")
    ]
    folders.observe_far([("d", Entry("d", FOLDER))])
    folders.observe_far([(f"d/{file.name}", file) for file in files])
    settle(folders)
    folders.observe_far_whole([whole("d", entries.encode(entries.listing(files)))])
    assert pending(folders) == []


def test_an_entry_that_names_itself_otherwise_is_refused(folders: Folders) -> None:
    with pytest.raises(ProblemError, match="came with the name"):
        folders.observe_far([("a", Entry("../../etc", FILE))])


def test_ten_thousand_changes_at_once(folders: Folders) -> None:
    made = [(f"d{n // 50:03}", Entry(f"d{n // 50:03}", FOLDER)) for n in range(0, 10_000, 50)]
    files = [
        (f"d{n // 50:03}/f{n:05}", Entry(f"f{n:05}", FILE, n, n, 0o644, n, n))
        for n in range(10_000)
    ]
    folders.observe_far([*made, *files])
    assert len(pending(folders)) == 201
    assert sum(len(state.far or ()) for state in folders.below("")) == 10_200
    folders.observe_far([(path, None) for path, _ in [*files, *made]])
    assert {state.far for state in folders.below("")} == {(), None}


def test_a_kill_at_any_write_leaves_the_old_trees_or_the_new_ones(tmp_path: Path) -> None:
    def room(database: Database) -> Folders:
        return Folders(database, JobRows(database).get_or_create("j").id)

    def before(database: Database) -> None:
        room(database).observe_near([whole("", listing("a/ x")), whole("a", listing("y"))])
        room(database).observe_far(far("a/ a/y"))

    def work(database: Database) -> None:
        with database.transaction():
            room(database).observe_near([whole("", listing("x=2"))])
            room(database).observe_far(far("-a x=2"))
            room(database).agree(
                agreements("x=2 d/ d/z"), [Event("j", Happened.UPLOADED, 1.0, "x")]
            )
            JobRows(database).set_far_cursor("j", 9)

    def state(database: Database) -> tuple[list[str], int, int]:
        return (
            known(room(database)),
            Events(database).newest(),
            JobRows(database).get_or_create("j").far_cursor,
        )

    seen = [state(database) for database in crashes(tmp_path, "daemon", before, work, 12)]
    old = (["*: a/ x | a/ | ?", "*a: y | y | ?"], 0, 0)
    new = (["*: x=2 | x=2 | d/ x=2", "*a: ? | ? | ?", "*d: ? | ? | z"], 1, 9)
    assert seen == [old] * (len(seen) - 1) + [new]


def test_random_changes_come_to_what_a_dictionary_says(folders: Folders) -> None:
    chance = random.Random(7)
    expected: dict[str, Entry] = {}
    for _ in range(60):
        changes: list[tuple[str, Entry | None]] = []
        for _ in range(chance.randrange(1, 8)):
            name = chance.choice("abcdefghij") * chance.randrange(1, 3)
            item = Entry(name, FILE, chance.randrange(3)) if chance.random() < 0.6 else None
            changes.append((f"d/{name}", item))
            expected.pop(name, None)
            if item:
                expected[name] = item
        folders.observe_far(changes)
        [state] = folders.below("d")
        assert (state.far or ()) == entries.listing(expected.values())
        folders.agree([(path, item and agreed.agree(item, item)) for path, item in changes])
        assert folders.counts() == (len(expected), sum(item.size for item in expected.values()))


def test_random_changes_at_once_come_to_the_same_as_one_by_one(daemon: Database) -> None:
    chance = random.Random(11)
    once, single = (Folders(daemon, JobRows(daemon).get_or_create(name).id) for name in "ab")
    for _ in range(25):
        changes: list[tuple[str, Entry | None]] = []
        for _ in range(chance.randrange(1, 12)):
            path = "/".join(chance.choice("pq") for _ in range(chance.randrange(1, 4)))
            made = Entry(path[-1], chance.choice((FILE, FOLDER, FOLDER)))
            changes.append((path, made if chance.random() < 0.7 else None))
        settle(once)
        settle(single)
        once.observe_far(changes)
        for change in changes:
            single.observe_far([change])
        assert [(state.path, state.far) for state in once.below("") if state.far is not None] == [
            (state.path, state.far) for state in single.below("") if state.far is not None
        ]
        assert set(pending(once)) <= set(pending(single))


def test_entries_in_columns_come_to_the_same_as_one_by_one(daemon: Database) -> None:
    chance = random.Random(12)
    columns, single = (Folders(daemon, JobRows(daemon).get_or_create(name).id) for name in "ab")
    for _ in range(40):
        found: list[tuple[str, Entry]] = []
        for _ in range(chance.randrange(1, 4)):
            folder = "/".join(chance.choice("pq") for _ in range(chance.randrange(3)))
            kinds = FILE if chance.random() < 0.6 else FILE + FOLDER
            names = [chance.choice("pqrstuvw") for _ in range(chance.randrange(1, 7))]
            for name in sorted(set(names)) if chance.random() < 0.7 else names:
                entry = Entry(name, chance.choice(kinds), chance.randrange(3))
                found.append((paths.join(folder, name), entry))
        settle(columns)
        columns.observe_far(
            PlacedEntries([path for path, _ in found], EntryColumns.of([one for _, one in found]))
        )
        for change in found:
            single.observe_far([change])
        seen, expected = (
            {state.path: state.far for state in one.below("") if state.far is not None}
            for one in (columns, single)
        )
        assert seen == expected
        assert set(pending(columns)) <= set(pending(single))
        gone = [(path, None) for path, _ in found if chance.random() < 0.2]
        columns.observe_far(gone)
        single.observe_far(gone)


def test_what_drifted_is_counted_once_in_settled_folders(tmp_path: Path) -> None:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon") as database:
        one = Folders(database, JobRows(database).get_or_create("job").id)

        def settle() -> None:
            one.settle(one.unsettled(None, None, 10))

        def count() -> list[str]:
            seen: list[str] = []

            def drifted(state: FolderState) -> int:
                seen.append(state.path)
                return len(state.base or ())

            while one.count_drift(drifted, 1):
                pass
            return sorted(seen)

        one.agree(agreements("x a/y a/z"))
        assert (count(), one.drifted()) == ([], 0), "what is not settled waits"
        settle()
        assert (count(), one.drifted()) == (["", "a"], 3)
        assert count() == []
        one.agree(agreements("a/new"))
        assert (count(), one.drifted()) == ([], 3), "the old count holds until then"
        settle()
        assert one.drifted() == 3
        assert (count(), one.drifted()) == (["a"], 4)
        one.agree([("x", None)])
        settle()
        assert (count(), one.drifted()) == ([], 3)
