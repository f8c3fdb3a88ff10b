"""What the judge of two-way jobs expects of what was renamed, and changed before or meanwhile."""

import pytest

from tests.sim.ledger import CountedTree, Ledger
from tests.sim.peers import PeersEpoch
from tests.sim.story import BrokenPromiseError


class Peers:
    """A file, "B", that both sides have with the mode 0644, and people at both sides."""

    def __init__(self) -> None:
        ledger = Ledger()
        self.near, self.far = CountedTree("near", ledger), CountedTree("far", ledger)
        for tree in (self.near, self.far):
            tree.write("B", b"content", 5, 0o644)
        self._epoch = PeersEpoch(self.near, self.far, lambda path: False, set(), both=True)

    def chmod(self, tree: CountedTree, path: str, mode: int) -> None:
        tree.set_mode(path, mode)
        self._epoch.touched(tree, [path])

    def rename(self) -> None:
        """A person renames the near one."""
        self.near.move("B", "b")
        self._epoch.touched(self.near, ["B", "b"])

    def follow(self) -> None:
        """A run renames the far one."""
        self._epoch.moment += 1
        self.far.move("B", "b")
        self._epoch.renamed(self.far, "B", "b", exchange=False)
        self._epoch.moment += 1

    def run(self) -> None:
        """A run gives the near one the mode of the far one."""
        self._epoch.moment += 2
        self.near.set_mode("B", 0o600)

    def rest(self, mode: int) -> None:
        """Both sides have this mode at last."""
        for tree in (self.near, self.far):
            tree.set_mode("b", mode)
        self._epoch.judge()


def test_a_mode_that_came_from_the_other_side_may_be_changed_back() -> None:
    peers = Peers()
    peers.chmod(peers.far, "B", 0o600)
    peers.run()
    peers.rename()
    peers.chmod(peers.near, "b", 0o644)
    peers.follow()
    peers.rest(0o644)


def test_it_may_be_changed_back_while_the_other_side_renames_the_file() -> None:
    sides = Sides("a")
    sides.chmod(sides.far, "a", 0o600)
    sides.run()
    sides.near.set_mode("a", 0o600)
    sides.run()
    sides.move(sides.far, "a", "b")
    sides.chmod(sides.near, "a", 0o644)
    sides.run()
    sides.renames(sides.near, "a", "b")
    sides.far.set_mode("b", 0o644)
    sides.epoch.judge()


def test_what_one_side_alone_changed_goes_along_to_the_new_name() -> None:
    peers = Peers()
    peers.rename()
    peers.chmod(peers.far, "B", 0o600)
    peers.follow()
    with pytest.raises(BrokenPromiseError, match="a change on one side alone: 'b'"):
        peers.rest(0o644)


def test_what_is_changed_after_the_rename_is_expected_too() -> None:
    peers = Peers()
    peers.rename()
    peers.follow()
    peers.chmod(peers.far, "b", 0o600)
    with pytest.raises(BrokenPromiseError, match="a change on one side alone: 'b'"):
        peers.rest(0o644)


@pytest.mark.parametrize("by_step", [True, False])
def test_what_a_step_brought_to_the_old_name_of_a_folder_may_stay_there(*, by_step: bool) -> None:
    ledger = Ledger()
    near, far = CountedTree("near", ledger), CountedTree("far", ledger)
    for tree in (near, far):
        tree.make("b")
    epoch = PeersEpoch(near, far, lambda path: False, set(), both=True)
    far.write("b/new", b"content", 5)
    epoch.touched(far, ["b/new"])
    near.move("b", "B")
    epoch.touched(near, ["b", "B"])
    if by_step:
        near.write("b/new", b"content", 5)
    far.move("b", "B")
    epoch.renamed(far, "b", "B", exchange=False)
    if by_step:
        epoch.deletes("B/new", far)
    else:
        with pytest.raises(BrokenPromiseError, match="nobody did so"):
            epoch.deletes("B/new", far)


class Sides:
    """Two sides with the same at the beginning, and people and steps on them."""

    def __init__(self, *files: str) -> None:
        ledger = Ledger()
        self.near, self.far = CountedTree("near", ledger), CountedTree("far", ledger)
        for tree in (self.near, self.far):
            for file in files:
                tree.write(file, file.encode(), 5)
        self.epoch = PeersEpoch(self.near, self.far, lambda path: False, set(), both=True)

    def write(self, tree: CountedTree, path: str, content: bytes) -> None:
        tree.write(path, content, 5)
        self.epoch.touched(tree, [path])

    def chmod(self, tree: CountedTree, path: str, mode: int) -> None:
        tree.set_mode(path, mode)
        self.epoch.touched(tree, [path])

    def move(self, tree: CountedTree, path: str, to: str) -> None:
        gone = tree.below(path)
        tree.move(path, to)
        self.epoch.touched(tree, [*gone, *tree.below(to)])

    def remove(self, tree: CountedTree, path: str) -> None:
        gone = tree.below(path)
        tree.remove(path)
        self.epoch.touched(tree, gone)

    def brings(self, tree: CountedTree, path: str) -> None:
        """A step copies a file to this side."""
        other = self.far if tree is self.near else self.near
        tree.write(path, other.read(path), 5)
        self.epoch.brought(path)

    def renames(self, tree: CountedTree, path: str, to: str, *, exchange: bool = False) -> None:
        """A step does."""
        if exchange:
            tree.exchange(path, to)
        else:
            tree.move(path, to)
        self.epoch.renamed(tree, path, to, exchange=exchange)

    def deletes(self, tree: CountedTree, path: str) -> None:
        """A step does."""
        entry = tree.entry(path)
        assert entry is not None
        tree.displace(path)
        self.epoch.deletes(path, tree, entry.ident)

    def run(self) -> None:
        """A run has begun, or is at its end."""
        self.epoch.moment += 1


