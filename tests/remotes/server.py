"""What a kind of server tells about itself: the types that are shared by all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

TESTS: Final = Path(__file__).parents[2]
"""Where `tests` is: those servers are run from there that were written for the tests."""


class MissingError(Exception):
    """A server cannot be had on this machine; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Login:
    """How one logs in, and what proves that it is this server.

    user, password  on S3 the access key and its secret; no password: a key is asked for
    key_file        a private key, in OpenSSH's format
    host_key        `SHA256:…` of the server's key for SSH
    certificate     the server's own certificate, a PEM file
    """

    user: str
    password: str = field(default="", repr=False)
    key_file: Path | None = None
    host_key: str | None = None
    certificate: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket or folder of a server, empty when it was made.

    url     a `hostname` of a job
    stored  the folder on disk with what is really stored there, or None
    """

    url: str
    stored: Path | None


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a server shows that it is ready: what a client sends, and how its answer begins."""

    expected: bytes
    sent: bytes = b""


SMALL: Final = 4 * 2**20
HTTP: Final = Greeting(b"HTTP/1.", b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
SSH: Final = Greeting(b"SSH-2.0")
FTP: Final = Greeting(b"220")


@dataclass(frozen=True, slots=True)
class Setup:
    """A server that is ready to be started.

    command, environment  of its program, which stays in the foreground; the environment is added
    greeting              what its port answers as soon as it is ready
    url                   of its root, without a slash at its end; places are below it
    make_place            makes a place of this name and returns where it is stored, or None
    also                  other ports that have to greet before it is ready
    small                 name of a folder beside the places that is a disk of its own of `SMALL`
                          bytes; "" if there is none
    """

    command: tuple[str, ...]
    greeting: Greeting
    url: str
    login: Login
    make_place: Callable[[str], Path | None]
    environment: Mapping[str, str] = field(default_factory=dict)
    also: tuple[int, ...] = ()
    small: str = ""


class Server(Protocol):
    """A kind of server."""

    @property
    def name(self) -> str: ...

    def version(self) -> str:
        """Asked of the program.

        Raises:
            MissingError: it cannot be had.
        """

    def set_up(self, folder: Path, port: int) -> Setup:
        """Writes its settings and folders into `folder`, which is its own.

        Raises:
            MissingError: it cannot be had.
        """


def place_name(number: int) -> str:
    """The name of a server's place; the first one has the number 1."""
    return f"place-{number}"


def folders_in(root: Path) -> Callable[[str], Path]:
    """Makes places that are folders of the disk; makes `root`, too."""
    root.mkdir(exist_ok=True)

    def make(name: str) -> Path:
        place = root / name
        place.mkdir()
        return place

    return make
