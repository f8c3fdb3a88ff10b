"""Nodes, the contents on them, and who believes what when a folder is not what it was."""

from cargo_sync.state.blobs import CONDEMNED, LEAVING, LIVE, NOBODY, Blobs
from cargo_sync.state.database import Database
from cargo_sync.state.nodes import NodeRow, NodeRows
from cargo_sync.state.placements import Holding

A, B, C = ("a" * 64), ("b" * 64), ("c" * 64)
ADDRESS = ("10.0.0.7", 8445, 8446)


def where(blobs: Blobs, hash: str, workspace: int = 1) -> set[int] | None:
    """The nodes that have a content; None if it has no row."""
    sets = blobs.placements()
    found = [row for row in blobs.find([hash]) if row.workspace == workspace]
    return set(sets[found[0].placement]) if found else None


def place(server: Database, *nodes: int) -> int:
    """The number of a set of nodes, which are there."""
    rows = NodeRows(server)
    while not rows.all() or rows.all()[-1].id < max(nodes):
        rows.add(f"node {len(rows.all())}", "", ADDRESS, "f", "s")
    lives = {row.id: row.life for row in rows.all()}
    number, found = Blobs(server).place({node: lives[node] for node in nodes})
    assert found == set(nodes)
    return number


def state(blobs: Blobs, hash: str, workspace: int = 1) -> int | None:
    found = [row for row in blobs.find([hash]) if row.workspace == workspace]
    return found[0].state if found else None


def counted(blobs: Blobs) -> dict[tuple[frozenset[int], int], tuple[int, int]]:
    """What the counters say, by set of nodes and workspace; it must be what the rows say."""
    sets, found = blobs.placements(), dict[tuple[frozenset[int], int], tuple[int, int]]()
    for placement, workspace, some, size in blobs.holdings():
        before = found.get((sets[placement], workspace), (0, 0))
        found[sets[placement], workspace] = before[0] + some, before[1] + size
    return found


def test_a_node_is_added_once_by_its_name_and_keeps_its_id(server: Database) -> None:
    rows = NodeRows(server)
    first = rows.add("oak", "", ADDRESS, "f1", "s1")
    second = rows.add("elm", "cellar", ADDRESS, "f2", "s2")
    assert rows.add("oak", "attic", ("10.0.0.8", 1, 2), "f3", "s3") == first
    assert rows.all() == [
        NodeRow(first, "oak", "attic", "10.0.0.8", 1, 2, "f3", "s3"),
        NodeRow(second, "elm", "cellar", *ADDRESS, "f2", "s2"),
    ]
    assert "s3" not in repr(rows.all())
    for sequence in (7, 5):  # two were told at once
        rows.heard(first, "e1", sequence)
    rows.count_away({second: 60.0})
    rows.drain(second, draining=True)
    oak, elm = rows.all()
    assert (oak.epoch, oak.sequence, elm.away, elm.draining) == ("e1", 7, 60.0, True)
    assert [rows.begin_session(first), rows.begin_session(first)] == [1, 2]
    rows.remove(second)
    assert rows.begin_session(second) == 0
    assert rows.add("elm", "", ADDRESS, "f2", "s2") > second
    assert rows.all()[1].zone == "elm"


def test_a_content_is_recorded_once_and_keeps_its_placement(server: Database) -> None:
    blobs = Blobs(server)
    one, two = place(server, 1, 2), place(server, 2, 3)
    assert place(server, 2, 1) == one
    blobs.record(1, [A, B, A], [10, 20, 10], [one, one, one])
    blobs.record(1, [A, C], [10, 30], [two, two])
    assert [where(blobs, hash) for hash in (A, B, C)] == [{1, 2}, {1, 2}, {2, 3}]
    assert blobs.holdings() == [Holding(one, 1, 2, 30), Holding(two, 1, 1, 30)]


