"""Templates: `{{ NAME }}` in a body and in a url becomes a value, which can do nothing but stand
there.

What is filled in is never looked at again: a file named `{{ ERROR }}` arrives as that name. A
template was checked when its file was loaded (`config/events`): it names a variable and nothing
more.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from cargo_sync.config.relaxed import Raw

_TEMPLATE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_WRITTEN: Final = "%/:?#[]@!$&'()*+,;=~"
"""What the author of a url may have written on purpose; the rest (spaces, é) is percent-encoded."""


def in_body(body: Any, variables: Mapping[str, object]) -> bytes:
    """The body as JSON. A `Raw` is the variable's value; within text it is that value as text.

    A variable that there is not (what waits may be older than the release that offers it) is null.
    """
    text = json.dumps(_filled(body, variables), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def in_url(url: str, variables: Mapping[str, object]) -> str:
    """The url, every variable percent-encoded, slashes too: a name is one step of a path, or one
    value."""
    parts = []
    at = 0
    for match in _TEMPLATE.finditer(url):
        parts.append(quote(url[at : match.start()], safe=_WRITTEN))
        parts.append(quote(_text(variables.get(match[1])), safe="", errors="backslashreplace"))
        at = match.end()
    parts.append(quote(url[at:], safe=_WRITTEN))
    return "".join(parts)


def _filled(value: Any, variables: Mapping[str, object]) -> Any:
    match value:
        case Raw():
            return variables.get(value.name)
        case str():
            return _TEMPLATE.sub(lambda match: _text(variables.get(match[1])), value)
        case dict():
            return {
                _filled(key, variables): _filled(item, variables) for key, item in value.items()
            }
        case list():
            return [_filled(item, variables) for item in value]
        case float() if not math.isfinite(value):
            return None  # JSON5 has these numbers, JSON does not
        case _:
            return value


def _text(value: Any) -> str:
    """A value within text; null is none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
