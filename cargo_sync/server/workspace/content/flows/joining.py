"""Batches of a lane that are recorded together, as if they were one: a turn costs the same for all.

Their indices follow each other, in the order in which the batches were submitted.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from cargo_sync.local.batch import SinkBatch
from cargo_sync.local.parts import Staged
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer


class CannotJoinError(Exception):
    """Batches cannot be recorded together; what each of them says is not known."""


class Recordable(NamedTuple):
    """What is recorded.

    numbers   of the batches
    starts    the first index of each
    offers    of all of them
    there     indices of offers whose content was here already
    staged    files whose content is secured, per index
    problems  why a file failed, per index
    """

    numbers: Sequence[int]
    starts: Sequence[int]
    offers: Sequence[Offer]
    there: set[int]
    staged: dict[int, Staged]
    problems: dict[int, Problem]


def joined_of(some: Sequence[SinkBatch]) -> Recordable:
    """Some batches as one. What becomes of it does not change them."""
    numbers = [one.number for one in some]
    starts = list(accumulate((len(one.offers) for one in some), initial=0))[:-1]
    offers = [offer for one in some for offer in one.offers]
    there, staged, problems = set[int](), dict[int, Staged](), dict[int, Problem]()
    for start, one in zip(starts, some, strict=True):
        there.update(start + index for index in one.there)
        staged |= {start + index: file for index, file in one.staged.items()}
        problems |= {start + index: why for index, why in one.problems.items()}
    return Recordable(numbers, starts, offers, there, staged, problems)
