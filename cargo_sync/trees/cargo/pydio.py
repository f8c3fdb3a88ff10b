"""Telling a Pydio server from ours, by how it answers a login that it does not know.

Pydio 6 to 8: errors come with status 200 and `<message type="ERROR">`; a wrong login is 401 with
the realm "Pydio API"; its pages name themselves.
"""

from collections.abc import Mapping
from typing import Final

from cargo_sync.model.problems import Code, Problem

_MARKS: Final = (b'<message type="error"', b"pydio", b"ajxp")


def is_pydio(headers: Mapping[str, str], content: bytes) -> bool:
    """Whether an answer is a Pydio server's; `content` may be its beginning."""
    if "pydio" in headers.get("WWW-Authenticate", "").lower():
        return True
    return not content.lstrip().startswith(b"{") and any(mark in content.lower() for mark in _MARKS)


def problem(where: str) -> Problem:
    """What a person is told who gave the address of one; `where` is its host."""
    return Problem(
        Code.PYDIO_SERVER,
        f"{where} is a Pydio server, and not a Cargo server",
        hint="start `cargo_sync server` beside it, on its files' folder, and give the job that address",
        retry=False,
    )
