"""Whether to trust a server's certificate: the decision, and the texts for it.

A certificate that an authority of this system has signed is trusted. For any other certificate the
user is asked once, at a terminal, and its fingerprint is kept. If it changes later, it is refused.
"""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from cargo_sync.api.messages import JsonObject


class TrustVerdict(Enum):
    """What to do about a server's certificate."""

    GO_ON = "go on"
    """Open the session with this fingerprint; "" if none is needed."""
    ASK = "ask"
    """The user must say whether the fingerprint is right."""
    ASK_PLAIN = "ask plain"
    """The user must allow a connection without encryption."""
    CHANGED = "changed"
    UNKNOWN = "unknown"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Trust:
    """The decision, and the fingerprint that the server must have; "" for none."""

    verdict: TrustVerdict
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class SeenServer:
    """What answers at an address, from the result of `session.look`.

    kind         "cargo", or the kind of another server
    sealed       whether the connection uses TLS
    trusted      whether an authority of this system has signed the certificate
    fingerprint  SHA-256 of the certificate, "" without TLS
    message      what answers, in a sentence
    """

    url: str
    kind: str = ""
    sealed: bool = False
    trusted: bool = False
    fingerprint: str = ""
    message: str = ""


def seen_server(look: JsonObject, url: str) -> SeenServer:
    """The server in the answer of `session.look` for `url`."""
    return SeenServer(
        str(look.get("url") or url),
        str(look.get("kind") or ""),
        look.get("sealed") is True,
        look.get("trusted") is True,
        str(look.get("fingerprint") or ""),
        str(look.get("message") or ""),
    )


def decide(
    look: SeenServer,
    known: str,
    *,
    given: str = "",
    ca_file: str = "",
    allow_plain: bool = False,
    terminal: bool = False,
) -> Trust:
    """What to do about a server.

    known     the fingerprint that was kept for it, "" for none
    given     --tls-fingerprint; it is held against the certificate when the session opens
    terminal  there is a person to ask
    """
    seen = look.fingerprint
    if given or ca_file:
        return Trust(TrustVerdict.GO_ON, given)
    if not look.sealed:
        if allow_plain or is_loopback(look.url):
            return Trust(TrustVerdict.GO_ON)
        return Trust(TrustVerdict.ASK_PLAIN if terminal else TrustVerdict.PLAIN)
    if look.trusted:
        return Trust(TrustVerdict.GO_ON)
    if known:
        return Trust(TrustVerdict.GO_ON if known == seen else TrustVerdict.CHANGED, seen)
    return Trust(TrustVerdict.ASK if terminal else TrustVerdict.UNKNOWN, seen)


def place_of(url: str) -> str:
    """`host:port` of an address, as in `known_servers`."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port}" if parts.port else shown


def is_loopback(url: str) -> bool:
    """Whether a connection to `url` stays on this machine."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    return host in ("localhost", "::1") or (
        host.startswith("127.") and host.replace(".", "").isdigit()
    )


@dataclass(frozen=True, slots=True)
class TrustQuestions:
    """What the user is asked about a server, in one language.

    `{place}` is its `host:port`, `{fingerprint}` that of its certificate.

    first_time  about a certificate that was not seen before
    plain       about a connection without encryption
    choice      what may be answered, after a question
    yes         answers that mean yes
    not_trusted, not_plain  what is said after another answer
    """

    first_time: str
    plain: str
    choice: str
    yes: tuple[str, ...]
    not_trusted: str
    not_plain: str


_PLAIN = "the connection to {place} is not encrypted: others could read the password and all files"
ENGLISH = TrustQuestions(
    "You connect to {place} for the first time. No known authority has signed its certificate:\n"
    "  sha256:{fingerprint}\n"
    "The server prints its fingerprint when it starts. Is it the same?",
    f"{_PLAIN[0].upper()}{_PLAIN[1:]}. Continue anyway?",
    "[y/N]",
    ("y", "yes"),
    "{place} is not trusted",
    "the connection to {place} is not encrypted",
)


def changed(place: str, known: str, seen: str, file: str) -> tuple[str, str]:
    """Message and hint about a server with another certificate than before."""
    return (
        f"THE CERTIFICATE OF {place} HAS CHANGED: "
        "somebody may be listening, or the server has a new one.\n"
        f"  it was  sha256:{known}\n"
        f"  it is   sha256:{seen}\n"
        "No password was sent.",
        "ask the person who runs the server; "
        f"if the new certificate is right, remove the line of {place} from {file}",
    )


def unknown(place: str, fingerprint: str) -> tuple[str, str]:
    """Message and hint about a new certificate if there is no user to ask."""
    return (
        f"no known authority has signed the certificate of {place}, "
        "and there is no terminal to ask:\n"
        f"  sha256:{fingerprint}",
        "if the server prints the same fingerprint when it starts, "
        f"give --tls-fingerprint {fingerprint}; or give --ca-file FILE",
    )


def plain(place: str) -> tuple[str, str]:
    """Message and hint about a server without encryption."""
    return (
        _PLAIN.format(place=place),
        "use https://, or --allow-plain if the network is your own",
    )
