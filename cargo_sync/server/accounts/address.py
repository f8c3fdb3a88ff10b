"""Where a request comes from."""

from typing import NamedTuple


class ClientAddress(NamedTuple):
    """Where a request comes from.

    ip      of the client: of the peer, or behind trusted proxies what they say
    host    the name or address that the client used for this server, without a port
    secure  whether the client's end of the connection is TLS
    """

    ip: str
    host: str
    secure: bool
