"""One request: an event's settings and what happened -> method, url, headers, body."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cargo_sync.config.events import EventSettings
from cargo_sync.webhooks.signature import signature
from cargo_sync.webhooks.templates import in_body, in_url


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. Addresses and headers may hold keys: `repr` shows none."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def message(
    settings: EventSettings, id: str, variables: Mapping[str, object], now: float
) -> Message:
    """Args:
    id: the same at every attempt.
    now: of the attempt, unix seconds.
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
    """`host:port` that a callback goes to: what fails as a whole, fails together."""
    parts = urlsplit(settings.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname or ''}:{port}"
