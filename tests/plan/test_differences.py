"""What differs on the two sides, whether a run would do something about it or not."""

from typing import Any

from cargo_sync.model.agreed import Agreed, agree
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.differences import doubts
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import view_of

FILE_A = Entry("a", FILE, 3, 5, 0o644, 1, 1)
THERE = FILE_A._replace(version=11, ident=11)
BASE = agree(FILE_A, THERE, "hash")


def found(
    source: list[Entry], destination: list[Entry], base: list[Agreed], **filters: Any
) -> list[str]:
    view = view_of(Mode.UPLOAD, excluded=Filters(**filters).excluded)
    return [
        ("" if one.sure else "compare ")
        + f"{one.action.op} {one.action.path}: {one.action.why}"
        + ("" if one.delivered is None else f", unless {one.delivered.version} is there")
        for one in doubts("f", source, destination, base, view, Mode.UPLOAD)
    ]


def test_what_was_delivered_can_be_delivered_again() -> None:
    unless = ", unless 11 is there"
    assert found([FILE_A], [], [BASE]) == [f"put f/a: gone there{unless}"]
    assert found([FILE_A], [THERE._replace(size=4)], [BASE]) == [f"put f/a: changed there{unless}"]
    assert found([FILE_A], [THERE], [BASE]) == [f"compare put f/a: changed there{unless}"]
    link, folder = Entry("a", LINK, target="b"), Entry("a", FOLDER)
    assert found([FILE_A], [link], [BASE]) == [f"put f/a: changed there{unless}"]
    assert found([FILE_A], [folder], [BASE]) == [f"leave f/a: another kind is there{unless}"]


def test_what_a_run_brings_is_only_told() -> None:
    changed = FILE_A._replace(version=2)
    assert found([FILE_A], [], []) == ["leave f/a: never sent"]
    assert found([FILE_A], [THERE], []) == ["compare leave f/a: never sent"]
    assert found([changed], [], [BASE]) == ["leave f/a: changed here since"]
    assert found([changed], [THERE._replace(size=4)], [BASE]) == ["leave f/a: changed here since"]


def test_folders_and_links_have_no_content_to_compare() -> None:
    folder, link = Entry("d", FOLDER, mode=0o755, ident=7), Entry("l", LINK, target="x", ident=8)
    base = [agree(folder, folder), agree(link, link)]
    assert found([folder, link], [folder, link], base) == []
    assert found([folder, link], [link._replace(target="y")], base) == ["put f/l: changed there"]


def test_what_is_left_out_and_what_only_the_destination_has_is_no_difference() -> None:
    assert found([FILE_A], [], [BASE], exclude=("a",)) == []
    assert found([FILE_A], [], [BASE], exclude=("f/",)) == []
    assert found([], [THERE], []) == []
