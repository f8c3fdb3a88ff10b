"""Recognises a Pydio server by its answer to a login that it does not know.

Pydio 6 to 8: errors come with status 200 and `<message type="ERROR">`; a wrong login is 401 with
the realm "Pydio API"; its pages contain its name.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from cargo_sync.model.problems import Code, Problem

_MARKS: Final = (b'<message type="error"', b"pydio", b"ajxp")


def is_pydio(headers: Mapping[str, str], content: bytes) -> bool:
    """Whether an answer is from a Pydio server; `content` may be only its beginning."""
    if "pydio" in headers.get("WWW-Authenticate", "").lower():
        return True
    return not content.lstrip().startswith(b"{") and any(mark in content.lower() for mark in _MARKS)


def problem(url: str) -> Problem:
    """The problem of a job or a client with the address `url`, where a Pydio server answers."""
    return Problem(
        Code.PYDIO_SERVER,
        f"{urlsplit(url).netloc} is a Pydio server, not a Cargo server",
        hint=f"set hostname in the job to pydio+{url}, with the path of Pydio, and "
        "workspace to the id or alias of a workspace",
        retry=False,
    )
