"""The `database` of a server's file: the address of a PostgreSQL that has its state.

The address is a URL as libpq takes it. The password is best left to libpq's own means, a `passfile`
or the environment. To another machine the connection is encrypted and the certificate is checked,
unless the URL says something else.
"""

from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BeforeValidator

from cargo_sync.config import places
from cargo_sync.config.shape import describe, wrong

FORM: Final = "a URL such as postgresql://cargo@db.example.com/cargo"
_SCHEMES: Final = ("postgresql", "postgres")
_CHECKED: Final = (("sslmode", "verify-full"), ("sslrootcert", "system"))


def _database(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be {FORM}, not {describe(value)}")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise wrong(f"is not {FORM}") from None
    if parts.scheme not in _SCHEMES or len(parts.path) < 2:
        raise wrong(f"must be {FORM}")
    options = parse_qsl(parts.query)
    named = dict(options)
    host = named.get("host", parts.hostname or "")
    if not host or host.startswith("/") or places.is_loopback(host) or "sslmode" in named:
        return value
    added = [(name, text) for name, text in _CHECKED if name not in named]
    return urlunsplit(parts._replace(query=urlencode([*options, *added])))


DatabaseAddress = Annotated[str, BeforeValidator(_database)]
"""The URL with what it leaves out of the encryption."""
