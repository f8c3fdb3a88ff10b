"""The callbacks of a job, or of a server: `events` as checked values.

The form is that of the Cargo client: an HTTP request for each moment of a transfer, or of the job.
Its url and body are templates with the variables of this moment. A template is `{{ NAME }}` and
nothing more: no filters, no statements.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cargo_sync.config.relaxed import Document, Raw
from cargo_sync.config.secret import Secret
from cargo_sync.config.shape import SeveralError, describe, name_hint, wrong

_JOB = ("SYNC_NAME", "SYNC_MODE")
_ALWAYS = ("FILE_NAME", "TRANSFER_ID", *_JOB)
VARIABLES: dict[str, tuple[str, ...]] = {
    "onStart": _ALWAYS,
    "onUpdate": (*_ALWAYS, "PROGRESS", "SPEED"),
    "onFinish": (*_ALWAYS, "AVG_SPEED", "DURATION", "LOST_FRAMES", "AVG_RTT"),
    "onError": (*_ALWAYS, "ERROR"),
    "onConflict": ("FILE_NAME", *_JOB, "CHOICE", "COPY"),
    "onHeld": (*_JOB, "REASON", "DELETIONS", "OVERWRITES"),
    "onJobError": (*_JOB, "ERROR"),
    "onIdle": (*_JOB, "FILES", "BYTES", "DURATION"),
}
"""From an event of a job to the variables for its url and body."""

_FILE = (
    "FILE_NAME",
    "SIZE",
    "HASH",
    "VERSION",
    "WORKSPACE",
    "USER",
    "ADDRESS",
    "ORIGIN",
    "TIME",
)
SERVER_VARIABLES: dict[str, tuple[str, ...]] = {
    "onUploaded": (*_FILE, "AVG_SPEED"),
    "onDownloaded": (*_FILE, "AVG_SPEED"),
    "onDeleted": _FILE,
    "onLogin": ("USER", "ADDRESS", "TIME"),
    "onQuota": ("USER", "WORKSPACE", "PERCENT", "REASON", "TIME"),
}
"""The same of a server."""
_ALL = VARIABLES | SERVER_VARIABLES

METHODS = ("POST", "GET", "PUT", "DELETE", "UPDATE")
KEY_PREFIX = "whsec_"
"""A secret with this prefix is base64 of the key, as in Standard Webhooks; any other secret is the
key itself."""

_FIELDS = ("method", "url", "body", "headers", "secret")
_FIELDS_OF_FILES = (*_FIELDS, "paths")
"""Of the events of a server that are about a file."""
_OURS = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
)
"""Headers that the request sets itself."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class EventSettings:
    """One callback.

    event    onStart, onUpdate, …: one of VARIABLES
    method   one of METHODS
    url      with `{{ NAME }}` anywhere except in the scheme and the host
    body     JSON: a text may contain `{{ NAME }}`, a `Raw` becomes the value itself; None for no
        body
    headers  (name, value); values are often secrets
    secret   signs the request; None for no signature
    paths    of a server's event about a file: patterns, one of which the path must match; none for
        all files
    """

    event: str
    method: str
    url: str
    body: Any = None
    headers: tuple[tuple[str, Secret], ...] = field(default=(), repr=False)
    secret: Secret | None = None
    paths: tuple[str, ...] = ()


def read_events(value: Any) -> tuple[EventSettings, ...]:
    """Reads `events` of a job file.

    Raises:
        SeveralError: with all problems in it.
    """
    return _read(value, VARIABLES)


def read_server_events(value: Any) -> tuple[EventSettings, ...]:
    """Reads `events` of a server's file.

    Raises:
        SeveralError: with all problems in it.
    """
    return _read(value, SERVER_VARIABLES)


def _read(value: Any, known: Mapping[str, tuple[str, ...]]) -> tuple[EventSettings, ...]:
    if not isinstance(value, dict):
        raise wrong(f"must be an object, not {describe(value)}")
    errors: list[ValueError] = []
    events: list[EventSettings] = []
    for name, fields in value.items():
        if name not in known:
            errors.append(wrong(f"is not an event; {name_hint(name, known)}", name))
        elif not isinstance(fields, dict):
            errors.append(wrong(f"must be an object, not {describe(fields)}", name))
        elif found := list(_problems(name, fields)):
            errors.extend(found)
        else:
            events.append(_event(name, fields))
    if errors:
        raise SeveralError(errors)
    return tuple(events)


def _event(name: str, fields: dict[str, Any]) -> EventSettings:
    secret = fields.get("secret")
    return EventSettings(
        name,
        fields["method"].upper(),
        fields["url"].strip(),
        fields.get("body"),
        tuple((header, Secret(value)) for header, value in fields.get("headers", {}).items()),
        None if secret is None else Secret(secret),
        tuple(fields.get("paths", ())),
    )


