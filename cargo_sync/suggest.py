"""Suggestions for a name that does not exist."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_LONGEST = 100
_SHORT = 4
_NEAR, _NEAR_SHORT = 0.7, 0.65
_CANDIDATES = 5


def did_you_mean(
    name: str, known: Iterable[str], renamed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """`did you mean "nightly"?`, or "" when no known name is similar.

    Args:
        name: what was written. Names of more than 100 characters are not compared.
        known: the names that exist.
        renamed: old names and their new ones.

    A name with dots is compared word by word: `job.remove` is not near `job.events`, although most
    of their letters are the same.
    """
    if len(name) > _LONGEST:
        return ""
    names = [each for each in known if len(each) <= _LONGEST]
    if (new := renamed.get(name)) in names:
        return f'did you mean "{new}"?'
    candidates = difflib.get_close_matches(name, names, n=_CANDIDATES, cutoff=_NEAR_SHORT)
    near = next((each for each in candidates if _is_near(name, each)), None)
    return "" if near is None else f'did you mean "{near}"?'


def _is_near(name: str, known: str) -> bool:
    words, others = name.split("."), known.split(".")
    if len(words) != len(others):
        return _are_alike(name, known)
    return all(_are_alike(word, other) for word, other in zip(words, others, strict=True))


def _are_alike(word: str, other: str) -> bool:
    """Whether the words differ by about one mistake: two letters of three must be the same."""
    least = _NEAR_SHORT if len(word) <= _SHORT else _NEAR
    return difflib.SequenceMatcher(None, other, word).ratio() >= least
