"""The `database` of a server's file: the address of a PostgreSQL that has its state.

The address is a URL as libpq takes it. The password is best left to libpq's own means, a `passfile`
or the environment. To another machine the connection is encrypted and the certificate is checked,
unless the URL says something else.
"""

import re
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BeforeValidator

from cargo_sync.config import places
from cargo_sync.config.shape import describe, wrong

FORM: Final = "a URL such as postgresql://cargo@db.example.com/cargo"
_SCHEMES: Final = ("postgresql", "postgres")
_CHECKED: Final = (("sslmode", "verify-full"), ("sslrootcert", "system"))
_HALF_WRITTEN: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::\d{0,5})?")
_PASSWORDS: Final = frozenset({"password", "sslpassword"})


def _database(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be {FORM}, not {describe(value)}")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise wrong(f"is not {FORM}") from None
    if parts.scheme not in _SCHEMES or len(parts.path) < 2:
        raise wrong(f"must be {FORM}")
    login, _, hosts = parts.netloc.rpartition("@")
    found = [_HOST.fullmatch(one) for one in hosts.split(",")]
    if "@" in login + parts.path or parts.fragment or not all(found):
        raise wrong(f"is not {FORM}; in a user or password, @ is written %40, / %2F and # %23")
    if _HALF_WRITTEN.search(value):
        raise wrong("has a % without two digits after it; a % is written %25")
    named = dict(parse_qsl(parts.query, keep_blank_values=True))
    by_name = [unquote(one[1]).strip("[]") for one in found if one]
    if "host" in named:
        by_name = named["host"].split(",")
    by_number = named.get("hostaddr", "").split(",")
    if "sslmode" in named or all(map(_is_near, by_name + by_number)):
        return value
    added = "&".join(f"{name}={text}" for name, text in _CHECKED if name not in named)
    return f"{value}{'&' if parts.query else '?'}{added}"  # the rest stays as it was written


def _is_near(host: str) -> bool:
    """Whether a host is this machine, or the folder of a socket on it; "": none is named."""
    return not host or host.startswith("/") or places.is_loopback(host)


def has_password(address: str) -> bool:
    """Whether a URL says the password itself, in one of the two places for it."""
    parts = urlsplit(address)
    named = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return ":" in parts.netloc.rpartition("@")[0] or not named.isdisjoint(_PASSWORDS)


DatabaseAddress = Annotated[str, BeforeValidator(_database)]
"""The URL with what it leaves out of the encryption."""
