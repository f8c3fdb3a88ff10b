"""Which daemons and servers the page shows, and what it calls them."""

import os
from collections.abc import Iterable, Mapping, Sequence

from cargo_ctl.web.source import Place
from cargo_sync.api.addresses import DAEMON, SERVER
from cargo_sync.api.keys import is_key_name


class PlaceError(Exception):
    """A choice that cannot be; the text is for people."""


def named(connects: Iterable[str]) -> Sequence[Place]:
    """Places from texts `[NAME=]PLACE`. Raises PlaceError."""
    places: dict[str, Place] = {}
    for text in connects:
        name, is_named, connect = text.partition("=")
        if not (is_named and connect and is_key_name(name)):
            name, connect = called(text), text
        if name in places:
            raise PlaceError(
                f'two of the daemons and servers are called "{name}": '
                f"name one of them, such as --connect {name}-2={connect}"
            )
        places[name] = Place(name, connect)
    return tuple(places.values())


def usual(env: Mapping[str, str]) -> Sequence[Place]:
    """What is shown if nobody says: this user's daemon, or that of $CARGO_CONTROL, and server."""
    chosen = env.get("CARGO_CONTROL")
    daemon = Place(called(chosen), chosen) if chosen else Place(DAEMON, DAEMON, usual=True)
    return (daemon, Place(SERVER, SERVER, usual=True, kind=SERVER))


def called(connect: str) -> str:
    """The name of a place that nobody named."""
    if connect.startswith("tcp://"):
        return connect.removeprefix("tcp://")
    path = connect.removeprefix("ipc://").rstrip("/").removesuffix("/commands")
    return os.path.basename(path).removesuffix(".key") or connect
