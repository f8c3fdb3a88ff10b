"""An offer, or what an operation expects, beside what a catalogue has at its path."""

from collections.abc import Sequence

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.machines.quota import Growth
from cargo_sync.model.entries import FILE, FOLDER, LINK, PERMISSIONS, Entry
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.refusals import changed


def growth_of(sizes: Sequence[int], stands: Sequence[Catalogued | None]) -> Growth:
    """What files or links of these sizes add to what is there, in place of what stands there."""
    replaced = [one is not None and one.entry.kind != FOLDER for one in stands]
    earlier = [one.entry.size if one is not None else 0 for one in stands]
    return Growth(
        [size - before for size, before in zip(sizes, earlier, strict=True)],
        [0 if one else 1 for one in replaced],
    )


def version_of(held: Catalogued | None) -> int:
    """The version of what is at a path, 0 for nothing."""
    return held.entry.version if held is not None else 0


def expect(held: Catalogued | None, version: int, path: str) -> None:
    """Raises ProblemError `changed` if something else is at the path than this version."""
    if version_of(held) != version:
        raise changed(path)


def is_offered(entry: Entry, offer: Offer) -> bool:
    """Whether the entry is exactly what the offer would bring."""
    if offer.target:
        return entry.kind == LINK and entry.target == offer.target
    return (
        entry.kind == FILE
        and bool(offer.hash)
        and (entry.hash, entry.size, entry.mtime_ns) == (offer.hash, offer.size, offer.mtime_ns)
        and entry.mode & PERMISSIONS == offer.mode & PERMISSIONS
    )
