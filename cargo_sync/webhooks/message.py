"""One request: from an event's settings and variables to method, URL, headers and body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cargo_sync.config.events import EventSettings
from cargo_sync.webhooks.signature import signature
from cargo_sync.webhooks.templates import in_body, in_url


@dataclass(frozen=True, slots=True)
class Message:
    """A request. URL and headers may hold secrets: `repr` shows neither."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def message(
    settings: EventSettings, id: str, variables: Mapping[str, object], now: float
) -> Message:
    """The request for an event.

    Args:
        settings: the event's section in the job file.
        id: the same at every attempt.
        variables: by name, for the templates.
        now: time of the attempt, in unix seconds.
    """
    body = None if settings.body is None else in_body(settings.body, variables)
    headers = {name: value.reveal() for name, value in settings.headers}
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    headers |= {"webhook-id": id, "webhook-timestamp": str(int(now))}
    if settings.secret is not None:
        headers["webhook-signature"] = signature(
            settings.secret.reveal(), id, int(now), body or b""
        )
    return Message(settings.method, in_url(settings.url, variables), headers, body)


def host_of(settings: EventSettings) -> str:
    """The `host:port` that a callback goes to: such a host fails or works as a whole."""
    parts = urlsplit(settings.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname or ''}:{port}"
