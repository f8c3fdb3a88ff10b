"""Offers that are refused whatever is here: all their fields come from the other end."""

from collections.abc import Sequence

from cargo_sync.model import paths
from cargo_sync.model.entries import EARLIEST, LATEST
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Offer


def refused(offers: Sequence[Offer]) -> dict[int, Problem]:
    """Why offers are not valid, by index; nothing for those that are."""
    if not offers or _are_ordinary(offers):
        return {}
    found = {index: _refusal(offer) for index, offer in enumerate(offers)}
    return {index: problem for index, problem in found.items() if problem is not None}


def _are_ordinary(offers: Sequence[Offer]) -> bool:
    """Whether all are files that are valid; False also if each must be looked at."""
    some, sizes, times, *_, targets, _ = zip(*offers, strict=True)
    return (
        all(some)
        and not any(targets)
        and 0 <= min(sizes) <= max(sizes) < 2**63
        and EARLIEST <= min(times) <= max(times) <= LATEST
        and paths.are_usable(some)
    )


def _refusal(offer: Offer) -> Problem | None:
    if problem := paths.refusal(offer.path):
        return problem
    if reason := _improper(offer):
        return Problem(Code.BAD_PATH, f"{offer.path!r} {reason}", offer.path, retry=False)
    return None


def _improper(offer: Offer) -> str | None:
    """Why an offer is not valid, or None."""
    if not offer.path:
        return "is the folder itself"
    if not 0 <= offer.size < 2**63:
        return "has an impossible size"
    if not EARLIEST <= offer.mtime_ns <= LATEST:
        return "has an impossible time"
    if "\0" in offer.target or len(offer.target.encode(errors="replace")) >= paths.PATH_BYTES:
        return "has an impossible link target"
    return None
