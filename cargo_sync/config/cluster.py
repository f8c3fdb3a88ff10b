"""The `cluster` object of a server's file: several servers share its database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from cargo_sync.config import places
from cargo_sync.config.fields import Segment
from cargo_sync.config.shape import Shape, wrong


class ClusterShape(Shape):
    """The form of the `cluster` object."""

    name: Segment | None = Field(None, description='1 to 100 characters without "/" and ":"')
    address: Annotated[str, AfterValidator(places.base_url)] | None = Field(
        None, description="a URL such as https://files-a.example.com:8443"
    )


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """One of several servers on one database.

    name     what it is called; None for the name of its machine
    address  of its own API, past the balancer; None for that of `public_ip` and its port
    """

    name: str | None = None
    address: str | None = None


def cluster_errors(data: Mapping[str, object]) -> Iterator[ValueError]:
    """What several servers need that a file does not say; `data` are its other fields."""
    if "database" in data and data["database"] is None:
        yield wrong('needs "database": what the servers share is in a PostgreSQL')
    if "tls" in data and data["tls"] is None and not data.get("plain"):
        yield wrong(
            'needs "tls", with the same certificate on every server: a certificate that each makes '
            "for itself is another one after each request through the balancer"
        )
    if "public_ip" in data and data["public_ip"] is None:
        yield wrong(
            'needs "public_ip", the address of this server alone: files go past the balancer to '
            "the server that was asked for them"
        )
