"""Refusals of a WebDAV server and errors of the connection, as problems: translated once, here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.http_problems import connection_problem

_NO_TLS: Final = "should the address in hostname have +http:// instead of +https://?"
_LOCKED: Final = "another program has locked it; try again when it is closed there"
_LIMITED: Final = (
    "it limits the size of a file: LimitRequestBody in Apache, client_max_body_size in nginx"
)
_REASONS: Final[Mapping[int, tuple[Code, str, str, bool]]] = {
    403: (Code.REFUSED, "the server does not allow this: {}", "", True),
    404: (Code.VANISHED, "{} does not exist", "", True),
    405: (Code.UNSUPPORTED, "the server cannot do this with {}", "", True),
    409: (Code.VANISHED, "the folder of {} does not exist", "", True),
    412: (Code.OCCUPIED, "{} is there already", "", True),
    413: (Code.TOO_LARGE, "{} is too large for the server", _LIMITED, False),
    414: (Code.BAD_NAME, "the path {} is too long for the server", "", False),
    415: (Code.UNSUPPORTED, "the server cannot do this with {}", "", True),
    416: (Code.CHANGED, "{} has changed since it was last checked", "", True),
    423: (Code.IN_USE, "{} is locked on the server", _LOCKED, True),
    424: (Code.IN_USE, "something in {} is locked on the server", _LOCKED, True),
    429: (Code.BUSY, "the server has too much to do", "", True),
    501: (Code.UNSUPPORTED, "the server cannot do this with {}", "", False),
    502: (Code.BUSY, "a proxy in front of the server gets no answer from it", "", True),
    503: (Code.BUSY, "the server has too much to do", "", True),
    504: (Code.BUSY, "a proxy in front of the server gets no answer from it", "", True),
    507: (Code.DISK_FULL, "the server has no room for {}", "", True),
}


class WebDavRefusalError(ProblemError):
    """An answer that is not the wanted one.

    status    of the answer
    location  where the server says that it is, "" if it does not
    """

    def __init__(self, problem: Problem, status: int, location: str = "") -> None:
        super().__init__(problem)
        self.status = status
        self.location = location

    def is_to(self, url: str) -> bool:
        """Whether this is a redirect to that URL, also if only its path is said."""
        return bool(self.location) and self.location in (url, urlsplit(url).path)


def refused(status: int, where: str, path: str, location: str = "") -> WebDavRefusalError:
    """The error of an answer that is not the wanted one.

    Args:
        status: of the answer.
        where: the server, for people.
        path: what the request was about, relative to the remote's folder; "" for the folder.
        location: of a redirect.
    """
    return WebDavRefusalError(_of_status(status, where, path), status, location[:4096])


def _of_status(status: int, where: str, path: str) -> Problem:
    name = repr(path) if path else "the folder"
    if status == 401:
        hint = "check username, and password or password_file"
        return Problem(Code.UNAUTHORIZED, f"{where} refuses this login", hint=hint, retry=False)
    if 300 <= status < 400:
        return Problem(
            Code.REFUSED,
            f"{where} says that {name} is somewhere else",
            path,
            hint="set hostname in the job to the address at which it is",
            retry=False,
        )
    if status == 207:
        return Problem(Code.REFUSED, f"the server could do only a part of this with {name}", path)
    code, text, hint, retry = _REASONS.get(status, (Code.REFUSED, "", "", True))
    if not text:
        text = f"the server could not do this with {{}}: it answers {status}"
        hint = "check the log of the server"
    return Problem(code, text.format(name), path, hint, retry)


def no_webdav(why: str) -> ProblemError:
    """The problem of an answer that no WebDAV server would send."""
    return ProblemError(
        Problem(
            Code.BAD_ANSWER,
            f"the server's answer is not valid: {why}",
            hint="check hostname in the job: is it the address of WebDAV, or of a page for people?",
        )
    )


@contextmanager
def translated(where: str) -> Iterator[None]:
    """What aiohttp raises in the block becomes a ProblemError.

    Raises:
        ProblemError: instead of errors of HTTP, TLS and the system.
    """
    try:
        yield
    except (aiohttp.ClientError, OSError, UnicodeError) as error:
        raise ProblemError(connection_problem(error, where, _NO_TLS)) from error
