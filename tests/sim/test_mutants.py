"""Planted bugs: each edit fits the code, and those that a few seeds find are found."""

import sys

import pytest

from tests.sim.mutants import MUTANTS, UNSEEN, Mutant, planted, seeds_to_find
from tests.sim.tiers import DISK

QUICK = [
    "deletes what people changed at the destination",
    "deletes although deletions are to be kept",
    "trusts size and time, not the content",
    "does not say what it expects at the destination",
    "deletes what a filter leaves out",
    "takes a delivered file away although it was changed since",
    "what both sides changed goes up",
    "a file of the same size counts as touched only",
    "two files are taken for the same without the hash of one",
    "of a conflict only the server's version stays",
    "the trash is skipped",
    "a tombstone of the server is forgotten",
    "the base is written before the commit",
    "a file that failed counts as delivered",
    "the sync of contents is left out",
    "the sync of names is left out",
    "renamed before the sync",
    "a displaced file is deleted, not kept in the trash",
    "a receipt is given for one copy of two",
    "an upload waits for more copies than there will be",
    "copies of one zone are kept, one of another goes",
    "what is found rotten still counts",
    "a packet that was refused is taken for copies",
    "copies that nobody wants are kept for ever",
    "of what a storage node says of its room only the first word counts",
]
"""`python -m tests.sim.mutants` finds the others too, in some minutes."""
SEEDS = {
    "planner": 400,
    "two-way": 400,
    "system": 90,
    "two-way-system": 40,
    "disk": 40,
    "nodes": 60,
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_an_edit_fits_and_is_taken_back(mutant: Mutant) -> None:
    with planted(mutant):
        pass
    with planted(mutant):
        pass


@pytest.mark.parametrize("name", QUICK)
def test_the_simulation_finds_a_planted_bug(name: str) -> None:
    [mutant] = [one for one in MUTANTS if one.name == name]
    if mutant.tier is DISK and sys.platform != "linux":
        pytest.skip("exchanges names by renameat2")
    assert seeds_to_find(mutant, SEEDS[mutant.tier.name]) is not None


def test_there_are_enough_and_what_is_not_seen_has_a_reason() -> None:
    assert len(MUTANTS) >= 20
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
    assert all(why for _, why in UNSEEN)
