"""What somebody may have meant who wrote a name that there is not."""

import difflib
from collections.abc import Iterable

_LONGEST = 100


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean "nightly"?`, or "" when nothing is near. Looks at no name of more than 100
    characters."""
    if len(name) > _LONGEST:
        return ""
    near = difflib.get_close_matches(name, [each for each in known if len(each) <= _LONGEST], n=1)
    return f'did you mean "{near[0]}"?' if near else ""
