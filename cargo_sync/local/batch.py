"""One batch of a sink, from its offers until it is committed."""

from collections.abc import Sequence

from cargo_sync.local.fresh_folders import StagedFolder
from cargo_sync.local.parts import PartFile, Staged
from cargo_sync.local.space import Reservation
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer


class SinkBatch:
    """One batch that is not committed yet.

    number    of the batch
    room      space on the disk for what is still to come
    there     indices of offers whose content was already here
    parts     larger files that are arriving, per index
    staged    files that are complete in staging, per index
    problems  why a file failed, per index
    folders   where files of new folders are staged together, per name
    within    in which of these a file is to be staged, per index
    """

    __slots__ = (
        "folders",
        "number",
        "offers",
        "parts",
        "problems",
        "room",
        "staged",
        "there",
        "within",
    )

    def __init__(self, number: int, offers: Sequence[Offer], room: Reservation) -> None:
        self.number = number
        self.offers = offers
        self.room = room
        self.there: set[int] = set()
        self.parts: dict[int, PartFile] = {}
        self.staged: dict[int, Staged] = {}
        self.problems: dict[int, Problem] = {}
        self.folders: dict[str, StagedFolder] = {}
        self.within: dict[int, StagedFolder] = {}
