"""People tell of all that they change."""

from collections.abc import Iterable

from tests.sim.ledger import CountedTree, Ledger
from tests.sim.people import Peers
from tests.sim.story import Story


def test_they_tell_of_a_folder_that_a_file_needs_and_leave_files_above_it_alone() -> None:
    ledger, told = Ledger(), set[str]()
    near, far = CountedTree("near", ledger), CountedTree("far", ledger)

    def touched(tree: CountedTree, some: Iterable[str]) -> None:
        told.update(some if tree is near else ())

    near.write("file", b"")
    before = set(near.all())
    people = Peers(Story(0), near, far, lambda: 5, touched)
    for name in ("folder", "file"):
        people._over_there(far, "write", f"{name}/inner/a")
    assert {"folder", "folder/inner", "folder/inner/a"} == set(near.all()) - before == told
