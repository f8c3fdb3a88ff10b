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
