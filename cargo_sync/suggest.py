"""Suggestions for a name that does not exist."""

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_LONGEST = 100


def did_you_mean(
    name: str, known: Iterable[str], renamed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """`did you mean "nightly"?`, or "" when no known name is similar.

    Args:
        name: what was written. Names of more than 100 characters are not compared.
        known: the names that exist.
        renamed: old names and their new ones.
    """
    if len(name) > _LONGEST:
        return ""
    names = [each for each in known if len(each) <= _LONGEST]
    if (new := renamed.get(name)) in names:
        return f'did you mean "{new}"?'
    near = difflib.get_close_matches(name, names, n=1)
    return f'did you mean "{near[0]}"?' if near else ""