def test_what_an_exchange_put_aside_goes_on_although_a_copy_of_it_has_its_old_name() -> None:
    sides = Sides("a", "b")
    sides.move(sides.far, "a", "spare")
    sides.move(sides.far, "b", "c")
    sides.write(sides.far, "a", b"b")
    sides.move(sides.far, "spare", "b")
    sides.run()
    sides.renames(sides.near, "a", "b", exchange=True)
    sides.renames(sides.near, "a", "c")
    with pytest.raises(BrokenPromiseError, match="nobody did so"):
        sides.renames(sides.near, "c", "elsewhere")


def test_what_a_step_brought_to_an_old_name_may_go_where_people_renamed_it() -> None:
    sides = Sides("b/old")
    sides.write(sides.far, "b/new", b"new")
    sides.run()
    sides.move(sides.near, "b", "B")
    sides.brings(sides.near, "b/new")
    sides.move(sides.far, "b/new", "b/newer")
    sides.run()
    sides.renames(sides.far, "b", "B")
    sides.renames(sides.near, "b/new", "B/newer")


def test_a_folder_that_a_step_made_again_at_an_old_name_may_be_renamed_and_stay() -> None:
    sides = Sides("a/b", "other")
    sides.move(sides.near, "a", "B")
    sides.run()
    sides.move(sides.far, "a", "A")
    sides.far.make("a")
    sides.run()
    sides.renames(sides.far, "a", "B")
    sides.renames(sides.near, "B", "A")
    sides.near.make("B")
    sides.epoch.judge()


@pytest.mark.parametrize("seen", [True, False])
def test_what_both_sides_renamed_goes_from_its_local_name(*, seen: bool) -> None:
    sides = Sides("a")
    sides.move(sides.near, "a", "here")
    sides.move(sides.far, "a", "there")
    if seen:
        sides.run()
        sides.brings(sides.near, "there")
        sides.deletes(sides.near, "here")
        sides.epoch.judge()
    else:
        sides.remove(sides.far, "there")
        with pytest.raises(BrokenPromiseError, match="nobody did so"):
            sides.deletes(sides.near, "here")


def test_what_people_changed_besides_a_rename_stays_where_they_put_it() -> None:
    sides = Sides("a")
    sides.move(sides.near, "a", "here")
    sides.near.save("here", b"changed", 5)
    sides.epoch.touched(sides.near, ["here"])
    sides.move(sides.far, "a", "there")
    sides.run()
    with pytest.raises(BrokenPromiseError, match="nobody did so"):
        sides.deletes(sides.near, "here")


def test_what_the_far_side_never_renamed_is_not_deleted_at_its_new_local_name() -> None:
    sides = Sides("a", "b")
    sides.move(sides.near, "a", "here")
    sides.move(sides.far, "b", "there")
    sides.run()
    with pytest.raises(BrokenPromiseError, match="nobody did so"):
        sides.deletes(sides.near, "here")


def test_what_was_at_a_path_before_something_else_came_there_is_gone() -> None:
    sides = Sides("a", "b")
    sides.chmod(sides.far, "a", 0o600)
    sides.remove(sides.near, "a")
    sides.run()
    sides.deletes(sides.far, "a")
    sides.run()
    sides.move(sides.near, "b", "a")
    sides.move(sides.far, "b", "B")
    sides.renames(sides.near, "a", "B")
    sides.epoch.judge()


def test_a_changed_file_that_became_a_conflict_copy_is_known_by_its_new_name() -> None:
    sides = Sides("a")
    sides.move(sides.near, "a", "b")
    sides.chmod(sides.near, "b", 0o600)
    sides.write(sides.far, "b", b"other")
    sides.move(sides.far, "a", "c")
    sides.run()
    copy = "b (conflict host 2026-11-28 1543)"
    sides.near.move("b", copy)
    sides.epoch.copied(sides.near, "b", copy)
    sides.brings(sides.near, "b")
    sides.renames(sides.near, copy, "c")
    sides.far.set_mode("c", 0o600)
    sides.epoch.judge()


def test_the_name_of_a_conflict_copy_that_people_took_away_may_be_used_again() -> None:
    sides = Sides()
    copy = "a (conflict host 2026-11-28 1543)"
    sides.near.write(copy, b"first", 5)
    sides.move(sides.near, copy, "a")
    for tree in (sides.near, sides.far):
        tree.write(copy, b"second", 5)
        tree.write("a", b"other", 5)
    sides.epoch.touched(sides.far, ["a"])
    sides.epoch.judge()
