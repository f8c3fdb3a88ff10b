"""Puts by column are the same as the actions that they stand for."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model.actions import NEW, Action, Op, Puts
from cargo_sync.model.entries import FILE, Entry, EntryColumns
from cargo_sync.trees.contract import Task, Tasks

files = st.builds(Entry, st.text("ab", min_size=1), st.just(FILE), st.integers(0, 9))
actions = st.builds(
    lambda source, expected, why: Action(
        Op.PUT, f"in/{source.name}", source, expected, why, expected is not None
    ),
    files,
    st.none() | files,
    st.sampled_from([NEW, "changed"]),
)


@given(st.lists(actions), st.integers(-9, 9), st.integers(-9, 9))
def test_they_are_a_sequence_of_actions(some: list[Action], start: int, end: int) -> None:
    puts = Puts.of(some)
    assert Puts.of(puts) is puts
    assert (list(puts), len(puts)) == (some, len(some))
    assert [puts[index] for index in range(len(some))] == some
    assert list(puts[start:end]) == some[start:end]
    assert puts.sources.sizes == [action.bytes for action in some]
    odd = [action for action in some if action.expected or action.why != NEW]
    assert list(puts.others.values()) == odd


def test_a_slice_costs_what_it_has_and_not_what_the_whole_has() -> None:
    class Unwalked(dict[int, Action]):
        def __iter__(self) -> Iterator[int]:
            raise AssertionError("all of it was walked through")

        items = keys = values = __iter__  # type: ignore[assignment]

    entry = Entry("a", FILE)
    action = Action(Op.PUT, "in/a", entry, entry, "changed")
    puts = Puts(["in/a"] * 9, EntryColumns.of([entry] * 9), Unwalked({4: action}))
    assert list(puts[4:6]) == [action, Action(Op.PUT, "in/a", entry, None, NEW)]


@given(st.lists(st.lists(actions), min_size=1, max_size=4))
def test_what_is_joined_keeps_its_order(parts: list[list[Action]]) -> None:
    joined = Puts.joined([Puts.of(part) for part in parts])
    assert joined == Puts.of([action for part in parts for action in part])


@given(st.lists(files))
def test_new_files_of_a_folder(some: list[Entry]) -> None:
    new = [Action(Op.PUT, f"in/{entry.name}", entry, None, NEW) for entry in some]
    assert Puts.fresh("in", EntryColumns.of(some)) == Puts.of(new)


@given(st.lists(actions), st.integers(-9, 9))
def test_tasks(some: list[Action], start: int) -> None:
    tasks = [Task(action, f"t{number}") for number, action in enumerate(some)]
    columns = Tasks.of(tasks)
    assert Tasks.of(columns) is columns
    assert list(columns) == tasks == [columns[index] for index in range(len(tasks))]
    assert list(columns[start:]) == tasks[start:]
