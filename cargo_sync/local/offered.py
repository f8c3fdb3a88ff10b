"""Offers that are refused whatever is here: all their fields come from the other end."""

from collections.abc import Sequence

from cargo_sync.model import paths
from cargo_sync.model.entries import is_bad_time
from cargo_sync.model.problems import Code, Problem, bad_time
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
        and not is_bad_time(min(times))
        and not is_bad_time(max(times))
        and paths.are_usable(some)
    )


def _refusal(offer: Offer) -> Problem | None:
    if problem := paths.refusal(offer.path):
        return problem
    if reason := _improper(offer):
        return Problem(Code.BAD_PATH, f"{offer.path!r} {reason}", offer.path, retry=False)
    if is_bad_time(offer.mtime_ns) and not offer.target:  # times of links are not kept
        return bad_time(offer.path)
    return None


def _improper(offer: Offer) -> str | None:
    """Why an offer is not valid, or None."""
    if not offer.path:
        return "is the folder itself"
    if not 0 <= offer.size < 2**63:
        return "has an impossible size"
    if "\0" in offer.target or len(offer.target.encode(errors="replace")) >= paths.PATH_BYTES:
        return "has an impossible link target"
    return None
