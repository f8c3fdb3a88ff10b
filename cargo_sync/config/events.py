"""The callbacks of a job: `events` as checked values.

The form is the Cargo client's: an HTTP request for each of four moments of a transfer, whose url and body are
templates over exactly the variables that the moment offers. A template is `{{ NAME }}` and nothing more: no
filters, no statements.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cargo_sync.config.relaxed import Raw
from cargo_sync.config.shape import SeveralError, describe, did_you_mean, wrong

_ALWAYS = ("FILE_NAME", "TRANSFER_ID", "SYNC_NAME", "SYNC_MODE")
VARIABLES: dict[str, tuple[str, ...]] = {
    "onStart": _ALWAYS,
    "onUpdate": (*_ALWAYS, "PROGRESS", "SPEED"),
    "onFinish": (*_ALWAYS, "AVG_SPEED", "DURATION", "LOST_FRAMES", "AVG_RTT"),
    "onError": (*_ALWAYS, "ERROR"),
}
"""event -> what its url and body may name."""

METHODS = ("POST", "GET", "PUT", "DELETE", "UPDATE")

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class EventSettings:
    """One callback.

    event   onStart, onUpdate, onFinish or onError
    method  one of METHODS
    url     with `{{ NAME }}` anywhere but in the scheme and the host
    body    JSON: text may hold `{{ NAME }}`, a `Raw` stands for the value itself; None is no body
    """

    event: str
    method: str
    url: str
    body: Any = None


def read_events(value: Any) -> tuple[EventSettings, ...]:
    """`events` of a job file. Raises SeveralError with everything that is wrong in it."""
    if not isinstance(value, dict):
        raise wrong(f"must be an object, not {describe(value)}")
    errors: list[ValueError] = []
    events: list[EventSettings] = []
    for name, fields in value.items():
        if name not in VARIABLES:
            errors.append(wrong(f"is not an event; {did_you_mean(name, VARIABLES)}", name))
        elif not isinstance(fields, dict):
            errors.append(wrong(f"must be an object, not {describe(fields)}", name))
        elif found := list(_problems(name, fields)):
            errors.extend(found)
        else:
            events.append(EventSettings(name, fields["method"].upper(), fields["url"], fields.get("body")))
    if errors:
        raise SeveralError(errors)
    return tuple(events)


def _problems(event: str, fields: dict[str, Any]) -> Iterator[ValueError]:
    for field in fields:
        if field not in ("method", "url", "body"):
            yield wrong(
                f"is not a field here; {did_you_mean(field, ('method', 'url', 'body'))}", event, field
            )
    method = fields.get("method")
    if not isinstance(method, str):
        yield wrong(
            "is missing" if method is None else f"must be text, not {describe(method)}", event, "method"
        )
    elif method.upper() not in METHODS:
        yield wrong(f'"{method}" is not allowed; allowed are {", ".join(METHODS)}', event, "method")
    elif method.upper() == "POST" and fields.get("body") is None:
        yield wrong("is missing: POST needs one", event, "body")
    url = fields.get("url")
    if not isinstance(url, str):
        yield wrong("is missing" if url is None else f"must be text, not {describe(url)}", event, "url")
    else:
        yield from _url_problems(event, url)
    yield from _template_problems(event, fields.get("body"), "body")


def _url_problems(event: str, url: str) -> Iterator[ValueError]:
    found = list(_template_problems(event, url, "url"))
    yield from found
    if found:
        return
    filler = "\x00"  # survives urlsplit, and stands in no address
    try:
        parts = urlsplit(_TEMPLATE.sub(filler, url.strip()))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        yield wrong("must begin with https:// or http:// and a host", event, "url")
    elif filler in parts.netloc:
        yield wrong("may not hold a variable in its host", event, "url")


def _template_problems(event: str, value: Any, *place: str | int) -> Iterator[ValueError]:
    """What is wrong with the templates in `value`, at any depth of it."""
    if isinstance(value, Raw):
        yield from _name_problems(event, value.name, place)
    elif isinstance(value, str):
        for match in _TEMPLATE.finditer(value):
            yield from _name_problems(event, match[1].strip(), place)
        rest = _TEMPLATE.sub("", value)
        if "{{" in rest:
            yield wrong("has a {{ without its }}", event, *place)
        if "{%" in rest or "{#" in rest:
            yield wrong("may hold {{ NAME }} only, neither {% nor {#", event, *place)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _template_problems(event, key, *place, key)
            yield from _template_problems(event, item, *place, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _template_problems(event, item, *place, index)


def _name_problems(event: str, name: str, place: tuple[str | int, ...]) -> Iterator[ValueError]:
    allowed = VARIABLES[event]
    if name in allowed:
        return
    if _NAME.fullmatch(name):
        reason = f"{event} has no variable {name}"
    elif name:
        reason = f"{{{{ {name} }}}} is not a name; a template names a variable and nothing more"
    else:
        reason = "{{ }} names no variable"
    yield wrong(f"{reason}; allowed are {', '.join(allowed)}", event, *place)
