"""Templates: a value replaces `{{ NAME }}` in a body and in a URL.

A value is never searched for templates: a file named `{{ ERROR }}` arrives under that name. Each
template was checked when the job file was loaded (`config/events`): it names a variable and
nothing more.
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
"""What the author of a URL may write on purpose; the rest (spaces, é) is percent-encoded."""


def in_body(body: Any, variables: Mapping[str, object]) -> bytes:
    """The body as JSON. A `Raw` becomes the variable's value; in a text it is that value as text.

    An unknown variable becomes null: a stored callback may be older than the release that has it.
    """
    text = json.dumps(_filled(body, variables), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def in_url(url: str, variables: Mapping[str, object]) -> str:
    """The URL with every variable percent-encoded, slashes too.

    So a variable is always one step of a path, or one value of a query.
    """
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
    """A value as part of a text; null becomes ""."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