def _problems(event: str, fields: dict[str, Any]) -> Iterator[ValueError]:
    known = _FIELDS_OF_FILES if "FILE_NAME" in SERVER_VARIABLES.get(event, ()) else _FIELDS
    for name in fields:
        if name not in known:
            yield wrong(f"is not a field here; {name_hint(name, known)}", event, name)
    method = fields.get("method")
    if not isinstance(method, str):
        yield wrong(
            "is missing" if method is None else f"must be text, not {describe(method)}",
            event,
            "method",
        )
    elif method.upper() not in METHODS:
        yield wrong(f'"{method}" is not allowed; allowed are {", ".join(METHODS)}', event, "method")
    elif method.upper() == "POST" and fields.get("body") is None:
        yield wrong("is missing: POST needs one", event, "body")
    url = fields.get("url")
    if not isinstance(url, str):
        yield wrong(
            "is missing" if url is None else f"must be text, not {describe(url)}", event, "url"
        )
    else:
        yield from _url_problems(event, url)
    yield from _template_problems(event, fields.get("body"), "body")
    yield from _header_problems(event, fields.get("headers", {}))
    if "secret" in fields:
        yield from _secret_problems(event, fields["secret"])
    if "paths" in known:
        yield from _paths_problems(event, fields.get("paths", []))


def _header_problems(event: str, headers: Any) -> Iterator[ValueError]:
    if not isinstance(headers, dict):
        yield wrong(f"must be an object of texts, not {describe(headers)}", event, "headers")
        return
    seen: set[str] = set()
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            yield wrong("is not the name of a header", event, "headers", name)
        elif name.lower() in _OURS:
            yield wrong("is set by the request itself", event, "headers", name)
        elif name.lower() in seen:
            yield wrong("is there twice; upper and lower case are the same", event, "headers", name)
        elif not isinstance(value, str):
            yield wrong(f"must be text, not {describe(value)}", event, "headers", name)
        elif not value.isascii() or not value.isprintable():
            yield wrong("may contain only printable ASCII characters", event, "headers", name)
        elif "{{" in value:
            yield wrong("may not contain a variable; url and body may", event, "headers", name)
        seen.add(name.lower())


def _paths_problems(event: str, paths: Any) -> Iterator[ValueError]:
    if not isinstance(paths, list):
        yield wrong(f"must be a list of texts, not {describe(paths)}", event, "paths")
        return
    for index, path in enumerate(paths):
        if not isinstance(path, str):
            yield wrong(f"must be text, not {describe(path)}", event, "paths", index)
        elif not path.strip("/"):
            yield wrong("is empty; without paths it is about all files", event, "paths", index)


def _secret_problems(event: str, secret: Any) -> Iterator[ValueError]:
    if not isinstance(secret, str):
        yield wrong(f"must be text, not {describe(secret)}", event, "secret")
    elif not secret:
        yield wrong("is empty", event, "secret")
    elif secret.startswith(KEY_PREFIX):
        try:
            empty = not base64.b64decode(secret.removeprefix(KEY_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            empty = True
        if empty:
            yield wrong(f"what follows {KEY_PREFIX} must be base64", event, "secret")


def holds_key(document: Document, event: EventSettings) -> bool:
    """Whether the file itself, not the environment, contains a secret of the callback."""
    written = document.value["events"][event.event]
    keys = [(written.get("secret"), event.secret)]
    keys += [(written.get("headers", {}).get(name), value) for name, value in event.headers]
    return any(key is not None and text == key.reveal() for text, key in keys)


def unusual_secrets(events: Iterable[EventSettings]) -> str | None:
    """A warning about secrets that the libraries of Standard Webhooks cannot use, or None."""
    unusual = [
        event.event
        for event in events
        if event.secret is not None and not event.secret.reveal().startswith(KEY_PREFIX)
    ]
    if not unusual:
        return None
    return (
        f"the secret of {', '.join(unusual)} does not begin with {KEY_PREFIX}: the libraries of"
        f' Standard Webhooks cannot verify such signatures; write "{KEY_PREFIX}" and the key in'
        " base64"
    )


def _url_problems(event: str, url: str) -> Iterator[ValueError]:
    found = list(_template_problems(event, url, "url"))
    yield from found
    if found:
        return
    filler = "\x00"  # survives urlsplit, and is in no address
    try:
        parts = urlsplit(_TEMPLATE.sub(filler, url.strip()))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        yield wrong("must begin with https:// or http:// and a host", event, "url")
    elif filler in parts.netloc:
        yield wrong("may not contain a variable in its host", event, "url")


def _template_problems(event: str, value: Any, *place: str | int) -> Iterator[ValueError]:
    """The problems of the templates in `value`, at any depth."""
    if isinstance(value, Raw):
        yield from _name_problems(event, value.name, place)
    elif isinstance(value, str):
        for match in _TEMPLATE.finditer(value):
            yield from _name_problems(event, match[1].strip(), place)
        rest = _TEMPLATE.sub("", value)
        if "{{" in rest:
            yield wrong("has a {{ without its }}", event, *place)
        if "{%" in rest or "{#" in rest:
            yield wrong("may contain only {{ NAME }}, not {% or {#", event, *place)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _template_problems(event, key, *place, key)
            yield from _template_problems(event, item, *place, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _template_problems(event, item, *place, index)


def _name_problems(event: str, name: str, place: tuple[str | int, ...]) -> Iterator[ValueError]:
    allowed = _ALL[event]
    if name in allowed:
        return
    if _NAME.fullmatch(name):
        reason = f"{event} has no variable {name}"
    elif name:
        reason = f"{{{{ {name} }}}} is not a name; a template names a variable and nothing more"
    else:
        reason = "{{ }} has no name"
    yield wrong(f"{reason}; allowed are {', '.join(allowed)}", event, *place)
