"""Paths below a folder as URLs, and the hrefs of the server's answers as paths.

An href may be a path or a whole URL, and percent-encoded in many ways. It is cut at each "/" before
it is decoded, once: so a name with %2F in it stays one name, which no tree can hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from unicodedata import normalize
from urllib.parse import quote, unquote, urljoin, urlsplit

from cargo_sync.model.problems import Code, Problem, ProblemError

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WebDavPlace:
    """A folder on a server.

    origin  `https://host:port` or `http://…`
    path    of the folder there, decoded: `a/b`, or ""
    """

    origin: str
    path: str

    def url(self, path: str, *, folder: bool = False) -> str:
        """The URL of a path below the folder; that of a folder ends with a "/".

        Raises:
            ProblemError: `bad_name`: it is not UTF-8.
        """
        whole = "/".join(part for part in (self.path, path) if part)
        try:
            encoded = quote(whole)
        except UnicodeEncodeError as error:
            message = f"{path!r} is not UTF-8, which a URL must be"
            raise ProblemError(Problem(Code.BAD_NAME, message, path, retry=False)) from error
        return f"{self.origin}/{encoded}" + ("/" if folder and encoded else "")

    def below(self, path: str) -> Sequence[str]:
        """The names on the way from the top of the server to a path."""
        return [part for part in f"{self.path}/{path}".split("/") if part]

    def above(self) -> "WebDavPlace":
        """The folder in which this one is."""
        return replace(self, path=self.path.rpartition("/")[0])

    def redirected(self, location: str) -> "WebDavPlace | None":
        """Where the folder is if the server says that it is there.

        None if that is another server, or the way there is less safe: the password goes with us.
        """
        target = urlsplit(urljoin(self.url("", folder=True), location))
        ours, theirs = _origin(self.origin), _origin(f"{target.scheme}://{target.netloc}")
        is_same = ours == theirs
        becomes_safe = ours[0] == "http" and theirs[0] == "https" and ours[1] == theirs[1]
        if not (is_same or becomes_safe) or target.query or "@" in target.netloc:
            return None
        try:
            path = "/".join(names_of(target.path))
        except UnicodeDecodeError:
            return None
        return WebDavPlace(f"{target.scheme}://{target.netloc}", path)

    def is_ours(self, href: str) -> bool:
        """Whether an href is on our server, as far as it says so.

        Behind a proxy a server may write another scheme or port than we use.
        """
        if not href.startswith(("http://", "https://")):
            return href.startswith("/")
        return _origin(href)[1] == _origin(self.origin)[1]


def names_of(href: str) -> Sequence[str]:
    """The names in the path of an href, each decoded once.

    Raises:
        UnicodeDecodeError: one is not UTF-8.
    """
    # A path is not given to urlsplit, for which "//a" names a host.
    path = urlsplit(href).path if href.startswith(("http://", "https://")) else href
    trimmed = path.strip("/")
    return [unquote(part, errors="strict") for part in trimmed.split("/")] if trimmed else []


def same_names(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both are one way, also if a server writes its accents in another form."""
    return one == other or (
        len(one) == len(other)
        and all(normalize("NFC", a) == normalize("NFC", b) for a, b in zip(one, other, strict=True))
    )


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; a port of 0 if there is none that could be."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    return parts.scheme, parts.hostname or "", port
