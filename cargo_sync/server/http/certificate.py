"""The certificate that a server shows: that of its file, or one that it makes itself."""

import datetime
import socket
from collections.abc import Sequence

from cargo_sync.config.server import ServerSettings
from cargo_sync.process import tls


def certificate_of(settings: ServerSettings) -> tls.Certificate:
    """Reads or makes it. It blocks. Raises ProblemError."""
    if settings.tls is not None:
        return tls.own(settings.tls.cert, settings.tls.key)
    addresses: Sequence[str | None] = (settings.host, settings.private_ip, settings.public_ip)
    reached = [one for one in addresses if one and one not in ("0.0.0.0", "::")]  # noqa: S104
    names = ["localhost", socket.gethostname(), "127.0.0.1", "::1", *reached]
    return tls.self_made(settings.state_dir, names, datetime.datetime.now(datetime.UTC))