def test_a_copy_is_a_copy_for_all_workspaces(server: Database) -> None:
    blobs = Blobs(server)
    blobs.record(1, [A, B], [10, 20], [place(server, 1, 2)] * 2)
    blobs.record(2, [A, C], [10, 30], [place(server, 2, 3)] * 2)
    assert (where(blobs, A), where(blobs, A, 2)) == ({1, 2, 3}, {1, 2, 3})
    assert (where(blobs, B), where(blobs, C, 2)) == ({1, 2}, {2, 3})
    assert sum(some for some, _ in counted(blobs).values()) == 4


def test_a_copy_without_an_owner_gets_one_if_it_is_not_leaving(server: Database) -> None:
    blobs = Blobs(server)
    pair = place(server, 1, 2)
    place(server, 3)
    blobs.found(3, 0, [A, B], [10, 20], now=1.0)
    blobs.doom(NOBODY, [B], now=2.0)
    blobs.record(1, [A, B], [10, 20], [pair, pair])
    assert (where(blobs, A), where(blobs, A, NOBODY)) == ({1, 2, 3}, None)
    assert (where(blobs, B), where(blobs, B, NOBODY)) == ({1, 2}, {3})
    assert sum(some for some, _ in counted(blobs).values()) == 3


def test_copies_come_and_go(server: Database) -> None:
    blobs = Blobs(server)
    pair = place(server, 1, 2)
    blobs.record(1, [A, B], [10, 20], [pair] * 2)
    blobs.record(2, [A], [10], [pair])
    place(server, 3)
    blobs.found(3, 0, [A], [10], now=1.0)
    blobs.lose(1, [A, B])
    assert (where(blobs, A), where(blobs, A, 2), where(blobs, B)) == ({2, 3}, {2, 3}, {2})
    assert counted(blobs) == {
        (frozenset({2, 3}), 1): (1, 10),
        (frozenset({2, 3}), 2): (1, 10),
        (frozenset({2}), 1): (1, 20),
    }


def test_a_folder_that_is_not_what_it_was_holds_nothing_until_it_is_found(server: Database) -> None:
    blobs, rows = Blobs(server), NodeRows(server)
    node = rows.add("oak", "", ADDRESS, "f", "s")
    pair = place(server, node, 2)
    blobs.record(1, [A, B], [10, 20], [pair] * 2)
    rows.heard(node, "e1", 9)
    assert rows.forget_copies(node) == 1
    assert (where(blobs, A), rows.all()[0].epoch) == ({2}, "")
    # What was secured before, and is recorded now, is not believed either.
    blobs.record(1, [C], [5], [pair])
    assert where(blobs, C) == {2}
    # Nor what comes of a call that was made before.
    blobs.found(node, 0, [A, "d" * 64], [10, 40], now=1.0)
    assert where(blobs, "d" * 64, NOBODY) is None
    assert where(blobs, A) == {2}
    assert blobs.place({node: 0, 2: 0})[1] == {2}
    blobs.found(node, 1, [A], [10], now=1.0)
    assert where(blobs, A) == {node, 2}
    # The old number means another set: a new one is made for this.
    assert place(server, node, 2) != pair


def test_what_nothing_refers_to_is_condemned_then_leaves(server: Database) -> None:
    blobs = Blobs(server)
    blobs.record(1, [A, B], [10, 20], [place(server, 1, 2)] * 2)
    blobs.condemn(1, [A, B, C], now=5.0)
    blobs.condemn(1, [A], now=9.0)
    assert [row.hash for row in blobs.overdue(5.0, 10)] == [A, B]
    assert blobs.overdue(4.9, 10) == []
    blobs.record(1, [B], [20], [0])
    assert (state(blobs, A), state(blobs, B)) == (CONDEMNED, LIVE)
    blobs.doom(1, [A, B], now=10.0)
    assert where(blobs, B) == {1, 2}
    assert (where(blobs, A), where(blobs, A, NOBODY)) == (None, {1, 2})
    assert state(blobs, A, NOBODY) == LEAVING
    assert (blobs.leaving(1, "", 10), blobs.leaving(1, A, 10)) == ([A], [])
    # The same content comes again: it is another row, and the old copies still go.
    blobs.record(1, [A], [10], [place(server, 3, 4)])
    place(server, 5)
    blobs.found(5, 0, [A], [10], now=11.0)
    blobs.leave(1, [A])
    assert (where(blobs, A), where(blobs, A, NOBODY)) == ({3, 4, 5}, {2})
    blobs.leave(2, [A])
    assert where(blobs, A, NOBODY) is None
    assert where(blobs, A) == {3, 4, 5}
    assert NOBODY not in {workspace for _, workspace in counted(blobs)}


def test_copies_without_an_owner_are_condemned_and_those_given_up_leave(server: Database) -> None:
    blobs = Blobs(server)
    place(server, 7)
    blobs.record(1, [A], [10], [place(server, 1, 2, 3)])
    blobs.found(4, 0, [B, C], [20, 30], now=1.0)
    blobs.found(5, 0, [B], [20], now=2.0)
    assert (where(blobs, B, NOBODY), state(blobs, B, NOBODY)) == ({4, 5}, CONDEMNED)
    blobs.give_up(3, [A], now=2.0)
    assert (where(blobs, A), where(blobs, A, NOBODY)) == ({1, 2}, {3})
    assert state(blobs, A, NOBODY) == LEAVING
    blobs.found(6, 0, [A], [10], now=3.0)
    assert (where(blobs, A), where(blobs, A, NOBODY)) == ({1, 2, 6}, {3})
    blobs.found(7, 0, [A], [9], now=3.0)
    assert (where(blobs, A), where(blobs, A, NOBODY)) == ({1, 2, 6}, {3, 7})
    blobs.doom(NOBODY, [B], now=4.0)
    assert state(blobs, B, NOBODY) == LEAVING
    blobs.lose(4, [C])
    assert blobs.purge(most=1) is True
    assert blobs.purge(most=2) is False
    assert where(blobs, C, NOBODY) is None


def test_a_node_that_is_removed_leaves_no_order_behind(server: Database) -> None:
    blobs, rows = Blobs(server), NodeRows(server)
    node = rows.add("oak", "", ADDRESS, "f", "s")
    blobs.record(1, [A, B], [10, 20], [place(server, node, node + 1), place(server, node)])
    blobs.condemn(1, [A], now=1.0)
    blobs.doom(1, [A], now=1.0)
    rows.remove(node)
    blobs.purge()
    assert (where(blobs, A, NOBODY), where(blobs, B)) == ({node + 1}, set())


def test_contents_are_paged_by_placement_and_by_node(server: Database) -> None:
    blobs = Blobs(server)
    one, two, three = (place(server, *nodes) for nodes in ((1,), (1, 2), (3,)))
    blobs.record(1, [A, B, C], [1, 2, 3], [one, two, one])
    blobs.record(2, [A, B], [1, 2], [one, three])
    assert blobs.page(one, "", 9) == [A, C]
    assert blobs.page(one, A, 9) == [C]
    assert blobs.page(one, "", 1) == [A]
    assert blobs.recorded(1, "", "", 9) == [A, B, C]
    assert blobs.recorded(1, A, B, 9) == [B]
    assert blobs.recorded(3, "", "", 9) == [B]
    assert blobs.recorded(4, "", "", 9) == []


def test_a_copy_that_another_row_had_until_now_still_leaves(server: Database) -> None:
    blobs = Blobs(server)
    blobs.record(1, [A, B], [10, 20], [place(server, 1, 2)] * 2)
    blobs.record(2, [A, B], [10, 20], [place(server, 1, 2)] * 2)
    blobs.condemn(1, [A, B], now=1.0)
    blobs.doom(1, [A, B], now=1.0)
    blobs.give_up(1, [B], now=2.0)
    blobs.leave(1, [], [A, B])
    assert (blobs.leaving(1, "", 9), blobs.leaving(2, "", 9)) == ([B], [A, B])
